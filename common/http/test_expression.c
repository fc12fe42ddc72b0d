/* I4, I6, I23: texts with variables, cookies, fields; what is unknown or missing is empty. */
#include "expression.h"

#include "check.h"

#define TEXT(literal) {(literal), sizeof(literal) - 1} /* STR is no constant */

static struct http_field fields[] = {
	{TEXT("Host"), TEXT("a.test:8080"), FIELD_HOST},
	{TEXT("X-User"), TEXT("ann"), FIELD_OTHER},
	{TEXT("x_user"), TEXT("bob"), FIELD_OTHER},
	{TEXT("Cookie"), TEXT("a=1; session = s1 ;b"), FIELD_COOKIE},
	{TEXT("Cookie"), TEXT("SESSION=s2; late=x=y"), FIELD_COOKIE},
};
static const struct http_head head = {.method_text = TEXT("GET"), .target = TEXT("/a%20b?x=1&Y=2&x=3&z"), .path = TEXT("/a%20b"),
	.query = TEXT("x=1&Y=2&x=3&z"), .has_query = true, .host = TEXT("a.test:8080"), .fields = fields,
	.n_fields = CHECK_COUNT(fields)};
static const struct addr client = {.family = 4, .port = 4321, .ip = {192, 0, 2, 7}};

static void test_values(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"", ""},
		{"fixed", "fixed"},
		{"$remote_addr", "192.0.2.7"},
		{"$the_real_ip:$remote_port", "192.0.2.7:4321"},
		{"$request_uri", "/a%20b?x=1&Y=2&x=3&z"},
		{"$uri$is_args$args", "/a b?x=1&Y=2&x=3&z"},
		{"${host}/$request_method-$scheme", "a.test/GET-https"},
		{"$best_http_host", "best.test"},
		{"$http_x_user", "ann, bob"},
		{"$http_X_User", "ann, bob"},
		{"$http_none", ""},
		{"$cookie_session", "s1"},
		{"$cookie_Session|$cookie_late", "s1|x=y"},
		{"$cookie_b", ""},
		{"$arg_x.$arg_y.$arg_z.$arg_q", "1.2.."},
		{"a${arg_x}b${arg_x}", "a1b1"},
		{"$nobody_knows-x", "-x"},
		{"$http_", ""},
		{"$", "$"},
		{"$$arg_x", "$1"},
		{"${", "${"},
		{"${arg_x", "${arg_x"},
		{"${}", "${}"},
		{"$-$arg_x$", "$-1$"},
		{"$request_id/$req_id", "id/id"},
	};
	const struct http_facts facts = {.head = &head, .client = &client, .scheme = STR("https"), .server_name = STR("a.test"),
		.best_host = STR("best.test"), .path = STR("/a b"), .request_id = STR("id")};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct arena arena = {0};
		struct http_expression e;
		struct buf out = {0};

		check_case(cases[i].text);
		http_expression_compile(str_from(cases[i].text), &arena, &e);
		CHECK(http_expression_write(&e, &facts, &out));
		CHECK_STR(buf_str(&out), str_from(cases[i].want));
		buf_deinit(&out);
		arena_deinit(&arena);
	}
}

static void test_bare(void)
{
	const struct http_head bare = {0};
	const struct http_facts facts = {.head = &bare};
	struct arena arena = {0};
	struct http_expression e;
	struct buf out;

	check_case("a request that has nothing, and a value beyond the room");
	http_expression_compile(STR("<$remote_addr$remote_port$http_a$cookie_a$arg_a$uri>"), &arena, &e);
	buf_init(&out, 4);
	CHECK(http_expression_write(&e, &facts, &out));
	CHECK_STR(buf_str(&out), STR("<>"));
	buf_clear(&out);
	http_expression_compile(STR("12345"), &arena, &e);
	CHECK(!http_expression_write(&e, &facts, &out));
	buf_deinit(&out);
	arena_deinit(&arena);
}

static void test_cookie(void)
{
	struct str value;

	check_case("the first cookie of a name, whatever its case");
	CHECK(http_cookie(&head, STR("sESSION"), &value));
	CHECK_STR(value, STR("s1"));
	CHECK(!http_cookie(&head, STR("b"), &value));
	CHECK(!http_cookie(&head, STR(""), &value));
}

int main(void)
{
	test_values();
	test_bare();
	test_cookie();
	return check_done();
}

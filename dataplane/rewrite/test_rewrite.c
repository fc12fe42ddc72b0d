/* C13–C16, C22 (targets), M10 (Host), D7, D8, E8, M9 (response fields). */
#include "check.h"
#include "rewrite_case.h"

static void test_targets(void)
{
	static const struct {
		const char *name;
		struct rewrite_case in;
		const char *want;
	} cases[] = {
		{"C13 verbatim", {.path = "/a/b", .raw = "/a//./b%2f", .route = "/"}, "/a//./b%2f"},
		{"C13 with its query", {.path = "/a", .query = "x=%20", .route = "/"}, "/a?x=%20"},
		{"C13 an empty query stays", {.path = "/a", .query = "", .route = "/"}, "/a?"},
		{"C14 captures", {.path = "/svc/a/b", .route = "~/svc(/|$)(.*)", .rewrite = "/$2"}, "/a/b"},
		{"C14 the whole path is replaced", {.path = "/x/foo/y", .route = "~/x/foo", .rewrite = "/z"}, "/z"},
		{"C14 case is ignored", {.path = "/SVC/a", .route = "~/svc/(.*)", .rewrite = "/$1"}, "/a"},
		{"C14 the query is appended", {.path = "/svc/a", .query = "q=1", .route = "~/svc/(.*)", .rewrite = "/$1"}, "/a?q=1"},
		{"C14 after the target's own", {.path = "/svc/a", .query = "q=1", .route = "~/svc/(.*)", .rewrite = "/b?n=$1"}, "/b?n=a&q=1"},
		{"C14 unless the target ends in ?", {.path = "/svc/a", .query = "q=1", .route = "~/svc/(.*)", .rewrite = "/$1?"}, "/a"},
		{"C14 escaped again", {.path = "/svc/a b?#%\x01\xff", .raw = "/svc/x", .route = "~/svc/(.*)", .rewrite = "/$1"}, "/a%20b%3F%23%25%01%FF"},
		{"C14 in a query & and + too", {.path = "/svc/a&b+c", .route = "~/svc/(.*)", .rewrite = "/?v=$1"}, "/?v=a%26b%2Bc"},
		{"C14 an unset group is empty", {.path = "/svc", .route = "~/svc(/(.*))?", .rewrite = "/n$2"}, "/n"},
		{"C14 a group that is not there", {.path = "/svc", .route = "~/svc", .rewrite = "/n$7"}, "/n"},
		{"C14 named groups", {.path = "/svc/7", .route = "~/svc/(?<id>.*)", .rewrite = "/by/${id}/x"}, "/by/7/x"},
		{"C14 $10 is $1 and 0", {.path = "/svc/7", .route = "~/svc/(.*)", .rewrite = "/$10"}, "/70"},
		{"C14 a target without a slash gets one", {.path = "/svc/a", .route = "~/svc/(.*)", .rewrite = "$1"}, "/a"},
		{"C14 an empty result", {.path = "/svc/", .route = "~/svc/(.*)", .rewrite = "$1"}, "/"},
		{"C14 a blank cannot end the target", {.path = "/svc", .route = "~/svc", .rewrite = "/a b?c d"}, "/a%20b?c%20d"},
		{"C14 a prefix path, anywhere in the path", {.path = "/foo/bar", .route = "/foo", .rewrite = "/z"}, "/z"},
		{"C15 a target that is the path", {.path = "/foo/bar", .route = "~/foo", .rewrite = "/foo"}, "/foo/bar"},
		{"C16 use-regex alone", {.path = "/foo/bar", .raw = "/foo//bar", .route = "~/foo"}, "/foo//bar"},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct rewrite_fixture f;
		struct buf out;
		bool is_fine;

		check_case(cases[i].name);
		rewrite_fixture_init(&f, &cases[i].in);
		buf_init(&out, 4096);
		CHECK(rewrite_target(&f.request, &out));
		CHECK_STR(buf_str(&out), str_from(cases[i].want));
		buf_deinit(&out);
		for (size_t cap = 1; cap < strlen(cases[i].want) + 2; cap++) {
			buf_init(&out, cap);
			is_fine = rewrite_target(&f.request, &out);
			CHECK(!is_fine || str_eq(buf_str(&out), str_from(cases[i].want)));
			CHECK(out.len <= cap);
			buf_deinit(&out);
		}
		rewrite_fixture_deinit(&f);
	}
}

static void test_unsafe_target(void)
{
	static const char *const hosts[] = {"a b", "a\tb", "a\r\nEvil: 1"};

	check_case("a Host that would end the request line");
	for (size_t i = 0; i < CHECK_COUNT(hosts); i++) {
		struct rewrite_fixture f;
		struct buf out;

		rewrite_fixture_init(&f, &(struct rewrite_case){.path = "/a", .route = "~/a", .rewrite = "/$http_host", .host = hosts[i]});
		buf_init(&out, 256);
		CHECK(!rewrite_target(&f.request, &out));
		buf_deinit(&out);
		rewrite_fixture_deinit(&f);
	}
}

static void test_leaving_target(void)
{
	static const struct {
		struct rewrite_case in;
		const char *want; /* NULL: refused */
	} cases[] = {
		{{.path = "/a../etc", .route = "~/a(.*)", .rewrite = "/files/$1"}, NULL},
		{{.path = "/a../../etc", .route = "~/a(.*)", .rewrite = "/files/$1"}, NULL},
		{{.path = "/a..", .route = "~/a(.*)", .rewrite = "/files/$1"}, NULL},
		{{.path = "/a../x", .route = "~/a(.*)", .rewrite = "/$1"}, NULL},
		{{.path = "/a../x", .route = "~/a(.*)", .rewrite = "$1"}, NULL},
		{{.path = "/a/b", .query = "x/%2e%2e/%2e%2E/etc", .route = "~/a", .rewrite = "/files/$args?"}, NULL},
		{{.path = "/a../x", .route = "~/a(.*)", .rewrite = "/files$1"}, "/files../x"},
		{{.path = "/a/..b/c..", .route = "~/a/(.*)", .rewrite = "/files/$1"}, "/files/..b/c.."},
		{{.path = "/a/b", .route = "~/a/(.*)", .rewrite = "/files/../$1"}, "/files/../b"},
		{{.path = "/a/b", .query = "../..", .route = "~/a/(.*)", .rewrite = "/files/$1"}, "/files/b?../.."},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct rewrite_fixture f;
		struct buf out = {0};

		check_case("what a rule writes before its captures stays before them (SECURITY)");
		rewrite_fixture_init(&f, &cases[i].in);
		if (CHECK_INT(rewrite_target(&f.request, &out), cases[i].want != NULL) && cases[i].want)
			CHECK_STR(buf_str(&out), str_from(cases[i].want));
		buf_deinit(&out);
		rewrite_fixture_deinit(&f);
	}
}

static struct http_field field(const char *name)
{
	return (struct http_field){str_from(name), STR("v"), (uint8_t)http_field_id(str_from(name))};
}

static void test_request_fields(void)
{
	Weirlock__V1__Settings s = WEIRLOCK__V1__SETTINGS__INIT;
	Weirlock__V1__Header one = WEIRLOCK__V1__HEADER__INIT, two = WEIRLOCK__V1__HEADER__INIT, *headers[] = {&one, &two};
	struct rewrite_fixture f;
	struct http_field added = field("x-added"), gone = field("X-Gone"), prefix = field("X-Forwarded-Prefix"), other = field("X-Other");
	struct buf out;

	one.name = writable("X-Added");
	one.value = writable("1");
	two.name = writable("X-Gone");
	s.proxy_set_headers = headers;
	s.n_proxy_set_headers = 2;
	check_case("C22 with a rewrite; A29 proxy-set-headers");
	rewrite_fixture_init(&f, &(struct rewrite_case){.path = "/a", .route = "~/a", .rewrite = "/b", .prefix = "/a", .settings = &s});
	buf_init(&out, 1024);
	CHECK(rewrite_write_request_fields(&f.request, &out));
	CHECK_STR(buf_str(&out), STR("X-Forwarded-Prefix: /a\r\nX-Added: 1\r\n"));
	CHECK(rewrite_drops_request_field(&f.request, &added));
	CHECK(rewrite_drops_request_field(&f.request, &gone));
	CHECK(rewrite_drops_request_field(&f.request, &prefix));
	CHECK(!rewrite_drops_request_field(&f.request, &other));
	CHECK_STR(rewrite_host(&f.request), STR("a.example"));
	rewrite_fixture_deinit(&f);
	check_case("C22 only with a rewrite; M10 upstream-vhost");
	rewrite_fixture_init(&f, &(struct rewrite_case){.path = "/a", .prefix = "/a", .vhost = "inner"});
	buf_clear(&out);
	CHECK(rewrite_write_request_fields(&f.request, &out));
	CHECK_INT(out.len, 0);
	CHECK(!rewrite_drops_request_field(&f.request, &prefix));
	CHECK_STR(rewrite_host(&f.request), STR("inner"));
	rewrite_fixture_deinit(&f);
	buf_deinit(&out);
}

static void test_response_fields(void)
{
	static struct str hidden[] = {{"X-Powered-By", 12}};
	static struct header added[] = {{{"X-Frame", 7}, {"deny", 4}}};
	static const struct {
		const char *name;
		bool plain, tls, lenient; /* dropped: on http, on https, with allow-backend-server-header on http */
	} cases[] = {
		{"Server", true, true, false}, {"Date", true, true, true}, {"X-Accel-Redirect", true, true, true},
		{"x-accel-buffering", true, true, true}, {"X-Accel-Foo", true, true, true}, {"X-Pad", true, true, true},
		{"x-powered-by", true, true, true}, {"x-frame", true, true, true},
		{"Strict-Transport-Security", false, true, false}, {"Content-Type", false, false, false},
		{"X-Accelerate", false, false, false}, {"Set-Cookie", false, false, false},
	};
	struct settings s = {.hsts = true, .hsts_max_age_s = 31536000, .hsts_include_subdomains = true,
		.hide_headers = hidden, .n_hide_headers = 1, .add_headers = added, .n_add_headers = 1};
	struct buf out;

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct http_field f = field(cases[i].name);

		check_case(cases[i].name);
		s.allow_backend_server_header = false;
		CHECK_INT(rewrite_drops_response_field(&s, false, &f), cases[i].plain);
		CHECK_INT(rewrite_drops_response_field(&s, true, &f), cases[i].tls);
		s.allow_backend_server_header = true;
		CHECK_INT(rewrite_drops_response_field(&s, false, &f), cases[i].lenient);
	}
	buf_init(&out, 1024);
	check_case("E8 on http");
	CHECK(rewrite_write_response_fields(&s, false, &out));
	CHECK_STR(buf_str(&out), STR("X-Frame: deny\r\n"));
	check_case("E8 on https");
	buf_clear(&out);
	s.hsts_preload = true;
	CHECK(rewrite_write_response_fields(&s, true, &out));
	CHECK_STR(buf_str(&out), STR("Strict-Transport-Security: max-age=31536000; includeSubDomains; preload\r\nX-Frame: deny\r\n"));
	buf_deinit(&out);
}

int main(void)
{
	test_targets();
	test_unsafe_target();
	test_leaving_target();
	test_request_fields();
	test_response_fields();
	return check_done();
}

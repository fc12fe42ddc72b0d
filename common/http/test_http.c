/* Names, methods, hosts and paths: tables of what is taken, what it becomes and what is refused. */
#include "check.h"
#include "http.h"

#define FIELD_ROW(id, name) {FIELD_##id, name},
static const struct {
	enum http_field_id id;
	const char *name;
} known_fields[] = {HTTP_FIELDS(FIELD_ROW)};

static void test_field_ids(void)
{
	char text[64];

	for (size_t i = 0; i < CHECK_COUNT(known_fields); i++) {
		struct str name = str_from(known_fields[i].name);

		check_case(known_fields[i].name);
		CHECK_INT(http_field_id(name), known_fields[i].id);
		CHECK_STR(http_field_name(known_fields[i].id), name);
		for (size_t c = 0; c < name.len; c++)
			text[c] = (char)(name.ptr[c] >= 'a' && name.ptr[c] <= 'z' ? name.ptr[c] - 32 : name.ptr[c]);
		CHECK_INT(http_field_id(str_of(text, name.len)), known_fields[i].id);
		/* any one byte changed to anything but its other case is another name */
		for (size_t c = 0; c < name.len; c++) {
			memcpy(text, name.ptr, name.len);
			for (int value = 0; value < 256; value++) {
				text[c] = (char)value;
				if (ascii_lower((unsigned char)value) != (unsigned char)name.ptr[c])
					CHECK(http_field_id(str_of(text, name.len)) != known_fields[i].id);
			}
		}
		CHECK_INT(http_field_id(str_first(name, name.len - 1)), FIELD_OTHER);
	}
	check_case("unknown names");
	CHECK_INT(http_field_id(STR("")), FIELD_OTHER);
	CHECK_INT(http_field_id(STR("x")), FIELD_OTHER);
	CHECK_INT(http_field_id(STR("x-forwarded-fox")), FIELD_OTHER);
	CHECK_STR(http_field_name(FIELD_OTHER), STR(""));
}

/* By vectors, words and bytes: every byte at every place of texts of every length up to two vectors and more. */
static void test_values(void)
{
	char text[41];

	check_case("bytes of values");
	for (size_t len = 1; len < sizeof(text); len++) {
		memset(text, 'v', sizeof(text));
		for (size_t at = 0; at < len; at++) {
			for (int c = 0; c < 256; c++) {
				bool is_taken = http_char_is((char)c, HTTP_CHAR_VALUE);

				text[at] = (char)c;
				CHECK_INT(http_is_field_value(str_of(text, len)), is_taken);
				CHECK(http_value_end(text, text + len) == text + (is_taken ? len : at));
				if (at + 1 < len) { /* a tab before it hides nothing */
					text[at + 1] = '\t';
					CHECK_INT(http_is_field_value(str_of(text, len)), is_taken);
					text[at + 1] = 'v';
				}
			}
			text[at] = 'v';
		}
	}
}

/* Two dots together wherever words of the name meet (B2). */
static void test_dots(void)
{
	char text[41], out[41];
	size_t len;

	check_case("an empty label anywhere");
	for (size_t n = 3; n < sizeof(text); n++) {
		memset(text, 'L', sizeof(text));
		for (size_t at = 1; at + 1 < n; at++) {
			text[at] = '.';
			CHECK(http_server_name(str_of(text, n), out, &len) && len == n && out[0] == 'l' && out[at] == '.' && out[n - 1] == 'l');
			text[at + 1] = '.';
			CHECK(!http_is_host(str_of(text, n)));
			text[at + 1] = ',';
			CHECK(!http_is_host(str_of(text, n)));
			text[at] = text[at + 1] = 'L';
		}
	}
}

static void test_methods(void)
{
	check_case("methods");
	for (int i = HTTP_GET; i <= HTTP_LOCK; i++)
		CHECK_INT(http_method_from(http_method_text((enum http_method)i)), i);
	CHECK_INT(http_method_from(STR("get")), HTTP_METHOD_OTHER);
	CHECK_INT(http_method_from(STR("")), HTTP_METHOD_OTHER);
	CHECK_INT(http_method_from(STR("PROPFIND")), HTTP_METHOD_OTHER);
	CHECK_INT(http_method_from(STR("GETS")), HTTP_METHOD_OTHER);
	CHECK_STR(http_method_text(HTTP_METHOD_OTHER), STR(""));
	CHECK(http_method_is_idempotent(HTTP_GET));
	CHECK(http_method_is_idempotent(HTTP_DELETE));
	CHECK(!http_method_is_idempotent(HTTP_POST));
	CHECK(!http_method_is_idempotent(HTTP_LOCK));
	CHECK(!http_method_is_idempotent(HTTP_METHOD_OTHER));
	CHECK_STR(http_status_reason(404), STR("Not Found"));
	CHECK_STR(http_status_reason(599), STR(""));
}

/* STR is no constant expression, which a table needs. */
#define IN(literal) {literal, sizeof(literal) - 1}

static const struct {
	const char *name;
	struct str in;
	const char *want; /* NULL: refused */
} hosts[] = {
	{"plain", IN("example.com"), "example.com"},
	{"lower case (B1)", IN("Example.COM"), "example.com"},
	{"port is cut (B1)", IN("example.com:8080"), "example.com"},
	{"empty port", IN("example.com:"), "example.com"},
	{"one last dot is cut (B1)", IN("example.com."), "example.com"},
	{"last dot and port", IN("example.com.:80"), "example.com"},
	{"IPv4", IN("127.0.0.1:80"), "127.0.0.1"},
	{"IPv6 keeps its brackets (B1)", IN("[::1]:80"), "[::1]"},
	{"IPv6, lower case", IN("[2001:DB8::1]"), "[2001:db8::1]"},
	{"underscore (B10)", IN("_"), "_"},
	{"single label", IN("localhost"), "localhost"},
	{"empty (B2)", IN(""), NULL},
	{"only a port", IN(":80"), NULL},
	{"only a dot", IN("."), NULL},
	{"slash (B2)", IN("a/b"), NULL},
	{"space (B2)", IN("a b"), NULL},
	{"control byte (B2)", IN("a\x01"), NULL},
	{"NUL", IN("a\0b"), NULL},
	{"two dots (B2)", IN("a..b"), NULL},
	{"two last dots (B2)", IN("a.."), NULL},
	{"user", IN("user@a"), NULL},
	{"two hosts in one value", IN("a,b"), NULL},
	{"query", IN("a?b"), NULL},
	{"fragment", IN("a#b"), NULL},
	{"backslash", IN("a\\b"), NULL},
	{"beyond ASCII", IN("\xc3\xa4.com"), NULL},
	{"port is no number", IN("a:http"), NULL},
	{"port with sign", IN("a:+80"), NULL},
	{"port too large", IN("a:65536"), NULL},
	{"port too long", IN("a:000080"), NULL},
	{"two ports", IN("a:80:80"), NULL},
	{"bracket left open", IN("[::1"), NULL},
	{"empty brackets", IN("[]"), NULL},
	{"name in brackets", IN("[example]"), NULL},
	{"zone", IN("[fe80::1%25eth0]"), NULL},
	{"text after bracket", IN("[::1]x"), NULL},
};

static void test_hosts(void)
{
	for (size_t i = 0; i < CHECK_COUNT(hosts); i++) {
		char out[64];
		size_t len = 99;

		check_case(hosts[i].name);
		CHECK_INT(http_is_host(hosts[i].in), hosts[i].want != NULL);
		if (CHECK_INT(http_server_name(hosts[i].in, out, &len), hosts[i].want != NULL) && hosts[i].want)
			CHECK_STR(str_of(out, len), str_from(hosts[i].want));
	}
}

static const struct {
	const char *name;
	struct str in;
	struct str want;
	bool is_bad;
} paths[] = {
	{"root", IN("/"), IN("/"), false},
	{"plain", IN("/a/b"), IN("/a/b"), false},
	{"last slash stays", IN("/a/b/"), IN("/a/b/"), false},
	{"slashes merge (C2)", IN("//a///b//"), IN("/a/b/"), false},
	{"dot", IN("/a/./b/."), IN("/a/b/"), false},
	{"dot dot (C2)", IN("/a/../b"), IN("/b"), false},
	{"dot dot at the end", IN("/a/b/.."), IN("/a/"), false},
	{"dot dot to the root", IN("/a/.."), IN("/"), false},
	{"dot dot over merged slashes", IN("/a//b//../c"), IN("/a/c"), false},
	{"dots that are names", IN("/.../..a/.b/c."), IN("/.../..a/.b/c."), false},
	{"decoded (C2)", IN("/%61%2Db%20"), IN("/a-b "), false},
	{"decoded once", IN("/%2541"), IN("/%41"), false},
	{"decoded slash", IN("/a%2Fb%2f%2Fc"), IN("/a/b/c"), false},
	{"decoded dot dot", IN("/a/%2e%2E/b"), IN("/b"), false},
	{"decoded ? and #", IN("/a%3Fb%23"), IN("/a?b#"), false},
	{"decoded byte beyond ASCII", IN("/%c3%a4"), IN("/\xc3\xa4"), false},
	{"asterisk", IN("*"), IN("*"), false},
	{"plus stays", IN("/a+b"), IN("/a+b"), false},
	{"above the root (C2)", IN("/.."), IN(""), true},
	{"above the root later", IN("/a/../../b"), IN(""), true},
	{"above the root, decoded", IN("/%2e%2e%2fetc"), IN(""), true},
	{"NUL", IN("/a%00b"), IN(""), true},
	{"raw NUL", IN("/a\0b"), IN(""), true},
	{"escape cut off", IN("/a%2"), IN(""), true},
	{"escape cut off earlier", IN("/a%"), IN(""), true},
	{"no hex digits", IN("/a%zz"), IN(""), true},
	{"second is no hex digit", IN("/a%2g"), IN(""), true},
	{"empty", IN(""), IN(""), true},
	{"no slash", IN("a/b"), IN(""), true},
};

static void test_paths(void)
{
	for (size_t i = 0; i < CHECK_COUNT(paths); i++) {
		char out[64];
		size_t len = 0;

		check_case(paths[i].name);
		if (CHECK_INT(http_normalise_path(paths[i].in, out, &len), !paths[i].is_bad) && !paths[i].is_bad)
			CHECK_STR(str_of(out, len), paths[i].want);
	}
}

static struct http_field field(const char *name, const char *value)
{
	return (struct http_field){str_from(name), str_from(value), (uint8_t)http_field_id(str_from(name))};
}

static void test_hop_by_hop(void)
{
	struct http_field fields[] = {field("Host", "a"), field("Connection", "close, X-Secret ,,x-forwarded-for, Host"),
		field("x-secret", "1"), field("X-Other", "2"), field("Keep-Alive", "5"), field("X-Forwarded-For", "1.2.3.4"),
		field("Connection", "te2"), field("TE2", ""), field("Transfer-Encoding", "chunked"), field("Upgrade", "h2c")};
	struct http_head head = {.fields = fields, .n_fields = CHECK_COUNT(fields)};
	uint64_t never = http_field_bit(FIELD_X_FORWARDED_FOR) | http_field_bit(FIELD_HOST) | http_field_bit(FIELD_OTHER);
	static const bool want[] = {false, true, true, false, true, false, true, true, true, true};

	for (size_t i = 0; i < head.n_fields; i++)
		head.present |= http_field_bit(fields[i].id);
	for (size_t i = 0; i < head.n_fields; i++) {
		check_case(fields[i].name.ptr);
		CHECK_INT(http_field_is_hop_by_hop(&head, &fields[i], never), want[i]);
	}
	check_case("nothing protected");
	CHECK(http_field_is_hop_by_hop(&head, &fields[5], 0));
	CHECK_STR(http_head_value(&head, FIELD_UPGRADE), STR("h2c"));
	CHECK_STR(http_head_value(&head, FIELD_COOKIE), STR(""));
	CHECK(http_head_field(&head, FIELD_CONNECTION) == &fields[1]);
	CHECK(http_head_named(&head, STR("X-OTHER")) == &fields[3]);
	CHECK(http_head_named(&head, STR("HOST")) == &fields[0]);
	CHECK(http_head_named(&head, STR("absent")) == NULL);
}

static void test_text(void)
{
	check_case("tokens and values");
	CHECK(http_is_token(STR("X-a!#$%&'*+.^_`|~9")));
	CHECK(!http_is_token(STR("")));
	CHECK(!http_is_token(STR("a b")));
	CHECK(!http_is_token(STR("a:")));
	CHECK(!http_is_token(STR("\xe4")));
	CHECK(http_is_field_value(STR("")));
	CHECK(http_is_field_value(STR("a\tb \xe4\"")));
	CHECK(!http_is_field_value(STR("a\r")));
	CHECK(!http_is_field_value(STR("a\n")));
	CHECK(!http_is_field_value(STR("a\0")));
	CHECK(!http_is_field_value(STR("\x7f")));
}

int main(void)
{
	test_field_ids();
	test_methods();
	test_values();
	test_dots();
	test_hosts();
	test_paths();
	test_hop_by_hop();
	test_text();
	return check_done();
}

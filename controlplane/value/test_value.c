#include "check.h"
#include "value.h"

static struct arena arena;

/* COMPAT, "Parsing" 1 to 5, and M22, M23. */
static void test_numbers(void)
{
	static const struct value_rule config_int = {.type = VALUE_INT, .min = -1000, .max = 1000000, .is_base0 = true};
	static const struct value_rule plain_int = {.type = VALUE_INT, .max = 1000};
	static const struct value_rule seconds = {.type = VALUE_SECONDS, .min = 1, .max = 2000000};
	static const struct value_rule time = {.type = VALUE_TIME, .max = INT64_MAX};
	static const struct value_rule go = {.type = VALUE_DURATION, .max = INT64_MAX};
	static const struct value_rule size = {.type = VALUE_SIZE, .max = 1 << 30};
	static const struct value_rule size_or_auto = {.type = VALUE_SIZE, .min = 512, .max = 16384, .words = "auto"};
	static const struct value_rule offset = {.type = VALUE_OFFSET, .max = INT64_MAX, .takes_b = true};
	static const struct {
		const struct value_rule *rule;
		const char *in;
		long long want; /* -1: bad */
	} cases[] = {
		{&config_int, "10", 10}, {&config_int, "010", 8}, {&config_int, "0x10", 16}, {&config_int, "1_000", 1000},
		{&config_int, "", 0}, {&config_int, "1__0", -1}, {&config_int, "_1", -1}, {&config_int, "1_", -1},
		{&config_int, "08", -1}, {&config_int, "0b11", 3}, {&config_int, "0o17", 15}, {&config_int, "60s", -1},
		{&config_int, " 1", -1}, {&config_int, "0x", -1}, {&config_int, "-", -1}, {&config_int, "0", 0},
		{&config_int, "99999999999999999999", -1}, {&config_int, "1000001", -1},
		{&plain_int, "010", 10}, {&plain_int, "+5", 5}, {&plain_int, "-5", -1}, {&plain_int, "1_0", -1},
		{&plain_int, "", -1}, {&plain_int, "0x1", -1},
		{&seconds, "60", 60000}, {&seconds, "0", -1}, {&seconds, "60s", -1}, {&seconds, "1.5", -1},
		{&time, "60", 60000}, {&time, "60s", 60000}, {&time, "1h 30m", 5400000}, {&time, "1h30m", 5400000},
		{&time, "10ms", 10}, {&time, "1M", 30LL * 86400000}, {&time, "1m", 60000}, {&time, "1y", 365LL * 86400000},
		{&time, "30m1h", -1}, {&time, "1x", -1}, {&time, "", -1}, {&time, "s", -1}, {&time, "5m5m", -1},
		{&go, "5s", 5000}, {&go, "1m30s", 90000}, {&go, "5", -1}, {&go, "0", 0}, {&go, "", -1}, {&go, "1d", -1},
		{&size, "8k", 8192}, {&size, "8K", 8192}, {&size, "1m", 1 << 20}, {&size, "1g", -1}, {&size, "8 k", -1},
		{&size, "8192b", -1}, {&size, "", -1}, {&size, "k", -1}, {&size, "-1", -1}, {&size, "4096", 4096},
		{&size_or_auto, "auto", 0}, {&size_or_auto, " auto", 0}, {&size_or_auto, "0", -1}, {&size_or_auto, "16k", 16384},
		{&size_or_auto, "511", -1}, {&size_or_auto, "Auto", -1}, {&size_or_auto, "auto4k", -1}, {&size, "auto", -1},
		{&offset, "1g", 1LL << 30}, {&offset, "10b", 10}, {&offset, "0", 0}, {&offset, "15r", -1},
		{&offset, "9999999999999999999g", -1}, {&offset, " 1m ", 1 << 20},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct value v = {.number = 77};
		bool is_good = value_parse(cases[i].rule, str_from(cases[i].in), &arena, &v);

		check_case(cases[i].in);
		CHECK(is_good == (cases[i].want != -1));
		CHECK_INT(v.number, is_good ? cases[i].want : 77);
	}
}

static void test_odd(void)
{
	static const struct value_rule rule = {.type = VALUE_INT, .max = 1000, .is_base0 = true};
	struct value v;

	check_case("octal is accepted and noted");
	CHECK(value_parse(&rule, STR("010"), &arena, &v) && v.odd);
	CHECK(value_parse(&rule, STR("10"), &arena, &v) && !v.odd);
	CHECK(value_parse(&rule, STR("0o10"), &arena, &v) && !v.odd);
}

static void test_words(void)
{
	static const struct value_rule boolean = {.type = VALUE_BOOL};
	static const struct value_rule weak = {.type = VALUE_BOOL, .is_base0 = true};
	static const struct value_rule on_off = {.type = VALUE_CHOICE, .words = "off|on"};
	static const struct value_rule protocol = {.type = VALUE_CHOICE, .words = "HTTP|GRPC", .ignores_case = true};
	static const struct value_rule mask = {.type = VALUE_WORDS, .words = "error|timeout|off"};
	static const struct {
		const struct value_rule *rule;
		const char *in;
		int want; /* flag or number; -1: bad */
	} cases[] = {
		{&boolean, "true", 1}, {&boolean, "T", 1}, {&boolean, "False", 0}, {&boolean, "on", -1}, {&boolean, "yes", -1},
		{&boolean, "tRUE", -1}, {&boolean, "", -1}, {&weak, "", 0}, {&boolean, " true", -1},
		{&on_off, "on", 1}, {&on_off, "off", 0}, {&on_off, "true", -1}, {&on_off, "ON", -1}, {&on_off, " on ", 1},
		{&protocol, "grpc", 1}, {&protocol, "", -1},
		{&mask, "error timeout", 3}, {&mask, "errortimeout", -1}, {&mask, "  timeout ", 2}, {&mask, "", -1},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct value v = {0};
		bool is_good = value_parse(cases[i].rule, str_from(cases[i].in), &arena, &v);

		check_case(cases[i].in);
		CHECK(is_good == (cases[i].want != -1));
		if (is_good)
			CHECK_INT(cases[i].rule->type == VALUE_BOOL ? v.flag : v.number, cases[i].want);
	}
}

static void test_lists(void)
{
	static const struct value_rule list = {.type = VALUE_LIST};
	static const struct value_rule tokens = {.type = VALUE_TOKENS};
	static const struct value_rule cidrs = {.type = VALUE_CIDRS};
	static const struct value_rule buffers = {.type = VALUE_BUFFERS, .min = 1, .max = 1 << 20};
	static const struct value_rule text = {.type = VALUE_TEXT, .words = "-._~/:"};
	static const struct value_rule any = {.type = VALUE_TEXT};
	static const struct value_rule ref = {.type = VALUE_REF};
	static const struct {
		const struct value_rule *rule;
		const char *in;
		int want; /* count; -1: bad */
	} cases[] = {
		{&list, "a, b,,c", 3}, {&list, "", 0}, {&list, "a, ,b", 2}, {&list, "a\nb", -1},
		{&tokens, "X-A,X-B", 2}, {&tokens, "X A", -1}, {&cidrs, "10.0.0.0/8, 10.1.2.3/8", 1}, {&cidrs, "x", -1},
		{&cidrs, "::1,127.0.0.1", 2}, {&cidrs, "10.0.0.0/33", -1}, {&buffers, "4 8k", 0}, {&buffers, "4", -1},
		{&buffers, "0 8k", -1}, {&text, "a/b:1", 0}, {&text, "a;b", -1}, {&any, "a;b $x", 0}, {&any, "a\r\nb", -1},
		{&ref, "ns/name", 0}, {&ref, "name", -1}, {&ref, "/name", -1}, {&ref, "a/b/c", -1}, {&ref, "a/../b", -1},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct value v = {0};
		bool is_good = value_parse(cases[i].rule, str_from(cases[i].in), &arena, &v);

		check_case(cases[i].in);
		CHECK(is_good == (cases[i].want != -1));
		if (is_good)
			CHECK_INT(v.n, cases[i].want);
	}
	check_case("NUL inside");
	CHECK(!value_parse(&text, STR("a\0b"), &arena, &(struct value){0}));
}

static void test_describe(void)
{
	static const struct {
		struct value_rule rule;
		const char *want;
	} cases[] = {
		{{.type = VALUE_BOOL}, "true or false"},
		{{.type = VALUE_SECONDS, .min = 1, .max = 100}, "a whole number of seconds from 1 to 100"},
		{{.type = VALUE_CHOICE, .words = "a|b|c"}, "a, b or c"},
		{{.type = VALUE_INT, .min = 0, .max = INT64_MAX}, "a whole number, at least 0"},
	};
	struct buf out = {0};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		check_case(cases[i].want);
		buf_clear(&out);
		value_describe(&cases[i].rule, &out);
		CHECK_STR(buf_str(&out), str_from(cases[i].want));
		CHECK(strlen(value_fix(&cases[i].rule)) > 0);
	}
	buf_deinit(&out);
}

int main(void)
{
	test_numbers();
	test_odd();
	test_words();
	test_lists();
	test_describe();
	arena_deinit(&arena);
	return check_done();
}

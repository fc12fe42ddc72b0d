#include "check.h"
#include "str.h"

static void test_numbers(void)
{
	static const struct {
		const char *text;
		uint64_t max;
		bool ok;
		uint64_t want;
	} cases[] = {
		{"0", 10, true, 0},
		{"10", 10, true, 10},
		{"11", 10, false, 0},
		{"", 10, false, 0},
		{"+1", 10, false, 0},
		{" 1", 10, false, 0},
		{"1a", 100, false, 0},
		{"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
		{"18446744073709551616", UINT64_MAX, false, 0},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		uint64_t n = 7;

		check_case(cases[i].text);
		CHECK_INT(str_to_u64(str_from(cases[i].text), cases[i].max, &n), cases[i].ok);
		CHECK(n == (cases[i].ok ? cases[i].want : 7));
	}
}

static void test_pieces(void)
{
	struct str rest = STR("a,,b,"), piece;

	check_case("pieces");
	CHECK(str_next(&rest, ',', &piece));
	CHECK_STR(piece, STR("a"));
	CHECK(str_next(&rest, ',', &piece));
	CHECK_STR(piece, STR(""));
	CHECK(str_next(&rest, ',', &piece));
	CHECK_STR(piece, STR("b"));
	CHECK(!str_next(&rest, ',', &piece));
}

int main(void)
{
	test_numbers();
	test_pieces();
	check_case("compare");
	CHECK(str_cmp(STR("a"), STR("ab")) < 0);
	CHECK(str_cmp(STR("b"), STR("ab")) > 0);
	CHECK(str_eq_nocase(STR("Host"), STR("hOST")));
	CHECK(!str_eq_nocase(STR("Host"), STR("Hos_")));
	CHECK(str_starts_with(STR("/foo"), STR("/")));
	CHECK(!str_starts_with(STR("/"), STR("/foo")));
	CHECK(str_ends_with(STR("a.example.com"), STR(".com")));
	CHECK_INT(str_find(STR("abc"), 'x'), 3);
	CHECK_INT(str_rfind(STR("a:b:c"), ':'), 3);
	CHECK_INT(str_find_str(STR("hello"), STR("lo")), 3);
	CHECK_STR(str_trim(STR(" \ta b\r\n")), STR("a b"));
	CHECK_STR(str_from_index(STR("ab"), 5), STR(""));
	return check_done();
}

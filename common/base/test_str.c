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

/* Whole words of eight bytes and what is left: every byte at every place of texts of every length up to three words. */
static void test_case(void)
{
	char a[24], b[24], low[24];

	check_case("case");
	for (size_t len = 1; len <= sizeof(a); len++) {
		memset(a, 'm', len);
		memset(b, 'M', len);
		for (size_t at = 0; at < len; at++) {
			for (int c = 0; c < 256; c++) {
				unsigned char small = ascii_lower((unsigned char)c);

				a[at] = (char)c;
				b[at] = (char)small;
				CHECK(str_eq_nocase(str_of(a, len), str_of(b, len)));
				b[at] = (char)(small ^ 0x80);
				CHECK(!str_eq_nocase(str_of(a, len), str_of(b, len)));
				b[at] = (char)(small ^ 0x20);
				CHECK_INT(str_eq_nocase(str_of(a, len), str_of(b, len)), small >= 'a' && small <= 'z');
				str_lower(str_of(a, len), low);
				CHECK_INT((unsigned char)low[at], small);
			}
			a[at] = 'm';
			b[at] = 'M';
		}
	}
}

int main(void)
{
	test_numbers();
	test_pieces();
	test_case();
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

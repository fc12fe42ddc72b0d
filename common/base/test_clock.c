#include "check.h"
#include "clock.h"

int main(void)
{
	static const struct {
		const char *in;
		bool ok;
		int64_t want;
	} cases[] = {
		{"1994-11-06T08:49:37Z", true, 784111777},
		{"1994-11-06T10:49:37+02:00", true, 784111777},
		{"1994-11-06T08:49:37.123456Z", true, 784111777},
		{"1994-11-06T08:49:37", false, 0},
		{"1994-13-06T08:49:37Z", false, 0},
		{"1994-11-06 08:49:37Z", false, 0},
		{"", false, 0},
	};
	char text[CLOCK_TEXT_MAX];

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		int64_t got = 0;

		check_case(cases[i].in);
		CHECK_INT(clock_parse_rfc3339(str_from(cases[i].in), &got), cases[i].ok);
		CHECK_INT(got, cases[i].want);
	}
	check_case("texts");
	CHECK_STR(str_from(clock_http_date(784111777, text)), STR("Sun, 06 Nov 1994 08:49:37 GMT"));
	CHECK_STR(str_from(clock_rfc3339(784111777123, text)), STR("1994-11-06T08:49:37.123Z"));
	CHECK_STR(str_from(clock_log_time(784111777, text)), STR("06/Nov/1994:08:49:37 +0000"));
	CHECK_STR(str_from(clock_age(192000, text)), STR("3m12s"));
	CHECK_STR(str_from(clock_age(999, text)), STR("0s"));
	CHECK_STR(str_from(clock_age(90061000, text)), STR("1d1h"));
	return check_done();
}

#include "check.h"
#include "record_size.h"

/* One connection, step by step: what is sent when, and how large the record after it may be. */
static void test_run(void)
{
	static const struct {
		const char *name;
		uint64_t now_ms;
		size_t sent;
		size_t want; /* at the same moment, after it */
	} steps[] = {
		{"a new connection", 5000, 0, RECORD_SMALL},
		{"an answer of a few records", 5000, 5 * RECORD_SMALL, RECORD_SMALL},
		{"the next one right after", 5100, 34 * RECORD_SMALL, RECORD_SMALL},
		{"one byte is missing", 5200, RECORD_SMALL - 1, RECORD_SMALL},
		{"bulk", 5200, 1, RECORD_MAX},
		{"and on", 5900, RECORD_MAX, RECORD_MAX},
		{"a pause that is no idleness", 6899, 0, RECORD_MAX},
		{"idle for a second", 6900, 0, RECORD_SMALL},
		{"a record after it starts over", 7900, RECORD_SMALL, RECORD_SMALL},
		{"one large write is bulk by itself", 7900, 100 * RECORD_MAX, RECORD_MAX},
		{"it does not overflow", 7901, SIZE_MAX, RECORD_MAX},
		{"a keep-alive connection hours later", 40000000, 0, RECORD_SMALL},
	};
	struct record_size r = {0};

	for (size_t i = 0; i < CHECK_COUNT(steps); i++) {
		check_case(steps[i].name);
		if (steps[i].sent)
			record_size_sent(&r, steps[i].sent, steps[i].now_ms);
		CHECK_INT(record_size_next(&r, steps[i].now_ms), steps[i].want);
	}
}

static void test_sizes(void)
{
	check_case("a small record and what TLS adds fit the segment that the comment derives");
	CHECK_INT(RECORD_SMALL, 1349);
	CHECK(RECORD_SMALL + 29 <= 1500 - 50 - 40 - 20 - 12);
	CHECK(RECORD_SMALL >= RECORD_MIN);
}

int main(void)
{
	test_run();
	test_sizes();
	return check_done();
}

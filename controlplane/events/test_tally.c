/* The same thing once; all things not too fast. */
#include "tally.h"

#include <stdio.h>

#include "check.h"

static const struct {
	const char *name;
	struct {
		const char *key;
		uint64_t now;
		unsigned want;
	} tells[6];
} rows[] = {
	{"once", {{"a", 1000, 1}}},
	{"the same again is not said", {{"a", 1000, 1}, {"a", 1001, 0}, {"a", 30999, 0}}},
	{"… but counted, after a while", {{"a", 1000, 1}, {"a", 2000, 0}, {"a", 3000, 0}, {"a", 31000, 4}, {"a", 31001, 0}, {"a", 61000, 6}}},
	{"different things", {{"a", 1000, 1}, {"b", 1000, 1}, {"a", 1000, 0}}},
};

static void test_rows(void)
{
	for (size_t i = 0; i < CHECK_COUNT(rows); i++) {
		struct tally t = {0};

		check_case(rows[i].name);
		for (size_t j = 0; j < CHECK_COUNT(rows[i].tells) && rows[i].tells[j].key; j++)
			CHECK_INT(tally_tell(&t, str_from(rows[i].tells[j].key), rows[i].tells[j].now), rows[i].tells[j].want);
		tally_deinit(&t);
	}
}

static void test_rate(void)
{
	struct tally t = {0};
	unsigned n = 0;

	check_case("a burst, then a bounded rate");
	while (tally_may_write(&t, 5000))
		n++;
	CHECK_INT(n, TALLY_BURST);
	CHECK_INT(tally_wait_ms(&t, 5000), 1000 / TALLY_PER_S);
	CHECK(!tally_may_write(&t, 5000 + 1000 / TALLY_PER_S - 1));
	CHECK(tally_may_write(&t, 5000 + 1000 / TALLY_PER_S));
	n = 0;
	for (uint64_t now = 6000; now < 16000; now++)
		n += tally_may_write(&t, now);
	CHECK(n >= 10 * TALLY_PER_S && n <= 10 * TALLY_PER_S + TALLY_PER_S);
	n = 0;
	while (tally_may_write(&t, UINT64_C(1) << 40))
		n++;
	CHECK_INT(n, TALLY_BURST);
	CHECK_INT(tally_wait_ms(&t, (UINT64_C(1) << 40) + 1000), 0);
	tally_deinit(&t);
}

static void test_bound(void)
{
	struct tally t = {0};
	char key[32];

	check_case("keys have a bound");
	for (unsigned i = 0; i < 3 * TALLY_KEYS; i++) {
		snprintf(key, sizeof(key), "%u", i);
		CHECK_INT(tally_tell(&t, str_from(key), 1), 1);
	}
	CHECK(t.told.n <= TALLY_KEYS);
	tally_deinit(&t);
}

int main(void)
{
	test_rows();
	test_rate();
	test_bound();
	return check_done();
}

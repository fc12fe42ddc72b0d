/* How much strangers may cost, by the clock. */
#include "check.h"
#include "server.h"

static unsigned take_all(struct budget *b, uint64_t now_ms)
{
	unsigned n = 0;

	for (; n < 10000 && budget_allows(b, now_ms); n++)
		budget_take(b);
	return n;
}

static void test_budget(void)
{
	struct budget b = {0};

	check_case("a burst, then 200 a second");
	CHECK_INT(take_all(&b, 1000000), 2048);
	CHECK_INT(take_all(&b, 1000000), 0);
	CHECK_INT(take_all(&b, 1000500), 100);

	check_case("noise costs a twentieth");
	for (unsigned i = 0; i < 2000; i++) {
		CHECK(budget_allows(&b, 1010500));
		budget_take(&b);
		budget_give_back(&b);
	}
	CHECK_INT(take_all(&b, 1010500), 1900); /* of 2,000 */

	check_case("what is given back after the budget has grown back is not counted twice");
	CHECK(budget_allows(&b, 2000000));
	budget_take(&b);
	CHECK(budget_allows(&b, 3000000));
	budget_give_back(&b);
	CHECK_INT(take_all(&b, 3000000), 2048);
}

static void test_rate(void)
{
	struct rate r = {0};
	unsigned n = 0;

	check_case("a rate counts what is over it");
	for (unsigned i = 0; i < 100; i++)
		n += rate_allows(&r, 64, 5999);
	CHECK_INT(n, 64);
	CHECK_INT(r.n_over, 36);
	CHECK(rate_allows(&r, 64, 6000));
}

int main(void)
{
	test_budget();
	test_rate();
	return check_done();
}

/* Buckets that leak: what is allowed at once, what for ever, what is given back. */
#include "budget.h"
#include "check.h"

int main(void)
{
	static const struct http2_rate rate = {.burst = 10, .per_s = 2};
	struct http2_budget b = {0};
	uint64_t now_ms = 1000000;

	check_case("a burst");
	for (int i = 0; i < 10; i++)
		CHECK(http2_budget_spend(&b, &rate, 1, now_ms));
	CHECK(!http2_budget_spend(&b, &rate, 1, now_ms));
	check_case("it leaks");
	CHECK(!http2_budget_spend(&b, &rate, 1, now_ms + 500)); /* 12 less 1 is 11 */
	CHECK(http2_budget_spend(&b, &rate, 1, now_ms + 1500));
	check_case("for ever at the rate");
	for (int i = 0; i < 1000; i++)
		CHECK(http2_budget_spend(&b, &rate, 1, now_ms + 2000 + 500 * (uint64_t)i));
	check_case("a long pause is no more than empty");
	CHECK(http2_budget_spend(&b, &rate, 10, now_ms + 100000000));
	CHECK(!http2_budget_spend(&b, &rate, 1, now_ms + 100000000));
	check_case("what is given back");
	http2_budget_credit(&b, 5);
	CHECK(http2_budget_spend(&b, &rate, 4, now_ms + 100000000));
	CHECK(!http2_budget_spend(&b, &rate, 1, now_ms + 100000000));
	http2_budget_credit(&b, 1000);
	CHECK(http2_budget_spend(&b, &rate, 10, now_ms + 100000000));
	CHECK(!http2_budget_spend(&b, &rate, 1, now_ms + 100000000));
	return check_done();
}

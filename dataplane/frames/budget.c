#include "budget.h"

bool http2_budget_spend(struct http2_budget *b, const struct http2_rate *rate, uint32_t cost, uint64_t now_ms)
{
	uint64_t leaked = (now_ms - b->at_ms) * rate->per_s;

	b->level_milli -= leaked < b->level_milli ? leaked : b->level_milli;
	b->at_ms = now_ms;
	b->level_milli += (uint64_t)cost * 1000;
	return b->level_milli <= (uint64_t)rate->burst * 1000;
}

void http2_budget_credit(struct http2_budget *b, uint32_t n)
{
	uint64_t milli = (uint64_t)n * 1000;

	b->level_milli -= milli < b->level_milli ? milli : b->level_milli;
}

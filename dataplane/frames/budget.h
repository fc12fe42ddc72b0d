#ifndef BUDGET_H
#define BUDGET_H
/* How often something may happen: a bucket that fills with each event and leaks with time. No clock of its own. */
#include <stdbool.h>
#include <stdint.h>

struct http2_rate {
	uint32_t burst;  /* at once */
	uint32_t per_s;  /* for ever */
};

/* Zeroed is empty. */
struct http2_budget {
	uint64_t level_milli;
	uint64_t at_ms;
};

/* `cost` more have happened. False when that is too much. */
bool http2_budget_spend(struct http2_budget *b, const struct http2_rate *rate, uint32_t cost, uint64_t now_ms);
/* `n` are justified by what we did ourselves. */
void http2_budget_credit(struct http2_budget *b, uint32_t n);

#endif

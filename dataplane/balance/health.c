/*
 * What a worker has learnt of endpoints that do not answer. So many failures one after another eject an endpoint for a time
 * that grows with each ejection; then it is on trial: asked for one request at a time until one is answered, and one more
 * failure ejects it for longer. The last endpoint that is left is never ejected. Checks of their own (room probe) say of an
 * endpoint whether it fails them. Retries have a budget, so that a backend that is down is not asked three times as often.
 */
#include "choice.h"

enum {
	EJECTIONS_MOST = 10,      /* the time grows up to so many times the first */
	CREDIT_MOST = 10 * 1000,  /* thousandths of a retry: ten at once */
};

bool health_is_ejected(const struct balance_endpoint *e, uint64_t now_ms)
{
	return now_ms < e->ejected_until_ms;
}

bool health_is_out(const struct balance_endpoint *e, uint64_t now_ms)
{
	return health_is_ejected(e, now_ms) || e->is_failing_check || (e->is_on_trial && e->n_trials);
}

static bool is_last_left(const struct balance_state *s, size_t except, uint64_t now_ms)
{
	for (size_t i = 0; i < s->n; i++) {
		if (i != except && !health_is_ejected(&s->items[i], now_ms) && !s->items[i].is_failing_check)
			return false;
	}
	return true;
}

static void eject(struct balance_state *s, struct balance_endpoint *e, uint64_t now_ms)
{
	if (e->n_ejections < EJECTIONS_MOST)
		e->n_ejections++;
	e->ejected_until_ms = now_ms + (uint64_t)s->eject_ms * e->n_ejections;
	e->n_unreachable = s->eject_after - 1; /* when it comes back, one is enough */
	e->is_on_trial = true;
}

static void note_success(const struct balance_state *s, struct balance_endpoint *e, uint64_t now_ms)
{
	e->n_unreachable = 0;
	e->is_on_trial = e->is_on_trial && health_is_ejected(e, now_ms); /* one that was begun before says nothing */
	if (e->n_ejections && now_ms >= e->ejected_until_ms + (uint64_t)s->eject_ms * EJECTIONS_MOST)
		e->n_ejections = 0;
}

bool health_add(struct balance_state *s, size_t i, bool is_unreachable, uint64_t now_ms)
{
	struct balance_endpoint *e = &s->items[i];

	if (!s->eject_after)
		return false;
	if (!is_unreachable) {
		note_success(s, e, now_ms);
		return false;
	}
	if (++e->n_unreachable < s->eject_after || health_is_ejected(e, now_ms) || is_last_left(s, i, now_ms))
		return false;
	eject(s, e, now_ms);
	return true;
}

void health_earn_retry(struct balance_state *s)
{
	s->retry_credit += s->retry_percent * 10;
	if (s->retry_credit > CREDIT_MOST)
		s->retry_credit = CREDIT_MOST;
}

bool health_spend_retry(struct balance_state *s, uint64_t now_ms)
{
	uint64_t free = now_ms - s->retry_ms; /* one a second */

	if (!s->retry_percent)
		return true;
	s->retry_ms = now_ms;
	s->retry_credit += free < CREDIT_MOST ? (uint32_t)free : CREDIT_MOST;
	if (s->retry_credit > CREDIT_MOST)
		s->retry_credit = CREDIT_MOST;
	if (s->retry_credit < 1000)
		return false;
	s->retry_credit -= 1000;
	return true;
}

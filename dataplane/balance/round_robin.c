/*
 * I2: strict rotation in the order of addresses. While an endpoint is in slow start the rotation is smooth and weighted: each
 * turn gives every endpoint its weight in credit, and the richest pays for all.
 */
#include "choice.h"

static int select_in_turn(const struct choice *c)
{
	struct balance_state *s = c->state;
	size_t first = (s->last < s->n ? s->last + 1 : (size_t)(c->draw % s->n)) % s->n;

	for (size_t i = 0, at = first; i < s->n; i++, at = at + 1 == s->n ? 0 : at + 1) {
		if (choice_allows(c, at)) {
			s->last = at;
			return (int)at;
		}
	}
	return -1;
}

static int select_weighted(const struct choice *c)
{
	struct balance_state *s = c->state;
	int32_t total = 0;
	int best = -1;

	for (size_t k = 0; k < s->n; k++) {
		size_t i = (s->last + 1 + k) % s->n; /* who is next in turn wins among equals */
		int32_t weight = (int32_t)choice_weight(c, i);

		if (!choice_allows(c, i))
			continue;
		s->items[i].credit += weight;
		total += weight;
		if (best < 0 || s->items[i].credit > s->items[best].credit)
			best = (int)i;
	}
	if (best < 0)
		return -1;
	s->items[best].credit -= total;
	s->last = (size_t)best;
	return best;
}

int round_robin_select(const struct choice *c)
{
	return c->now_ms < c->state->warm_until_ms ? select_weighted(c) : select_in_turn(c);
}

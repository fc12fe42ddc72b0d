/* What the algorithms share: who may be chosen, with what share, and two at random. */
#include "choice.h"

enum { DRAWS = 8 };

bool choice_was_tried(const struct balance_tried *tried, size_t index)
{
	for (unsigned i = 0; i < tried->n; i++) {
		if (tried->items[i] == index)
			return true;
	}
	return false;
}

bool choice_allows(const struct choice *c, size_t i)
{
	const struct balance_endpoint *e = &c->state->items[i];

	if (c->backend->max_connections && e->in_flight >= c->backend->max_connections)
		return false;
	if (c->level == CHOICE_ANY)
		return true;
	if (c->tried.n && choice_was_tried(&c->tried, i))
		return false;
	return c->level == CHOICE_UNTRIED || !health_is_out(e, c->now_ms);
}

unsigned choice_weight(const struct choice *c, size_t i)
{
	const struct balance_endpoint *e = &c->state->items[i];
	uint64_t age_ms = c->now_ms - e->born_ms, whole_ms = c->backend->slow_start_ms;

	if (!e->born_ms || age_ms >= whole_ms)
		return WEIGHT_FULL;
	return WEIGHT_LEAST + (unsigned)((WEIGHT_FULL - WEIGHT_LEAST) * age_ms / whole_ms);
}

/* The first allowed one at or after `from`, going round; `except` is not. n when there is none. */
static size_t next_allowed(const struct choice *c, size_t from, size_t except)
{
	size_t n = c->state->n;

	for (size_t k = 0; k < n; k++) {
		size_t i = (from + k) % n;

		if (i != except && choice_allows(c, i))
			return i;
	}
	return n;
}

uint64_t choice_more_random(uint64_t *x)
{
	uint64_t z = *x += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* Some draws, then a walk: where few are allowed those behind a gap come more often, which is better than not at all. */
static size_t draw_one(const struct choice *c, uint64_t *x, size_t except)
{
	size_t i = 0;

	for (unsigned k = 0; k < DRAWS; k++) {
		i = (size_t)(choice_more_random(x) % c->state->n);
		if (i != except && choice_allows(c, i))
			return i;
	}
	return next_allowed(c, i, except);
}

unsigned choice_draw_two(const struct choice *c, size_t out[2])
{
	uint64_t x = c->draw;
	size_t n = c->state->n;

	out[0] = draw_one(c, &x, n);
	if (out[0] == n)
		return 0;
	out[1] = draw_one(c, &x, out[0]);
	return out[1] == n ? 1 : 2;
}

double choice_load(const struct choice *c, size_t i)
{
	return (double)(c->state->items[i].in_flight + 1) * WEIGHT_FULL / choice_weight(c, i);
}

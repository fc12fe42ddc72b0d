/*
 * The rotation remembers the endpoint it chose last, by address: when endpoints come and go, it goes on with the one after
 * that address in sort order, so a change neither starts the rotation anew nor skips anybody.
 */
#include "round_robin.h"

static bool is_tried(const struct balance_tried *tried, size_t index)
{
	for (unsigned i = 0; i < tried->n; i++) {
		if (tried->items[i] == index)
			return true;
	}
	return false;
}

/* The first endpoint that sorts after `last`; n when there is none. */
static size_t first_after(const struct backend *b, const struct addr *last)
{
	size_t from = 0, to = b->n_endpoints;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (addr_cmp(&b->endpoints[middle].addr, last) <= 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static size_t next_in_turn(const struct round_robin *state, const struct backend *b, uint64_t random)
{
	size_t next;

	if (!state->last.family)
		return (size_t)(random % b->n_endpoints);
	if (state->at < b->n_endpoints && addr_eq(&b->endpoints[state->at].addr, &state->last))
		next = state->at + 1; /* nothing moved */
	else
		next = first_after(b, &state->last);
	return next % b->n_endpoints;
}

int round_robin_select(struct round_robin *state, const struct backend *backend, const struct balance_tried *tried,
	uint64_t random)
{
	size_t first, chosen, n = backend->n_endpoints;

	if (!n)
		return -1;
	first = chosen = next_in_turn(state, backend, random);
	for (size_t i = 0; i < n && tried && is_tried(tried, chosen); i++)
		chosen = (first + i + 1) % n; /* all tried: comes round to `first` */
	state->at = chosen;
	state->last = backend->endpoints[chosen].addr;
	return (int)chosen;
}

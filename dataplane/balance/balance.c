/* A worker's state by backend number, and which algorithm a backend asks for. EWMA is round robin until it has a file. */
#include "balance.h"

#include "mem.h"
#include "round_robin.h"

struct balance {
	uint64_t random;
	struct round_robin *items; /* by backend number; a number that is given to another name just goes on */
	size_t n;
};

struct balance *balance_create(uint64_t seed)
{
	struct balance *b = mem_zalloc(sizeof(*b));

	b->random = seed;
	return b;
}

void balance_destroy(struct balance *b)
{
	if (!b)
		return;
	mem_free(b->items);
	mem_free(b);
}

/* splitmix64: good enough to begin somewhere. */
static uint64_t next_random(struct balance *b)
{
	uint64_t z = b->random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static struct round_robin *state_of(struct balance *b, unsigned index)
{
	if (index >= b->n) {
		size_t n = b->n, cap = b->n;

		b->items = mem_grow(b->items, &cap, (size_t)index + 1, sizeof(*b->items));
		memset(b->items + n, 0, (cap - n) * sizeof(*b->items));
		b->n = cap;
	}
	return &b->items[index];
}

int balance_select(struct balance *b, const struct backend *backend, const struct balance_tried *tried, uint64_t now_ms)
{
	struct round_robin *state;

	(void)now_ms; /* for algorithms that weigh by age */
	if (!backend->n_endpoints)
		return -1;
	state = state_of(b, backend->index);
	return round_robin_select(state, backend, tried, state->last.family ? 0 : next_random(b));
}

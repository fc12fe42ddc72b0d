/*
 * Networks are nested or apart, never half and half. Those within another one are dropped first; what is left is sorted and
 * apart, so that each node of the tree is one pass over a run of it.
 */
#include "cidrset.h"

#include <assert.h>
#include <stdlib.h>

#include "mem.h"

enum { VALUES = 256, LEAF = 1 };

/* Wider networks first among those that begin at the same address. */
static int compare(const void *a, const void *b)
{
	const struct cidr *x = a, *y = b;
	int order = addr_cmp(&x->net, &y->net);

	return order ? order : (int)x->prefix - (int)y->prefix;
}

/* Sorts and drops what lies within another one; the number that is left. */
static size_t sort_apart(struct cidr *items, size_t n)
{
	size_t kept = 0;

	if (n > 1)
		qsort(items, n, sizeof(*items), compare);
	for (size_t i = 0; i < n; i++) {
		/* What holds this one, if anything, is the last one that was kept. */
		if (!kept || !cidr_contains(&items[kept - 1], &items[i].net))
			items[kept++] = items[i];
	}
	return kept;
}

/* ------------------------------------------------------------------------------------------------------------- building */

/* A tree on its way; both arrays are on the heap and grow. */
struct growing {
	const struct cidr *items;
	struct cidrset_node *nodes;
	uint32_t *slots;
	size_t n_nodes, nodes_cap, n_slots, slots_cap;
	uint8_t depth;
};

/* What one node leads to, by value of the byte; a run of items for those that need another node. */
struct branch {
	uint8_t value;
	bool is_leaf;
	size_t from, to;
};

static uint32_t slot_of(size_t index, bool is_leaf)
{
	return (uint32_t)((index + 1) << 1 | (is_leaf ? LEAF : 0));
}

/* The branches of the items [from, to), which agree in all bytes before `depth`. */
static size_t find_branches(const struct cidr *items, size_t from, size_t to, unsigned depth, struct branch out[VALUES])
{
	size_t n = 0;

	while (from < to) {
		const struct cidr *c = &items[from];
		unsigned value = c->net.ip[depth], bits = c->prefix - 8 * depth; /* of the prefix that are left */
		size_t next = from + 1;

		if (bits <= 8) { /* takes all values that share these bits */
			for (unsigned i = 0; i < 1u << (8 - bits); i++)
				out[n++] = (struct branch){(uint8_t)(value + i), true, from, next};
		} else {
			while (next < to && items[next].net.ip[depth] == value)
				next++;
			out[n++] = (struct branch){(uint8_t)value, false, from, next};
		}
		from = next;
	}
	return n;
}

static uint32_t add_node(struct growing *g, const struct branch *branches, size_t n)
{
	struct cidrset_node node = {.first = (uint32_t)g->n_slots};
	unsigned before = 0;

	for (size_t i = 0; i < n; i++)
		node.bits[branches[i].value / 64] |= UINT64_C(1) << branches[i].value % 64;
	for (size_t word = 0; word < 4; word++) {
		node.before[word] = (uint8_t)before;
		before += (unsigned)__builtin_popcountll(node.bits[word]);
	}
	g->nodes = mem_grow(g->nodes, &g->nodes_cap, g->n_nodes + 1, sizeof(*g->nodes));
	g->nodes[g->n_nodes] = node;
	g->slots = mem_grow(g->slots, &g->slots_cap, g->n_slots + n, sizeof(*g->slots));
	g->n_slots += n;
	return slot_of(g->n_nodes++, false);
}

/* At most 16 deep: one call a byte of an address. */
static uint32_t add_tree(struct growing *g, size_t from, size_t to, unsigned depth)
{
	struct branch branches[VALUES];
	size_t n, first = g->n_slots;
	uint32_t node;

	if (g->items[from].prefix == 8 * depth) /* it takes all that is left, alone */
		return slot_of(from, true);
	if (g->depth <= depth)
		g->depth = (uint8_t)(depth + 1);
	n = find_branches(g->items, from, to, depth, branches);
	node = add_node(g, branches, n);
	for (size_t i = 0; i < n; i++) {
		uint32_t slot = branches[i].is_leaf ? slot_of(branches[i].from, true) :
						      add_tree(g, branches[i].from, branches[i].to, depth + 1);

		g->slots[first + i] = slot;
	}
	return node;
}

static uint32_t add_family(struct growing *g, size_t from, size_t to, uint8_t *depth)
{
	uint32_t root = from < to ? add_tree(g, from, to, 0) : 0;

	*depth = g->depth;
	g->depth = 0;
	return root;
}

static const void *kept(const void *array, size_t n, size_t size, struct arena *arena)
{
	void *copy;

	if (!n)
		return NULL;
	copy = arena_alloc(arena, n * size);
	memcpy(copy, array, n * size);
	return copy;
}

void cidrset_build(struct cidrset *set, const struct cidr *items, size_t n, struct arena *arena)
{
	struct growing g = {0};
	struct cidr *sorted;
	size_t n4 = 0;

	*set = (struct cidrset){0};
	if (!n)
		return;
	sorted = arena_alloc(arena, n * sizeof(*sorted));
	memcpy(sorted, items, n * sizeof(*sorted));
	g.items = set->items = sorted;
	set->n = sort_apart(sorted, n);
	while (n4 < set->n && sorted[n4].net.family == 4)
		n4++;
	set->root4 = add_family(&g, 0, n4, &set->depth4);
	set->root6 = add_family(&g, n4, set->n, &set->depth6);
	set->nodes = kept(g.nodes, g.n_nodes, sizeof(*g.nodes), arena);
	set->slots = kept(g.slots, g.n_slots, sizeof(*g.slots), arena);
	mem_free(g.nodes);
	mem_free(g.slots);
}

/* -------------------------------------------------------------------------------------------------------------- looking */

const struct cidr *cidrset_find(const struct cidrset *set, const struct addr *a)
{
	uint32_t slot = a->family == 4 ? set->root4 : a->family == 6 ? set->root6 : 0;
	const uint8_t *byte = a->ip;

	while (slot && !(slot & LEAF)) {
		const struct cidrset_node *node = &set->nodes[(slot >> 1) - 1];
		unsigned word = *byte / 64u;
		uint64_t bit = UINT64_C(1) << *byte % 64u;

		assert(byte < a->ip + sizeof(a->ip));
		if (!(node->bits[word] & bit))
			return NULL;
		slot = set->slots[node->first + node->before[word] +
			(unsigned)__builtin_popcountll(node->bits[word] & (bit - 1))];
		byte++;
	}
	return slot ? &set->items[(slot >> 1) - 1] : NULL;
}

#ifndef CIDRSET_H
#define CIDRSET_H
/*
 * Long lists of networks that are asked for every request: a prefix tree over the bytes of an address, so that a look-up takes
 * at most 4 steps for IPv4 and 16 for IPv6, however many networks there are. Immutable once built.
 */
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "arena.h"

/* One byte of the address: `bits` says which values lead on, `first` where their slots begin, in the order of the values. */
struct cidrset_node {
	uint64_t bits[4];
	uint32_t first;
	uint8_t before[4]; /* slots of the words before each word of `bits` */
};

/* A zeroed one is empty. To read: `items`, `n` and the two depths. */
struct cidrset {
	const struct cidr *items;        /* sorted; networks within another one are left out, for they decide nothing */
	size_t n;
	const struct cidrset_node *nodes;
	const uint32_t *slots;           /* (index + 1) * 2 of a node, or that of an item with the last bit set */
	uint32_t root4, root6;           /* as a slot; 0: no network of this family */
	uint8_t depth4, depth6;          /* steps of the longest look-up */
};

/* Networks in any order, nested or twice. What the set points to lives in `arena`; `items` may go. */
void cidrset_build(struct cidrset *set, const struct cidr *items, size_t n, struct arena *arena);
/* The network of the set that holds `a`, or NULL. The port of `a` has no meaning. Borrowed from the set. */
const struct cidr *cidrset_find(const struct cidrset *set, const struct addr *a);

#endif

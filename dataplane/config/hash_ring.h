#ifndef HASH_RING_H
#define HASH_RING_H
/*
 * Consistent hashing as ingress-nginx has it (SEMANTICS I4): 160 points a node, CRC-32. The same nodes give the same ring in
 * every worker and every proxy, after every restart; a node that comes or goes moves the keys of its own points alone.
 * Immutable once built.
 */
#include <stddef.h>
#include <stdint.h>

#include "str.h"

enum { HASH_RING_POINTS = 160 };

struct backend; /* config.h */

struct hash_ring_point {
	uint32_t hash;
	uint32_t node;
};
struct hash_ring {
	struct hash_ring_point *points; /* sorted */
	size_t n;
};

/* Node i is called ids[i]. Owned; NULL for no nodes. */
struct hash_ring *hash_ring_create(const struct str *ids, size_t n);
/* I4: nodes are the endpoints, called by their address. */
struct hash_ring *hash_ring_of_endpoints(const struct backend *b);
/* I5: nodes are groups of them, called set1, set2, … */
struct hash_ring *hash_ring_of_subsets(const struct backend *b);
void hash_ring_destroy(struct hash_ring *r);
/* CRC-32 as zlib and PNG have it. */
uint32_t hash_ring_key(struct str key);
/* Where the walk for a key begins: the first point at or after it. Go on with (i + 1) % r->n. */
size_t hash_ring_find(const struct hash_ring *r, uint32_t hash);

#endif

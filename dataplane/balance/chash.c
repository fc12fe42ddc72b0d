/*
 * I4 and I5: the key's place on the ring, and from there the first endpoint that may be chosen. So a retry goes to the next
 * one on the ring, the same one in every worker, where ingress-nginx asks the same endpoint again (I36).
 */
#include "choice.h"
#include "hash_ring.h"

/* One of a group at random; the last group is filled up from the start of the list (I5). */
static int select_in_group(const struct choice *c, size_t group)
{
	size_t size = c->backend->hash_subset_size, n = c->state->n;
	size_t draw = (size_t)(c->draw % size);

	for (size_t k = 0; k < size; k++) {
		size_t i = (group * size + (draw + k) % size) % n;

		if (choice_allows(c, i))
			return (int)i;
	}
	return -1;
}

int chash_select(const struct choice *c)
{
	const struct hash_ring *ring = c->backend->ring;
	size_t at = hash_ring_find(ring, hash_ring_key(c->key));

	for (size_t k = 0; k < ring->n; k++) {
		size_t node = ring->points[(at + k) % ring->n].node;
		int i = c->backend->hash_subset_size ? select_in_group(c, node) : choice_allows(c, node) ? (int)node : -1;

		if (i >= 0)
			return i;
	}
	return -1;
}

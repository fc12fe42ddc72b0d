/* Points of a node form a chain: each is the CRC of the node's id and the point before it. */
#include "hash_ring.h"

#include <stdio.h>
#include <stdlib.h>

#include "config.h"
#include "mem.h"

/* One byte into the register of the reflected CRC-32; nibbles, so that the table fits two lines. */
static uint32_t add_byte(uint32_t crc, uint8_t byte)
{
	static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158,
		0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};

	crc = crc >> 4 ^ table[(crc ^ byte) & 15];
	return crc >> 4 ^ table[(crc ^ (uint32_t)byte >> 4) & 15];
}

static uint32_t add_bytes(uint32_t crc, struct str bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		crc = add_byte(crc, (uint8_t)bytes.ptr[i]);
	return crc;
}

uint32_t hash_ring_key(struct str key)
{
	return ~add_bytes(0xffffffff, key);
}

static int compare(const void *a, const void *b)
{
	const struct hash_ring_point *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->node < y->node ? -1 : x->node > y->node;
}

struct hash_ring *hash_ring_create(const struct str *ids, size_t n)
{
	struct hash_ring *r;

	if (!n)
		return NULL;
	r = mem_zalloc(sizeof(*r));
	r->points = mem_calloc(n * HASH_RING_POINTS, sizeof(*r->points));
	for (size_t i = 0; i < n; i++) {
		uint32_t begun = add_bytes(0xffffffff, ids[i]), hash = 0;

		for (unsigned k = 0; k < HASH_RING_POINTS; k++) {
			uint32_t crc = begun;

			for (unsigned shift = 0; shift < 32; shift += 8)
				crc = add_byte(crc, (uint8_t)(hash >> shift));
			hash = ~crc;
			r->points[r->n++] = (struct hash_ring_point){hash, (uint32_t)i};
		}
	}
	qsort(r->points, r->n, sizeof(*r->points), compare);
	return r;
}

void hash_ring_destroy(struct hash_ring *r)
{
	if (!r)
		return;
	mem_free(r->points);
	mem_free(r);
}

size_t hash_ring_find(const struct hash_ring *r, uint32_t hash)
{
	size_t from = 0, to = r->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (r->points[middle].hash < hash)
			from = middle + 1;
		else
			to = middle;
	}
	return from % r->n;
}

struct hash_ring *hash_ring_of_endpoints(const struct backend *b)
{
	char(*texts)[ADDR_TEXT_MAX] = mem_calloc(b->n_endpoints, sizeof(*texts));
	struct str *ids = mem_calloc(b->n_endpoints, sizeof(*ids));
	struct hash_ring *ring;

	for (size_t i = 0; i < b->n_endpoints; i++)
		ids[i] = str_from(addr_text(&b->endpoints[i].addr, texts[i]));
	ring = hash_ring_create(ids, b->n_endpoints);
	mem_free(ids);
	mem_free(texts);
	return ring;
}

struct hash_ring *hash_ring_of_subsets(const struct backend *b)
{
	size_t n = (b->n_endpoints + b->hash_subset_size - 1) / b->hash_subset_size;
	char(*texts)[32] = mem_calloc(n, sizeof(*texts));
	struct str *ids = mem_calloc(n, sizeof(*ids));
	struct hash_ring *ring;

	for (size_t i = 0; i < n; i++) {
		snprintf(texts[i], sizeof(texts[i]), "set%zu", i + 1);
		ids[i] = str_from(texts[i]);
	}
	ring = hash_ring_create(ids, n);
	mem_free(ids);
	mem_free(texts);
	return ring;
}

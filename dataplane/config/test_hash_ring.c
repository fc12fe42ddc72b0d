/* I4: points by CRC-32 chains, the same for everybody; a node that comes or goes moves its own keys alone. */
#include "hash_ring.h"

#include <stdio.h>

#include "check.h"

enum { N_KEYS = 20000, N_NODES = 20 };

static char texts[N_NODES][24];
static struct str ids[N_NODES];

static void make_ids(void)
{
	for (unsigned i = 0; i < N_NODES; i++) {
		snprintf(texts[i], sizeof(texts[i]), "10.1.0.%u:8080", i);
		ids[i] = str_from(texts[i]);
	}
}

static uint32_t owner(const struct hash_ring *r, unsigned key)
{
	char text[24];

	snprintf(text, sizeof(text), "/item/%u", key);
	return r->points[hash_ring_find(r, hash_ring_key(str_from(text)))].node;
}

/* CRC-32 bit by bit, to be slow and certain. */
static uint32_t crc(uint32_t reg, const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		reg ^= ((const uint8_t *)bytes)[i];
		for (int bit = 0; bit < 8; bit++)
			reg = reg & 1 ? reg >> 1 ^ 0xedb88320 : reg >> 1;
	}
	return reg;
}

static void test_points(void)
{
	struct hash_ring *r = hash_ring_create(ids, 1);
	uint32_t begun = crc(0xffffffff, ids[0].ptr, ids[0].len), before = 0;

	check_case("160 points, each the CRC of the id and the four little-endian bytes of the one before");
	CHECK_INT(hash_ring_key(STR("123456789")), 0xcbf43926); /* the check value of CRC-32 */
	CHECK_INT(hash_ring_key(STR("")), 0);
	CHECK_INT(r->n, 160);
	for (unsigned k = 0; k < 160; k++) {
		const uint8_t bytes[] = {(uint8_t)before, (uint8_t)(before >> 8), (uint8_t)(before >> 16), (uint8_t)(before >> 24)};

		before = ~crc(begun, bytes, 4);
		CHECK_INT(r->points[hash_ring_find(r, before)].hash, before);
	}
	for (size_t i = 1; i < r->n; i++)
		CHECK(r->points[i - 1].hash <= r->points[i].hash);
	CHECK_INT(hash_ring_find(r, r->points[159].hash + 1), 0); /* round it goes */
	hash_ring_destroy(r);
	hash_ring_destroy(NULL);
	CHECK(!hash_ring_create(ids, 0));
}

static void test_moves(void)
{
	struct hash_ring *all = hash_ring_create(ids, N_NODES);
	struct hash_ring *fewer = hash_ring_create(ids, N_NODES - 1);
	unsigned n_moved = 0, counts[N_NODES] = {0};

	check_case("without the last node its keys move and no others");
	for (unsigned key = 0; key < N_KEYS; key++) {
		uint32_t before = owner(all, key), after = owner(fewer, key);

		counts[before]++;
		n_moved += before != after;
		CHECK(before == after || before == N_NODES - 1);
	}
	CHECK_INT(n_moved, counts[N_NODES - 1]);
	for (unsigned i = 0; i < N_NODES; i++)
		CHECK(counts[i] > N_KEYS / N_NODES * 7 / 10 && counts[i] < N_KEYS / N_NODES * 13 / 10);
	hash_ring_destroy(all);
	hash_ring_destroy(fewer);
}

int main(void)
{
	make_ids();
	test_points();
	test_moves();
	return check_done();
}

/* Open addressing with linear probing; a deleted slot leaves a tombstone until the next growth. */
#include "map.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>

#include "mem.h"

struct map_slot {
	char *key; /* NULL: never used */
	size_t key_len;
	uint64_t hash;
	void *value; /* NULL with a key: deleted */
};

static uint64_t seed(void)
{
	static _Atomic uint64_t process_seed;
	uint64_t s = atomic_load_explicit(&process_seed, memory_order_relaxed);

	if (s == 0) {
		uint64_t fresh = 0;
		uint64_t none = 0;

		if (getrandom(&fresh, sizeof(fresh), 0) != (ssize_t)sizeof(fresh))
			abort();
		fresh |= 1;
		atomic_compare_exchange_strong(&process_seed, &none, fresh);
		s = atomic_load_explicit(&process_seed, memory_order_relaxed);
	}
	return s;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Up to 8 bytes of the end: the last 8, where there are so many, else all, the length beside them tells which. */
static uint64_t last_word(struct str s)
{
	uint32_t first4, last4;
	uint64_t word = 0;

	if (s.len >= 8) {
		memcpy(&word, s.ptr + s.len - 8, 8);
	} else if (s.len >= 4) {
		memcpy(&first4, s.ptr, 4);
		memcpy(&last4, s.ptr + s.len - 4, 4);
		word = (uint64_t)first4 << 32 | last4;
	} else if (s.len) {
		word = (uint64_t)(unsigned char)s.ptr[0] << 16 | (uint64_t)(unsigned char)s.ptr[s.len / 2] << 8 |
			(unsigned char)s.ptr[s.len - 1];
	}
	return word;
}

/* Reads 8 bytes at a time and folds with a 128-bit product, as wyhash does; seeded against chosen keys. */
uint64_t hash_bytes(struct str s)
{
	const uint64_t k0 = 0xa0761d6478bd642fu, k1 = 0xe7037ed1a0b428dbu;
	const uint64_t secret = seed();
	uint64_t h = secret ^ s.len * k1;
	uint64_t word;

	for (size_t at = 0; at + 8 < s.len; at += 8) {
		memcpy(&word, s.ptr + at, 8);
		h = mix(h ^ word ^ k0, k1);
	}
	h = mix(h ^ last_word(s) ^ k1, k0);
	return mix(h, k1 ^ secret);
}

static struct map_slot *find(const struct map *m, struct str key, uint64_t hash)
{
	size_t at;

	if (m->n_slots == 0)
		return NULL;
	at = hash & (m->n_slots - 1);
	while (m->slots[at].key) {
		struct map_slot *slot = &m->slots[at];

		if (slot->value && slot->hash == hash && str_eq(str_of(slot->key, slot->key_len), key))
			return slot;
		at = (at + 1) & (m->n_slots - 1);
	}
	return NULL;
}

void *map_get(const struct map *m, struct str key)
{
	struct map_slot *slot = m->n ? find(m, key, hash_bytes(key)) : NULL;

	return slot ? slot->value : NULL;
}

static void place(struct map *m, struct map_slot entry)
{
	size_t at = entry.hash & (m->n_slots - 1);

	while (m->slots[at].key)
		at = (at + 1) & (m->n_slots - 1);
	m->slots[at] = entry;
	m->n++;
	m->n_used++;
}

static void rebuild(struct map *m, size_t n_slots)
{
	struct map old = *m;

	*m = (struct map){.slots = mem_calloc(n_slots, sizeof(*m->slots)), .n_slots = n_slots};
	for (size_t i = 0; i < old.n_slots; i++) {
		if (old.slots[i].value)
			place(m, old.slots[i]);
		else
			mem_free(old.slots[i].key);
	}
	mem_free(old.slots);
}

void *map_put(struct map *m, struct str key, void *value)
{
	uint64_t hash = hash_bytes(key);
	struct map_slot *slot = find(m, key, hash);

	if (slot) {
		void *before = slot->value;

		slot->value = value;
		return before;
	}
	if ((m->n_used + 1) * 4 > m->n_slots * 3)
		rebuild(m, m->n * 4 >= m->n_slots * 2 ? (m->n_slots ? m->n_slots * 2 : 16) : m->n_slots);
	place(m, (struct map_slot){mem_strdup(key), key.len, hash, value});
	return NULL;
}

void *map_del(struct map *m, struct str key)
{
	struct map_slot *slot = m->n ? find(m, key, hash_bytes(key)) : NULL;
	void *value;

	if (!slot)
		return NULL;
	value = slot->value;
	slot->value = NULL;
	m->n--;
	return value;
}

bool map_next(const struct map *m, size_t *cursor, struct str *key, void **value)
{
	while (*cursor < m->n_slots) {
		const struct map_slot *slot = &m->slots[(*cursor)++];

		if (!slot->value)
			continue;
		if (key)
			*key = str_of(slot->key, slot->key_len);
		if (value)
			*value = slot->value;
		return true;
	}
	return false;
}

void map_deinit(struct map *m)
{
	for (size_t i = 0; i < m->n_slots; i++)
		mem_free(m->slots[i].key);
	mem_free(m->slots);
	*m = (struct map){0};
}

/*
 * 256 shards by the first byte of the hash, each a table with open addressing and linear probing, counted. A shard that another
 * map holds too is copied before it is changed. Entries are taken out by moving up those behind them, so there are no
 * tombstones, and the values of a key stay in their order.
 */
#include "shared_map.h"

#include <stdatomic.h>

#include "map.h"
#include "mem.h"

enum { SHARDS = 256, FIRST_SLOTS = 8 };
#define SLOTS_MAX ((size_t)1 << 48) /* of a shard, in a cursor */

struct slot {
	uint64_t hash;
	struct str key;
	void *value; /* NULL: free */
};

struct shared_map_shard {
	atomic_uint refs;
	size_t n, mask;
	struct slot slots[];
};

void shared_map_init(struct shared_map *m, const struct shared_map_values *values)
{
	*m = (struct shared_map){.values = values};
}

void shared_map_copy(struct shared_map *m, const struct shared_map *from)
{
	*m = *from;
	if (!from->shards)
		return;
	m->shards = mem_alloc(SHARDS * sizeof(*m->shards));
	memcpy(m->shards, from->shards, SHARDS * sizeof(*m->shards));
	for (size_t i = 0; i < SHARDS; i++)
		mem_expect(m->shards[i]);
	for (size_t i = 0; i < SHARDS; i++) {
		if (m->shards[i])
			atomic_fetch_add_explicit(&m->shards[i]->refs, 1, memory_order_relaxed);
	}
}

static void unref_shard(const struct shared_map *m, struct shared_map_shard *s)
{
	if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) > 1)
		return;
	for (size_t i = 0; i <= s->mask; i++) {
		if (s->slots[i].value)
			m->values->unref(s->slots[i].value);
	}
	mem_free(s);
}

void shared_map_deinit(struct shared_map *m)
{
	for (size_t i = 0; m->shards && i < SHARDS; i++)
		mem_expect(m->shards[i]);
	for (size_t i = 0; m->shards && i < SHARDS; i++)
		unref_shard(m, m->shards[i]);
	mem_free(m->shards);
	*m = (struct shared_map){0};
}

static size_t shard_of(uint64_t hash)
{
	return hash >> 56;
}

static bool is_key(const struct slot *slot, uint64_t hash, struct str key)
{
	return slot->hash == hash && str_eq(slot->key, key);
}

/* The first slot of the key, or NULL. */
static struct slot *find(const struct shared_map *m, uint64_t hash, struct str key)
{
	struct shared_map_shard *s = m->shards ? m->shards[shard_of(hash)] : NULL;

	if (!s)
		return NULL;
	for (size_t at = hash & s->mask; s->slots[at].value; at = (at + 1) & s->mask) {
		if (is_key(&s->slots[at], hash, key))
			return &s->slots[at];
	}
	return NULL;
}

void *shared_map_get(const struct shared_map *m, struct str key)
{
	const struct slot *slot = m->n ? find(m, hash_bytes(key), key) : NULL;

	return slot ? slot->value : NULL;
}

/* ----------------------------------------------------------------------------------------------------------- changing */

static struct shared_map_shard *create_shard(size_t n_slots)
{
	struct shared_map_shard *s = mem_zalloc(sizeof(*s) + n_slots * sizeof(*s->slots));

	atomic_init(&s->refs, 1);
	s->mask = n_slots - 1;
	return s;
}

/* Before those of the same key that come after it. */
static void place(const struct shared_map *m, struct shared_map_shard *s, struct slot entry)
{
	size_t at;

	for (at = entry.hash & s->mask; s->slots[at].value; at = (at + 1) & s->mask) {
		struct slot other = s->slots[at];

		if (!m->values->compare || !is_key(&other, entry.hash, entry.key) ||
			m->values->compare(entry.key, other.value, entry.value) <= 0)
			continue;
		s->slots[at] = entry;
		entry = other;
	}
	s->slots[at] = entry;
	s->n++;
}

/* Takes the references of `s` if nobody else holds it, else its own. */
static struct shared_map_shard *move_shard(const struct shared_map *m, struct shared_map_shard *s, size_t n_slots)
{
	bool is_ours = atomic_load_explicit(&s->refs, memory_order_acquire) == 1;
	struct shared_map_shard *moved = create_shard(n_slots);

	for (size_t i = 0; i <= s->mask; i++) {
		if (!s->slots[i].value)
			continue;
		if (!is_ours)
			m->values->ref(s->slots[i].value);
		place(m, moved, s->slots[i]);
	}
	if (is_ours)
		mem_free(s);
	else
		unref_shard(m, s);
	return moved;
}

/* One that is the map's own, with room for `n_more`. */
static struct shared_map_shard *own_shard(struct shared_map *m, uint64_t hash, size_t n_more)
{
	struct shared_map_shard **at, *s;
	size_t n_slots;

	if (!m->shards)
		m->shards = mem_calloc(SHARDS, sizeof(*m->shards));
	at = &m->shards[shard_of(hash)];
	s = *at;
	if (!s)
		return *at = create_shard(FIRST_SLOTS);
	n_slots = s->mask + 1;
	if ((s->n + n_more) * 4 > n_slots * 3)
		n_slots *= 2;
	else if (atomic_load_explicit(&s->refs, memory_order_acquire) == 1)
		return s;
	return *at = move_shard(m, s, n_slots);
}

void shared_map_put(struct shared_map *m, struct str key, void *value)
{
	uint64_t hash = hash_bytes(key);
	struct shared_map_shard *s;

	if (!m->values->compare && shared_map_get(m, key) != value)
		shared_map_del(m, key, shared_map_get(m, key));
	s = own_shard(m, hash, 1);
	for (size_t at = hash & s->mask; s->slots[at].value; at = (at + 1) & s->mask) {
		if (s->slots[at].value == value && is_key(&s->slots[at], hash, key))
			return;
	}
	m->values->ref(value);
	place(m, s, (struct slot){hash, key, value});
	m->n++;
}

/* Those behind move up, unless that would take them before the slot they are looked for from. */
static void empty_slot(struct shared_map_shard *s, size_t hole)
{
	for (size_t at = (hole + 1) & s->mask; s->slots[at].value; at = (at + 1) & s->mask) {
		size_t from = s->slots[at].hash & s->mask;

		if (((at - from) & s->mask) < ((at - hole) & s->mask))
			continue;
		s->slots[hole] = s->slots[at];
		hole = at;
	}
	s->slots[hole] = (struct slot){0};
	s->n--;
}

bool shared_map_del(struct shared_map *m, struct str key, const void *value)
{
	uint64_t hash = hash_bytes(key);
	struct shared_map_shard *s;
	size_t at;

	if (!value || !find(m, hash, key))
		return false;
	s = own_shard(m, hash, 0);
	for (at = hash & s->mask; s->slots[at].value && (s->slots[at].value != value || !is_key(&s->slots[at], hash, key));)
		at = (at + 1) & s->mask;
	if (!s->slots[at].value)
		return false;
	m->values->unref(s->slots[at].value);
	empty_slot(s, at);
	m->n--;
	if (!s->n) {
		m->shards[shard_of(hash)] = NULL;
		mem_free(s);
	}
	return true;
}

void *shared_map_next(const struct shared_map *m, size_t *cursor)
{
	while (m->shards && *cursor / SLOTS_MAX < SHARDS) {
		const struct shared_map_shard *s = m->shards[*cursor / SLOTS_MAX];
		size_t at = *cursor % SLOTS_MAX;

		if (!s || at > s->mask) {
			*cursor += SLOTS_MAX - at; /* the next shard */
			continue;
		}
		++*cursor;
		if (s->slots[at].value)
			return s->slots[at].value;
	}
	return NULL;
}

/* A map from names to slots and a stack of free numbers, behind one lock that no request ever takes. */
#include "lineage.h"

#include <pthread.h>
#include <stdatomic.h>

#include "map.h"
#include "mem.h"
#include "tls.h"

struct lineage {
	atomic_uint refs;
	pthread_mutex_t lock;
	struct map slots;
	unsigned *free_indexes;
	size_t n_free, free_cap;
	unsigned n_indexes; /* ever given out */
	bool is_for_reading;
	struct tls_session_keys *keys;
};

struct lineage *lineage_create(bool is_for_reading)
{
	struct lineage *l = mem_zalloc(sizeof(*l));

	atomic_init(&l->refs, 1);
	pthread_mutex_init(&l->lock, NULL);
	l->keys = tls_session_keys_create();
	l->is_for_reading = is_for_reading;
	return l;
}

bool lineage_is_for_reading(const struct lineage *l)
{
	return l->is_for_reading;
}

struct lineage *lineage_ref(struct lineage *l)
{
	atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
	return l;
}

void lineage_unref(struct lineage **p)
{
	struct lineage *l = *p;

	*p = NULL;
	if (!l || atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) > 1)
		return;
	map_deinit(&l->slots);
	mem_free(l->free_indexes);
	tls_session_keys_destroy(l->keys);
	pthread_mutex_destroy(&l->lock);
	mem_free(l);
}

struct tls_session_keys *lineage_session_keys(struct lineage *l)
{
	return l->keys;
}

static struct backend_slot *add_slot(struct lineage *l, struct str name)
{
	struct backend_slot *slot = mem_zalloc(sizeof(*slot));

	slot->lineage = lineage_ref(l);
	slot->name = (struct str){mem_strdup(name), name.len};
	slot->index = l->n_free ? l->free_indexes[--l->n_free] : l->n_indexes++;
	map_put(&l->slots, name, slot);
	return slot;
}

struct backend_slot *lineage_take_slot(struct lineage *l, struct str name)
{
	struct backend_slot *slot;

	pthread_mutex_lock(&l->lock);
	slot = map_get(&l->slots, name);
	if (!slot)
		slot = add_slot(l, name);
	slot->refs++;
	pthread_mutex_unlock(&l->lock);
	return slot;
}

void lineage_drop_slot(struct backend_slot *slot)
{
	struct lineage *l = slot->lineage;
	bool is_last;

	pthread_mutex_lock(&l->lock);
	is_last = --slot->refs == 0;
	if (is_last) {
		map_del(&l->slots, slot->name);
		l->free_indexes = mem_grow(l->free_indexes, &l->free_cap, l->n_free + 1, sizeof(*l->free_indexes));
		l->free_indexes[l->n_free++] = slot->index;
	}
	pthread_mutex_unlock(&l->lock);
	if (!is_last)
		return;
	mem_free((char *)(uintptr_t)slot->name.ptr);
	mem_free(slot);
	lineage_unref(&l);
}

#ifndef MAP_H
#define MAP_H
/* A hash map from bytes to pointers. A zeroed map is empty. Keys are copied. Order of iteration has no meaning. */
#include <stdbool.h>
#include <stddef.h>

#include "str.h"

struct map_slot;

struct map {
	struct map_slot *slots;
	size_t n_slots;
	size_t n;       /* entries */
	size_t n_used;  /* entries and tombstones */
};

/* NULL if absent. */
void *map_get(const struct map *m, struct str key);
/* The value that was there before, or NULL. `value` must not be NULL. Keeps `value`. */
void *map_put(struct map *m, struct str key, void *value);
/* The value that was there, or NULL. */
void *map_del(struct map *m, struct str key);
/*
 * Walks all entries: start with *cursor = 0; false at the end. The current entry may be deleted, nothing may be put.
 * `key` (may be NULL) is borrowed until the entry goes.
 */
bool map_next(const struct map *m, size_t *cursor, struct str *key, void **value);
/* Frees the map, not the values. It may be used again. */
void map_deinit(struct map *m);

/* A hash of bytes, different in every process (seeded at first use), for our own tables. */
uint64_t hash_bytes(struct str s);

#endif

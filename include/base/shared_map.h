#ifndef SHARED_MAP_H
#define SHARED_MAP_H
/*
 * A hash map from bytes to counted values, for things of which one version follows another. A copy costs some hundred
 * references, whatever the size; what is then put into it or taken out of it costs the few dozen entries of one shard. All else
 * is shared with the map that it was copied from. A key may have several values, in an order of theirs.
 *
 * Threads: one changes a map, before others see it; then any number may read it and drop it.
 */
#include <stdbool.h>
#include <stddef.h>

#include "str.h"

/* What values are. Keys are borrowed from their values, and live as long as those. */
struct shared_map_values {
	void (*ref)(void *value);
	void (*unref)(void *value);
	/* Which of two values of a key comes first, below 0 for `a`. NULL: a key has one, and the last one put counts. */
	int (*compare)(struct str key, const void *a, const void *b);
};

struct shared_map_shard;

struct shared_map {
	const struct shared_map_values *values;
	struct shared_map_shard **shards; /* NULL: all empty */
	size_t n;                         /* entries */
};

/* An empty one. Keeps `values`. */
void shared_map_init(struct shared_map *m, const struct shared_map_values *values);
/* `m` is not inited. */
void shared_map_copy(struct shared_map *m, const struct shared_map *from);
/* A zeroed one may be deinited. */
void shared_map_deinit(struct shared_map *m);
/* The first value of the key, borrowed; NULL if there is none. */
void *shared_map_get(const struct shared_map *m, struct str key);
/* Takes a reference of its own, unless the key has this very value already. */
void shared_map_put(struct shared_map *m, struct str key, void *value);
/* This very value of the key; false if it was not there. */
bool shared_map_del(struct shared_map *m, struct str key, const void *value);
/* Walks all entries, in no order: start with *cursor = 0; NULL at the end. Nothing may be changed meanwhile. */
void *shared_map_next(const struct shared_map *m, size_t *cursor);

#endif

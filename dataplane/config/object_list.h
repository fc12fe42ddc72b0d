#ifndef OBJECT_LIST_H
#define OBJECT_LIST_H
/*
 * The compiled objects of a snapshot, sorted by (kind, name), in chunks that are shared: the list after a change has new chunks
 * where something changed, and one reference for each of the others. Private to config.
 */
#include "object.h"

struct object_chunk;

struct object_list {
	struct object_chunk **chunks;
	size_t *starts; /* the number of objects before each */
	size_t n_chunks, n;
};

/* What becomes of one name: an object, whether there was one or not, or none. */
struct object_change {
	uint32_t kind;
	struct str name;
	struct object *put;          /* taken by object_list_change; NULL: dropped */
	const struct object *before; /* what was there; filled by object_list_change */
};

/* `before` (an empty list for nothing) with the changes, which are sorted and name nothing twice. Fills `l`. */
void object_list_change(struct object_list *l, const struct object_list *before, struct object_change *changes, size_t n);
void object_list_deinit(struct object_list *l);
/* Borrowed, or NULL. */
const struct object *object_list_find(const struct object_list *l, uint32_t kind, struct str name);
/* Where the objects of a kind begin, or would: they stand together. */
size_t object_list_begin(const struct object_list *l, uint32_t kind);
const struct object *object_list_at(const struct object_list *l, size_t index);
/* All of them in an array, which is owned; the objects are borrowed. */
struct object **object_list_flat(const struct object_list *l);

#endif

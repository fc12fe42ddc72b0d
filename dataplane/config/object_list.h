#ifndef OBJECT_LIST_H
#define OBJECT_LIST_H
/*
 * The compiled objects of a kind, sorted by name, in chunks that are shared: the list after a change has new chunks where
 * something changed, and one reference for each of the others. Immutable and counted; NULL is the empty list. Private to config.
 */
#include "object.h"

struct object_list;

/* What becomes of one name: an object, whether there was one or not, or none. */
struct object_change {
	uint32_t kind;
	struct str name;
	struct object *put;          /* taken by object_list_change; NULL: dropped */
	const struct object *before; /* what was there; filled by object_list_change */
};

/* `before` with the changes, which are sorted and name nothing twice. Owned, one reference: without changes, to `before`. */
struct object_list *object_list_change(struct object_list *before, struct object_change *changes, size_t n);
struct object_list *object_list_ref(struct object_list *l);
void object_list_unref(struct object_list **l);
size_t object_list_count(const struct object_list *l);
/* Borrowed, or NULL. */
const struct object *object_list_find(const struct object_list *l, struct str name);
/* The next one by name; begin with *cursor = 0; NULL at the end. */
const struct object *object_list_next(const struct object_list *l, size_t *cursor);

#endif

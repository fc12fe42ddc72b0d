#ifndef OBJECTS_H
#define OBJECTS_H
/* All compiled objects of a snapshot, a list for each kind. Private to config. */
#include "object_list.h"

enum { OBJECT_KINDS = 10 };

struct objects {
	struct object_list *lists[OBJECT_KINDS]; /* by ascending number of the kind */
};

/* The place of a kind in `lists`; -1 for one that this version has no objects of: a controller may be newer. */
int objects_place(uint32_t kind);
/* Borrowed. */
struct object_list *objects_of(const struct objects *all, uint32_t kind);
/* Borrowed, or NULL. */
const struct object *objects_find(const struct objects *all, uint32_t kind, struct str name);
/* The next one by kind and name; begin with a zeroed cursor; NULL at the end. */
struct objects_cursor {
	int place;
	size_t at;
};
const struct object *objects_next(const struct objects *all, struct objects_cursor *cursor);
void objects_deinit(struct objects *all);

#endif

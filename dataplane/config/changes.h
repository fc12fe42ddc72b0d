#ifndef CHANGES_H
#define CHANGES_H
/* What differs between the objects of a generation and a snapshot, compiled. Private to config. */
#include "content.h"
#include "objects.h"

struct changes {
	struct object_change *items; /* sorted by kind and name */
	size_t n;
	size_t starts[OBJECT_KINDS + 1]; /* of the kinds in their places */
};

/*
 * From `before` to `content`. `from` (may be NULL) is the snapshot that `before` is of, so that only what differs is looked at. What
 * does not compile is left out and in `errors`. Thousands of resources are compiled by several threads, which end before this does.
 */
void changes_find(struct changes *c, const struct objects *before, struct content *from, struct content *content,
	struct lineage *lineage, struct config_errors *errors);
/* Takes what was compiled into `all`, which has `before` in it and what changed; fills `before` of the changes. */
void changes_make(struct changes *c, const struct objects *before, struct objects *all);
/* Those of a kind. */
const struct object_change *changes_of(const struct changes *c, uint32_t kind, size_t *n);
void changes_deinit(struct changes *c);

/* One more, unless there are CONFIG_MAX_ERRORS. Copies. */
void config_errors_add(struct config_errors *errors, uint32_t kind, struct str name, struct str reason);

#endif

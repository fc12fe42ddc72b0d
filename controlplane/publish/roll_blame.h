#ifndef ROLL_BLAME_H
#define ROLL_BLAME_H
/* Which object is to be named, and changed, for a resource that did harm. */
#include "arena.h"
#include "snapshot.h"

struct lane;

struct roll_blame {
	const struct lane *lane;
	struct snapshot *old, *new; /* what all have, and what was tried */
	uint64_t seq;               /* what changed after this did it */
	char *ingress;              /* the first Ingress that did; NULL: none */
	struct roll_origins {
		const struct provenance *items;
		size_t n;
	} old_origins, new_origins; /* sorted once for all resources */
	struct arena arena;
};

/* Fills what the first four fields do not say; ends with roll_blame_end. */
void roll_blame_begin(struct roll_blame *b);
void roll_blame_end(struct roll_blame *b);
/* "Ingress shop/web"; for quarantine_add, with a struct roll_blame. */
char *roll_object_of(void *owner, const struct resource *r);

#endif

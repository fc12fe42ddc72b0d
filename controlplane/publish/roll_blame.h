#ifndef ROLL_BLAME_H
#define ROLL_BLAME_H
/* Which object is to be named, and changed, for a resource that did harm. */
#include "snapshot.h"

struct lane;

struct roll_blame {
	const struct lane *lane;
	struct snapshot *old, *new; /* what all have, and what was tried */
	uint64_t seq;               /* what changed after this did it */
	char *ingress;              /* the first Ingress that did; NULL: none */
};

/* Fills `ingress`, which the caller frees. */
void roll_blame_begin(struct roll_blame *b);
/* "Ingress shop/web"; for quarantine_add, with a struct roll_blame. */
char *roll_object_of(void *owner, const struct resource *r);

#endif

#ifndef WAYS_H
#define WAYS_H
/*
 * What hosts want to be done in a way that they name (who may vouch for clients, how endpoints are talked to), made once for each
 * way that some host of a generation names, whatever their number. Immutable and counted: after a change, ways that it is not about
 * are shared. Private to config.
 */
#include "object_list.h"

struct ways;

/* A kind of ways. What is made is counted; any thread may drop it. */
struct ways_kind {
	/* What host `h` names, by number; NULL after the last one. */
	const void *(*asked)(const struct host_object *h, size_t i);
	struct str (*key)(const void *asked);    /* two with the same key are the same */
	struct str (*secret)(const void *asked); /* the name of the Secret that it needs; "": none */
	/* NULL: it cannot be had, and nobody gets it; or, with a reason in `why`, nothing is to be served. `secret` may be NULL. */
	void *(*make)(const void *asked, const struct object *secret, const char **why);
	void *(*ref)(void *made);
	void (*unref)(void *made);
};

struct ways_change {
	const struct ways_kind *kind;
	const struct object_change *hosts, *secrets; /* as object_list_change left them */
	size_t n_hosts, n_secrets;
	const struct object_list *all_secrets; /* after the change */
};

/*
 * `before` (NULL for nothing) with the changes. NULL with the resource (an object, borrowed) and a reason when one cannot be made.
 * Owned, one reference: when nothing changes, to `before`.
 */
struct ways *ways_change(struct ways *before, const struct ways_change *c, const struct object **bad, const char **why);
struct ways *ways_ref(struct ways *w);
void ways_unref(struct ways **w);
bool ways_are_none(const struct ways *w);
/* What was made for the key, borrowed; NULL for nothing. */
void *ways_find(const struct ways *w, struct str key);

#endif

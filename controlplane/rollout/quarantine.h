#ifndef QUARANTINE_H
#define QUARANTINE_H
/*
 * Resources that did harm, kept from proxies until whoever they come from changes or an operator lets them go. What was served
 * before is served in their place. Pure.
 */
#include "buf.h"
#include "content.h"

struct quarantined {
	uint32_t kind;
	char *name;
	struct resource *bad;    /* NULL: that it is gone did harm */
	struct resource *before; /* NULL: there was none */
	char *object;            /* "Ingress shop/web": who is to be changed */
	char *why;
	uint64_t since_ms;       /* wall clock */
	unsigned trial;          /* what was tried together is let go together: one may need the other */
};

struct quarantine {
	struct quarantined *items;
	size_t n, cap;
	unsigned n_trials;
};

void quarantine_deinit(struct quarantine *q);
/* More than endpoints changed. */
bool quarantine_is_structural(struct content *from, struct content *to);
/* All that changed from `from` to `to`, but for endpoints. `object_of` gives who is behind a resource, owned. */
typedef char *quarantine_object_fn(void *owner, const struct resource *r);
void quarantine_add(struct quarantine *q, struct content *from, struct content *to, const char *why, uint64_t since_ms,
	quarantine_object_fn *object_of, void *owner);
/* `live` without them; what was tried with one that changed meanwhile is let go. Owned; NULL: that is `live`. */
struct content *quarantine_apply(struct quarantine *q, struct content *live);
/* What was tried with a change of the object, or all with "". How many. */
size_t quarantine_release(struct quarantine *q, struct str object);
/* Takes one that was, from disk. */
void quarantine_restore(struct quarantine *q, const struct quarantined *one);
/* quarantine_wire.c: as bytes, both ways. They hold keys. */
bool quarantine_pack(const struct quarantine *q, struct buf *out);
/* Fills an empty one. False: they are malformed, and nothing was filled. */
bool quarantine_unpack(struct quarantine *q, struct str packed);
/* The first of the object, or NULL. */
const struct quarantined *quarantine_find(const struct quarantine *q, struct str object);

#endif

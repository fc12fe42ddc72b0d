#ifndef RECONCILE_PLACES_H
#define RECONCILE_PLACES_H
/*
 * Who put which resource. Two hosts may put the same certificate, or two the same "www." redirect: then the last of them in
 * the order of a whole build is the one that is served, and the other one follows when that goes. Private to the room.
 */
#include "content.h"
#include "map.h"

struct places {
	struct map map; /* kind and name -> struct place */
	struct content *content; /* what is served */
};

void places_init(struct places *p);
void places_deinit(struct places *p);
/* `owner` (its order is that of its bytes; keeps) puts `r`, now and in round `round`. Borrowed: what is kept for it, perhaps an equal one. */
struct resource *places_put(struct places *p, struct str owner, struct resource *r, unsigned long round);
/* `owner` does not put it any more, if it did not in `round`. */
void places_drop(struct places *p, struct str owner, const struct resource *r, unsigned long round);

#endif

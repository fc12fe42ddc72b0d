#ifndef STATUS_PLACES_H
#define STATUS_PLACES_H
/* The Nodes on which proxies run, and their addresses: asked for once at a time. */
#include "address.h"
#include "kubewrite.h"

struct places;
/* `addresses` borrowed; FEED_FINE, or what did not work and the server's words. */
typedef void places_done_fn(void *owner, const struct addresses *addresses, const struct kubewrite *what, enum feed_outcome outcome,
	struct str message);
struct places_options {
	struct str namespace_, selector; /* of the proxies' pods; kept */
	bool wants_internal;
	places_done_fn *on_done;         /* on a later turn, unless cancelled; the last thing that happens */
	void *owner;
};
struct places *places_find(struct kubeapi *api, const struct places_options *options);
void places_cancel(struct places *places);

#endif

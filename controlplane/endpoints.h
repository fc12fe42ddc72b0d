#ifndef ENDPOINTS_H
#define ENDPOINTS_H
/* What a pinned snapshot needs of the endpoints as they now are. */
#include "reconcile.h"

/*
 * The Endpoints, as they now are, of the Backends that `pinned` has and `live` has not; these Backends are in the set too. For
 * pin_content. Owned.
 */
struct content *endpoints_of_pinned(struct store *store, const struct reconcile_options *options, struct content *pinned,
	struct content *live);

#endif

#ifndef ENDPOINTS_H
#define ENDPOINTS_H
/* The next snapshot when only EndpointSlices changed: what they touch is built, everything else is shared. */
#include "reconcile.h"

/*
 * `services` are those of store_changes.endpoints; nothing else may have changed since `current` was built. Problems are
 * not told: they belong to whole builds. Owned, one reference.
 */
struct snapshot *endpoints_build(struct store *store, const struct reconcile_options *options, struct snapshot *current,
	const struct str *services, size_t n_services, uint64_t built_ms);

/*
 * The Endpoints, as they now are, of the Backends that `pinned` has and `live` has not; these Backends are in the set too. For
 * pin_content. Owned.
 */
struct content *endpoints_of_pinned(struct store *store, const struct reconcile_options *options, struct content *pinned,
	struct content *live);

#endif

#ifndef BLAME_H
#define BLAME_H
/* Who wrote an object: what the API server, or the file that it came from, tells of it. */
#include "lookup.h"
#include "publish.h"
#include "store.h"

/*
 * `object` as "Ingress default/web"; `lookups` is NULL with manifests. `done` is called once, perhaps from within. Secrets are
 * not asked for.
 */
void blame_object(struct lookups *lookups, const struct store *store, struct str object, publish_found_fn *done, void *owner);

#endif

#ifndef VIEW_H
#define VIEW_H
/*
 * A snapshot as the commands read it, unpacked once, from wherever it came: a controller, a proxy, a file or manifests.
 * Private keys are not in it.
 */
#include <stdbool.h>

#include "str.h"
#include "weirlock/v1/control.pb-c.h"
#include "weirlock/v1/snapshot.pb-c.h"

struct view {
	Weirlock__V1__Snapshot *snapshot;
	Weirlock__V1__Settings *settings; /* NULL when the snapshot has none */
	Weirlock__V1__Host **hosts;       /* in the snapshot's order, by name */
	size_t n_hosts;
	Weirlock__V1__Backend **backends;
	struct str *backend_names;        /* borrowed from snapshot */
	size_t n_backends;
	Weirlock__V1__Endpoints **endpoints;
	struct str *endpoints_names;
	size_t n_endpoints;
	Weirlock__V1__Certificate **certificates;
	struct str *certificate_names;
	size_t n_certificates;
};

/* Takes `snapshot`. False when a body does not decode: `*bad` (borrowed from the view) names the resource. */
bool view_init(struct view *v, Weirlock__V1__Snapshot *snapshot, struct str *bad);
void view_deinit(struct view *v);

/* How many endpoints a backend has, duplicates of several slices counted once: ready, and terminating. */
void view_count_endpoints(const struct view *v, struct str backend, size_t *n_ready, size_t *n_terminating);
/* Where a field of a resource came from, or NULL for a default. */
const Weirlock__V1__Provenance *view_origin(const struct view *v, int kind, struct str name, struct str field);

#endif

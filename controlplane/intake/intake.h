#ifndef INTAKE_H
#define INTAKE_H
/*
 * From a source's events into the store, past admission: an Ingress that must not replace its last good form (M20 c, M14,
 * C19) is set aside and looked at again when what decided may have changed. The controller and `weirctl --manifests` take
 * objects in through here, so that both set aside the same.
 */
#include "reconcile.h"
#include "source.h"
#include "store.h"

struct intake;

/* Keeps both; what `options` point to may change between calls. Owned. */
struct intake *intake_create(struct store *store, const struct reconcile_options *options);
void intake_destroy(struct intake *in);
/* True when the store, or its problems, changed. Ingresses wait for SOURCE_SYNCED: only then is there all that admission looks at. */
bool intake_take(struct intake *in, const struct source_event *event);
/* The newest form of an Ingress that was refused, or waits; NULL: there is none. Borrowed until the next event. */
const struct object *intake_held(const struct intake *in, struct str key);
/* All of these: start with 0; NULL at the end. */
const struct object *intake_next_held(const struct intake *in, size_t *cursor);
/* Asks again for what was set aside, the elder first (C9's order). */
void intake_retry(struct intake *in);

#endif

#ifndef STANDING_H
#define STANDING_H
/* How one object stands: seen or not, taken or set aside, and what is wrong with it. */
#include "parts.h"
#include "publish.h"
#include "reconcile.h"
#include "store.h"

/* `object` as "Ingress default/web"; `parts` made the last build, `found` is what the last build found, with `options`. `faults` (may be NULL) gets the object's errors. */
void standing_of(struct store *store, const struct reconcile_options *options, const struct parts *parts,
	const struct problems *found, struct str object, struct publish_standing *out, struct problems *faults);

#endif

#ifndef NEWS_H
#define NEWS_H
/* Which changes and which problems are worth an Event, and what it says (N7). */
#include "events.h"
#include "intake.h"
#include "reconcile.h"
#include "source.h"
#include "store.h"

/* Where objects are looked up. */
struct news {
	struct store *store;
	const struct intake *intake;
	const struct reconcile_options *options;
};
/*
 * An Event for a problem that is new, or stands (`is_standing`): of an Ingress of ours or of a ConfigMap that we read, and only
 * if something is not served as written. False: none. `text` is filled, and `out` borrows from it and from the store.
 */
bool news_of_problem(const struct news *news, const struct problem *problem, bool is_standing, struct buf *text, struct event *out);
/* An Event for an Ingress of ours that was made or changed. False: none. Borrows from the source's event. */
bool news_of_change(const struct news *news, const struct source_event *change, struct event *out);

#endif

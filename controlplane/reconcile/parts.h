#ifndef PARTS_H
#define PARTS_H
/*
 * The build, kept in parts, so that its cost follows the change: one part for the settings and TCP services, one a host, one a
 * Service. Each is built for one pool after the other, and keeps for each what it put, where that came from, what is wrong with it, and what it read; a change builds the parts
 * again that read it, and everything else is shared with the snapshot before. A build from nothing (reconcile_build) has the
 * same id, origins and problems.
 */
#include "reconcile.h"

struct parts;

/*
 * Keeps `store`, `options` and `last`, which holds the settings of the last build (options->last_settings may point to it).
 * There may be one for a store: it is who takes the store's changes.
 */
struct parts *parts_create(struct store *store, const struct reconcile_options *options, struct setting_values *last);
void parts_destroy(struct parts *p);

/*
 * Takes the changes and builds what they touch; the first time, everything. Owned, one reference: the snapshot of the first pool,
 * parts_snapshot has those of the others.
 */
struct snapshot *parts_build(struct parts *p, uint64_t built_ms);
/*
 * The same for what slices alone touch, which need not wait for the rest. NULL when there is nothing of the kind, nothing was
 * built yet, or everything is to be built.
 */
struct snapshot *parts_build_endpoints(struct parts *p, uint64_t built_ms);
/* What the last build came to for a pool, by index; borrowed until the next one. NULL before the first. */
struct snapshot *parts_snapshot(const struct parts *p, size_t pool);
/* Everything will be built the next time. */
void parts_forget(struct parts *p);
/* The part of the settings will: other ticket keys are due, which nothing in the cluster says. */
void parts_renew_settings(struct parts *p);

/* Appends what was found, in no order, and once a part. */
void parts_problems(const struct parts *p, struct problems *out);
/* Grows with every change of what parts_problems() gives. */
unsigned long parts_problems_version(const struct parts *p);
/* How many parts the last build built. */
size_t parts_last_count(const struct parts *p);

#endif

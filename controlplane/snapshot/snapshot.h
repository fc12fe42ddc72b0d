#ifndef SNAPSHOT_H
#define SNAPSHOT_H
/*
 * What reconcile produced, as proxies get it: a content set with its id, the provenance kept beside it, and the history of
 * those before. Main thread only.
 */
#include "content.h"
#include "origins.h"
#include "str.h"

struct snapshot {
	unsigned refs;
	struct content *content;
	struct content_id id;
	uint64_t built_ms;    /* wall clock */
	uint64_t event_us;    /* mono clock: the first event that led to it; 0: none did */
	struct origins *origins; /* where its values came from */
	unsigned n_put, n_drop;     /* against the one before */
};

/* Takes `content`. Owned, one reference. */
struct snapshot *snapshot_create(struct content *content, uint64_t built_ms);
/* Takes a reference; NULL: none are known. */
void snapshot_set_origins(struct snapshot *s, struct origins *origins);
/* Of one that is only held to make deltas from. */
void snapshot_forget_origins(struct snapshot *s);
struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_unref(struct snapshot **s);

/* The newest `limit` snapshots, one per id in a row; beyond the newest 64 they have no origins, unless somebody else holds them. */
struct history;
struct history *history_create(size_t limit);
void history_destroy(struct history *h);
/* False (and nothing kept) when `s` has the id of the newest. Takes a reference of its own. Fills n_put and n_drop. */
bool history_add(struct history *h, struct snapshot *s);
/* Newest is 0. Borrowed, or NULL. */
struct snapshot *history_at(const struct history *h, size_t index);
/* By id, or by a prefix of at least 4 bytes that fits one only. Borrowed, or NULL. */
struct snapshot *history_find(const struct history *h, struct str id_bytes);

#endif

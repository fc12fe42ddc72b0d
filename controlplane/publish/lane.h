#ifndef LANE_H
#define LANE_H
/*
 * One pool of proxies: what they serve, what they served before, and what each needs next. A proxy is in one lane, that of the
 * pool its certificate names, and nothing of another lane is ever looked at to answer it.
 */
#include "archive.h"
#include "blob.h"
#include "pin.h"
#include "roll.h"
#include "way.h"

struct publish;
struct publish_pool; /* publish.h */

enum { COVERED_MAX = 256 };

/* A snapshot, when it became the current one, and the newest change of an object that is in it. */
struct covered {
	struct content_id id;
	uint64_t seq, since_ms;
};

struct lane {
	struct publish *publish;
	size_t index;              /* among the pools of the options */
	char *name, *what;         /* of the pool */
	struct history *history;
	struct snapshot *current;  /* what its proxies are to serve; NULL: nothing yet */
	struct ways ways;
	struct blobs *pushes;      /* what its proxies fetch: holds keys */
	struct archive *archive;   /* the options', or an own one */
	bool has_own_archive;
	struct covered covered[COVERED_MAX]; /* a ring */
	size_t n_covered, newest;
	struct snapshot *live;     /* the newest that was set; NULL: none yet */
	uint64_t live_seq;         /* the newest change that is in it */
	struct pin pin;            /* content is NULL: nothing is pinned */
	struct content_id pin_id;
	uint64_t pin_seq;          /* the newest change that is in what is pinned, as far as that is remembered */
	struct buf pin_not_kept;
	struct roll roll;
};

/* Fills a zeroed lane. */
void lane_init(struct lane *l, struct publish *p, size_t index, const struct publish_pool *pool);
void lane_deinit(struct lane *l);
/* The newest snapshot of the pool; its proxies get that, or what is pinned. False when they serve it already. */
bool lane_set(struct lane *l, struct snapshot *live);
/* It is what the pool's proxies are to serve from now on, but for a canary. False when it is already. */
bool lane_serve(struct lane *l, struct snapshot *s);
/* By the name of its pool, or NULL. */
struct lane *lane_find(struct publish *p, struct str pool);
/* By what a peer's certificate says; who has none is of the pool "default". NULL: there is no such pool. */
struct lane *lane_of_identity(struct publish *p, const char *identity);
/* "spiffe://weirlock/proxy/edge" is of the pool "edge". Borrowed from `identity`. */
struct str lane_pool_of(const char *identity);

#endif

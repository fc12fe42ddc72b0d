#ifndef STATUS_INSIDE_H
#define STATUS_INSIDE_H
/* What status.c (what is to be written, and when), patches.c (writing) and clearing.c (the end) share. */
#include "address.h"
#include "kubewrite.h"
#include "map.h"
#include "others.h"
#include "places.h"
#include "status.h"

/* An Ingress, ours or not. */
struct seen {
	char *text;     /* what its status says */
	bool is_queued;
};

struct patch {
	struct status *status;
	struct patch *next;
	struct kubeapi_call *call;
	char *key;      /* "namespace/name" */
	char *text;     /* of what is written */
};

struct queue {
	char **keys;
	size_t first, n, cap;
};

/* A pool's. */
struct target {
	struct status *status;
	const struct status_publish *from;
	struct object *service;      /* from->service, as it is now; or NULL */
	struct addresses wanted;
	bool has_wanted;             /* it is known */
	bool has_address_problem, has_places_problem;
	struct places *places;
	struct str origin_service, origin_places; /* of problems */
};

/* What stands at Ingresses of all these pools. */
struct combined {
	uint64_t pools;
	struct addresses wanted;
	struct buf text;
};

struct status {
	uv_loop_t *loop;
	struct kubeapi *api;
	struct status_options options;
	struct status_hooks hooks;
	struct map seen;             /* "namespace/name" → struct seen */
	struct target targets[POOLS_MAX];
	struct combined *combined;   /* those that were asked for, while no target changes */
	size_t n_combined, combined_cap;
	struct arena arena;          /* of origins */
	bool is_leading;
	struct queue queue;
	struct patch *patches;
	size_t n_patches;
	struct map forbidden;        /* namespaces where this round may not write; the value is of no matter */
	struct others *others;
	uv_timer_t round_timer, soon_timer;
	unsigned n_open;             /* handles */
	unsigned n_failures;         /* in a row, of the kind that time heals */
	bool is_round_bad;           /* something did not work since it began */
	bool is_in_trouble;
	enum feed_outcome trouble;
	uint64_t n_written, n_failed;
	bool is_closing, is_clearing, is_finished;
	void (*on_closed)(void *owner);
	void *closed_owner;
};

/* ---------------------------------------------------------------------------------------------------- status.c */

/* Says what stands, or that it is good again. Nothing once it is closing. */
void status_tell_trouble(struct status *s, enum feed_outcome outcome, struct str namespace_, struct str message);
void status_tell_good(struct status *s);
/* A round that goes badly is followed sooner. */
void status_round_is_bad(struct status *s);

/* -------------------------------------------------------------------------------------------------- combined.c */

/* What an Ingress of these pools is to say. NULL: nothing is published for any, or not yet known of all. Until combined_forget. */
const struct combined *combined_of(struct status *s, uint64_t pools);
void combined_forget(struct status *s);
/* Whether something is known to be published. */
bool combined_has_any(const struct status *s);

/* --------------------------------------------------------------------------------------------------- patches.c */

/* Into the queue, unless it is there. `key` is copied. */
void patches_enqueue(struct status *s, struct str key, struct seen *seen);
void patches_enqueue_all(struct status *s);
/* Whether something may be written at this moment. */
bool patches_may_write(const struct status *s);
/* Writes what waits in the queue, then, or now. */
void patches_pump_in(struct status *s, uint64_t ms);
void patches_pump(struct status *s);
/* What is on its way is cancelled; what waits is forgotten. */
void patches_drop(struct status *s);
void patches_empty(struct status *s);

/* -------------------------------------------------------------------------------------------------- clearing.c */

/* The end of status_close: once. */
void clearing_finish(struct status *s);

#endif

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

struct status {
	uv_loop_t *loop;
	struct kubeapi *api;
	struct status_options options;
	struct status_hooks hooks;
	struct map seen;             /* "namespace/name" → struct seen */
	struct object *service;      /* of publish_service, as it is now; or NULL */
	struct addresses wanted;     /* and as text: */
	struct buf wanted_text;
	bool is_leading, has_wanted; /* nothing is written before both */
	struct queue queue;
	struct patch *patches;
	size_t n_patches;
	struct map forbidden;        /* namespaces where this round may not write; the value is of no matter */
	struct places *places;
	struct others *others;
	uv_timer_t round_timer, soon_timer;
	unsigned n_open;             /* handles */
	unsigned n_failures;         /* in a row, of the kind that time heals */
	bool is_round_bad;           /* something did not work since it began */
	bool is_in_trouble, has_address_problem, has_places_problem;
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

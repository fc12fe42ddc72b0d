#ifndef STATUS_H
#define STATUS_H
/*
 * The status of Ingresses (N5): the addresses under which the proxies of their pools are reached, written by the leader alone and
 * only where they differ. Events of the source say what stands there; what is written is never asked for again.
 */
#include <stdbool.h>
#include <uv.h>

#include "buf.h"
#include "kubeapi.h"
#include "pool.h"
#include "problem.h"
#include "source.h"

/* Where the addresses of a pool's proxies are from: the first of these that is not "". With none, no Ingress of it gets one for it. */
struct status_publish {
	struct str addresses; /* --publish-status-address, checked */
	struct str service;   /* --publish-service, "namespace/name" */
	struct str selector;  /* of the proxies' pods, for their Nodes */
};

/* Texts are kept. */
struct status_options {
	struct status_publish publish[POOLS_MAX]; /* by pool */
	size_t n_pools;
	struct str namespace_, pod;   /* our own; pod "": not known */
	bool wants_internal;          /* addresses of Nodes */
	bool clears_on_shutdown;
	bool is_cluster_wide;         /* Ingresses of all namespaces are served: for the rule that is missing */
};
struct status_hooks {
	void *owner;
	bool (*leads)(void *owner); /* at this moment */
	/* The pools that have the Ingress, by bits; 0: it is none of ours, or not known. */
	uint64_t (*pools)(void *owner, struct str namespace_, struct str name);
	/* What is wrong at present; none: nothing any more. `origin` says where. */
	void (*on_problems)(void *owner, struct str origin, const struct problems *problems);
};

struct status;
/* Keeps all. Nothing is written before status_lead. */
struct status *status_open(uv_loop_t *loop, struct kubeapi *api, const struct status_options *options, const struct status_hooks *hooks);
/* Each event of the source, after the store has it. */
void status_take(struct status *status, const struct source_event *event);
/* Whether we lead has changed, or may have. */
void status_lead(struct status *status);
/* Prometheus text. */
void status_metrics(const struct status *status, struct buf *out);
/*
 * Clears what was written, if we lead, one address or none is published and no other controller runs; then it is gone. Waits
 * some seconds at most. `on_closed` may be NULL. Before kubeapi_close; on_problems is not called any more.
 */
void status_close(struct status *status, void (*on_closed)(void *owner), void *owner);

#endif

#ifndef STATUS_H
#define STATUS_H
/*
 * The status of Ingresses (N5): the addresses under which proxies are reached, written by the leader alone and only where
 * they differ. Events of the source say what stands there; what is written is never asked for again.
 */
#include <stdbool.h>
#include <uv.h>

#include "buf.h"
#include "kubeapi.h"
#include "problem.h"
#include "source.h"

/* Texts are kept. */
struct status_options {
	struct str publish_addresses; /* --publish-status-address, checked; or "" */
	struct str publish_service;   /* --publish-service, "namespace/name"; or "": the Nodes of the proxies */
	struct str proxy_selector;    /* of the proxies' pods */
	struct str namespace_, pod;   /* our own; pod "": not known */
	bool wants_internal;          /* addresses of Nodes */
	bool clears_on_shutdown;
	bool is_cluster_wide;         /* Ingresses of all namespaces are served: for the rule that is missing */
};
struct status_hooks {
	void *owner;
	bool (*leads)(void *owner); /* at this moment */
	/* Whether the Ingress is one of ours, and known. */
	bool (*takes)(void *owner, struct str namespace_, struct str name);
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

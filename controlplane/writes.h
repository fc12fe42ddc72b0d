#ifndef WRITES_H
#define WRITES_H
/* What a controller writes to the cluster, while it leads and no longer. */
#include <uv.h>

#include "buf.h"
#include "channel.h"
#include "intake.h"
#include "kubeapi.h"
#include "leader.h"
#include "opt.h"
#include "reconcile.h"
#include "source.h"
#include "status.h"
#include "store.h"
#include "str.h"

/* Texts are kept. */
struct writes_options {
	const char *pod_namespace, *pod_name; /* or NULL: not in a pod, or not told */
	const char *name;                     /* of the controller */
	bool disable_leader_election;         /* then nothing is written (N6) */
	const char *election_id;              /* or NULL: ingress-controller-leader */
	const char *election_ttl;             /* or NULL: 30s */
	unsigned ttl_s;                       /* set by writes_check */
	const char *channel_secrets;          /* the beginning of their names, or NULL: the identities of the channel are others' work */
	const char *channel_identity_life, *channel_ca_life; /* or NULL: 90 and 1095 days */
	struct plan_times channel_times;      /* set by writes_check */
	bool update_status, update_status_on_shutdown, report_node_internal_ip_address;
	bool disable_sync_events;
	struct opt_list publish_service, publish_status_address, proxy_selector; /* each of the first pool, or POOL=… */
	struct status_publish publish[POOLS_MAX]; /* by pool; set by writes_check */
	struct str publish_services[POOLS_MAX];   /* of these, each once; likewise */
	size_t n_publish_services;
};
/* False, with a text in `error` that names option, value and fix. `has_api`: objects come from an API server. */
bool writes_check(struct writes_options *options, const struct pools *pools, bool has_api, struct buf *error);

/* With leadership of its own, before there is anything else (obtain.h). Keep what they are given. The leader: NULL when it must not lead. */
struct leader *writes_open_leader(const struct writes_options *o, uv_loop_t *loop, struct kubeapi *api, const struct leader_hooks *hooks);
struct channel *writes_open_channel(const struct writes_options *o, const struct pools *pools, uv_loop_t *loop, struct kubeapi *api,
	const char *directory, const struct channel_hooks *hooks);

struct writes;
/* What it looks at and whom it tells; all is kept. */
struct writes_place {
	uv_loop_t *loop;
	struct kubeapi *api;
	struct store *store;
	const struct intake *intake;
	const struct reconcile_options *reconcile;
	const char *identity; /* the directory of the channel's, or NULL */
	const struct problems *told; /* what stands at present */
	source_event_fn *on_event; /* gets SOURCE_PROBLEMS alone */
	void *owner;
};
struct writes *writes_open(const struct writes_place *place, const struct writes_options *options);
/* Each event of the source, after the store has it; before writes_begin, too. */
void writes_take(struct writes *writes, const struct source_event *event);
/* A problem that is new. */
void writes_tell(struct writes *writes, const struct problem *problem);
/* There is something to serve: from now on it may lead. */
void writes_begin(struct writes *writes);
/* The identity of who leads, as last seen; "" is nobody. Borrowed until the loop's next turn. */
struct str writes_leader(const struct writes *writes);
void writes_metrics(const struct writes *writes, struct buf *out);
/* Gives back what it holds, then closes `api`. No event any more. */
void writes_close(struct writes *writes);

#endif

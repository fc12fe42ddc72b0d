#ifndef WRITES_H
#define WRITES_H
/* What a controller writes to the cluster, while it leads and no longer. */
#include <uv.h>

#include "buf.h"
#include "kubeapi.h"
#include "source.h"
#include "str.h"

/* Texts are kept. */
struct writes_options {
	const char *pod_namespace, *pod_name; /* or NULL: not in a pod, or not told */
	const char *name;                     /* of the controller */
	bool disable_leader_election;         /* then nothing is written (N6) */
	const char *election_id;              /* or NULL: ingress-controller-leader */
	const char *election_ttl;             /* or NULL: 30s */
	unsigned ttl_s;                       /* set by writes_check */
};
/* False, with a text in `error` that names option, value and fix. `has_api`: objects come from an API server. */
bool writes_check(struct writes_options *options, bool has_api, struct buf *error);

struct writes;
/* Keeps `loop`, `api` and `owner`. `on_event` gets SOURCE_PROBLEMS alone. */
struct writes *writes_open(uv_loop_t *loop, struct kubeapi *api, const struct writes_options *options, source_event_fn *on_event,
	void *owner);
/* The identity of who leads, as last seen; "" is nobody. Borrowed until the loop's next turn. */
struct str writes_leader(const struct writes *writes);
void writes_metrics(const struct writes *writes, struct buf *out);
/* Gives back what it holds, then closes `api`. No event any more. */
void writes_close(struct writes *writes);

#endif

#ifndef LEADER_H
#define LEADER_H
/*
 * One of all controllers leads, by a Lease (N6). Leading decides about what is written to the cluster and nothing else: every
 * replica serves proxies, and goes on to when the API server is away or refuses.
 */
#include <stdbool.h>
#include <uv.h>

#include "buf.h"
#include "kubeapi.h"
#include "problem.h"

/* Texts are copied. */
struct leader_options {
	struct str namespace_, name; /* of the Lease */
	struct str identity;         /* of this process: two with the same one would both lead */
	unsigned ttl_s;              /* how long a leader that is gone without a word is waited for */
};
struct leader_hooks {
	void *owner;
	void (*on_change)(void *owner, bool leads);
	/* What is wrong with it at present; none: nothing any more. `origin` says where. */
	void (*on_problems)(void *owner, struct str origin, const struct problems *problems);
};

struct leader;
/* Keeps `loop`, `api` and what `hooks` name. Its hooks are called on the loop's next turns. */
struct leader *leader_open(uv_loop_t *loop, struct kubeapi *api, const struct leader_options *options, const struct leader_hooks *hooks);
/* At this moment: to be asked before everything that only the leader does. */
bool leader_leads(const struct leader *leader);
/* Whose name the Lease has, as last seen; "" is nobody's. Borrowed until the loop's next turn. */
struct str leader_holder(const struct leader *leader);
/* Prometheus text. */
void leader_metrics(const struct leader *leader, struct buf *out);
/*
 * Gives the Lease back if it is ours, so that another one leads at once; waits for that a few seconds at most. Before
 * kubeapi_close, which is for `on_closed` (may be NULL). No hook is called any more.
 */
void leader_close(struct leader *leader, void (*on_closed)(void *owner), void *owner);

#endif

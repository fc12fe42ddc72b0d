#ifndef PUBLISH_H
#define PUBLISH_H
/*
 * Who holds which snapshot, what each needs next, and what each said of it: the services Control (to proxies) and Inspect (to
 * weirctl) on an rpc server. There is no queue per proxy: a proxy that asks gets the way from what it has to what is newest.
 * Lives on the loop of the server; main thread only.
 */
#include <uv.h>

#include "buf.h"
#include "rpc.h"
#include "snapshot.h"
#include "weirlock/v1/control.pb-c.h"

struct publish;
struct problems; /* problem.h */
struct archive;  /* archive.h */
struct pin;      /* pin.h */
struct version;  /* version.h */

/* How an object stands with the controller. */
struct publish_standing {
	bool is_known;   /* there is such an object */
	bool is_refused; /* its newest version is set aside */
	bool is_unused;  /* an Ingress of others, by its class, or of no pool */
	uint64_t pools;  /* that have it, bit by index; 0: that is not known, or none has it */
	uint64_t seq;    /* its last change; of one that is not known: the last change of all */
};

/* What is known of who wrote an object. Borrowed for the call. */
struct publish_found {
	struct str origin;           /* "file demo/a.yaml:12", "API server"; "" is unknown */
	struct str managed;          /* metadata.managedFields as JSON, or "" */
	struct str resource_version;
	int64_t created_s;
	uint64_t changed_ms;         /* of a file */
	struct str why;              /* nothing is; else "" */
};
typedef void publish_found_fn(void *owner, const struct publish_found *found);

#define PUBLISH_DEFAULT_POOL "default"

/* Proxies whose certificates name it get its snapshots, and nothing of others. */
struct publish_pool {
	const char *name;        /* copied */
	const char *what;        /* belongs to it, for people; copied. May be NULL */
	struct archive *archive; /* its snapshots of the past; kept. NULL: as long as this lives, in memory */
};

struct publish_options {
	const char *name;        /* of this controller; copied */
	const char *source;      /* for people: "manifests demo/"; copied */
	uint32_t watch_ttl_ms;   /* 0: 5 s. A Watch is answered at least this often */
	uint32_t hold_ms;        /* 0: 10 s. So long a proxy that is ahead of this controller waits for it */
	size_t history_limit;    /* snapshots kept, 0: 256; a proxy that serves one of them gets a delta */
	void *data;
	/* Appends the present problems to an empty list. May be NULL. */
	void (*problems)(void *data, struct problems *out);
	/* `object` as "Ingress default/web". Appends its errors to `faults`, unless that is NULL. May be NULL. */
	void (*standing)(void *data, struct str object, struct publish_standing *out, struct problems *faults);
	/* Who wrote `object`: calls `done` once, perhaps from within, and before the controller ends. May be NULL. */
	void (*look_up)(void *data, struct str object, publish_found_fn *done, void *owner);
	/* Not 0: a structural change goes to one proxy of a pool first, and after so long without harm to the others. */
	uint32_t canary_hold_ms;
	const struct publish_pool *pools; /* in the order of their indexes */
	size_t n_pools;                   /* 0: one, PUBLISH_DEFAULT_POOL */
	/* For pin_content: what is now of the Backends that `pinned` has and `live` has not. Owned. May be NULL. */
	struct content *(*pinned_endpoints)(void *data, size_t pool, struct content *pinned, struct content *live);
	/* What is pinned in a pool from now on, borrowed; NULL: nothing. 0, or a negative errno: it will not outlive this. May be NULL. */
	int (*keep_pin)(void *data, size_t pool, const struct pin *pin);
	/* What is quarantined in a pool from now on, packed, with keys; empty: nothing. As keep_pin. May be NULL. */
	int (*keep_quarantine)(void *data, size_t pool, struct str packed);
	/* How much of the cluster is in the newest snapshots, and how much was seen. May be NULL. */
	void (*version)(void *data, struct version *held, struct version *seen);
	/* OCSP answers that a proxy of the pool has not heard of, in `arena`. May be NULL. */
	void (*staples)(void *data, size_t pool, const Weirlock__V1__StaplesRequest *request, struct arena *arena,
		Weirlock__V1__StaplesResponse *out);
	/* Who leads among the controllers, for people; "" is nobody that is known. May be NULL. */
	struct str (*leader)(void *data);
};
/* Adds both services to `server`, which must have been created with publish_peer_gone as on_peer_gone, see below. */
struct publish *publish_create(uv_loop_t *loop, const struct publish_options *options);
void publish_attach(struct publish *p, struct rpc_server *server);
/*
 * For rpc_server_options.on_peer_gone; its data is the struct publish. Order: publish_create, rpc_server_create with these
 * two, publish_attach, rpc_server_listen.
 */
void publish_peer_gone(void *publish, struct rpc_peer *peer);

/*
 * The newest snapshot of a pool (takes a reference of its own). False when it has the id of the one before: nothing is sent.
 * Otherwise every proxy of the pool that waits is answered, some in each turn of the loop (fan.h).
 */
bool publish_set_snapshot(struct publish *p, size_t pool, struct snapshot *s);
/* The newest snapshots hold all changes of objects up to this count. */
void publish_cover(struct publish *p, uint64_t seq);
/* Takes what `pin` holds. Before the first snapshot: what was pinned in the pool when this controller last ran. */
void publish_take_pin(struct publish *p, size_t pool, struct pin *pin);
/* What is pinned in the pool, until the next turn; or NULL. */
const struct pin *publish_pinned(const struct publish *p, size_t pool);
/* Before the first snapshot: what was quarantined in the pool when this controller last ran. False: it is malformed. */
bool publish_take_quarantine(struct publish *p, size_t pool, struct str packed);
/* Borrowed until the next one, or NULL. The newest that was set for the pool, whatever is served. */
struct snapshot *publish_current(const struct publish *p, size_t pool);

/* True when at least one proxy serves the current snapshot of its pool. */
bool publish_is_acked(const struct publish *p);
/* Appends metrics in Prometheus text. */
void publish_metrics(const struct publish *p, struct buf *out);

/* Before the end: every waiting proxy is told to come back or go elsewhere after a moment; new calls too. */
void publish_leave(struct publish *p);
/* After rpc_server_close. `on_closed` (may be NULL) comes from the loop. */
void publish_close(struct publish *p, void (*on_closed)(void *data), void *data);

#endif

#ifndef SUBSCRIBE_H
#define SUBSCRIBE_H
/*
 * Keeps a proxy at the newest snapshot: finds a controller, takes what it sends, hands it over to be compiled, and says what
 * became of it. A proxy without a controller goes on with what it has. Offers the proxy's own Inspect service.
 * Lives on one loop; main thread only.
 */
#include <uv.h>

#include "buf.h"
#include "config.h"
#include "content.h"
#include "rpc.h"
#include "version.h"
#include "weirlock/v1/control.pb-c.h"

struct subscribe;

struct subscribe_options {
	/*
	 * URLs; copied. A host name stands for all its addresses, and is asked again as time goes by. One of all is watched and one
	 * held ready, by an order of this proxy's own.
	 */
	const char *const *controllers;
	size_t n_controllers;
	struct rpc_identity *identity;  /* keeps; NULL: without TLS, local URLs only */
	const char *name;               /* of this proxy; copied */
	uint32_t report_ms;             /* 0: 2 s */
	uint32_t return_ms;             /* at least so long a controller must be well before it is gone back to; 0: 30 s */
	void *data;
	/*
	 * Compile and swap. True: `content` is served from now on. False: nothing has changed and `errors` says which
	 * resources are bad (an empty list is reported as one error without a resource). `content` is borrowed: copy it
	 * (content_copy) to keep it.
	 */
	bool (*apply)(void *data, struct content *content, struct config_errors *errors);
	/* Fills the counters of a report; its strings are borrowed until the next call. May be NULL. */
	void (*report)(void *data, Weirlock__V1__ReportRequest *out);
	/* Whether OCSP answers are wanted, and one that came (an empty one: the one before is good no more). May be NULL. */
	bool (*wants_staples)(void *data);
	void (*staple)(void *data, struct str fingerprint, struct str response, int64_t expires_s);
	/* What is known of endpoints, in `arena`. False: not any more. May be NULL. */
	bool (*live)(void *data, struct arena *arena, Weirlock__V1__LiveResponse *out);
};

/* Starts at once. NULL with a line in `error` for a bad URL. */
struct subscribe *subscribe_open(uv_loop_t *loop, const struct subscribe_options *options, struct buf *error);
/*
 * Adds the Inspect service of this proxy to `server` (Status of itself, Snapshots and GetSnapshot of what it serves, redacted).
 * The server is closed before subscribe_close.
 */
void subscribe_inspect(struct subscribe *s, struct rpc_server *server);

/* What is served; borrowed until the next apply, or NULL. For whoever writes the last good snapshot to disk. */
struct content *subscribe_content(struct subscribe *s);
/*
 * Starts from a snapshot that was kept on disk, before any controller was heard; goes through `apply`. A controller confirmed
 * it `age_ms` ago; it is stale until one does again. Copies. False when something is served already, or `apply` refused. A controller
 * that has not seen all of `version` gives nothing.
 */
bool subscribe_seed(struct subscribe *s, struct content *content, const struct version *version, uint64_t age_ms);
/* How much of the cluster is in what is served. */
void subscribe_version(const struct subscribe *s, struct version *out);
/* What is served came from subscribe_seed, and no controller has confirmed it. */
bool subscribe_is_seeded(const struct subscribe *s);
/* True once a snapshot is served. */
bool subscribe_is_ready(const struct subscribe *s);
/*
 * True when no controller has confirmed for longer than its watch_ttl plus a second that what is served is current, and from
 * subscribe_seed until one does; `age_ms` (may be NULL) is how long ago one did (before this process, for a seed), or since start.
 */
bool subscribe_is_stale(const struct subscribe *s, uint64_t *age_ms);
/* Sends a report soon: something changed (draining, say). */
void subscribe_report_now(struct subscribe *s);
/* Appends metrics in Prometheus text. */
void subscribe_metrics(const struct subscribe *s, struct buf *out);

/* Says Goodbye and closes when that was heard, or after half a second. `on_closed` (may be NULL) comes from the loop. */
void subscribe_close(struct subscribe *s, void (*on_closed)(void *data), void *data);

#endif

#ifndef PROXIES_H
#define PROXIES_H
/* What the files of this room share: the proxies and what is known of each. */
#include "fan.h"
#include "hold.h"
#include "lane.h"
#include "publish.h"
#include "strangers.h"
#include "weirlock/v1/control.pb-c.h"

enum {
	PROXIES_MAX = 4096,
	ERRORS_KEPT = 32,              /* of one refusal */
	REASON_KEPT = 512,             /* bytes of one of its texts */
	TEXT_KEPT = 256,               /* bytes of a text of a report */
	INLINE_MAX_BYTES = 64 * 1024,  /* a larger answer goes as a blob */
	FORGET_MS = 10 * 60 * 1000,    /* a silent proxy is shown for so long */
	REDIRECT_SPREAD_MS = 1000,     /* over which the proxies of a controller that leaves turn to others */
	REPEAT_MS = 1000               /* the same push to the same proxy not sooner */
};

struct proxy {
	struct proxy *next;
	struct lane *lane; /* of its pool */
	char *name, *version, *identity;
	uint32_t pid;
	uint64_t process;       /* another one: it was restarted */
	struct rpc_peer *peer;  /* NULL: its session is over */
	struct rpc_call *watch; /* held */
	uint64_t watch_due_ms;
	uint32_t max_inline_bytes;
	uint64_t heard_ms, applied_ms, pushed_us, apply_us, push_to_ack_us;
	uint64_t pushed_event_us; /* what led to what was pushed */
	struct content_id applied, refused, pushed, pushed_from;
	bool has_applied, has_refused, has_pushed, has_pushed_from, is_acked;
	uint64_t reported_ms;
	bool is_standby;          /* it watches another controller */
	struct hold hold;
	uint64_t features;        /* that it offered, CONTENT_FEATURE_… */
	struct buf bucket_hashes; /* of its Watch, when it wants a repair */
	enum way_form pushed_form;
	Weirlock__V1__WatchRequest *refusal; /* its reasons; owned */
	Weirlock__V1__ReportRequest *report; /* the last one; owned; NULL at first */
};

struct publish {
	Weirlock__V1__Control_Service control;
	Weirlock__V1__Inspect_Service inspect;
	struct publish_options options;
	char *name, *source;
	uv_timer_t timer;
	struct fan fan;
	unsigned n_handles;
	struct lane *lanes;           /* one a pool */
	size_t n_lanes;
	struct proxy *proxies;        /* of all pools */
	size_t n_proxies;
	struct blobs *views;          /* what people fetch never holds keys */
	uint64_t started_ms, n_pushes, n_refusals, n_watches;
	struct strangers strangers;
	uint64_t instance; /* of this process; never 0 */
	struct operate *operate;
	bool is_leaving;
	void (*on_closed)(void *data);
	void *closed_data;
};

/* Fills the tables of handlers. */
void publish_control_init(struct publish *p);
void publish_inspect_init(struct publish *p);
/* How many proxies the pool has. */
size_t publish_count(const struct lane *l);
/* Answers the proxy's held Watch if there is news for it. False: there was none, or nobody waits. */
bool control_serve(struct proxy *proxy);
/* Heartbeats, and repeats what was not acknowledged. */
void control_tick(struct publish *p);
void control_free_proxy(struct publish *p, struct proxy *proxy);
Weirlock__V1__ProxyState control_state(const struct publish *p, const struct proxy *proxy);
/* What is known of a proxy; lives in `arena`, borrows from `proxy`. */
Weirlock__V1__ProxyStatus *inspect_proxy(struct publish *p, struct proxy *proxy, struct arena *arena);
/* answered.c: what the request says of the answer before it, served, or refused and why. */
void answered(struct publish *p, struct proxy *proxy, const Weirlock__V1__WatchRequest *request);
/* The proxy serves this; `id` is NULL when it serves nothing. */
void answered_applied(struct proxy *proxy, const struct content_id *id);
/* What is kept of a message of a proxy: bounded, whatever it holds. Owned, with the default allocator (kept.c). */
Weirlock__V1__WatchRequest *kept_refusal(const Weirlock__V1__WatchRequest *request);
Weirlock__V1__ReportRequest *kept_report(const Weirlock__V1__ReportRequest *request);
/* A piece of a blob as the answer to `call`. */
void control_fetch(struct blobs *blobs, const Weirlock__V1__FetchRequest *request, struct rpc_call *call);
ProtobufCBinaryData id_data(const struct content_id *id);

#endif

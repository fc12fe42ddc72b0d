#ifndef STATE_H
#define STATE_H
/* What the files of this room share. */
#include "blob.h"
#include "content_wire.h"
#include "subscribe.h"

enum {
	HELLO_MS = 5000,             /* how long calls may take */
	FETCH_MS = 5000,
	GRACE_MS = 1000,             /* beyond watch_ttl: then the controller is silent */
	RETRY_MS = 500,
	INLINE_BYTES = 64 * 1024,
	BLOB_MAX_BYTES = 256 * 1024 * 1024,
	ERRORS_MAX = 32
};

/* What is asked of the controller now; one thing at a time. */
enum subscribe_step {
	STEP_OFFLINE, /* no session */
	STEP_PAUSE,   /* until retry_ms, then Hello */
	STEP_HELLO,
	STEP_WATCH,
	STEP_FETCH
};

/* What the next Watch asks for. Each follows when the one before did not work out. */
enum subscribe_wish { WISH_DELTA, WISH_REPAIR, WISH_WHOLE };

struct fetch {
	struct buf bytes;
	uint8_t blob_id[BLOB_ID_SIZE];
	uint64_t size_bytes;
	Weirlock__V1__BlobContent content;
};

struct subscribe {
	struct subscribe_options options;
	Weirlock__V1__Inspect_Service inspect;
	uv_loop_t *loop;
	uv_timer_t timer;
	char *name;
	char **urls;
	size_t n_urls, at;
	struct rpc_client *client;
	enum subscribe_step step;
	bool is_reporting, is_closing, has_left, wants_report;
	enum subscribe_wish wish;
	uint64_t features; /* of the controller, among those that we offered */
	bool wants_next; /* another controller, after retry_ms: this one said that it leaves */
	uint32_t watch_ttl_ms;
	uint64_t started_ms, opened_ms, confirmed_ms, applied_ms, retry_ms, report_due_ms, logged_ms, said_ms;
	char said[256];  /* the last warning of the channel */
	unsigned n_said; /* how often it would have been said again since */
	struct content *content; /* served; NULL at first */
	bool is_seeded;          /* it is from disk, and nobody has confirmed it */
	uint64_t seed_age_ms;    /* then: how old that was at confirmed_ms */
	struct fetch fetch;
	/* of the last one that was refused; kept for the next Watch and until another is applied */
	bool has_refused;
	struct content_id refused;
	struct config_errors errors;
	uint64_t apply_us, n_applied, n_refused, n_repairs;
	uint64_t n_received[CONTENT_FORMS], bytes_received[CONTENT_FORMS];
	struct blobs *views;
	void (*on_closed)(void *data);
	void *closed_data;
};

/* update.c: from a session that is ready to the next Watch. */
void update_hello(struct subscribe *s);
void update_pause(struct subscribe *s, uint32_t ms);
/* A controller says that what is served is current, or was just applied. */
void update_confirm(struct subscribe *s);
/* Takes `content`: apply or refuse. */
bool update_take(struct subscribe *s, struct content *content);
void proxy_inspect_init(struct subscribe *s);
ProtobufCBinaryData data_of(struct str s);
/* Counters of this process, from the owner's function. */
void fill_report(struct subscribe *s, Weirlock__V1__ReportRequest *out);
/* The reasons as messages, in `arena`. */
Weirlock__V1__ResourceError **error_messages(const struct subscribe *s, struct arena *arena, size_t *n);

/* A warning that may come again and again: once, then every half minute with how often it was. */
void subscribe_warn(struct subscribe *s, const char *text);

#endif

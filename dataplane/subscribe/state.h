#ifndef STATE_H
#define STATE_H
/* What the files of this room share. */
#include "blob.h"
#include "candidates.h"
#include "content_wire.h"
#include "names.h"
#include "version.h"
#include "subscribe.h"

enum {
	HELLO_MS = 5000,             /* how long calls may take */
	FETCH_MS = 5000,
	GRACE_MS = 1000,             /* beyond watch_ttl: then the controller is silent */
	RETRY_MS = 500,
	UNFIT_MS = 2000,             /* a controller that cannot serve is asked again after that */
	REDIRECT_MAX_MS = 5000,
	INLINE_BYTES = 64 * 1024,
	BLOB_MAX_BYTES = 256 * 1024 * 1024,
	ERRORS_MAX = 32
};

/* A session to one controller. */
enum member_step {
	MEMBER_CLOSED,  /* nobody is left to turn to */
	MEMBER_OFFLINE, /* no session */
	MEMBER_PAUSE,   /* until retry_ms, then Hello */
	MEMBER_HELLO,
	MEMBER_READY    /* it can be watched, or is */
};

struct member {
	struct subscribe *s;
	struct rpc_client *client; /* NULL: closed */
	char *url;
	char *name; /* the controller's own, once it was heard; NULL before */
	enum member_step step;
	bool is_reporting, wants_report, has_left;
	uint64_t instance, features; /* of the controller; features among those that we offered */
	uint32_t watch_ttl_ms;
	uint64_t opened_ms, ready_ms, retry_ms, report_due_ms, lost_ms;
	uint64_t unfit_until_ms; /* it has not caught up, or is leaving */
};

/* One is watched and one is held ready. */
enum { MEMBERS = 2 };

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
	char **urls; /* as configured */
	size_t n_urls;
	struct names *names;
	uint64_t names_due_ms;
	struct candidates candidates;
	struct member members[MEMBERS];
	struct member *active; /* the one that is watched; NULL: none */
	uint64_t instance;     /* of this process */
	uint64_t call;         /* that is asked of it now */
	char *last_url;        /* of the last one that was watched */
	unsigned n_clients;    /* to be closed before the end, and then: */
	void (*release)(struct subscribe *s);
	bool is_closing;
	enum subscribe_wish wish;
	uint32_t watch_ttl_ms; /* of the one that is or was watched */
	uint64_t not_before_ms; /* nobody is watched until then */
	uint64_t n_failovers, n_unfit;
	uint64_t started_ms, confirmed_ms, applied_ms, logged_ms, said_ms;
	char said[256];  /* the last warning of the channel */
	unsigned n_said; /* how often it would have been said again since */
	struct version version, news; /* of what is served; that came with the last answer */
	bool tells_version;           /* the next Watch says it: this controller does not know */
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
	bool is_asking_staples;
	uint64_t staples_due_ms, staples_epoch, staples_version;
	struct blobs *views;
	void (*on_closed)(void *data);
	void *closed_data;
};

/* member.c: the sessions. */
void members_open(struct subscribe *s);
/* Every tick. */
void members_tick(struct subscribe *s, uint64_t now);
/* The one that is watched is not any more, and another is if there is one. `unfit_ms`: for so long it is not asked again. */
void members_leave(struct subscribe *s, uint32_t unfit_ms);
/* As members_leave, and it is asked who is there again before it is watched: what we are was forgotten, or it does not answer well. */
void members_pause(struct subscribe *s, uint32_t ms);
/* Until then it is not asked, and then who is there. */
void member_pause(struct member *m, uint32_t ms);
/* Of the controller; its URL when that is not known. */
char *member_name(const struct member *m);
/* member_report.c: tells it how we are. */
void member_report(struct member *m, uint64_t now);
/* Which one is held ready beside the one that is watched, or NULL. */
const struct member *members_standby(const struct subscribe *s);
/* Says Goodbye where it can, closes all; `release` is called after that. */
void members_close(struct subscribe *s, void (*release)(struct subscribe *s));

/* update.c: the conversation with the one that is watched. */
void update_watch(struct subscribe *s);
/* Forgets what was asked of it. */
void update_stop(struct subscribe *s);
/* A controller says that what is served is current, or was just applied. */
void update_confirm(struct subscribe *s);
/* Takes `content`: apply or refuse. */
bool update_take(struct subscribe *s, struct content *content);
void proxy_inspect_init(struct subscribe *s);
ProtobufCBinaryData data_of(struct str s);
/* Counters of this process, from the owner's function. */
void fill_report(struct subscribe *s, Weirlock__V1__ReportRequest *out);
/* Which controllers are watched and held ready, for a report to `to`; NULL: for people. */
void members_fill_report(struct subscribe *s, const struct member *to, Weirlock__V1__ReportRequest *out);
/* The reasons as messages, in `arena`. */
Weirlock__V1__ResourceError **error_messages(const struct subscribe *s, struct arena *arena, size_t *n);

/* staples.c: asks for OCSP answers when that is due. */
void staples_look(struct subscribe *s, uint64_t now);

/* A warning that may come again and again: once, then every half minute with how often it was. */
void subscribe_warn(struct subscribe *s, const char *text);

#endif

#ifndef ENV_H
#define ENV_H
/*
 * What a worker lends its connections and exchanges: everything here belongs to one thread, so that a request touches no
 * cache line that another thread writes.
 */
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "accesslog.h"
#include "balance.h"
#include "buf.h"
#include "clientaddr.h"
#include "clock.h"
#include "config.h"
#include "deadline.h"
#include "http.h"
#include "later.h"
#include "metrics.h"
#include "spill.h"
#include "splice.h"
#include "upstream.h"

enum {
	ENV_READ_SIZE = 256 * 1024, /* one read buffer a worker: MEASURED.md */
	ENV_FIELDS = 256,           /* fields of one head */
	ENV_SPARE_EXCHANGES = 64,   /* kept for reuse */
	ENV_PIPES = 64,             /* for long bodies at once; more of them are copied */
	ENV_SPARE_PIPES = 8,        /* kept for reuse */
};

/* A generation as one worker counts it: no shared counter is touched by a request. */
struct env_generation {
	const struct generation *generation;
	struct clientaddr_rules rules; /* with our https port */
	unsigned n_users;              /* exchanges, and one while it is the current one */
};

/* Random bytes, many at a time: one system call for some 256 request ids. */
struct env_random {
	unsigned char bytes[4096];
	size_t left;
};

/* A log format of the newest generation, and what it was made from. */
struct env_format {
	struct accesslog_format *format;
	struct str text;
	bool escapes_json;
};

struct exchange;

struct exchange_env {
	uv_loop_t *loop;
	struct deadlines deadlines;
	struct laters laters;
	char *space;                    /* ENV_READ_SIZE bytes: whoever reads may overwrite it */
	struct buf heads;               /* heads being written */
	struct buf lines;               /* fields of our own for the client */
	struct http_field fields[ENV_FIELDS];  /* of a head being parsed */
	struct http_field passing[ENV_FIELDS]; /* those of a response that go on to the client */
	struct upstream_pool *pool;
	struct splice_pipe pipes[ENV_SPARE_PIPES]; /* empty ones */
	unsigned n_spare_pipes, n_pipes;           /* and all there are */
	struct spill_space spill_space; /* for bodies that are kept */
	uint64_t spill_warn_ms;         /* when more may be said of its want */
	uint64_t n_spill_told;          /* of its refusals, how many were told of */
	struct balance *balance;
	struct metrics metrics;         /* read by the main thread */
	struct accesslog log, stream_log;
	struct env_format format, stream_format; /* of requests; of sessions of TCP and UDP services */
	bool logs_json;                 /* --log-format json: one object a line, whatever the settings say */
	struct env_generation *current; /* NULL before the first */
	uint16_t https_port;
	bool is_leaving;                /* an answer is the last of its connection */
	bool is_draining;               /* and nothing new is taken */
	bool is_over_memory;            /* max-memory: requests get 503, on connections that close then */
	bool has_waited_to_stop;        /* for worker-shutdown-timeout: what still runs is ended */
	struct env_random random;
	uint64_t date_until_ms;         /* env_date is right until then */
	char date[CLOCK_TEXT_MAX];
	struct exchange *spare;
	unsigned n_spare;
	struct exchange *tunnels;
	uint64_t next_connection_id;
	uint64_t proxy_warned_ms;       /* when a bad PROXY header was last told of; 0: never */
	uint64_t n_proxy_untold;        /* bad ones since */
};

/* A zeroed one. `sink` (keeps) may be NULL: no access log. */
void env_init(struct exchange_env *env, uv_loop_t *loop, uint64_t seed, struct accesslog_sink *sink);
/* Everything must have been closed. */
void env_deinit(struct exchange_env *env);

/* Makes `g` the current one (takes the reference); exchanges keep theirs. */
void env_set_generation(struct exchange_env *env, const struct generation *g);
struct env_generation *env_hold(struct exchange_env *env);
void env_release(struct env_generation **held);
/* Monotonic, as the loop last read it. */
uint64_t env_now_us(const struct exchange_env *env);
/* NULL before the first generation. */
const struct settings *env_settings(const struct exchange_env *env);

/* A pipe, or false: there are enough of them, or no descriptors. */
bool env_take_pipe(struct exchange_env *env, struct splice_pipe *out);
void env_give_pipe(struct exchange_env *env, struct splice_pipe *pipe);

/* The Date field's value, right to half a second. Borrowed until the next call. */
struct str env_date(struct exchange_env *env);
/* From a buffered generator; at most 256. */
void env_random_bytes(struct exchange_env *env, unsigned char *out, size_t n);
/* The line of a session of a TCP or UDP service that ends now, where those are logged. Time, status and limit are filled in. */
void env_log_session(struct exchange_env *env, struct accesslog_record *record);
/* "namespace/service:port" as logs have it (N1). Owned. */
struct str env_log_name(struct str backend);
/* Tells the metrics what bodies have put into files so far. */
void env_note_files(struct exchange_env *env);
/* 32 lower-case hex digits. */
void env_request_id(struct exchange_env *env, char id[32]);

#endif

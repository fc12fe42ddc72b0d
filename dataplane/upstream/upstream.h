#ifndef UPSTREAM_H
#define UPSTREAM_H
/*
 * Connections to endpoints, and one worker's pool of idle ones (SEMANTICS G16). Idle connections are found by where they
 * lead: address, plain or TLS, the way in which TLS is spoken (what is checked and shown), and the PROXY header that began
 * them; so backends that share an endpoint share them, and one that told of a client is never used for another client. An idle connection on which
 * the endpoint says anything, or closes, leaves the pool at once.
 */
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "addr.h"
#include "deadline.h"
#include "str.h"
#include "stream.h"

enum { UPSTREAM_PROXY_HEADER_MAX = 108 };

struct upstream_pool;
struct upstream_group;
struct upstream_session;
struct laters;

/* Where a connection leads. */
struct upstream_target {
	struct addr addr;
	struct tls_client *tls;  /* NULL: plain */
	bool is_http2;          /* for upstream_call_open: over TLS it is asked for by ALPN, else known beforehand */
	struct str proxy_header; /* goes out before all else, TLS too; at most UPSTREAM_PROXY_HEADER_MAX bytes, may be empty */
};

/* Who holds a connection embeds this and is told what happens to it. */
struct upstream_user {
	void (*on_event)(struct upstream_user *user, unsigned events); /* enum stream_event */
};

struct upstream_conn {
	struct stream stream;
	struct upstream_pool *pool;
	struct upstream_group *group;
	struct upstream_user *user;      /* NULL while idle */
	struct upstream_session *session; /* of HTTP/2: is told instead */
	struct upstream_conn *next, *prev;         /* idle ones of the group, newest first */
	struct upstream_conn *lru_next, *lru_prev; /* idle ones of its list of the pool, newest first */
	SSL *held_ssl;                   /* TLS waits until the PROXY header is out */
	bool owes_header;                /* it is not out so far */
	struct deadline idle;
	uint64_t born_ms;
	uint32_t n_requests;             /* begun on it; 1 for a fresh one */
};

/* Settings of G16. max_idle 0: nothing is kept. */
struct upstream_limits {
	uint32_t max_idle;      /* of the worker, all endpoints together; as many again that began with a PROXY header */
	uint32_t max_requests;  /* on one connection; 0 and 1 both mean no reuse */
	uint32_t idle_ms;
	uint32_t max_age_ms;    /* checked when a request finishes */
};

/* Keeps all of them. Owned. */
struct upstream_pool *upstream_pool_create(uv_loop_t *loop, struct deadlines *all, struct laters *laters);
/* Closes the idle connections; those in use must have been closed. Run the loop until upstream_n_open is 0, then destroy. */
void upstream_pool_close(struct upstream_pool *pool);
void upstream_pool_destroy(struct upstream_pool *pool);
void upstream_set_limits(struct upstream_pool *pool, const struct upstream_limits *limits);

/* An idle connection to `target`, the most recently used one, or NULL. `user` is told its events from now on. */
struct upstream_conn *upstream_take(
	struct upstream_pool *pool, const struct upstream_target *target, struct upstream_user *user);
/*
 * The endpoint closed an idle connection itself, a moment ago: it may be about to close the others, and what is sent on them
 * may be lost.
 */
bool upstream_is_closing(const struct upstream_pool *pool, const struct upstream_target *target);
/*
 * Begins a new connection: STREAM_CONNECTED or STREAM_FAILED follows. NULL with a negative errno in `*error` when it cannot
 * even begin. Close it with upstream_close or give it back.
 */
struct upstream_conn *upstream_connect(struct upstream_pool *pool, const struct upstream_target *target,
	struct upstream_user *user, int *error);

/* After a fully accounted exchange only: keeps it for the next one, or closes it when a limit says so. */
void upstream_give_back(struct upstream_conn *conn);
/* Closes it; its user hears nothing more of it. */
void upstream_close(struct upstream_conn *conn, bool is_reset);

/*
 * After a change of configuration: begin, mark every address that is still an endpoint, end. The end closes the idle
 * connections that lead elsewhere. Costs one look-up an endpoint, and nothing while no connection is idle.
 */
void upstream_mark_begin(struct upstream_pool *pool);
void upstream_mark(struct upstream_pool *pool, const struct addr *addr);
void upstream_mark_end(struct upstream_pool *pool);

unsigned upstream_n_idle(const struct upstream_pool *pool);
/* Connections that speak HTTP/2, idle or in use, and the calls on them. */
unsigned upstream_n_sessions(const struct upstream_pool *pool);
unsigned upstream_n_calls(const struct upstream_pool *pool);
/* Idle, in use, and those whose handle is still closing. */
unsigned upstream_n_open(const struct upstream_pool *pool);

#endif

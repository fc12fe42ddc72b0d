#ifndef UPSTREAM_PRIVATE_H
#define UPSTREAM_PRIVATE_H
/* Connections, groups of them, and HTTP/2 on them, for the files of this room alone. */
#include <nghttp2/nghttp2.h>

#include "block.h"
#include "budget.h"
#include "buf.h"
#include "call.h"
#include "later.h"
#include "map.h"
#include "mem.h"
#include "upstream.h"

enum { PLACE_BYTES = 29, KEY_MAX = PLACE_BYTES + UPSTREAM_PROXY_HEADER_MAX };
enum { LIST_SHARED, LIST_OF_ONE_CLIENT, N_LISTS };

/* All connections that lead to one place share one. Lives while it has connections, idle or in use. */
struct upstream_group {
	struct upstream_conn *idle; /* newest first */
	unsigned n_conns;
	struct upstream_session *roomy; /* HTTP/2 that takes more calls */
	uint32_t peer_calls;            /* as many at once, as the endpoint last said; 0: it said nothing */
	struct addr addr;
	uint64_t closed_ms;             /* when the endpoint last closed an idle one; 0: never */
	size_t header_len;          /* of the PROXY header, which is a part of the key */
	size_t key_len;
	char key[KEY_MAX];
};

struct idle_list {
	struct upstream_conn *newest, *oldest;
	unsigned n;
};

/* What the HTTP/2 connections of a pool share; made with the first one. */
struct upstream_http2 {
	struct nghttp2_session_callbacks *callbacks;
	struct nghttp2_option *options;
	struct buf out;             /* one write */
	struct http2_block *spare_block;
	unsigned n_sessions, n_calls;
};

struct upstream_pool {
	uv_loop_t *loop;
	struct deadlines *all;
	struct laters *laters;
	struct upstream_limits limits;
	struct map groups;
	struct map unmarked;           /* while marking: addresses of idle connections that are no endpoints so far */
	struct idle_list lists[N_LISTS];
	unsigned n_open;
	char *in;                      /* one read */
	struct upstream_http2 http2;
};

/* One connection that speaks HTTP/2, and its calls. */
struct upstream_session {
	struct upstream_conn *conn;
	struct upstream_pool *pool;
	struct upstream_session *next, *prev; /* roomy ones of the group */
	nghttp2_session *session;             /* NULL before it is connected */
	struct upstream_call *first;
	struct upstream_call *ready, **ready_end;
	unsigned n_calls;
	uint32_t n_begun, max_calls;
	bool is_roomy;                        /* linked there */
	bool is_leaving;                      /* takes no more calls */
	bool is_over;                         /* broken: `fate` says how */
	bool is_idle;                         /* its connection is among the pool's idle ones */
	bool is_running;
	bool skips_block;
	enum upstream_fate fate;
	struct http2_block *block;            /* being received */
	struct http2_budget controls;
	struct later later;
	struct buf out;                       /* the socket has not taken */
};

/* What happened to a call and was not told so far, as enum stream_event. */
struct upstream_call {
	struct upstream_user *user;
	struct upstream_session *session;     /* NULL when the connection is over */
	struct upstream_pool *pool;
	struct upstream_call *next, *prev;    /* of the session */
	struct upstream_call *next_ready;
	unsigned news;
	bool is_ready;                        /* linked there */
	bool is_first;
	int32_t id;                           /* 0: no head was given */
	/* the request */
	enum http_method method;
	struct buf out, trailers_out;         /* not sent so far */
	size_t out_at;
	bool has_last, is_deferred, is_out, is_end_out;
	/* the response */
	struct http2_block *head;             /* until it is dropped */
	struct buf in, trailers;
	size_t in_at;
	uint64_t received, expected;          /* bytes of the body; `expected` with has_length */
	unsigned n_interim;
	bool has_head, has_length, has_ended;
	bool is_reset;                        /* by the endpoint */
	bool is_closed;                       /* nghttp2 knows the stream no more */
	enum upstream_fate fate;
	int error;
	uint32_t code;
};

/* upstream.c */
struct upstream_group *upstream_find_group(const struct upstream_pool *pool, const struct upstream_target *target);
void upstream_enter_idle(struct upstream_conn *conn);
void upstream_leave_idle(struct upstream_conn *conn);

/* session.c */
/* A new connection to `target` with no call on it. */
struct upstream_session *upstream_session_connect(struct upstream_pool *pool, const struct upstream_target *target, int *error);
/* Reads what is there. False: it is over, and gone unless it has calls. */
bool upstream_session_is_alive(struct upstream_session *s);
void upstream_session_on_event(struct upstream_session *s, unsigned events);
/* It takes calls again, or no more, by what it has. */
void upstream_session_note_room(struct upstream_session *s);
/* A call left. */
void upstream_session_rest(struct upstream_session *s);
/* Its connection closes: what it holds is freed. It must have no calls. */
void upstream_session_free(struct upstream_session *s);
/* The rules of the connection are broken. From within nghttp2: what its callback returns. */
int upstream_session_violate(struct upstream_session *s, enum upstream_fate fate);
void upstream_http2_deinit(struct upstream_pool *pool);

/* receive.c */
void upstream_set_callbacks(nghttp2_session_callbacks *callbacks);

/* call.c */
void upstream_call_tell(struct upstream_call *call, unsigned news);
void upstream_call_fail(struct upstream_call *call, enum upstream_fate fate);
/* No more comes from its connection. */
void upstream_call_detach(struct upstream_call *call);
/* Takes the bytes of one DATA frame from what waits. */
void upstream_call_sent(struct upstream_call *call, size_t n);
/* RST_STREAM: an answer to what came. */
void upstream_call_reset(struct upstream_call *call, uint32_t code);

#endif

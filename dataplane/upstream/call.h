#ifndef CALL_H
#define CALL_H
/*
 * One request to an endpoint that speaks HTTP/2 (gRPC): a stream of a connection that it shares with others. Which connection,
 * and when a new one is made, is decided here: few of them, as many streams on each as the endpoint's SETTINGS and
 * UPSTREAM_CALLS_MAX allow, one pool a worker.
 *
 * What happens is told to its user as events of a stream (enum stream_event): CONNECTED when the request may be sent, READABLE
 * when a head, more of the body, or the end is there, WRITABLE when all that was given has left, FAILED when no more comes.
 *
 * Flow control reaches from the endpoint to whoever takes the body: the endpoint may send ahead one window for each call, and
 * windows of a connection are never what holds one call back for another.
 */
#include "http.h"
#include "parse.h"
#include "upstream.h"

enum {
	UPSTREAM_CALLS_MAX = 128,         /* on one connection */
	UPSTREAM_CALL_WINDOW = 64 * 1024, /* what an endpoint may send ahead for one */
	UPSTREAM_CALL_AHEAD = 64 * 1024,  /* give no more while so much waits to be sent */
	UPSTREAM_HEAD_BYTES = 64 * 1024,  /* of a response's head, and of its trailers */
	UPSTREAM_HEAD_FIELDS = 256,
};

struct upstream_call;

/* Why a call gave no whole response. */
enum upstream_fate {
	UPSTREAM_FATE_NONE,    /* nothing went wrong so far */
	UPSTREAM_FATE_CONNECT, /* no connection: upstream_call_error */
	UPSTREAM_FATE_REFUSED, /* it was not begun, and the endpoint said so: asking again does no harm */
	UPSTREAM_FATE_LOST,    /* the connection ended first */
	UPSTREAM_FATE_RESET,   /* by the endpoint: upstream_call_code */
	UPSTREAM_FATE_BAD,     /* what came is no valid response */
	UPSTREAM_FATE_BROKEN,  /* the endpoint broke the rules of the whole connection */
	UPSTREAM_FATE_FLOOD,   /* it sent too much that asks for nothing */
};

/* Everything is borrowed for the call. */
struct upstream_request {
	enum http_method method;
	struct str method_text, authority, path;
	struct str lines; /* its other fields, "name: value CRLF" each */
	bool is_last;     /* no body follows */
};

/*
 * A place on a connection to `target`, a new one where all are full. `user` is told its events from now on, never before this
 * returns. NULL with a negative errno in `*error` when no connection can even begin. Owned; ends with upstream_call_close.
 */
struct upstream_call *upstream_call_open(struct upstream_pool *pool, const struct upstream_target *target,
	struct upstream_user *user, int *error);
/* True when the request may be sent at once; else CONNECTED or FAILED follows. */
bool upstream_call_is_connected(const struct upstream_call *call);
/* True for the first call of a connection. */
bool upstream_call_is_first(const struct upstream_call *call);

/* Once. False: it cannot be sent any more, and FAILED follows. */
bool upstream_call_send_head(struct upstream_call *call, const struct upstream_request *request);
/* More of the body: all of it is taken. With `is_last` it ends, after these trailers (lines, may be empty). */
void upstream_call_send(struct upstream_call *call, struct str bytes, bool is_last, struct str trailers);
/* Bytes and ends that wait to be sent. */
size_t upstream_call_unsent(const struct upstream_call *call);
/* Whether the endpoint may have seen any of it. */
bool upstream_call_was_sent(const struct upstream_call *call);

/*
 * The response's head: PARSE_MORE when it is not there so far; PARSE_BAD: the call has failed. Filled once; `out->fields` must
 * have room for UPSTREAM_HEAD_FIELDS, and what they point to is good until upstream_call_drop_head.
 */
enum parse_result upstream_call_head(struct upstream_call *call, struct http_head *out);
void upstream_call_drop_head(struct upstream_call *call);
/* What is here of the body, without taking it. */
struct str upstream_call_body(const struct upstream_call *call);
/* Takes as much from its front: the endpoint may send as much more. */
void upstream_call_take(struct upstream_call *call, size_t n);
/* All of the response is here: what upstream_call_body gives is the rest of its body. */
bool upstream_call_is_whole(const struct upstream_call *call);
/* Its trailers, "name: value CRLF" each; borrowed until the call is closed. */
struct str upstream_call_trailers(const struct upstream_call *call);

/* NONE while all is well. Bytes that came before are still there to be taken. */
enum upstream_fate upstream_call_fate(const struct upstream_call *call);
int upstream_call_error(const struct upstream_call *call);
uint32_t upstream_call_code(const struct upstream_call *call);

/* Ends it, with RST_STREAM where the endpoint may still be at work. `may_go_on`: its connection takes other calls. */
void upstream_call_close(struct upstream_call *call, bool may_go_on);

#endif

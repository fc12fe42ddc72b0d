#ifndef HTTP2_PRIVATE_H
#define HTTP2_PRIVATE_H
/* One connection and its streams, for the files of this room alone. */
#include <nghttp2/nghttp2.h>

#include "block.h"
#include "budget.h"
#include "buf.h"
#include "deadline.h"
#include "exchange.h"
#include "fields.h"
#include "http2.h"
#include "mem.h"
#include "tunnel.h"

enum {
	HTTP2_IN_SIZE = 64 * 1024,           /* of one read */
	HTTP2_OUT_SIZE = 64 * 1024,          /* of one write, about */
	HTTP2_WEBSOCKET_KEY = 24,            /* characters */
	HTTP2_STREAM_WINDOW = 64 * 1024,     /* what one stream may send ahead */
	HTTP2_WINDOW = 1024 * 1024,          /* all streams of a connection */
	HTTP2_STREAM_READ = 64 * 1024,       /* what one read of an endpoint may leave waiting for the client */
	HTTP2_STREAM_COST = 8 * 1024,        /* of a request beside its bytes */
	HTTP2_LEAVE_MS = 1000,               /* between the two GOAWAYs: requests on their way are still taken */
};

/* What happened to a stream and was not looked at so far. */
enum http2_news {
	NEWS_BEGIN = 1,    /* its request is there */
	NEWS_BODY = 2,     /* bytes of its body, or their end, are there, or wanted */
	NEWS_WRITABLE = 4, /* what waited has gone to the connection */
	NEWS_GONE = 8,     /* the client gave it up, or the connection is over */
	NEWS_BAD = 16,     /* its body is not what was announced */
};

struct http2_stream {
	struct exchange_client client;
	struct http2 *session;
	struct http2_stream *next, *prev; /* of the session */
	struct http2_stream *next_ready;
	struct tunnel_port port;
	struct exchange *exchange;        /* NULL when it is over */
	int32_t id;
	unsigned news;                    /* enum http2_news */
	bool is_ready;                    /* linked there */
	/* the request */
	struct buf in;                    /* of its body, not fed so far */
	struct buf trailers_in;           /* "name: value CRLF" each */
	uint64_t received, expected;      /* bytes of the body; `expected` with has_length */
	size_t head_cost;                 /* memory that its head takes */
	bool has_length, has_ended, is_end_fed, wants_body, ignores_body, is_websocket, is_tunnel;
	char websocket_key[HTTP2_WEBSOCKET_KEY + 1]; /* what the backend is asked to sign */
	/* the answer */
	struct buf out;                   /* of its body, not sent so far */
	size_t out_at;
	struct buf trailers;
	bool has_head, is_last, is_deferred, is_sent, is_waiting;
	bool is_reset;                    /* by us, on purpose */
	bool is_closed;                   /* nghttp2 knows it no more */
};

enum http2_wait { WAIT_NONE, WAIT_FIRST, WAIT_IDLE, WAIT_BLOCK, WAIT_LEAVE };

struct http2 {
	struct http2_shared *shared;
	struct exchange_env *env;
	struct http2_link link;
	nghttp2_session *session;
	struct http2_stream *first;
	struct http2_stream *ready, **ready_end;
	unsigned n_refused;               /* RST_STREAM that we asked for and that has not gone */
	unsigned n_working;               /* streams that have an exchange */
	unsigned n_streams;               /* whose work goes on, whatever the client did to them */
	uint32_t n_requests;
	struct http2_block *block;        /* being received */
	struct http2_limits limits;       /* of it */
	struct later later;
	struct buf out;                   /* the socket has not taken */
	struct deadline deadline;
	enum http2_wait waits_for;
	size_t memory;                    /* of nghttp2, heads and bodies */
	size_t memory_counted;            /* as the metric has it */
	struct http2_budget resets, controls;
	uint64_t block_began_us;
	bool is_leaving;                  /* GOAWAY is announced */
	bool is_over;                     /* nothing more is read */
	bool is_running;
	bool is_ended;                    /* the owner was told */
	bool is_cut;                      /* by our own shutdown, not by the client */
	bool skips_block;
	enum end_reason why;              /* with is_over, and for the owner */
};

/* receive.c */
void http2_set_callbacks(nghttp2_session_callbacks *callbacks);
struct http2_limits http2_limits_of(const struct settings *s);

/* streams.c */
extern const struct exchange_client_ops http2_stream_ops;
/* A new stream with an exchange for it. */
struct http2_stream *http2_stream_begin(struct http2 *h, int32_t id);
/* Remembers news; they are told before this turn of the loop ends. */
void http2_stream_tell(struct http2_stream *s, unsigned news);
/* Tells all news. */
void http2_streams_run(struct http2 *h);
/* RST_STREAM, our own decision. */
void http2_stream_reset(struct http2_stream *s, uint32_t code);
/* Takes the bytes of one DATA frame from what waits. */
void http2_stream_sent(struct http2_stream *s, size_t n);

/* The first `n` bytes of the body are somebody else's now: the client may send as many more. */
void http2_stream_take(struct http2_stream *s, size_t n);
/* More of the answer's body. */
void http2_stream_put(struct http2_stream *s, struct str bytes);

/* websocket.c */
extern const struct tunnel_port_ops http2_port_ops;
/* News of a stream that is a tunnel. Its exchange may be gone afterwards. */
void http2_websocket_tell(struct http2_stream *s, unsigned news);

/* http2.c */
/* Ends the connection with GOAWAY and this code. */
void http2_end(struct http2 *h, uint32_t code, enum end_reason why);
void http2_leave(struct http2 *h);
bool http2_has_memory(const struct http2 *h);

#endif

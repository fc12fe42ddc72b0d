#ifndef EXCHANGE_H
#define EXCHANGE_H
/*
 * The life of one request: from its head to its access record. What carried the request (HTTP/1 on a connection, a stream of
 * HTTP/2) is behind struct exchange_client; the exchange never learns the version.
 *
 * An exchange keeps the generation it began with, has one deadline for all its waits, and ends with one reason.
 */
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "clientaddr.h"
#include "end.h"
#include "env.h"
#include "http.h"
#include "http1.h"
#include "str.h"
#include "stream.h"

struct exchange;
struct exchange_client;
struct tunnel_port;

/* What goes to the client, free of version. Everything is borrowed for the call. */
struct exchange_head {
	unsigned status;
	struct str reason;
	const struct http_field *fields; /* as the backend sent them, those not to be passed on left out */
	size_t n_fields;
	struct str lines;                /* more fields, as "name: value CRLF" each */
	enum http_body body;             /* HTTP_BODY_CLOSE: of unknown length */
	uint64_t content_length;         /* of HTTP_BODY_LENGTH */
	bool says_length;                /* no body, but Content-Length is told: HEAD and 304 */
	bool is_upgrade;                 /* 101: bytes of another protocol follow */
	bool must_close;                 /* the connection cannot carry another request */
};

enum exchange_sent {
	EXCHANGE_SENT,    /* all of it is on its way */
	EXCHANGE_WAITING, /* all is taken, part of it is kept: send no more before exchange_on_client says so */
	EXCHANGE_LOST,    /* the client is gone */
};

enum exchange_outcome {
	EXCHANGE_KEEP,   /* both messages are whole: the connection may carry the next request */
	EXCHANGE_CLOSE,  /* the answer is whole, nothing may follow */
	EXCHANGE_LINGER, /* the same, and the client may still be sending: read what it sends, then close */
	EXCHANGE_CUT,    /* the answer is not whole: cut the connection so that the client can tell */
};

struct exchange_client_ops {
	/* A head (or NULL when it went before), then body; `is_last` ends the message. */
	enum exchange_sent (*send)(
		struct exchange_client *c, const struct exchange_head *head, struct str body, bool is_last);
	/* 100 Continue. */
	enum exchange_sent (*send_continue)(struct exchange_client *c);
	/* Whether body bytes are wanted now; they come by exchange_feed. */
	void (*want_body)(struct exchange_client *c, bool is_wanted);
	/*
	 * The stream below, for a tunnel; its events then come by exchange_on_tunnel. `early`: what the client sent after
	 * its request, borrowed until the loop runs again.
	 */
	struct stream *(*stream)(struct exchange_client *c, struct str *early);
	/*
	 * The stream below, where payload of a body with a length may be written to it as it is and nothing waits before it; else
	 * NULL. The op may be NULL too.
	 */
	struct stream *(*plain)(struct exchange_client *c);
	/* Asked where `stream` gives NULL: what stands for it, kept until `finished`. */
	struct tunnel_port *(*port)(struct exchange_client *c);
	/* The exchange is over and its memory gone when this returns. */
	void (*finished)(struct exchange_client *c, enum exchange_outcome outcome);
};

struct exchange_client {
	const struct exchange_client_ops *ops;
	const struct clientaddr_conn *conn;
	const SSL *ssl;          /* NULL for plain; for logs */
	struct str proxy_tlvs;   /* of its PROXY header, may be empty; for logs */
	uint64_t connection_id, connection_requests; /* for logs */
	uint64_t overhead_bytes; /* of this answer on the wire: its head and chunk lines */
	struct str trailers;     /* set before the last `send`: "name: value CRLF" each, borrowed for it; else empty */
	uint32_t cut_code;       /* with EXCHANGE_CUT: RFC 9113 7, what to tell; 0 says nothing */
	size_t read_bytes;       /* most of the endpoint's response in one `send`; 0: one read of the worker's buffer */
};

/* What happened; bits for exchange_on_client. */
enum exchange_event {
	EXCHANGE_BEGIN = 1,           /* after exchange_create and the first exchange_feed */
	EXCHANGE_BODY = 2,            /* after exchange_feed */
	EXCHANGE_CLIENT_WRITABLE = 4, /* what was kept has been sent */
	EXCHANGE_CLIENT_GONE = 8,     /* the client closed, or its connection failed */
	EXCHANGE_BODY_BAD = 16,       /* its framing is broken; no more of it comes */
	EXCHANGE_ROUTE_REMOVED = 32,  /* by exchange_apply_generation, to tunnels */
	EXCHANGE_DRAINED = 64,        /* the proxy stops now */
};

/*
 * Takes a parsed head, copies it, and does nothing yet. `raw` are the bytes it was parsed from, `began_us` when its first
 * byte arrived.
 */
struct exchange *exchange_create(struct exchange_env *env, struct exchange_client *client, const struct http_head *head,
	struct str raw, uint64_t began_us);
/* Fields after the request's body, "name: value CRLF" each; copied. Before the last exchange_feed. */
void exchange_feed_trailers(struct exchange *ex, struct str lines);
/*
 * Payload of the request body; `is_last` ends the message (call it so for an empty body too). Borrowed until the next
 * exchange_on_client returns.
 */
void exchange_feed(struct exchange *ex, struct str payload, bool is_last);
/* Goes on as far as it can. `finished` may be called before this returns, and `ex` is then gone. */
void exchange_on_client(struct exchange *ex, unsigned events);
/* Events of the client's stream while the exchange is a tunnel. */
void exchange_on_tunnel(struct exchange *ex, unsigned stream_events);

/*
 * The same for a request whose head nobody understood (400, 414, 431 …): it will be answered with `status`, logged and
 * counted. `raw` is what was read of it.
 */
struct exchange *exchange_create_refusal(struct exchange_env *env, struct exchange_client *client, unsigned status,
	struct str raw, uint64_t began_us);
/* The same for a head that did not end in time: it is logged as 408 and gets no answer (D5). */
struct exchange *exchange_create_late(struct exchange_env *env, struct exchange_client *client, enum end_reason end,
	struct str raw, uint64_t began_us);

/*
 * Takes the body bytes at the front of `bytes` and moves their payload together, in place: one piece, however many chunks.
 * PARSE_DONE, PARSE_MORE or PARSE_BAD as http1_body_read; `*used` bytes are consumed.
 */
enum parse_result exchange_take_body(
	struct http1_body *body, char *bytes, size_t len, size_t *used, struct str *payload, const char **why);

/* After a change of generation: ends tunnels whose route is gone, and gives the others its timeouts. */
void exchange_apply_generation(struct exchange_env *env);
/* Ends every tunnel: worker-shutdown-timeout has passed. */
void exchange_end_tunnels(struct exchange_env *env);

#endif

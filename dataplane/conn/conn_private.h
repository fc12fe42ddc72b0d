#ifndef CONN_PRIVATE_H
#define CONN_PRIVATE_H
#include "conn.h"
#include "end.h"
#include "exchange.h"
#include "http1.h"
#include "http2.h"
#include "proxy_header.h"

enum conn_state {
	CONN_PROXY,     /* a PROXY header must come first */
	CONN_HELLO,     /* whose TLS it is shows in its first bytes */
	CONN_HANDSHAKE, /* TLS is being set up */
	CONN_IDLE,      /* no byte of the next request is here */
	CONN_HEAD,      /* part of a head is */
	CONN_BUSY,      /* an exchange runs */
	CONN_HTTP2,     /* all of it is HTTP/2 */
	CONN_LINGER,    /* the last answer is out: what the client still sends is thrown away, so that it can read it */
	CONN_CLOSED,    /* its handle is closing */
};

struct conn {
	struct stream stream;
	struct conn *next, *prev;
	struct conn_set *set;
	struct exchange_env *env;
	struct exchange_client client;
	struct clientaddr_conn who;
	SSL *held_ssl;              /* of a TLS connection in CONN_PROXY and CONN_HELLO */
	struct exchange *exchange;  /* while CONN_BUSY */
	struct http2 *http2;        /* while CONN_HTTP2 */
	struct http2_user http2_user;
	struct deadline deadline;   /* of every state but CONN_BUSY and CONN_HTTP2, which have their own */
	enum conn_state state;
	struct buf in;              /* read, not looked at; in CONN_PROXY what is there of the header */
	size_t n_kept;              /* of it, that the metrics know of */
	struct buf out;             /* the client has not taken */
	struct http1_body body;     /* of the request in progress */
	uint64_t began_us;          /* first byte of the request */
	uint64_t linger_until_ms;
	uint32_t n_requests, n_requests_seen; /* seen by conn_make_room */
	size_t hello_bytes;         /* in CONN_HELLO: how many were looked at */
	bool wants_body, is_body_done;
	bool is_running;            /* run() is on the stack */
	/* the answer in progress */
	bool is_1_0;                /* the client speaks HTTP/1.0 */
	bool asked_to_keep;         /* the request allows another one */
	bool has_head;              /* its head was sent */
	bool is_chunked, is_close_delimited;
	bool closes;                /* it is the last one */
	bool is_tunnel;             /* its bytes are no HTTP any more */
	bool is_refused;            /* it answers what was no request */
};

/* reply.c */
extern const struct exchange_client_ops conn_ops;
/* Writes what waits. False: the client is gone. */
bool conn_flush(struct conn *c);
/* F8. */
void conn_reply_plain_on_tls(struct conn *c);

/* proxy.c */
/* Whether this peer must send a PROXY header, by the settings now in force. */
bool conn_needs_proxy_header(const struct exchange_env *env, const struct addr *peer);
/*
 * Takes what is there of the header. In CONN_PROXY. What was read, c->who and c->client know; `*rest` is what came behind it, in
 * the worker's buffer, where no TLS follows.
 */
enum conn_proxy conn_read_proxy_header(struct conn *c, struct str *rest);
/* It did not come in time: counts and logs. */
void conn_proxy_header_late(struct conn *c);

/* passthrough.c */
enum conn_hello {
	CONN_HELLO_WAITS,  /* more of it must come */
	CONN_HELLO_OURS,   /* TLS ends here, as far as we can tell; or it is none */
	CONN_HELLO_PASSES, /* `*host` has it as it is */
	CONN_HELLO_GONE,   /* the client closed */
};
/* Looks at what is there of the ClientHello, and takes nothing. In CONN_HELLO. */
enum conn_hello conn_read_hello(struct conn *c, const struct host **host);
/* Gives the socket away. False: it could not be, for want of a descriptor. The connection is to be closed in either case. */
bool conn_pass(struct conn *c, const struct host *host);

/* set.c */
void conn_link_first(struct conn_set *set, struct conn *c);
void conn_unlink(struct conn *c);

/* head.c */
/* What has come of a head, and of what lies behind it. */
void conn_read_head(struct conn *c);
/* Requests that are here already, one after another; exchanges that end at once come back to its loop, not deeper. */
void conn_run(struct conn *c, char *bytes, size_t len);
/* The body bytes among `bytes`, which follow the head; what follows them is the next request. Events for the exchange. */
unsigned conn_feed_body(struct conn *c, char *bytes, size_t len);
/* All of it is HTTP/2 from these bytes on. */
void conn_become_http2(struct conn *c, struct str bytes);
/* D5: part of a head came, and the rest did not: no answer, but a line in the log. */
void conn_give_up_head(struct conn *c, enum end_reason why);
/* How long a head may take (G4). A proxy that leaves does not wait a minute for one that may never come. */
uint64_t conn_head_wait_ms(const struct conn *c);
bool conn_is_hurried(const struct conn *c);

/* conn.c */
void conn_set_state(struct conn *c, enum conn_state state);
void conn_wait_for(struct conn *c, uint64_t ms);
void conn_close(struct conn *c, bool is_reset);
/* The same, and counts why. */
void conn_end(struct conn *c, bool is_reset, enum end_reason why);
/* A close with bytes unread would reset the connection, and the client might lose the answer. */
void conn_linger(struct conn *c);
void conn_want_body(struct exchange_client *client, bool is_wanted);
void conn_finished(struct exchange_client *client, enum exchange_outcome outcome);
struct stream *conn_plain(struct exchange_client *client);
struct stream *conn_stream(struct exchange_client *client, struct str *early);

#endif

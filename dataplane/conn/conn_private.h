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

/* conn.c */
void conn_want_body(struct exchange_client *client, bool is_wanted);
void conn_finished(struct exchange_client *client, enum exchange_outcome outcome);
struct stream *conn_plain(struct exchange_client *client);
struct stream *conn_stream(struct exchange_client *client, struct str *early);

#endif

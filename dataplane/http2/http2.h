#ifndef HTTP2_H
#define HTTP2_H
/*
 * One client connection that speaks HTTP/2 (RFC 9113): frames and HPACK are nghttp2's, what they mean is decided here. Each
 * stream is an exchange_client with an exchange of its own, so that nobody behind it learns the version.
 *
 * What comes in one turn of the loop is looked at as a whole, and what goes out leaves together at its end: 32 requests in one
 * read cost one read, 32 answers one write. Flow control reaches from the endpoint to the client and back: bytes of a body are
 * acknowledged when the exchange takes them, and an endpoint is read when the client has taken what came before.
 *
 * Everything that a client can make grow is bounded, by count, by rate or by bytes; what passes a bound ends with GOAWAY and a
 * reason of its own (end.h).
 */
#include <stdbool.h>
#include <stdint.h>

#include "clientaddr.h"
#include "end.h"
#include "env.h"
#include "str.h"
#include "stream.h"

struct http2;

/* What the connections of one worker share. Zeroed but for `env`. */
struct http2_shared {
	struct exchange_env *env;
	char *in;                          /* one read */
	struct buf out;                    /* one write */
	struct nghttp2_session_callbacks *callbacks;
	struct nghttp2_option *options;
	struct http2_block *spare_block;
};
/* All connections must be gone. */
void http2_shared_deinit(struct http2_shared *shared);

/* Who holds the connection embeds this. */
struct http2_user {
	/* It is over, all that could be said was said: the owner closes the stream and destroys `h`. Never called by http2_open. */
	void (*ended)(struct http2_user *user, bool is_reset, enum end_reason why);
};

/* What the owner lends; kept. */
struct http2_link {
	struct stream *stream;
	const struct clientaddr_conn *conn;
	struct str proxy_tlvs; /* of its PROXY header, may be empty */
	uint64_t connection_id;
	struct http2_user *user;
};

/* Owned. */
struct http2 *http2_open(struct http2_shared *shared, const struct http2_link *link);
/* The client's connection preface (RFC 9113 3.4), 24 bytes. */
extern const struct str http2_preface;
/* Bytes that were read before it was known what they are, the preface among them. */
void http2_take(struct http2 *h, struct str bytes);
/* Events of the stream (enum stream_event). */
void http2_on_event(struct http2 *h, unsigned events);
/* Announces the end (GOAWAY), takes no new requests after a moment, ends when those in progress have. */
void http2_drain(struct http2 *h);
/* No stream has work to do. */
bool http2_is_waiting(const struct http2 *h);
/* Streams there ever were. */
uint32_t http2_n_requests(const struct http2 *h);
/* Says goodbye and ends, one that waits; `ended` is not called where the client does not even take that. */
void http2_evict(struct http2 *h, enum end_reason why);
/* Ends all exchanges now; `ended` is not called. */
void http2_cut(struct http2 *h);
/* After `ended` or http2_cut. NULL is fine. */
void http2_destroy(struct http2 *h);

#endif

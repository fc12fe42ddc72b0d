#ifndef SERVE_H
#define SERVE_H
/*
 * A small HTTP/1.1 server for those who run a cluster, plain or TLS: whole requests in, whole answers out, and everything
 * bounded. Heads are of SERVE_HEAD_BYTES at most. Requests of one connection are answered one after the other.
 */
#include <stdbool.h>
#include <uv.h>

#include "addr.h"
#include "buf.h"
#include "http.h"

enum { SERVE_HEAD_BYTES = 8192 };

/* What is answered. All zero at first. */
struct serve_answer {
	unsigned status;
	struct str type;  /* Content-Type; must outlive the call */
	struct str allow; /* of a 405 */
	struct buf body;
};

struct serve_tls;

/*
 * Certificate chain and key as PEM files; they are looked at before each handshake, twice a second at most, and read again
 * when they changed. What is bad then is logged, and what was read before goes on. `client_ca` (may be NULL) is a PEM file of
 * CAs: only clients with a certificate of one of them are heard. NULL, with a line in `error` that names the file.
 */
struct serve_tls *serve_tls_load(const char *certificate, const char *key, const char *client_ca, struct buf *error);
/* After serve_close. NULL does nothing. */
void serve_tls_destroy(struct serve_tls *tls);

struct serve_options {
	struct addr addr;       /* port 0: any free one */
	struct serve_tls *tls;  /* keeps; NULL: plain */
	unsigned n_connections; /* one more takes the place of the one that has been idle longest, or is closed when none is */
	/* Of a request's body; more is 413. 0: none is read, and a request with one is answered and closed. */
	size_t body_bytes;
	size_t all_body_bytes;  /* of all bodies at one time; more is 503 */
	uint32_t timeout_ms;    /* for a handshake, for a request from its first byte to its last, and for an answer to be taken */
	uint32_t idle_ms;       /* between requests */
	void *owner;            /* handed to on_request */
	/* Called on the loop's thread for each whole request; must not block. `head` and `body` are borrowed for the call. */
	void (*on_request)(void *owner, const struct http_head *head, struct str body, struct serve_answer *answer);
};

struct serve;
typedef void serve_closed_fn(struct serve *serve, void *owner);

/* Listens. 0 and `*out`, or a negative errno and `*out` is NULL. Keeps `loop`; `options` are copied. */
int serve_open(uv_loop_t *loop, const struct serve_options *options, struct serve **out);
/* The address that it is really bound to. Borrowed until serve_close. */
const struct addr *serve_bound(const struct serve *serve);
/* From now on each answer tells its client that it was the last of its connection. serve_close comes later. */
void serve_leave(struct serve *serve);
/*
 * Stops listening and closes all connections. `on_closed` (may be NULL) gets options.owner once the last handle is gone;
 * `serve` is freed right after it returns.
 */
void serve_close(struct serve *serve, serve_closed_fn *on_closed);

#endif

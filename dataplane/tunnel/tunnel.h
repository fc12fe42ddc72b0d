#ifndef TUNNEL_H
#define TUNNEL_H
/*
 * Bytes both ways between two streams after an upgrade (SEMANTICS G11); the client's may be a stream of HTTP/2. No buffer is
 * held while nothing waits: bytes pass through the worker's, and only what a peer does not take now is kept, with reading
 * from the other side off meanwhile.
 * Half-close is not preserved: when one side ends, what it sent is flushed and then the tunnel is over.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "str.h"
#include "stream.h"

enum tunnel_side { TUNNEL_CLIENT, TUNNEL_UPSTREAM };

/* An end that is no socket and behaves like one: as the functions of stream.h. Its owner tells enum stream_event. */
struct tunnel_port {
	const struct tunnel_port_ops *ops;
};
struct tunnel_port_ops {
	ssize_t (*read)(struct tunnel_port *port, void *into, size_t size);
	ssize_t (*write)(struct tunnel_port *port, struct str bytes);
	void (*want_read)(struct tunnel_port *port, bool is_wanted);
	void (*want_write)(struct tunnel_port *port);
	bool (*has_pending)(const struct tunnel_port *port);
};

struct tunnel_end {
	struct stream *stream;
	struct tunnel_port *port; /* in place of it; or NULL */
	struct buf waiting;    /* for this end, not yet taken by it */
	uint64_t received;     /* bytes read from this end, those before the tunnel not counted */
	uint64_t sent;         /* bytes it took */
	bool has_ended;        /* it sent its FIN */
};

struct tunnel {
	struct tunnel_end ends[2]; /* by enum tunnel_side */
	char *space;               /* the worker's read buffer */
	size_t space_size;
};

enum tunnel_result {
	TUNNEL_OPEN,         /* goes on */
	TUNNEL_CLIENT_DONE,  /* the client ended first, all delivered */
	TUNNEL_UPSTREAM_DONE,
	TUNNEL_CLIENT_FAILED,
	TUNNEL_UPSTREAM_FAILED,
};

/* Keeps the ends and `space`, which every call may overwrite. The client is a stream or, with that NULL, a port. */
void tunnel_init(struct tunnel *t, struct stream *client, struct tunnel_port *client_port, struct stream *upstream,
	char *space, size_t space_size);
/* Bytes that one side sent together with the upgrade itself; they may lie in `space`. */
enum tunnel_result tunnel_push(struct tunnel *t, enum tunnel_side from, struct str bytes);
/* What the loop said of one side's stream (enum stream_event). */
enum tunnel_result tunnel_on_event(struct tunnel *t, enum tunnel_side side, unsigned events);
/* A write waits: the send timeout counts, not the read timeout. */
bool tunnel_is_blocked(const struct tunnel *t);
/* Frees what waits; the streams are the caller's to close. */
void tunnel_deinit(struct tunnel *t);

#endif

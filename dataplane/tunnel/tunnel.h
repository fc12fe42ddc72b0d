#ifndef TUNNEL_H
#define TUNNEL_H
/*
 * Bytes both ways between two streams after an upgrade (SEMANTICS G11). No buffer is held while nothing waits: bytes pass
 * through the worker's, and only what a peer does not take now is kept, with reading from the other side off meanwhile.
 * Half-close is not preserved: when one side ends, what it sent is flushed and then the tunnel is over.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "str.h"
#include "stream.h"

enum tunnel_side { TUNNEL_CLIENT, TUNNEL_UPSTREAM };

struct tunnel_end {
	struct stream *stream;
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

/* Keeps both streams and `space`, which every call may overwrite. */
void tunnel_init(struct tunnel *t, struct stream *client, struct stream *upstream, char *space, size_t space_size);
/* Bytes that one side sent together with the upgrade itself; they may lie in `space`. */
enum tunnel_result tunnel_push(struct tunnel *t, enum tunnel_side from, struct str bytes);
/* What the loop said of one side's stream (enum stream_event). */
enum tunnel_result tunnel_on_event(struct tunnel *t, enum tunnel_side side, unsigned events);
/* A write waits: the send timeout counts, not the read timeout. */
bool tunnel_is_blocked(const struct tunnel *t);
/* Frees what waits; the streams are the caller's to close. */
void tunnel_deinit(struct tunnel *t);

#endif

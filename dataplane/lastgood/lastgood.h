#ifndef LASTGOOD_H
#define LASTGOOD_H
/*
 * The last good snapshot on disk, so that a proxy can start when no controller is there. It holds the private keys of the
 * hosts that are served, so it is sealed (sealed.h) with a key that is derived from the private key of the proxy's identity:
 * the file alone is worth nothing, there is no second secret to hand out, and every pod of a pool can read it, on whichever
 * node. When the identity is rotated while the proxy runs, the file is sealed anew at once; when it was rotated while no proxy
 * ran, the file is refused, and that is said.
 *
 * Packing, sealing and writing happen on a thread of the loop's pool: a second after the last change, every five at most, and
 * again every ten minutes so that the age of what is on disk stays true. Main thread only.
 */
#include <uv.h>

#include "buf.h"
#include "content.h"
#include "rpc.h"
#include "version.h"

#define LASTGOOD_FILE "last-good.sealed"

struct lastgood;

struct lastgood_options {
	const char *directory;         /* copied */
	struct rpc_identity *identity; /* keeps */
	void *data;
	uint64_t (*confirmed_ms)(void *data); /* when a controller last confirmed what is served; wall clock */
	void (*version)(void *data, struct version *out); /* of what is served */
};

/* Makes the directory when it is not there. NULL with a line in `error` when it cannot be written in. */
struct lastgood *lastgood_open(uv_loop_t *loop, const struct lastgood_options *options, struct buf *error);
/*
 * What is on disk; owned. NULL when there is nothing, or what is there is refused: then one log line says why. `*confirmed_ms`
 * is when a controller last confirmed it, `version` what it was told of it. Blocks: before anything is served.
 */
struct content *lastgood_load(struct lastgood *l, uint64_t *confirmed_ms, struct version *version);
/* `content` is served now. Copies; nothing is written when that is what is on disk. */
void lastgood_keep(struct lastgood *l, struct content *content);
/* How old what is on disk is: since a controller confirmed it. False when there is none that this proxy could read. */
bool lastgood_age_ms(const struct lastgood *l, uint64_t *age_ms);
/* Why nothing could be read or written last; "" when all is well. Borrowed until the next call. */
char *lastgood_trouble(struct lastgood *l);
/* Appends metrics in Prometheus text. */
void lastgood_metrics(const struct lastgood *l, struct buf *out);
/* Writes what waits, then lets go of the loop. Asks for confirmed_ms and version now and not any more. */
void lastgood_close(struct lastgood *l);

#endif

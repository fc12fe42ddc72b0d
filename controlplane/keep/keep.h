#ifndef KEEP_H
#define KEEP_H
/*
 * The history and the pin on disk, sealed: both hold private keys. The history is written a while after it changed, on a thread
 * of its own; a pin at once, so that a controller that starts again serves what was pinned, from the first moment.
 */
#include <uv.h>

#include "archive.h"
#include "pin.h"
#include "rpc.h"

#define KEEP_HISTORY_FILE "history.sealed"
#define KEEP_PIN_FILE "pinned.sealed"

struct keep;

struct keep_options {
	const char *directory;         /* kept */
	struct rpc_identity *identity; /* kept */
	struct archive *archive;       /* kept */
};
/* NULL, with a line in `error`, when nothing can be kept in the directory. Keeps `loop`. */
struct keep *keep_open(uv_loop_t *loop, const struct keep_options *options, struct buf *error);
/* Fills the archive, which is empty, with what is on disk. What is not used is logged, and replaced later. */
void keep_load(struct keep *k);
/* What was pinned; owned texts and content. False when nothing was, or what is there cannot be used (that is logged). */
bool keep_load_pin(struct keep *k, struct pin *out);
/* Blocks for the time of writing. 0 or a negative errno. NULL: nothing is pinned any more. */
int keep_pin(struct keep *k, const struct pin *pin);
/* Appends metrics in Prometheus text. */
void keep_metrics(const struct keep *k, struct buf *out);
/* Writes what waits, then releases all; the loop must go on running. */
void keep_close(struct keep *k);

#endif

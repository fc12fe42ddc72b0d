#ifndef KEEP_H
#define KEEP_H
/*
 * The history and the pin of a pool on disk, sealed: both hold private keys. The history is written a while after it changed, on a thread
 * of its own; a pin at once, so that a controller that starts again serves what was pinned, from the first moment. Both are sealed anew
 * when the identity is another one, for its key opens what the one before has sealed no more.
 */
#include <uv.h>

#include "archive.h"
#include "pin.h"
#include "rpc.h"

#define KEEP_HISTORY_FILE "history.sealed" /* of another pool than the default one: "history-POOL.sealed" */
#define KEEP_PIN_FILE "pinned.sealed"
#define KEEP_QUARANTINE_FILE "quarantine.sealed"

struct keep;

struct keep_options {
	const char *directory;         /* kept */
	struct rpc_identity *identity; /* kept */
	struct archive *archive;       /* kept */
	const char *pool;              /* kept; NULL: "default". One pool's file cannot be opened as another's */
	/* What is pinned in that pool now, or NULL: a new identity seals it anew. */
	const struct pin *(*pinned)(void *owner, const char *pool);
	void *owner;
};
/* NULL, with a line in `error`, when nothing can be kept in the directory. Keeps `loop`. */
struct keep *keep_open(uv_loop_t *loop, const struct keep_options *options, struct buf *error);
/* Fills the archive, which is empty, with what is on disk. What is not used is logged, and replaced later. */
void keep_load(struct keep *k);
/* What was pinned; owned texts and content. False when nothing was, or what is there cannot be used (that is logged). */
bool keep_load_pin(struct keep *k, struct pin *out);
/* Blocks for the time of writing. 0 or a negative errno. NULL: nothing is pinned any more. */
int keep_pin(struct keep *k, const struct pin *pin);
/* What is quarantined, packed. False when nothing was, or what is there cannot be used (that is logged). */
bool keep_load_quarantine(struct keep *k, struct buf *out);
/* As keep_pin. Empty: nothing is quarantined any more. */
int keep_quarantine(struct keep *k, struct str packed);
/* Appends metrics in Prometheus text: of all of these together; nothing where none is kept. Entries may be NULL. */
void keep_metrics(struct keep *const *keeps, size_t n, struct buf *out);
/* Writes what waits, then releases all; the loop must go on running. */
void keep_close(struct keep *k);

#endif

#ifndef SOURCE_H
#define SOURCE_H
/*
 * Where objects come from. A source hands events to the function it was given and knows nothing of who reads them; it sends
 * an object only when its content changed, and SYNCED once, when everything that was there at the start was sent.
 */
#include <uv.h>

#include "object.h"
#include "problem.h"
#include "str.h"

enum source_event_type {
	SOURCE_PUT,      /* object (borrowed: take a reference to keep it); problems are notes about it */
	SOURCE_DELETE,   /* kind, namespace_, name */
	SOURCE_REFUSE,   /* kind, namespace_, name: its newest form cannot be read; problems say why */
	SOURCE_PROBLEMS, /* origin: what is wrong there as a whole; none clears what was said before */
	SOURCE_LISTED,   /* of the API server alone: all kinds that are read whole are in; what is read by name comes next */
	SOURCE_SYNCED,
	SOURCE_STATUS,   /* object (as with PUT), sent before: only its addresses for the world are others now, which decide nothing */
};

/* All members are borrowed for the call. `problems` is never NULL. */
struct source_event {
	enum source_event_type type;
	struct object *object;
	enum object_kind kind;
	struct str namespace_, name;
	struct str origin; /* "file manifests/a.yaml" */
	const struct problems *problems;
};
typedef void source_event_fn(void *owner, const struct source_event *event);

struct source;

/*
 * Manifests: each path is a file, or a directory that is read with all below it (*.yaml, *.yml, *.json; not hidden ones, not
 * what editors leave behind). Files of a directory are read in order of their paths; the first file that holds an object
 * wins. Watched: edits, renames, `..data` swaps of mounted ConfigMaps, new and deleted files and directories.
 *
 * The first load happens before this returns, so SYNCED is sent during the call. Keeps `loop` and `owner`; copies `paths`.
 * A negative errno, with a text in `error`, when a path does not exist or watching is not possible.
 */
int source_files_open(uv_loop_t *loop, const char *const *paths, size_t n_paths, source_event_fn *on_event, void *owner,
	struct buf *error, struct source **out);
/* The same without watching and without a loop: events, then SYNCED. */
int source_files_load(const char *const *paths, size_t n_paths, source_event_fn *on_event, void *owner, struct buf *error);
/* When the newest file or directory was last changed, by their own times, in µs. Never goes back. */
uint64_t source_newest_us(const struct source *source);
/* Releases the source on the loop's next turns, then calls `on_closed` (may be NULL). No event is sent after this call. */
void source_close(struct source *source, void (*on_closed)(void *owner));

#endif

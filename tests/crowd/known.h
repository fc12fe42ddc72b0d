#ifndef KNOWN_H
#define KNOWN_H
/*
 * What the sessions of a crowd serve. A thousand of them serve the same thing mostly, so what one has worked out is kept: the first to get
 * certain bytes applies them and computes the id, the others compare bytes.
 */
#include "blob.h"
#include "buf.h"
#include "content.h"

struct version {
	struct version *next;
	struct content_id id;
	struct content *content;
	unsigned n_sessions;     /* that serve it */
	uint64_t *at_us;         /* when each began to, in order */
	size_t n_at, at_room;
};

/* Bytes that led from one version to another. */
struct step {
	struct version *from, *to; /* `from` NULL: from nothing */
	struct buf bytes;
};

/* A blob of the controller, as far as anybody has fetched it. */
struct piece_store {
	uint8_t id[BLOB_ID_SIZE];
	size_t size;
	struct buf bytes;
	const struct version *from;
	struct version *to; /* NULL: not whole yet */
};

enum { STEPS_KEPT = 8, STORES_KEPT = 4 };

struct known {
	struct version *versions; /* newest first */
	struct step steps[STEPS_KEPT];
	unsigned n_steps;
	struct piece_store stores[STORES_KEPT];
	unsigned n_stores;
	uint64_t n_applied; /* worked out, not compared */
};

/* Where an answer with a delta leads from `from` (NULL: nothing). NULL with a static reason. */
struct version *known_step(struct known *k, struct version *from, struct str answer, const char **why);
/* For a blob that an answer named. */
struct piece_store *known_store(struct known *k, struct str id, size_t size, const struct version *from);
/* A piece of it. False with a static reason: not what others got, or beyond the end. */
bool known_piece(struct piece_store *store, size_t offset, struct str piece, const char **why);
/* Once it is whole. NULL with a static reason. */
struct version *known_whole(struct known *k, struct piece_store *store, const char **why);
/* A session serves it from now on, or not any more. Those that nobody serves are forgotten, but for the newest. */
void known_enter(struct version *v, uint64_t now_us);
void known_leave(struct known *k, struct version *v);
void known_deinit(struct known *k);

#endif

#ifndef ARCHIVE_H
#define ARCHIVE_H
/*
 * The snapshots of the past, for people: the newest one whole, and for each what to undo to get to the one before it. So
 * keeping one costs what it changed, not its size. Bounded by count and by the bytes that are kept for the past alone; the
 * past of endpoints goes first: of two snapshots between which only endpoints changed, the newer says all that matters later.
 * Main thread only.
 */
#include "arena.h"
#include "buf.h"
#include "snapshot.h"

struct archive;

enum { ARCHIVE_ENDPOINTS_KEPT = 16 }; /* of the newest entries, those in which only endpoints changed stay too */

/* One resource of a step back in time. */
struct archive_undo {
	struct resource *resource; /* is_drop: the one that was not there before; else the one to put back. A reference */
	bool is_drop;
	bool is_change;            /* not is_drop: another of the same name takes its place */
};

struct archive_entry {
	struct content_id id;
	uint64_t built_ms; /* wall clock */
	uint32_t n_resources;
	uint64_t size_bytes;
	bool is_structural;         /* against the one before it, more than endpoints changed */
	struct archive_undo *undo;  /* to the one before it, sorted by (kind, name); none of the oldest */
	size_t n_undo;
};

/* 0 of either: 64 snapshots, 64 MiB. */
struct archive *archive_create(size_t max_count, size_t max_bytes);
void archive_destroy(struct archive *a);
/* False (and nothing kept) when `s` has the id of the newest. Takes a reference of its own. */
bool archive_add(struct archive *a, struct snapshot *s);

/* Newest is 0. Borrowed until the next add, or NULL. */
const struct archive_entry *archive_at(const struct archive *a, size_t index);
/* By id, or by a prefix of at least 4 bytes that fits one id only: false otherwise. The newest, if there are several. */
bool archive_find(const struct archive *a, struct str id_bytes, size_t *index);
/* The set of an entry. Owned. */
struct content *archive_content(const struct archive *a, size_t index);
/* How many resources an entry has that the one before it did not have so, and how many it has no more. */
void archive_count(const struct archive_entry *e, uint32_t *n_put, uint32_t *n_drop);
/*
 * The newest entry in which the resource became what it is in the newest snapshot; the oldest entry when it was always so.
 * False when there is no such resource now.
 */
bool archive_changed(const struct archive *a, uint32_t kind, struct str name, size_t *index);
/* A second one, for another thread to read: it shares resources alone. Owned; created and destroyed on the main thread. */
struct archive *archive_clone(const struct archive *a);
/* Grows with every add. */
unsigned long archive_version(const struct archive *a);
/* Kept for the past alone. */
size_t archive_bytes(const struct archive *a);

/* ---------------------------------------------------------------------------------- as bytes (archive_wire.c) */

/* Appends a packed Archive (operate.proto), with keys. False (and out->is_over) when it does not fit. */
bool archive_pack(const struct archive *a, struct buf *out);
/* Fills an empty archive. False with a static reason: malformed, or an id does not fit what is there; `a` stays empty. */
bool archive_unpack(struct archive *a, struct str packed, const char **why);

#endif

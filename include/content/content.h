#ifndef CONTENT_H
#define CONTENT_H
/*
 * A set of resources by (kind, name), and its identity: what both planes must compute alike. The controller keeps one as its
 * snapshot, the proxy one as what it serves; `delta` takes a set from one id to another and is never trusted to have worked.
 *
 * hash of a resource: SHA-256(kind u32be | name length u32be | name | body)
 * bucket:             the first byte of SHA-256(kind u32be | name)
 * hash of a bucket:   SHA-256 of its resources' (kind, name, hash), sorted by (kind, name)
 * id:                 SHA-256("weirlock.v1" | schema u32be | 256 bucket hashes)
 * so a change rehashes one bucket and 8 KiB. Sets that come from one another share the buckets that are alike.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "str.h"

enum { CONTENT_SCHEMA = 1, CONTENT_ID_SIZE = 32, CONTENT_BUCKETS = 256 };

struct content_id {
	uint8_t bytes[CONTENT_ID_SIZE];
};

/* Immutable and counted: sets share them. Bodies may hold private keys; they are wiped when the last reference goes. */
struct resource {
	unsigned refs; /* one thread only: the main one */
	uint32_t kind; /* Weirlock__V1__Kind */
	struct str name;
	struct str body;
	uint8_t hash[32];
};

/* Copies name and body. Owned, one reference. */
struct resource *resource_create(uint32_t kind, struct str name, struct str body);
struct resource *resource_ref(struct resource *r);
void resource_unref(struct resource **r);

struct content; /* a set of resources */

struct content *content_create(void);
/* A second set with the same resources. Costs the same for any size. */
struct content *content_copy(const struct content *c);
void content_destroy(struct content *c);
/* Takes the caller's reference to `r`; replaces one of the same kind and name, unless that has the same hash: then it stays. */
void content_put(struct content *c, struct resource *r);
/* False if there was none. */
bool content_drop(struct content *c, uint32_t kind, struct str name);
/* Borrowed, or NULL. */
struct resource *content_get(const struct content *c, uint32_t kind, struct str name);
size_t content_count(const struct content *c);
/* All resources sorted by (kind, name). Borrowed until the next put or drop. */
struct resource *const *content_sorted(struct content *c, size_t *n);
/* Rehashes the buckets that changed since the last call. */
struct content_id content_id(struct content *c);

/* The hashes that the id is made of. */
void content_bucket_hashes(struct content *c, uint8_t out[CONTENT_BUCKETS][CONTENT_ID_SIZE]);
/* The resources of one bucket, sorted; borrowed until the next put or drop. */
void content_bucket(const struct content *c, unsigned index, struct resource *const **items, size_t *n);
/* Drops all of one bucket. */
void content_empty_bucket(struct content *c, unsigned index);

bool content_id_eq(const struct content_id *a, const struct content_id *b);
/* 12 hex digits for people. Returns `text`. */
const char *content_id_text(const struct content_id *id, char text[16]);
/* True if `bytes` has the size of an id; copies it. */
bool content_id_from(struct str bytes, struct content_id *out);

/* What to do to get from `from` to `to`; both NULL-able (empty). Arrays are of borrowed resources, owned by the arena. */
struct content_change {
	struct resource **put;
	size_t n_put;
	struct resource **drop; /* as they are in `from` */
	size_t n_drop;
};
void content_diff(struct content *from, struct content *to, struct arena *arena, struct content_change *out);

#endif

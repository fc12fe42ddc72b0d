#ifndef CONTENT_WIRE_H
#define CONTENT_WIRE_H
/*
 * A content set as the messages of snapshot.proto, both ways. What is read came from a peer or a file: every name, body and
 * count is bounded, every hash recomputed, and an id that does not fit what was read is an error.
 */
#include "buf.h"
#include "content.h"
#include "weirlock/v1/snapshot.pb-c.h"

enum content_limits {
	CONTENT_NAME_MAX = 512,             /* bytes of a resource's name */
	CONTENT_BODY_MAX = 4 * 1024 * 1024, /* bytes of a resource's body */
	CONTENT_COUNT_MAX = 1000000         /* resources of a set */
};

/* What a peer may understand beyond the first form, as bits of Hello.features. */
enum content_feature { CONTENT_FEATURE_REPAIR = 1 };
enum { CONTENT_SHORT_HASH = 16 }; /* bytes of a bucket's hash that travel: the id says whether they were enough */

struct content_pack_options {
	uint64_t built_ms;              /* wall clock; 0: left out */
	bool is_redacted;               /* for people: keys and secrets are taken out, hashes stay those of the real bodies */
	Weirlock__V1__Origin **origins; /* borrowed; may be NULL */
	size_t n_origins;
};
/* Appends a packed Snapshot. `options` may be NULL. False (and out->is_over) when it does not fit below the cap of `out`. */
bool content_pack(struct content *c, const struct content_pack_options *options, struct buf *out);
/*
 * The set of a packed Snapshot; owned. NULL with a static reason: malformed, out of bounds, a name twice, a hash or the id
 * does not fit, another schema, or redacted (nothing can be served from that).
 */
struct content *content_unpack(struct str packed, const char **why);

/* The message that goes from `from` (NULL: from nothing, from_id is empty) to `to`; lives in `arena`, borrows the bodies. */
Weirlock__V1__Delta *content_delta(struct content *from, struct content *to, struct arena *arena);
/* What a delta is, as its receiver sees it. */
enum content_form { CONTENT_DELTA, CONTENT_REPAIR, CONTENT_WHOLE, CONTENT_FORMS };
enum content_form content_form_of(const Weirlock__V1__Delta *delta);
/* Appends the short hashes of all buckets. */
void content_short_hashes(struct content *c, struct buf *out);
/*
 * The message that makes `to` of a set with these short hashes: what is in the buckets that differ. With hashes of another
 * size it replaces all of them. Lives in `arena`, borrows the bodies.
 */
Weirlock__V1__Delta *content_repair(struct content *to, struct str short_hashes, struct arena *arena);
/*
 * A new set: `from` (NULL: nothing) changed by `delta`; owned, `from` is untouched. NULL with a static reason: bounds, a
 * from_id that is not of `from`, or a to_id that is not what came out.
 */
struct content *content_apply_delta(struct content *from, const Weirlock__V1__Delta *delta, const char **why);
/* The same for a packed Delta. */
struct content *content_apply_packed(struct content *from, struct str packed, const char **why);

#endif

#ifndef WAY_H
#define WAY_H
/*
 * The way from what a proxy serves to the newest snapshot, packed once for all proxies that come from the same place:
 * - a delta, when what it serves is among the last snapshots, however many changes it was away;
 * - a repair, when it is not, or a delta came out wrong: the buckets that differ, by their hashes, which the proxy is asked for;
 * - the whole, when it serves nothing, or knows nothing of repairs.
 */
#include "blob.h"
#include "buf.h"
#include "content.h"
#include "weirlock/v1/control.pb-c.h"

struct publish;
struct proxy; /* proxies.h */

enum way_form { WAY_DELTA, WAY_REPAIR, WAY_WHOLE, WAY_ASK /* for the hashes of its buckets */, WAY_FORMS };
enum { WAYS_KEPT = 8 };

struct way {
	enum way_form form;
	uint8_t key[BLOB_ID_SIZE]; /* the id it starts from, or the hash of the buckets' hashes */
	struct buf field;          /* the length and bytes of the Delta, as they stand in an answer; empty: only the blob is kept */
	size_t at, size;           /* of those bytes in `field` */
	uint8_t blob_id[BLOB_ID_SIZE];
	bool has_blob;
};

struct ways {
	struct way items[WAYS_KEPT];
	size_t n;
	uint64_t n_sent[WAY_FORMS], bytes_sent[WAY_FORMS];
};

/* What an answer points to while it is packed. */
struct way_answer {
	Weirlock__V1__WatchResponse response;
	Weirlock__V1__Blob blob;
	Weirlock__V1__Empty ask;
	ProtobufCMessageUnknownField packed;
};

/* Which way `proxy` will be sent next. */
enum way_form way_form_for(const struct proxy *proxy);
/* Fills `out` for `proxy`, whose way is `form`, and counts it; borrowed until the next ways_forget. */
void way_answer(const struct proxy *proxy, enum way_form form, struct way_answer *out);
/* The newest snapshot is another one, or nobody asks any more. Wipes them: they may hold keys. */
void ways_forget(struct ways *w);
/* Appends metrics in Prometheus text: of all pools together. */
void ways_metrics(const struct publish *p, struct buf *out);

#endif

#ifndef BLOB_H
#define BLOB_H
/*
 * What is too large for one message, kept for a while so that a peer can fetch it in pieces. A blob's id is the SHA-256 of its
 * bytes. The least recently asked for go when there are too many. Main thread only.
 */
#include "str.h"

enum { BLOB_ID_SIZE = 32 };
struct blobs;

/* Keeps at most `max_count` blobs, and at most `max_bytes` in all (but always the newest one). */
struct blobs *blobs_create(size_t max_count, size_t max_bytes);
/* Wipes all. */
void blobs_destroy(struct blobs *b);
/* Copies `bytes`. The id (32 bytes) is borrowed until the blob goes. */
struct str blobs_put(struct blobs *b, struct str bytes);
/* False if there is none. `*out` is borrowed until the next put. */
bool blobs_get(struct blobs *b, struct str id, struct str *out);
/* SHA-256 of `bytes`. */
void blob_hash(struct str bytes, uint8_t out[BLOB_ID_SIZE]);

#endif

/* A short list, newest first: a handful of blobs, so it is walked. */
#include "blob.h"

#include "digest.h"
#include "mem.h"

struct blob {
	struct blob *next;
	uint8_t id[BLOB_ID_SIZE];
	size_t len;
	char *bytes;
};

struct blobs {
	struct blob *newest;
	size_t max_count, max_bytes;
};

void blob_hash(struct str bytes, uint8_t out[BLOB_ID_SIZE])
{
	EVP_MD_CTX *d = digest_begin();

	digest_add(d, bytes);
	digest_end(d, out);
}

static void free_blob(struct blob *blob)
{
	mem_wipe(blob->bytes, blob->len);
	mem_free(blob->bytes);
	mem_free(blob);
}

static void drop_from(struct blob **place)
{
	while (*place) {
		struct blob *gone = *place;

		*place = gone->next;
		free_blob(gone);
	}
}

/* Drops the oldest ones that are too many. */
static void trim(struct blobs *b)
{
	size_t count = 0, bytes = 0;

	for (struct blob **place = &b->newest; *place; place = &(*place)->next) {
		count++;
		bytes += (*place)->len;
		if (count > 1 && (count > b->max_count || bytes > b->max_bytes)) {
			drop_from(place);
			return;
		}
	}
}

struct blobs *blobs_create(size_t max_count, size_t max_bytes)
{
	struct blobs *b = mem_alloc(sizeof(*b));

	*b = (struct blobs){.max_count = max_count, .max_bytes = max_bytes};
	return b;
}

void blobs_destroy(struct blobs *b)
{
	if (b)
		drop_from(&b->newest);
	mem_free(b);
}

/* Found, and moved to the front. */
static struct blob *find(struct blobs *b, struct str id)
{
	for (struct blob **place = &b->newest; *place; place = &(*place)->next) {
		struct blob *blob = *place;

		if (!str_eq(str_of(blob->id, sizeof(blob->id)), id))
			continue;
		*place = blob->next;
		blob->next = b->newest;
		b->newest = blob;
		return blob;
	}
	return NULL;
}

struct str blobs_put(struct blobs *b, struct str bytes)
{
	uint8_t id[BLOB_ID_SIZE];
	struct blob *blob;

	blob_hash(bytes, id);
	blob = find(b, str_of(id, sizeof(id)));
	if (!blob) {
		blob = mem_alloc(sizeof(*blob));
		*blob = (struct blob){.next = b->newest, .len = bytes.len, .bytes = mem_strdup(bytes)};
		memcpy(blob->id, id, sizeof(id));
		b->newest = blob;
		trim(b);
	}
	return str_of(blob->id, sizeof(blob->id));
}

bool blobs_get(struct blobs *b, struct str id, struct str *out)
{
	struct blob *blob = find(b, id);

	if (blob)
		*out = str_of(blob->bytes, blob->len);
	return blob != NULL;
}

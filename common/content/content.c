/*
 * The set: 256 buckets, each a sorted array. A put or drop touches one bucket and marks it; the id rehashes the marked ones
 * and the 8 KiB of bucket hashes. Sets share buckets: a copy costs 256 references, and who changes a shared bucket copies that
 * one first. The sorted list of everything is made when asked for.
 */
#include "content.h"

#include <assert.h>
#include <stdlib.h>

#include "buf.h"
#include "digest.h"
#include "mem.h"
#include "sort.h"

struct bucket {
	unsigned refs;           /* more than one: it is not changed any more */
	struct resource **items; /* sorted by (kind, name) */
	size_t n, cap;
	uint8_t hash[32];
	bool is_changed;
};

struct content {
	struct bucket *buckets[CONTENT_BUCKETS]; /* NULL: empty */
	size_t n;
	struct resource **sorted; /* NULL after a change */
	struct content_id id;
	bool has_id;
};

static int compare_key(uint32_t kind, struct str name, const struct resource *r)
{
	if (kind != r->kind)
		return kind < r->kind ? -1 : 1;
	return str_cmp(name, r->name);
}

static unsigned bucket_of(uint32_t kind, struct str name)
{
	EVP_MD_CTX *d = digest_begin();
	uint8_t hash[32];

	digest_add_u32(d, kind);
	digest_add(d, name);
	digest_end(d, hash);
	return hash[0];
}

/* Where (kind, name) is or would be. */
static size_t position(const struct bucket *b, uint32_t kind, struct str name, bool *is_there)
{
	size_t low = 0, high = b ? b->n : 0;

	*is_there = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_key(kind, name, b->items[middle]);

		if (!order) {
			*is_there = true;
			return middle;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static void unref_bucket(struct bucket *b)
{
	if (!b || --b->refs)
		return;
	for (size_t i = 0; i < b->n; i++)
		resource_unref(&b->items[i]);
	mem_free(b->items);
	mem_free(b);
}

/* One that is the set's own, to be changed. */
static struct bucket *own_bucket(struct content *c, unsigned index)
{
	struct bucket *before = c->buckets[index], *b;

	if (before && before->refs == 1)
		return before;
	b = mem_zalloc(sizeof(*b));
	b->refs = 1;
	b->is_changed = true;
	if (before) {
		b->n = b->cap = before->n;
		b->items = mem_calloc(b->n, sizeof(*b->items));
		for (size_t i = 0; i < b->n; i++)
			b->items[i] = resource_ref(before->items[i]);
		unref_bucket(before);
	}
	return c->buckets[index] = b;
}

static void forget_sorted(struct content *c)
{
	mem_free(c->sorted);
	c->sorted = NULL;
}

struct content *content_create(void)
{
	return mem_zalloc(sizeof(struct content));
}

struct content *content_copy(const struct content *c)
{
	struct content *copy = mem_alloc(sizeof(*copy));

	*copy = *c;
	copy->sorted = NULL;
	for (size_t i = 0; i < CONTENT_BUCKETS; i++) {
		if (copy->buckets[i])
			copy->buckets[i]->refs++;
	}
	return copy;
}

void content_destroy(struct content *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < CONTENT_BUCKETS; i++)
		unref_bucket(c->buckets[i]);
	mem_free(c->sorted);
	mem_free(c);
}

void content_put(struct content *c, struct resource *r)
{
	unsigned index = bucket_of(r->kind, r->name);
	bool is_there;
	size_t at = position(c->buckets[index], r->kind, r->name, &is_there);
	struct bucket *b;

	if (is_there && !memcmp(c->buckets[index]->items[at]->hash, r->hash, sizeof(r->hash))) {
		resource_unref(&r); /* the same bytes: that one stays, and the bucket shared */
		return;
	}
	b = own_bucket(c, index);
	b->is_changed = true;
	c->has_id = false;
	forget_sorted(c);
	if (is_there) {
		resource_unref(&b->items[at]);
		b->items[at] = r;
		return;
	}
	b->items = mem_grow(b->items, &b->cap, b->n + 1, sizeof(*b->items));
	memmove(b->items + at + 1, b->items + at, (b->n - at) * sizeof(*b->items));
	b->items[at] = r;
	b->n++;
	c->n++;
}

bool content_drop(struct content *c, uint32_t kind, struct str name)
{
	unsigned index = bucket_of(kind, name);
	bool is_there;
	size_t at = position(c->buckets[index], kind, name, &is_there);
	struct bucket *b;

	if (!is_there)
		return false;
	b = own_bucket(c, index);
	b->is_changed = true;
	c->has_id = false;
	forget_sorted(c);
	resource_unref(&b->items[at]);
	memmove(b->items + at, b->items + at + 1, (b->n - at - 1) * sizeof(*b->items));
	b->n--;
	c->n--;
	return true;
}

struct resource *content_get(const struct content *c, uint32_t kind, struct str name)
{
	const struct bucket *b = c->buckets[bucket_of(kind, name)];
	bool is_there;
	size_t at = position(b, kind, name, &is_there);

	return is_there ? b->items[at] : NULL;
}

size_t content_count(const struct content *c)
{
	return c->n;
}

struct resource *const *content_sorted(struct content *c, size_t *n)
{
	size_t filled = 0;

	*n = c->n;
	if (c->sorted || !c->n)
		return c->sorted;
	c->sorted = mem_calloc(c->n, sizeof(struct resource *));
	for (size_t i = 0; i < CONTENT_BUCKETS; i++) {
		const struct bucket *b = c->buckets[i];

		if (b && b->n)
			memcpy(c->sorted + filled, b->items, b->n * sizeof(*b->items));
		filled += b ? b->n : 0;
	}
	assert(filled == c->n);
	resources_sort(c->sorted, c->n);
	return c->sorted;
}

/* The hash is what its resources give, so it may be computed late even for a shared one. */
static void hash_bucket(struct bucket *b)
{
	EVP_MD_CTX *d = digest_begin();
	struct buf all = {0}; /* in one piece: OpenSSL takes its time for each */

	for (size_t i = 0; i < b->n; i++) {
		const struct resource *r = b->items[i];
		uint8_t head[8];

		digest_put_u32(head, r->kind);
		digest_put_u32(head + 4, (uint32_t)r->name.len);
		buf_add(&all, str_of(head, sizeof(head)));
		buf_add(&all, r->name);
		buf_add(&all, str_of(r->hash, sizeof(r->hash)));
	}
	digest_add(d, buf_str(&all));
	digest_end(d, b->hash);
	buf_deinit(&all);
	b->is_changed = false;
}

void content_bucket_hashes(struct content *c, uint8_t out[CONTENT_BUCKETS][CONTENT_ID_SIZE])
{
	EVP_MD_CTX *d = digest_begin();
	uint8_t empty[CONTENT_ID_SIZE];

	digest_end(d, empty);
	for (size_t i = 0; i < CONTENT_BUCKETS; i++) {
		if (c->buckets[i] && c->buckets[i]->is_changed)
			hash_bucket(c->buckets[i]);
		memcpy(out[i], c->buckets[i] ? c->buckets[i]->hash : empty, CONTENT_ID_SIZE);
	}
}

struct content_id content_id(struct content *c)
{
	uint8_t hashes[CONTENT_BUCKETS][CONTENT_ID_SIZE];
	EVP_MD_CTX *d;

	if (c->has_id)
		return c->id;
	content_bucket_hashes(c, hashes);
	d = digest_begin();
	digest_add(d, STR("weirlock.v1"));
	digest_add_u32(d, CONTENT_SCHEMA);
	digest_add(d, str_of(hashes, sizeof(hashes)));
	digest_end(d, c->id.bytes);
	c->has_id = true;
	return c->id;
}

bool content_id_eq(const struct content_id *a, const struct content_id *b)
{
	return !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

const char *content_id_text(const struct content_id *id, char text[16])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < 6; i++) {
		text[2 * i] = digits[id->bytes[i] >> 4];
		text[2 * i + 1] = digits[id->bytes[i] & 15];
	}
	text[12] = '\0';
	return text;
}

bool content_id_from(struct str bytes, struct content_id *out)
{
	if (bytes.len != CONTENT_ID_SIZE)
		return false;
	memcpy(out->bytes, bytes.ptr, CONTENT_ID_SIZE);
	return true;
}

/* Walks two sorted buckets side by side. */
static void diff_bucket(const struct bucket *from, const struct bucket *to, struct content_change *out)
{
	static const struct bucket empty;
	size_t i = 0, j = 0;

	from = from ? from : &empty;
	to = to ? to : &empty;
	while (i < from->n || j < to->n) {
		int order = i == from->n ? 1 : j == to->n ? -1 : compare_key(from->items[i]->kind, from->items[i]->name, to->items[j]);

		if (order < 0) {
			out->drop[out->n_drop++] = from->items[i++];
		} else if (order > 0) {
			out->put[out->n_put++] = to->items[j++];
		} else {
			if (memcmp(from->items[i]->hash, to->items[j]->hash, sizeof(to->items[j]->hash)) != 0)
				out->put[out->n_put++] = to->items[j];
			i++;
			j++;
		}
	}
}

/* Whether the sets may differ there: shared buckets are passed over, and those with equal hashes. */
static bool differs(const struct content *from, const struct content *to, size_t index)
{
	const struct bucket *a = from ? from->buckets[index] : NULL, *b = to ? to->buckets[index] : NULL;

	if (a == b)
		return false;
	return !a || !b || memcmp(a->hash, b->hash, sizeof(a->hash)) != 0;
}

static size_t bucket_count(const struct content *c, size_t index)
{
	return c && c->buckets[index] ? c->buckets[index]->n : 0;
}

void content_diff(struct content *from, struct content *to, struct arena *arena, struct content_change *out)
{
	size_t max_put = 0, max_drop = 0;

	/* The ids first: they bring every bucket's hash up to date. */
	if (from)
		content_id(from);
	if (to)
		content_id(to);
	for (size_t i = 0; i < CONTENT_BUCKETS; i++) {
		if (!differs(from, to, i))
			continue;
		max_drop += bucket_count(from, i);
		max_put += bucket_count(to, i);
	}
	*out = (struct content_change){0};
	out->put = arena_alloc(arena, (max_put + 1) * sizeof(struct resource *));
	out->drop = arena_alloc(arena, (max_drop + 1) * sizeof(struct resource *));
	for (size_t i = 0; i < CONTENT_BUCKETS; i++) {
		if (differs(from, to, i))
			diff_bucket(from ? from->buckets[i] : NULL, to ? to->buckets[i] : NULL, out);
	}
	resources_sort(out->put, out->n_put);
	resources_sort(out->drop, out->n_drop);
}

void content_bucket(const struct content *c, unsigned index, struct resource *const **items, size_t *n)
{
	*n = bucket_count(c, index);
	*items = *n ? c->buckets[index]->items : NULL;
}

void content_empty_bucket(struct content *c, unsigned index)
{
	c->n -= bucket_count(c, index);
	unref_bucket(c->buckets[index]);
	c->buckets[index] = NULL;
	c->has_id = false;
	forget_sorted(c);
}

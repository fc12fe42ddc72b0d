/*
 * The set: 256 buckets, each a sorted array. A put or drop touches one bucket and marks it; the id rehashes the marked ones
 * and the 8 KiB of bucket hashes. The sorted list of everything is made when asked for.
 */
#include "content.h"

#include <assert.h>
#include <stdlib.h>

#include "digest.h"
#include "mem.h"

enum { BUCKETS = 256 };

struct bucket {
	struct resource **items; /* sorted by (kind, name) */
	size_t n, cap;
	uint8_t hash[32];
	bool is_changed;
};

struct content {
	struct bucket buckets[BUCKETS];
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

static int compare(const void *a, const void *b)
{
	const struct resource *const *x = a;

	return compare_key((*x)->kind, (*x)->name, *(struct resource *const *)b);
}

static struct bucket *bucket_of(const struct content *c, uint32_t kind, struct str name)
{
	EVP_MD_CTX *d = digest_begin();
	uint8_t hash[32];

	digest_add_u32(d, kind);
	digest_add(d, name);
	digest_end(d, hash);
	/* The bucket is const when the set is; those who change it hold a set that is not. */
	union {
		const struct bucket *read;
		struct bucket *write;
	} bucket = {.read = &c->buckets[hash[0]]};
	return bucket.write;
}

/* Where (kind, name) is or would be. */
static size_t position(const struct bucket *b, uint32_t kind, struct str name, bool *is_there)
{
	size_t low = 0, high = b->n;

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

static void mark(struct content *c, struct bucket *b)
{
	b->is_changed = true;
	c->has_id = false;
	mem_free(c->sorted);
	c->sorted = NULL;
}

struct content *content_create(void)
{
	struct content *c = mem_zalloc(sizeof(*c));

	for (size_t i = 0; i < BUCKETS; i++)
		c->buckets[i].is_changed = true;
	return c;
}

struct content *content_copy(const struct content *c)
{
	struct content *copy = mem_alloc(sizeof(*copy));

	*copy = *c;
	copy->sorted = NULL;
	for (size_t i = 0; i < BUCKETS; i++) {
		struct bucket *b = &copy->buckets[i];

		b->cap = b->n;
		b->items = b->n ? mem_calloc(b->n, sizeof(*b->items)) : NULL;
		for (size_t j = 0; j < b->n; j++)
			b->items[j] = resource_ref(c->buckets[i].items[j]);
	}
	return copy;
}

void content_destroy(struct content *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		for (size_t j = 0; j < c->buckets[i].n; j++)
			resource_unref(&c->buckets[i].items[j]);
		mem_free(c->buckets[i].items);
	}
	mem_free(c->sorted);
	mem_free(c);
}

void content_put(struct content *c, struct resource *r)
{
	struct bucket *b = bucket_of(c, r->kind, r->name);
	bool is_there;
	size_t at = position(b, r->kind, r->name, &is_there);

	if (is_there) {
		bool is_same = !memcmp(b->items[at]->hash, r->hash, sizeof(r->hash));

		resource_unref(&b->items[at]);
		b->items[at] = r;
		if (!is_same)
			mark(c, b);
		mem_free(c->sorted);
		c->sorted = NULL;
		return;
	}
	b->items = mem_grow(b->items, &b->cap, b->n + 1, sizeof(*b->items));
	memmove(b->items + at + 1, b->items + at, (b->n - at) * sizeof(*b->items));
	b->items[at] = r;
	b->n++;
	c->n++;
	mark(c, b);
}

bool content_drop(struct content *c, uint32_t kind, struct str name)
{
	struct bucket *b = bucket_of(c, kind, name);
	bool is_there;
	size_t at = position(b, kind, name, &is_there);

	if (!is_there)
		return false;
	mark(c, b);
	resource_unref(&b->items[at]);
	memmove(b->items + at, b->items + at + 1, (b->n - at - 1) * sizeof(*b->items));
	b->n--;
	c->n--;
	return true;
}

struct resource *content_get(const struct content *c, uint32_t kind, struct str name)
{
	const struct bucket *b = bucket_of(c, kind, name);
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
	for (size_t i = 0; i < BUCKETS; i++) {
		const struct bucket *b = &c->buckets[i];

		if (b->n)
			memcpy(c->sorted + filled, b->items, b->n * sizeof(*b->items));
		filled += b->n;
	}
	assert(filled == c->n);
	qsort(c->sorted, c->n, sizeof(struct resource *), compare);
	return c->sorted;
}

static void hash_bucket(struct bucket *b)
{
	EVP_MD_CTX *d = digest_begin();

	for (size_t i = 0; i < b->n; i++) {
		const struct resource *r = b->items[i];

		digest_add_u32(d, r->kind);
		digest_add_u32(d, (uint32_t)r->name.len);
		digest_add(d, r->name);
		digest_add(d, str_of(r->hash, sizeof(r->hash)));
	}
	digest_end(d, b->hash);
	b->is_changed = false;
}

struct content_id content_id(struct content *c)
{
	EVP_MD_CTX *d;

	if (c->has_id)
		return c->id;
	d = digest_begin();
	digest_add(d, STR("weirlock.v1"));
	digest_add_u32(d, CONTENT_SCHEMA);
	for (size_t i = 0; i < BUCKETS; i++) {
		if (c->buckets[i].is_changed)
			hash_bucket(&c->buckets[i]);
		digest_add(d, str_of(c->buckets[i].hash, sizeof(c->buckets[i].hash)));
	}
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
	size_t i = 0, j = 0;

	while (i < from->n || j < to->n) {
		int order = i == from->n ? 1 : j == to->n ? -1 : compare(&from->items[i], &to->items[j]);

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

void content_diff(struct content *from, struct content *to, struct arena *arena, struct content_change *out)
{
	static const struct bucket empty;
	size_t max_put = 0, max_drop = 0;
	bool differs[BUCKETS];

	/* The ids first: they bring every bucket's hash up to date, and equal buckets are passed over. */
	if (from)
		content_id(from);
	if (to)
		content_id(to);
	for (size_t i = 0; i < BUCKETS; i++) {
		const struct bucket *a = from ? &from->buckets[i] : &empty, *b = to ? &to->buckets[i] : &empty;

		differs[i] = !from || !to || memcmp(a->hash, b->hash, sizeof(a->hash)) != 0;
		max_drop += differs[i] ? a->n : 0;
		max_put += differs[i] ? b->n : 0;
	}
	*out = (struct content_change){0};
	out->put = arena_alloc(arena, (max_put + 1) * sizeof(struct resource *));
	out->drop = arena_alloc(arena, (max_drop + 1) * sizeof(struct resource *));
	for (size_t i = 0; i < BUCKETS; i++)
		if (differs[i])
			diff_bucket(from ? &from->buckets[i] : &empty, to ? &to->buckets[i] : &empty, out);
	if (out->n_put)
		qsort(out->put, out->n_put, sizeof(struct resource *), compare);
	if (out->n_drop)
		qsort(out->drop, out->n_drop, sizeof(struct resource *), compare);
}

/* A tree of two levels. Chunks hold up to twice CHUNK objects and are counted too, as generations end on any thread. */
#include "object_list.h"

#include "mem.h"

enum { CHUNK = 128 };
#define CHUNK_MAX (2 * (size_t)CHUNK) /* of objects */

struct object_chunk {
	atomic_uint refs;
	size_t n;
	struct object *items[]; /* held */
};

struct object_list {
	atomic_uint refs;
	struct object_chunk **chunks; /* none of them empty */
	size_t n_chunks, chunks_cap, n;
};

static struct object_chunk *ref_chunk(struct object_chunk *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

static void unref_chunk(struct object_chunk *c)
{
	if (atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) > 1)
		return;
	for (size_t i = 0; i < c->n; i++)
		mem_expect(c->items[i]);
	for (size_t i = 0; i < c->n; i++)
		compiled_unref(&c->items[i]);
	mem_free(c);
}

struct object_list *object_list_ref(struct object_list *l)
{
	if (l)
		atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
	return l;
}

void object_list_unref(struct object_list **p)
{
	struct object_list *l = *p;

	*p = NULL;
	if (!l || atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) > 1)
		return;
	for (size_t i = 0; i < l->n_chunks; i++)
		mem_expect(l->chunks[i]);
	for (size_t i = 0; i < l->n_chunks; i++)
		unref_chunk(l->chunks[i]);
	mem_free(l->chunks);
	mem_free(l);
}

/* ---------------------------------------------------------------------------------------------------------- making one */

struct making {
	struct object_list *list;
	struct object **items; /* held, not in a chunk yet */
	size_t n, cap;
};

static void add_chunk(struct object_list *l, struct object_chunk *c)
{
	l->chunks = mem_grow(l->chunks, &l->chunks_cap, l->n_chunks + 1, sizeof(*l->chunks));
	l->chunks[l->n_chunks++] = c;
	l->n += c->n;
}

/* The next `n` of the items, from `at` on, become a chunk. */
static void cut(struct making *m, size_t at, size_t n)
{
	struct object_chunk *c = mem_alloc(sizeof(*c) + n * sizeof(*c->items));

	atomic_init(&c->refs, 1);
	c->n = n;
	memcpy(c->items, m->items + at, n * sizeof(*c->items));
	add_chunk(m->list, c);
}

/* All that is not in a chunk yet, in chunks of about the same size. */
static void cut_all(struct making *m)
{
	size_t at = 0, n_left = (m->n + CHUNK_MAX - 1) / CHUNK_MAX;

	for (; n_left; n_left--) {
		size_t n = (m->n - at) / n_left;

		cut(m, at, n);
		at += n;
	}
	m->n = 0;
}

static void add_item(struct making *m, struct object *o)
{
	m->items = mem_grow(m->items, &m->cap, m->n + 1, sizeof(*m->items));
	m->items[m->n++] = o;
}

/* A chunk with the changes that fall into it. */
static void merge_chunk(struct making *m, const struct object_chunk *c, struct object_change *changes, size_t n)
{
	size_t i = 0, j = 0, n_items = c ? c->n : 0;

	for (size_t k = 0; k < n_items; k++)
		mem_expect(c->items[k]);
	while (i < n_items || j < n) {
		int order = i == n_items ? 1 : j == n ? -1 : str_cmp(c->items[i]->name, changes[j].name);

		if (order < 0) {
			add_item(m, compiled_ref(c->items[i++]));
			continue;
		}
		if (order == 0)
			changes[j].before = c->items[i++];
		if (changes[j].put)
			add_item(m, changes[j].put);
		j++;
	}
	cut_all(m);
}

/* Of those from `from` on, the last chunk that does not begin after `name`, or the first one. */
static size_t find_chunk(const struct object_list *l, size_t from, struct str name)
{
	size_t to = l->n_chunks;

	while (to - from > 1) {
		size_t middle = from + (to - from) / 2;

		if (str_cmp(l->chunks[middle]->items[0]->name, name) <= 0)
			from = middle;
		else
			to = middle;
	}
	return from;
}

/* How many of the changes come before the first object of the chunk after this one; all of them for the last. */
static size_t count_within(const struct object_chunk *next, const struct object_change *changes, size_t n)
{
	size_t count = 0;

	while (count < n && (!next || str_cmp(next->items[0]->name, changes[count].name) > 0))
		count++;
	return count;
}

static struct object_list *create(size_t n_chunks)
{
	struct object_list *l = mem_zalloc(sizeof(*l));

	atomic_init(&l->refs, 1);
	l->chunks = mem_grow(NULL, &l->chunks_cap, n_chunks + 1, sizeof(*l->chunks));
	return l;
}

/* After many drops, chunks may be few objects each. */
static struct object_list *make_dense(struct object_list *sparse)
{
	struct making m = {.list = create(sparse->n / CHUNK)};

	for (size_t i = 0; i < sparse->n_chunks; i++) {
		for (size_t j = 0; j < sparse->chunks[i]->n; j++)
			add_item(&m, compiled_ref(sparse->chunks[i]->items[j]));
	}
	cut_all(&m);
	mem_free(m.items);
	object_list_unref(&sparse);
	return m.list;
}

static void share_chunks(struct object_list *l, const struct object_list *before, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		mem_expect(before->chunks[i]);
	for (size_t i = from; i < to; i++)
		add_chunk(l, ref_chunk(before->chunks[i]));
}

static struct object_list *change(const struct object_list *before, struct object_change *changes, size_t n)
{
	struct making m = {.list = create(before->n_chunks)};
	size_t at = 0, done = 0;

	while (done < n && before->n_chunks) {
		size_t chunk = find_chunk(before, at, changes[done].name), within;

		share_chunks(m.list, before, at, chunk);
		within = count_within(chunk + 1 < before->n_chunks ? before->chunks[chunk + 1] : NULL, changes + done, n - done);
		merge_chunk(&m, before->chunks[chunk], changes + done, within);
		done += within;
		at = chunk + 1;
	}
	share_chunks(m.list, before, at, before->n_chunks);
	if (!before->n_chunks)
		merge_chunk(&m, NULL, changes, n);
	mem_free(m.items);
	return m.list->n_chunks > 8 + 4 * m.list->n / CHUNK ? make_dense(m.list) : m.list;
}

struct object_list *object_list_change(struct object_list *before, struct object_change *changes, size_t n)
{
	static const struct object_list none;

	for (size_t i = 0; i < n; i++)
		changes[i].before = NULL;
	return n ? change(before ? before : &none, changes, n) : object_list_ref(before);
}

/* ------------------------------------------------------------------------------------------------------------- reading */

size_t object_list_count(const struct object_list *l)
{
	return l ? l->n : 0;
}

const struct object *object_list_find(const struct object_list *l, struct str name)
{
	const struct object_chunk *c = object_list_count(l) ? l->chunks[find_chunk(l, 0, name)] : NULL;
	size_t from = 0, to = c ? c->n : 0;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		int order = str_cmp(c->items[middle]->name, name);

		if (order == 0)
			return c->items[middle];
		if (order < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return NULL;
}

const struct object *object_list_next(const struct object_list *l, size_t *cursor)
{
	size_t chunk = *cursor / CHUNK_MAX, at = *cursor % CHUNK_MAX;

	if (!l || chunk >= l->n_chunks)
		return NULL;
	*cursor = at + 1 < l->chunks[chunk]->n ? *cursor + 1 : (chunk + 1) * CHUNK_MAX;
	return l->chunks[chunk]->items[at];
}

/* A tree of two levels. Chunks hold up to twice CHUNK objects and are counted, as generations end on any thread. */
#include "object_list.h"

#include "mem.h"

enum { CHUNK = 128 };

struct object_chunk {
	atomic_uint refs;
	size_t n;
	struct object *items[]; /* held */
};

static int compare(const struct object *o, uint32_t kind, struct str name)
{
	if (o->kind != kind)
		return o->kind < kind ? -1 : 1;
	return str_cmp(o->name, name);
}

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
		compiled_unref(&c->items[i]);
	mem_free(c);
}

void object_list_deinit(struct object_list *l)
{
	for (size_t i = 0; i < l->n_chunks; i++)
		unref_chunk(l->chunks[i]);
	mem_free(l->chunks);
	mem_free(l->starts);
	*l = (struct object_list){0};
}

/* ---------------------------------------------------------------------------------------------------------- making one */

struct making {
	struct object_list *list;
	size_t chunks_cap;
	struct object **items; /* held, not in a chunk yet */
	size_t n, cap;
};

static void add_chunk(struct making *m, struct object_chunk *c)
{
	struct object_list *l = m->list;

	l->chunks = mem_grow(l->chunks, &m->chunks_cap, l->n_chunks + 1, sizeof(*l->chunks));
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
	add_chunk(m, c);
}

/* All that is not in a chunk yet, in chunks of about the same size. */
static void cut_all(struct making *m)
{
	size_t at = 0, n_left = (m->n + 2 * CHUNK - 1) / (2 * CHUNK);

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

	while (i < n_items || j < n) {
		int order = i == n_items ? 1 : j == n ? -1 : compare(c->items[i], changes[j].kind, changes[j].name);

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

/* How many of the changes come before the first object of the chunk after this one; all of them for the last. */
static size_t count_within(const struct object_chunk *next, const struct object_change *changes, size_t n)
{
	size_t count = 0;

	while (count < n && (!next || compare(next->items[0], changes[count].kind, changes[count].name) > 0))
		count++;
	return count;
}

static void set_starts(struct object_list *l)
{
	size_t at = 0;

	l->starts = mem_calloc(l->n_chunks ? l->n_chunks : 1, sizeof(*l->starts));
	for (size_t i = 0; i < l->n_chunks; i++) {
		l->starts[i] = at;
		at += l->chunks[i]->n;
	}
}

/* After many drops, chunks may be few objects each. */
static void make_dense(struct object_list *l)
{
	struct object_list sparse = *l;
	struct making m = {.list = l};

	*l = (struct object_list){0};
	for (size_t i = 0; i < sparse.n_chunks; i++) {
		for (size_t j = 0; j < sparse.chunks[i]->n; j++)
			add_item(&m, compiled_ref(sparse.chunks[i]->items[j]));
	}
	cut_all(&m);
	mem_free(m.items);
	object_list_deinit(&sparse);
}

void object_list_change(struct object_list *l, const struct object_list *before, struct object_change *changes, size_t n)
{
	struct making m = {.list = l};
	size_t done = 0;

	*l = (struct object_list){0};
	for (size_t i = 0; i < n; i++)
		changes[i].before = NULL;
	for (size_t i = 0; i < before->n_chunks; i++) {
		const struct object_chunk *next = i + 1 < before->n_chunks ? before->chunks[i + 1] : NULL;
		size_t within = done < n ? count_within(next, changes + done, n - done) : 0;

		if (within)
			merge_chunk(&m, before->chunks[i], changes + done, within);
		else
			add_chunk(&m, ref_chunk(before->chunks[i]));
		done += within;
	}
	if (!before->n_chunks)
		merge_chunk(&m, NULL, changes, n);
	mem_free(m.items);
	if (l->n_chunks > 8 + 4 * l->n / CHUNK)
		make_dense(l);
	set_starts(l);
}

/* ------------------------------------------------------------------------------------------------------------- reading */

/* The last chunk that does not begin after (kind, name). */
static const struct object_chunk *find_chunk(const struct object_list *l, uint32_t kind, struct str name)
{
	size_t from = 0, to = l->n_chunks;

	while (to - from > 1) {
		size_t middle = from + (to - from) / 2;

		if (compare(l->chunks[middle]->items[0], kind, name) <= 0)
			from = middle;
		else
			to = middle;
	}
	return l->n_chunks ? l->chunks[from] : NULL;
}

const struct object *object_list_find(const struct object_list *l, uint32_t kind, struct str name)
{
	const struct object_chunk *c = find_chunk(l, kind, name);
	size_t from = 0, to = c ? c->n : 0;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		int order = compare(c->items[middle], kind, name);

		if (order == 0)
			return c->items[middle];
		if (order < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return NULL;
}

size_t object_list_begin(const struct object_list *l, uint32_t kind)
{
	const struct object_chunk *c;
	size_t from = 0, to = l->n_chunks, i = 0;

	while (from < to) { /* the first chunk that does not begin with an earlier kind */
		size_t middle = from + (to - from) / 2;

		if (l->chunks[middle]->items[0]->kind < kind)
			from = middle + 1;
		else
			to = middle;
	}
	if (!from)
		return 0;
	c = l->chunks[from - 1]; /* the kind may begin within the one before */
	while (i < c->n && c->items[i]->kind < kind)
		i++;
	return l->starts[from - 1] + i;
}

const struct object *object_list_at(const struct object_list *l, size_t index)
{
	size_t from = 0, to = l->n_chunks;

	while (to - from > 1) {
		size_t middle = from + (to - from) / 2;

		if (l->starts[middle] <= index)
			from = middle;
		else
			to = middle;
	}
	return l->chunks[from]->items[index - l->starts[from]];
}

struct object **object_list_flat(const struct object_list *l)
{
	struct object **flat = mem_calloc(l->n ? l->n : 1, sizeof(*flat));

	for (size_t i = 0; i < l->n_chunks; i++)
		memcpy(flat + l->starts[i], l->chunks[i]->items, l->chunks[i]->n * sizeof(*flat));
	return flat;
}

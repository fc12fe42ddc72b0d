/*
 * A change opens the backends that it is about, each a copy of what it was; takes slices out and puts them in; and closes them,
 * which is when endpoints are merged. Slices of a name that has no Backend wait there for one.
 */
#include "backend_table.h"

#include <stdlib.h>

#include "decode.h"
#include "hash_ring.h"
#include "mem.h"

enum { MAX_MERGED = 65000 /* balance numbers endpoints with 16 bits */, PAGE = 128 };

static _Atomic uint64_t n_merged; /* gives each list of endpoints its version */

struct merged {
	atomic_uint refs;
	bool is_open;           /* of the table that is being made alone */
	struct object *base;    /* the Backend; NULL: none, and nobody sees it */
	struct object **slices; /* the Endpoints, in the order of their names */
	size_t n_slices, slices_cap;
	struct backend backend;
	struct hash_ring *ring;
};

struct merged_page {
	atomic_uint refs;
	unsigned n_checked;         /* of them that have a health check */
	struct merged *items[PAGE]; /* NULL: nothing */
};

static struct merged *ref(struct merged *m)
{
	if (m)
		atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
	return m;
}

static void unref(struct merged *m)
{
	if (!m || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) > 1)
		return;
	compiled_unref(&m->base);
	for (size_t i = 0; i < m->n_slices; i++)
		compiled_unref(&m->slices[i]);
	mem_free(m->slices);
	mem_free(m->backend.endpoints);
	hash_ring_destroy(m->ring);
	mem_free(m);
}

static int compare(const void *a, const void *b)
{
	const struct endpoint *x = a, *y = b;
	int order = addr_cmp(&x->addr, &y->addr);

	return order ? order : x->is_terminating - y->is_terminating;
}

/* H2: one entry an address; the ready one of two, which sorts first. */
static size_t drop_duplicates(struct endpoint *items, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (!kept || !addr_eq(&items[kept - 1].addr, &items[i].addr))
			items[kept++] = items[i];
	}
	return kept;
}

/* Ready ones alone, unless there is none. */
static size_t prefer_ready(struct endpoint *items, size_t n)
{
	size_t n_ready = 0;

	for (size_t i = 0; i < n; i++) {
		if (!items[i].is_terminating)
			items[n_ready++] = items[i];
	}
	return n_ready ? n_ready : n;
}

/* Through every proxy, whatever its zone. */
static bool chooses_alike(const struct backend *b)
{
	return b->hash_by || b->affinity;
}

static bool is_for_zone(const struct endpoint *e, struct str zone)
{
	for (size_t i = 0; i < e->n_for_zones; i++) {
		if (str_eq(e->for_zones[i], zone))
			return true;
	}
	return false;
}

/* H7: those for the zone alone, if every one says whom it is for and some are for us; else all, never some. */
static size_t prefer_zone(struct endpoint *items, size_t n, struct str zone)
{
	size_t n_near = 0, n_kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (!items[i].n_for_zones)
			return n;
		n_near += is_for_zone(&items[i], zone);
	}
	if (!n_near)
		return n;
	for (size_t i = 0; i < n; i++) {
		if (is_for_zone(&items[i], zone))
			items[n_kept++] = items[i];
	}
	return n_kept;
}

static void merge_endpoints(struct merged *m, struct str zone)
{
	struct backend *b = &m->backend;
	size_t n = 0;

	for (size_t i = 0; i < m->n_slices; i++)
		n += m->slices[i]->endpoints->n;
	if (!n)
		return;
	b->endpoints = mem_calloc(n, sizeof(*b->endpoints));
	n = 0;
	for (size_t i = 0; i < m->n_slices; i++) {
		const struct endpoints_object *e = m->slices[i]->endpoints;

		memcpy(b->endpoints + n, e->items, e->n * sizeof(*e->items));
		n += e->n;
	}
	qsort(b->endpoints, n, sizeof(*b->endpoints), compare);
	b->n_endpoints = prefer_ready(b->endpoints, drop_duplicates(b->endpoints, n));
	if (zone.len && !chooses_alike(b))
		b->n_endpoints = prefer_zone(b->endpoints, b->n_endpoints, zone);
}

static void add_ring(struct merged *m)
{
	struct backend *b = &m->backend;

	if (!b->n_endpoints || (!b->hash_by && (!b->affinity || b->affinity->is_persistent)))
		return;
	m->ring = b->hash_subset_size ? hash_ring_of_subsets(b) : hash_ring_of_endpoints(b);
	b->ring = m->ring;
}

/* Once all its slices are there. */
static void close_item(struct merged *m, struct str zone)
{
	const struct backend_object *b;

	m->is_open = false;
	if (!m->base)
		return;
	b = m->base->backend;
	m->backend = (struct backend){
		.name = b->slot->name,
		.index = b->slot->index,
		.protocol = b->protocol,
		.load_balance = b->load_balance,
		.service = b->service,
		.port = b->port,
		.external_name = b->external_name,
		.external_port = b->external_port,
		.version = atomic_fetch_add_explicit(&n_merged, 1, memory_order_relaxed) + 1,
		.hash_by = b->hash_by,
		.affinity = b->affinity,
		.hash_subset_size = b->hash_subset_size,
		.slow_start_ms = b->slow_start_ms,
		.retry_budget_percent = b->retry_budget_percent,
		.health_check = b->health_check,
		.eject_after_failures = b->eject_after_failures,
		.eject_ms = b->eject_ms,
		.max_connections = b->max_connections,
	};
	merge_endpoints(m, zone);
	add_ring(m);
}

/* ----------------------------------------------------------------------------------------------------------- the pages */

static struct merged *item_at(const struct backend_table *t, unsigned index)
{
	return index < t->bound ? t->pages[index / PAGE]->items[index % PAGE] : NULL;
}

static unsigned pages_of(unsigned bound)
{
	return (bound + PAGE - 1) / PAGE;
}

static struct merged_page *ref_page(struct merged_page *page)
{
	atomic_fetch_add_explicit(&page->refs, 1, memory_order_relaxed);
	return page;
}

static void unref_page(struct merged_page *page)
{
	if (atomic_fetch_sub_explicit(&page->refs, 1, memory_order_acq_rel) > 1)
		return;
	for (unsigned i = 0; i < PAGE; i++)
		mem_expect(page->items[i]);
	for (unsigned i = 0; i < PAGE; i++)
		unref(page->items[i]);
	mem_free(page);
}

static struct merged_page *create_page(void)
{
	struct merged_page *page = mem_zalloc(sizeof(*page));

	atomic_init(&page->refs, 1);
	return page;
}

/* The page of `index`, which may be changed. */
static struct merged_page *own_page(struct backend_table *t, unsigned index)
{
	struct merged_page **page = &t->pages[index / PAGE], *before = *page;

	if (atomic_load_explicit(&before->refs, memory_order_acquire) == 1)
		return before; /* ours already */
	*page = create_page();
	(*page)->n_checked = before->n_checked;
	for (unsigned i = 0; i < PAGE; i++)
		mem_expect(before->items[i]);
	for (unsigned i = 0; i < PAGE; i++)
		(*page)->items[i] = ref(before->items[i]);
	unref_page(before);
	return *page;
}

static void copy_pages(struct backend_table *t, const struct backend_table *before)
{
	unsigned n = pages_of(before->bound);

	t->bound = before->bound;
	t->pages = mem_calloc(n ? n : 1, sizeof(struct merged_page *));
	for (unsigned i = 0; i < n; i++)
		mem_expect(before->pages[i]);
	for (unsigned i = 0; i < n; i++)
		t->pages[i] = ref_page(before->pages[i]);
}

static void grow(struct backend_table *t, unsigned bound)
{
	unsigned n = pages_of(t->bound), n_more = pages_of(bound);

	if (n_more > n) {
		t->pages = mem_realloc(t->pages, n_more * sizeof(struct merged_page *));
		for (; n < n_more; n++)
			t->pages[n] = create_page();
	}
	t->bound = bound;
}

/* Numbers are given back: nothing behind the last one that is in use. */
static void shrink(struct backend_table *t)
{
	unsigned n = pages_of(t->bound), n_left;

	while (t->bound && !item_at(t, t->bound - 1))
		t->bound--;
	for (n_left = pages_of(t->bound); n > n_left; n--)
		unref_page(t->pages[n - 1]);
}

/* ----------------------------------------------------------------------------------------------------------- changing */

/* A table while it is made. */
struct changing {
	struct backend_table *table;
	unsigned *opened; /* numbers */
	size_t n, cap;
};

static bool is_checked(const struct merged *m)
{
	return m->base && m->base->backend->health_check;
}

/* The backend of this number, to be changed. */
static struct merged *open_item(struct changing *c, unsigned index)
{
	struct merged_page *page;
	struct merged *old, *m;

	if (index >= c->table->bound)
		grow(c->table, index + 1);
	old = item_at(c->table, index);
	if (old && old->is_open)
		return old;
	m = mem_zalloc(sizeof(*m));
	atomic_init(&m->refs, 1);
	m->is_open = true;
	if (old) {
		m->base = old->base ? compiled_ref(old->base) : NULL;
		m->slices = mem_grow(NULL, &m->slices_cap, old->n_slices + 1, sizeof(struct object *));
		for (; m->n_slices < old->n_slices; m->n_slices++)
			m->slices[m->n_slices] = compiled_ref(old->slices[m->n_slices]);
	}
	page = own_page(c->table, index);
	page->items[index % PAGE] = m;
	page->n_checked -= old && is_checked(old);
	unref(old);
	c->opened = mem_grow(c->opened, &c->cap, c->n + 1, sizeof(*c->opened));
	c->opened[c->n++] = index;
	return m;
}

/* Where the slice of this name is or would be. Changes come in the order of names, so it is mostly the end. */
static size_t find_slice(const struct merged *m, struct str name)
{
	size_t from = 0, to = m->n_slices;

	if (to && str_cmp(m->slices[to - 1]->name, name) < 0)
		return to;
	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (str_cmp(m->slices[middle]->name, name) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static void drop_slice(struct merged *m, const struct object *slice)
{
	size_t at = find_slice(m, slice->name);

	compiled_unref(&m->slices[at]);
	m->n_slices--;
	memmove(m->slices + at, m->slices + at + 1, (m->n_slices - at) * sizeof(struct object *));
}

static void put_slice(struct merged *m, struct object *slice)
{
	size_t at = find_slice(m, slice->name);

	m->slices = mem_grow(m->slices, &m->slices_cap, m->n_slices + 1, sizeof(struct object *));
	memmove(m->slices + at + 1, m->slices + at, (m->n_slices - at) * sizeof(struct object *));
	m->slices[at] = compiled_ref(slice);
	m->n_slices++;
}

static void change_slice(struct changing *c, const struct object_change *change)
{
	if (change->before)
		drop_slice(open_item(c, change->before->endpoints->slot->index), change->before);
	if (change->put)
		put_slice(open_item(c, change->put->endpoints->slot->index), change->put);
}

/* A Backend is named as its slot is, so it keeps its number. */
static void change_base(struct changing *c, const struct object_change *change)
{
	const struct object *either = change->put ? change->put : change->before;
	struct merged *m;

	if (!either)
		return;
	m = open_item(c, either->backend->slot->index);
	compiled_unref(&m->base);
	m->base = change->put ? compiled_ref(change->put) : NULL;
}

static bool is_countable(const struct merged *m, struct str *name, const char **why)
{
	if (m->backend.n_endpoints <= MAX_MERGED)
		return true;
	*name = m->backend.name;
	*why = "too many endpoints";
	return false;
}

static bool close_all(struct changing *c, struct str zone, struct str *name, const char **why)
{
	bool is_fine = true;

	for (size_t i = 0; i < c->n; i++) {
		struct merged_page *page = c->table->pages[c->opened[i] / PAGE];
		struct merged **item = &page->items[c->opened[i] % PAGE];

		close_item(*item, zone);
		is_fine = is_countable(*item, name, why) && is_fine;
		page->n_checked += is_checked(*item);
		if ((*item)->base || (*item)->n_slices)
			continue;
		unref(*item);
		*item = NULL;
	}
	return is_fine;
}

bool backend_table_change(struct backend_table *t, const struct backend_table *before, const struct backend_changes *changes,
	struct str zone, struct str *name, const char **why)
{
	struct changing c = {.table = t};
	bool is_fine;

	copy_pages(t, before);
	for (size_t i = 0; i < changes->n_backends; i++)
		change_base(&c, &changes->backends[i]);
	for (size_t i = 0; i < changes->n_slices; i++)
		change_slice(&c, &changes->slices[i]);
	is_fine = close_all(&c, zone, name, why);
	shrink(t);
	mem_free(c.opened);
	return is_fine;
}

/* ------------------------------------------------------------------------------------------------------------- reading */

bool backend_table_is_same(const struct backend_table *a, const struct backend_table *b, unsigned index, unsigned *next)
{
	*next = index - index % PAGE + PAGE;
	return index < a->bound && index < b->bound && a->pages[index / PAGE] == b->pages[index / PAGE];
}

const struct backend *backend_table_next_checked(const struct backend_table *t, unsigned *cursor)
{
	while (*cursor < t->bound) {
		const struct merged_page *page = t->pages[*cursor / PAGE];
		const struct merged *m = page->items[*cursor % PAGE];

		if (!page->n_checked) {
			*cursor += PAGE - *cursor % PAGE;
			continue;
		}
		++*cursor;
		if (m && is_checked(m))
			return &m->backend;
	}
	return NULL;
}

void backend_table_deinit(struct backend_table *t)
{
	for (unsigned i = 0; i < pages_of(t->bound); i++)
		mem_expect(t->pages[i]);
	for (unsigned i = 0; i < pages_of(t->bound); i++)
		unref_page(t->pages[i]);
	mem_free(t->pages);
	*t = (struct backend_table){0};
}

const struct backend *backend_table_at(const struct backend_table *t, unsigned index)
{
	const struct merged *m = item_at(t, index);

	return m && m->base ? &m->backend : NULL;
}

/* Slices are put beside their backends by number, then every backend is taken over or merged anew. */
#include "backend_table.h"

#include <stdlib.h>

#include "decode.h"
#include "hash_ring.h"
#include "mem.h"

enum { MAX_MERGED = 65000 /* balance numbers endpoints with 16 bits */, PAGE = 128 };

static _Atomic uint64_t n_merged; /* gives each list of endpoints its version */

struct merged {
	atomic_uint refs;
	struct object *base;    /* the Backend */
	struct object **slices; /* the Endpoints, in the order of their names */
	size_t n_slices;
	struct backend backend;
	struct hash_ring *ring;
};

struct merged_page {
	atomic_uint refs;
	unsigned n_checked;         /* of them that have a health check */
	struct merged *items[PAGE]; /* NULL where a name has no Backend */
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

/* ------------------------------------------------------------------------------------- one backend and its slices */

struct group {
	struct object *base;
	struct object *const *slices; /* in a table sorted by number */
	size_t n_slices;
};

static struct merged *merge(const struct group *g, struct str zone)
{
	struct merged *m = mem_zalloc(sizeof(*m));
	const struct backend_object *b = g->base->backend;

	atomic_init(&m->refs, 1);
	m->base = compiled_ref(g->base);
	m->slices = mem_calloc(g->n_slices ? g->n_slices : 1, sizeof(struct object *));
	for (size_t i = 0; i < g->n_slices; i++)
		m->slices[m->n_slices++] = compiled_ref(g->slices[i]);
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
	return m;
}

static bool is_same(const struct merged *m, const struct group *g)
{
	if (m->base != g->base || m->n_slices != g->n_slices)
		return false;
	for (size_t i = 0; i < g->n_slices; i++) {
		if (m->slices[i] != g->slices[i])
			return false;
	}
	return true;
}

static struct merged *item_at(const struct backend_table *t, unsigned index)
{
	return index < t->bound ? t->pages[index / PAGE]->items[index % PAGE] : NULL;
}

static struct merged *reuse_or_merge(const struct group *g, const struct backend_table *before, struct str zone)
{
	unsigned index = g->base->backend->slot->index;
	struct merged *old = before ? item_at(before, index) : NULL;

	return old && is_same(old, g) ? ref(old) : merge(g, zone);
}

/* ------------------------------------------------------------------------------------------------------- the table */

/* Slices sorted by the number of their backend, stable: starts[i] is where those of number i begin. */
struct sorted_slices {
	struct object **items;
	size_t *starts; /* bound + 1 of them */
};

static struct sorted_slices sort_slices(struct object *const *objects, size_t n, unsigned bound)
{
	struct sorted_slices s = {
		.items = mem_calloc(n ? n : 1, sizeof(struct object *)),
		.starts = mem_calloc((size_t)bound + 2, sizeof(size_t)),
	};

	/* starts is one too far to the right until the second pass has moved it. */
	for (size_t i = 0; i < n; i++) {
		if (objects[i]->kind == WEIRLOCK__V1__KIND__KIND_ENDPOINTS)
			s.starts[objects[i]->endpoints->slot->index + 2]++;
	}
	for (size_t i = 1; i < (size_t)bound + 2; i++)
		s.starts[i] += s.starts[i - 1];
	for (size_t i = 0; i < n; i++) {
		if (objects[i]->kind == WEIRLOCK__V1__KIND__KIND_ENDPOINTS)
			s.items[s.starts[objects[i]->endpoints->slot->index + 1]++] = objects[i];
	}
	return s;
}

static unsigned find_bound(struct object *const *objects, size_t n)
{
	unsigned bound = 0;

	for (size_t i = 0; i < n; i++) {
		const struct backend_slot *slot = NULL;

		if (objects[i]->kind == WEIRLOCK__V1__KIND__KIND_BACKEND)
			slot = objects[i]->backend->slot;
		else if (objects[i]->kind == WEIRLOCK__V1__KIND__KIND_ENDPOINTS)
			slot = objects[i]->endpoints->slot;
		if (slot && slot->index >= bound)
			bound = slot->index + 1;
	}
	return bound;
}

static unsigned n_pages(const struct backend_table *t)
{
	return (t->bound + PAGE - 1) / PAGE;
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
		unref(page->items[i]);
	mem_free(page);
}

static struct merged_page *create_page(void)
{
	struct merged_page *page = mem_zalloc(sizeof(*page));

	atomic_init(&page->refs, 1);
	return page;
}

static void put_item(struct merged_page *page, unsigned index, struct merged *m)
{
	struct merged **item = &page->items[index % PAGE];

	if (*item)
		page->n_checked -= (*item)->backend.health_check != NULL;
	unref(*item);
	*item = m;
	page->n_checked += m->backend.health_check != NULL;
}

static void make_pages(struct backend_table *t, unsigned bound)
{
	t->bound = bound;
	t->pages = mem_calloc(bound ? n_pages(t) : 1, sizeof(struct merged_page *));
	for (unsigned i = 0; i < n_pages(t); i++)
		t->pages[i] = create_page();
}

/* Pages that came out as they were are those that were. */
static void share_pages(struct backend_table *t, const struct backend_table *before)
{
	for (unsigned i = 0; before && i < n_pages(t) && i < n_pages(before); i++) {
		if (memcmp(t->pages[i]->items, before->pages[i]->items, sizeof(t->pages[i]->items)) != 0)
			continue;
		unref_page(t->pages[i]);
		t->pages[i] = ref_page(before->pages[i]);
	}
}

static bool is_countable(const struct merged *m, struct str *name, const char **why)
{
	if (m->backend.n_endpoints <= MAX_MERGED)
		return true;
	*name = m->backend.name;
	*why = "too many endpoints";
	return false;
}

bool backend_table_init(struct backend_table *t, struct object *const *objects, size_t n,
	const struct backend_table *before, struct str zone, struct str *name, const char **why)
{
	unsigned bound = find_bound(objects, n);
	struct sorted_slices s = sort_slices(objects, n, bound);
	bool is_fine = true;

	make_pages(t, bound);
	for (size_t i = 0; i < n; i++) {
		struct group g = {.base = objects[i]};
		unsigned index;
		struct merged *m;

		if (objects[i]->kind != WEIRLOCK__V1__KIND__KIND_BACKEND)
			continue;
		index = objects[i]->backend->slot->index;
		g.slices = s.items + s.starts[index];
		g.n_slices = s.starts[index + 1] - s.starts[index];
		m = reuse_or_merge(&g, before, zone);
		put_item(t->pages[index / PAGE], index, m);
		is_fine = is_countable(m, name, why) && is_fine;
	}
	share_pages(t, before);
	mem_free(s.items);
	mem_free(s.starts);
	return is_fine;
}

/* ------------------------------------------------------------------------------------------------- endpoints alone */

static bool is_of(const struct object *o, unsigned index)
{
	return o && o->endpoints->slot->index == index;
}

static const struct object_change *find_change(const struct object_change *changes, size_t n, struct str name)
{
	size_t from = 0, to = n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		int order = str_cmp(changes[middle].name, name);

		if (order == 0)
			return &changes[middle];
		if (order < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return NULL;
}

static int compare_slices(const void *a, const void *b)
{
	return str_cmp((*(struct object *const *)a)->name, (*(struct object *const *)b)->name);
}

/* The slices that backend `old` has now. */
static struct merged *merge_again(
	const struct merged *old, unsigned index, const struct object_change *changes, size_t n, struct str zone)
{
	struct object **slices = mem_calloc(old->n_slices + n, sizeof(*slices));
	struct group g = {.base = old->base, .slices = slices};
	struct merged *m;

	for (size_t i = 0; i < old->n_slices; i++) {
		if (!find_change(changes, n, old->slices[i]->name))
			slices[g.n_slices++] = old->slices[i];
	}
	for (size_t i = 0; i < n; i++) {
		if (is_of(changes[i].put, index))
			slices[g.n_slices++] = changes[i].put;
	}
	if (g.n_slices > 1)
		qsort(slices, g.n_slices, sizeof(*slices), compare_slices);
	m = merge(&g, zone);
	mem_free(slices);
	return m;
}

/* The page of `index`, which may be changed. */
static struct merged_page *own_page(struct backend_table *t, unsigned index)
{
	struct merged_page **page = &t->pages[index / PAGE], *before = *page;

	if (atomic_load_explicit(&before->refs, memory_order_relaxed) == 1)
		return before; /* ours already */
	*page = create_page();
	(*page)->n_checked = before->n_checked;
	for (unsigned i = 0; i < PAGE; i++)
		(*page)->items[i] = ref(before->items[i]);
	unref_page(before);
	return *page;
}

static bool change_backend(struct backend_table *t, const struct backend_table *before, unsigned index,
	const struct object_change *changes, size_t n, struct str zone, struct str *name, const char **why)
{
	struct merged *old = item_at(before, index), *m;

	/* Slices of a name that has no Backend wait for one; of one that was made anew already, nothing is left to do. */
	if (!old || item_at(t, index) != old)
		return true;
	m = merge_again(old, index, changes, n, zone);
	put_item(own_page(t, index), index, m);
	return is_countable(m, name, why);
}

bool backend_table_change(struct backend_table *t, const struct backend_table *before, const struct object_change *changes,
	size_t n, struct str zone, struct str *name, const char **why)
{
	bool is_fine = true;

	t->bound = before->bound;
	t->pages = mem_calloc(before->bound ? n_pages(before) : 1, sizeof(struct merged_page *));
	for (unsigned i = 0; i < n_pages(before); i++)
		t->pages[i] = ref_page(before->pages[i]);
	for (size_t i = 0; i < n; i++) {
		const struct object *both[] = {changes[i].before, changes[i].put};

		for (size_t j = 0; j < 2; j++) {
			if (both[j] && !change_backend(t, before, both[j]->endpoints->slot->index, changes, n, zone, name, why))
				is_fine = false;
		}
	}
	return is_fine;
}

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
		if (m && m->backend.health_check)
			return &m->backend;
	}
	return NULL;
}

void backend_table_deinit(struct backend_table *t)
{
	for (unsigned i = 0; i < n_pages(t); i++)
		unref_page(t->pages[i]);
	mem_free(t->pages);
	*t = (struct backend_table){0};
}

const struct backend *backend_table_at(const struct backend_table *t, unsigned index)
{
	const struct merged *m = item_at(t, index);

	return m ? &m->backend : NULL;
}

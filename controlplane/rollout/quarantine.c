#include "quarantine.h"

#include <string.h>

#include "mem.h"
#include "weirlock/v1/snapshot.pb-c.h"

static void free_one(struct quarantined *one)
{
	mem_free(one->name);
	mem_free(one->object);
	mem_free(one->why);
	if (one->bad)
		resource_unref(&one->bad);
	if (one->before)
		resource_unref(&one->before);
}

void quarantine_deinit(struct quarantine *q)
{
	for (size_t i = 0; i < q->n; i++)
		free_one(&q->items[i]);
	mem_free(q->items);
	*q = (struct quarantine){0};
}

static bool is_structural(struct resource *const *items, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (items[i]->kind != WEIRLOCK__V1__KIND__KIND_ENDPOINTS)
			return true;
	}
	return false;
}

bool quarantine_is_structural(struct content *from, struct content *to)
{
	struct content_change change;
	struct arena arena = {0};
	bool is;

	content_diff(from, to, &arena, &change);
	is = is_structural(change.put, change.n_put) || is_structural(change.drop, change.n_drop);
	arena_deinit(&arena);
	return is;
}

/* Takes `object`. */
static void add_one(struct quarantine *q, const struct resource *named, struct resource *bad, struct resource *before, char *object,
	const char *why, uint64_t since_ms)
{
	q->items = mem_grow(q->items, &q->cap, q->n + 1, sizeof(*q->items));
	q->items[q->n++] = (struct quarantined){.kind = named->kind, .name = mem_strdup(named->name),
		.bad = bad ? resource_ref(bad) : NULL, .before = before ? resource_ref(before) : NULL,
		.object = object, .why = mem_strdup(str_from(why)), .since_ms = since_ms, .trial = q->n_trials};
}

void quarantine_add(struct quarantine *q, struct content *from, struct content *to, const char *why, uint64_t since_ms,
	quarantine_object_fn *object_of, void *owner)
{
	struct content_change change;
	struct arena arena = {0};

	q->n_trials++;
	content_diff(from, to, &arena, &change);
	for (size_t i = 0; i < change.n_put; i++) {
		struct resource *r = change.put[i];

		if (r->kind != WEIRLOCK__V1__KIND__KIND_ENDPOINTS)
			add_one(q, r, r, content_get(from, r->kind, r->name), object_of(owner, r), why, since_ms);
	}
	for (size_t i = 0; i < change.n_drop; i++) {
		struct resource *r = change.drop[i];

		if (r->kind != WEIRLOCK__V1__KIND__KIND_ENDPOINTS)
			add_one(q, r, NULL, r, object_of(owner, r), why, since_ms);
	}
	arena_deinit(&arena);
}

void quarantine_restore(struct quarantine *q, const struct quarantined *one)
{
	q->items = mem_grow(q->items, &q->cap, q->n + 1, sizeof(*q->items));
	q->items[q->n++] = *one;
	if (q->n_trials < one->trial)
		q->n_trials = one->trial;
}

static bool is_same(const struct resource *a, const struct resource *b)
{
	return a && b ? !memcmp(a->hash, b->hash, sizeof(a->hash)) : a == b;
}

static size_t release_trial(struct quarantine *q, unsigned trial)
{
	size_t kept = 0, n = q->n;

	for (size_t i = 0; i < n; i++) {
		if (q->items[i].trial != trial)
			q->items[kept++] = q->items[i];
		else
			free_one(&q->items[i]);
	}
	q->n = kept;
	return n - kept;
}

/* Whoever changed something may have changed it for the better. */
static void let_changed_go(struct quarantine *q, struct content *live)
{
	for (size_t i = 0; i < q->n; i++) {
		if (!is_same(content_get(live, q->items[i].kind, str_from(q->items[i].name)), q->items[i].bad)) {
			release_trial(q, q->items[i].trial);
			i = (size_t)-1; /* they moved: from the beginning */
		}
	}
}

struct content *quarantine_apply(struct quarantine *q, struct content *live)
{
	struct content *out;

	let_changed_go(q, live);
	if (!q->n)
		return NULL;
	out = content_copy(live);
	for (size_t i = 0; i < q->n; i++) {
		if (q->items[i].before)
			content_put(out, resource_ref(q->items[i].before));
		else
			content_drop(out, q->items[i].kind, str_from(q->items[i].name));
	}
	return out;
}

size_t quarantine_release(struct quarantine *q, struct str object)
{
	size_t n = 0;

	for (size_t i = 0; i < q->n; i++) {
		if (!object.len || str_eq(str_from(q->items[i].object), object)) {
			n += release_trial(q, q->items[i].trial);
			i = (size_t)-1;
		}
	}
	return n;
}

const struct quarantined *quarantine_find(const struct quarantine *q, struct str object)
{
	for (size_t i = 0; i < q->n; i++) {
		if (str_eq(str_from(q->items[i].object), object))
			return &q->items[i];
	}
	return NULL;
}

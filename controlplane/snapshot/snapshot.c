/* One snapshot: a content set, its id, and where its values came from. */
#include "snapshot.h"

#include <assert.h>
#include <stdlib.h>

#include "mem.h"

struct origins {
	unsigned refs;
	struct arena arena;
	struct provenance *items;
	size_t n, cap;
};

struct snapshot *snapshot_create(struct content *content, uint64_t built_ms)
{
	struct snapshot *s = mem_zalloc(sizeof(*s));

	s->refs = 1;
	s->content = content;
	s->id = content_id(content);
	s->built_ms = built_ms;
	return s;
}

void snapshot_add_origin(struct snapshot *s, const struct provenance *origin)
{
	struct origins *o = s->shared;

	if (!o) {
		o = s->shared = mem_zalloc(sizeof(*o));
		o->refs = 1;
	}
	assert(s->refs == 1 && o->refs == 1);
	o->items = mem_grow(o->items, &o->cap, o->n + 1, sizeof(*o->items));
	o->items[o->n++] = (struct provenance){
		.kind = origin->kind,
		.name = arena_str(&o->arena, origin->name),
		.field = arena_str(&o->arena, origin->field),
		.object = arena_str(&o->arena, origin->object),
		.key = arena_str(&o->arena, origin->key),
		.value = arena_str(&o->arena, origin->value),
	};
	s->origins = o->items;
	s->n_origins = o->n;
}

static int compare_origins(const void *a, const void *b)
{
	const struct provenance *x = a, *y = b;
	int order;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	order = str_cmp(x->name, y->name);
	order = order ? order : str_cmp(x->field, y->field);
	order = order ? order : str_cmp(x->object, y->object);
	order = order ? order : str_cmp(x->key, y->key);
	return order ? order : str_cmp(x->value, y->value);
}

void snapshot_sort_origins(struct snapshot *s)
{
	struct origins *o = s->shared;
	size_t n = 0;

	if (!o)
		return;
	qsort(o->items, o->n, sizeof(*o->items), compare_origins);
	for (size_t i = 0; i < o->n; i++) {
		if (!n || compare_origins(&o->items[n - 1], &o->items[i]) != 0)
			o->items[n++] = o->items[i];
	}
	s->n_origins = o->n = n;
}

void snapshot_share_origins(struct snapshot *s, const struct snapshot *from)
{
	assert(!s->shared);
	s->shared = from->shared;
	s->origins = from->origins;
	s->n_origins = from->n_origins;
	if (s->shared)
		s->shared->refs++;
}

static void unref_origins(struct origins *o)
{
	if (!o || --o->refs)
		return;
	arena_deinit(&o->arena);
	mem_free(o->items);
	mem_free(o);
}

void snapshot_forget_origins(struct snapshot *s)
{
	unref_origins(s->shared);
	s->shared = NULL;
	s->origins = NULL;
	s->n_origins = 0;
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
	s->refs++;
	return s;
}

void snapshot_unref(struct snapshot **s)
{
	struct snapshot *gone = *s;

	*s = NULL;
	if (!gone || --gone->refs)
		return;
	content_destroy(gone->content);
	unref_origins(gone->shared);
	mem_free(gone);
}

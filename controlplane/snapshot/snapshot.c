/* One snapshot: a content set, its id, and where its values came from. */
#include "snapshot.h"

#include <assert.h>
#include <stdlib.h>

#include "mem.h"

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
	assert(s->refs == 1);
	s->origins = mem_grow(s->origins, &s->origins_cap, s->n_origins + 1, sizeof(*s->origins));
	s->origins[s->n_origins++] = (struct provenance){
		.kind = origin->kind,
		.name = arena_str(&s->arena, origin->name),
		.field = arena_str(&s->arena, origin->field),
		.object = arena_str(&s->arena, origin->object),
		.key = arena_str(&s->arena, origin->key),
		.value = arena_str(&s->arena, origin->value),
	};
}

static int compare_origins(const void *a, const void *b)
{
	const struct provenance *x = a, *y = b;
	int order;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	order = str_cmp(x->name, y->name);
	return order ? order : str_cmp(x->field, y->field);
}

void snapshot_sort_origins(struct snapshot *s)
{
	if (s->n_origins)
		qsort(s->origins, s->n_origins, sizeof(*s->origins), compare_origins);
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
	arena_deinit(&gone->arena);
	mem_free(gone->origins);
	mem_free(gone);
}

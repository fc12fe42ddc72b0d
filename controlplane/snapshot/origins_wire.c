/* Where values came from, as messages and back. */
#include "mem.h"
#include "origins.h"
#include "weirlock/v1/snapshot.pb-c.h"

static bool is_same_resource(const struct provenance *a, const struct provenance *b)
{
	return a->kind == b->kind && str_eq(a->name, b->name);
}

static Weirlock__V1__Provenance *pack_one(const struct provenance *p, struct arena *arena)
{
	Weirlock__V1__Provenance *value = arena_alloc(arena, sizeof(*value));

	weirlock__v1__provenance__init(value);
	value->field = arena_text(arena, p->field);
	value->object = arena_text(arena, p->object);
	value->key = arena_text(arena, p->key);
	value->value = arena_text(arena, p->value);
	return value;
}

/* They are sorted, so those of one resource stand together. */
struct Weirlock__V1__Origin **origins_pack(const struct origins *o, struct arena *arena, size_t *n_out)
{
	size_t n;
	const struct provenance *all = origins_all(o, arena, &n);
	Weirlock__V1__Origin **out = arena_alloc(arena, (n + 1) * sizeof(*out));

	*n_out = 0;
	for (size_t i = 0, end; i < n; i = end) {
		Weirlock__V1__Origin *origin = arena_alloc(arena, sizeof(*origin));

		for (end = i + 1; end < n && is_same_resource(&all[i], &all[end]);)
			end++;
		weirlock__v1__origin__init(origin);
		origin->ref = arena_alloc(arena, sizeof(*origin->ref));
		weirlock__v1__ref__init(origin->ref);
		origin->ref->kind = (Weirlock__V1__Kind)all[i].kind;
		origin->ref->name = arena_text(arena, all[i].name);
		origin->values = arena_alloc(arena, (end - i) * sizeof(*origin->values));
		for (size_t j = i; j < end; j++)
			origin->values[origin->n_values++] = pack_one(&all[j], arena);
		out[(*n_out)++] = origin;
	}
	return out;
}

static void unpack_one(const Weirlock__V1__Origin *m, struct provenance *out, size_t *n)
{
	for (size_t i = 0; m->ref && i < m->n_values; i++)
		out[(*n)++] = (struct provenance){.kind = (uint32_t)m->ref->kind, .name = str_from(m->ref->name),
			.field = str_from(m->values[i]->field), .object = str_from(m->values[i]->object),
			.key = str_from(m->values[i]->key), .value = str_from(m->values[i]->value)};
}

struct origins *origins_unpack(struct Weirlock__V1__Origin *const *messages, size_t n_messages)
{
	struct origins *out = NULL;
	struct provenance *items;
	size_t n = 0;

	for (size_t i = 0; i < n_messages; i++)
		n += messages[i]->n_values;
	items = n ? mem_calloc(n, sizeof(*items)) : NULL;
	n = 0;
	for (size_t i = 0; i < n_messages; i++)
		unpack_one(messages[i], items, &n);
	if (n)
		origins_put(&out, STR("*"), items, n);
	mem_free(items);
	return out;
}

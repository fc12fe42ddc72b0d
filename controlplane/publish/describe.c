/* Messages are built in an arena that is gone with the call; a text is copied where it would not end in a NUL. */
#include "describe.h"

#include "content_wire.h"
#include "problem.h"
#include "snapshot.h"
#include "weirlock/v1/control.pb-c.h"

static bool is_same_resource(const struct provenance *a, const struct provenance *b)
{
	return a->kind == b->kind && str_eq(a->name, b->name);
}

/* One Origin a resource; they are sorted, so those of one stand together. */
static Weirlock__V1__Origin **origins_of(const struct snapshot *s, struct arena *arena, size_t *n_out)
{
	size_t n;
	const struct provenance *origins = origins_all(s->origins, arena, &n);
	Weirlock__V1__Origin **out = arena_alloc(arena, (n + 1) * sizeof(*out));

	*n_out = 0;
	for (size_t i = 0, end; i < n; i = end) {
		Weirlock__V1__Origin *origin = arena_alloc(arena, sizeof(*origin));

		for (end = i + 1; end < n && is_same_resource(&origins[i], &origins[end]);)
			end++;
		weirlock__v1__origin__init(origin);
		origin->ref = arena_alloc(arena, sizeof(*origin->ref));
		weirlock__v1__ref__init(origin->ref);
		origin->ref->kind = (Weirlock__V1__Kind)origins[i].kind;
		origin->ref->name = arena_text(arena, origins[i].name);
		origin->values = arena_alloc(arena, (end - i) * sizeof(*origin->values));
		for (size_t j = i; j < end; j++) {
			Weirlock__V1__Provenance *value = arena_alloc(arena, sizeof(*value));

			weirlock__v1__provenance__init(value);
			value->field = arena_text(arena, origins[j].field);
			value->object = arena_text(arena, origins[j].object);
			value->key = arena_text(arena, origins[j].key);
			value->value = arena_text(arena, origins[j].value);
			origin->values[origin->n_values++] = value;
		}
		out[(*n_out)++] = origin;
	}
	return out;
}

bool describe_snapshot(const struct snapshot *s, struct buf *packed)
{
	struct content_pack_options options = {.built_ms = s->built_ms, .is_redacted = true};
	struct arena arena = {0};
	bool fits;

	options.origins = origins_of(s, &arena, &options.n_origins);
	fits = content_pack(s->content, &options, packed);
	arena_deinit(&arena);
	return fits;
}

Weirlock__V1__Problem *describe_problem(const struct problem *in, struct arena *arena)
{
	Weirlock__V1__Problem *out = arena_alloc(arena, sizeof(*out));

	weirlock__v1__problem__init(out);
	out->severity = in->severity == SEVERITY_FAULT ? WEIRLOCK__V1__SEVERITY__SEVERITY_ERROR :
							 WEIRLOCK__V1__SEVERITY__SEVERITY_WARNING;
	out->object = arena_text(arena, in->object);
	out->field = arena_text(arena, in->field);
	out->value = arena_text(arena, in->value);
	out->rule = arena_text(arena, in->rule);
	out->fix = arena_text(arena, in->fix);
	out->effect = arena_text(arena, in->effect);
	return out;
}

bool describe_problems(const struct problems *list, struct buf *packed)
{
	Weirlock__V1__ProblemsResponse out = WEIRLOCK__V1__PROBLEMS_RESPONSE__INIT;
	struct arena arena = {0};
	size_t size;
	char *room;

	out.problems = arena_alloc(&arena, (list->n + 1) * sizeof(*out.problems));
	for (size_t i = 0; i < list->n; i++)
		out.problems[out.n_problems++] = describe_problem(&list->items[i], &arena);
	size = weirlock__v1__problems_response__get_packed_size(&out);
	room = buf_reserve(packed, size + 1);
	if (room) {
		weirlock__v1__problems_response__pack(&out, (uint8_t *)room);
		packed->len += size;
	}
	arena_deinit(&arena);
	return room != NULL;
}

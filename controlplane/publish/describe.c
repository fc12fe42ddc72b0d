/* Messages are built in an arena that is gone with the call; a text is copied where it would not end in a NUL. */
#include "describe.h"

#include "content_wire.h"
#include "problem.h"
#include "snapshot.h"
#include "weirlock/v1/control.pb-c.h"

bool describe_snapshot(const struct snapshot *s, struct buf *packed)
{
	struct content_pack_options options = {.built_ms = s->built_ms, .is_redacted = true};
	struct arena arena = {0};
	bool fits;

	options.origins = origins_pack(s->origins, &arena, &options.n_origins);
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

#include "version.h"

const char *version_mark_text(enum version_mark mark)
{
#define VERSION_MARK_TEXT(id, text) text,
	static const char *const texts[] = {VERSION_MARKS(VERSION_MARK_TEXT)};

	return texts[mark];
}

void version_raise(struct version *v, enum version_mark mark, uint64_t to)
{
	if (v->marks[mark] < to)
		v->marks[mark] = to;
}

bool version_is_behind(const struct version *seen, const struct version *held, enum version_mark *which)
{
	*which = MARK_EPOCH;
	if (seen->marks[MARK_EPOCH] != held->marks[MARK_EPOCH])
		return seen->marks[MARK_EPOCH] < held->marks[MARK_EPOCH];
	for (unsigned i = MARK_EPOCH + 1; i < MARK_COUNT; i++) {
		*which = (enum version_mark)i;
		if (seen->marks[i] && seen->marks[i] < held->marks[i])
			return true;
	}
	return false;
}

void version_take(struct version *held, const struct version *more)
{
	if (more->marks[MARK_EPOCH] > held->marks[MARK_EPOCH])
		*held = *more;
	if (more->marks[MARK_EPOCH] != held->marks[MARK_EPOCH])
		return;
	for (unsigned i = 0; i < MARK_COUNT; i++)
		version_raise(held, (enum version_mark)i, more->marks[i]);
}

Weirlock__V1__Version *version_news(const struct version *v, const struct version *known, struct arena *arena)
{
	bool is_anew = v->marks[MARK_EPOCH] > known->marks[MARK_EPOCH];
	Weirlock__V1__Version *out = arena_alloc(arena, sizeof(*out));

	weirlock__v1__version__init(out);
	out->epoch = v->marks[MARK_EPOCH];
	out->watermarks = arena_alloc(arena, MARK_COUNT * sizeof(Weirlock__V1__Watermark *));
	for (unsigned i = MARK_EPOCH + 1; i < MARK_COUNT; i++) {
		Weirlock__V1__Watermark *mark;

		if (!v->marks[i] || (!is_anew && v->marks[i] <= known->marks[i]))
			continue;
		mark = arena_alloc(arena, sizeof(*mark));
		weirlock__v1__watermark__init(mark);
		mark->kind = i;
		mark->resource_version = v->marks[i];
		out->watermarks[out->n_watermarks++] = mark;
	}
	return out->n_watermarks || is_anew ? out : NULL;
}

void version_read(const Weirlock__V1__Version *m, struct version *out)
{
	*out = (struct version){0};
	if (!m)
		return;
	out->marks[MARK_EPOCH] = m->epoch;
	for (size_t i = 0; i < m->n_watermarks; i++) {
		const Weirlock__V1__Watermark *mark = m->watermarks[i];

		if (mark->kind > MARK_EPOCH && mark->kind < MARK_COUNT)
			version_raise(out, (enum version_mark)mark->kind, mark->resource_version);
	}
}

/* A list of steps back in time; taking one out joins its step to that of the one after it. */
#include "archive.h"

#include <assert.h>
#include <string.h>

#include "archive_inside.h"
#include "mem.h"
#include "weirlock/v1/snapshot.pb-c.h"

enum { DEFAULT_COUNT = 64, DEFAULT_BYTES = 64 * 1024 * 1024, OVERHEAD = 128 /* of a resource, beside its texts */ };

struct archive *archive_create(size_t max_count, size_t max_bytes)
{
	struct archive *a = mem_zalloc(sizeof(*a));

	a->max_count = max_count ? max_count : DEFAULT_COUNT;
	a->max_bytes = max_bytes ? max_bytes : DEFAULT_BYTES;
	a->entries = mem_calloc(a->max_count + 1, sizeof(*a->entries));
	return a;
}

static size_t bytes_of(const struct archive_undo *u)
{
	return OVERHEAD + (u->is_drop ? 0 : u->resource->name.len + u->resource->body.len);
}

static void free_undo(struct archive *a, struct archive_entry *e)
{
	for (size_t i = 0; i < e->n_undo; i++) {
		a->bytes -= bytes_of(&e->undo[i]);
		resource_unref(&e->undo[i].resource);
	}
	mem_free(e->undo);
	e->undo = NULL;
	e->n_undo = 0;
}

void archive_destroy(struct archive *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->n; i++)
		free_undo(a, &a->entries[i]);
	snapshot_unref(&a->newest);
	mem_free(a->entries);
	mem_free(a);
}

void archive_set_undo(struct archive *a, struct archive_entry *e, struct archive_undo *undo, size_t n)
{
	e->undo = undo;
	e->n_undo = n;
	for (size_t i = 0; i < n; i++)
		a->bytes += bytes_of(&undo[i]);
}

static int compare(const struct resource *a, const struct resource *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return str_cmp(a->name, b->name);
}

/* ---------------------------------------------------------------------------------------------------------- adding */

static bool is_endpoints(const struct resource *r)
{
	return r->kind == WEIRLOCK__V1__KIND__KIND_ENDPOINTS;
}

/* From `after` back to `before`: both lists of the change are sorted, so the step is too. */
static struct archive_undo *make_undo(struct content *before, const struct content_change *change, size_t *n_out)
{
	struct archive_undo *undo = mem_calloc(change->n_put + change->n_drop + 1, sizeof(*undo));
	size_t n = 0;

	for (size_t i = 0, j = 0; i < change->n_put || j < change->n_drop; n++) {
		bool is_put = j == change->n_drop ||
			(i < change->n_put && compare(change->put[i], change->drop[j]) < 0);
		struct resource *r = is_put ? change->put[i++] : change->drop[j++];
		struct resource *former = is_put ? content_get(before, r->kind, r->name) : r;

		undo[n] = (struct archive_undo){resource_ref(former ? former : r), !former, is_put && former};
	}
	*n_out = n;
	return undo;
}

static void count_sizes(struct archive_entry *e, const struct archive_entry *before, const struct content_change *change)
{
	e->size_bytes = before ? before->size_bytes : 0;
	for (size_t i = 0; i < change->n_put; i++)
		e->size_bytes += change->put[i]->name.len + change->put[i]->body.len;
	for (size_t i = 0; i < e->n_undo; i++) {
		const struct archive_undo *u = &e->undo[i];

		if (!u->is_drop)
			e->size_bytes -= u->resource->name.len + u->resource->body.len;
		e->is_structural = e->is_structural || !is_endpoints(u->resource);
	}
}

/* What both steps do, in one: the later step of the two decides, but for what came and went between. */
static struct archive_undo *join(const struct archive_undo *first, size_t n_first, const struct archive_undo *second,
	size_t n_second, size_t *n_out)
{
	struct archive_undo *out = mem_calloc(n_first + n_second + 1, sizeof(*out));
	size_t i = 0, j = 0, n = 0;

	while (i < n_first || j < n_second) {
		int order = i == n_first ? 1 : j == n_second ? -1 : compare(first[i].resource, second[j].resource);

		if (order != 0) {
			out[n] = order < 0 ? first[i++] : second[j++];
		} else {
			bool was_there = first[i].is_drop || first[i].is_change; /* in the newest of the three */

			out[n] = second[j++];
			i++;
			if (out[n].is_drop && !was_there)
				continue;
			out[n].is_change = !out[n].is_drop && was_there;
		}
		out[n].resource = resource_ref(out[n].resource);
		n++;
	}
	*n_out = n;
	return out;
}

/* `index` from the oldest. */
static void take_out(struct archive *a, size_t index)
{
	struct archive_entry *gone = &a->entries[index], *after = gone + 1;

	if (index == 0) {
		free_undo(a, after); /* the oldest has none before it */
		after->is_structural = true;
	} else {
		size_t n;
		struct archive_undo *undo = join(after->undo, after->n_undo, gone->undo, gone->n_undo, &n);

		free_undo(a, after);
		archive_set_undo(a, after, undo, n);
		after->is_structural = after->is_structural || gone->is_structural;
	}
	free_undo(a, gone);
	memmove(gone, after, (a->n - index - 1) * sizeof(*gone));
	a->n--;
}

/* The oldest one in which only endpoints changed, unless it is new; otherwise the oldest. */
static size_t choose(const struct archive *a)
{
	for (size_t i = 1; i + ARCHIVE_ENDPOINTS_KEPT < a->n; i++) {
		if (!a->entries[i].is_structural)
			return i;
	}
	return 0;
}

static void keep_bounds(struct archive *a)
{
	while (a->n > 1 && (a->n > a->max_count || a->bytes > a->max_bytes))
		take_out(a, choose(a));
}

bool archive_add(struct archive *a, struct snapshot *s)
{
	struct archive_entry *before = a->n ? &a->entries[a->n - 1] : NULL, *e = &a->entries[a->n];
	struct content_change change = {0};
	struct arena arena = {0};

	if (before && content_id_eq(&before->id, &s->id))
		return false;
	*e = (struct archive_entry){.id = s->id, .built_ms = s->built_ms, .n_resources = (uint32_t)content_count(s->content)};
	content_diff(a->newest ? a->newest->content : NULL, s->content, &arena, &change);
	if (before) {
		size_t n;
		struct archive_undo *undo = make_undo(a->newest->content, &change, &n);

		archive_set_undo(a, e, undo, n);
	} else {
		e->is_structural = true;
	}
	count_sizes(e, before, &change);
	arena_deinit(&arena);
	snapshot_unref(&a->newest);
	a->newest = snapshot_ref(s);
	a->n++;
	a->version++;
	keep_bounds(a);
	return true;
}

/* --------------------------------------------------------------------------------------------------------- looking */

const struct archive_entry *archive_at(const struct archive *a, size_t index)
{
	return index < a->n ? &a->entries[a->n - 1 - index] : NULL;
}

bool archive_find(const struct archive *a, struct str id, size_t *index)
{
	const struct archive_entry *found = NULL;

	if (id.len < 4 || id.len > CONTENT_ID_SIZE)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct archive_entry *e = archive_at(a, i);

		if (memcmp(e->id.bytes, id.ptr, id.len) != 0)
			continue;
		if (found && !content_id_eq(&found->id, &e->id))
			return false;
		if (!found)
			*index = i;
		found = found ? found : e;
	}
	return found != NULL;
}

static void step_back(struct content *c, const struct archive_entry *e)
{
	for (size_t i = 0; i < e->n_undo; i++) {
		const struct archive_undo *u = &e->undo[i];

		if (u->is_drop)
			content_drop(c, u->resource->kind, u->resource->name);
		else
			content_put(c, resource_ref(u->resource));
	}
}

struct content *archive_content(const struct archive *a, size_t index)
{
	struct content *c;

	assert(index < a->n);
	c = content_copy(a->newest->content);
	for (size_t i = 0; i < index; i++)
		step_back(c, archive_at(a, i));
	return c;
}

void archive_count(const struct archive_entry *e, uint32_t *n_put, uint32_t *n_drop)
{
	*n_put = *n_drop = 0;
	if (!e->undo)
		*n_put = e->n_resources;
	for (size_t i = 0; i < e->n_undo; i++) {
		if (e->undo[i].is_drop || e->undo[i].is_change)
			++*n_put;
		else
			++*n_drop;
	}
}

static bool changes(const struct archive_entry *e, uint32_t kind, struct str name)
{
	for (size_t i = 0; i < e->n_undo; i++) {
		const struct resource *r = e->undo[i].resource;

		if (r->kind == kind && str_eq(r->name, name))
			return true;
	}
	return false;
}

bool archive_changed(const struct archive *a, uint32_t kind, struct str name, size_t *index)
{
	if (!a->n || !content_get(a->newest->content, kind, name))
		return false;
	for (*index = 0; *index + 1 < a->n; ++*index) {
		if (changes(archive_at(a, *index), kind, name))
			return true;
	}
	return true;
}

struct archive *archive_clone(const struct archive *a)
{
	struct archive *out = archive_create(a->max_count, a->max_bytes);

	for (out->n = 0; out->n < a->n; out->n++) {
		const struct archive_entry *from = &a->entries[out->n];
		struct archive_entry *e = &out->entries[out->n];
		struct archive_undo *undo = from->undo ? mem_calloc(from->n_undo + 1, sizeof(*undo)) : NULL;

		*e = *from;
		for (size_t i = 0; i < from->n_undo; i++) {
			undo[i] = from->undo[i];
			resource_ref(undo[i].resource);
		}
		archive_set_undo(out, e, undo, from->n_undo);
	}
	if (a->newest) {
		out->newest = snapshot_create(content_copy(a->newest->content), a->newest->built_ms);
		content_id(out->newest->content);
	}
	return out;
}

unsigned long archive_version(const struct archive *a)
{
	return a->version;
}

size_t archive_bytes(const struct archive *a)
{
	return a->bytes;
}

/* An archive as one message: the newest set whole, then the steps. What is read is checked as if a stranger had written it. */
#include <string.h>

#include "archive_inside.h"
#include "content_wire.h"
#include "mem.h"
#include "proto_data.h"
#include "weirlock/v1/operate.pb-c.h"

static Weirlock__V1__ArchiveUndo *undo_message(const struct archive_undo *u, struct arena *arena)
{
	Weirlock__V1__ArchiveUndo *out = arena_alloc(arena, sizeof(*out));

	weirlock__v1__archive_undo__init(out);
	out->is_drop = u->is_drop;
	out->is_change = u->is_change;
	out->kind = u->resource->kind;
	out->name = proto_data(u->resource->name);
	if (!u->is_drop)
		out->body = proto_data(u->resource->body);
	return out;
}

static Weirlock__V1__ArchiveEntry *entry_message(const struct archive_entry *e, struct arena *arena)
{
	Weirlock__V1__ArchiveEntry *out = arena_alloc(arena, sizeof(*out));

	weirlock__v1__archive_entry__init(out);
	out->id = proto_data(str_of(e->id.bytes, sizeof(e->id.bytes)));
	out->built_ms = e->built_ms;
	out->n_resources = e->n_resources;
	out->size_bytes = e->size_bytes;
	out->is_structural = e->is_structural;
	out->undo = arena_alloc(arena, (e->n_undo + 1) * sizeof(*out->undo));
	for (size_t i = 0; i < e->n_undo; i++)
		out->undo[out->n_undo++] = undo_message(&e->undo[i], arena);
	return out;
}

bool archive_pack(const struct archive *a, struct buf *out)
{
	Weirlock__V1__Archive message = WEIRLOCK__V1__ARCHIVE__INIT;
	struct arena arena = {0};
	struct buf newest;
	bool fits = true;
	char *room;

	buf_init(&newest, out->cap);
	if (a->n)
		fits = content_pack(a->newest->content, NULL, &newest);
	message.newest = proto_data(buf_str(&newest));
	message.entries = arena_alloc(&arena, (a->n + 1) * sizeof(*message.entries));
	for (size_t i = 0; i < a->n; i++)
		message.entries[message.n_entries++] = entry_message(archive_at(a, i), &arena);
	room = fits ? buf_reserve(out, weirlock__v1__archive__get_packed_size(&message) + 1) : NULL;
	if (room)
		out->len += weirlock__v1__archive__pack(&message, (uint8_t *)room);
	if (newest.ptr)
		mem_wipe(newest.ptr, newest.len);
	buf_deinit(&newest);
	arena_deinit(&arena);
	return room != NULL;
}

/* --------------------------------------------------------------------------------------------------------- reading */

static bool is_bounded(const Weirlock__V1__ArchiveUndo *u)
{
	return u->name.len <= CONTENT_NAME_MAX && u->body.len <= CONTENT_BODY_MAX;
}

static bool is_after(const struct resource *a, const struct resource *b)
{
	return a->kind != b->kind ? a->kind < b->kind : str_cmp(a->name, b->name) < 0;
}

/* The steps of `m` into `e`. False: out of bounds or out of order; what is in `e` is the archive's then too. */
static bool read_undo(struct archive *a, struct archive_entry *e, const Weirlock__V1__ArchiveEntry *m)
{
	struct archive_undo *undo = mem_calloc(m->n_undo + 1, sizeof(*undo));
	bool is_good = true;
	size_t n = 0;

	for (size_t i = 0; i < m->n_undo && is_good; i++) {
		const Weirlock__V1__ArchiveUndo *u = m->undo[i];

		is_good = is_bounded(u);
		if (!is_good)
			break;
		undo[n++] = (struct archive_undo){resource_create(u->kind, str_of(u->name.data, u->name.len),
							  str_of(u->body.data, u->is_drop ? 0 : u->body.len)),
			u->is_drop, u->is_change && !u->is_drop};
		is_good = n < 2 || is_after(undo[n - 2].resource, undo[n - 1].resource);
	}
	archive_set_undo(a, e, undo, n);
	return is_good;
}

/* Each entry's set has its id, and there is an older one for each step but the last. */
static bool ids_fit(const struct archive *a)
{
	bool fits = true;

	for (size_t i = 0; i < a->n && fits; i++) {
		struct content *c = archive_content(a, i);
		struct content_id id = content_id(c);

		fits = content_id_eq(&id, &archive_at(a, i)->id);
		content_destroy(c);
	}
	return fits;
}

static const char *fill(struct archive *a, const Weirlock__V1__Archive *m, struct content *newest)
{
	struct content_id id;
	size_t n = m->n_entries < a->max_count ? m->n_entries : a->max_count; /* it may have been allowed more */

	a->newest = snapshot_create(newest, m->entries[0]->built_ms);
	for (size_t i = n; i-- > 0;) {
		const Weirlock__V1__ArchiveEntry *in = m->entries[i];
		struct archive_entry *e = &a->entries[a->n];

		if (!content_id_from(str_of(in->id.data, in->id.len), &id))
			return "an id has the wrong size";
		*e = (struct archive_entry){.id = id, .built_ms = in->built_ms, .n_resources = in->n_resources,
			.size_bytes = in->size_bytes, .is_structural = in->is_structural};
		a->n++;
		if (a->n > 1 && !read_undo(a, e, in))
			return "a step is out of bounds or out of order";
	}
	return ids_fit(a) ? NULL : "an id does not fit what is there";
}

static void make_empty(struct archive *a)
{
	struct archive *fresh = archive_create(a->max_count, a->max_bytes), old = *a;

	*a = *fresh;
	*fresh = old;
	archive_destroy(fresh);
}

/* Keys are in it. */
static void wipe(Weirlock__V1__Archive *m)
{
	if (m->newest.len)
		mem_wipe(m->newest.data, m->newest.len);
	for (size_t i = 0; i < m->n_entries; i++) {
		for (size_t k = 0; k < m->entries[i]->n_undo; k++) {
			if (m->entries[i]->undo[k]->body.len)
				mem_wipe(m->entries[i]->undo[k]->body.data, m->entries[i]->undo[k]->body.len);
		}
	}
}

bool archive_unpack(struct archive *a, struct str packed, const char **why)
{
	Weirlock__V1__Archive *m = weirlock__v1__archive__unpack(NULL, packed.len, (const uint8_t *)packed.ptr);
	struct content *newest;

	*why = "it is malformed";
	if (!m)
		return false;
	newest = m->n_entries ? content_unpack(str_of(m->newest.data, m->newest.len), why) : NULL;
	if (newest)
		*why = fill(a, m, newest);
	else if (!m->n_entries)
		*why = NULL;
	wipe(m);
	weirlock__v1__archive__free_unpacked(m, NULL);
	if (*why)
		make_empty(a);
	return !*why;
}

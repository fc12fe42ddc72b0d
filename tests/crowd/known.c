/* Versions, and how they came about. */
#include "known.h"

#include "content_wire.h"
#include "mem.h"
#include "proto_arena.h"
#include "weirlock/v1/control.pb-c.h"

static struct version *need_version(struct known *k, struct content *content)
{
	struct content_id id = content_id(content);
	struct version *v = k->versions;

	while (v && !content_id_eq(&v->id, &id))
		v = v->next;
	if (v) {
		content_destroy(content);
		return v;
	}
	v = mem_zalloc(sizeof(*v));
	v->id = id;
	v->content = content;
	v->next = k->versions;
	k->versions = v;
	k->n_applied++;
	return v;
}

static struct content *apply(const struct version *from, struct str answer, const char **why)
{
	struct proto_arena decoded;
	const Weirlock__V1__WatchResponse *m;
	struct content *made = NULL;

	proto_arena_init(&decoded, proto_arena_cap(answer.len));
	m = proto_unpack(&weirlock__v1__watch_response__descriptor, answer, &decoded, why);
	if (m)
		made = content_apply_delta(from ? from->content : NULL, m->delta, why);
	proto_arena_deinit(&decoded);
	return made;
}

struct version *known_step(struct known *k, struct version *from, struct str answer, const char **why)
{
	struct step *step;
	struct content *content;

	for (unsigned i = 0; i < STEPS_KEPT; i++) {
		step = &k->steps[i];
		if (step->to && step->from == from && str_eq(buf_str(&step->bytes), answer))
			return step->to;
	}
	content = apply(from, answer, why);
	if (!content)
		return NULL;
	step = &k->steps[k->n_steps++ % STEPS_KEPT];
	buf_clear(&step->bytes);
	buf_add(&step->bytes, answer);
	step->from = from;
	step->to = need_version(k, content);
	return step->to;
}

struct piece_store *known_store(struct known *k, struct str id, size_t size, const struct version *from)
{
	struct piece_store *store;

	for (unsigned i = 0; i < STORES_KEPT; i++) {
		if (k->stores[i].size == size && str_eq(str_of(k->stores[i].id, BLOB_ID_SIZE), id))
			return &k->stores[i];
	}
	store = &k->stores[k->n_stores++ % STORES_KEPT];
	buf_deinit(&store->bytes);
	*store = (struct piece_store){.size = size, .from = from};
	memcpy(store->id, id.ptr, BLOB_ID_SIZE);
	return store;
}

bool known_piece(struct piece_store *store, size_t offset, struct str piece, const char **why)
{
	size_t has = store->bytes.len;
	struct str seen;

	*why = "a piece of the wrong size";
	if (!piece.len || offset > has || piece.len > store->size - offset)
		return false;
	*why = "a piece that is not what others got";
	seen = str_first(str_from_index(buf_str(&store->bytes), offset), piece.len);
	if (!str_eq(seen, str_first(piece, seen.len)))
		return false;
	return buf_add(&store->bytes, str_from_index(piece, seen.len));
}

struct version *known_whole(struct known *k, struct piece_store *store, const char **why)
{
	struct content *content;

	if (store->to)
		return store->to;
	content = content_apply_packed(store->from ? store->from->content : NULL, buf_str(&store->bytes), why);
	if (content)
		store->to = need_version(k, content);
	return store->to;
}

void known_enter(struct version *v, uint64_t now_us)
{
	v->n_sessions++;
	v->at_us = mem_grow(v->at_us, &v->at_room, v->n_at + 1, sizeof(*v->at_us));
	v->at_us[v->n_at++] = now_us;
}

static void free_version(struct known *k, struct version *v)
{
	for (unsigned i = 0; i < STEPS_KEPT; i++) {
		if (k->steps[i].from == v || k->steps[i].to == v) {
			buf_deinit(&k->steps[i].bytes);
			k->steps[i] = (struct step){0};
		}
	}
	for (unsigned i = 0; i < STORES_KEPT; i++) {
		if (k->stores[i].from == v) {
			buf_deinit(&k->stores[i].bytes);
			k->stores[i] = (struct piece_store){0};
		} else if (k->stores[i].to == v) {
			k->stores[i].to = NULL; /* others may still be fetching it */
		}
	}
	content_destroy(v->content);
	mem_free(v->at_us);
	mem_free(v);
}

void known_leave(struct known *k, struct version *v)
{
	struct version **place = &k->versions;

	v->n_sessions--;
	v->n_at = v->n_sessions ? v->n_at : 0;
	if (v->n_sessions || v == k->versions)
		return;
	while (*place != v)
		place = &(*place)->next;
	*place = v->next;
	free_version(k, v);
}

void known_deinit(struct known *k)
{
	while (k->versions) {
		struct version *v = k->versions;

		k->versions = v->next;
		free_version(k, v);
	}
	for (unsigned i = 0; i < STEPS_KEPT; i++)
		buf_deinit(&k->steps[i].bytes);
	for (unsigned i = 0; i < STORES_KEPT; i++)
		buf_deinit(&k->stores[i].bytes);
}

/* The newest snapshots in a ring. */
#include "mem.h"
#include "snapshot.h"

enum { WITH_ORIGINS = 64 };

struct history {
	struct snapshot **items; /* items[newest], then backwards */
	size_t limit, n, newest;
};

struct history *history_create(size_t limit)
{
	struct history *h = mem_zalloc(sizeof(*h));

	h->limit = limit ? limit : 1;
	h->items = mem_calloc(h->limit, sizeof(*h->items));
	return h;
}

void history_destroy(struct history *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->limit; i++)
		snapshot_unref(&h->items[i]);
	mem_free(h->items);
	mem_free(h);
}

struct snapshot *history_at(const struct history *h, size_t index)
{
	if (index >= h->n)
		return NULL;
	return h->items[(h->newest + h->limit - index) % h->limit];
}

bool history_add(struct history *h, struct snapshot *s)
{
	struct snapshot *before = history_at(h, 0), *old;
	struct content_change change = {0};
	struct arena arena = {0};

	if (before && content_id_eq(&before->id, &s->id))
		return false;
	content_diff(before ? before->content : NULL, s->content, &arena, &change);
	s->n_put = (unsigned)change.n_put;
	s->n_drop = (unsigned)change.n_drop;
	arena_deinit(&arena);
	if (h->n)
		h->newest = (h->newest + 1) % h->limit;
	if (h->n < h->limit)
		h->n++;
	snapshot_unref(&h->items[h->newest]);
	h->items[h->newest] = snapshot_ref(s);
	old = history_at(h, WITH_ORIGINS);
	if (old && old->refs == 1)
		snapshot_forget_origins(old);
	return true;
}

struct snapshot *history_find(const struct history *h, struct str id_bytes)
{
	struct snapshot *found = NULL;

	if (id_bytes.len < 4 || id_bytes.len > CONTENT_ID_SIZE)
		return NULL;
	for (size_t i = 0; i < h->n; i++) {
		struct snapshot *s = history_at(h, i);

		if (!str_eq(str_of(s->id.bytes, id_bytes.len), id_bytes))
			continue;
		if (found && !content_id_eq(&found->id, &s->id))
			return NULL; /* the prefix fits two */
		if (!found)
			found = s;
	}
	return found;
}

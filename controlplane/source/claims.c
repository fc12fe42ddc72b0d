/* The same object may stand in several places; the first by path and line speaks for it, the others are problems. */
#include <stdlib.h>

#include "inside.h"
#include "mem.h"

static int compare_items(const struct item *a, const struct item *b)
{
	int order;

	if (a->file != b->file) {
		if (a->file->root != b->file->root)
			return a->file->root < b->file->root ? -1 : 1;
		order = strcmp(a->file->path, b->file->path);
		if (order)
			return order;
	}
	return (a->line > b->line) - (a->line < b->line);
}

static void touch(struct claims *c, struct claim *claim)
{
	if (claim->is_touched)
		return;
	claim->is_touched = true;
	c->touched = mem_grow(c->touched, &c->cap_touched, c->n_touched + 1, sizeof(*c->touched));
	c->touched[c->n_touched++] = claim;
}

void claims_add(struct claims *c, struct item *item)
{
	struct claim *claim = map_get(&c->by_key, str_from(item->key));
	size_t at;

	if (!claim) {
		claim = mem_zalloc(sizeof(*claim));
		claim->key = mem_strdup(str_from(item->key));
		map_put(&c->by_key, str_from(item->key), claim);
	}
	claim->items = mem_grow(claim->items, &claim->cap, claim->n + 1, sizeof(struct item *));
	for (at = claim->n; at > 0 && compare_items(item, claim->items[at - 1]) < 0; at--)
		claim->items[at] = claim->items[at - 1];
	claim->items[at] = item;
	claim->n++;
	touch(c, claim);
}

void claims_remove(struct claims *c, struct item *item)
{
	struct claim *claim = map_get(&c->by_key, str_from(item->key));
	size_t at = 0;

	while (claim->items[at] != item)
		at++;
	memmove(&claim->items[at], &claim->items[at + 1], (claim->n - at - 1) * sizeof(struct item *));
	claim->n--;
	touch(c, claim);
}

static void send_duplicates(struct claims *c, const struct claim *claim)
{
	struct problems problems = {0};
	struct buf origin = {0}, fix = {0};

	buf_printf(&origin, "duplicates of %s", claim->key);
	for (size_t i = 1; i < claim->n; i++) {
		struct buf where = {0};

		buf_clear(&fix);
		buf_printf(&where, "file %s:%zu", claim->items[i]->file->path, claim->items[i]->line);
		buf_printf(&fix, "the one in %s:%zu is used: take one of them out", claim->items[0]->file->path,
			claim->items[0]->line);
		problems_add(&problems,
			&(struct problem){.severity = SEVERITY_FAULT, .object = buf_str(&where),
				.value = str_from(claim->key), .rule = STR("the only object of this name"), .fix = buf_str(&fix)});
		buf_deinit(&where);
	}
	c->on_event(c->owner,
		&(struct source_event){.type = SOURCE_PROBLEMS, .origin = buf_str(&origin), .problems = &problems});
	buf_deinit(&origin);
	buf_deinit(&fix);
	problems_deinit(&problems);
}

static void send_item(struct claims *c, enum source_event_type type, const struct item *item)
{
	c->on_event(c->owner,
		&(struct source_event){.type = type, .object = item->object, .kind = item->kind, .namespace_ = item->namespace_,
			.name = item->name, .problems = &item->problems});
}

static void send_delete(struct claims *c, const struct claim *claim)
{
	static const struct problems none;
	struct str rest = str_from(claim->key);
	size_t space = str_find(rest, ' '), slash;
	struct source_event e = {.type = SOURCE_DELETE, .problems = &none};

	e.kind = 0;
	while (!str_eq(object_kind_text(e.kind), str_first(rest, space)))
		e.kind++;
	rest = str_from_index(rest, space + 1);
	slash = str_find(rest, '/');
	e.namespace_ = slash < rest.len ? str_first(rest, slash) : STR("");
	e.name = slash < rest.len ? str_from_index(rest, slash + 1) : rest;
	c->on_event(c->owner, &e);
}

static void free_claim(struct claim *claim)
{
	object_unref(&claim->sent);
	mem_free(claim->items);
	mem_free(claim->key);
	mem_free(claim);
}

static void settle(struct claims *c, struct claim *claim)
{
	struct item *first = claim->n ? claim->items[0] : NULL;
	bool had_duplicates = claim->had_duplicates;

	claim->is_touched = false;
	if (!first) {
		if (claim->is_sent)
			send_delete(c, claim);
	} else if (!first->object) {
		send_item(c, SOURCE_REFUSE, first);
		object_unref(&claim->sent); /* a good form after this is news, even the same one */
	} else if (!claim->sent || !object_equal(claim->sent, first->object) || claim->has_notes || first->problems.n) {
		send_item(c, SOURCE_PUT, first);
		object_unref(&claim->sent);
		claim->sent = object_ref(first->object);
	}
	claim->has_notes = first && first->problems.n > 0;
	claim->had_duplicates = claim->n > 1;
	if (had_duplicates || claim->had_duplicates)
		send_duplicates(c, claim);
	if (first) {
		claim->is_sent = true;
		return;
	}
	map_del(&c->by_key, str_from(claim->key));
	free_claim(claim);
}

void claims_settle(struct claims *c)
{
	for (size_t i = 0; i < c->n_touched; i++)
		settle(c, c->touched[i]);
	c->n_touched = 0;
}

void claims_deinit(struct claims *c)
{
	size_t cursor = 0;
	void *claim;

	while (map_next(&c->by_key, &cursor, NULL, &claim))
		free_claim(claim);
	map_deinit(&c->by_key);
	mem_free(c->touched);
}

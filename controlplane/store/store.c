/* Objects by kind and name, the order in which readers meet them, and the last good form behind a refused one. */
#include "inside.h"

#include "mem.h"

enum { KEY_MAX = 600 }; /* a kind, two names of at most 253 bytes, and what stands between */

/* C9: the older first; among the equally old, "namespace/name" descending. */
int store_compare_ingresses(const void *a, const void *b)
{
	const struct object *x = a, *y = b;

	if (x->created_s != y->created_s)
		return x->created_s < y->created_s ? -1 : 1;
	return str_cmp(y->key, x->key);
}

int store_compare_objects(const void *a, const void *b)
{
	const struct object *x = a, *y = b;
	int order = str_cmp(x->namespace_, y->namespace_);

	return order ? order : str_cmp(x->name, y->name);
}

order_compare_fn *store_order_of(enum object_kind kind)
{
	return kind == KIND_INGRESS ? store_compare_ingresses : store_compare_objects;
}

/* The key in `b`, which is emptied first; false when it cannot be the key of anything. */
static bool make_key(struct buf *b, enum object_kind kind, struct str namespace_, struct str name)
{
	buf_init(b, KEY_MAX);
	object_key(kind, namespace_, name, b);
	return !b->is_over;
}

static struct entry *find_entry(const struct store *s, enum object_kind kind, struct str namespace_, struct str name)
{
	struct buf key;
	struct entry *e = make_key(&key, kind, namespace_, name) ? map_get(&s->entries, buf_str(&key)) : NULL;

	buf_deinit(&key);
	return e;
}

static struct entry *need_entry(struct store *s, struct str key)
{
	struct entry *e = map_get(&s->entries, key);

	if (!e) {
		e = mem_zalloc(sizeof(*e));
		map_put(&s->entries, key, e);
	}
	return e;
}

static void free_entry(struct entry *e)
{
	object_unref(&e->object);
	problems_deinit(&e->refusal);
	problems_deinit(&e->notes);
	mem_free(e);
}

struct store *store_create(void)
{
	return mem_zalloc(sizeof(struct store));
}

void store_destroy(struct store *s)
{
	size_t cursor = 0;
	void *value;

	if (!s)
		return;
	while (map_next(&s->entries, &cursor, NULL, &value))
		free_entry(value);
	map_deinit(&s->entries);
	for (cursor = 0; map_next(&s->origins, &cursor, NULL, &value); mem_free(value))
		problems_deinit(value);
	map_deinit(&s->origins);
	store_refs_deinit(s);
	for (int kind = 0; kind < KIND_COUNT; kind++)
		order_deinit(&s->lists[kind]);
	buf_deinit(&s->everything_by);
	map_deinit(&s->dirty_hosts);
	map_deinit(&s->dirty_services);
	map_deinit(&s->dirty_endpoints);
	mem_free(s);
}

/* Makes `list` say what `now` says. False when it did already. */
static bool set_problems(struct store *s, struct problems *list, const struct problems *now)
{
	struct problems sorted = {0};
	bool is_changed;

	if (now)
		problems_add_all(&sorted, now);
	problems_sort(&sorted);
	is_changed = !problems_equal(list, &sorted);
	if (is_changed) {
		problems_deinit(list);
		*list = sorted;
		s->problems_version++;
	} else {
		problems_deinit(&sorted);
	}
	return is_changed;
}

static void take_out(struct store *s, struct entry *e)
{
	if (!e->object)
		return;
	store_unlink(s, e->object);
	order_remove(&s->lists[e->object->kind], e->object, store_order_of(e->object->kind));
}

static void replace(struct store *s, struct entry *e, struct object *object)
{
	if (e->object)
		store_mark(s, e->object);
	take_out(s, e);
	object_unref(&e->object);
	e->object = object;
	order_add(&s->lists[object->kind], object);
	store_link(s, object);
	store_mark(s, object);
}

bool store_put(struct store *s, struct object *object, const struct problems *notes)
{
	struct entry *e = need_entry(s, object->key);
	bool is_changed = set_problems(s, &e->notes, notes);

	if (e->is_refused) {
		e->is_refused = false;
		problems_deinit(&e->refusal);
		s->problems_version++;
		is_changed = true;
	}
	if (e->object && object_equal(e->object, object)) {
		object_unref(&object);
		if (is_changed)
			e->seq = ++s->seq;
		return is_changed;
	}
	e->seq = ++s->seq;
	replace(s, e, object);
	return true;
}

bool store_delete(struct store *s, enum object_kind kind, struct str namespace_, struct str name)
{
	struct entry *e = find_entry(s, kind, namespace_, name);
	struct buf key;

	if (!e)
		return false;
	if (e->object)
		store_mark(s, e->object);
	take_out(s, e);
	if (e->is_refused || e->notes.n)
		s->problems_version++;
	s->seq++;
	make_key(&key, kind, namespace_, name);
	map_del(&s->entries, buf_str(&key));
	buf_deinit(&key);
	free_entry(e);
	return true;
}

bool store_refuse(struct store *s, enum object_kind kind, struct str namespace_, struct str name,
	const struct problems *problems)
{
	struct buf key;
	bool is_new = false;

	if (make_key(&key, kind, namespace_, name)) {
		struct entry *e = need_entry(s, buf_str(&key));

		is_new = set_problems(s, &e->refusal, problems) || !e->is_refused;
		e->is_refused = true;
		if (is_new)
			e->seq = ++s->seq;
	}
	buf_deinit(&key);
	return is_new;
}

uint64_t store_seq(const struct store *s)
{
	return s->seq;
}

bool store_seen(const struct store *s, enum object_kind kind, struct str namespace_, struct str name, uint64_t *seq)
{
	const struct entry *e = find_entry(s, kind, namespace_, name);

	if (e)
		*seq = e->seq;
	return e != NULL;
}

const struct object *store_get(const struct store *s, enum object_kind kind, struct str namespace_, struct str name)
{
	const struct entry *e = find_entry(s, kind, namespace_, name);

	return e ? e->object : NULL;
}

const struct object *store_get_path(const struct store *s, enum object_kind kind, struct str path)
{
	size_t slash = str_find(path, '/');

	return slash < path.len ? store_get(s, kind, str_first(path, slash), str_from_index(path, slash + 1)) : NULL;
}

bool store_is_refused(const struct store *s, enum object_kind kind, struct str namespace_, struct str name)
{
	const struct entry *e = find_entry(s, kind, namespace_, name);

	return e && e->is_refused;
}

bool store_set_origin_problems(struct store *s, struct str origin, const struct problems *problems)
{
	struct problems *list = map_get(&s->origins, origin);
	bool is_changed;

	if (!list && (!problems || problems->n == 0))
		return false;
	if (!list) {
		list = mem_zalloc(sizeof(*list));
		map_put(&s->origins, origin, list);
	}
	is_changed = set_problems(s, list, problems);
	if (list->n == 0) {
		map_del(&s->origins, origin);
		problems_deinit(list);
		mem_free(list);
	}
	return is_changed;
}

struct object_list store_list(struct store *s, enum object_kind kind)
{
	const void *const *items = order_read(&s->lists[kind], store_order_of(kind));

	return (struct object_list){(const struct object *const *)items, s->lists[kind].n};
}

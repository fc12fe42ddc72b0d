/* Which hosts, Services and slices a change touches, kept until somebody takes them. */
#include "inside.h"

#include <stdlib.h>

#include "mem.h"

static void mark(struct map *set, struct str name)
{
	if (!map_get(set, name))
		map_put(set, name, set); /* any pointer but NULL */
}

/* The name without its kind: "default/web" of "Service default/web". */
static struct str without_prefix(struct str key)
{
	return str_from_index(key, str_find(key, ' ') + 1);
}

/* `key` is "" for what is no object that somebody reads. */
static void mark_everything(struct store *s, struct str key)
{
	bool is_same = !s->is_everything || str_eq(buf_str(&s->everything_by), key);

	s->is_everything = true;
	buf_clear(&s->everything_by);
	if (is_same)
		buf_add(&s->everything_by, key);
}

static void mark_reader(struct store *s, struct str reader, struct str key)
{
	if (str_eq(reader, STORE_EVERYTHING))
		mark_everything(s, key);
	else if (str_starts_with(reader, STR(SERVICE_PREFIX))) /* hosts have no upper case */
		mark(&s->dirty_services, without_prefix(reader));
	else
		mark(&s->dirty_hosts, reader);
}

static void mark_readers(struct store *s, struct str key)
{
	struct node *n = store_node(s, key);
	size_t cursor = 0;
	struct str reader;

	while (n && map_next(&n->readers, &cursor, &reader, NULL))
		mark_reader(s, reader, key);
}

void store_touch(struct store *s, struct str key)
{
	if (str_starts_with(key, STR(HOST_PREFIX)))
		mark(&s->dirty_hosts, without_prefix(key));
	mark_readers(s, key);
}

/* An Ingress is there, changed or gone: its hosts, and the Services whose settings it may decide (C20). */
static void mark_ref(struct store *s, const struct object *ingress, struct str key)
{
	(void)ingress;
	if (str_starts_with(key, STR(HOST_PREFIX)))
		store_touch(s, key);
	else if (str_starts_with(key, STR(SERVICE_PREFIX)))
		mark(&s->dirty_services, without_prefix(key));
}

static void mark_host(struct store *s, const struct object *ingress, struct str key)
{
	(void)ingress;
	if (str_starts_with(key, STR(HOST_PREFIX)))
		mark(&s->dirty_hosts, without_prefix(key));
}

/* The hosts of all Ingresses that name `key` in their spec. */
static void mark_users(struct store *s, struct str key)
{
	struct node *n = store_node(s, key);
	const void *const *items = n ? order_read(&n->ingresses, store_compare_ingresses) : NULL;

	for (size_t i = 0; n && i < n->ingresses.n; i++)
		store_each_ref(s, items[i], mark_host);
}

static void mark_slice(struct store *s, const struct object *o)
{
	struct buf name = {0};

	if (o->endpoint_slice.service.len == 0)
		return;
	buf_add(&name, o->namespace_);
	buf_add_char(&name, '/');
	buf_add(&name, o->endpoint_slice.service);
	mark(&s->dirty_endpoints, buf_str(&name));
	buf_deinit(&name);
}

void store_mark(struct store *s, const struct object *o)
{
	mark_readers(s, o->key);
	switch (o->kind) {
	case KIND_INGRESS:
		store_each_ref(s, o, mark_ref);
		return;
	case KIND_INGRESS_CLASS:
		mark_everything(s, STR(""));
		return;
	case KIND_SERVICE:
		mark(&s->dirty_services, without_prefix(o->key));
		mark_users(s, o->key);
		return;
	case KIND_ENDPOINT_SLICE:
		mark_slice(s, o);
		return;
	case KIND_SECRET:
		mark_users(s, o->key);
		return;
	case KIND_CONFIG_MAP:
	case KIND_NAMESPACE:
		return; /* readers alone */
	case KIND_COUNT:
		break;
	}
	abort();
}

bool store_has_changes(const struct store *s, bool *is_structural)
{
	*is_structural = s->is_everything || s->dirty_hosts.n || s->dirty_services.n;
	return *is_structural || s->dirty_endpoints.n;
}

bool store_has_everything(const struct store *s)
{
	return s->is_everything;
}

static int compare_names(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Moves the names of `set` that are not in `without` to a sorted array. */
static void take(struct map *set, const struct map *without, struct arena *arena, struct str **out, size_t *n)
{
	size_t cursor = 0;
	struct str name;

	*out = set->n ? arena_alloc(arena, set->n * sizeof(**out)) : NULL;
	*n = 0;
	while (map_next(set, &cursor, &name, NULL)) {
		if (!without || !map_get(without, name))
			(*out)[(*n)++] = arena_str(arena, name);
	}
	if (*n > 1)
		qsort(*out, *n, sizeof(**out), compare_names);
}

bool store_take_changes(struct store *s, struct arena *arena, struct store_changes *out)
{
	bool is_structural;

	*out = (struct store_changes){.everything = s->is_everything};
	if (!store_has_changes(s, &is_structural))
		return false;
	out->everything_by = arena_str(arena, buf_str(&s->everything_by));
	buf_clear(&s->everything_by);
	take(&s->dirty_hosts, NULL, arena, &out->hosts, &out->n_hosts);
	take(&s->dirty_endpoints, &s->dirty_services, arena, &out->endpoints, &out->n_endpoints);
	take(&s->dirty_services, NULL, arena, &out->services, &out->n_services);
	map_deinit(&s->dirty_hosts);
	map_deinit(&s->dirty_services);
	map_deinit(&s->dirty_endpoints);
	s->is_everything = false;
	return true;
}

bool store_take_endpoints(struct store *s, struct arena *arena, struct str **services, size_t *n)
{
	*services = NULL;
	*n = 0;
	if (s->is_everything)
		return false;
	take(&s->dirty_endpoints, &s->dirty_services, arena, services, n);
	map_deinit(&s->dirty_endpoints); /* what is in dirty_services too is built with those */
	return *n > 0;
}

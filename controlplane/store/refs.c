/* Who refers to whom. One node a thing that is referred to, found by its key. */
#include "inside.h"

#include <stdlib.h>

#include "mem.h"

struct node *store_node(const struct store *s, struct str key)
{
	return map_get(&s->nodes, key);
}

static struct str node_key(const struct node *n)
{
	return str_of(n->key, n->key_len);
}

static struct node *need_node(struct store *s, struct str key)
{
	struct node *n = store_node(s, key);

	if (!n) {
		n = mem_zalloc(sizeof(*n));
		n->key = mem_strdup(key);
		n->key_len = key.len;
		map_put(&s->nodes, key, n);
	}
	return n;
}

static void free_node(struct node *n)
{
	order_deinit(&n->ingresses);
	order_deinit(&n->slices);
	map_deinit(&n->readers);
	mem_free(n->key);
	mem_free(n);
}

static void drop_if_idle(struct store *s, struct node *n)
{
	if (n->ingresses.n || n->slices.n || n->readers.n)
		return;
	map_del(&s->nodes, node_key(n));
	free_node(n);
}

static int compare_nodes(const void *a, const void *b)
{
	return str_cmp(node_key(a), node_key(b));
}

/* ------------------------------------------------------------------------------------- what an Ingress refers to */

struct keys {
	struct arena arena;
	struct str *items;
	size_t n, cap;
};

static void add_key(struct keys *keys, const char *prefix, struct str namespace_, struct str name)
{
	size_t prefix_len = strlen(prefix), len = prefix_len + namespace_.len + name.len + (namespace_.len ? 1 : 0);
	char *text = arena_alloc(&keys->arena, len + 1), *at = text;

	memcpy(at, prefix, prefix_len);
	at += prefix_len;
	if (namespace_.len) {
		memcpy(at, namespace_.ptr, namespace_.len);
		at += namespace_.len;
		*at++ = '/';
	}
	if (name.len)
		memcpy(at, name.ptr, name.len);
	keys->items = mem_grow(keys->items, &keys->cap, keys->n + 1, sizeof(*keys->items));
	keys->items[keys->n++] = str_of(text, len);
}

static void add_host(struct keys *keys, struct str host)
{
	char lower[256];

	if (host.len == 0 || host.len > sizeof(lower)) {
		add_key(keys, HOST_PREFIX, STR(""), STR("_"));
		return;
	}
	for (size_t i = 0; i < host.len; i++)
		lower[i] = (char)ascii_lower((unsigned char)host.ptr[i]);
	add_key(keys, HOST_PREFIX, STR(""), str_of(lower, host.len));
}

static void add_service(struct keys *keys, const struct object *ingress, const struct ingress_backend *backend)
{
	if (backend->is_set && backend->service.len)
		add_key(keys, SERVICE_PREFIX, ingress->namespace_, backend->service);
}

static int compare_keys(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void collect_keys(const struct object *ingress, struct keys *keys)
{
	const struct ingress *in = &ingress->ingress;

	add_service(keys, ingress, &in->default_backend);
	if (in->n_rules == 0)
		add_host(keys, STR("")); /* B8: it owns the default server */
	for (size_t i = 0; i < in->n_rules; i++) {
		add_host(keys, in->rules[i].host);
		for (size_t j = 0; j < in->rules[i].n_paths; j++)
			add_service(keys, ingress, &in->rules[i].paths[j].backend);
	}
	for (size_t i = 0; i < in->n_tls; i++) {
		if (in->tls[i].secret.len)
			add_key(keys, "Secret ", ingress->namespace_, in->tls[i].secret);
	}
	if (keys->n > 1)
		qsort(keys->items, keys->n, sizeof(*keys->items), compare_keys);
}

void store_each_ref(struct store *s, const struct object *ingress, store_ref_fn *call)
{
	struct keys keys = {0};

	collect_keys(ingress, &keys);
	for (size_t i = 0; i < keys.n; i++) {
		if (i == 0 || !str_eq(keys.items[i], keys.items[i - 1]))
			call(s, ingress, keys.items[i]);
	}
	mem_free(keys.items);
	arena_deinit(&keys.arena);
}

static void enter_ingress(struct store *s, const struct object *ingress, struct str key)
{
	struct node *n = need_node(s, key);

	if (n->ingresses.n == 0 && str_starts_with(key, STR(HOST_PREFIX)))
		order_add(&s->hosts, n);
	order_add(&n->ingresses, ingress);
}

static void leave_ingress(struct store *s, const struct object *ingress, struct str key)
{
	struct node *n = store_node(s, key);

	order_remove(&n->ingresses, ingress, store_compare_ingresses);
	if (n->ingresses.n == 0 && str_starts_with(key, STR(HOST_PREFIX)))
		order_remove(&s->hosts, n, compare_nodes);
	drop_if_idle(s, n);
}

static struct str service_key(const struct object *slice, struct keys *keys)
{
	add_key(keys, SERVICE_PREFIX, slice->namespace_, slice->endpoint_slice.service);
	return keys->items[0];
}

void store_link(struct store *s, const struct object *o)
{
	struct keys keys = {0};

	if (o->kind == KIND_INGRESS)
		store_each_ref(s, o, enter_ingress);
	else if (o->kind == KIND_ENDPOINT_SLICE && o->endpoint_slice.service.len)
		order_add(&need_node(s, service_key(o, &keys))->slices, o);
	mem_free(keys.items);
	arena_deinit(&keys.arena);
}

void store_unlink(struct store *s, const struct object *o)
{
	struct keys keys = {0};

	if (o->kind == KIND_INGRESS) {
		store_each_ref(s, o, leave_ingress);
	} else if (o->kind == KIND_ENDPOINT_SLICE && o->endpoint_slice.service.len) {
		struct node *n = store_node(s, service_key(o, &keys));

		order_remove(&n->slices, o, store_compare_objects);
		drop_if_idle(s, n);
	}
	mem_free(keys.items);
	arena_deinit(&keys.arena);
}

/* ------------------------------------------------------------------------------------------------------ readers */

static void free_reads(struct reads *r)
{
	for (size_t i = 0; i < r->n; i++)
		mem_free(r->keys[i]);
	mem_free(r->keys);
	mem_free(r->reader);
	mem_free(r);
}

static void forget_reads(struct store *s, struct str reader)
{
	struct reads *r = map_del(&s->reads, reader);

	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++) {
		struct node *n = store_node(s, str_from(r->keys[i]));

		if (n) { /* a key given twice has left already */
			map_del(&n->readers, reader);
			drop_if_idle(s, n);
		}
	}
	free_reads(r);
}

void store_set_reads(struct store *s, struct str reader, const struct str *keys, size_t n)
{
	struct reads *r;

	forget_reads(s, reader);
	if (n == 0)
		return;
	r = mem_zalloc(sizeof(*r));
	r->reader = mem_strdup(reader);
	r->keys = mem_calloc(n, sizeof(*r->keys));
	r->n = n;
	for (size_t i = 0; i < n; i++) {
		r->keys[i] = mem_strdup(keys[i]);
		map_put(&need_node(s, keys[i])->readers, reader, r);
	}
	map_put(&s->reads, reader, r);
}

void store_refs_deinit(struct store *s)
{
	size_t cursor = 0;
	void *value;

	while (map_next(&s->nodes, &cursor, NULL, &value))
		free_node(value);
	map_deinit(&s->nodes);
	for (cursor = 0; map_next(&s->reads, &cursor, NULL, &value);)
		free_reads(value);
	map_deinit(&s->reads);
	order_deinit(&s->hosts);
	mem_free(s->host_names);
}

/* ------------------------------------------------------------------------------------------------------ answers */

/* The node of "PREFIX namespace/name", or NULL. */
static struct node *find_node(const struct store *s, const char *prefix, struct str namespace_, struct str name)
{
	struct keys keys = {0};
	struct node *n;

	add_key(&keys, prefix, namespace_, name);
	n = store_node(s, keys.items[0]);
	mem_free(keys.items);
	arena_deinit(&keys.arena);
	return n;
}

static struct object_list as_list(struct order *o, order_compare_fn *compare)
{
	return (struct object_list){(const struct object *const *)order_read(o, compare), o->n};
}

struct object_list store_slices(struct store *s, struct str namespace_, struct str service)
{
	struct node *n = find_node(s, SERVICE_PREFIX, namespace_, service);

	return n ? as_list(&n->slices, store_compare_objects) : (struct object_list){0};
}

struct object_list store_service_ingresses(struct store *s, struct str namespace_, struct str service)
{
	struct node *n = find_node(s, SERVICE_PREFIX, namespace_, service);

	return n ? as_list(&n->ingresses, store_compare_ingresses) : (struct object_list){0};
}

struct object_list store_host_ingresses(struct store *s, struct str host)
{
	struct node *n = find_node(s, HOST_PREFIX, STR(""), host);

	return n ? as_list(&n->ingresses, store_compare_ingresses) : (struct object_list){0};
}

struct host_list store_hosts(struct store *s)
{
	const void *const *nodes = order_read(&s->hosts, compare_nodes);

	s->host_names = mem_grow(s->host_names, &s->host_names_cap, s->hosts.n, sizeof(*s->host_names));
	for (size_t i = 0; i < s->hosts.n; i++)
		s->host_names[i] = str_from_index(node_key(nodes[i]), strlen(HOST_PREFIX));
	return (struct host_list){s->host_names, s->hosts.n};
}

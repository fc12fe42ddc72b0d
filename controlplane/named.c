/* Both forms of an Ingress count: the newest, which may be set aside, and the last good one, which is served. */
#include "named.h"

static void want(const struct named *n, struct str reader, const struct object *newest, const struct object *served)
{
	struct arena arena = {0};
	struct str *a = NULL, *b = NULL, *both;
	size_t n_a = 0, n_b = 0;

	if (newest)
		n_a = reconcile_ingress_names(n->store, n->options, newest, &arena, &a);
	if (served && served != newest)
		n_b = reconcile_ingress_names(n->store, n->options, served, &arena, &b);
	both = arena_alloc(&arena, (n_a + n_b + 1) * sizeof(*both));
	if (n_a)
		memcpy(both, a, n_a * sizeof(*both));
	if (n_b)
		memcpy(both + n_a, b, n_b * sizeof(*both));
	kube_want(n->kube, reader, both, n_a + n_b);
	arena_deinit(&arena);
}

static void want_of(const struct named *n, struct str namespace_, struct str name)
{
	struct buf key = {0};

	object_key(KIND_INGRESS, namespace_, name, &key);
	want(n, buf_str(&key), intake_held(n->intake, buf_str(&key)), store_get(n->store, KIND_INGRESS, namespace_, name));
	buf_deinit(&key);
}

static void want_of_settings(const struct named *n)
{
	struct arena arena = {0};
	struct str *keys;
	size_t n_keys = reconcile_settings_names(n->store, n->options, &arena, &keys);

	kube_want(n->kube, STR("settings"), keys, n_keys);
	arena_deinit(&arena);
}

void named_all(const struct named *n)
{
	struct object_list served = store_list(n->store, KIND_INGRESS);
	const struct object *held;
	size_t cursor = 0;

	for (size_t i = 0; i < served.n; i++)
		want_of(n, served.items[i]->namespace_, served.items[i]->name);
	while ((held = intake_next_held(n->intake, &cursor)))
		want_of(n, held->namespace_, held->name);
	want_of_settings(n);
}

void named_follow(const struct named *n, const struct source_event *e)
{
	enum object_kind kind = e->object ? e->object->kind : e->kind;

	if (e->type != SOURCE_PUT && e->type != SOURCE_DELETE && e->type != SOURCE_REFUSE)
		return;
	if (kind == KIND_INGRESS)
		want_of(n, e->object ? e->object->namespace_ : e->namespace_, e->object ? e->object->name : e->name);
	else if (kind == KIND_INGRESS_CLASS)
		named_all(n);
	else if (kind == KIND_CONFIG_MAP)
		want_of_settings(n);
}

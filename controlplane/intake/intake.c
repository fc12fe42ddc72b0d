/* Put, refuse, delete; what was refused is kept to be asked again. */
#include "intake.h"

#include <stdlib.h>

#include "map.h"
#include "mem.h"

struct intake {
	struct store *store;
	const struct reconcile_options *options;
	struct map held; /* key → Ingress that was refused admission, or waits for the end of the first load */
	bool is_synced;
};

struct intake *intake_create(struct store *store, const struct reconcile_options *options)
{
	struct intake *in = mem_zalloc(sizeof(*in));

	in->store = store;
	in->options = options;
	return in;
}

void intake_destroy(struct intake *in)
{
	size_t cursor = 0;
	void *value;

	if (!in)
		return;
	while (map_next(&in->held, &cursor, NULL, &value)) {
		struct object *o = value;

		object_unref(&o);
	}
	map_deinit(&in->held);
	mem_free(in);
}

const struct object *intake_held(const struct intake *in, struct str key)
{
	return map_get(&in->held, key);
}

const struct object *intake_next_held(const struct intake *in, size_t *cursor)
{
	void *value;

	return map_next(&in->held, cursor, NULL, &value) ? value : NULL;
}

static void drop_held(struct intake *in, struct str key)
{
	struct object *o = map_del(&in->held, key);

	object_unref(&o);
}

static void hold(struct intake *in, struct object *ingress)
{
	struct object *before = map_put(&in->held, ingress->key, object_ref(ingress));

	object_unref(&before);
}

/* Into the store, or set aside with the reasons. */
static bool admit(struct intake *in, struct object *ingress, const struct problems *notes)
{
	struct problems problems = {0};
	bool is_new;

	if (reconcile_admit(in->store, in->options, ingress, &problems)) {
		is_new = store_put(in->store, object_ref(ingress), notes);
		drop_held(in, ingress->key);
	} else {
		hold(in, ingress);
		is_new = store_refuse(in->store, KIND_INGRESS, ingress->namespace_, ingress->name, &problems);
	}
	problems_deinit(&problems);
	return is_new;
}

/* Again, in an order that does not depend on events: of two that exclude each other, the elder is first (C9's order). */
static int compare_held(const void *a, const void *b)
{
	const struct object *x = *(struct object *const *)a, *y = *(struct object *const *)b;

	if (x->created_s != y->created_s)
		return x->created_s < y->created_s ? -1 : 1;
	return str_cmp(y->key, x->key);
}

void intake_retry(struct intake *in)
{
	size_t n = 0, cursor = 0;
	struct object **items = mem_calloc(in->held.n + 1, sizeof(*items));
	void *value;

	while (map_next(&in->held, &cursor, NULL, &value))
		items[n++] = object_ref(value);
	if (n > 1)
		qsort(items, n, sizeof(*items), compare_held);
	for (size_t i = 0; i < n; i++) {
		admit(in, items[i], NULL);
		object_unref(&items[i]);
	}
	mem_free(items);
}

/* What options name is needed whatever namespace is watched. */
static bool is_named_by_option(const struct intake *in, struct str namespace_, struct str name)
{
	const struct str paths[] = {in->options->configmap, in->options->default_ssl_certificate,
		in->options->default_backend_service};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		size_t slash = str_find(paths[i], '/');

		if (str_eq(str_first(paths[i], slash), namespace_) && str_eq(str_from_index(paths[i], slash + 1), name))
			return true;
	}
	return false;
}

static bool is_watched(const struct intake *in, const struct source_event *e)
{
	struct str namespace_ = e->object ? e->object->namespace_ : e->namespace_;
	struct str name = e->object ? e->object->name : e->name;

	return !namespace_.len || reconcile_watches(in->options, namespace_) || is_named_by_option(in, namespace_, name) ||
		str_eq(namespace_, str_first(in->options->default_backend_service,
					   str_find(in->options->default_backend_service, '/')));
}

static bool on_put(struct intake *in, const struct source_event *e)
{
	if (e->object->kind != KIND_INGRESS)
		return store_put(in->store, object_ref(e->object), e->problems);
	if (in->is_synced)
		return admit(in, e->object, e->problems);
	hold(in, e->object); /* what admission looks at may not be there yet */
	return false;
}

/* Its newest form cannot be read: the one before it, which was refused admission, is not asked again. */
static bool on_refuse(struct intake *in, const struct source_event *e)
{
	struct buf key = {0};

	object_key(e->kind, e->namespace_, e->name, &key);
	drop_held(in, buf_str(&key));
	buf_deinit(&key);
	return store_refuse(in->store, e->kind, e->namespace_, e->name, e->problems);
}

static bool on_delete(struct intake *in, const struct source_event *e)
{
	struct buf key = {0};

	object_key(e->kind, e->namespace_, e->name, &key);
	drop_held(in, buf_str(&key));
	buf_deinit(&key);
	return store_delete(in->store, e->kind, e->namespace_, e->name);
}

static bool is_of_object(const struct source_event *e)
{
	return e->type == SOURCE_PUT || e->type == SOURCE_DELETE || e->type == SOURCE_REFUSE;
}

bool intake_take(struct intake *in, const struct source_event *e)
{
	if (is_of_object(e) && !is_watched(in, e))
		return false;
	switch (e->type) {
	case SOURCE_PUT:
		return on_put(in, e);
	case SOURCE_DELETE:
		return on_delete(in, e);
	case SOURCE_REFUSE:
		return on_refuse(in, e);
	case SOURCE_PROBLEMS:
		return store_set_origin_problems(in->store, e->origin, e->problems);
	case SOURCE_STATUS: /* decides nothing */
	case SOURCE_LISTED:
		return false;
	case SOURCE_SYNCED:
		intake_retry(in);
		in->is_synced = true;
		return false;
	}
	abort();
}

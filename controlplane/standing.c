/* The store knows what was seen; errors are the store's and the last build's. */
#include "standing.h"

/* "Ingress default/web" taken apart. */
static enum object_kind split(struct str object, struct str *namespace_, struct str *name)
{
	struct str kind_text = str_first(object, str_find(object, ' '));
	struct str path = str_from_index(object, kind_text.len + 1);
	enum object_kind kind = 0;
	size_t slash;

	while (kind < KIND_COUNT && !str_eq(object_kind_text(kind), kind_text))
		kind++;
	if (kind == KIND_COUNT)
		return kind;
	slash = object_kind_is_namespaced(kind) ? str_find(path, '/') : path.len;
	*namespace_ = slash < path.len ? str_first(path, slash) : STR("");
	*name = slash < path.len ? str_from_index(path, slash + 1) : path;
	return kind;
}

static void add_faults(const struct problems *all, struct str object, struct problems *faults)
{
	for (size_t i = 0; i < all->n; i++) {
		if (all->items[i].severity == SEVERITY_FAULT && str_eq(all->items[i].object, object))
			problems_add(faults, &all->items[i]);
	}
}

void standing_of(struct store *store, const struct reconcile_options *options, const struct problems *found,
	struct str object, struct publish_standing *out, struct problems *faults)
{
	struct str namespace_, name;
	enum object_kind kind = split(object, &namespace_, &name);
	struct problems all = {0};
	const struct object *o;

	*out = (struct publish_standing){.seq = store_seq(store)};
	if (kind == KIND_COUNT)
		return;
	out->is_known = store_seen(store, kind, namespace_, name, &out->seq);
	out->is_refused = store_is_refused(store, kind, namespace_, name);
	if (!faults)
		return;
	o = kind == KIND_INGRESS ? store_get(store, kind, namespace_, name) : NULL;
	out->is_unused = o && !reconcile_takes(store, options, o);
	store_problems(store, &all);
	problems_add_all(&all, found);
	add_faults(&all, object, faults);
	problems_sort(faults);
	problems_deinit(&all);
}

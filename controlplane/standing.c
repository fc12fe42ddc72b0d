/* The store knows what was seen; errors are the store's and the last build's. */
#include "standing.h"

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
	enum object_kind kind = object_key_read(object, &namespace_, &name);
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

/* The store knows what was seen; errors are the store's and the last build's. */
#include "standing.h"

#include <stdlib.h>

#include "pool.h"
#include "weirlock/v1/snapshot.pb-c.h"

static void add_faults(const struct problems *all, struct str object, struct problems *faults)
{
	for (size_t i = 0; i < all->n; i++) {
		if (all->items[i].severity == SEVERITY_FAULT && str_eq(all->items[i].object, object))
			problems_add(faults, &all->items[i]);
	}
}

/* A Secret is of the pools that have something which is made of it. */
static uint64_t pools_of_secret(const struct parts *parts, size_t n_pools, struct str path)
{
	static const uint32_t kinds[] = {WEIRLOCK__V1__KIND__KIND_CERTIFICATE, WEIRLOCK__V1__KIND__KIND_BACKEND_SECRET,
		WEIRLOCK__V1__KIND__KIND_CLIENT_CA};
	uint64_t bits = 0;

	for (size_t i = 0; i < n_pools; i++) {
		const struct snapshot *s = parts_snapshot(parts, i);

		for (size_t k = 0; s && k < sizeof(kinds) / sizeof(kinds[0]); k++) {
			if (content_get(s->content, kinds[k], path))
				bits |= pool_bit(i);
		}
	}
	return bits;
}

/* 0 for what all have, and for what nobody has. */
static uint64_t pools_of_object(struct store *store, const struct reconcile_options *options, const struct parts *parts,
	const struct object *o)
{
	switch (o->kind) {
	case KIND_INGRESS:
		return reconcile_pools_of_ingress(store, options, o);
	case KIND_SERVICE:
		return reconcile_pools_of_service(store, options, o->namespace_, o->name);
	case KIND_ENDPOINT_SLICE:
		return reconcile_pools_of_service(store, options, o->namespace_, o->endpoint_slice.service);
	case KIND_SECRET: /* "Secret default/web" */
		return pools_of_secret(parts, options->pools->n, str_from_index(o->key, str_find(o->key, ' ') + 1));
	case KIND_INGRESS_CLASS:
	case KIND_CONFIG_MAP:
	case KIND_NAMESPACE:
	case KIND_COUNT:
		return 0;
	}
	abort();
}

void standing_of(struct store *store, const struct reconcile_options *options, const struct parts *parts,
	const struct problems *found, struct str object, struct publish_standing *out, struct problems *faults)
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
	o = store_get(store, kind, namespace_, name);
	if (o)
		out->pools = pools_of_object(store, options, parts, o);
	if (!faults)
		return;
	out->is_unused = o && kind == KIND_INGRESS && (!out->pools || !reconcile_takes(store, options, o));
	store_problems(store, &all);
	problems_add_all(&all, found);
	add_faults(&all, object, faults);
	problems_sort(faults);
	problems_deinit(&all);
}

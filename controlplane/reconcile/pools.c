/*
 * What a pool has. A namespace's labels are read again by each part that asks, so that it is noted for each: a view is read
 * once a pass, and that first reading is one part's.
 */
#include "pass.h"

static const struct object *namespace_of(struct reconcile *pass, struct str name)
{
	return pools_want_namespaces(pass->options->pools) ? pass_object(pass, KIND_NAMESPACE, STR(""), name) : NULL;
}

size_t pool_count(const struct reconcile *pass)
{
	return pass->options->pools ? pass->options->pools->n : 1;
}

const char *pool_name(const struct reconcile *pass)
{
	return pass->options->pools ? pass->options->pools->items[pass->pool].name : POOL_DEFAULT;
}

static uint64_t pools_of_view(struct reconcile *pass, const struct view *view)
{
	const struct object *o = view->object;

	return pools_of_ingress(pass->options->pools, class_named(o), namespace_of(pass, o->namespace_));
}

void pool_read_view(struct reconcile *pass, struct view *view)
{
	view->pools = pass->options->pools ? pools_of_view(pass, view) : 1;
}

void pool_complain(struct view *view)
{
	const struct object *o = view->object;

	if (!view->pools)
		result_problem(&view->problems, SEVERITY_WARN, o->key, "spec.ingressClassName", class_named(o),
			"an Ingress that belongs to a pool, by its class or by the labels of its namespace",
			"see the --pool options of the controller: name another class, or label the namespace", "no proxy serves it");
}

void pool_note_reads(struct reconcile *pass, struct object_list ingresses)
{
	for (size_t i = 0; pass->options->pools && i < ingresses.n; i++)
		namespace_of(pass, ingresses.items[i]->namespace_);
}

bool pool_has_view(struct reconcile *pass, const struct view *view)
{
	if (!pass->options->pools)
		return true;
	namespace_of(pass, view->object->namespace_); /* noted */
	return view->pools & pool_bit(pass->pool);
}

bool pool_has_namespace(struct reconcile *pass, struct str namespace_)
{
	if (!pass->options->pools)
		return true;
	return pools_of_service(pass->options->pools, namespace_of(pass, namespace_)) & pool_bit(pass->pool);
}

/* ------------------------------------------------------------------------------------------------------- for others */

uint64_t reconcile_pools_of_ingress(struct store *store, const struct reconcile_options *options, const struct object *ingress)
{
	const struct object *namespace_ = store_get(store, KIND_NAMESPACE, STR(""), ingress->namespace_);

	return options->pools ? pools_of_ingress(options->pools, class_named(ingress), namespace_) : 1;
}

/* Whether an entry of the ConfigMap leads to the Service. */
static bool has_entry(const struct object *map, struct str namespace_, struct str name)
{
	for (size_t i = 0; map && i < map->config_map.n_data; i++) {
		struct tcp_entry e = {0};

		if (!tcp_parse_value(map->config_map.data[i].value, &e) && tcp_leads_to(&e, namespace_, name, NULL))
			return true;
	}
	return false;
}

uint64_t reconcile_pools_of_service(
	struct store *store, const struct reconcile_options *options, struct str namespace_, struct str name)
{
	struct object_list ingresses = store_service_ingresses(store, namespace_, name);
	uint64_t bits = options->pools ? 0 : 1;

	for (size_t i = 0; i < ingresses.n; i++) {
		if (reconcile_takes(store, options, ingresses.items[i]))
			bits |= reconcile_pools_of_ingress(store, options, ingresses.items[i]);
	}
	if (options->pools && (has_entry(store_get_path(store, KIND_CONFIG_MAP, options->tcp_services_configmap), namespace_, name) ||
				      has_entry(store_get_path(store, KIND_CONFIG_MAP, options->udp_services_configmap), namespace_, name)))
		bits |= pools_of_service(options->pools, store_get(store, KIND_NAMESPACE, STR(""), namespace_));
	return bits;
}

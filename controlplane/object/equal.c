/* Whether two objects say the same. Field by field, in the order of object.h. */
#include <stdlib.h>

#include "object.h"

static bool pairs_equal(const struct pair *a, size_t n_a, const struct pair *b, size_t n_b)
{
	if (n_a != n_b)
		return false;
	for (size_t i = 0; i < n_a; i++) {
		if (!str_eq(a[i].name, b[i].name) || !str_eq(a[i].value, b[i].value))
			return false;
	}
	return true;
}

static bool texts_equal(const struct str *a, size_t n_a, const struct str *b, size_t n_b)
{
	if (n_a != n_b)
		return false;
	for (size_t i = 0; i < n_a; i++) {
		if (!str_eq(a[i], b[i]))
			return false;
	}
	return true;
}

static bool ports_equal(const struct port_ref *a, const struct port_ref *b)
{
	return a->number == b->number && str_eq(a->name, b->name);
}

static bool published_equal(const struct published *a, size_t n_a, const struct published *b, size_t n_b)
{
	if (n_a != n_b)
		return false;
	for (size_t i = 0; i < n_a; i++) {
		if (!str_eq(a[i].ip, b[i].ip) || !str_eq(a[i].hostname, b[i].hostname))
			return false;
	}
	return true;
}

static bool backends_equal(const struct ingress_backend *a, const struct ingress_backend *b)
{
	return str_eq(a->service, b->service) && ports_equal(&a->port, &b->port) && a->is_resource == b->is_resource &&
		a->is_set == b->is_set;
}

static bool rules_equal(const struct ingress_rule *a, const struct ingress_rule *b)
{
	if (!str_eq(a->host, b->host) || a->n_paths != b->n_paths || a->has_http != b->has_http)
		return false;
	for (size_t i = 0; i < a->n_paths; i++) {
		const struct ingress_path *pa = &a->paths[i], *pb = &b->paths[i];

		if (!str_eq(pa->path, pb->path) || pa->type != pb->type || !backends_equal(&pa->backend, &pb->backend))
			return false;
	}
	return true;
}

static bool ingresses_equal(const struct ingress *a, const struct ingress *b)
{
	if (a->has_class_name != b->has_class_name || !str_eq(a->class_name, b->class_name) ||
		!backends_equal(&a->default_backend, &b->default_backend) || a->n_rules != b->n_rules || a->n_tls != b->n_tls)
		return false;
	for (size_t i = 0; i < a->n_rules; i++) {
		if (!rules_equal(&a->rules[i], &b->rules[i]))
			return false;
	}
	for (size_t i = 0; i < a->n_tls; i++) {
		const struct ingress_tls *ta = &a->tls[i], *tb = &b->tls[i];

		if (!str_eq(ta->secret, tb->secret) || !texts_equal(ta->hosts, ta->n_hosts, tb->hosts, tb->n_hosts))
			return false;
	}
	return true;
}

static bool services_equal(const struct service *a, const struct service *b)
{
	if (a->type != b->type || !str_eq(a->cluster_ip, b->cluster_ip) || !str_eq(a->external_name, b->external_name) ||
		a->n_ports != b->n_ports)
		return false;
	for (size_t i = 0; i < a->n_ports; i++) {
		const struct service_port *pa = &a->ports[i], *pb = &b->ports[i];

		if (!str_eq(pa->name, pb->name) || !str_eq(pa->protocol, pb->protocol) || pa->port != pb->port ||
			!ports_equal(&pa->target, &pb->target) || !str_eq(pa->app_protocol, pb->app_protocol))
			return false;
	}
	return true;
}

static bool endpoints_equal(const struct slice_endpoint *a, const struct slice_endpoint *b)
{
	return texts_equal(a->addresses, a->n_addresses, b->addresses, b->n_addresses) && a->is_ready == b->is_ready &&
		a->is_serving == b->is_serving && a->is_terminating == b->is_terminating && str_eq(a->zone, b->zone) &&
		texts_equal(a->for_zones, a->n_for_zones, b->for_zones, b->n_for_zones);
}

static bool slices_equal(const struct endpoint_slice *a, const struct endpoint_slice *b)
{
	if (!str_eq(a->service, b->service) || !str_eq(a->address_type, b->address_type) ||
		a->n_endpoints != b->n_endpoints || a->n_ports != b->n_ports)
		return false;
	for (size_t i = 0; i < a->n_endpoints; i++) {
		if (!endpoints_equal(&a->endpoints[i], &b->endpoints[i]))
			return false;
	}
	for (size_t i = 0; i < a->n_ports; i++) {
		const struct slice_port *pa = &a->ports[i], *pb = &b->ports[i];

		if (!str_eq(pa->name, pb->name) || !str_eq(pa->protocol, pb->protocol) || pa->port != pb->port ||
			pa->has_port != pb->has_port)
			return false;
	}
	return true;
}

static bool specs_equal(const struct object *a, const struct object *b)
{
	switch (a->kind) {
	case KIND_INGRESS:
		return ingresses_equal(&a->ingress, &b->ingress);
	case KIND_INGRESS_CLASS:
		return str_eq(a->ingress_class.controller, b->ingress_class.controller) &&
			a->ingress_class.is_default == b->ingress_class.is_default;
	case KIND_SERVICE:
		return services_equal(&a->service, &b->service);
	case KIND_ENDPOINT_SLICE:
		return slices_equal(&a->endpoint_slice, &b->endpoint_slice);
	case KIND_SECRET:
		return str_eq(a->secret.type, b->secret.type) &&
			pairs_equal(a->secret.data, a->secret.n_data, b->secret.data, b->secret.n_data);
	case KIND_CONFIG_MAP:
		return pairs_equal(a->config_map.data, a->config_map.n_data, b->config_map.data, b->config_map.n_data);
	case KIND_NAMESPACE:
	case KIND_COUNT:
		return true;
	}
	abort();
}

bool object_equal(const struct object *a, const struct object *b)
{
	return a->kind == b->kind && str_eq(a->key, b->key) && a->created_s == b->created_s &&
		pairs_equal(a->labels, a->n_labels, b->labels, b->n_labels) &&
		pairs_equal(a->annotations, a->n_annotations, b->annotations, b->n_annotations) && specs_equal(a, b);
}

bool object_addresses_equal(const struct object *a, const struct object *b)
{
	if (a->kind == KIND_INGRESS)
		return published_equal(a->ingress.balancer, a->ingress.n_balancer, b->ingress.balancer, b->ingress.n_balancer);
	if (a->kind == KIND_SERVICE)
		return published_equal(a->service.balancer, a->service.n_balancer, b->service.balancer, b->service.n_balancer) &&
			texts_equal(a->service.external_ips, a->service.n_external_ips, b->service.external_ips,
				b->service.n_external_ips);
	return true;
}

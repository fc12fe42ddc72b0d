/* EndpointSlices to addresses (H). One Endpoints resource per slice, so that a change of one slice sends that slice alone. */
#include <stdlib.h>

#include "mem.h"
#include "pass.h"

static bool is_of_protocol(const struct service_port *p, bool is_udp)
{
	return is_udp ? str_eq(p->protocol, STR("UDP")) : p->protocol.len == 0 || str_eq(p->protocol, STR("TCP"));
}

static bool port_fits(const struct service_port *p, const struct port_ref *port)
{
	if (port->number)
		return p->port == port->number || p->target.number == port->number;
	return port->name.len > 0 && (str_eq(p->name, port->name) || str_eq(p->target.name, port->name));
}

/* H3: the first one in the order of the spec. */
const struct service_port *endpoint_find_port(const struct service *service, const struct port_ref *port)
{
	for (size_t i = 0; i < service->n_ports; i++) {
		const struct service_port *p = &service->ports[i];

		if (port_fits(p, port) && is_of_protocol(p, port->is_udp))
			return p;
	}
	return NULL;
}

enum { ENDPOINTS_MAX = 20000 }; /* of one slice, addresses times ports: what a proxy takes */

/* One slice on its way. */
struct slice_build {
	struct arena *arena;
	struct reconcile *pass;
	const struct service_use *use;
	struct reconcile_result *result;
	const struct object *slice; /* who is to blame for a bad address */
	Weirlock__V1__Endpoint **items;
	size_t n, cap;
};

static void add_address(struct slice_build *b, const struct slice_endpoint *from, struct str text, uint16_t port)
{
	Weirlock__V1__Endpoint *out;
	struct addr ip;

	if (!addr_parse_ip(text, &ip)) {
		result_problem(&b->result->problems, SEVERITY_FAULT, b->slice->key, "endpoints.addresses", text,
			"an IPv4 or IPv6 address", "correct the address", "this address is not used, the others are");
		return;
	}
	if (b->n >= ENDPOINTS_MAX)
		return;
	out = arena_alloc(b->arena, sizeof(*out));
	weirlock__v1__endpoint__init(out);
	out->ip = message_bytes(b->arena, addr_bytes(&ip));
	out->port = port;
	out->state = from->is_ready ? WEIRLOCK__V1__ENDPOINT_STATE__ENDPOINT_READY
				    : WEIRLOCK__V1__ENDPOINT_STATE__ENDPOINT_TERMINATING;
	if (b->use->has_affinity)
		out->id = affinity_endpoint_id(b->pass, b->use->backend, addr_bytes(&ip), port);
	out->zone = message_text(b->arena, from->zone);
	out->for_zones = message_texts(b->arena, from->for_zones, from->n_for_zones);
	out->n_for_zones = from->n_for_zones;
	b->items = mem_grow(b->items, &b->cap, b->n + 1, sizeof(struct Weirlock__V1__Endpoint *));
	b->items[b->n++] = out;
}

/* H1; beyond it, one that ends but still serves is carried, for when nothing is ready (Y13). */
static bool is_usable(const struct slice_endpoint *e)
{
	return e->is_ready || (e->is_serving && e->is_terminating);
}

static void add_port(struct slice_build *b, const struct endpoint_slice *slice, uint16_t port)
{
	for (size_t i = 0; i < slice->n_endpoints && port != 0; i++) {
		const struct slice_endpoint *e = &slice->endpoints[i];

		for (size_t a = 0; is_usable(e) && a < e->n_addresses; a++)
			add_address(b, e, e->addresses[a], port);
	}
}

/* The number of the targetPort, which is the port itself where it is not given; 0 for a name. */
static uint16_t numeric_target(const struct service_port *target)
{
	return target->target.number || target->target.name.len ? target->target.number : target->port;
}

/* H3: ports of the slice by the name of the Service's port; without any that fits, a numeric targetPort. */
static void add_ports(struct slice_build *b, const struct endpoint_slice *slice, const struct service_port *target)
{
	struct str protocol = target->protocol.len ? target->protocol : STR("TCP");
	bool found = false;

	for (size_t i = 0; i < slice->n_ports; i++) {
		const struct slice_port *p = &slice->ports[i];

		if (!str_eq(p->protocol.len ? p->protocol : STR("TCP"), protocol) || !p->has_port)
			continue;
		if (target->name.len > 0 && !str_eq(p->name, target->name))
			continue;
		add_port(b, slice, p->port);
		found = true;
	}
	if (!found)
		add_port(b, slice, numeric_target(target));
}

static int compare_endpoints(const void *a, const void *b)
{
	const Weirlock__V1__Endpoint *x = *(Weirlock__V1__Endpoint *const *)a;
	const Weirlock__V1__Endpoint *y = *(Weirlock__V1__Endpoint *const *)b;
	int order;

	if (x->ip.len != y->ip.len)
		return x->ip.len < y->ip.len ? -1 : 1;
	order = memcmp(x->ip.data, y->ip.data, x->ip.len);
	if (order == 0 && x->port != y->port)
		order = x->port < y->port ? -1 : 1;
	return order ? order : (int)x->state - (int)y->state; /* ready before terminating: the first of two equal ones stays */
}

static bool same_endpoint(const Weirlock__V1__Endpoint *x, const Weirlock__V1__Endpoint *y)
{
	return x->ip.len == y->ip.len && memcmp(x->ip.data, y->ip.data, x->ip.len) == 0 && x->port == y->port;
}

/* Sorts, drops duplicates, packs. Returns how many were put. */
static size_t put_slice(struct slice_build *b, struct str backend, struct str slice)
{
	Weirlock__V1__Endpoints message = WEIRLOCK__V1__ENDPOINTS__INIT;
	size_t kept = 0;

	if (b->n > 1)
		qsort(b->items, b->n, sizeof(struct Weirlock__V1__Endpoint *), compare_endpoints);
	for (size_t i = 0; i < b->n; i++) {
		if (kept == 0 || !same_endpoint(b->items[i], b->items[kept - 1]))
			b->items[kept++] = b->items[i];
	}
	message.backend = message_text(b->arena, backend);
	message.endpoints = b->items;
	message.n_endpoints = kept;
	if (kept > 0)
		result_put(b->result, WEIRLOCK__V1__KIND__KIND_ENDPOINTS,
			arena_printf(b->arena, "%.*s/%.*s", STR_ARG(backend), STR_ARG(slice)), &message.base);
	mem_free(b->items);
	return kept;
}

/* H5: the Service's own address; "-" is no name that a slice could have. */
static size_t put_cluster_ip(struct reconcile *pass, const struct service_use *use, struct reconcile_result *result)
{
	struct slice_build b = {.arena = &pass->scratch, .pass = pass, .use = use, .result = result, .slice = use->service};
	struct slice_endpoint self = {.is_ready = true};

	add_address(&b, &self, use->service->service.cluster_ip, use->target->port);
	return put_slice(&b, use->backend, STR("-"));
}

size_t endpoint_put_all(struct reconcile *pass, const struct service_use *use, struct reconcile_result *result)
{
	struct object_list slices = store_slices(pass->untracked, use->namespace_, use->name);
	size_t n = 0;

	if (use->uses_cluster_ip)
		return put_cluster_ip(pass, use, result);
	for (size_t i = 0; i < slices.n; i++) {
		const struct object *slice = slices.items[i];
		struct slice_build b = {.arena = &pass->scratch, .pass = pass, .use = use, .result = result, .slice = slice};

		if (str_eq(slice->endpoint_slice.address_type, STR("FQDN"))) {
			result_problem(&result->problems, SEVERITY_WARN, slice->key, "addressType", STR("FQDN"),
				"IPv4 or IPv6", "use IPv4 or IPv6", "the slice is not used");
			continue;
		}
		add_ports(&b, &slice->endpoint_slice, use->target);
		n += put_slice(&b, use->backend, slice->name);
	}
	return n;
}

/*
 * For a Backend that only a pinned snapshot has: no Ingress says anything of it any more, its name has to do.
 */

/* The port of "namespace/service:port", by number or name; of a UDP service "/udp" is behind it. */
static struct port_ref port_of(struct str text)
{
	struct port_ref port = {0};
	uint64_t number;

	port.is_udp = str_ends_with(text, STR("/udp"));
	if (port.is_udp)
		text = str_first(text, text.len - 4);
	if (str_to_u64(text, 65535, &number))
		port.number = (uint16_t)number;
	else
		port.name = text;
	return port;
}

void reconcile_backend_endpoints(struct reconcile *pass, struct str backend, bool has_affinity, bool uses_cluster_ip,
	struct reconcile_result *result)
{
	size_t slash = str_find(backend, '/'), colon = str_rfind(backend, ':');
	struct service_use use = {.backend = backend, .has_affinity = has_affinity, .uses_cluster_ip = uses_cluster_ip};

	if (slash == backend.len || colon == backend.len || colon < slash)
		return;
	arena_reset(&pass->scratch);
	use.namespace_ = str_first(backend, slash);
	use.name = str_from_index(str_first(backend, colon), slash + 1);
	use.port = port_of(str_from_index(backend, colon + 1));
	use.service = store_get(pass->untracked, KIND_SERVICE, use.namespace_, use.name);
	use.target = use.service ? endpoint_find_port(&use.service->service, &use.port) : NULL;
	if (use.target && use.service->service.type != SERVICE_EXTERNAL_NAME)
		endpoint_put_all(pass, &use, result);
}

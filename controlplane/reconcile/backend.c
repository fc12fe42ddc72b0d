/* Stage 4: the Services that Ingresses name. One Backend per Service and port (C20), one Endpoints per slice of each. */
#include <stdlib.h>

#include "mem.h"
#include "pass.h"

struct str port_text(struct arena *arena, const struct port_ref *port)
{
	return port->number ? arena_printf(arena, "%u", (unsigned)port->number) : port->name;
}

/*
 * "namespace/service:port" and not ingress-nginx's "namespace-service-port": there, Service b-c of namespace a and Service c
 * of namespace a-b are one, and a tenant could stand in another's way.
 */
struct str backend_name(struct arena *arena, struct str namespace_, const struct ingress_backend *backend)
{
	struct str port = port_text(arena, &backend->port);

	return arena_printf(arena, "%.*s/%.*s:%.*s", STR_ARG(namespace_), STR_ARG(backend->service), STR_ARG(port));
}

/* One port of one Service, and the oldest Ingress that names it. */
struct use {
	struct port_ref port;
	struct view *view; /* NULL: the default backend */
};
struct uses {
	struct reconcile *pass;
	struct reconcile_result *result;
	struct str namespace_, name;
	const struct object *service;
	struct use *items;
	size_t n, cap;
};

static bool same_port(const struct port_ref *a, const struct port_ref *b)
{
	return a->number == b->number && (a->number || str_eq(a->name, b->name));
}

/* C20: the first Ingress decides; others that want it otherwise are told. */
static void complain_difference(struct uses *u, const struct use *first, const struct view *later, enum annotation_id id)
{
	const struct annotation *kept = first->view ? annotation_get(&first->view->annotations, id) : NULL;
	const struct annotation *lost = annotation_get(&later->annotations, id);

	if (!lost || (kept && kept->value.number == lost->value.number && kept->value.flag == lost->value.flag))
		return;
	problems_add(&u->result->problems, &(struct problem){.severity = SEVERITY_WARN, .object = later->object->key,
		.field = lost->name, .value = lost->written,
		.rule = arena_printf(&u->pass->scratch, "what the oldest Ingress that names the Service says, which decides for all: %.*s (C20)",
			STR_ARG(first->view ? first->view->object->key : STR("the default backend"))),
		.fix = STR("write the same annotation on both Ingresses"), .effect = STR("this one has no effect on the Service")});
}

static void add_use(struct uses *u, const struct port_ref *port, struct view *view)
{
	for (size_t i = 0; i < u->n; i++) {
		struct use *first = &u->items[i];

		if (!same_port(&first->port, port))
			continue;
		if (first->view == view || !view)
			return;
		complain_difference(u, first, view, ANNOTATION_BACKEND_PROTOCOL);
		complain_difference(u, first, view, ANNOTATION_LOAD_BALANCE);
		complain_difference(u, first, view, ANNOTATION_SERVICE_UPSTREAM);
		return;
	}
	u->items = mem_grow(u->items, &u->cap, u->n + 1, sizeof(*u->items));
	u->items[u->n++] = (struct use){*port, view};
}

static void add_backend(struct uses *u, const struct ingress_backend *backend, struct view *view)
{
	if (backend->is_set && !backend->is_resource && str_eq(backend->service, u->name))
		add_use(u, &backend->port, view);
}

static void add_view(struct uses *u, struct view *view)
{
	const struct ingress *ingress = &view->object->ingress;

	for (size_t r = 0; r < ingress->n_rules; r++) {
		for (size_t p = 0; p < ingress->rules[r].n_paths; p++)
			add_backend(u, &ingress->rules[r].paths[p].backend, view);
	}
	add_backend(u, &ingress->default_backend, view);
}

static const struct object *default_service(const struct reconcile *pass)
{
	const struct object *service = store_get_path(pass->store, KIND_SERVICE, pass->options->default_backend_service);

	return service && service->service.n_ports > 0 ? service : NULL;
}

/* D4: the first port of the service. */
struct str backend_default(struct reconcile *pass)
{
	const struct object *service = default_service(pass);
	struct ingress_backend backend = {.is_set = true};

	if (!service)
		return STR("");
	backend.service = service->name;
	backend.port.number = service->service.ports[0].port;
	return backend_name(&pass->arena, service->namespace_, &backend);
}

static void add_default(struct uses *u)
{
	const struct object *service = default_service(u->pass);

	if (service && service == u->service)
		add_use(u, &(struct port_ref){.number = service->service.ports[0].port}, NULL);
}

static void fill_balance(const struct uses *u, const struct use *use, Weirlock__V1__Backend *out)
{
	enum { ROUND_ROBIN, EWMA }; /* the first words of both tables */
	const struct annotation *a = use->view ? annotation_get(&use->view->annotations, ANNOTATION_LOAD_BALANCE) : NULL;
	const struct setting *s = &u->pass->settings.items[SETTING_LOAD_BALANCE];
	bool is_ewma = a ? a->value.number == EWMA : s->value.number == EWMA;

	if (is_ewma)
		out->load_balance = WEIRLOCK__V1__LOAD_BALANCE__LOAD_BALANCE_EWMA;
	if (a && a->value.number != ROUND_ROBIN && !is_ewma)
		problems_add(&u->result->problems, &(struct problem){.severity = SEVERITY_WARN,
			.object = use->view->object->key, .field = a->name, .value = a->written,
			.rule = STR("served yet"), .fix = STR("write round_robin or ewma"),
			.effect = STR("round_robin is used")});
}

static void add_origin(const struct uses *u, const struct use *use, const char *backend, const char *field, enum annotation_id id)
{
	const struct annotation *a = use->view ? annotation_get(&use->view->annotations, id) : NULL;

	if (a)
		result_origin(u->result, &(struct provenance){.kind = WEIRLOCK__V1__KIND__KIND_BACKEND,
			.name = str_from(backend), .field = str_from(field), .object = use->view->object->key,
			.key = a->name, .value = a->written});
}

static void fill_protocol(const struct use *use, Weirlock__V1__Backend *out)
{
	const struct annotation *a = use->view ? annotation_get(&use->view->annotations, ANNOTATION_BACKEND_PROTOCOL) : NULL;

	if (a)
		out->protocol = (Weirlock__V1__Protocol)a->value.number; /* the table has the words in the message's order */
}

static bool wants_cluster_ip(const struct uses *u, const struct use *use)
{
	const struct annotation *a = use->view ? annotation_get(&use->view->annotations, ANNOTATION_SERVICE_UPSTREAM) : NULL;

	return a ? a->value.flag : u->pass->settings.items[SETTING_SERVICE_UPSTREAM].value.flag;
}

/* What an Ingress is told when the Service it names answers 503 for all requests (D1). */
static void complain_service(const struct uses *u, const struct use *use, struct str value, const char *rule, const char *fix)
{
	if (use->view)
		result_problem(&u->result->problems, SEVERITY_WARN, use->view->object->key, "backend.service", value, rule, fix,
			"requests to it get 503");
}

/* H6 */
static void fill_external(const struct uses *u, const struct use *use, const struct service_port *target,
	Weirlock__V1__Backend *out)
{
	const struct service *service = &u->service->service;
	uint32_t port = use->port.number;

	if (target)
		port = target->target.number ? target->target.number : target->port;
	if (u->pass->options->disable_svc_external_name) {
		complain_service(u, use, service->external_name, "a Service with endpoints, and --disable-svc-external-name leaves others out",
			"use a Service with a selector");
		return;
	}
	if (service->external_name.len == 0 || service->external_name.len > 253 || port == 0 ||
		!value_has_only(service->external_name, "-._")) {
		complain_service(u, use, service->external_name, "a name with a port (H6)", "name a host, and a port by number");
		return;
	}
	complain_service(u, use, service->external_name, "a Service with endpoints, and ExternalName is not served yet (H6)",
		"use a Service with a selector or with EndpointSlices of its own");
	out->external_name = message_text(&u->pass->scratch, service->external_name);
	out->external_port = port;
}

static bool is_cluster_ip(const struct service *service)
{
	struct addr ip;

	return addr_parse_ip(service->cluster_ip, &ip); /* "None" and "" fall back to endpoints (H5) */
}

static void put_endpoints(const struct uses *u, const struct use *use, const struct service_port *target, struct str backend)
{
	struct service_use of = {.service = u->service, .namespace_ = u->namespace_, .name = u->name, .port = use->port,
		.target = target, .backend = backend};
	struct str port = port_text(&u->pass->scratch, &use->port);

	if (!target) {
		complain_service(u, use, arena_printf(&u->pass->scratch, "%.*s:%.*s", STR_ARG(u->name), STR_ARG(port)),
			"a TCP port of the Service, by number or name (H3)", "name a port that the Service has");
		return;
	}
	of.uses_cluster_ip = wants_cluster_ip(u, use) && is_cluster_ip(&u->service->service);
	if (endpoint_put_all(u->pass, &of, u->result) == 0)
		complain_service(u, use, arena_printf(&u->pass->scratch, "%.*s:%.*s", STR_ARG(u->name), STR_ARG(port)),
			"a Service with a ready endpoint (D1)", "see why its pods are not ready, or its selector fits none");
}

static void put_backend(const struct uses *u, const struct use *use)
{
	Weirlock__V1__Backend message = WEIRLOCK__V1__BACKEND__INIT;
	struct arena *scratch = &u->pass->scratch;
	struct ingress_backend named = {.service = u->name, .port = use->port};
	struct str name = backend_name(scratch, u->namespace_, &named);
	const struct service_port *target = u->service ? endpoint_find_port(&u->service->service, &use->port) : NULL;

	message.service = message_text(scratch, arena_printf(scratch, "%.*s/%.*s", STR_ARG(u->namespace_), STR_ARG(u->name)));
	message.port = message_text(scratch, port_text(scratch, &use->port));
	fill_protocol(use, &message);
	fill_balance(u, use, &message);
	if (!u->service)
		complain_service(u, use, u->name, "a Service that exists (D1)", "create it, or name one that exists");
	else if (u->service->service.type == SERVICE_EXTERNAL_NAME)
		fill_external(u, use, target, &message);
	else
		put_endpoints(u, use, target, name);
	add_origin(u, use, name.ptr, "protocol", ANNOTATION_BACKEND_PROTOCOL);
	add_origin(u, use, name.ptr, "load_balance", ANNOTATION_LOAD_BALANCE);
	add_origin(u, use, name.ptr, "service_upstream", ANNOTATION_SERVICE_UPSTREAM);
	result_put(u->result, WEIRLOCK__V1__KIND__KIND_BACKEND, name, &message.base);
}

void reconcile_service(struct reconcile *pass, struct str service, struct reconcile_result *result)
{
	size_t slash = str_find(service, '/');
	struct uses u = {.pass = pass, .result = result};
	struct view **views;
	size_t n;

	if (slash == service.len)
		return;
	arena_reset(&pass->scratch);
	u.namespace_ = arena_str(&pass->scratch, str_first(service, slash));
	u.name = arena_str(&pass->scratch, str_from_index(service, slash + 1));
	u.service = store_get(pass->store, KIND_SERVICE, u.namespace_, u.name);
	views = views_served(pass, store_service_ingresses(pass->store, u.namespace_, u.name), &n);
	for (size_t i = 0; i < n; i++)
		add_view(&u, views[i]);
	add_default(&u);
	for (size_t i = 0; i < u.n; i++)
		put_backend(&u, &u.items[i]);
	mem_free(u.items);
}

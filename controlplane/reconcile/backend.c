/* Stage 4: the Services that Ingresses name. One Backend per Service and port (C20), one Endpoints per slice of each. */
#include <stdlib.h>

#include "expression.h"
#include "mem.h"
#include "pass.h"

struct str port_text(struct arena *arena, const struct port_ref *port)
{
	const char *end = port->is_udp ? "/udp" : ""; /* a Service may have one number, or one name, for both protocols */

	if (port->number)
		return arena_printf(arena, "%u%s", (unsigned)port->number, end);
	return port->is_udp ? arena_printf(arena, "%.*s%s", STR_ARG(port->name), end) : port->name;
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
	const struct view *affinity; /* I16: the first that asks for it, or NULL */
};
struct uses {
	struct reconcile *pass;
	struct reconcile_result *result;
	struct str namespace_, name;
	const struct object *service;
	struct use *items;
	size_t n, cap;
};

bool same_port(const struct port_ref *a, const struct port_ref *b)
{
	return a->is_udp == b->is_udp && a->number == b->number && (a->number || str_eq(a->name, b->name));
}

/* What one Ingress says for all that name the Service and port, and the field it becomes. */
static const struct {
	enum annotation_id id;
	const char *field;
} of_backend[] = {
	{ANNOTATION_BACKEND_PROTOCOL, "protocol"},
	{ANNOTATION_LOAD_BALANCE, "load_balance"},
	{ANNOTATION_OWN_LOAD_BALANCE, "load_balance"},
	{ANNOTATION_SERVICE_UPSTREAM, "service_upstream"},
	{ANNOTATION_UPSTREAM_HASH_BY, "hash_by"},
	{ANNOTATION_UPSTREAM_HASH_BY_SUBSET, "hash_subset_size"},
	{ANNOTATION_UPSTREAM_HASH_BY_SUBSET_SIZE, "hash_subset_size"},
	{ANNOTATION_SLOW_START, "slow_start_ms"},
	{ANNOTATION_RETRY_BUDGET, "retry_budget_percent"},
	{ANNOTATION_EJECT_AFTER_FAILURES, "eject_after_failures"},
	{ANNOTATION_EJECT_TIME, "eject_ms"},
	{ANNOTATION_MAX_CONNECTIONS, "max_connections"},
	{ANNOTATION_HEALTH_CHECK_PATH, "health_check.path"},
	{ANNOTATION_HEALTH_CHECK_INTERVAL, "health_check.interval_ms"},
	{ANNOTATION_HEALTH_CHECK_TIMEOUT, "health_check.timeout_ms"},
	{ANNOTATION_HEALTH_CHECK_FAILURES, "health_check.failures"},
	{ANNOTATION_HEALTH_CHECK_SUCCESSES, "health_check.successes"},
};

/* The same, of sessions: there the first that asks for them decides (I16). */
static const struct {
	enum annotation_id id;
	const char *field;
} of_session[] = {
	{ANNOTATION_AFFINITY, "affinity"},
	{ANNOTATION_AFFINITY_MODE, "affinity.is_persistent"},
	{ANNOTATION_SESSION_COOKIE_NAME, "affinity.cookie_name"},
	{ANNOTATION_SESSION_COOKIE_EXPIRES, "affinity.expires_s"},
	{ANNOTATION_SESSION_COOKIE_MAX_AGE, "affinity.max_age_s"},
	{ANNOTATION_SESSION_COOKIE_DOMAIN, "affinity.domain"},
	{ANNOTATION_SESSION_COOKIE_PATH, "affinity.path"},
	{ANNOTATION_SESSION_COOKIE_SAMESITE, "affinity.samesite"},
	{ANNOTATION_SESSION_COOKIE_CONDITIONAL_SAMESITE_NONE, "affinity.conditional_samesite_none"},
	{ANNOTATION_SESSION_COOKIE_SECURE, "affinity.secure"},
	{ANNOTATION_SESSION_COOKIE_CHANGE_ON_FAILURE, "affinity.change_on_failure"},
};

static bool is_same_value(const struct value *a, const struct value *b)
{
	return a->number == b->number && a->flag == b->flag && str_eq(a->text, b->text);
}

/* C20: the first Ingress decides; others that want it otherwise are told. */
static void complain_difference(struct uses *u, const struct view *first, const struct view *later, enum annotation_id id)
{
	const struct annotation *kept = first ? annotation_get(&first->annotations, id) : NULL;
	const struct annotation *lost = annotation_get(&later->annotations, id);

	if (!lost || (kept && is_same_value(&kept->value, &lost->value)))
		return;
	problems_add(&u->result->problems, &(struct problem){.severity = SEVERITY_WARN, .object = later->object->key,
		.field = lost->name, .value = lost->written,
		.rule = arena_printf(&u->pass->scratch, "what the oldest Ingress that names the Service says, which decides for all: %.*s (C20)",
			STR_ARG(first ? first->object->key : STR("the default backend"))),
		.fix = STR("write the same annotation on both Ingresses"), .effect = STR("this one has no effect on the Service")});
}

/* Whose sessions the Ingress wants for the port; NULL: none. */
static const struct view *session_view(const struct uses *u, const struct view *view, const struct port_ref *port)
{
	if (view && view->is_canary)
		view = canary_session_view(u->pass, view, u->name, port);
	return affinity_is_wanted(view) ? view : NULL;
}

/* One more Ingress that names the port. */
static void merge_use(struct uses *u, struct use *first, const struct view *view)
{
	const struct view *session = session_view(u, view, &first->port);

	for (size_t k = 0; k < sizeof(of_backend) / sizeof(of_backend[0]); k++)
		complain_difference(u, first->view, view, of_backend[k].id);
	if (!session || first->affinity == session)
		return;
	for (size_t k = 0; first->affinity && k < sizeof(of_session) / sizeof(of_session[0]); k++)
		complain_difference(u, first->affinity, session, of_session[k].id);
	if (!first->affinity)
		first->affinity = session;
}

static void add_use(struct uses *u, const struct port_ref *port, struct view *view)
{
	for (size_t i = 0; i < u->n; i++) {
		struct use *first = &u->items[i];

		if (!same_port(&first->port, port))
			continue;
		if (first->view != view && view)
			merge_use(u, first, view);
		return;
	}
	u->items = mem_grow(u->items, &u->cap, u->n + 1, sizeof(*u->items));
	u->items[u->n++] = (struct use){*port, view, session_view(u, view, port)};
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
	const struct object *service = store_get_path(pass->untracked, KIND_SERVICE, pass->options->default_backend_service);

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

/* A50: TCP and UDP services have no annotations, so whoever else names the port decides how it is balanced. */
static void add_streams(struct uses *u)
{
	size_t n;
	const struct tcp_entry *entries = tcp_entries(u->pass, &n);

	for (size_t i = 0; i < n; i++) {
		if (tcp_leads_to(&entries[i], u->namespace_, u->name, NULL) && pool_has_namespace(u->pass, u->namespace_))
			add_use(u, &entries[i].target, NULL);
	}
}

static const struct annotation *find(const struct use *use, enum annotation_id id)
{
	return use->view ? annotation_get(&use->view->annotations, id) : NULL;
}

static void complain_value(const struct uses *u, const struct use *use, const struct annotation *a, struct str rule,
	const char *fix, const char *effect)
{
	problems_add(&u->result->problems, &(struct problem){.severity = SEVERITY_WARN, .object = use->view->object->key,
		.field = a->name, .value = a->written, .rule = rule, .fix = str_from(fix), .effect = str_from(effect)});
}

/* Both tables and our own one begin with the words that are algorithms, in the order of the message. */
static void fill_load_balance(const struct uses *u, const struct use *use, Weirlock__V1__Backend *out)
{
	const struct annotation *own = find(use, ANNOTATION_OWN_LOAD_BALANCE), *a = find(use, ANNOTATION_LOAD_BALANCE);
	int64_t number = u->pass->settings.items[SETTING_LOAD_BALANCE].value.number;

	if (own) {
		number = own->value.number;
	} else if (a && a->value.number <= WEIRLOCK__V1__LOAD_BALANCE__LOAD_BALANCE_EWMA) {
		number = a->value.number;
	} else if (a) {
		number = WEIRLOCK__V1__LOAD_BALANCE__LOAD_BALANCE_ROUND_ROBIN;
		if (!find(use, ANNOTATION_UPSTREAM_HASH_BY))
			complain_value(u, use, a, STR("an algorithm by itself: upstream-hash-by and affinity choose it (I1)"),
				"write round_robin or ewma, or use those annotations", "round_robin is used");
	}
	out->load_balance = (Weirlock__V1__LoadBalance)number;
}

/* I6: a variable that nobody knows is empty, and then all requests have the same key. */
static void check_variables(const struct uses *u, const struct use *use, const struct annotation *a)
{
	struct http_expression e;
	size_t n_variables = 0;

	http_expression_compile(a->value.text, &u->pass->scratch, &e);
	for (size_t i = 0; i < e.n; i++) {
		n_variables += e.parts[i].variable != HTTP_VARIABLE_NONE;
		if (e.parts[i].variable == HTTP_VARIABLE_UNKNOWN)
			complain_value(u, use, a,
				arena_printf(&u->pass->scratch, "made of known variables, and $%.*s is none (I6)",
					STR_ARG(e.parts[i].text)),
				"use $remote_addr, $request_uri, $uri, $host, $http_NAME, $cookie_NAME, $arg_NAME or another known one",
				"this variable is empty");
	}
	if (!n_variables)
		complain_value(u, use, a, STR("a text with a variable (I4)"), "write $remote_addr, $request_uri or another variable",
			"all requests go to one endpoint");
}

/* I1: a hash decides before load-balance. */
static void fill_hash(const struct uses *u, const struct use *use, Weirlock__V1__Backend *out)
{
	const struct annotation *by = find(use, ANNOTATION_UPSTREAM_HASH_BY);
	const struct annotation *subset = find(use, ANNOTATION_UPSTREAM_HASH_BY_SUBSET);
	const struct annotation *size = find(use, ANNOTATION_UPSTREAM_HASH_BY_SUBSET_SIZE);

	if (!by || !by->value.text.len)
		return;
	check_variables(u, use, by);
	out->hash_by = message_text(&u->pass->scratch, by->value.text);
	if (subset && subset->value.flag)
		out->hash_subset_size = size ? (uint32_t)size->value.number : 3;
}

/* 0 where it is not given, which is what each of them has by default. */
static uint32_t number_of(const struct use *use, enum annotation_id id)
{
	const struct annotation *a = find(use, id);

	return a ? (uint32_t)a->value.number : 0;
}

static void fill_balance(const struct uses *u, const struct use *use, Weirlock__V1__Backend *out)
{
	fill_load_balance(u, use, out);
	fill_hash(u, use, out);
	out->slow_start_ms = number_of(use, ANNOTATION_SLOW_START);
	out->retry_budget_percent = number_of(use, ANNOTATION_RETRY_BUDGET);
	out->eject_after_failures = number_of(use, ANNOTATION_EJECT_AFTER_FAILURES);
	out->eject_ms = number_of(use, ANNOTATION_EJECT_TIME);
	out->max_connections = number_of(use, ANNOTATION_MAX_CONNECTIONS);
}

static uint32_t number_or(const struct use *use, enum annotation_id id, uint32_t default_)
{
	return find(use, id) ? number_of(use, id) : default_;
}

static void fill_health_check(const struct uses *u, const struct use *use, Weirlock__V1__Backend *out)
{
	const struct annotation *path = find(use, ANNOTATION_HEALTH_CHECK_PATH);
	Weirlock__V1__HealthCheck *check;

	if (!path || !path->value.text.len)
		return;
	if (path->value.text.ptr[0] != '/') {
		complain_value(u, use, path, STR("a path that begins with /"), "write /healthz or another path", "nothing is checked");
		return;
	}
	if (out->protocol != WEIRLOCK__V1__PROTOCOL__PROTOCOL_HTTP && out->protocol != WEIRLOCK__V1__PROTOCOL__PROTOCOL_AUTO_HTTP) {
		complain_value(u, use, path, STR("used with backend-protocol HTTP, the only one that checks speak"),
			"take it out; eject-after-failures works with all", "nothing is checked");
		return;
	}
	check = out->health_check = arena_alloc(&u->pass->scratch, sizeof(*check));
	weirlock__v1__health_check__init(check);
	check->path = message_text(&u->pass->scratch, path->value.text);
	check->interval_ms = number_or(use, ANNOTATION_HEALTH_CHECK_INTERVAL, 5000);
	check->timeout_ms = number_or(use, ANNOTATION_HEALTH_CHECK_TIMEOUT, 1000);
	check->failures = number_or(use, ANNOTATION_HEALTH_CHECK_FAILURES, 3);
	check->successes = number_or(use, ANNOTATION_HEALTH_CHECK_SUCCESSES, 2);
}

/* I1: a session comes before a hash. */
static void fill_affinity(const struct uses *u, const struct use *use, struct str name, Weirlock__V1__Backend *out)
{
	const struct annotation *hash = find(use, ANNOTATION_UPSTREAM_HASH_BY);

	if (!use->affinity)
		return;
	affinity_fill(u->pass, name, use->affinity, out);
	if (hash)
		complain_value(u, use, hash, STR("used together with affinity, which decides (I1)"),
			"take one of them out", "requests follow their session cookie");
	out->hash_by = message_text(&u->pass->scratch, STR(""));
	out->hash_subset_size = 0;
}

static void add_origin(
	const struct uses *u, const struct view *view, const char *backend, const char *field, enum annotation_id id)
{
	const struct annotation *a = view ? annotation_get(&view->annotations, id) : NULL;

	if (a)
		result_origin(u->result, &(struct provenance){.kind = WEIRLOCK__V1__KIND__KIND_BACKEND,
			.name = str_from(backend), .field = str_from(field), .object = view->object->key,
			.key = a->name, .value = a->written});
}

static void fill_protocol(const struct uses *u, const struct use *use, Weirlock__V1__Backend *out)
{
	const struct annotation *a = use->view ? annotation_get(&use->view->annotations, ANNOTATION_BACKEND_PROTOCOL) : NULL;

	if (!a && use->view && passthrough_is_of(u->pass, use->view, u->name, &use->port))
		out->protocol = WEIRLOCK__V1__PROTOCOL__PROTOCOL_HTTPS; /* A47 */
	if (a)
		out->protocol = (Weirlock__V1__Protocol)a->value.number; /* the table has the words in the message's order */
}

static bool wants_cluster_ip(const struct uses *u, const struct use *use)
{
	const struct annotation *a = use->view ? annotation_get(&use->view->annotations, ANNOTATION_SERVICE_UPSTREAM) : NULL;

	return a ? a->value.flag : u->pass->settings.items[SETTING_SERVICE_UPSTREAM].value.flag;
}

/* The same for the TCP and UDP services that lead there. */
static void complain_streams(const struct uses *u, const struct use *use, const char *rule, const char *fix)
{
	size_t n;
	const struct tcp_entry *entries = tcp_entries(u->pass, &n);

	for (size_t i = 0; i < n; i++) {
		if (tcp_leads_to(&entries[i], u->namespace_, u->name, &use->port))
			problems_add(&u->result->problems, &(struct problem){.severity = SEVERITY_WARN, .object = entries[i].object,
				.field = entries[i].key, .value = entries[i].written, .rule = str_from(rule), .fix = str_from(fix),
				.effect = STR("the port is not listened on (A50)")});
	}
}

/* What an Ingress is told when the Service it names answers 503 for all requests (D1). */
static void complain_service(const struct uses *u, const struct use *use, struct str value, const char *rule, const char *fix)
{
	complain_streams(u, use, rule, fix);
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
		.target = target, .backend = backend, .has_affinity = use->affinity != NULL};
	struct str port = port_text(&u->pass->scratch, &use->port);

	if (!target) {
		complain_service(u, use, arena_printf(&u->pass->scratch, "%.*s:%.*s", STR_ARG(u->name), STR_ARG(port)),
			use->port.is_udp ? "a UDP port of the Service, by number or name (H3)" :
					   "a TCP port of the Service, by number or name (H3)",
			"name a port that the Service has");
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
	fill_protocol(u, use, &message);
	fill_balance(u, use, &message);
	fill_health_check(u, use, &message);
	fill_affinity(u, use, name, &message);
	if (!u->service)
		complain_service(u, use, u->name, "a Service that exists (D1)", "create it, or name one that exists");
	else if (u->service->service.type == SERVICE_EXTERNAL_NAME)
		fill_external(u, use, target, &message);
	else
		put_endpoints(u, use, target, name);
	for (size_t i = 0; i < sizeof(of_backend) / sizeof(of_backend[0]); i++)
		add_origin(u, use->view, name.ptr, of_backend[i].field, of_backend[i].id);
	for (size_t i = 0; i < sizeof(of_session) / sizeof(of_session[0]); i++)
		add_origin(u, use->affinity, name.ptr, of_session[i].field, of_session[i].id);
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
	u.service = store_get(pass->untracked, KIND_SERVICE, u.namespace_, u.name);
	views = views_with_backends(pass, store_service_ingresses(pass->untracked, u.namespace_, u.name), &n);
	for (size_t i = 0; i < n; i++)
		add_view(&u, views[i]);
	add_default(&u);
	add_streams(&u);
	for (size_t i = 0; i < u.n; i++)
		put_backend(&u, &u.items[i]);
	mem_free(u.items);
}

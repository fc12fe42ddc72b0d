/* Canaries: Ingresses that offer another backend for the host, path and pathType of a main one (SEMANTICS I20 to I25). */
#include "pass.h"

static void complain(struct reconcile_result *result, const struct view *view, struct str field, struct str value, struct str rule,
	const char *fix, const char *effect)
{
	problems_add(&result->problems, &(struct problem){.severity = SEVERITY_WARN, .object = view->object->key, .field = field,
		.value = value, .rule = rule, .fix = str_from(fix), .effect = str_from(effect)});
}

static struct route *find_route(const struct routes *routes, struct str path, Weirlock__V1__PathType type)
{
	for (size_t i = 0; i < routes->n; i++) {
		if (routes->items[i].type == type && str_eq(routes->items[i].path, path))
			return &routes->items[i];
	}
	return NULL;
}

static void add_canary(struct reconcile *pass, struct route *route, struct view *view, const struct ingress_backend *backend)
{
	struct route_canary *more = arena_alloc(&pass->scratch, (route->n_canaries + 1) * sizeof(*more));

	if (route->n_canaries)
		memcpy(more, route->canaries, route->n_canaries * sizeof(*more));
	more[route->n_canaries++] = (struct route_canary){view, backend};
	route->canaries = more;
}

static void attach_path(struct reconcile *pass, struct routes *routes, struct view *view, const struct ingress_path *p,
	struct str field, struct reconcile_result *result)
{
	struct str path = p->path.len ? p->path : STR("/");
	struct route *route = find_route(routes, path,
		p->type == PATH_EXACT ? WEIRLOCK__V1__PATH_TYPE__PATH_TYPE_EXACT : WEIRLOCK__V1__PATH_TYPE__PATH_TYPE_PREFIX);

	if (p->backend.is_resource || !p->backend.service.len)
		complain(result, view, field, path, STR("a path to a Service (C18)"), "name a Service", "this path takes no request");
	else if (!route)
		complain(result, view, field, path, STR("a path of the same host and pathType in an Ingress that is no canary (I20)"),
			"write host, path and pathType as the main Ingress has them", "this path takes no request");
	else
		add_canary(pass, route, view, &p->backend);
}

static void attach_view(struct reconcile *pass, struct str host, struct routes *routes, struct view *view,
	struct reconcile_result *result)
{
	const struct ingress *ingress = &view->object->ingress;

	for (size_t r = 0; r < ingress->n_rules; r++) {
		if (!str_eq(host_name(&pass->scratch, ingress->rules[r].host), host))
			continue;
		for (size_t p = 0; p < ingress->rules[r].n_paths; p++)
			attach_path(pass, routes, view, &ingress->rules[r].paths[p],
				arena_printf(&pass->scratch, "spec.rules[%zu].http.paths[%zu]", r, p), result);
	}
}

void canary_attach(struct reconcile *pass, struct str host, struct routes *routes, struct reconcile_result *result)
{
	size_t n;
	struct view **views = views_canary(pass, store_host_ingresses(pass->store, host), &n);

	for (size_t i = 0; i < n; i++)
		attach_view(pass, host, routes, views[i], result);
}

/* ------------------------------------------------------------------------------------------------------------- message */

static const struct annotation *find(const struct route_canary *c, enum annotation_id id)
{
	return annotation_get(&c->view->annotations, id);
}

static char *text_of(struct reconcile *pass, const struct route_canary *c, enum annotation_id id)
{
	const struct annotation *a = find(c, id);

	return message_text(&pass->scratch, a ? a->value.text : STR(""));
}

static uint32_t number_of(const struct route_canary *c, enum annotation_id id, uint32_t default_)
{
	const struct annotation *a = find(c, id);

	return a ? (uint32_t)a->value.number : default_;
}

/* A pattern that nobody can read says nothing of who is meant: nobody then, as with ingress-nginx. */
static bool has_good_pattern(struct reconcile *pass, const struct route_canary *c, struct reconcile_result *result)
{
	const struct annotation *a = find(c, ANNOTATION_CANARY_BY_HEADER_PATTERN);

	if (!a || find(c, ANNOTATION_CANARY_BY_HEADER_VALUE) || !a->value.text.len ||
		regex_cost(arena_printf(&pass->scratch, "(?-i)%.*s", STR_ARG(a->value.text))) > 0)
		return true;
	complain(result, c->view, a->name, a->written, STR("a regular expression of moderate size (I22)"), "correct the pattern",
		"the canary takes no request");
	return false;
}

static bool has_a_rule(const Weirlock__V1__Canary *m)
{
	return m->by_header[0] || m->by_cookie[0] || m->weight;
}

static Weirlock__V1__Canary *make(
	struct reconcile *pass, const struct route_canary *c, struct reconcile_result *result)
{
	Weirlock__V1__Canary *m = arena_alloc(&pass->scratch, sizeof(*m));
	struct str namespace_ = c->view->object->namespace_, port = port_text(&pass->scratch, &c->backend->port);

	weirlock__v1__canary__init(m);
	m->backend = message_text(&pass->scratch, backend_name(&pass->scratch, namespace_, c->backend));
	m->name = message_text(&pass->scratch, arena_printf(&pass->scratch, "%.*s-%.*s-%.*s", STR_ARG(namespace_),
		STR_ARG(c->backend->service), STR_ARG(port)));
	m->by_header = text_of(pass, c, ANNOTATION_CANARY_BY_HEADER);
	m->by_header_value = text_of(pass, c, ANNOTATION_CANARY_BY_HEADER_VALUE);
	m->by_header_pattern = text_of(pass, c, ANNOTATION_CANARY_BY_HEADER_PATTERN);
	m->by_cookie = text_of(pass, c, ANNOTATION_CANARY_BY_COOKIE);
	m->weight = number_of(c, ANNOTATION_CANARY_WEIGHT, 0);
	m->weight_total = number_of(c, ANNOTATION_CANARY_WEIGHT_TOTAL, 100);
	if (!has_a_rule(m))
		complain(result, c->view, find(c, ANNOTATION_CANARY)->name, STR("true"),
			STR("used with canary-by-header, canary-by-cookie or canary-weight"), "write one of them",
			"the canary takes no request but those of its own sessions");
	return m;
}

/* In percent; more than all of it is taken by those that come first. */
static uint64_t share_of(const Weirlock__V1__Canary *m)
{
	uint64_t total = m->weight_total < 100 ? 100 : m->weight_total;

	return (uint64_t)m->weight * 100 / total;
}

void canary_fill(struct reconcile *pass, struct str host, const struct route *route, struct reconcile_result *result,
	Weirlock__V1__Policy *out)
{
	uint64_t taken = 0;

	if (!route->n_canaries)
		return;
	out->canaries = arena_alloc(&pass->scratch, route->n_canaries * sizeof(Weirlock__V1__Canary *));
	for (size_t i = 0; i < route->n_canaries; i++) {
		const struct route_canary *c = &route->canaries[i];
		const struct annotation *weight = find(c, ANNOTATION_CANARY_WEIGHT);
		Weirlock__V1__Canary *m;

		if (!has_good_pattern(pass, c, result))
			continue;
		m = make(pass, c, result);
		taken += share_of(m);
		if (taken > 100 && weight)
			complain(result, c->view, weight->name, weight->written,
				arena_printf(&pass->scratch, "within what older canaries of %.*s%.*s leave: all together want %u %%",
					STR_ARG(host), STR_ARG(route->path), (unsigned)taken),
				"lower a weight", "older ones have their share, and this one what is left");
		out->canaries[out->n_canaries++] = m;
	}
}

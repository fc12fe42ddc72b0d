/* Canaries: Ingresses that offer another backend for the host, path and pathType of a main one (SEMANTICS I20 to I25). */
#include "pass.h"

static void complain(struct reconcile_result *result, const struct view *view, struct str field, struct str value, struct str rule,
	const char *fix, const char *effect)
{
	problems_add(&result->problems, &(struct problem){.severity = SEVERITY_WARN, .object = view->object->key, .field = field,
		.value = value, .rule = rule, .fix = str_from(fix), .effect = str_from(effect)});
}

static struct str path_of(const struct ingress_path *p)
{
	return p->path.len ? p->path : STR("/");
}

static bool path_is_same(const struct ingress_path *a, const struct ingress_path *b)
{
	return (a->type == PATH_EXACT) == (b->type == PATH_EXACT) && str_eq(path_of(a), path_of(b));
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
	struct str path = path_of(p);
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
	struct view **views = views_canary(pass, store_host_ingresses(pass->untracked, host), &n);

	for (size_t i = 0; i < n; i++)
		attach_view(pass, host, routes, views[i], result);
}

/* ------------------------------------------------------------------------------------------------------------ sessions */

/* The Ingress, no canary, that has the path: the first one, as with routes. */
static const struct view *find_main(struct reconcile *pass, struct str host, const struct ingress_path *p)
{
	size_t n;
	struct view **views = views_served(pass, pass_host(pass, host), &n);

	for (size_t i = 0; i < n; i++) {
		const struct ingress *ingress = &views[i]->object->ingress;

		for (size_t r = 0; r < ingress->n_rules; r++) {
			const struct ingress_rule *rule = &ingress->rules[r];

			for (size_t k = 0; k < rule->n_paths && str_eq(host_name(&pass->scratch, rule->host), host); k++) {
				if (path_is_same(&rule->paths[k], p))
					return views[i];
			}
		}
	}
	return NULL;
}

static bool is_legacy(const struct view *canary)
{
	enum { LEGACY = 1 };
	const struct annotation *a = annotation_get(&canary->annotations, ANNOTATION_AFFINITY_CANARY_BEHAVIOR);

	return a && a->value.number == LEGACY;
}

const struct view *canary_session_view(
	struct reconcile *pass, const struct view *canary, struct str service, const struct port_ref *port)
{
	const struct ingress *ingress = &canary->object->ingress;

	for (size_t r = 0; r < ingress->n_rules && !is_legacy(canary); r++) {
		const struct ingress_rule *rule = &ingress->rules[r];

		for (size_t p = 0; p < rule->n_paths; p++) {
			const struct ingress_backend *b = &rule->paths[p].backend;
			const struct view *main_view;

			if (!str_eq(b->service, service) || !same_port(&b->port, port))
				continue;
			main_view = find_main(pass, host_name(&pass->scratch, rule->host), &rule->paths[p]);
			if (affinity_is_wanted(main_view))
				return main_view;
		}
	}
	return canary;
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
	m->sets_session_cookie =
		affinity_is_wanted(canary_session_view(pass, c->view, c->backend->service, &c->backend->port));
	if (!has_a_rule(m))
		complain(result, c->view, find(c, ANNOTATION_CANARY)->name, STR("true"),
			STR("used with canary-by-header, canary-by-cookie or canary-weight"), "write one of them",
			"the canary takes no request but those of its own sessions");
	return m;
}

static bool is_same_word(const struct route_canary *a, const struct route_canary *b, enum annotation_id id)
{
	const struct annotation *x = find(a, id), *y = find(b, id);

	return str_eq(x ? x->value.text : STR(""), y ? y->value.text : STR(""));
}

/* What an older canary of the path takes first. */
static void complain_taken(struct reconcile *pass, const struct route *route, size_t i, struct reconcile_result *result)
{
	const struct route_canary *c = &route->canaries[i];
	const struct annotation *header = find(c, ANNOTATION_CANARY_BY_HEADER), *cookie = find(c, ANNOTATION_CANARY_BY_COOKIE);

	for (size_t k = 0; k < i; k++) {
		const struct route_canary *older = &route->canaries[k];
		struct str rule = arena_printf(&pass->scratch, "not what the older canary %.*s goes by (I22)",
			STR_ARG(older->view->object->key));

		if (header && header->value.text.len && is_same_word(c, older, ANNOTATION_CANARY_BY_HEADER) &&
			is_same_word(c, older, ANNOTATION_CANARY_BY_HEADER_VALUE) &&
			is_same_word(c, older, ANNOTATION_CANARY_BY_HEADER_PATTERN))
			complain(result, c->view, header->name, header->written, rule, "name another header or another value",
				"the older one takes these requests");
		if (cookie && cookie->value.text.len && is_same_word(c, older, ANNOTATION_CANARY_BY_COOKIE))
			complain(result, c->view, cookie->name, cookie->written, rule, "name another cookie",
				"the older one takes these requests");
	}
}

static bool is_same_backend(const struct ingress_backend *a, const struct ingress_backend *b)
{
	return str_eq(a->service, b->service) && same_port(&a->port, &b->port);
}

/* A canary of a path with the path's own Service changes nothing. */
static void complain_itself(const struct route *route, const struct route_canary *c, struct reconcile_result *result)
{
	if (route->backend && route->view && str_eq(route->view->object->namespace_, c->view->object->namespace_) &&
		is_same_backend(route->backend, c->backend))
		complain(result, c->view, STR("backend.service"), c->backend->service,
			STR("another Service than that of the main Ingress (I20)"), "name the canary's own Service",
			"the same endpoints take all requests");
}

/* Of what sessions are about, the parts that a canary may want otherwise. */
static void complain_sessions(struct reconcile *pass, const struct route_canary *c, struct reconcile_result *result)
{
	static const enum annotation_id ids[] = {ANNOTATION_AFFINITY_MODE, ANNOTATION_SESSION_COOKIE_NAME};
	const struct view *taken = canary_session_view(pass, c->view, c->backend->service, &c->backend->port);

	for (size_t i = 0; taken != c->view && i < sizeof(ids) / sizeof(ids[0]); i++) {
		const struct annotation *own = find(c, ids[i]), *of_main = annotation_get(&taken->annotations, ids[i]);

		if (own && !(of_main && str_eq(own->written, of_main->written)))
			complain(result, c->view, own->name, own->written,
				arena_printf(&pass->scratch, "what %.*s says: a canary takes its sessions (I24)",
					STR_ARG(taken->object->key)),
				"take it out, or write affinity-canary-behavior: legacy", "it has no effect");
	}
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
		complain_taken(pass, route, i, result);
		complain_itself(route, c, result);
		complain_sessions(pass, c, result);
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

/* Stage 3: the paths of all Ingresses of a host become routes, in the order in which a request tries them (C). */
#include <stdlib.h>

#include "mem.h"
#include "pass.h"

/* What a proxy takes of one host; beyond it a path is left out alone, and never the snapshot refused. */
enum { PATH_MAX_BYTES = 4096, ROUTES_MAX = 10000, BACKEND_NAME_MAX = 500, HOST_COST_MAX = 4 * 1024 * 1024 };

/* One host, and who took what. */
struct collecting {
	struct reconcile *pass;
	struct str host;
	struct reconcile_result *result;
	struct routes *routes;
	struct map taken; /* type and path -> struct route */
};

/* C15, C16: whether a path of this Ingress is a regular expression by itself. */
static bool wants_regex(const struct view *view, struct str path)
{
	const struct annotation *use = annotation_get(&view->annotations, ANNOTATION_USE_REGEX);
	const struct annotation *rewrite = annotation_get(&view->annotations, ANNOTATION_REWRITE_TARGET);

	return (use && use->value.flag) || (rewrite && rewrite->value.text.len > 0 && !str_eq(rewrite->value.text, path));
}

static void path_problem(const struct collecting *c, const struct view *view, struct str field, struct str value,
	const char *rule, const char *fix)
{
	problems_add(&c->result->problems, &(struct problem){.severity = SEVERITY_FAULT, .object = view->object->key,
		.field = field, .value = value, .rule = str_from(rule), .fix = str_from(fix),
		.effect = STR("this path of this Ingress is not served, the others are")});
}

static void lose(const struct collecting *c, const struct route *winner, const struct view *loser, struct str field,
	struct str path)
{
	bool is_own = winner->view == loser;
	struct str rule;

	if (is_own)
		rule = arena_printf(&c->pass->scratch, "host %.*s has path %.*s twice here (C9)", STR_ARG(c->host), STR_ARG(path));
	else
		rule = arena_printf(&c->pass->scratch, "host %.*s has path %.*s from %.*s already (C9)", STR_ARG(c->host),
			STR_ARG(path), STR_ARG(winner->view->object->key));
	problems_add(&c->result->problems, &(struct problem){.severity = SEVERITY_FAULT, .object = loser->object->key,
		.field = field, .rule = rule, .fix = STR("take the path out of one of them"),
		.effect = is_own ? STR("the first one serves") : STR("the older Ingress serves this path of the host")});
}

static void add_route(struct collecting *c, const struct route *route, struct str field)
{
	struct str key = arena_printf(&c->pass->scratch, "%d%.*s", (int)route->type, STR_ARG(route->path));
	struct route *winner = map_get(&c->taken, key);
	struct route *kept;

	if (winner) {
		lose(c, winner, route->view, field, route->path);
		return;
	}
	kept = arena_alloc(&c->pass->scratch, sizeof(*kept));
	*kept = *route;
	map_put(&c->taken, key, kept);
	c->routes->items = mem_grow(c->routes->items, &c->routes->cap, c->routes->n + 1, sizeof(*c->routes->items));
	c->routes->items[c->routes->n++] = *route;
}

static bool check_path(
	struct collecting *c, const struct view *view, const struct ingress_path *p, struct str path, struct str field)
{
	if (p->backend.is_resource || p->backend.service.len == 0) {
		path_problem(c, view, field, path, "a path to a Service (C18)", "name a Service");
		return false;
	}
	if (p->backend.service.len + p->backend.port.name.len + view->object->namespace_.len > BACKEND_NAME_MAX) {
		path_problem(c, view, field, path, "a path to a Service with a name of moderate length", "shorten the names");
		return false;
	}
	if (c->routes->n >= ROUTES_MAX) {
		path_problem(c, view, field, path, "among the first 10000 paths of the host", "spread them over more hosts");
		return false;
	}
	if (path.len > PATH_MAX_BYTES || path.ptr[0] != '/' || !value_is_printable(path)) {
		path_problem(c, view, field, path, "a path of at most 4096 bytes that begins with / and has no control characters", "correct the path");
		return false;
	}
	return true;
}

static void add_rule(struct collecting *c, struct view *view, size_t index)
{
	const struct ingress_rule *rule = &view->object->ingress.rules[index];

	for (size_t i = 0; i < rule->n_paths; i++) {
		const struct ingress_path *p = &rule->paths[i];
		struct str path = p->path.len ? p->path : STR("/"); /* C1 */
		struct str field =
			arena_printf(&c->pass->scratch, "spec.rules[%zu].http.paths[%zu]", index, i);

		if (!check_path(c, view, p, path, field))
			continue;
		c->routes->is_regex |= wants_regex(view, path);
		add_route(c,
			&(struct route){.view = view, .backend = &p->backend, .path = path,
				.type = p->type == PATH_EXACT ? WEIRLOCK__V1__PATH_TYPE__PATH_TYPE_EXACT
							      : WEIRLOCK__V1__PATH_TYPE__PATH_TYPE_PREFIX},
			field);
	}
}

static void add_rules(struct collecting *c, struct view *view)
{
	for (size_t i = 0; i < view->object->ingress.n_rules; i++) {
		if (str_eq(host_name(&c->pass->scratch, view->object->ingress.rules[i].host), c->host))
			add_rule(c, view, i);
	}
}

/* B8: an Ingress with a default backend and no rules owns "/" of the default host, before any rule. */
static void add_catch_all(struct collecting *c, struct view *view)
{
	const struct ingress_backend *backend = &view->object->ingress.default_backend;

	if (backend->is_resource || backend->service.len == 0) {
		path_problem(c, view, STR("spec.defaultBackend"), STR(""), "a default backend is a Service (C18)",
			"name a Service");
		return;
	}
	add_route(c, &(struct route){.view = view, .backend = backend, .path = STR("/")}, STR("spec.defaultBackend"));
}

/* B9, B8: every host has "/"; it carries the oldest Ingress's annotations and goes to its default backend, or to ours. */
static void add_own_root(struct collecting *c, struct view *oldest)
{
	const struct ingress_backend *backend = oldest ? &oldest->object->ingress.default_backend : NULL;

	if (map_get(&c->taken, arena_printf(&c->pass->scratch, "%d/", (int)WEIRLOCK__V1__PATH_TYPE__PATH_TYPE_PREFIX)))
		return;
	if (backend && (!backend->is_set || backend->is_resource || backend->service.len == 0))
		backend = NULL;
	add_route(c, &(struct route){.view = oldest, .backend = backend, .path = STR("/"), .is_own_root = true}, STR(""));
}

/* C5: any path that two routes take goes to the longer one, and to the exact one of two that are as long. */
static int compare_plain(const void *a, const void *b)
{
	const struct route *x = a, *y = b;

	if (x->path.len != y->path.len)
		return x->path.len > y->path.len ? -1 : 1;
	if (x->type != y->type)
		return x->type == WEIRLOCK__V1__PATH_TYPE__PATH_TYPE_EXACT ? -1 : 1;
	return str_cmp(x->path, y->path);
}

/* C7; Exact before Prefix among equal texts, so that the order never depends on the input's. */
static int compare_regex(const void *a, const void *b)
{
	const struct route *x = a, *y = b;
	int order;

	if (x->path.len != y->path.len)
		return x->path.len > y->path.len ? -1 : 1;
	order = str_cmp(y->path, x->path);
	if (order == 0 && x->type != y->type)
		order = x->type == WEIRLOCK__V1__PATH_TYPE__PATH_TYPE_EXACT ? -1 : 1;
	return order;
}

/* C6, C8: every path of the host is now a pattern; one that PCRE does not take is left out alone. */
static void make_regex(struct collecting *c)
{
	struct routes *routes = c->routes;
	size_t kept = 0, spent = 0;

	for (size_t i = 0; i < routes->n; i++) {
		struct route *r = &routes->items[i];

		size_t cost = regex_cost(r->path);

		spent += cost;
		if (cost == 0 || spent > HOST_COST_MAX) {
			path_problem(c, r->view, STR("spec.rules"), r->path,
				"a regular expression of moderate size, and use-regex or rewrite-target makes all paths of the host such (C6, C8)",
				"correct the pattern, or escape its special characters");
			continue;
		}
		r->type = WEIRLOCK__V1__PATH_TYPE__PATH_TYPE_REGEX;
		routes->items[kept++] = *r;
	}
	routes->n = kept;
}

static void label_routes(struct collecting *c)
{
	static const char *const marks[] = {"", "=", "~"};

	for (size_t i = 0; i < c->routes->n; i++) {
		struct route *r = &c->routes->items[i];

		r->label = arena_printf(&c->pass->scratch, "%s%.*s", marks[r->type], STR_ARG(r->path));
	}
}

void path_collect(struct reconcile *pass, struct str host, struct view **views, size_t n_views, struct reconcile_result *result,
	struct routes *out)
{
	struct collecting c = {.pass = pass, .host = host, .result = result, .routes = out};
	bool is_default = str_eq(host, STR("_"));

	for (size_t i = 0; i < n_views && is_default; i++) {
		if (view_is_catch_all(views[i]))
			add_catch_all(&c, views[i]);
	}
	for (size_t i = 0; i < n_views; i++)
		add_rules(&c, views[i]);
	canary_attach(pass, host, out, result);
	add_own_root(&c, n_views > 0 ? views[0] : NULL);
	qsort(out->items, out->n, sizeof(*out->items), out->is_regex ? compare_regex : compare_plain);
	if (out->is_regex)
		make_regex(&c);
	label_routes(&c);
	map_deinit(&c.taken);
}

/* Stage 2: one server name. Puts its Host, with routes and their policies, and the certificates it needs. */
#include "mem.h"
#include "pass.h"

/* One host on its way. */
struct building {
	struct reconcile *pass;
	struct reconcile_result *result;
	struct str name;
	struct view **views; /* served ones, oldest first */
	size_t n_views;
	struct routes routes;
	Weirlock__V1__Host message;
};

static struct arena *scratch(const struct building *b)
{
	return &b->pass->scratch;
}

/* Rule hosts that Kubernetes would not have taken come only from files; they are left out with a word. */
static bool is_valid_host(struct str name)
{
	struct str rest = str_starts_with(name, STR("*.")) ? str_from_index(name, 2) : name;

	if (str_eq(name, STR("_")))
		return true;
	return rest.len > 0 && rest.len <= 253 && value_has_only(rest, "-._") && rest.ptr[0] != '.' &&
	       rest.ptr[rest.len - 1] != '.' && str_find_str(rest, STR("..")) == rest.len;
}

static void refuse_host(const struct building *b)
{
	for (size_t i = 0; i < b->n_views; i++)
		result_problem(&b->result->problems, SEVERITY_FAULT, b->views[i]->object->key, "spec.rules.host", b->name,
			"a DNS name, or *. and a DNS name", "correct the host", "the rules of this host are not served");
}

static void fill_backend(const struct building *b, const struct route *route, Weirlock__V1__Route *out)
{
	const struct ingress_backend *backend = route->backend;

	if (!backend)
		return;
	out->backend = message_text(scratch(b), backend_name(scratch(b), route->view->object->namespace_, backend));
	out->service = message_text(scratch(b), backend->service);
	out->service_port = message_text(scratch(b), port_text(scratch(b), &backend->port));
}

static Weirlock__V1__Route *make_route(const struct building *b, const struct route *route, bool is_host_denied)
{
	Weirlock__V1__Route *out = arena_alloc(scratch(b), sizeof(*out));

	weirlock__v1__route__init(out);
	out->path_type = route->type;
	out->path = message_text(scratch(b), route->path);
	out->fixed_status = policy_status(b->pass, route, is_host_denied);
	if (route->view)
		out->ingress = message_text(scratch(b), arena_printf(scratch(b), "%.*s/%.*s",
			STR_ARG(route->view->object->namespace_), STR_ARG(route->view->object->name)));
	fill_backend(b, route, out);
	out->policy = arena_alloc(scratch(b), sizeof(*out->policy));
	weirlock__v1__policy__init(out->policy);
	policy_fill(b->pass, b->name, route, b->result, out->policy);
	return out;
}

static void fill_routes(struct building *b)
{
	bool is_host_denied = client_auth_is_denied(b->views, b->n_views);
	Weirlock__V1__Host *message = &b->message;

	message->is_regex = b->routes.is_regex;
	message->n_routes = b->routes.n;
	message->routes = arena_alloc(scratch(b), (b->routes.n + 1) * sizeof(struct Weirlock__V1__Route *));
	for (size_t i = 0; i < b->routes.n; i++)
		message->routes[i] = make_route(b, &b->routes.items[i], is_host_denied);
}

static void add_origin(const struct building *b, const char *field, const struct view *view, const struct annotation *a)
{
	result_origin(b->result, &(struct provenance){.kind = WEIRLOCK__V1__KIND__KIND_HOST, .name = b->name,
		.field = str_from(field), .object = view->object->key, .key = a->name, .value = a->written});
}

/* C17: host-wide, from the first location in order that has it. */
static void fill_app_root(struct building *b)
{
	for (size_t i = 0; i < b->routes.n; i++) {
		const struct view *view = b->routes.items[i].view;
		const struct annotation *a = view ? annotation_get(&view->annotations, ANNOTATION_APP_ROOT) : NULL;

		if (!a || a->value.text.ptr[0] != '/')
			continue;
		b->message.app_root = message_text(scratch(b), a->value.text);
		add_origin(b, "app_root", view, a);
		return;
	}
}

static void complain_app_roots(const struct building *b)
{
	for (size_t i = 0; i < b->n_views; i++) {
		const struct annotation *a = annotation_get(&b->views[i]->annotations, ANNOTATION_APP_ROOT);

		if (a && a->value.text.ptr[0] != '/')
			problems_add(&b->result->problems, &(struct problem){.severity = SEVERITY_FAULT,
				.object = b->views[i]->object->key, .field = a->name, .value = a->written,
				.rule = STR("a path that begins with /"), .fix = STR("write a / before it"),
				.effect = STR("it is as if the annotation were not there")});
	}
}

static void fill_aliases(struct building *b)
{
	for (size_t i = 0; i < b->n_views; i++) {
		const struct annotation *a = annotation_get(&b->views[i]->annotations, ANNOTATION_SERVER_ALIAS);
		size_t n;
		struct str *aliases;

		if (!a || str_eq(b->name, STR("_")))
			continue;
		aliases = alias_of_host(b->pass, b->name, b->result, &n);
		b->message.aliases = message_texts(scratch(b), aliases, n);
		b->message.n_aliases = n;
		if (n > 0)
			add_origin(b, "aliases", b->views[i], a);
		return;
	}
}

/* A host that wants one takes it from others, so they are to be built with it. */
static void note_aliases(const struct building *b)
{
	for (size_t i = 0; i < b->n_views; i++) {
		if (annotation_get(&b->views[i]->annotations, ANNOTATION_SERVER_ALIAS))
			pass_note(b->pass, ALIASES_KEY);
	}
}

/* E11: www.host redirects to host (or the reverse), unless it is a host of its own. */
static void put_www(const struct building *b)
{
	Weirlock__V1__Host message = WEIRLOCK__V1__HOST__INIT;
	struct str www = STR("www.");
	const struct annotation *a = NULL;
	const struct view *view = NULL;
	struct str other;

	for (size_t i = 0; i < b->n_views && !a; i++) {
		view = b->views[i];
		a = annotation_get(&view->annotations, ANNOTATION_FROM_TO_WWW_REDIRECT);
		if (a && !a->value.flag)
			a = NULL;
	}
	if (!a || b->name.ptr[0] == '*' || str_eq(b->name, STR("_")))
		return;
	other = str_starts_with(b->name, www) ? str_from_index(b->name, www.len)
					      : arena_printf(scratch(b), "www.%.*s", STR_ARG(b->name));
	if (other.len > 253 || host_is_served(b->pass, other))
		return;
	message.name = message_text(scratch(b), other);
	message.redirect_to = message_text(scratch(b), b->name);
	message.has_tls = b->message.has_tls;
	if (tls_covers(b->pass, str_from(b->message.certificate), other))
		message.certificate = b->message.certificate;
	result_put(b->result, WEIRLOCK__V1__KIND__KIND_HOST, other, &message.base);
	result_origin(b->result, &(struct provenance){.kind = WEIRLOCK__V1__KIND__KIND_HOST, .name = other,
		.field = STR("redirect_to"), .object = view->object->key, .key = a->name, .value = a->written});
}

static void build_host(struct building *b)
{
	struct host_tls tls;

	path_collect(b->pass, b->name, b->views, b->n_views, b->result, &b->routes);
	backend_tls_choose(b->pass, b->views, b->n_views, &b->routes);
	tls = tls_of_host(b->pass, b->name, b->views, b->n_views, b->result);
	b->message.name = message_text(scratch(b), b->name);
	b->message.has_tls = tls.has_tls;
	b->message.certificate = message_text(scratch(b), tls.certificate);
	fill_routes(b);
	client_auth_fill(b->pass, b->name, b->views, b->n_views, b->result, &b->message);
	tls_fill_ciphers(b->pass, b->views, b->n_views, b->result, &b->message);
	passthrough_fill(b->pass, b->views, b->n_views, &b->routes, b->result, &b->message);
	fill_app_root(b);
	complain_app_roots(b);
	fill_aliases(b);
	result_put(b->result, WEIRLOCK__V1__KIND__KIND_HOST, b->name, &b->message.base);
	put_www(b);
	mem_free(b->routes.items);
}

void reconcile_host(struct reconcile *pass, struct str host, struct reconcile_result *result)
{
	struct building b = {.pass = pass, .result = result, .message = WEIRLOCK__V1__HOST__INIT};
	struct object_list list = store_host_ingresses(pass->untracked, host);

	arena_reset(&pass->scratch);
	b.name = arena_str(&pass->scratch, host);
	b.views = views_served(pass, list, &b.n_views);
	secret_note_reads(pass, list);
	for (size_t i = 0; i < list.n; i++)
		view_tell(pass, view_of(pass, list.items[i]), result);
	pool_note_reads(pass, list);
	note_aliases(&b);
	if (!is_valid_host(b.name))
		refuse_host(&b);
	else if (b.n_views > 0 || str_eq(b.name, STR("_")))
		build_host(&b);
	else
		canary_attach(pass, b.name, &b.routes, result); /* a host with canaries alone is none: tells them so */
}

/*
 * TLS that is handed on as it is (SEMANTICS A45 to A47): by its server name, to what stands at the host's path "/". What other
 * paths and annotations say cannot act there, for nobody reads the requests.
 */
#include "mem.h"
#include "pass.h"

static const struct annotation *asks(const struct view *view)
{
	const struct annotation *a = annotation_get(&view->annotations, ANNOTATION_SSL_PASSTHROUGH);

	return a && a->value.flag ? a : NULL;
}

static bool is_slash(struct str path)
{
	return str_eq(path, STR("/"));
}

bool passthrough_is_of(const struct reconcile *pass, const struct view *view, struct str service, const struct port_ref *port)
{
	const struct ingress *in = &view->object->ingress;

	if (!pass->options->enable_ssl_passthrough || !asks(view))
		return false;
	for (size_t r = 0; r < in->n_rules; r++) {
		for (size_t p = 0; p < in->rules[r].n_paths; p++) {
			const struct ingress_backend *b = &in->rules[r].paths[p].backend;

			if (is_slash(in->rules[r].paths[p].path) && b->is_set && str_eq(b->service, service) &&
				b->port.number == port->number && str_eq(b->port.name, port->name))
				return true;
		}
	}
	return false;
}

static const struct route *find_slash(const struct routes *routes)
{
	for (size_t i = 0; i < routes->n; i++) {
		const struct route *r = &routes->items[i];

		if (is_slash(r->path) && !r->is_own_root && r->view && r->backend)
			return r;
	}
	return NULL;
}

static void complain(struct reconcile_result *result, const struct view *view, const char *rule, const char *fix)
{
	const struct annotation *a = asks(view);

	problems_add(&result->problems, &(struct problem){.severity = SEVERITY_WARN, .object = view->object->key, .field = a->name,
		.value = a->written, .rule = str_from(rule), .fix = str_from(fix), .effect = STR("TLS of the host ends at the proxies")});
}

void passthrough_fill(struct reconcile *pass, struct view **views, size_t n, const struct routes *routes,
	struct reconcile_result *result, Weirlock__V1__Host *out)
{
	const struct view *view = NULL;
	const struct route *slash = find_slash(routes);
	const struct annotation *proxy;

	for (size_t i = 0; i < n && !view; i++)
		view = asks(views[i]) ? views[i] : NULL;
	if (!view)
		return;
	if (!pass->options->enable_ssl_passthrough)
		complain(result, view, "of use without --enable-ssl-passthrough", "start the controller with it");
	else if (!slash || str_eq(str_from(out->name), STR("_")) || out->name[0] == '*')
		complain(result, view, "of use without a host of its own and a path / with a Service (A47)",
			"write a rule with the host's name and the path /");
	if (!pass->options->enable_ssl_passthrough || !slash || str_eq(str_from(out->name), STR("_")) || out->name[0] == '*')
		return;
	proxy = annotation_get(&slash->view->annotations, ANNOTATION_SEND_PROXY_PROTOCOL);
	out->passthrough_backend = message_text(&pass->scratch,
		backend_name(&pass->scratch, slash->view->object->namespace_, slash->backend));
	out->passthrough_proxy_protocol = proxy ? (uint32_t)proxy->value.number + 1 : 0; /* the table's words are the versions */
	result_origin(result, &(struct provenance){.kind = WEIRLOCK__V1__KIND__KIND_HOST, .name = str_from(out->name),
		.field = STR("passthrough_backend"), .object = view->object->key, .key = asks(view)->name, .value = asks(view)->written});
}

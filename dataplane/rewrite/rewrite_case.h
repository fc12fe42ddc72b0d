#ifndef REWRITE_CASE_H
#define REWRITE_CASE_H
/* A request on a host with one route, for the tests of this room: a real generation, compiled from a real snapshot. */
#include <stdio.h>

#include "check.h"
#include "rewrite.h"
#include "test_content.h"

struct rewrite_case {
	const char *path;        /* decoded; as received too unless `raw` is given */
	const char *raw, *query; /* query NULL: none */
	const char *route;       /* "/x", "~/regex"; NULL is the path itself */
	const char *host;        /* as received; NULL is "a.example", "-" none */
	const char *scheme;      /* access scheme; NULL is the connection's */
	const char *port;        /* reported port */
	bool is_tls, has_tls, ssl, force, preserve, with_port, exempt, relative;
	const char *app_root, *redirect_to, *redirect, *rewrite, *prefix, *vhost;
	unsigned code, fixed;
	const Weirlock__V1__Settings *settings;
};

struct rewrite_fixture {
	struct http_head head;
	struct clientaddr who;
	char name[64];
	struct rewrite_request request;
};

static inline char *writable(const char *s)
{
	static char empty[] = "";

	return s ? (char *)(uintptr_t)s : empty;
}

static inline const struct generation *rewrite_compile(const struct rewrite_case *in)
{
	struct content *c = content_create();
	struct config_errors errors = {0};
	Weirlock__V1__Host h = WEIRLOCK__V1__HOST__INIT;
	Weirlock__V1__Route r = WEIRLOCK__V1__ROUTE__INIT, *routes[] = {&r};
	Weirlock__V1__Policy p = WEIRLOCK__V1__POLICY__INIT;
	const char *route = in->route ? in->route : in->path;
	bool is_regex = route[0] == '~';
	const struct generation *g;

	if (in->settings)
		put_message(c, WEIRLOCK__V1__KIND__KIND_SETTINGS, "", in->settings);
	else
		put_settings(c);
	p.ssl_redirect = in->ssl;
	p.force_ssl_redirect = in->force;
	p.preserve_trailing_slash = in->preserve;
	p.use_port_in_redirects = in->with_port;
	p.no_tls_redirect = in->exempt;
	p.relative_redirects = in->relative;
	p.redirect_url = writable(in->redirect);
	p.redirect_code = in->code;
	p.rewrite_target = writable(in->rewrite);
	p.x_forwarded_prefix = writable(in->prefix);
	p.upstream_vhost = writable(in->vhost);
	r.path = writable(route + is_regex);
	r.path_type = is_regex ? WEIRLOCK__V1__PATH_TYPE__PATH_TYPE_REGEX : WEIRLOCK__V1__PATH_TYPE__PATH_TYPE_PREFIX;
	r.fixed_status = in->fixed;
	r.policy = &p;
	h.name = writable("_");
	h.routes = routes;
	h.n_routes = 1;
	h.app_root = writable(in->app_root);
	h.redirect_to = writable(in->redirect_to);
	put_message(c, WEIRLOCK__V1__KIND__KIND_HOST, "_", &h);
	if (in->has_tls) { /* the same host by its name */
		h.name = writable("a.example");
		h.has_tls = true;
		put_message(c, WEIRLOCK__V1__KIND__KIND_HOST, "a.example", &h);
	}
	g = config_compile(c, NULL, &errors);
	for (size_t i = 0; i < errors.n; i++)
		fprintf(stderr, "%.*s\n", STR_ARG(errors.items[i].reason));
	CHECK(g != NULL);
	config_errors_deinit(&errors);
	content_destroy(c);
	return g;
}

static inline void rewrite_fixture_init(struct rewrite_fixture *f, const struct rewrite_case *in)
{
	struct str host = in->host ? str_from(in->host) : STR("a.example");
	const char *raw = in->raw ? in->raw : in->path;
	struct str name;

	if (str_eq(host, STR("-")))
		host = STR("");
	name = str_first(host, str_find(host, ':'));
	*f = (struct rewrite_fixture){.head = {.host = host, .path = str_from(raw), .query = str_from(in->query),
		.has_query = in->query != NULL}};
	for (size_t i = 0; i < name.len && i < sizeof(f->name); i++)
		f->name[i] = (char)ascii_lower((unsigned char)name.ptr[i]);
	f->who = (struct clientaddr){.host = host, .port = str_from(in->port),
		.scheme = in->scheme ? str_from(in->scheme) : in->is_tls ? STR("https") : STR("http")};
	f->request = (struct rewrite_request){.generation = rewrite_compile(in), .head = &f->head, .who = &f->who,
		.server_name = str_of(f->name, name.len), .path = str_from(in->path), .is_tls = in->is_tls, .https_port = 8443};
	f->request.match = route_match(f->request.generation, f->request.server_name,
		str_eq(f->request.path, STR("*")) ? STR("/") : f->request.path);
}

static inline void rewrite_fixture_deinit(struct rewrite_fixture *f)
{
	generation_unref(&f->request.generation);
}

#endif

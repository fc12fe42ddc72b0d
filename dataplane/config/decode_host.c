/* A host: its names, its routes, their regular expressions, and the index that finds one of them. */
#include "decode.h"

#include "path_index.h"
#include "regex.h"

/* All regular expressions of one host together: 64 KiB is the most that one can take. */
enum { MAX_REGEX_BYTES = 16 * 1024 * 1024, MAX_STATUS = 599 };

struct host_decode {
	struct decode *d;
	struct host_object *out;
	size_t regex_bytes;
};

static struct regex *compile_regex(struct host_decode *h, const char *field, struct str pattern)
{
	const char *why = "";
	struct regex *r = regex_create(pattern, &why);

	if (!r) {
		buf_printf(h->d->why, "%s%s: bad regular expression: %s", decode_place(h->d), field, why);
		return NULL;
	}
	h->regex_bytes += regex_size(r);
	if (h->regex_bytes > MAX_REGEX_BYTES) {
		decode_refuse(h->d, field, "the regular expressions of this host are too large");
		regex_destroy(r);
		return NULL;
	}
	return r;
}

/* --------------------------------------------------------------------------------------------------------- routes */

static void split_ingress(struct route *r)
{
	size_t slash = str_find(r->ingress, '/');

	r->namespace_ = slash < r->ingress.len ? str_first(r->ingress, slash) : STR("");
	r->ingress_name = slash < r->ingress.len ? str_from_index(r->ingress, slash + 1) : r->ingress;
}

static bool decode_path(struct decode *d, const Weirlock__V1__Route *in, struct route *out)
{
	switch (in->path_type) {
	case WEIRLOCK__V1__PATH_TYPE__PATH_TYPE_PREFIX:
		out->path_type = ROUTE_PREFIX;
		break;
	case WEIRLOCK__V1__PATH_TYPE__PATH_TYPE_EXACT:
		out->path_type = ROUTE_EXACT;
		break;
	case WEIRLOCK__V1__PATH_TYPE__PATH_TYPE_REGEX:
		out->path_type = ROUTE_REGEX;
		break;
	default:
		return decode_refuse(d, "path_type", "is unknown");
	}
	if (!decode_text(d, "path", in->path, MAX_PATH, &out->path))
		return false;
	if (out->path_type != ROUTE_REGEX && (!out->path.len || out->path.ptr[0] != '/'))
		return decode_refuse(d, "path", "does not begin with a slash");
	return true;
}

/* N1. Without a Service it is the backend's own name. */
static void fill_log_name(struct arena *arena, struct route *r)
{
	const struct str parts[] = {r->namespace_, STR("-"), r->service, STR("-"), r->service_port};
	size_t len = 0;
	char *text;

	r->log_name = r->backend_name;
	if (!r->backend_name.len || !r->service.len || !r->namespace_.len)
		return;
	text = arena_alloc(arena, r->namespace_.len + r->service.len + r->service_port.len + 3);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		memcpy(text + len, parts[i].ptr, parts[i].len);
		len += parts[i].len;
	}
	text[len] = '\0';
	r->log_name = str_of(text, len);
}

/* C14, C15: a target that is the path itself rewrites nothing. */
static bool needs_regex(const struct route *r)
{
	return r->path_type == ROUTE_REGEX ||
		(r->policy.rewrite_target.len && !str_eq(r->policy.rewrite_target, r->path));
}

static bool decode_route_backend(struct host_decode *h, const char *name, struct route *out)
{
	struct backend_slot *slot;
	size_t len = strlen(name);

	out->backend_index = BACKEND_NONE;
	out->backend_name = STR("");
	if (!len)
		return true;
	if (len > MAX_NAME)
		return decode_refuse(h->d, "backend", "too long");
	slot = lineage_take_slot(h->d->lineage, str_of(name, len));
	h->out->slots[h->out->n_slots++] = slot;
	out->backend_index = slot->index;
	out->backend_name = slot->name;
	return true;
}

static bool decode_canary(struct host_decode *h, const Weirlock__V1__Canary *in, struct canary *out)
{
	struct decode *d = h->d;
	size_t len = strlen(in->backend);
	struct backend_slot *slot;

	if (!len || len > MAX_NAME)
		return decode_refuse(d, "policy.canaries.backend", "is missing or too long");
	slot = lineage_take_slot(d->lineage, str_of(in->backend, len));
	h->out->slots[h->out->n_slots++] = slot;
	out->backend_index = slot->index;
	out->weight = in->weight;
	out->sets_session_cookie = in->sets_session_cookie;
	out->weight_total = in->weight_total < 100 ? 100 : in->weight_total;
	if (!decode_text(d, "policy.canaries.name", in->name, MAX_NAME * 2, &out->log_name) ||
		!decode_token(d, "policy.canaries.by_header", in->by_header, &out->by_header) ||
		!decode_text(d, "policy.canaries.by_header_value", in->by_header_value, MAX_TEXT, &out->by_header_value) ||
		!decode_token(d, "policy.canaries.by_cookie", in->by_cookie, &out->by_cookie))
		return false;
	if (in->by_header_pattern[0] && !out->by_header_value.len) {
		struct buf pattern = {0};
		struct regex *r;

		buf_printf(&pattern, "(?-i)%s", in->by_header_pattern);
		r = compile_regex(h, "policy.canaries.by_header_pattern", buf_str(&pattern));
		buf_deinit(&pattern);
		if (!r)
			return false;
		h->out->regexes[h->out->n_regexes++] = r;
		out->pattern = r;
	}
	return true;
}

static bool decode_canaries(struct host_decode *h, const Weirlock__V1__Policy *in, struct route *out)
{
	struct canary *items;

	if (!in || !in->n_canaries)
		return true;
	items = arena_zalloc(h->d->arena, in->n_canaries * sizeof(*items));
	for (size_t i = 0; i < in->n_canaries; i++) {
		if (!decode_canary(h, in->canaries[i], &items[i]))
			return false;
	}
	out->canaries = items;
	out->n_canaries = in->n_canaries;
	return true;
}

static bool decode_route(struct host_decode *h, const Weirlock__V1__Route *in, struct route *out)
{
	struct decode *d = h->d;

	if (!decode_path(d, in, out) || !decode_text(d, "ingress", in->ingress, MAX_NAME, &out->ingress) ||
		!decode_text(d, "service", in->service, MAX_NAME, &out->service) ||
		!decode_text(d, "service_port", in->service_port, MAX_NAME, &out->service_port) ||
		!decode_policy(d, in->policy, &out->policy) || !decode_route_backend(h, in->backend, out) ||
		!decode_canaries(h, in->policy, out))
		return false;
	if (in->fixed_status && !decode_range(d, "fixed_status", in->fixed_status, 400, MAX_STATUS))
		return false;
	out->fixed_status = in->fixed_status;
	split_ingress(out);
	fill_log_name(d->arena, out);
	if (needs_regex(out)) {
		struct regex *r = compile_regex(h, "path", out->path);

		if (!r)
			return false;
		h->out->regexes[h->out->n_regexes++] = r;
		out->regex = r;
	}
	return true;
}

/* A host has few that differ, however many its routes. */
static void note_proxy_ssl(struct host_object *h, const struct proxy_ssl *ssl)
{
	for (size_t i = 0; i < h->n_proxy_ssl; i++) {
		if (str_eq(h->proxy_ssl[i]->key, ssl->key))
			return;
	}
	h->proxy_ssl[h->n_proxy_ssl++] = ssl;
}

static void collect_proxy_ssl(struct host_decode *h)
{
	const struct host *host = &h->out->host;
	size_t n = 0;

	for (size_t i = 0; i < host->n_routes; i++)
		n += host->routes[i].policy.proxy_ssl != NULL;
	if (!n)
		return;
	h->out->proxy_ssl = arena_zalloc(h->d->arena, n * sizeof(*h->out->proxy_ssl));
	for (size_t i = 0; i < host->n_routes; i++) {
		if (host->routes[i].policy.proxy_ssl)
			note_proxy_ssl(h->out, host->routes[i].policy.proxy_ssl);
	}
}

static size_t count_canaries(const Weirlock__V1__Host *in)
{
	size_t n = 0;

	for (size_t i = 0; i < in->n_routes; i++)
		n += in->routes[i]->policy ? in->routes[i]->policy->n_canaries : 0;
	return n;
}

static bool decode_routes(struct host_decode *h, const Weirlock__V1__Host *in)
{
	struct host *host = &h->out->host;
	struct arena *arena = h->d->arena;
	size_t most = in->n_routes + count_canaries(in);

	if (in->n_routes > MAX_ROUTES || most > 2 * MAX_ROUTES)
		return decode_refuse(h->d, "routes", "too many");
	host->routes = arena_zalloc(arena, in->n_routes * sizeof(*host->routes));
	h->out->regexes = arena_zalloc(arena, most * sizeof(struct regex *));
	h->out->slots = arena_zalloc(arena, most * sizeof(struct backend_slot *));
	for (size_t i = 0; i < in->n_routes; i++) {
		decode_enter(h->d, "routes", i);
		if (!decode_route(h, in->routes[i], &host->routes[i]))
			return false;
	}
	decode_leave(h->d);
	host->n_routes = in->n_routes;
	collect_proxy_ssl(h);
	host->index = path_index_build(arena, host->routes, host->n_routes);
	return true;
}

/* ------------------------------------------------------------------------------------------ certificates of clients */

static bool decode_clients(struct host_decode *h, const Weirlock__V1__Host *in)
{
	struct client_auth *auth = NULL;
	struct buf pattern = {0};
	struct regex *r;

	if (!decode_client_auth(h->d, in->client_auth, &auth))
		return false;
	h->out->host.client_auth = auth;
	if (!auth || !auth->match_cn.len)
		return true;
	buf_printf(&pattern, "(?-i)%.*s", STR_ARG(auth->match_cn));
	r = compile_regex(h, "client_auth.match_cn", buf_str(&pattern));
	buf_deinit(&pattern);
	h->out->match_cn = r;
	auth->match_cn_regex = r;
	return r != NULL;
}

/* ---------------------------------------------------------------------------------------------------------- names */

static bool decode_alias(struct host_decode *h, const char *in)
{
	struct host_object *out = h->out;
	struct regex *r;
	struct str pattern;

	if (in[0] != '~')
		return decode_server_name(h->d, "alias", in, &out->aliases[out->n_aliases]) && ++out->n_aliases;
	if (!decode_text(h->d, "alias", in + 1, REGEX_MAX_PATTERN, &pattern))
		return false;
	r = compile_regex(h, "alias", pattern);
	if (r) {
		out->alias_patterns[out->n_alias_regexes] = pattern;
		out->alias_regexes[out->n_alias_regexes++] = r;
	}
	return r != NULL;
}

static bool decode_aliases(struct host_decode *h, const Weirlock__V1__Host *in)
{
	if (in->n_aliases > MAX_ITEMS)
		return decode_refuse(h->d, "aliases", "too many");
	h->out->aliases = arena_zalloc(h->d->arena, in->n_aliases * sizeof(*h->out->aliases));
	h->out->alias_patterns = arena_zalloc(h->d->arena, in->n_aliases * sizeof(struct str));
	h->out->alias_regexes = arena_zalloc(h->d->arena, in->n_aliases * sizeof(struct regex *));
	for (size_t i = 0; i < in->n_aliases; i++) {
		decode_enter(h->d, "aliases", i);
		if (!decode_alias(h, in->aliases[i]))
			return false;
	}
	decode_leave(h->d);
	return true;
}

static bool decode_passthrough(struct host_decode *h, const Weirlock__V1__Host *in)
{
	struct host *host = &h->out->host;
	struct str name = str_from(in->passthrough_backend);

	host->passthrough_name = STR("");
	host->passthrough_proxy_protocol = in->passthrough_proxy_protocol;
	if (!decode_range(h->d, "passthrough_proxy_protocol", in->passthrough_proxy_protocol, 0, 2))
		return false;
	if (name.len > MAX_NAME)
		return decode_refuse(h->d, "passthrough_backend", "too long");
	if (!name.len)
		return true;
	h->out->passthrough = lineage_take_slot(h->d->lineage, name);
	host->passthrough_name = h->out->passthrough->name;
	host->passthrough_index = h->out->passthrough->index;
	return true;
}

bool decode_host(struct decode *d, const Weirlock__V1__Host *in, struct host_object *out)
{
	struct host_decode h = {.d = d, .out = out};
	struct host *host = &out->host;

	if (!decode_server_name(d, "name", in->name, &host->name))
		return false;
	if (!str_eq(d->name, str_from(in->name)))
		return decode_refuse(d, "name", "is not that of the resource");
	host->has_tls = in->has_tls;
	host->is_regex = in->is_regex;
	host->redirect_to = STR("");
	out->is_client_cipher_order = in->ssl_client_cipher_order;
	if (!decode_text(d, "ssl_ciphers", in->ssl_ciphers, MAX_TEXT, &out->ssl_ciphers))
		return false;
	if (!decode_text(d, "certificate", in->certificate, MAX_NAME, &out->certificate) ||
		!decode_text(d, "app_root", in->app_root, MAX_PATH, &host->app_root))
		return false;
	if (host->app_root.len && host->app_root.ptr[0] != '/')
		return decode_refuse(d, "app_root", "does not begin with a slash");
	if (in->redirect_to[0] && !decode_server_name(d, "redirect_to", in->redirect_to, &host->redirect_to))
		return false;
	return decode_aliases(&h, in) && decode_clients(&h, in) && decode_passthrough(&h, in) && decode_routes(&h, in);
}

void decode_drop_host(struct host_object *h)
{
	for (size_t i = 0; i < h->n_regexes; i++)
		regex_destroy(h->regexes[i]);
	for (size_t i = 0; i < h->n_alias_regexes; i++)
		regex_destroy(h->alias_regexes[i]);
	regex_destroy(h->match_cn);
	if (h->passthrough)
		lineage_drop_slot(h->passthrough);
	for (size_t i = 0; i < h->n_slots; i++)
		lineage_drop_slot(h->slots[i]);
}

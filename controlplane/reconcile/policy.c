/* Stage 6: what a route does to its requests. Annotation, else ConfigMap, else default; each effective value says where from. */
#include "mem.h"
#include "pass.h"

enum { KILO = 1024 }; /* limit-rate counts in kilobytes */

/* One route's policy on its way. */
struct filling {
	struct reconcile *pass;
	struct reconcile_result *result;
	struct str host;
	const struct route *route;
	Weirlock__V1__Policy *out;
};

static const struct annotation *find(const struct filling *f, enum annotation_id id)
{
	return f->route->view ? annotation_get(&f->route->view->annotations, id) : NULL;
}

static void add_origin(const struct filling *f, const char *field, const struct annotation *a)
{
	result_origin(f->result, &(struct provenance){.kind = WEIRLOCK__V1__KIND__KIND_HOST, .name = f->host,
		.field = arena_printf(&f->pass->scratch, "routes[%.*s].%s", STR_ARG(f->route->label), field),
		.object = f->route->view->object->key, .key = a->name, .value = a->written});
}

/* The annotation's value, else the ConfigMap's or its default. Borrowed. */
static const struct value *pick(
	const struct filling *f, const char *field, enum annotation_id annotation, enum setting_id setting)
{
	const struct annotation *a = find(f, annotation);

	if (!a)
		return &f->pass->settings.items[setting].value;
	add_origin(f, field, a);
	return &a->value;
}

static bool pick_flag(const struct filling *f, const char *field, enum annotation_id annotation, enum setting_id setting)
{
	return pick(f, field, annotation, setting)->flag;
}

static uint32_t pick_u32(const struct filling *f, const char *field, enum annotation_id annotation, enum setting_id setting)
{
	int64_t n = pick(f, field, annotation, setting)->number;

	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n; /* tables bound them; a size could be larger */
}

/* Below zero is 0. */
static uint64_t pick_u64(const struct filling *f, const char *field, enum annotation_id annotation, enum setting_id setting)
{
	int64_t n = pick(f, field, annotation, setting)->number;

	return n < 0 ? 0 : (uint64_t)n;
}

/* The annotation's text, or "". */
static char *pick_text(const struct filling *f, const char *field, enum annotation_id annotation)
{
	const struct annotation *a = find(f, annotation);

	if (!a)
		return message_text(&f->pass->scratch, STR(""));
	add_origin(f, field, a);
	return message_text(&f->pass->scratch, a->value.text);
}

static void fill_timeouts(const struct filling *f)
{
	f->out->proxy_connect_timeout_ms = pick_u32(
		f, "proxy_connect_timeout_ms", ANNOTATION_PROXY_CONNECT_TIMEOUT, SETTING_PROXY_CONNECT_TIMEOUT);
	f->out->proxy_send_timeout_ms =
		pick_u32(f, "proxy_send_timeout_ms", ANNOTATION_PROXY_SEND_TIMEOUT, SETTING_PROXY_SEND_TIMEOUT);
	f->out->proxy_read_timeout_ms =
		pick_u32(f, "proxy_read_timeout_ms", ANNOTATION_PROXY_READ_TIMEOUT, SETTING_PROXY_READ_TIMEOUT);
}

/* E6: path prefixes, compared with the location's path. */
static bool has_prefix_of(const struct setting *list, struct str path)
{
	for (size_t i = 0; i < list->value.n; i++) {
		if (str_starts_with(path, list->value.items[i]))
			return true;
	}
	return false;
}

static void fill_redirects(const struct filling *f)
{
	Weirlock__V1__Policy *out = f->out;

	out->ssl_redirect = pick_flag(f, "ssl_redirect", ANNOTATION_SSL_REDIRECT, SETTING_SSL_REDIRECT);
	out->force_ssl_redirect =
		pick_flag(f, "force_ssl_redirect", ANNOTATION_FORCE_SSL_REDIRECT, SETTING_FORCE_SSL_REDIRECT);
	out->preserve_trailing_slash =
		pick_flag(f, "preserve_trailing_slash", ANNOTATION_PRESERVE_TRAILING_SLASH, SETTING_PRESERVE_TRAILING_SLASH);
	out->use_port_in_redirects =
		pick_flag(f, "use_port_in_redirects", ANNOTATION_USE_PORT_IN_REDIRECTS, SETTING_USE_PORT_IN_REDIRECTS);
	out->relative_redirects =
		pick_flag(f, "relative_redirects", ANNOTATION_RELATIVE_REDIRECTS, SETTING_RELATIVE_REDIRECTS);
	out->no_tls_redirect = has_prefix_of(&f->pass->settings.items[SETTING_NO_TLS_REDIRECT_LOCATIONS], f->route->path);
}

/* E10: a status out of range acts as the usual one. */
static uint32_t redirect_code(const struct filling *f, enum annotation_id id, int64_t most, uint32_t usual)
{
	const struct annotation *a = find(f, id);

	if (!a)
		return usual;
	if (a->value.number >= 300 && a->value.number <= most) {
		add_origin(f, "redirect_code", a);
		return (uint32_t)a->value.number;
	}
	problems_add(&f->result->problems, &(struct problem){.severity = SEVERITY_WARN,
		.object = f->route->view->object->key, .field = a->name, .value = a->written,
		.rule = most == 308 ? STR("a status from 300 to 308 (E10)") : STR("a status from 300 to 307 (E10)"),
		.fix = STR("write such a status"), .effect = usual == 301 ? STR("301 is used") : STR("302 is used")});
	return usual;
}

static bool is_http_url(struct str s)
{
	return str_starts_with(s, STR("http://")) || str_starts_with(s, STR("https://"));
}

static void complain_url(const struct filling *f, const struct annotation *a)
{
	problems_add(&f->result->problems, &(struct problem){.severity = SEVERITY_FAULT,
		.object = f->route->view->object->key, .field = a->name, .value = a->written,
		.rule = STR("a URL that begins with http:// or https://"), .fix = STR("write the whole URL"),
		.effect = STR("the path does not redirect")});
}

/* E10: temporal wins; a bad one takes the permanent one with it, as in ingress-nginx. */
static void fill_canned_redirect(const struct filling *f)
{
	const struct annotation *temporal = find(f, ANNOTATION_TEMPORAL_REDIRECT);
	const struct annotation *permanent = find(f, ANNOTATION_PERMANENT_REDIRECT);

	if (temporal && !is_http_url(temporal->value.text)) {
		complain_url(f, temporal);
	} else if (temporal) {
		f->out->redirect_url = pick_text(f, "redirect_url", ANNOTATION_TEMPORAL_REDIRECT);
		f->out->redirect_code = redirect_code(f, ANNOTATION_TEMPORAL_REDIRECT_CODE, 307, 302);
	} else if (permanent) {
		f->out->redirect_url = pick_text(f, "redirect_url", ANNOTATION_PERMANENT_REDIRECT);
		f->out->redirect_code = redirect_code(f, ANNOTATION_PERMANENT_REDIRECT_CODE, 308, 301);
	}
}

/* C14, C15, C22; the "/" that every host has forwards the target as it came (D4). */
static void fill_rewrite(const struct filling *f)
{
	const struct annotation *a = find(f, ANNOTATION_REWRITE_TARGET);

	if (!a || f->route->is_own_root || str_eq(a->value.text, f->route->path))
		return;
	f->out->rewrite_target = pick_text(f, "rewrite_target", ANNOTATION_REWRITE_TARGET);
	f->out->x_forwarded_prefix = pick_text(f, "x_forwarded_prefix", ANNOTATION_X_FORWARDED_PREFIX);
}

/* M10; variables are not replaced, and a Host of "$host" would be worse than the client's own. */
static void fill_vhost(const struct filling *f)
{
	const struct annotation *a = find(f, ANNOTATION_UPSTREAM_VHOST);

	if (!a)
		return;
	if (str_find(a->value.text, '$') == a->value.text.len) {
		f->out->upstream_vhost = pick_text(f, "upstream_vhost", ANNOTATION_UPSTREAM_VHOST);
		return;
	}
	problems_add(&f->result->problems, &(struct problem){.severity = SEVERITY_FAULT,
		.object = f->route->view->object->key, .field = a->name, .value = a->written,
		.rule = STR("a name without variables"), .fix = STR("write the host name itself"),
		.effect = STR("backends get the client's Host")});
}

static void fill_proxying(const struct filling *f)
{
	Weirlock__V1__Policy *out = f->out;
	const struct annotation *log = find(f, ANNOTATION_ENABLE_ACCESS_LOG);

	out->connection_proxy_header = pick_text(f, "connection_proxy_header", ANNOTATION_CONNECTION_PROXY_HEADER);
	out->proxy_http_1_0 = pick(f, "proxy_http_1_0", ANNOTATION_PROXY_HTTP_VERSION, SETTING_PROXY_HTTP_VERSION)->number == 0;
	out->proxy_body_size_bytes =
		pick_u64(f, "proxy_body_size_bytes", ANNOTATION_PROXY_BODY_SIZE, SETTING_PROXY_BODY_SIZE);
	out->proxy_buffering =
		pick(f, "proxy_buffering", ANNOTATION_PROXY_BUFFERING, SETTING_PROXY_BUFFERING)->number == 1;
	out->no_request_buffering =
		pick(f, "no_request_buffering", ANNOTATION_PROXY_REQUEST_BUFFERING, SETTING_PROXY_REQUEST_BUFFERING)->number == 0;
	out->proxy_buffer_size_bytes =
		pick_u32(f, "proxy_buffer_size_bytes", ANNOTATION_PROXY_BUFFER_SIZE, SETTING_PROXY_BUFFER_SIZE);
	out->proxy_buffers_number =
		pick_u32(f, "proxy_buffers_number", ANNOTATION_PROXY_BUFFERS_NUMBER, SETTING_PROXY_BUFFERS_NUMBER);
	out->client_body_buffer_bytes =
		pick_u64(f, "client_body_buffer_bytes", ANNOTATION_CLIENT_BODY_BUFFER_SIZE, SETTING_CLIENT_BODY_BUFFER_SIZE);
	out->proxy_max_temp_file_bytes = pick_u64(
		f, "proxy_max_temp_file_bytes", ANNOTATION_PROXY_MAX_TEMP_FILE_SIZE, SETTING_PROXY_MAX_TEMP_FILE_SIZE);
	out->limit_rate_bytes = KILO * pick_u64(f, "limit_rate_bytes", ANNOTATION_LIMIT_RATE, SETTING_LIMIT_RATE);
	out->limit_rate_after_bytes =
		KILO * pick_u64(f, "limit_rate_after_bytes", ANNOTATION_LIMIT_RATE_AFTER, SETTING_LIMIT_RATE_AFTER);
	out->disable_access_log = log && !log->value.flag;
	if (log)
		add_origin(f, "disable_access_log", log);
}

/* I30, I32. The words of the table stand in the order of the message's bits; the one after them is "off". */
static void fill_retries(const struct filling *f)
{
	const uint32_t off = 2 * WEIRLOCK__V1__NEXT_UPSTREAM__NEXT_UPSTREAM_NON_IDEMPOTENT;
	uint32_t bits = pick_u32(f, "next_upstream", ANNOTATION_PROXY_NEXT_UPSTREAM, SETTING_PROXY_NEXT_UPSTREAM);

	if (f->pass->settings.items[SETTING_RETRY_NON_IDEMPOTENT].value.flag)
		bits |= WEIRLOCK__V1__NEXT_UPSTREAM__NEXT_UPSTREAM_NON_IDEMPOTENT;
	f->out->next_upstream = bits & off ? 0 : bits;
	f->out->next_upstream_tries =
		pick_u32(f, "next_upstream_tries", ANNOTATION_PROXY_NEXT_UPSTREAM_TRIES, SETTING_PROXY_NEXT_UPSTREAM_TRIES);
	f->out->next_upstream_timeout_ms = pick_u32(
		f, "next_upstream_timeout_ms", ANNOTATION_PROXY_NEXT_UPSTREAM_TIMEOUT, SETTING_PROXY_NEXT_UPSTREAM_TIMEOUT);
}

/* J20: the route's own list takes the global one's place. A list that was given and is empty admits nobody. */
static void fill_lists(const struct filling *f)
{
	bool is_old = !find(f, ANNOTATION_ALLOWLIST_SOURCE_RANGE);
	enum annotation_id id = is_old ? ANNOTATION_WHITELIST_SOURCE_RANGE : ANNOTATION_ALLOWLIST_SOURCE_RANGE;
	const struct setting *global = &f->pass->settings.items[SETTING_WHITELIST_SOURCE_RANGE];
	const struct value *allow = pick(f, "allowlist", id, SETTING_WHITELIST_SOURCE_RANGE);
	const struct value *deny = pick(f, "denylist", ANNOTATION_DENYLIST_SOURCE_RANGE, SETTING_DENYLIST_SOURCE_RANGE);

	f->out->allowlist = message_cidrs(&f->pass->scratch, allow->cidrs, allow->n);
	f->out->n_allowlist = allow->n;
	f->out->has_allowlist = allow->n > 0 || (allow == &global->value && global->written.len > 0);
	f->out->denylist = message_cidrs(&f->pass->scratch, deny->cidrs, deny->n);
	f->out->n_denylist = deny->n;
}

/* The table's words are the versions from 1 on. */
static void fill_proxy_protocol(const struct filling *f)
{
	const struct annotation *a = find(f, ANNOTATION_SEND_PROXY_PROTOCOL);

	if (!a)
		return;
	f->out->send_proxy_protocol = (uint32_t)a->value.number + 1;
	add_origin(f, "send_proxy_protocol", a);
}

/* I14, I15. A path that is a pattern is no path for a cookie. */
static void fill_affinity(const struct filling *f)
{
	const struct annotation *a = find(f, ANNOTATION_AFFINITY);

	if (!a)
		return;
	f->out->sets_session_cookie = true;
	add_origin(f, "sets_session_cookie", a);
	if (f->route->type == WEIRLOCK__V1__PATH_TYPE__PATH_TYPE_REGEX && !f->route->is_own_root &&
		!find(f, ANNOTATION_SESSION_COOKIE_PATH))
		problems_add(&f->result->problems, &(struct problem){.severity = SEVERITY_WARN,
			.object = f->route->view->object->key, .field = a->name, .value = f->route->path,
			.rule = STR("a path that a cookie can have, as the host's paths are regular expressions (I15)"),
			.fix = STR("write session-cookie-path"), .effect = STR("the cookie is for / of the host")});
}

void policy_fill(struct reconcile *pass, struct str host, const struct route *route, struct reconcile_result *result,
	Weirlock__V1__Policy *out)
{
	struct filling f = {pass, result, host, route, out};

	fill_timeouts(&f);
	fill_redirects(&f);
	fill_canned_redirect(&f);
	fill_rewrite(&f);
	fill_vhost(&f);
	fill_proxying(&f);
	fill_proxy_protocol(&f);
	fill_retries(&f);
	fill_lists(&f);
	fill_affinity(&f);
	backend_tls_fill(pass, host, route, result, out);
	canary_fill(pass, host, route, result, out);
}

/* global-auth-url is not enforced yet, so what it protects is closed. */
static bool is_closed_by_global_auth(const struct reconcile *pass, const struct route *route)
{
	const struct annotation *a = annotation_get(&route->view->annotations, ANNOTATION_ENABLE_GLOBAL_AUTH);

	if (pass->settings.items[SETTING_GLOBAL_AUTH_URL].written.len == 0 || (a && !a->value.flag))
		return false;
	return !has_prefix_of(&pass->settings.items[SETTING_NO_AUTH_LOCATIONS], route->path);
}

unsigned policy_status(const struct reconcile *pass, const struct route *route, bool is_host_denied)
{
	if (is_host_denied)
		return 403;
	if (!route->view)
		return 0;
	return route->view->annotations.denied_by.len > 0 || route->view->is_denied || is_closed_by_global_auth(pass, route) ? 503 : 0;
}

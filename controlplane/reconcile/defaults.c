/* The Settings resource: what the ConfigMap and the controller's options say for all hosts. */
#include "mem.h"
#include "pass.h"

/* The settings on their way. */
struct filling {
	struct reconcile *pass;
	struct reconcile_result *result;
	Weirlock__V1__Settings *out;
};

static const struct value *get(const struct filling *f, enum setting_id id)
{
	return &f->pass->settings.items[id].value;
}

static uint32_t get_u32(const struct filling *f, enum setting_id id)
{
	int64_t n = get(f, id)->number;

	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

static char *get_text(const struct filling *f, enum setting_id id)
{
	return message_text(&f->pass->scratch, get(f, id)->text);
}

static void fill_client_side(const struct filling *f)
{
	Weirlock__V1__Settings *out = f->out;

	out->client_header_timeout_ms = get_u32(f, SETTING_CLIENT_HEADER_TIMEOUT);
	out->client_body_timeout_ms = get_u32(f, SETTING_CLIENT_BODY_TIMEOUT);
	out->keep_alive_ms = get_u32(f, SETTING_KEEP_ALIVE);
	out->keep_alive_requests = get_u32(f, SETTING_KEEP_ALIVE_REQUESTS);
	out->client_header_buffer_bytes = get_u32(f, SETTING_CLIENT_HEADER_BUFFER_SIZE);
	out->large_client_header_count = get(f, SETTING_LARGE_CLIENT_HEADER_BUFFERS)->count;
	out->large_client_header_bytes = get_u32(f, SETTING_LARGE_CLIENT_HEADER_BUFFERS);
	out->enable_underscores_in_headers = get(f, SETTING_ENABLE_UNDERSCORES_IN_HEADERS)->flag;
	out->ignore_invalid_headers = get(f, SETTING_IGNORE_INVALID_HEADERS)->flag;
	out->generate_request_id = get(f, SETTING_GENERATE_REQUEST_ID)->flag;
	out->server_tokens = get(f, SETTING_SERVER_TOKENS)->flag;
	out->allow_backend_server_header = get(f, SETTING_ALLOW_BACKEND_SERVER_HEADER)->flag;
}

static bool is_compatible(const struct filling *f)
{
	return get(f, SETTING_COMPATIBILITY)->number == 1; /* the second word of its row */
}

/* A flag that says how ingress-nginx does it: itself where it is set, else what compatibility says. */
static bool get_quirk(const struct filling *f, enum setting_id id)
{
	const struct setting *s = &f->pass->settings.items[id];

	return s->is_set ? s->value.flag : is_compatible(f);
}

/* A3: upstream's default 0.0.0.0/0 lets anybody say who the client is; ours is nobody. */
static void trust_everybody(const struct filling *f)
{
	static const struct cidr everybody = {.net = {.family = 4}, .prefix = 0};

	f->out->proxy_real_ip_cidr = message_cidrs(&f->pass->scratch, &everybody, 1);
	f->out->n_proxy_real_ip_cidr = 1;
}

static void fill_compatibility(const struct filling *f)
{
	Weirlock__V1__Settings *out = f->out;

	out->compatibility_ingress_nginx = is_compatible(f);
	out->forwarded_headers_from_anyone = get_quirk(f, SETTING_FORWARDED_HEADERS_FROM_ANYONE);
	out->keep_untrusted_forwarded_for = get_quirk(f, SETTING_KEEP_UNTRUSTED_FORWARDED_FOR);
	out->proxy_protocol_fallback_to_peer = get_quirk(f, SETTING_PROXY_PROTOCOL_FALLBACK_TO_PEER);
	out->pass_lookalike_headers = get_quirk(f, SETTING_PASS_LOOKALIKE_HEADERS);
	out->pass_ssl_client_headers = get_quirk(f, SETTING_PASS_SSL_CLIENT_HEADERS);
	if (is_compatible(f) && !f->pass->settings.items[SETTING_PROXY_REAL_IP_CIDR].is_set)
		trust_everybody(f);
}

static void fill_client_address(const struct filling *f)
{
	Weirlock__V1__Settings *out = f->out;
	const struct value *trusted = get(f, SETTING_PROXY_REAL_IP_CIDR);
	const struct value *senders = get(f, SETTING_PROXY_PROTOCOL_CIDR);

	out->use_forwarded_headers = get(f, SETTING_USE_FORWARDED_HEADERS)->flag;
	out->use_proxy_protocol = get(f, SETTING_USE_PROXY_PROTOCOL)->flag;
	out->enable_real_ip = get(f, SETTING_ENABLE_REAL_IP)->flag;
	out->compute_full_forwarded_for = get(f, SETTING_COMPUTE_FULL_FORWARDED_FOR)->flag;
	out->proxy_add_original_uri_header = get(f, SETTING_PROXY_ADD_ORIGINAL_URI_HEADER)->flag;
	out->forwarded_for_header = get_text(f, SETTING_FORWARDED_FOR_HEADER);
	out->forwarded_host_header = get_text(f, SETTING_FORWARDED_HOST_HEADER);
	out->proxy_real_ip_cidr = message_cidrs(&f->pass->scratch, trusted->cidrs, trusted->n);
	out->n_proxy_real_ip_cidr = trusted->n;
	fill_compatibility(f);
	out->proxy_protocol_header_timeout_ms = get_u32(f, SETTING_PROXY_PROTOCOL_HEADER_TIMEOUT);
	out->proxy_protocol_cidr = message_cidrs(&f->pass->scratch, senders->cidrs, senders->n);
	out->n_proxy_protocol_cidr = senders->n;
}

static bool holds_everybody(const Weirlock__V1__Settings *s)
{
	for (size_t i = 0; i < s->n_proxy_real_ip_cidr; i++) {
		if (s->proxy_real_ip_cidr[i]->prefix == 0)
			return true;
	}
	return false;
}

/* A3, Y6: a switch is on, and nobody or everybody says who the client is. Neither is what its owner wants. */
static void warn_of_trust(const struct filling *f)
{
	const struct setting *trusted = &f->pass->settings.items[SETTING_PROXY_REAL_IP_CIDR];
	const Weirlock__V1__Settings *out = f->out;
	const char *fix = "name the networks of your load balancers";

	if (!out->use_forwarded_headers && !out->use_proxy_protocol && !out->enable_real_ip)
		return;
	if (holds_everybody(out))
		result_problem(&f->result->problems, SEVERITY_WARN, f->pass->settings.object, "proxy-real-ip-cidr",
			trusted->is_set ? trusted->written : STR("0.0.0.0/0"),
			"a list of load balancers alone: with it each client can forge its address", fix,
			"every peer of that family is believed about who the client is");
	else if (out->n_proxy_real_ip_cidr == 0)
		result_problem(&f->result->problems, SEVERITY_FAULT, f->pass->settings.object, "proxy-real-ip-cidr",
			trusted->written, "the networks whose word about the client is believed", fix,
			"nobody is believed: the client is the TCP peer");
}

enum { SESSION_BYTES = 512 }; /* what ssl-session-cache-size counts for one */

static void fill_tls(const struct filling *f)
{
	const struct value *responders = get(f, SETTING_OCSP_RESPONDER_CIDR);
	Weirlock__V1__Settings *out = f->out;

	out->ssl_protocol_tls12 = get(f, SETTING_SSL_PROTOCOLS)->number & 1;
	out->ssl_protocol_tls13 = (get(f, SETTING_SSL_PROTOCOLS)->number & 2) != 0;
	out->ssl_ciphers = get_text(f, SETTING_SSL_CIPHERS);
	out->ssl_ecdh_curve = get_text(f, SETTING_SSL_ECDH_CURVE);
	out->ssl_buffer_size_bytes = get_u32(f, SETTING_SSL_BUFFER_SIZE);
	out->ssl_reject_handshake = get(f, SETTING_SSL_REJECT_HANDSHAKE)->flag;
	out->ssl_session_timeout_ms = get_u32(f, SETTING_SSL_SESSION_TIMEOUT);
	out->ssl_session_tickets = get(f, SETTING_SSL_SESSION_TICKETS)->flag;
	out->ssl_no_session_cache = !get(f, SETTING_SSL_SESSION_CACHE)->flag;
	out->ssl_session_cache_sessions = get_u32(f, SETTING_SSL_SESSION_CACHE_SIZE) / SESSION_BYTES;
	if (out->ssl_session_tickets)
		tickets_put(f->pass, f->result);
	out->enable_ocsp = get(f, SETTING_ENABLE_OCSP)->flag;
	out->ocsp_responder_cidr = message_cidrs(&f->pass->scratch, responders->cidrs, responders->n);
	out->n_ocsp_responder_cidr = responders->n;
	out->use_http2 = get(f, SETTING_USE_HTTP2)->flag;
	out->http2_max_concurrent_streams = get_u32(f, SETTING_HTTP2_MAX_CONCURRENT_STREAMS);
	out->http2_connection_memory_bytes = get_u32(f, SETTING_HTTP2_CONNECTION_MEMORY);
	out->hsts = get(f, SETTING_HSTS)->flag;
	out->hsts_max_age_s = get_u32(f, SETTING_HSTS_MAX_AGE);
	out->hsts_include_subdomains = get(f, SETTING_HSTS_INCLUDE_SUBDOMAINS)->flag;
	out->hsts_preload = get(f, SETTING_HSTS_PRELOAD)->flag;
	dh_param_fill(f->pass, f->result, out);
	out->default_certificate = message_text(&f->pass->scratch, tls_put_default(f->pass, f->result));
}

enum { STREAM_TRIES_MAX = 16 }; /* what a proxy takes */

/* TCP and UDP services (A50). */
static void fill_streams(const struct filling *f)
{
	Weirlock__V1__Settings *out = f->out;
	uint32_t tries = get_u32(f, SETTING_PROXY_STREAM_NEXT_UPSTREAM_TRIES);

	out->proxy_stream_timeout_ms = get_u32(f, SETTING_PROXY_STREAM_TIMEOUT);
	out->stream_connect_timeout_ms = get_u32(f, SETTING_PROXY_CONNECT_TIMEOUT);
	out->udp_responses = get_u32(f, SETTING_PROXY_STREAM_RESPONSES);
	out->udp_no_responses = out->udp_responses == 0;
	out->udp_sessions_max = get_u32(f, SETTING_PROXY_STREAM_UDP_SESSIONS);
	out->stream_no_next_upstream = !get(f, SETTING_PROXY_STREAM_NEXT_UPSTREAM)->flag;
	out->stream_next_upstream_tries = tries && tries < STREAM_TRIES_MAX ? tries : STREAM_TRIES_MAX;
	out->stream_next_upstream_timeout_ms = get_u32(f, SETTING_PROXY_STREAM_NEXT_UPSTREAM_TIMEOUT);
	out->log_format_stream = get_text(f, SETTING_LOG_FORMAT_STREAM);
	if (get(f, SETTING_DISABLE_ACCESS_LOG)->flag || get(f, SETTING_DISABLE_STREAM_ACCESS_LOG)->flag)
		out->stream_log = WEIRLOCK__V1__STREAM_LOG__STREAM_LOG_OFF;
	else
		out->stream_log = WEIRLOCK__V1__STREAM_LOG__STREAM_LOG_ON;
}

static void fill_backends(const struct filling *f)
{
	static const uint32_t codes[] = {301, 302, 307, 308}; /* the words of http-redirect-code */
	Weirlock__V1__Settings *out = f->out;

	out->max_client_connections = get_u32(f, SETTING_MAX_CLIENT_CONNECTIONS);
	out->max_worker_connections = get_u32(f, SETTING_MAX_WORKER_CONNECTIONS);
	out->max_memory_bytes = (uint64_t)get(f, SETTING_MAX_MEMORY)->number;
	out->http_redirect_code = codes[get(f, SETTING_HTTP_REDIRECT_CODE)->number];
	out->upstream_keepalive_connections = get_u32(f, SETTING_UPSTREAM_KEEPALIVE_CONNECTIONS);
	out->upstream_keepalive_timeout_ms = get_u32(f, SETTING_UPSTREAM_KEEPALIVE_TIMEOUT);
	out->upstream_keepalive_requests = get_u32(f, SETTING_UPSTREAM_KEEPALIVE_REQUESTS);
	out->upstream_keepalive_time_ms = get_u32(f, SETTING_UPSTREAM_KEEPALIVE_TIME);
	out->worker_shutdown_timeout_ms = get_u32(f, SETTING_WORKER_SHUTDOWN_TIMEOUT);
	out->worker_no_shutdown_timeout = out->worker_shutdown_timeout_ms == 0;
	out->default_backend = message_text(&f->pass->scratch, backend_default(f->pass));
	if (f->pass->options->default_backend_service.len > 0 && out->default_backend[0] == '\0')
		result_problem(&f->result->problems, SEVERITY_WARN, STR("--default-backend-service"), "",
			f->pass->options->default_backend_service, "a Service with a port, as namespace/name (D4)",
			"create it, or name one that exists", "the built-in 404 page answers");
}

/* Of its own key, else of access-log-path; a path that is none is told, and is stdout. */
static char *log_path(const struct filling *f, enum setting_id own)
{
	enum setting_id id = get(f, own)->text.len ? own : SETTING_ACCESS_LOG_PATH;
	struct str path = get(f, id)->text;

	if (path.len && path.ptr[0] != '/') {
		result_problem(&f->result->problems, SEVERITY_WARN, f->pass->settings.object, settings_rows[id].name, path,
			"a path from the root, such as /dev/stdout", "begin it with /", "the log goes to stdout");
		path = STR("");
	}
	return message_text(&f->pass->scratch, path);
}

static void fill_logs(const struct filling *f)
{
	Weirlock__V1__Settings *out = f->out;

	out->enable_access_log = !get(f, SETTING_DISABLE_ACCESS_LOG)->flag && !get(f, SETTING_DISABLE_HTTP_ACCESS_LOG)->flag;
	out->log_format_upstream = get_text(f, SETTING_LOG_FORMAT_UPSTREAM);
	out->log_format_escape_json = get(f, SETTING_LOG_FORMAT_ESCAPE_JSON)->flag;
	out->access_log_path = log_path(f, SETTING_HTTP_ACCESS_LOG_PATH);
	out->stream_access_log_path = log_path(f, SETTING_STREAM_ACCESS_LOG_PATH);
}

enum { HEADER_MAX = 8192, HEADERS_MAX = 1000 }; /* what a proxy takes */

/* What says where a message ends and whether a connection lives. */
static bool is_framing(struct str name)
{
	static const char *const names[] = {
		"Connection", "Content-Length", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (str_eq_nocase(name, str_from(names[i])))
			return true;
	}
	return false;
}

/* One entry of add-headers or proxy-set-headers, or a problem of its ConfigMap. */
static bool is_good_header(const struct filling *f, const struct object *map, const struct pair *p)
{
	const char *rule = NULL;

	if (!value_is_token(p->name))
		rule = "for a header name";
	else if (is_framing(p->name))
		rule = "for a header that a setting may write";
	else if (!value_is_printable(p->value) || p->value.len > HEADER_MAX)
		rule = "a text of at most 8192 bytes without control characters";
	else if (str_find(p->value, '$') < p->value.len)
		rule = "a text without variables";
	if (!rule)
		return true;
	problems_add(&f->result->problems, &(struct problem){.severity = SEVERITY_FAULT, .object = map->key, .field = p->name,
		.value = p->value, .rule = str_from(rule), .fix = STR("correct this entry"),
		.effect = STR("this header is left out, the others are sent")});
	return false;
}

static Weirlock__V1__Header **read_headers(const struct filling *f, enum setting_id id, size_t *n)
{
	const struct setting *s = &f->pass->settings.items[id];
	const struct object *map = store_get_path(f->pass->untracked, KIND_CONFIG_MAP, s->value.text);
	Weirlock__V1__Header **out = NULL;

	*n = 0;
	if (s->value.text.len > 0 && !map)
		result_problem(&f->result->problems, SEVERITY_WARN, f->pass->settings.object, settings_rows[id].name,
			s->written, "a ConfigMap that exists", "create it, or name one that exists", "no header is added");
	if (!map)
		return NULL;
	out = arena_alloc(&f->pass->scratch, (map->config_map.n_data + 1) * sizeof(struct Weirlock__V1__Header *));
	for (size_t i = 0; i < map->config_map.n_data && *n < HEADERS_MAX; i++) {
		const struct pair *p = &map->config_map.data[i];

		if (!is_good_header(f, map, p))
			continue;
		out[*n] = arena_alloc(&f->pass->scratch, sizeof(**out));
		weirlock__v1__header__init(out[*n]);
		out[*n]->name = message_text(&f->pass->scratch, p->name);
		out[*n]->value = message_text(&f->pass->scratch, p->value);
		(*n)++;
	}
	return out;
}

static void fill_lists(const struct filling *f)
{
	Weirlock__V1__Settings *out = f->out;
	const struct value *blocked = get(f, SETTING_BLOCK_CIDRS);
	const struct value *hidden = get(f, SETTING_HIDE_HEADERS);

	out->denylist = message_cidrs(&f->pass->scratch, blocked->cidrs, blocked->n);
	out->n_denylist = blocked->n;
	out->hide_headers = message_texts(&f->pass->scratch, hidden->items, hidden->n);
	out->n_hide_headers = hidden->n;
	out->add_headers = read_headers(f, SETTING_ADD_HEADERS, &out->n_add_headers);
	out->proxy_set_headers = read_headers(f, SETTING_PROXY_SET_HEADERS, &out->n_proxy_set_headers);
}

static void warn_of_global_auth(const struct filling *f)
{
	const struct setting *s = &f->pass->settings.items[SETTING_GLOBAL_AUTH_URL];

	if (s->written.len > 0)
		result_problem(&f->result->problems, SEVERITY_FAULT, f->pass->settings.object, "global-auth-url", STR(""),
			"it protects and is not enforced yet, so nobody gets through",
			"take it out if paths may be open, or exempt some with enable-global-auth: \"false\"",
			"all other paths answer 503");
}

/* The key by its own name; where it becomes a field of Settings or of every Policy is what the name says. */
static void add_origins(const struct filling *f)
{
	const struct setting_values *v = &f->pass->settings;

	for (size_t i = 0; i < SETTING_COUNT; i++) {
		struct str key = str_from(settings_rows[i].name);

		if (v->items[i].is_set)
			result_origin(f->result, &(struct provenance){.kind = WEIRLOCK__V1__KIND__KIND_SETTINGS, .field = key,
				.object = v->object, .key = key, .value = setting_is_secret((enum setting_id)i) ? STR("(secret)")
														: v->items[i].written});
	}
}

void reconcile_settings(struct reconcile *pass, struct reconcile_result *result)
{
	Weirlock__V1__Settings message = WEIRLOCK__V1__SETTINGS__INIT;
	struct filling f = {pass, result, &message};

	arena_reset(&pass->scratch);
	problems_add_all(&result->problems, &pass->settings_problems);
	fill_client_side(&f);
	fill_client_address(&f);
	warn_of_trust(&f);
	fill_tls(&f);
	fill_backends(&f);
	fill_streams(&f);
	fill_logs(&f);
	fill_lists(&f);
	warn_of_global_auth(&f);
	add_origins(&f);
	result_put(result, WEIRLOCK__V1__KIND__KIND_SETTINGS, STR(""), &message.base);
}

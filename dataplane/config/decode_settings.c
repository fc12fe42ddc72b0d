/* Settings: one message, many plain values; a zero keeps the value from before the field existed. */
#include "decode.h"

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS };

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
	return value ? value : otherwise;
}

static bool decode_client_side(struct decode *d, const Weirlock__V1__Settings *in, struct settings *s)
{
	s->client_header_timeout_ms = or_default(in->client_header_timeout_ms, MINUTE_MS);
	s->client_body_timeout_ms = or_default(in->client_body_timeout_ms, MINUTE_MS);
	s->keep_alive_ms = in->keep_alive_ms;
	s->keep_alive_requests = or_default(in->keep_alive_requests, 1000);
	s->client_header_buffer_bytes = or_default(in->client_header_buffer_bytes, 1024);
	s->large_client_header_count = or_default(in->large_client_header_count, 4);
	s->large_client_header_bytes = or_default(in->large_client_header_bytes, 8 * 1024);
	s->enable_underscores_in_headers = in->enable_underscores_in_headers;
	s->ignore_invalid_headers = in->ignore_invalid_headers;
	s->generate_request_id = in->generate_request_id;
	s->server_tokens = in->server_tokens;
	s->allow_backend_server_header = in->allow_backend_server_header;
	return decode_range(d, "client_header_buffer_bytes", s->client_header_buffer_bytes, 64, 1 << 20) &&
		decode_range(d, "large_client_header_count", s->large_client_header_count, 1, 64) &&
		decode_range(d, "large_client_header_bytes", s->large_client_header_bytes, 64, 1 << 20);
}

static bool decode_who(struct decode *d, const Weirlock__V1__Settings *in, struct settings *s)
{
	s->use_forwarded_headers = in->use_forwarded_headers;
	s->use_proxy_protocol = in->use_proxy_protocol;
	s->enable_real_ip = in->enable_real_ip;
	s->compute_full_forwarded_for = in->compute_full_forwarded_for;
	s->proxy_add_original_uri_header = in->proxy_add_original_uri_header;
	s->compatibility_ingress_nginx = in->compatibility_ingress_nginx;
	s->proxy_protocol_header_timeout_ms = or_default(in->proxy_protocol_header_timeout_ms, 5000);
	if (!decode_token(d, "forwarded_for_header", in->forwarded_for_header, &s->forwarded_for_header) ||
		!decode_token(d, "forwarded_host_header", in->forwarded_host_header, &s->forwarded_host_header))
		return false;
	if (!s->forwarded_for_header.len)
		s->forwarded_for_header = STR("X-Forwarded-For");
	if (!s->forwarded_host_header.len)
		s->forwarded_host_header = STR("X-Forwarded-Host");
	return decode_cidrs(d, "proxy_real_ip_cidr", in->proxy_real_ip_cidr, in->n_proxy_real_ip_cidr,
		       &s->proxy_real_ip_cidr) &&
		decode_cidrs(d, "proxy_protocol_cidr", in->proxy_protocol_cidr, in->n_proxy_protocol_cidr,
			&s->proxy_protocol_cidr) &&
		decode_cidrs(d, "denylist", in->denylist, in->n_denylist, &s->denylist);
}

static void prepare_rules(const Weirlock__V1__Settings *in, const struct settings *s, struct clientaddr_rules *rules)
{
	*rules = (struct clientaddr_rules){
		.use_forwarded_headers = s->use_forwarded_headers,
		.use_proxy_protocol = s->use_proxy_protocol,
		.enable_real_ip = s->enable_real_ip,
		.compute_full_forwarded_for = s->compute_full_forwarded_for,
		.proxy_add_original_uri_header = s->proxy_add_original_uri_header,
		.believes_anyone = in->forwarded_headers_from_anyone,
		.keeps_untrusted_chain = in->keep_untrusted_forwarded_for,
		.falls_back_to_peer = in->proxy_protocol_fallback_to_peer,
		.passes_lookalikes = in->pass_lookalike_headers,
		.passes_ssl_client = in->pass_ssl_client_headers,
		.forwarded_for_header = s->forwarded_for_header,
		.forwarded_host_header = s->forwarded_host_header,
		.forwarded_for_id = http_field_id(s->forwarded_for_header),
		.forwarded_host_id = http_field_id(s->forwarded_host_header),
		.trusted = &s->proxy_real_ip_cidr,
	};
}

static bool is_redirect_code(uint32_t code)
{
	return code == 301 || code == 302 || code == 307 || code == 308;
}

static bool decode_tls(struct decode *d, const Weirlock__V1__Settings *in, struct settings_object *out)
{
	struct settings *s = &out->settings;
	struct tls_options *t = &out->tls;

	s->ssl_buffer_size_bytes = in->ssl_buffer_size_bytes;
	s->use_http2 = in->use_http2;
	s->enable_ocsp = in->enable_ocsp;
	s->http2_max_concurrent_streams = or_default(in->http2_max_concurrent_streams, 128);
	s->http2_connection_memory_bytes = or_default(in->http2_connection_memory_bytes, 2 << 20);
	t->offers_http2 = in->use_http2;
	s->hsts = in->hsts;
	s->hsts_include_subdomains = in->hsts_include_subdomains;
	s->hsts_preload = in->hsts_preload;
	s->hsts_max_age_s = in->hsts_max_age_s;
	s->http_redirect_code = or_default(in->http_redirect_code, 308);
	t->has_tls12 = in->ssl_protocol_tls12 || !in->ssl_protocol_tls13;
	t->has_tls13 = in->ssl_protocol_tls13 || !in->ssl_protocol_tls12;
	t->rejects_unknown_names = in->ssl_reject_handshake;
	t->has_tickets = in->ssl_session_tickets;
	t->keeps_no_sessions = in->ssl_no_session_cache;
	t->sessions_max = in->ssl_session_cache_sessions;
	t->session_timeout_ms = or_default(in->ssl_session_timeout_ms, 10 * MINUTE_MS);
	if (in->ssl_dh_param_pem.len > MAX_TEXT)
		return decode_refuse(d, "ssl_dh_param_pem", "too long");
	t->dh_param_pem = arena_str(d->arena, str_of((const char *)in->ssl_dh_param_pem.data, in->ssl_dh_param_pem.len));
	if (in->ssl_buffer_size_bytes && !decode_range(d, "ssl_buffer_size_bytes", in->ssl_buffer_size_bytes, 512, 16384))
		return false;
	if (!decode_range(d, "http2_max_concurrent_streams", s->http2_max_concurrent_streams, 1, 65536) ||
		!decode_range(d, "http2_connection_memory_bytes", s->http2_connection_memory_bytes, 128 << 10, 1 << 30))
		return false;
	if (!is_redirect_code(s->http_redirect_code))
		return decode_refuse(d, "http_redirect_code", "is not 301, 302, 307 or 308");
	return decode_text(d, "ssl_ciphers", in->ssl_ciphers, MAX_TEXT, &t->ciphers) &&
		decode_text(d, "ssl_ecdh_curve", in->ssl_ecdh_curve, MAX_NAME, &t->curves) &&
		decode_text(d, "default_certificate", in->default_certificate, MAX_NAME, &out->default_certificate);
}

/* What says where a message ends, or whether the connection lives, is never for a setting to write. */
static bool is_framing(struct str name)
{
	switch (http_field_id(name)) {
	case FIELD_CONNECTION:
	case FIELD_CONTENT_LENGTH:
	case FIELD_KEEP_ALIVE:
	case FIELD_TE:
	case FIELD_TRAILER:
	case FIELD_TRANSFER_ENCODING:
	case FIELD_UPGRADE:
		return true;
	default:
		return false;
	}
}

static bool decode_headers(struct decode *d, const char *field, Weirlock__V1__Header *const *in, size_t n_in,
	struct header **out, size_t *n_out)
{
	if (n_in > MAX_ITEMS)
		return decode_refuse(d, field, "too many");
	if (!n_in)
		return true;
	*out = arena_zalloc(d->arena, n_in * sizeof(**out));
	for (size_t i = 0; i < n_in; i++) {
		struct header *h = &(*out)[i];

		decode_enter(d, field, i);
		if (!decode_token(d, "name", in[i]->name, &h->name) ||
			!decode_text(d, "value", in[i]->value, MAX_TEXT, &h->value))
			return false;
		if (!h->name.len)
			return decode_refuse(d, "name", "is empty");
		if (is_framing(h->name))
			return decode_refuse(d, "name", "is a field that the proxy itself decides");
		decode_leave(d);
	}
	*n_out = n_in;
	return true;
}

static bool decode_hidden(struct decode *d, const Weirlock__V1__Settings *in, struct settings *s)
{
	if (in->n_hide_headers > MAX_ITEMS)
		return decode_refuse(d, "hide_headers", "too many");
	if (!in->n_hide_headers)
		return true;
	s->hide_headers = arena_zalloc(d->arena, in->n_hide_headers * sizeof(*s->hide_headers));
	for (size_t i = 0; i < in->n_hide_headers; i++) {
		if (!decode_token(d, "hide_headers", in->hide_headers[i], &s->hide_headers[i]))
			return false;
	}
	s->n_hide_headers = in->n_hide_headers;
	return true;
}

/* A log format may hold line ends and tabs: it came from a YAML block. */
static bool decode_logs(struct decode *d, const Weirlock__V1__Settings *in, struct settings *s)
{
	struct str format = str_from(in->log_format_upstream);

	s->enable_access_log = in->enable_access_log;
	s->log_format_escape_json = in->log_format_escape_json;
	if (format.len > MAX_TEXT)
		return decode_refuse(d, "log_format_upstream", "too long");
	s->log_format_upstream = arena_str(d->arena, format);
	return decode_text(d, "access_log_path", in->access_log_path, MAX_PATH, &s->access_log_path) &&
		decode_text(d, "stream_access_log_path", in->stream_access_log_path, MAX_PATH, &s->stream_access_log_path);
}

static bool decode_stream_log(uint32_t stream_log, bool is_on_for_requests)
{
	if (stream_log == WEIRLOCK__V1__STREAM_LOG__STREAM_LOG_AS_REQUESTS)
		return is_on_for_requests;
	return stream_log == WEIRLOCK__V1__STREAM_LOG__STREAM_LOG_ON;
}

/* Of TCP and UDP services. */
static bool decode_streams(struct decode *d, const Weirlock__V1__Settings *in, struct settings *s)
{
	struct str format = str_from(in->log_format_stream);

	s->proxy_stream_timeout_ms = or_default(in->proxy_stream_timeout_ms, 10 * MINUTE_MS);
	s->stream_connect_timeout_ms = or_default(in->stream_connect_timeout_ms, MINUTE_MS);
	s->udp_responses = in->udp_no_responses ? 0 : or_default(in->udp_responses, 1);
	s->udp_sessions_max = or_default(in->udp_sessions_max, 4096);
	s->stream_next_upstream_tries = in->stream_no_next_upstream ? 1 : or_default(in->stream_next_upstream_tries, 3);
	s->stream_next_upstream_timeout_ms = in->stream_next_upstream_timeout_ms;
	s->enable_stream_log = decode_stream_log((uint32_t)in->stream_log, in->enable_access_log);
	if (format.len > MAX_TEXT)
		return decode_refuse(d, "log_format_stream", "too long");
	s->log_format_stream = arena_str(d->arena, format);
	return decode_range(d, "udp_sessions_max", s->udp_sessions_max, 1, 1 << 20);
}

static void decode_pools(const Weirlock__V1__Settings *in, struct settings *s)
{
	s->upstream_keepalive_connections = in->upstream_keepalive_connections;
	s->upstream_keepalive_timeout_ms = or_default(in->upstream_keepalive_timeout_ms, MINUTE_MS);
	s->upstream_keepalive_requests = or_default(in->upstream_keepalive_requests, 10000);
	s->upstream_keepalive_time_ms = or_default(in->upstream_keepalive_time_ms, HOUR_MS);
	s->max_client_connections = in->max_client_connections;
	s->max_worker_connections = in->max_worker_connections;
	s->max_memory_bytes = in->max_memory_bytes;
	s->worker_shutdown_timeout_ms = in->worker_no_shutdown_timeout ? 0 : or_default(in->worker_shutdown_timeout_ms, 4 * MINUTE_MS);
}

bool decode_settings(struct decode *d, const Weirlock__V1__Settings *in, struct settings_object *out)
{
	struct settings *s = &out->settings;
	struct str default_backend = str_from(in->default_backend);

	if (d->name.len)
		return decode_refuse(d, "name", "must be empty: there is one Settings");
	if (!decode_client_side(d, in, s) || !decode_who(d, in, s) || !decode_tls(d, in, out) || !decode_logs(d, in, s) ||
		!decode_hidden(d, in, s) || !decode_streams(d, in, s) ||
		!decode_headers(d, "add_headers", in->add_headers, in->n_add_headers, &s->add_headers, &s->n_add_headers) ||
		!decode_headers(d, "proxy_set_headers", in->proxy_set_headers, in->n_proxy_set_headers,
			&s->proxy_set_headers, &s->n_proxy_set_headers))
		return false;
	decode_pools(in, s);
	prepare_rules(in, s, &out->rules);
	if (default_backend.len > MAX_NAME)
		return decode_refuse(d, "default_backend", "too long");
	if (default_backend.len)
		out->default_backend = lineage_take_slot(d->lineage, default_backend);
	return true;
}

void decode_drop_settings(struct settings_object *s)
{
	if (s->default_backend)
		lineage_drop_slot(s->default_backend);
}

/* The variables of nginx's log module that make sense here, ingress-nginx's own, $end_reason and $end_limit. */
#include "base64.h"
#include "clock.h"
#include "format.h"
#include "proxyproto.h"

static void add_ip(struct value_writer *w, const struct addr *addr)
{
	char text[ADDR_TEXT_MAX];

	if (addr && addr->family)
		value_add(w, str_from(addr_ip_text(addr, text)));
}

static void add_port(struct value_writer *w, const struct addr *addr)
{
	if (addr && addr->port)
		value_add_u64(w, addr->port);
}

static void add_field(struct value_writer *w, const struct http_head *head, enum http_field_id id)
{
	if (head)
		value_add(w, http_head_value(head, id));
}

#define WRITER(name) static void name(struct value_writer *w, const struct accesslog_record *r, struct str arg)
#define TEXT_WRITER(name, value) WRITER(name) { (void)arg; value_add(w, (value)); }
#define NUMBER_WRITER(name, value) WRITER(name) { (void)arg; value_add_u64(w, (value)); }
#define IP_WRITER(name, value) WRITER(name) { (void)arg; add_ip(w, (value)); }
#define PORT_WRITER(name, value) WRITER(name) { (void)arg; add_port(w, (value)); }

IP_WRITER(remote_addr, r->client)
PORT_WRITER(remote_port, r->client)
IP_WRITER(realip_remote_addr, r->peer)
PORT_WRITER(realip_remote_port, r->peer)
IP_WRITER(server_addr, r->local)
PORT_WRITER(server_port, r->local)
IP_WRITER(proxy_protocol_addr, r->proxy_client)
PORT_WRITER(proxy_protocol_port, r->proxy_client)
IP_WRITER(proxy_protocol_server_addr, r->proxy_server)
PORT_WRITER(proxy_protocol_server_port, r->proxy_server)
TEXT_WRITER(tlv_alpn, proxyproto_tlv(r->proxy_tlvs, PROXYPROTO_TLV_ALPN))
TEXT_WRITER(tlv_authority, proxyproto_tlv(r->proxy_tlvs, PROXYPROTO_TLV_AUTHORITY))
TEXT_WRITER(tlv_unique_id, proxyproto_tlv(r->proxy_tlvs, PROXYPROTO_TLV_UNIQUE_ID))
TEXT_WRITER(tlv_netns, proxyproto_tlv(r->proxy_tlvs, PROXYPROTO_TLV_NETNS))
TEXT_WRITER(tlv_aws_vpce_id, proxyproto_aws_vpce_id(r->proxy_tlvs))
TEXT_WRITER(client_reason, r->client_reason)
TEXT_WRITER(client_chain, r->client_chain)
TEXT_WRITER(scheme, r->scheme)
TEXT_WRITER(access_scheme, r->access_scheme.len ? r->access_scheme : r->scheme)
TEXT_WRITER(access_port, r->access_port)
NUMBER_WRITER(body_bytes_sent, r->body_sent_bytes)
NUMBER_WRITER(bytes_sent, r->sent_bytes)
NUMBER_WRITER(request_length, r->request_bytes)
NUMBER_WRITER(connection, r->connection_id)
NUMBER_WRITER(connection_requests, r->connection_requests)
TEXT_WRITER(server_name, r->server_name)
TEXT_WRITER(request_id, r->request_id)
TEXT_WRITER(upstream_name, r->upstream_name)
TEXT_WRITER(alternative_name, r->alternative_name)
TEXT_WRITER(namespace_name, r->namespace_name)
TEXT_WRITER(ingress_name, r->ingress_name)
TEXT_WRITER(service_name, r->service_name)
TEXT_WRITER(service_port, r->service_port)
TEXT_WRITER(location_path, r->location_path)
TEXT_WRITER(tls_protocol, r->tls_protocol)
TEXT_WRITER(tls_cipher, r->tls_cipher)
TEXT_WRITER(tls_server_name, r->tls_server_name)
TEXT_WRITER(grpc_status, r->grpc_status)
TEXT_WRITER(end_reason, end_word(r->reason))
TEXT_WRITER(end_limit_key, r->limit)
TEXT_WRITER(protocol, r->protocol)
TEXT_WRITER(host, r->request ? r->request->host : STR(""))
TEXT_WRITER(access_host, r->access_host.len ? r->access_host : r->request ? r->request->host : STR(""))
TEXT_WRITER(request_method, r->request ? r->request->method_text : STR(""))
TEXT_WRITER(request_uri, r->request ? r->request->target : STR(""))
TEXT_WRITER(uri, r->request ? r->request->path : STR(""))
TEXT_WRITER(query, r->request ? r->request->query : STR(""))
TEXT_WRITER(is_args, r->request && r->request->has_query ? STR("?") : STR(""))
TEXT_WRITER(https, str_eq(r->scheme, STR("https")) ? STR("on") : STR(""))

/* All zero without the TLV: its texts are empty then. */
static struct proxyproto_ssl proxy_ssl(const struct accesslog_record *r)
{
	struct proxyproto_ssl ssl = {0};

	proxyproto_ssl(r->proxy_tlvs, &ssl);
	return ssl;
}

TEXT_WRITER(tlv_ssl_version, proxy_ssl(r).version)
TEXT_WRITER(tlv_ssl_cn, proxy_ssl(r).cn)
TEXT_WRITER(tlv_ssl_cipher, proxy_ssl(r).cipher)
TEXT_WRITER(tlv_ssl_sig_alg, proxy_ssl(r).sig_alg)
TEXT_WRITER(tlv_ssl_key_alg, proxy_ssl(r).key_alg)

WRITER(tlv_ssl_verify)
{
	struct proxyproto_ssl ssl;

	(void)arg;
	if (proxyproto_ssl(r->proxy_tlvs, &ssl))
		value_add_u64(w, ssl.verify);
}

static struct str protocol_text(const struct http_head *head)
{
	switch (head->version) {
	case HTTP_1_0:
		return STR("HTTP/1.0");
	case HTTP_1_1:
		return STR("HTTP/1.1");
	case HTTP_2:
		return STR("HTTP/2.0");
	}
	return STR("");
}

TEXT_WRITER(server_protocol, r->request ? protocol_text(r->request) : STR(""))

WRITER(request_line)
{
	(void)arg;
	if (!r->request) {
		value_add(w, r->bad_request_line);
		return;
	}
	value_add(w, r->request->method_text);
	value_add(w, STR(" "));
	value_add(w, r->request->target);
	value_add(w, STR(" "));
	value_add(w, protocol_text(r->request));
}

WRITER(status)
{
	unsigned code = (r->status ? r->status : r->reason == END_CLIENT_GONE ? 499 : 0) % 1000;
	const char text[3] = {(char)('0' + code / 100), (char)('0' + code / 10 % 10), (char)('0' + code % 10)};

	(void)arg;
	value_add(w, str_of(text, sizeof(text)));
}

WRITER(request_time)
{
	(void)arg;
	value_add_seconds(w, r->request_us);
}

/* One second has many lines. */
WRITER(time_local)
{
	static _Thread_local char text[CLOCK_TEXT_MAX];
	static _Thread_local uint64_t of_s;
	uint64_t now_s = r->unix_ms / 1000;

	(void)arg;
	if (now_s != of_s || !text[0])
		clock_log_time(of_s = now_s, text);
	value_add(w, str_from(text));
}

WRITER(time_iso8601)
{
	char text[CLOCK_TEXT_MAX];

	(void)arg;
	value_add(w, str_from(clock_rfc3339(r->unix_ms, text)));
}

WRITER(msec)
{
	(void)arg;
	value_add_seconds(w, r->unix_ms * 1000);
}

WRITER(ssl_session_reused)
{
	(void)arg;
	if (r->tls_protocol.len)
		value_add(w, r->is_tls_resumed ? STR("r") : STR("."));
}

/* The user of Basic credentials, up to the colon; what is behind it never gets here. */
WRITER(remote_user)
{
	struct str value = r->request ? http_head_value(r->request, FIELD_AUTHORIZATION) : STR("");
	char user[256];
	size_t len = 0;
	uint32_t bits = 0;
	int n_bits = 0;

	(void)arg;
	if (value.len < 6 || !str_eq_nocase(str_first(value, 6), STR("Basic ")))
		return;
	value = str_trim(str_from_index(value, 6));
	for (size_t i = 0; i < value.len && len < sizeof(user); i++) {
		int digit = base64_digit(value.ptr[i]);
		char c;

		if (digit < 0)
			return;
		bits = bits << 6 | (uint32_t)digit;
		n_bits += 6;
		if (n_bits < 8)
			continue;
		n_bits -= 8;
		c = (char)(bits >> n_bits & 0xff);
		if (c == ':') {
			value_add(w, str_of(user, len));
			return;
		}
		user[len++] = c;
	}
}

/* Lists over the tries, as nginx has them: "a, b", and "-" for a try without the value. */
typedef void attempt_fn(struct value_writer *w, const struct accesslog_attempt *a);

static void add_attempts(struct value_writer *w, const struct accesslog_record *r, attempt_fn *add)
{
	for (size_t i = 0; i < r->n_attempts; i++) {
		if (i)
			value_add(w, STR(", "));
		add(w, &r->attempts[i]);
	}
}

static void add_time(struct value_writer *w, uint64_t us)
{
	if (us == ACCESSLOG_NO_TIME)
		value_add(w, STR("-"));
	else
		value_add_seconds(w, us);
}

static void add_attempt_addr(struct value_writer *w, const struct accesslog_attempt *a)
{
	char text[ADDR_TEXT_MAX];

	value_add(w, str_from(addr_text(&a->addr, text)));
}

static void add_attempt_status(struct value_writer *w, const struct accesslog_attempt *a)
{
	if (a->status)
		value_add_u64(w, a->status);
	else
		value_add(w, STR("-"));
}

static void add_attempt_bytes(struct value_writer *w, const struct accesslog_attempt *a)
{
	value_add_u64(w, a->bytes_received);
}

static void add_attempt_connect(struct value_writer *w, const struct accesslog_attempt *a)
{
	add_time(w, a->connect_us);
}

static void add_attempt_header(struct value_writer *w, const struct accesslog_attempt *a)
{
	add_time(w, a->header_us);
}

static void add_attempt_response(struct value_writer *w, const struct accesslog_attempt *a)
{
	add_time(w, a->response_us);
}

#define ATTEMPT_WRITER(name, add) WRITER(name) { (void)arg; add_attempts(w, r, add); }
ATTEMPT_WRITER(upstream_addr, add_attempt_addr)
ATTEMPT_WRITER(upstream_status, add_attempt_status)
ATTEMPT_WRITER(upstream_response_length, add_attempt_bytes)
ATTEMPT_WRITER(upstream_connect_time, add_attempt_connect)
ATTEMPT_WRITER(upstream_header_time, add_attempt_header)
ATTEMPT_WRITER(upstream_response_time, add_attempt_response)

/* nginx writes "user_agent" for User-Agent; no name holds an underscore for certain, so both match. */
static bool is_named(struct str name, struct str variable)
{
	if (name.len != variable.len)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = ascii_lower((unsigned char)name.ptr[i]);

		if ((c == '-' ? '_' : c) != (unsigned char)variable.ptr[i])
			return false;
	}
	return true;
}

static void add_named(struct value_writer *w, const struct http_head *head, struct str name)
{
	bool is_first = true;

	for (size_t i = 0; head && i < head->n_fields; i++) {
		if (!is_named(head->fields[i].name, name))
			continue;
		if (!is_first)
			value_add(w, STR(", "));
		value_add(w, head->fields[i].value);
		is_first = false;
	}
}

WRITER(http_any)
{
	/* credentials never reach a log, whatever a format asks for */
	if (!str_eq(arg, STR("authorization")) && !str_eq(arg, STR("proxy_authorization")) && !str_eq(arg, STR("cookie")))
		add_named(w, r->request, arg);
}

WRITER(sent_http_any)
{
	if (!str_eq(arg, STR("set_cookie")))
		add_named(w, r->response, arg);
}

WRITER(http_referer)
{
	(void)arg;
	add_field(w, r->request, FIELD_REFERER);
}

WRITER(http_user_agent)
{
	(void)arg;
	add_field(w, r->request, FIELD_USER_AGENT);
}

WRITER(arg_any)
{
	struct str rest = r->request ? r->request->query : STR(""), piece;

	while (str_next(&rest, '&', &piece)) {
		size_t eq = str_find(piece, '=');

		if (!str_eq_nocase(str_first(piece, eq), arg))
			continue;
		value_add(w, str_from_index(piece, eq + 1));
		return;
	}
}

#define ROW(text, write) {{text, sizeof(text) - 1}, write, false, false},
#define NUMBER_ROW(text, write) {{text, sizeof(text) - 1}, write, false, true},
#define ARG_ROW(text, write) {{text, sizeof(text) - 1}, write, true, false},
static const struct variable variables[] = {
	ROW("remote_addr", remote_addr) NUMBER_ROW("remote_port", remote_port) ROW("the_real_ip", remote_addr)
	ROW("realip_remote_addr", realip_remote_addr) NUMBER_ROW("realip_remote_port", realip_remote_port)
	ROW("server_addr", server_addr) NUMBER_ROW("server_port", server_port)
	ROW("proxy_protocol_addr", proxy_protocol_addr) NUMBER_ROW("proxy_protocol_port", proxy_protocol_port)
	ROW("proxy_protocol_server_addr", proxy_protocol_server_addr)
	NUMBER_ROW("proxy_protocol_server_port", proxy_protocol_server_port)
	ROW("proxy_protocol_tlv_alpn", tlv_alpn) ROW("proxy_protocol_tlv_authority", tlv_authority)
	ROW("proxy_protocol_tlv_unique_id", tlv_unique_id) ROW("proxy_protocol_tlv_netns", tlv_netns)
	ROW("proxy_protocol_tlv_aws_vpce_id", tlv_aws_vpce_id) ROW("proxy_protocol_tlv_ssl_version", tlv_ssl_version)
	ROW("proxy_protocol_tlv_ssl_cn", tlv_ssl_cn) ROW("proxy_protocol_tlv_ssl_cipher", tlv_ssl_cipher)
	ROW("proxy_protocol_tlv_ssl_sig_alg", tlv_ssl_sig_alg) ROW("proxy_protocol_tlv_ssl_key_alg", tlv_ssl_key_alg)
	NUMBER_ROW("proxy_protocol_tlv_ssl_verify", tlv_ssl_verify)
	ROW("client_address_reason", client_reason) ROW("client_address_chain", client_chain)
	ROW("remote_user", remote_user) ROW("scheme", scheme) ROW("pass_access_scheme", access_scheme) ROW("https", https)
	NUMBER_ROW("pass_server_port", server_port) NUMBER_ROW("pass_port", access_port)
	ROW("time_local", time_local) ROW("time_iso8601", time_iso8601) NUMBER_ROW("msec", msec)
	ROW("request", request_line) ROW("request_method", request_method) ROW("request_uri", request_uri) ROW("uri", uri)
	ROW("document_uri", uri) ROW("args", query) ROW("query_string", query) ROW("is_args", is_args)
	ROW("server_protocol", server_protocol) ROW("host", host) ROW("best_http_host", access_host) ROW("server_name", server_name)
	NUMBER_ROW("status", status) NUMBER_ROW("body_bytes_sent", body_bytes_sent) NUMBER_ROW("bytes_sent", bytes_sent)
	NUMBER_ROW("request_length", request_length) NUMBER_ROW("request_time", request_time)
	NUMBER_ROW("connection", connection) NUMBER_ROW("connection_requests", connection_requests)
	ROW("req_id", request_id) ROW("request_id", request_id)
	ROW("proxy_upstream_name", upstream_name) ROW("proxy_alternative_upstream_name", alternative_name)
	ROW("namespace", namespace_name) ROW("ingress_name", ingress_name) ROW("service_name", service_name)
	ROW("service_port", service_port) ROW("location_path", location_path)
	ROW("upstream_addr", upstream_addr) ROW("upstream_status", upstream_status)
	ROW("upstream_response_length", upstream_response_length) ROW("upstream_bytes_received", upstream_response_length)
	ROW("upstream_connect_time", upstream_connect_time) ROW("upstream_header_time", upstream_header_time)
	ROW("upstream_response_time", upstream_response_time)
	ROW("ssl_protocol", tls_protocol) ROW("ssl_cipher", tls_cipher) ROW("ssl_server_name", tls_server_name)
	ROW("ssl_session_reused", ssl_session_reused) ROW("end_reason", end_reason) ROW("end_limit", end_limit_key)
	ROW("protocol", protocol) NUMBER_ROW("bytes_received", request_length) NUMBER_ROW("session_time", request_time)
	ROW("grpc_status", grpc_status) ROW("upstream_trailer_grpc_status", grpc_status) ROW("sent_trailer_grpc_status", grpc_status)
	ROW("http_referer", http_referer) ROW("http_user_agent", http_user_agent)
	ARG_ROW("http_", http_any) ARG_ROW("sent_http_", sent_http_any) ARG_ROW("arg_", arg_any)
};

const struct variable *variable_find(struct str name, struct str *arg)
{
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		const struct variable *v = &variables[i];

		if (v->takes_arg ? name.len > v->name.len && str_starts_with(name, v->name) : str_eq(name, v->name)) {
			*arg = str_from_index(name, v->takes_arg ? v->name.len : name.len);
			return v;
		}
	}
	return NULL;
}

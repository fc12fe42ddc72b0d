/* What one route does to its requests. */
#include "decode.h"

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
	return value ? value : otherwise;
}

static bool decode_timeouts_and_sizes(struct decode *d, const Weirlock__V1__Policy *in, struct policy *p)
{
	p->proxy_connect_timeout_ms = or_default(in->proxy_connect_timeout_ms, 5000);
	p->proxy_send_timeout_ms = or_default(in->proxy_send_timeout_ms, 60000);
	p->proxy_read_timeout_ms = or_default(in->proxy_read_timeout_ms, 60000);
	p->proxy_body_size_bytes = in->proxy_body_size_bytes;
	p->client_body_buffer_bytes = in->client_body_buffer_bytes;
	p->proxy_max_temp_file_bytes = in->proxy_max_temp_file_bytes;
	p->limit_rate_bytes = in->limit_rate_bytes;
	p->limit_rate_after_bytes = in->limit_rate_after_bytes;
	p->proxy_buffering = in->proxy_buffering;
	p->no_request_buffering = in->no_request_buffering;
	p->proxy_buffer_size_bytes = or_default(in->proxy_buffer_size_bytes, 4096);
	p->proxy_buffers_number = or_default(in->proxy_buffers_number, 4);
	return decode_range(d, "policy.proxy_buffer_size_bytes", p->proxy_buffer_size_bytes, 256, 1 << 20) &&
		decode_range(d, "policy.proxy_buffers_number", p->proxy_buffers_number, 1, 4096);
}

static bool decode_redirects(struct decode *d, const Weirlock__V1__Policy *in, struct policy *p)
{
	p->ssl_redirect = in->ssl_redirect;
	p->force_ssl_redirect = in->force_ssl_redirect;
	p->no_tls_redirect = in->no_tls_redirect;
	p->preserve_trailing_slash = in->preserve_trailing_slash;
	p->use_port_in_redirects = in->use_port_in_redirects;
	p->relative_redirects = in->relative_redirects;
	p->redirect_code = or_default(in->redirect_code, 302);
	return decode_text(d, "policy.redirect_url", in->redirect_url, MAX_TEXT, &p->redirect_url) &&
		decode_range(d, "policy.redirect_code", p->redirect_code, 300, 308);
}

static bool decode_request(struct decode *d, const Weirlock__V1__Policy *in, struct policy *p)
{
	struct str *connection = &p->connection_proxy_header;

	p->proxy_http_1_0 = in->proxy_http_1_0;
	p->disable_access_log = in->disable_access_log;
	p->send_proxy_protocol = in->send_proxy_protocol;
	p->sets_session_cookie = in->sets_session_cookie;
	if (!decode_range(d, "policy.send_proxy_protocol", p->send_proxy_protocol, 0, 2) ||
		!decode_text(d, "policy.rewrite_target", in->rewrite_target, MAX_PATH, &p->rewrite_target) ||
		!decode_text(d, "policy.x_forwarded_prefix", in->x_forwarded_prefix, MAX_TEXT, &p->x_forwarded_prefix) ||
		!decode_text(d, "policy.upstream_vhost", in->upstream_vhost, MAX_NAME, &p->upstream_vhost) ||
		!decode_proxy_ssl(d, in->proxy_ssl, &p->proxy_ssl) ||
		!decode_text(d, "policy.connection_proxy_header", in->connection_proxy_header, MAX_NAME, connection))
		return false;
	if (connection->len && !str_eq_nocase(*connection, STR("close")) && !str_eq_nocase(*connection, STR("keep-alive")))
		return decode_refuse(d, "policy.connection_proxy_header", "is neither close nor keep-alive");
	return true;
}

bool decode_policy(struct decode *d, const Weirlock__V1__Policy *in, struct policy *out)
{
	Weirlock__V1__Policy all_default;
	const uint32_t known = WEIRLOCK__V1__NEXT_UPSTREAM__NEXT_UPSTREAM_NON_IDEMPOTENT * 2 - 1;

	weirlock__v1__policy__init(&all_default);
	if (!in) /* an empty submessage may be left out */
		in = &all_default;
	out->next_upstream = in->next_upstream & known; /* a newer controller may know more conditions */
	out->next_upstream_tries = in->next_upstream_tries;
	out->next_upstream_timeout_ms = in->next_upstream_timeout_ms;
	out->has_allowlist = in->has_allowlist || in->n_allowlist > 0;
	return decode_timeouts_and_sizes(d, in, out) && decode_redirects(d, in, out) && decode_request(d, in, out) &&
		decode_cidrs(d, "policy.allowlist", in->allowlist, in->n_allowlist, &out->allowlist) &&
		decode_cidrs(d, "policy.denylist", in->denylist, in->n_denylist, &out->denylist);
}

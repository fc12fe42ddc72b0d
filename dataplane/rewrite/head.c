/* The request head that a backend gets: never the bytes received, always written anew (SEMANTICS A25, C13, G6 to G10). */
#include <stdlib.h>

#include "http1.h"
#include "rewrite.h"

/* Written by us or for this hop alone, whatever the client sent. */
static const uint64_t OURS = (uint64_t)1 << FIELD_HOST | (uint64_t)1 << FIELD_CONTENT_LENGTH | (uint64_t)1 << FIELD_EXPECT |
	(uint64_t)1 << FIELD_CONNECTION | (uint64_t)1 << FIELD_TRANSFER_ENCODING | (uint64_t)1 << FIELD_UPGRADE |
	(uint64_t)1 << FIELD_KEEP_ALIVE | (uint64_t)1 << FIELD_TE | (uint64_t)1 << FIELD_TRAILER |
	(uint64_t)1 << FIELD_PROXY_CONNECTION | (uint64_t)1 << FIELD_HTTP2_SETTINGS;

static bool passes(const struct rewrite_head *h, const struct http_field *field, uint64_t never_dropped)
{
	if (http_field_bit(field->id) & OURS & ~(uint64_t)1) /* bit 0 is every other name */
		return false;
	return !clientaddr_replaces(h->rules, h->conn, field) && !rewrite_drops_request_field(h->request, field) &&
		!http_field_is_hop_by_hop(h->request->head, field, never_dropped);
}

static bool write_client_fields(const struct rewrite_head *h, struct buf *out)
{
	const struct http_head *head = h->request->head;
	uint64_t never_dropped = clientaddr_replaced_fields(h->rules);
	bool fits = true;

	for (size_t i = 0; fits && i < head->n_fields; i++) {
		const struct http_field *field = &head->fields[i];

		if (passes(h, field, never_dropped))
			fits = http1_write_field(out, field->name, field->value);
	}
	return fits;
}

static const struct policy *policy_of(const struct rewrite_head *h)
{
	return &h->request->match.route->policy;
}

/* G10. */
static bool write_connection(const struct rewrite_head *h, struct buf *out)
{
	struct str literal = policy_of(h)->connection_proxy_header;
	bool fits = true;

	if (h->is_upgrade)
		fits = http1_write_field(out, STR("Upgrade"), http_head_value(h->request->head, FIELD_UPGRADE));
	if (literal.len)
		return fits && http1_write_field(out, STR("Connection"), literal);
	if (h->is_upgrade)
		return fits && buf_add(out, STR("Connection: upgrade\r\n"));
	if (!generation_settings(h->request->generation)->upstream_keepalive_connections || policy_of(h)->proxy_http_1_0)
		return buf_add(out, STR("Connection: close\r\n"));
	return true;
}

static bool write_framing(const struct rewrite_head *h, struct buf *out)
{
	switch (h->body) {
	case HTTP_BODY_NONE:
		return !(h->request->head->present & http_field_bit(FIELD_CONTENT_LENGTH)) ||
			buf_add(out, STR("Content-Length: 0\r\n"));
	case HTTP_BODY_CHUNKED:
	case HTTP_BODY_CLOSE:
		return buf_add(out, STR("Transfer-Encoding: chunked\r\n"));
	case HTTP_BODY_LENGTH:
		return buf_add(out, STR("Content-Length: ")) && buf_add_u64(out, h->content_length) && buf_add(out, STR("\r\n"));
	}
	abort();
}

static bool write_all_fields(const struct rewrite_head *h, struct buf *out)
{
	const struct rewrite_request *r = h->request;

	return write_client_fields(h, out) && clientaddr_write_fields(h->rules, h->conn, r->who, r->head, h->request_id, out) &&
		rewrite_write_request_fields(r, out);
}

bool rewrite_write_fields(const struct rewrite_head *h, struct buf *out)
{
	return write_all_fields(h, out) && (h->body != HTTP_BODY_LENGTH || write_framing(h, out));
}

bool rewrite_write_head(const struct rewrite_head *h, struct buf *out)
{
	const struct rewrite_request *r = h->request;
	struct str version = policy_of(h)->proxy_http_1_0 ? STR(" HTTP/1.0\r\n") : STR(" HTTP/1.1\r\n");

	return buf_add(out, r->head->method_text) && buf_add_char(out, ' ') && rewrite_target(r, out) && buf_add(out, version) &&
		http1_write_field(out, STR("Host"), rewrite_host(r)) && write_all_fields(h, out) && write_connection(h, out) && write_framing(h, out) && http1_write_end(out);
}

/* The request to the endpoint: never the bytes received, always written anew (SEMANTICS A25, C13, G6 to G10). */
#include <assert.h>

#include "exchange_private.h"

/* ---------------------------------------------------------------------------------------------------------------- head */

/* Written by us or for this hop alone, whatever the client sent. */
static const uint64_t OURS = (uint64_t)1 << FIELD_HOST | (uint64_t)1 << FIELD_CONTENT_LENGTH | (uint64_t)1 << FIELD_EXPECT |
	(uint64_t)1 << FIELD_CONNECTION | (uint64_t)1 << FIELD_TRANSFER_ENCODING | (uint64_t)1 << FIELD_UPGRADE |
	(uint64_t)1 << FIELD_KEEP_ALIVE | (uint64_t)1 << FIELD_TE | (uint64_t)1 << FIELD_TRAILER |
	(uint64_t)1 << FIELD_PROXY_CONNECTION | (uint64_t)1 << FIELD_HTTP2_SETTINGS;

static bool passes(const struct exchange *ex, const struct http_field *field, uint64_t never_dropped)
{
	if (http_field_bit(field->id) & OURS & ~(uint64_t)1) /* bit 0 is every other name */
		return false;
	return !clientaddr_replaces(&ex->held->rules, ex->client->conn, field) && !rewrite_drops_request_field(&ex->rule, field) &&
		!http_field_is_hop_by_hop(&ex->head, field, never_dropped);
}

static bool write_client_fields(struct exchange *ex, struct buf *out)
{
	uint64_t never_dropped = clientaddr_replaced_fields(&ex->held->rules);
	bool fits = true;

	for (size_t i = 0; fits && i < ex->head.n_fields; i++) {
		const struct http_field *field = &ex->head.fields[i];

		if (passes(ex, field, never_dropped))
			fits = http1_write_field(out, field->name, field->value);
	}
	return fits;
}

/* G10. */
static bool write_connection(struct exchange *ex, struct buf *out)
{
	struct str literal = exchange_policy(ex)->connection_proxy_header;
	bool fits = true;

	if (ex->is_upgrade)
		fits = http1_write_field(out, STR("Upgrade"), http_head_value(&ex->head, FIELD_UPGRADE));
	if (literal.len)
		return fits && http1_write_field(out, STR("Connection"), literal);
	if (ex->is_upgrade)
		return fits && buf_add(out, STR("Connection: upgrade\r\n"));
	if (!exchange_settings(ex)->upstream_keepalive_connections || exchange_policy(ex)->proxy_http_1_0)
		return buf_add(out, STR("Connection: close\r\n"));
	return true;
}

/* G6: a body that is all here has a length, however the client framed it. */
static bool write_framing(struct exchange *ex, struct buf *out)
{
	uint64_t length = ex->head.content_length;

	ex->sends_chunks = false;
	switch (ex->head.body) {
	case HTTP_BODY_NONE:
		return !(ex->head.present & http_field_bit(FIELD_CONTENT_LENGTH)) ||
			buf_add(out, STR("Content-Length: 0\r\n"));
	case HTTP_BODY_CHUNKED:
	case HTTP_BODY_CLOSE:
		if (!ex->is_fed_last) {
			ex->sends_chunks = true;
			return buf_add(out, STR("Transfer-Encoding: chunked\r\n"));
		}
		length = ex->body.len + ex->fresh.len;
		break;
	case HTTP_BODY_LENGTH:
		break;
	}
	return buf_add(out, STR("Content-Length: ")) && buf_add_u64(out, length) && buf_add(out, STR("\r\n"));
}

static bool write_head(struct exchange *ex, struct buf *out)
{
	struct str version = exchange_policy(ex)->proxy_http_1_0 ? STR(" HTTP/1.0\r\n") : STR(" HTTP/1.1\r\n");

	return buf_add(out, ex->head.method_text) && buf_add_char(out, ' ') && rewrite_target(&ex->rule, out) &&
		buf_add(out, version) && http1_write_field(out, STR("Host"), rewrite_host(&ex->rule)) &&
		write_client_fields(ex, out) &&
		clientaddr_write_fields(
			&ex->held->rules, ex->client->conn, &ex->who, &ex->head, ex->request_id, out) &&
		rewrite_write_request_fields(&ex->rule, out) && write_connection(ex, out) && write_framing(ex, out) &&
		http1_write_end(out);
}

/* ------------------------------------------------------------------------------------------------------------- sending */

enum { MAX_PIECES = 8 };

struct pieces {
	struct iovec items[MAX_PIECES];
	int n;
	size_t total;
};

static void add_piece(struct pieces *p, struct str s)
{
	if (!s.len)
		return;
	assert(p->n < MAX_PIECES);
	p->items[p->n++] = (struct iovec){.iov_base = (void *)(uintptr_t)s.ptr, .iov_len = s.len};
	p->total += s.len;
}

/* What the socket did not take waits in `wire`. */
static void keep_rest(struct exchange *ex, const struct pieces *p, size_t taken)
{
	for (int i = 0; i < p->n; i++) {
		struct str s = str_of(p->items[i].iov_base, p->items[i].iov_len);

		buf_add(&ex->wire, str_from_index(s, taken));
		taken -= taken < s.len ? taken : s.len;
	}
	stream_want_write(&ex->upstream->stream);
}

static bool write_pieces(struct exchange *ex, const struct pieces *p)
{
	ssize_t n = stream_writev(&ex->upstream->stream, p->items, p->n);

	if (n < 0)
		return false;
	ex->sent_any = ex->sent_any || n > 0;
	if ((size_t)n < p->total)
		keep_rest(ex, p, (size_t)n);
	return true;
}

static bool write_waiting(struct exchange *ex)
{
	struct iovec piece = {.iov_base = ex->wire.ptr, .iov_len = ex->wire.len};
	ssize_t n = stream_writev(&ex->upstream->stream, &piece, 1);

	if (n < 0)
		return false;
	ex->sent_any = ex->sent_any || n > 0;
	buf_consume(&ex->wire, (size_t)n);
	if (ex->wire.len)
		stream_want_write(&ex->upstream->stream);
	else
		buf_deinit(&ex->wire);
	return true;
}

/* Payload is kept for another endpoint while that is allowed and small. */
static void keep_for_replay(struct exchange *ex)
{
	size_t size = ex->replay.len + ex->body.len + ex->fresh.len;

	if (ex->cannot_replay || !(ex->body.len + ex->fresh.len))
		return;
	if (size > EXCHANGE_REPLAY_MAX || !http_method_is_idempotent(ex->head.method)) {
		ex->cannot_replay = true;
		buf_deinit(&ex->replay);
		return;
	}
	buf_add(&ex->replay, buf_str(&ex->body));
	buf_add(&ex->replay, ex->fresh);
}

static void add_payload(struct exchange *ex, struct pieces *p, char chunk[20])
{
	size_t size = ex->body.len + ex->fresh.len;

	if (ex->sends_chunks && size)
		add_piece(p, str_of(chunk, http1_chunk_head(chunk, size)));
	add_piece(p, buf_str(&ex->body));
	add_piece(p, ex->fresh);
	if (ex->sends_chunks && size)
		add_piece(p, STR("\r\n"));
	if (ex->sends_chunks && ex->is_fed_last && !ex->sent_last)
		add_piece(p, HTTP1_LAST_CHUNK);
}

enum exchange_send exchange_send_request(struct exchange *ex)
{
	struct pieces p = {0};
	char chunk[20];

	if (ex->wire.len && !write_waiting(ex))
		return EXCHANGE_SEND_FAILED;
	if (ex->wire.len)
		return EXCHANGE_SEND_OK;
	if (!ex->sent_head) {
		buf_clear(&ex->env->heads);
		if (!write_head(ex, &ex->env->heads))
			return EXCHANGE_SEND_NO_HEAD;
		add_piece(&p, buf_str(&ex->env->heads));
	}
	add_payload(ex, &p, chunk);
	if (p.n && !write_pieces(ex, &p))
		return EXCHANGE_SEND_FAILED;
	keep_for_replay(ex);
	ex->sent_head = true;
	ex->sent_last = ex->is_fed_last;
	buf_deinit(&ex->body);
	ex->fresh = (struct str){0};
	return EXCHANGE_SEND_OK;
}

bool exchange_is_request_sent(const struct exchange *ex)
{
	return ex->sent_last && !ex->wire.len;
}

void exchange_keep_fresh(struct exchange *ex)
{
	if (ex->fresh.len && ex->state != EX_ANSWER && ex->state != EX_FLUSH)
		buf_add(&ex->body, ex->fresh);
	ex->fresh = (struct str){0};
}

void exchange_update_body_wish(struct exchange *ex)
{
	bool wants = (ex->state == EX_AWAIT || ex->state == EX_RELAY) && ex->sent_head && !ex->wire.len &&
		!ex->is_fed_last && !ex->is_body_bad && !ex->has_upload_failed;

	if (wants && ex->head.expects_continue && !ex->sent_continue && !ex->body_received && !ex->status) {
		ex->sent_continue = true;
		ex->client->ops->send_continue(ex->client);
	}
	if (wants == ex->wants_body)
		return;
	ex->wants_body = wants;
	ex->client->ops->want_body(ex->client, wants);
}

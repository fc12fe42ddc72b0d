/*
 * What a client of gRPC is told by the proxy itself. Such a client reads grpc-status and not the status of HTTP; ingress-nginx
 * sends it an HTML page. Codes are those that its own library makes of the same HTTP status or RST_STREAM
 * (grpc/doc/http-grpc-status-mapping.md, PROTOCOL-HTTP2.md), and for 413 and 408 the ones that say what happened.
 */
#include <assert.h>

#include "exchange_private.h"

enum grpc_code {
	GRPC_CANCELLED = 1,
	GRPC_UNKNOWN = 2,
	GRPC_DEADLINE_EXCEEDED = 4,
	GRPC_PERMISSION_DENIED = 7,
	GRPC_RESOURCE_EXHAUSTED = 8,
	GRPC_UNIMPLEMENTED = 12,
	GRPC_INTERNAL = 13,
	GRPC_UNAVAILABLE = 14,
	GRPC_UNAUTHENTICATED = 16,
};

bool exchange_is_grpc(const struct exchange *ex)
{
	static const struct str prefix = {"application/grpc", 16};
	struct str type = http_head_value(&ex->head, FIELD_CONTENT_TYPE);

	return ex->head.version == HTTP_2 && str_starts_with(type, prefix) &&
		(type.len == prefix.len || type.ptr[prefix.len] == '+' || type.ptr[prefix.len] == ';');
}

static unsigned code_of_status(unsigned status)
{
	switch (status) {
	case 400:
		return GRPC_INTERNAL;
	case 401:
		return GRPC_UNAUTHENTICATED;
	case 403:
		return GRPC_PERMISSION_DENIED;
	case 404:
		return GRPC_UNIMPLEMENTED;
	case 408:
		return GRPC_DEADLINE_EXCEEDED;
	case 413:
		return GRPC_RESOURCE_EXHAUSTED;
	case 429:
	case 502:
	case 503:
	case 504:
		return GRPC_UNAVAILABLE;
	default:
		return GRPC_UNKNOWN;
	}
}

/* RFC 9113 7. */
static unsigned code_of_reset(uint32_t code)
{
	switch (code) {
	case 7: /* REFUSED_STREAM */
		return GRPC_UNAVAILABLE;
	case 8: /* CANCEL */
		return GRPC_CANCELLED;
	case 11: /* ENHANCE_YOUR_CALM */
		return GRPC_RESOURCE_EXHAUSTED;
	case 12: /* INADEQUATE_SECURITY */
		return GRPC_PERMISSION_DENIED;
	default:
		return GRPC_INTERNAL;
	}
}

void exchange_note_grpc_status(struct exchange *ex, struct str value)
{
	ex->grpc_status = arena_str(&ex->arena, value);
}

static void write_status(struct exchange *ex, unsigned status, enum end_reason end, struct buf *lines)
{
	unsigned code = end == END_UPSTREAM_RESET ? code_of_reset(ex->reset_code) : code_of_status(status);
	size_t at;

	buf_add(lines, STR("grpc-status: "));
	at = lines->len;
	buf_add_u64(lines, code);
	exchange_note_grpc_status(ex, str_from_index(buf_str(lines), at));
	buf_add(lines, STR("\r\ngrpc-message: "));
	buf_add(lines, end_word(end));
	buf_add(lines, STR(": "));
	buf_add(lines, str_from(end_doc(end)));
	buf_add(lines, STR("\r\n"));
}

void exchange_grpc_head(struct exchange *ex, struct exchange_head *out)
{
	struct buf *lines = &ex->env->lines;

	buf_clear(lines);
	buf_add(lines, STR("content-type: application/grpc\r\n"));
	write_status(ex, ex->answer_status, ex->end, lines);
	if (ex->rule.match.route)
		rewrite_write_response_fields(exchange_settings(ex), ex->rule.is_tls, lines);
	*out = (struct exchange_head){
		.status = 200,
		.reason = http_status_reason(200),
		.lines = buf_str(lines),
		.body = HTTP_BODY_NONE,
		.must_close = out->must_close,
	};
}

/* What a client that had no head so far would get. */
static unsigned status_of(enum end_reason end)
{
	switch (end) {
	case END_TOO_LARGE:
		return 413;
	case END_BAD_REQUEST:
		return 400;
	default:
		return end_limit(end).len ? 504 : 502;
	}
}

enum exchange_state exchange_break_off(struct exchange *ex, enum end_reason end)
{
	struct buf *lines = &ex->env->lines;

	assert(ex->state == EX_RELAY || ex->state == EX_AWAIT);
	if (!ex->call || !exchange_is_grpc(ex) || ex->response_body.kind != HTTP_BODY_CLOSE) {
		ex->client->cut_code = end == END_UPSTREAM_RESET ? ex->reset_code : 0;
		return exchange_over(ex, EXCHANGE_CUT, end);
	}
	buf_clear(lines);
	write_status(ex, status_of(end), end, lines);
	ex->client->trailers = buf_str(lines);
	exchange_leave_upstream(ex, false);
	ex->end = end;
	ex->outcome = EXCHANGE_CLOSE;
	ex->has_expired = false;
	switch (ex->client->ops->send(ex->client, NULL, STR(""), true)) {
	case EXCHANGE_LOST:
		return exchange_over(ex, EXCHANGE_CUT, END_CLIENT_GONE);
	case EXCHANGE_WAITING:
		ex->is_waiting_client = true;
		return EX_FLUSH;
	case EXCHANGE_SENT:
		return EX_OVER;
	}
	abort();
}

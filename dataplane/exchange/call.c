/* An endpoint that speaks HTTP/2: what differs from HTTP/1 between a decided request and its relayed response (SEMANTICS G14). */
#include <assert.h>
#include <stdlib.h>

#include "exchange_private.h"

enum end_reason exchange_call_end(const struct exchange *ex)
{
	switch (upstream_call_fate(ex->call)) {
	case UPSTREAM_FATE_CONNECT:
		return upstream_call_error(ex->call) == UV_EPROTO ? END_UPSTREAM_TLS_FAILED : END_UPSTREAM_CONNECT_FAILED;
	case UPSTREAM_FATE_REFUSED:
		return END_UPSTREAM_REFUSED;
	case UPSTREAM_FATE_NONE:
	case UPSTREAM_FATE_LOST:
		return END_UPSTREAM_CLOSED;
	case UPSTREAM_FATE_RESET:
		return END_UPSTREAM_RESET;
	case UPSTREAM_FATE_BAD:
		return END_UPSTREAM_BAD_RESPONSE;
	case UPSTREAM_FATE_BROKEN:
		return END_UPSTREAM_HTTP2_ERROR;
	case UPSTREAM_FATE_FLOOD:
		return END_UPSTREAM_HTTP2_FLOOD;
	}
	abort();
}

/* ---------------------------------------------------------------------------------------------------------------- request */

static enum exchange_send send_head(struct exchange *ex)
{
	struct buf *lines = &ex->env->heads, *path = &ex->env->lines;
	struct upstream_request r = {
		.method = ex->head.method,
		.method_text = ex->head.method_text,
		.authority = rewrite_host(&ex->rule),
		.is_last = ex->is_fed_last && !ex->body.len && !ex->fresh.len && !ex->request_trailers.len,
	};
	struct rewrite_head h;

	exchange_request_head(ex, &h);
	if (ex->head.body != HTTP_BODY_LENGTH)
		h.body = HTTP_BODY_NONE; /* END_STREAM says it all */
	buf_clear(lines);
	buf_clear(path);
	if (!rewrite_target(&ex->rule, path) || !rewrite_write_fields(&h, lines))
		return EXCHANGE_SEND_NO_HEAD;
	r.path = buf_str(path);
	r.lines = buf_str(lines);
	ex->sent_head = true;
	ex->sent_last = r.is_last;
	return upstream_call_send_head(ex->call, &r) ? EXCHANGE_SEND_OK : EXCHANGE_SEND_FAILED;
}

/* What is ours to say at the head is nobody's to say at the end. */
static bool passes(const struct exchange *ex, struct str line)
{
	size_t colon = str_find(line, ':');
	struct http_field field = {.name = str_first(line, colon), .id = (uint8_t)http_field_id(str_first(line, colon))};

	return field.id == FIELD_OTHER && !clientaddr_replaces(&ex->held->rules, ex->client->conn, &field) &&
		!rewrite_drops_request_field(&ex->rule, &field);
}

/* Of the request, once it ends. Owned by the arena. */
static struct str passing_trailers(struct exchange *ex)
{
	struct str lines = ex->request_trailers, line, passing;
	struct buf out = {0};

	while (str_next(&lines, '\n', &line)) {
		if (line.len && passes(ex, line)) {
			buf_add(&out, line);
			buf_add_char(&out, '\n');
		}
	}
	passing = arena_str(&ex->arena, buf_str(&out));
	buf_deinit(&out);
	return passing;
}

enum exchange_send exchange_send_call(struct exchange *ex)
{
	struct str trailers = {0};
	bool ends;

	if (!ex->sent_head) {
		enum exchange_send sent = send_head(ex);

		if (sent != EXCHANGE_SEND_OK)
			return sent;
	}
	ends = ex->is_fed_last && !ex->sent_last;
	if (!ex->body.len && !ex->fresh.len && !ends)
		return EXCHANGE_SEND_OK;
	if (ends && ex->request_trailers.len)
		trailers = passing_trailers(ex);
	if (ex->body.len)
		upstream_call_send(ex->call, buf_str(&ex->body), ends && !ex->fresh.len, ex->fresh.len ? STR("") : trailers);
	if (ex->fresh.len || !ex->body.len)
		upstream_call_send(ex->call, ex->fresh, ends, trailers);
	exchange_keep_for_replay(ex);
	ex->sent_last = ex->is_fed_last;
	buf_deinit(&ex->body);
	ex->fresh = (struct str){0};
	return EXCHANGE_SEND_OK;
}

/* --------------------------------------------------------------------------------------------------------------- response */

static enum exchange_state failed(struct exchange *ex)
{
	enum end_reason end = exchange_call_end(ex);

	ex->reset_code = upstream_call_code(ex->call);
	return exchange_attempt_failed(ex, end == END_UPSTREAM_BAD_RESPONSE ? ATTEMPT_INVALID : ATTEMPT_ERROR, end);
}

enum exchange_state exchange_read_call_head(struct exchange *ex)
{
	struct http_head head = {.fields = ex->env->fields};
	const struct http_field *status;
	enum exchange_state next;

	switch (upstream_call_head(ex->call, &head)) {
	case PARSE_MORE:
		return upstream_call_fate(ex->call) ? failed(ex) : EX_AWAIT;
	case PARSE_BAD:
		return failed(ex);
	case PARSE_DONE:
		break;
	}
	ex->got_any = true;
	status = http_head_named(&head, STR("grpc-status"));
	if (status)
		exchange_note_grpc_status(ex, status->value);
	ex->response_body.kind = head.body;
	next = exchange_take_head(ex, &head, NULL, 0);
	if (ex->call)
		upstream_call_drop_head(ex->call);
	return next;
}

/* The last field of this name among the trailers. */
static void note_trailers(struct exchange *ex, struct str lines)
{
	struct str line;

	while (str_next(&lines, '\n', &line)) {
		size_t colon = str_find(line, ':');

		if (str_eq(str_first(line, colon), STR("grpc-status")))
			exchange_note_grpc_status(ex, str_trim(str_from_index(line, colon + 1)));
	}
}

static enum exchange_state broken(struct exchange *ex)
{
	ex->reset_code = upstream_call_code(ex->call);
	exchange_judge_endpoint(ex, 0);
	return exchange_break_off(ex, exchange_call_end(ex));
}

enum exchange_state exchange_pass_call(struct exchange *ex, const struct exchange_head *head)
{
	do {
		struct str all = upstream_call_body(ex->call);
		struct str body = str_first(all, exchange_read_size(ex));
		bool is_last = upstream_call_is_whole(ex->call) && body.len == all.len;

		if (!head && !body.len && !is_last)
			return upstream_call_fate(ex->call) ? broken(ex) : EX_RELAY;
		if (is_last) {
			ex->client->trailers = upstream_call_trailers(ex->call);
			note_trailers(ex, ex->client->trailers);
		}
		exchange_attempt(ex)->bytes_received += body.len;
		if (exchange_hand_over(ex, head, body, is_last) == EX_OVER)
			return EX_OVER;
		if (is_last)
			return exchange_response_done(ex, false);
		upstream_call_take(ex->call, body.len);
		head = NULL;
	} while (!ex->is_waiting_client);
	return EX_RELAY;
}

/* The endpoint's response: its head written anew, its body passed on as it comes (SEMANTICS D3, D7, D8, G7, G8). */
#include <assert.h>

#include "exchange_private.h"

enum { INTERIM_MAX = 64 };

/* ---------------------------------------------------------------------------------------------------------------- head */

/* Of this hop alone, or written by whoever speaks to the client. */
static const uint64_t OURS = (uint64_t)1 << FIELD_CONNECTION | (uint64_t)1 << FIELD_KEEP_ALIVE |
	(uint64_t)1 << FIELD_TRANSFER_ENCODING | (uint64_t)1 << FIELD_CONTENT_LENGTH | (uint64_t)1 << FIELD_DATE |
	(uint64_t)1 << FIELD_UPGRADE | (uint64_t)1 << FIELD_TRAILER | (uint64_t)1 << FIELD_PROXY_CONNECTION;

static bool passes(const struct exchange *ex, const struct http_head *head, const struct http_field *field)
{
	if (http_field_bit(field->id) & OURS)
		return false;
	return !rewrite_drops_response_field(exchange_settings(ex), ex->rule.is_tls, field) &&
		!http_field_is_hop_by_hop(head, field, 0);
}

static void set_length(const struct http_head *head, struct exchange_head *out)
{
	struct str told = http_head_value(head, FIELD_CONTENT_LENGTH);

	out->body = head->body == HTTP_BODY_CHUNKED ? HTTP_BODY_CLOSE : head->body;
	out->content_length = head->content_length;
	if (head->body == HTTP_BODY_NONE && head->status != 204 && head->status >= 200)
		out->says_length = str_to_u64(told, UINT64_MAX, &out->content_length);
}

/* Beside the head's own array: its Connection field is asked for each one. */
static size_t copy_passing(struct exchange *ex, const struct http_head *head, struct http_field *to)
{
	size_t n = 0;

	for (size_t i = 0; i < head->n_fields; i++) {
		if (passes(ex, head, &head->fields[i]))
			to[n++] = head->fields[i];
	}
	return n;
}

void exchange_client_head(struct exchange *ex, const struct http_head *head, struct buf *lines, struct exchange_head *out)
{
	*out = (struct exchange_head){
		.status = head->status,
		.reason = head->reason,
		.fields = ex->env->passing,
		/* an answer before the whole request: the rest of it would be read as the next one */
		.must_close = !ex->is_fed_last || ex->is_body_bad,
	};
	set_length(head, out);
	buf_clear(lines);
	rewrite_write_response_fields(exchange_settings(ex), ex->rule.is_tls, lines);
	if (ex->is_new_session)
		exchange_write_session(ex, lines);
	if (head->status == 101)
		http1_write_field(lines, STR("Upgrade"), http_head_value(head, FIELD_UPGRADE));
	out->lines = buf_str(lines);
	out->is_upgrade = head->status == 101;
	out->n_fields = copy_passing(ex, head, ex->env->passing);
}

/* ---------------------------------------------------------------------------------------------------------------- body */

enum exchange_state exchange_response_done(struct exchange *ex, bool is_reusable)
{
	exchange_leave_upstream(ex, is_reusable && ex->is_response_keep_alive && exchange_is_request_sent(ex) &&
			!ex->has_upload_failed && !ex->is_upgrade);
	ex->end = END_DONE;
	ex->outcome = !ex->told_close ? EXCHANGE_KEEP : ex->is_fed_last ? EXCHANGE_CLOSE : EXCHANGE_LINGER;
	return ex->is_waiting_client ? EX_FLUSH : EX_OVER;
}

enum exchange_state exchange_hand_over(struct exchange *ex, const struct exchange_head *head, struct str payload, bool is_last)
{
	if (head) {
		ex->status = head->status;
		ex->told_close = head->must_close;
	}
	ex->body_sent += payload.len;
	switch (ex->client->ops->send(ex->client, head, payload, is_last)) {
	case EXCHANGE_LOST:
		return exchange_over(ex, EXCHANGE_CUT, END_CLIENT_GONE);
	case EXCHANGE_WAITING:
		ex->is_waiting_client = true;
		return EX_RELAY;
	case EXCHANGE_SENT:
		return EX_RELAY;
	}
	abort();
}

/* Hands body bytes to the client, with `head` in front of them when it has not gone yet. */
static enum exchange_state pass_on(struct exchange *ex, const struct exchange_head *head, char *bytes, size_t len)
{
	const char *why;
	struct str payload;
	size_t used = 0;
	enum parse_result result = PARSE_DONE;

	if (ex->response_body.kind != HTTP_BODY_NONE)
		result = exchange_take_body(&ex->response_body, bytes, len, &used, &payload, &why);
	else
		payload = (struct str){0};
	if (result == PARSE_BAD)
		return head ? exchange_attempt_failed(ex, ATTEMPT_INVALID, END_UPSTREAM_BAD_RESPONSE) :
			exchange_over(ex, EXCHANGE_CUT, END_UPSTREAM_BAD_RESPONSE);
	exchange_attempt(ex)->bytes_received += payload.len;
	if (ex->hold)
		return exchange_hold_on(ex, head, payload, result == PARSE_DONE, used == len);
	if (exchange_hand_over(ex, head, payload, result == PARSE_DONE) == EX_OVER)
		return EX_OVER;
	if (ex->is_waiting_client)
		stream_want_read(&ex->upstream->stream, false);
	return result == PARSE_DONE ? exchange_response_done(ex, used == len) : EX_RELAY;
}

enum exchange_state exchange_upstream_ended(struct exchange *ex, bool is_orderly)
{
	if (!is_orderly || !http1_body_at_close(&ex->response_body)) {
		exchange_judge_endpoint(ex, 0);
		return exchange_over(ex, EXCHANGE_CUT, END_UPSTREAM_CLOSED);
	}
	if (ex->hold)
		return exchange_hold_on(ex, NULL, STR(""), true, false);
	if (exchange_hand_over(ex, NULL, (struct str){0}, true) == EX_OVER)
		return EX_OVER;
	return exchange_response_done(ex, false);
}

size_t exchange_read_size(const struct exchange *ex)
{
	size_t most = ex->client->read_bytes;

	return most && most < ENV_READ_SIZE ? most : ENV_READ_SIZE;
}

/* The endpoint is not read now. */
static bool is_stopped(const struct exchange *ex)
{
	return ex->hold ? ex->hold->is_full : ex->is_waiting_client;
}

static enum exchange_state read_body(struct exchange *ex)
{
	enum exchange_state next;

	if (exchange_may_splice(ex))
		return exchange_splice(ex);
	do {
		ssize_t n = stream_read(&ex->upstream->stream, ex->env->space, exchange_read_size(ex));

		if (n < 0)
			return exchange_upstream_ended(ex, n == UV_EOF);
		if (n == 0)
			return EX_RELAY;
		next = pass_on(ex, NULL, ex->env->space, (size_t)n);
	} while (next == EX_RELAY && !is_stopped(ex) && stream_has_pending(&ex->upstream->stream));
	return next;
}

/* ---------------------------------------------------------------------------------------------------- the head arrives */

static enum exchange_state begin_relay(struct exchange *ex, struct http_head *head, char *rest, size_t len)
{
	struct exchange_head out;

	exchange_client_head(ex, head, &ex->env->lines, &out);
	if (ex->call)
		return exchange_pass_call(ex, &out);
	http1_body_init(&ex->response_body, head);
	ex->is_response_keep_alive = head->is_keep_alive;
	if (exchange_is_request_sent(ex))
		exchange_drop_store(ex);
	exchange_begin_hold(ex, head);
	return pass_on(ex, &out, rest, len);
}

enum exchange_state exchange_take_head(struct exchange *ex, struct http_head *head, char *rest, size_t len)
{
	exchange_attempt(ex)->status = head->status;
	exchange_attempt(ex)->header_us = env_now_us(ex->env) - ex->attempt_began_us;
	if (head->status == 101) {
		exchange_judge_endpoint(ex, head->status);
		return ex->is_upgrade && exchange_is_request_sent(ex) ?
			exchange_upgrade(ex, head, str_of(rest, len)) :
			exchange_attempt_failed(ex, ATTEMPT_INVALID, END_UPSTREAM_BAD_RESPONSE);
	}
	exchange_judge_endpoint(ex, head->status);
	if (exchange_may_retry_status(ex, head->status))
		return exchange_retry(ex);
	return begin_relay(ex, head, rest, len);
}

/* `bytes` lie in the worker's read buffer: what is no whole head yet must be kept. */
static enum exchange_state parse_response(struct exchange *ex, char *bytes, size_t len)
{
	size_t most = exchange_policy(ex)->proxy_buffer_size_bytes;
	const struct http1_limits limits = {
		.head_bytes = most < ENV_READ_SIZE / 2 ? most : ENV_READ_SIZE / 2, .n_fields = ENV_FIELDS, .keeps_underscores = true};
	struct http_head head;
	struct http1_error error = {0};
	size_t used = 0;

	for (;;) {
		head.fields = ex->env->fields;
		switch (http1_parse_response(str_of(bytes, len), &limits, ex->head.method, &head, &used, &error)) {
		case PARSE_BAD:
			return exchange_attempt_failed(ex, ATTEMPT_INVALID, END_UPSTREAM_BAD_RESPONSE);
		case PARSE_MORE:
			if (len >= limits.head_bytes) /* D3 */
				return exchange_attempt_failed(ex, ATTEMPT_INVALID, END_UPSTREAM_BAD_RESPONSE);
			buf_clear(&ex->partial);
			buf_add(&ex->partial, str_of(bytes, len));
			return EX_AWAIT;
		case PARSE_DONE:
			break;
		}
		bytes += used;
		len -= used;
		if (head.status == 101 || head.status >= 200)
			break;
		if (++ex->n_interim > INTERIM_MAX) /* each would start the read timeout anew, for ever */
			return exchange_attempt_failed(ex, ATTEMPT_INVALID, END_UPSTREAM_BAD_RESPONSE);
		/* G8: 100 and 103 are for this hop or of no use to a client that did not ask */
	}
	buf_deinit(&ex->partial);
	return exchange_take_head(ex, &head, bytes, len);
}

/*
 * The endpoint ended the connection without a word. Where not a byte of the request had reached it before that, whoever closed
 * it has not seen the request, and nobody will: it may be sent again, whatever its method. (A reset says no such thing.)
 */
static enum exchange_state head_ended(struct exchange *ex, ssize_t why)
{
	ex->is_unheard = why == UV_EOF && !ex->got_any && !exchange_may_send_twice(ex) && ex->confirmed != UINT64_MAX &&
		stream_confirmed(&ex->upstream->stream) == ex->confirmed;
	return exchange_attempt_failed(ex, ATTEMPT_ERROR, END_UPSTREAM_CLOSED);
}

static enum exchange_state read_head(struct exchange *ex)
{
	enum exchange_state next;

	do {
		char *space = ex->env->space;
		size_t have = ex->partial.len;
		size_t room = ENV_READ_SIZE - have < exchange_read_size(ex) ? ENV_READ_SIZE - have : exchange_read_size(ex);
		ssize_t n = stream_read(&ex->upstream->stream, space + have, room);

		if (n < 0)
			return head_ended(ex, n);
		if (n == 0)
			return ex->has_upload_failed ? exchange_attempt_failed(ex, ATTEMPT_ERROR, END_UPSTREAM_CLOSED) :
				EX_AWAIT;
		if (have)
			memcpy(space, ex->partial.ptr, have);
		ex->got_any = true;
		next = parse_response(ex, space, have + (size_t)n);
	} while (next == EX_AWAIT && stream_has_pending(&ex->upstream->stream));
	return next;
}

/* ------------------------------------------------------------------------------------------------------------ the states */

static enum exchange_state await_expired(struct exchange *ex)
{
	if (exchange_is_sending(ex))
		return exchange_attempt_failed(ex, ATTEMPT_TIMEOUT, END_UPSTREAM_SEND_TIMEOUT);
	if (!exchange_is_request_sent(ex) && !ex->call) {
		ex->status = 408; /* D5: logged, never sent */
		return exchange_over(ex, EXCHANGE_CUT, END_CLIENT_BODY_TIMEOUT);
	}
	return exchange_attempt_failed(ex, ATTEMPT_TIMEOUT, END_UPSTREAM_READ_TIMEOUT);
}

enum exchange_state exchange_await(struct exchange *ex)
{
	unsigned refused = exchange_judge_body(ex);
	unsigned events = ex->upstream_events;

	assert(ex->state == EX_AWAIT && (ex->upstream || ex->call));
	ex->upstream_events = 0;
	if (refused)
		return exchange_refuse_body(ex, refused);
	if (ex->has_expired)
		return await_expired(ex);
	if (!ex->has_upload_failed && (!exchange_is_request_sent(ex) || !ex->sent_head)) {
		switch (exchange_send_request(ex)) {
		case EXCHANGE_SEND_OK:
			break;
		case EXCHANGE_SEND_FAILED:
			if (ex->call)
				return exchange_attempt_failed(ex, ATTEMPT_ERROR, exchange_call_end(ex));
			ex->has_upload_failed = true; /* it may have answered before it closed */
			exchange_keep_fresh(ex);      /* reading overwrites where it lies */
			return read_head(ex);
		case EXCHANGE_SEND_NO_HEAD:
			exchange_leave_upstream(ex, false);
			return exchange_answer(ex, 500, END_MISCONFIGURED);
		case EXCHANGE_SEND_NO_BODY:
			exchange_leave_upstream(ex, false);
			return exchange_answer(ex, 500, END_INTERNAL);
		}
	}
	if (ex->call)
		return events & (STREAM_READABLE | STREAM_FAILED) ? exchange_read_call_head(ex) : EX_AWAIT;
	if (events & STREAM_READABLE)
		return read_head(ex);
	if (events & STREAM_FAILED)
		return exchange_attempt_failed(ex, ATTEMPT_ERROR, END_UPSTREAM_CLOSED);
	return EX_AWAIT;
}

static enum exchange_state relay_expired(struct exchange *ex)
{
	if (ex->is_waiting_client)
		return exchange_over(ex, EXCHANGE_CUT, END_CLIENT_SEND_TIMEOUT);
	return exchange_break_off(
		ex, ex->call && exchange_is_sending(ex) ? END_UPSTREAM_SEND_TIMEOUT : END_UPSTREAM_READ_TIMEOUT);
}

static enum exchange_state relay_held(struct exchange *ex, unsigned events)
{
	bool may_read;
	enum exchange_state next = exchange_hold_step(ex, &may_read);

	if (next != EX_RELAY)
		return next;
	if (!ex->hold->is_full && ((events & STREAM_READABLE) || (may_read && stream_has_pending(&ex->upstream->stream))))
		return read_body(ex);
	if (events & STREAM_FAILED)
		return exchange_over(ex, EXCHANGE_CUT, END_UPSTREAM_CLOSED);
	return EX_RELAY;
}

enum exchange_state exchange_relay(struct exchange *ex)
{
	unsigned events = ex->upstream_events;
	bool resumes = (ex->events & EXCHANGE_CLIENT_WRITABLE) && !ex->is_waiting_client;
	unsigned refused;

	assert(ex->state == EX_RELAY && (ex->upstream || ex->call));
	ex->upstream_events = 0;
	ex->events &= ~(unsigned)EXCHANGE_CLIENT_WRITABLE;
	if (ex->has_expired && !exchange_is_paced(ex))
		return relay_expired(ex);
	ex->has_expired = false;
	refused = exchange_judge_body(ex);
	if (refused)
		return exchange_break_off(ex, refused == 413 ? END_TOO_LARGE : END_BAD_REQUEST);
	if (!ex->has_upload_failed && !exchange_is_request_sent(ex))
		ex->has_upload_failed = exchange_send_request(ex) != EXCHANGE_SEND_OK;
	if (ex->call)
		return ex->is_waiting_client ? EX_RELAY : exchange_pass_call(ex, NULL);
	if (ex->hold)
		return relay_held(ex, events);
	if (resumes)
		stream_want_read(&ex->upstream->stream, true);
	if (!ex->is_waiting_client && ((events & STREAM_READABLE) || (resumes && (ex->pipe || stream_has_pending(&ex->upstream->stream)))))
		return read_body(ex);
	if (events & STREAM_FAILED)
		return exchange_over(ex, EXCHANGE_CUT, END_UPSTREAM_CLOSED);
	return EX_RELAY;
}

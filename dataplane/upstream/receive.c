/* What nghttp2 says while it reads and writes: heads, bodies and ends of calls, and whether the endpoint may go on so. */
#include <assert.h>

#include "frames.h"
#include "upstream_private.h"

/*
 * Frames that cost us work and bring nothing. An endpoint answers each DATA frame of ours with a window and perhaps a PING, so
 * those are credited, and so is what it sends of answers.
 */
static const struct http2_rate control_rate = {.burst = 2048, .per_s = 256};
enum { INTERIM_MAX = 64 };

static const struct http2_limits head_limits = {
	.bytes = UPSTREAM_HEAD_BYTES, .n_fields = UPSTREAM_HEAD_FIELDS, .keeps_underscores = true};

static struct upstream_call *call_of(nghttp2_session *session, int32_t id)
{
	return nghttp2_session_get_stream_user_data(session, id);
}

/* --------------------------------------------------------------------------------------------------------------- budgets */

static bool spend_control(struct upstream_session *s, uint32_t cost)
{
	return http2_budget_spend(&s->controls, &control_rate, cost, s->pool->all->now_ms);
}

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *data)
{
	struct upstream_session *s = data;
	bool is_of_call = hd->type == NGHTTP2_HEADERS || hd->type == NGHTTP2_RST_STREAM;
	uint32_t cost = is_of_call && !call_of(session, hd->stream_id) ? 1 : frames_cost(hd);

	if (!cost && (is_of_call || hd->type == NGHTTP2_DATA))
		http2_budget_credit(&s->controls, 1);
	return !cost || spend_control(s, cost) ? 0 : upstream_session_violate(s, UPSTREAM_FATE_FLOOD);
}

/* Frames of kinds that nobody knows, once they are whole: read over. */
static int on_unknown(nghttp2_session *session, void **payload, const nghttp2_frame_hd *hd, void *data)
{
	struct upstream_session *s = data;

	(void)session;
	(void)hd;
	*payload = NULL;
	return spend_control(s, 1) ? NGHTTP2_ERR_CANCEL : upstream_session_violate(s, UPSTREAM_FATE_FLOOD);
}

/* --------------------------------------------------------------------------------------------------------- header blocks */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *data)
{
	struct upstream_session *s = data;

	s->skips_block = frame->hd.type != NGHTTP2_HEADERS || !call_of(session, frame->hd.stream_id);
	if (s->skips_block)
		return 0;
	http2_block_give(&s->pool->http2.spare_block, &s->block);
	s->block = http2_block_take(&s->pool->http2.spare_block);
	return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
	const uint8_t *value, size_t value_len, uint8_t flags, void *data)
{
	struct upstream_session *s = data;

	(void)session;
	(void)frame;
	(void)flags;
	if (s->skips_block || !s->block)
		return 0;
	if (http2_block_add(s->block, &head_limits, str_of(name, name_len), str_of(value, value_len)))
		return 0;
	return upstream_session_violate(s, UPSTREAM_FATE_FLOOD);
}

static void malformed(struct upstream_call *call)
{
	upstream_call_fail(call, UPSTREAM_FATE_BAD);
	upstream_call_reset(call, NGHTTP2_PROTOCOL_ERROR);
}

/* The response is whole. */
static void end_of_response(struct upstream_call *call)
{
	if (!call->has_head && !call->head) {
		malformed(call);
		return;
	}
	call->has_ended = true;
	upstream_call_tell(call, STREAM_READABLE);
}

/* G8: interim answers are for this hop or of no use to a client that did not ask; too many are an attack. */
static void take_interim(struct upstream_call *call, bool ends)
{
	if (ends || ++call->n_interim > INTERIM_MAX)
		malformed(call);
}

static void take_trailers(struct upstream_session *s, struct upstream_call *call, bool ends)
{
	const char *why = http2_block_trailer_lines(s->block, &call->trailers);

	if (why || !ends)
		malformed(call);
	else
		end_of_response(call);
}

static void take_head(struct upstream_session *s, struct upstream_call *call, bool ends)
{
	unsigned status = http2_block_status(s->block);

	if (!status || status == 101 || s->block->is_over) { /* RFC 9113 8.6 */
		malformed(call);
		return;
	}
	if (status < 200) {
		take_interim(call, ends);
		return;
	}
	call->head = s->block;
	s->block = NULL;
	upstream_call_tell(call, STREAM_READABLE);
	if (ends)
		end_of_response(call);
}

static void take_headers(struct upstream_session *s, const nghttp2_frame *frame)
{
	bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
	struct upstream_call *call = call_of(s->session, frame->hd.stream_id);

	if (s->skips_block || !s->block || !call || call->has_ended || call->fate)
		return;
	if (call->head || call->has_head)
		take_trailers(s, call, ends);
	else
		take_head(s, call, ends);
	http2_block_give(&s->pool->http2.spare_block, &s->block);
}

/* ----------------------------------------------------------------------------------------------------------------- frames */

/* What the endpoint allows has changed: calls that it has not seen and has no room for go elsewhere. */
static void take_settings(struct upstream_session *s)
{
	uint32_t told = nghttp2_session_get_remote_settings(s->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
	unsigned n = s->n_calls;

	s->max_calls = told < UPSTREAM_CALLS_MAX ? told : UPSTREAM_CALLS_MAX;
	s->conn->group->peer_calls = s->max_calls;
	for (struct upstream_call *call = s->first; call && n > s->max_calls; call = call->next) {
		if (call->is_out || call->fate)
			continue;
		upstream_call_fail(call, UPSTREAM_FATE_REFUSED);
		upstream_call_reset(call, NGHTTP2_CANCEL);
		n--;
	}
	upstream_session_note_room(s);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *data)
{
	struct upstream_session *s = data;
	struct upstream_call *call;

	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
		take_headers(s, frame);
		return 0;
	case NGHTTP2_DATA:
		call = call_of(session, frame->hd.stream_id);
		if (call && !call->fate && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
			end_of_response(call);
		return 0;
	case NGHTTP2_RST_STREAM:
		call = call_of(session, frame->hd.stream_id);
		if (call)
			call->is_reset = true;
		return 0;
	case NGHTTP2_SETTINGS:
		if (!(frame->hd.flags & NGHTTP2_FLAG_ACK))
			take_settings(s);
		return 0;
	case NGHTTP2_GOAWAY: /* nghttp2 closes the streams that the endpoint did not take, as refused */
		s->is_leaving = true;
		upstream_session_note_room(s);
		return 0;
	default:
		return 0;
	}
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t len, void *data)
{
	struct upstream_call *call = call_of(session, id);

	(void)flags;
	(void)data;
	nghttp2_session_consume_connection(session, len); /* one call never holds another */
	if (!call || call->fate || call->has_ended)
		return 0;
	call->received += len;
	if ((!call->head && !call->has_head) || (call->has_length && call->received > call->expected)) {
		malformed(call);
		return 0;
	}
	buf_add(&call->in, str_of(bytes, len));
	upstream_call_tell(call, STREAM_READABLE);
	return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *data)
{
	struct upstream_call *call = call_of(session, id);

	(void)data;
	if (!call)
		return 0;
	call->is_closed = true;
	if (call->has_ended || call->fate)
		return 0;
	call->code = code;
	if (code == NGHTTP2_REFUSED_STREAM)
		upstream_call_fail(call, UPSTREAM_FATE_REFUSED);
	else /* nghttp2 resets a stream itself when its window is overrun, and the like */
		upstream_call_fail(call, call->is_reset ? UPSTREAM_FATE_RESET : UPSTREAM_FATE_BAD);
	return 0;
}

/* --------------------------------------------------------------------------------------------------------------- sending */

static int on_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head, size_t len,
	nghttp2_data_source *source, void *data)
{
	struct upstream_session *s = data;
	struct upstream_call *call = call_of(session, frame->hd.stream_id);

	(void)source;
	if (!call || call->out.len - call->out_at < len)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* closed meanwhile: nghttp2 resets it */
	buf_add(&s->pool->http2.out, str_of(head, 9));
	buf_add(&s->pool->http2.out, str_of(call->out.ptr + call->out_at, len));
	if (len)
		http2_budget_credit(&s->controls, 4);
	return 0;
}

static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *data)
{
	struct upstream_session *s = data;
	struct upstream_call *call = frame->hd.stream_id ? call_of(session, frame->hd.stream_id) : NULL;
	bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;

	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
	case NGHTTP2_DATA:
		if (!call)
			return 0;
		call->is_out = true;
		call->is_end_out = ends;
		upstream_call_sent(call, frame->hd.type == NGHTTP2_DATA ? frame->hd.length : 0);
		return 0;
	case NGHTTP2_GOAWAY:
		if (frame->goaway.error_code != NGHTTP2_NO_ERROR && !s->is_over) {
			s->is_over = true;
			s->fate = UPSTREAM_FATE_BROKEN;
		}
		return 0;
	default:
		return 0;
	}
}

void upstream_set_callbacks(nghttp2_session_callbacks *c)
{
	nghttp2_session_callbacks_set_on_begin_frame_callback(c, on_begin_frame);
	nghttp2_session_callbacks_set_unpack_extension_callback(c, on_unknown);
	nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(c, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
	nghttp2_session_callbacks_set_send_data_callback(c, on_send_data);
	nghttp2_session_callbacks_set_on_frame_send_callback(c, on_sent);
}

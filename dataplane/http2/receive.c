/*
 * What nghttp2 says while it reads and writes. Nothing is decided here but what must be decided at once: which stream is
 * taken, and whether the client has used up what it may do.
 */
#include <assert.h>
#include <openssl/evp.h>

#include "frames.h"
#include "http2_private.h"
#include "judge_conn.h"
#include "mem.h"

/*
 * What a client may do on one connection beside asking. Resets: requests given up, and frames that make us give one up
 * (CVE-2023-44487, CVE-2025-8671). Controls: frames that cost us work and bring nothing; what DATA frames justify is credited.
 */
static const struct http2_rate reset_rate = {.burst = 256, .per_s = 32};
static const struct http2_rate control_rate = {.burst = 1024, .per_s = 128};

static struct http2_stream *stream_of(nghttp2_session *session, int32_t id)
{
	return nghttp2_session_get_stream_user_data(session, id);
}

static int violate(struct http2 *h, enum end_reason why)
{
	h->is_over = true;
	h->why = why;
	return NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* --------------------------------------------------------------------------------------------------------------- budgets */

static bool spend_control(struct http2 *h, uint32_t cost)
{
	metrics_add(&h->env->metrics.http2_controls, 1);
	return http2_budget_spend(&h->controls, &control_rate, cost, h->env->deadlines.now_ms);
}

static bool spend_reset(struct http2 *h)
{
	metrics_add(&h->env->metrics.http2_resets, 1);
	return http2_budget_spend(&h->resets, &reset_rate, 1, h->env->deadlines.now_ms);
}

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *data)
{
	struct http2 *h = data;
	uint32_t cost = frames_cost(hd);

	(void)session;
	return !cost || spend_control(h, cost) ? 0 : violate(h, END_HTTP2_FLOOD);
}

/* Frames of kinds that nobody knows, once they are whole: read over. */
static int on_unknown(nghttp2_session *session, void **payload, const nghttp2_frame_hd *hd, void *data)
{
	struct http2 *h = data;

	(void)session;
	(void)hd;
	*payload = NULL;
	return spend_control(h, 1) ? NGHTTP2_ERR_CANCEL : violate(h, END_HTTP2_FLOOD);
}

/* --------------------------------------------------------------------------------------------------------- header blocks */

struct http2_limits http2_limits_of(const struct settings *s)
{
	struct http1_limits of_head;

	judge_limits(s, &of_head);
	return (struct http2_limits){
		.bytes = of_head.head_bytes,
		.n_fields = of_head.n_fields - 2, /* a WebSocket gets two of ours */
		.drops_invalid_names = of_head.drops_invalid_names,
		.keeps_underscores = of_head.keeps_underscores,
	};
}

static void give_block(struct http2 *h)
{
	http2_block_give(&h->shared->spare_block, &h->block);
}

static int refuse_stream(struct http2 *h, int32_t id, metric *count)
{
	metrics_add(count, 1);
	h->n_refused++;
	h->skips_block = true;
	nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
	return spend_reset(h) ? 0 : violate(h, END_HTTP2_RESETS);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *data)
{
	struct http2 *h = data;
	bool is_request = frame->headers.cat == NGHTTP2_HCAT_REQUEST;
	const struct settings *s = env_settings(h->env);

	h->skips_block = false;
	if (frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	if (is_request && h->n_streams >= s->http2_max_concurrent_streams)
		return refuse_stream(h, frame->hd.stream_id, &h->env->metrics.http2_refused_streams);
	if (is_request && !http2_has_memory(h))
		return refuse_stream(h, frame->hd.stream_id, &h->env->metrics.http2_refused_memory);
	if (!is_request && !stream_of(session, frame->hd.stream_id)) {
		h->skips_block = true;
		return 0;
	}
	give_block(h);
	h->block = http2_block_take(&h->shared->spare_block);
	h->limits = http2_limits_of(s);
	h->block_began_us = env_now_us(h->env);
	return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
	const uint8_t *value, size_t value_len, uint8_t flags, void *data)
{
	struct http2 *h = data;

	(void)session;
	(void)frame;
	(void)flags;
	if (h->skips_block || !h->block)
		return 0;
	if (http2_block_add(h->block, &h->limits, str_of(name, name_len), str_of(value, value_len)))
		return 0;
	return violate(h, END_HTTP2_FLOOD);
}

/* -------------------------------------------------------------------------------------------------------------- requests */

/* RFC 6455 4.1: sixteen random bytes, in base64. */
static struct str make_websocket_key(struct exchange_env *env, char room[HTTP2_WEBSOCKET_KEY + 1])
{
	unsigned char bytes[16];

	env_random_bytes(env, bytes, sizeof(bytes));
	EVP_EncodeBlock((unsigned char *)room, bytes, sizeof(bytes));
	return str_of(room, HTTP2_WEBSOCKET_KEY);
}

static void begin_refusal(struct http2 *h, struct http2_stream *s, unsigned status)
{
	struct buf line = {0};

	http2_block_line(h->block, &line);
	s->ignores_body = true;
	s->exchange = exchange_create_refusal(h->env, &s->client, status, buf_str(&line), h->block_began_us);
	buf_deinit(&line);
}

static void begin_exchange(struct http2 *h, struct http2_stream *s, const struct http2_request *r)
{
	s->has_length = r->has_length;
	s->expected = r->head.content_length;
	s->is_websocket = r->is_websocket;
	if (s->is_websocket)
		r->head.fields[r->head.n_fields - 1].value = make_websocket_key(h->env, s->websocket_key);
	s->exchange = exchange_create(h->env, &s->client, &r->head, buf_str(&h->block->text), h->block_began_us);
}

static void take_request(struct http2 *h, int32_t id, bool ends)
{
	struct http2_request r = {.head = {.fields = h->env->fields}};
	struct http2_stream *s = http2_stream_begin(h, id);

	s->has_ended = ends;
	s->head_cost = HTTP2_STREAM_COST + h->block->text.len + h->block->n * sizeof(struct http_field);
	h->memory += s->head_cost;
	switch (http2_block_request(h->block, &h->limits, ends, &r)) {
	case HTTP2_REQUEST:
		begin_exchange(h, s, &r);
		break;
	case HTTP2_MALFORMED:
		begin_refusal(h, s, r.status);
		break;
	}
	give_block(h);
	http2_stream_tell(s, NEWS_BEGIN);
}

/* The client's side of the message is whole. */
static void end_of_request(struct http2_stream *s)
{
	s->has_ended = true;
	if (s->has_length && s->received < s->expected && !s->ignores_body) {
		http2_stream_tell(s, NEWS_BAD);
		return;
	}
	http2_stream_tell(s, NEWS_BODY);
}

static void take_trailers(struct http2 *h, struct http2_stream *s, bool ends)
{
	const char *why = http2_block_trailers(h->block, &h->limits);

	if (!why)
		why = http2_block_trailer_lines(h->block, &s->trailers_in);
	h->memory += s->trailers_in.len;
	s->head_cost += s->trailers_in.len;
	give_block(h);
	if (!why && ends && !s->is_websocket)
		end_of_request(s);
	else
		http2_stream_tell(s, NEWS_BAD);
}

static void take_headers(struct http2 *h, const nghttp2_frame *frame)
{
	bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
	struct http2_stream *s;

	if (h->skips_block || !h->block)
		return;
	if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
		take_request(h, frame->hd.stream_id, ends);
		return;
	}
	s = stream_of(h->session, frame->hd.stream_id);
	if (s && s->exchange)
		take_trailers(h, s, ends);
	else
		give_block(h);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *data)
{
	struct http2 *h = data;
	struct http2_stream *s;

	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
		take_headers(h, frame);
		return 0;
	case NGHTTP2_DATA:
		s = stream_of(session, frame->hd.stream_id);
		if (s && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
			end_of_request(s);
		return 0;
	case NGHTTP2_RST_STREAM:
		s = stream_of(session, frame->hd.stream_id);
		if (s && !s->exchange)
			return 0; /* its answer was whole */
		return spend_reset(h) ? 0 : violate(h, END_HTTP2_RESETS);
	default:
		return 0;
	}
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t len, void *data)
{
	struct http2 *h = data;
	struct http2_stream *s = stream_of(session, id);

	(void)flags;
	if (!s || !s->exchange || s->ignores_body) {
		nghttp2_session_consume(session, id, len);
		return 0;
	}
	s->received += len;
	if (s->has_length && s->received > s->expected) {
		nghttp2_session_consume(session, id, len);
		http2_stream_tell(s, NEWS_BAD);
		return 0;
	}
	buf_add(&s->in, str_of(bytes, len));
	h->memory += len;
	http2_stream_tell(s, NEWS_BODY);
	return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *data)
{
	struct http2_stream *s = stream_of(session, id);

	(void)data;
	(void)code;
	if (!s)
		return 0;
	s->is_closed = true;
	http2_stream_tell(s, s->is_sent ? 0 : NEWS_GONE);
	return 0;
}

/* --------------------------------------------------------------------------------------------------------------- sending */

static int on_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head, size_t len,
	nghttp2_data_source *source, void *data)
{
	struct http2 *h = data;
	struct http2_stream *s = source->ptr;

	(void)session;
	(void)frame;
	if (h->shared->out.len >= HTTP2_OUT_SIZE)
		return NGHTTP2_ERR_WOULDBLOCK;
	buf_add(&h->shared->out, str_of(head, 9));
	buf_add(&h->shared->out, str_of(s->out.ptr + s->out_at, len));
	if (len)
		http2_budget_credit(&h->controls, 2);
	return 0;
}

/* Ours on purpose, or something that the client sent made us do it. */
static void on_reset_sent(struct http2 *h, const struct http2_stream *s, uint32_t code)
{
	if (s && s->is_reset)
		return;
	if (code == NGHTTP2_REFUSED_STREAM && h->n_refused) {
		h->n_refused--; /* counted already */
		return;
	}
	if (code == NGHTTP2_REFUSED_STREAM) /* nghttp2 did it: the client does not know the limit so far */
		metrics_add(&h->env->metrics.http2_refused_streams, 1);
	if (!spend_reset(h))
		(void)violate(h, END_HTTP2_RESETS);
}

static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *data)
{
	struct http2 *h = data;
	struct http2_stream *s = frame->hd.stream_id ? stream_of(session, frame->hd.stream_id) : NULL;

	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
		if (s && s->has_head) {
			s->client.overhead_bytes += 9 + frame->hd.length;
			s->is_sent = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
			http2_stream_sent(s, 0);
		}
		return 0;
	case NGHTTP2_DATA:
		if (s) {
			s->client.overhead_bytes += 9;
			s->is_sent = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
			http2_stream_sent(s, frame->hd.length);
		}
		return 0;
	case NGHTTP2_RST_STREAM:
		on_reset_sent(h, s, frame->rst_stream.error_code);
		return 0;
	case NGHTTP2_GOAWAY:
		if (frame->goaway.error_code != NGHTTP2_NO_ERROR && !h->is_over)
			(void)violate(h, END_HTTP2_ERROR);
		return 0;
	default:
		return 0;
	}
}

void http2_set_callbacks(nghttp2_session_callbacks *c)
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

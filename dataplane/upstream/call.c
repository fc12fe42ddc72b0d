/* One request over HTTP/2, between its exchange and the connection that carries it. */
#include "call.h"

#include <assert.h>

#include "fields.h"
#include "upstream_private.h"

/* ------------------------------------------------------------------------------------------------------------------- news */

void upstream_call_tell(struct upstream_call *call, unsigned news)
{
	struct upstream_session *s = call->session;

	call->news |= news;
	if (!s)
		return;
	later_put_off(s->pool->laters, &s->later);
	if (call->is_ready)
		return;
	call->is_ready = true;
	call->next_ready = NULL;
	*s->ready_end = call;
	s->ready_end = &call->next_ready;
}

static void leave_ready(struct upstream_call *call)
{
	struct upstream_session *s = call->session;
	struct upstream_call **at = &s->ready;

	if (!call->is_ready)
		return;
	while (*at != call)
		at = &(*at)->next_ready;
	*at = call->next_ready;
	if (s->ready_end == &call->next_ready)
		s->ready_end = at;
	call->is_ready = false;
}

/* What failed once stays failed so; a whole response does not fail. */
void upstream_call_fail(struct upstream_call *call, enum upstream_fate fate)
{
	if (call->has_ended || call->fate)
		return;
	call->fate = fate == UPSTREAM_FATE_LOST && !call->is_out ? UPSTREAM_FATE_REFUSED : fate;
	if (fate == UPSTREAM_FATE_CONNECT)
		call->error = call->session->conn->stream.error;
	upstream_call_tell(call, STREAM_FAILED);
}

/* ------------------------------------------------------------------------------------------------------ begin and end */

static void attach(struct upstream_call *call, struct upstream_session *s)
{
	call->session = s;
	call->is_first = !s->n_begun;
	call->next = s->first;
	if (call->next)
		call->next->prev = call;
	s->first = call;
	if (s->is_idle) {
		s->is_idle = false;
		upstream_leave_idle(s->conn);
	}
	s->n_calls++;
	s->n_begun++;
	s->pool->http2.n_calls++;
	upstream_session_note_room(s);
}

void upstream_call_detach(struct upstream_call *call)
{
	struct upstream_session *s = call->session;

	leave_ready(call);
	if (call->id && s->session)
		nghttp2_session_set_stream_user_data(s->session, call->id, NULL);
	*(call->prev ? &call->prev->next : &s->first) = call->next;
	if (call->next)
		call->next->prev = call->prev;
	call->next = call->prev = NULL;
	call->session = NULL;
	s->n_calls--;
	upstream_session_note_room(s);
}

/* One with room; an idle one may have been closed a moment ago, and is looked at first. */
static struct upstream_session *find_session(struct upstream_pool *pool, const struct upstream_target *target)
{
	for (;;) {
		struct upstream_group *group = upstream_find_group(pool, target);
		struct upstream_session *s = group ? group->roomy : NULL;

		if (!s)
			return NULL;
		upstream_session_note_room(s); /* it may have grown too old */
		if (!s->is_roomy)
			continue;
		if (s->n_calls || !s->session || s->is_running || upstream_session_is_alive(s))
			return s;
	}
}

struct upstream_call *upstream_call_open(struct upstream_pool *pool, const struct upstream_target *target,
	struct upstream_user *user, int *error)
{
	struct upstream_session *s = find_session(pool, target);
	struct upstream_call *call;

	if (!s)
		s = upstream_session_connect(pool, target, error);
	if (!s)
		return NULL;
	call = mem_zalloc(sizeof(*call));
	call->pool = pool;
	call->user = user;
	attach(call, s);
	return call;
}

bool upstream_call_is_connected(const struct upstream_call *call)
{
	return call->session && call->session->session;
}

bool upstream_call_is_first(const struct upstream_call *call)
{
	return call->is_first;
}

void upstream_call_reset(struct upstream_call *call, uint32_t code)
{
	struct upstream_session *s = call->session;

	if (!s || !s->session || !call->id || call->is_closed)
		return;
	nghttp2_submit_rst_stream(s->session, NGHTTP2_FLAG_NONE, call->id, code);
	later_put_off(s->pool->laters, &s->later);
}

void upstream_call_close(struct upstream_call *call, bool may_go_on)
{
	struct upstream_session *s = call->session;
	struct upstream_pool *pool = call->pool;

	if (s) {
		if (!call->fate && (!call->has_ended || !call->is_end_out))
			upstream_call_reset(call, NGHTTP2_CANCEL);
		s->is_leaving = s->is_leaving || !may_go_on;
		upstream_call_detach(call);
	}
	http2_block_give(&pool->http2.spare_block, &call->head);
	buf_deinit(&call->out);
	buf_deinit(&call->trailers_out);
	buf_deinit(&call->in);
	buf_deinit(&call->trailers);
	mem_free(call);
	pool->http2.n_calls--;
	if (s && !s->is_over)
		upstream_session_rest(s);
}

/* ---------------------------------------------------------------------------------------------------------------- request */

static void submit_trailers(struct upstream_call *call)
{
	struct http2_fields f;

	f.n = 0;
	http2_fields_add_lines(&f, buf_str(&call->trailers_out));
	nghttp2_submit_trailer(call->session->session, call->id, f.items, f.n);
}

static ssize_t read_out(nghttp2_session *session, int32_t id, uint8_t *to, size_t room, uint32_t *flags,
	nghttp2_data_source *source, void *data)
{
	struct upstream_call *call = nghttp2_session_get_stream_user_data(session, id);
	size_t left, n;

	(void)to;
	(void)source;
	(void)data;
	if (!call)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	left = call->out.len - call->out_at;
	n = left < room ? left : room;
	if (!n && !call->has_last) {
		call->is_deferred = true;
		return NGHTTP2_ERR_DEFERRED;
	}
	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	if (n < left || !call->has_last)
		return (ssize_t)n;
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (call->trailers_out.len) {
		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
		submit_trailers(call);
	}
	return (ssize_t)n;
}

bool upstream_call_send_head(struct upstream_call *call, const struct upstream_request *r)
{
	struct upstream_session *s = call->session;
	const nghttp2_data_provider source = {.read_callback = read_out};
	struct http2_fields f;
	int32_t id;

	if (call->fate || !s || !s->session)
		return false;
	f.n = 0;
	http2_fields_add(&f, STR(":method"), r->method_text);
	http2_fields_add(&f, STR(":scheme"), s->conn->stream.ssl ? STR("https") : STR("http"));
	http2_fields_add(&f, STR(":path"), r->path);
	if (r->authority.len)
		http2_fields_add(&f, STR(":authority"), r->authority);
	http2_fields_add_lines(&f, r->lines);
	http2_fields_add(&f, STR("te"), STR("trailers"));
	id = nghttp2_submit_request(s->session, NULL, f.items, f.n, r->is_last ? NULL : &source, call);
	if (id < 0) { /* no more numbers, or the endpoint is leaving */
		s->is_leaving = true;
		upstream_session_note_room(s);
		upstream_call_fail(call, UPSTREAM_FATE_REFUSED);
		return false;
	}
	call->id = id;
	call->method = r->method;
	call->has_last = r->is_last;
	later_put_off(s->pool->laters, &s->later);
	return true;
}

void upstream_call_send(struct upstream_call *call, struct str bytes, bool is_last, struct str trailers)
{
	struct upstream_session *s = call->session;

	if (!s || call->fate || call->has_last || call->is_closed)
		return;
	if (call->out_at) {
		buf_consume(&call->out, call->out_at);
		call->out_at = 0;
	}
	buf_add(&call->out, bytes);
	buf_add(&call->trailers_out, trailers);
	call->has_last = is_last;
	if (call->is_deferred) {
		call->is_deferred = false;
		nghttp2_session_resume_data(s->session, call->id);
	}
	later_put_off(s->pool->laters, &s->later);
}

void upstream_call_sent(struct upstream_call *call, size_t n)
{
	call->out_at += n;
	if (call->out_at < call->out.len || (call->has_last && !call->is_end_out))
		return;
	buf_deinit(&call->out);
	call->out_at = 0;
	upstream_call_tell(call, STREAM_WRITABLE);
}

/* An endpoint that has answered in full and closed the stream takes no more: nothing waits for it. */
size_t upstream_call_unsent(const struct upstream_call *call)
{
	if (!call->session || call->is_closed || call->fate)
		return 0;
	return call->out.len - call->out_at + (call->has_last && !call->is_end_out) + !call->is_out;
}

bool upstream_call_was_sent(const struct upstream_call *call)
{
	return call->is_out && call->fate != UPSTREAM_FATE_REFUSED;
}

/* --------------------------------------------------------------------------------------------------------------- response */

/* Before the head was asked for, some of the body may be here already. */
static bool fits_length(const struct upstream_call *call)
{
	return !call->has_length || call->received <= call->expected;
}

enum parse_result upstream_call_head(struct upstream_call *call, struct http_head *out)
{
	if (!call->head)
		return call->fate ? PARSE_BAD : PARSE_MORE;
	call->has_head = true;
	if (!http2_block_response(call->head, call->method, out)) {
		call->has_length = out->body != HTTP_BODY_CLOSE;
		call->expected = out->body == HTTP_BODY_LENGTH ? out->content_length : 0;
		if (fits_length(call) && (!call->has_ended || !call->has_length || call->received == call->expected))
			return PARSE_DONE;
	}
	call->has_ended = false;
	upstream_call_fail(call, UPSTREAM_FATE_BAD);
	upstream_call_reset(call, NGHTTP2_PROTOCOL_ERROR);
	return PARSE_BAD;
}

void upstream_call_drop_head(struct upstream_call *call)
{
	http2_block_give(&call->pool->http2.spare_block, &call->head);
}

struct str upstream_call_body(const struct upstream_call *call)
{
	return str_from_index(buf_str(&call->in), call->in_at);
}

void upstream_call_take(struct upstream_call *call, size_t n)
{
	call->in_at += n;
	if (call->in_at == call->in.len) {
		buf_deinit(&call->in);
		call->in_at = 0;
	}
	if (n && call->session && !call->is_closed) {
		nghttp2_session_consume_stream(call->session->session, call->id, n);
		later_put_off(call->pool->laters, &call->session->later);
	}
}

bool upstream_call_is_whole(const struct upstream_call *call)
{
	return call->has_ended && (!call->has_length || call->received == call->expected);
}

struct str upstream_call_trailers(const struct upstream_call *call)
{
	return buf_str(&call->trailers);
}

enum upstream_fate upstream_call_fate(const struct upstream_call *call)
{
	/* an end before the length that was told */
	return call->has_ended && !upstream_call_is_whole(call) ? UPSTREAM_FATE_BAD : call->fate;
}

int upstream_call_error(const struct upstream_call *call)
{
	return call->error;
}

uint32_t upstream_call_code(const struct upstream_call *call)
{
	return call->code;
}

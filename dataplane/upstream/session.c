/*
 * One connection to an endpoint that speaks HTTP/2: reads what is there, tells the calls, and once all of this turn's work is
 * done writes what has come up. Callbacks of nghttp2 leave news only; whoever hears them may close any call.
 *
 *	read ─▶ nghttp2 ─▶ news of calls ─▶ exchanges ─▶ frames ─▶ one write
 */
#include <assert.h>
#include <stdlib.h>

#include "frames.h"
#include "upstream_private.h"

enum { READ_SIZE = 64 * 1024, READS_AT_ONCE = 8, WRITE_SIZE = 64 * 1024, CONNECTION_WINDOW = 1024 * 1024 };

/* ---------------------------------------------------------------------------------------------------------------- opening */

static void prepare(struct upstream_pool *pool)
{
	struct upstream_http2 *shared = &pool->http2;

	if (shared->callbacks)
		return;
	pool->in = mem_alloc(READ_SIZE);
	if (nghttp2_session_callbacks_new(&shared->callbacks) != 0)
		abort();
	upstream_set_callbacks(shared->callbacks);
	shared->options = frames_options();
}

void upstream_http2_deinit(struct upstream_pool *pool)
{
	struct upstream_http2 *shared = &pool->http2;

	assert(!shared->n_sessions && !shared->n_calls);
	nghttp2_session_callbacks_del(shared->callbacks);
	nghttp2_option_del(shared->options);
	if (shared->spare_block)
		http2_block_deinit(shared->spare_block);
	mem_free(shared->spare_block);
	buf_deinit(&shared->out);
	mem_free(pool->in);
}

static void begin_http2(struct upstream_session *s)
{
	const nghttp2_settings_entry entries[] = {
		{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, UPSTREAM_CALL_WINDOW},
		{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, UPSTREAM_HEAD_BYTES},
		{NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
	};
	const struct upstream_http2 *shared = &s->pool->http2;

	if (nghttp2_session_client_new2(&s->session, shared->callbacks, s, shared->options) != 0)
		abort();
	nghttp2_submit_settings(s->session, NGHTTP2_FLAG_NONE, entries, sizeof(entries) / sizeof(entries[0]));
	nghttp2_session_set_local_window_size(s->session, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW);
}

static void on_later(struct later *later);

struct upstream_session *upstream_session_connect(struct upstream_pool *pool, const struct upstream_target *target, int *error)
{
	struct upstream_conn *conn = upstream_connect(pool, target, NULL, error);
	struct upstream_session *s;
	uint32_t told;

	if (!conn)
		return NULL;
	prepare(pool);
	s = mem_zalloc(sizeof(*s));
	s->conn = conn;
	conn->session = s;
	s->pool = pool;
	s->ready_end = &s->ready;
	s->later.run = on_later;
	told = conn->group->peer_calls;
	s->max_calls = told && told < UPSTREAM_CALLS_MAX ? told : UPSTREAM_CALLS_MAX;
	pool->http2.n_sessions++;
	upstream_session_note_room(s);
	return s;
}

/* ------------------------------------------------------------------------------------------------------------------- room */

static bool is_used_up(const struct upstream_session *s)
{
	const struct upstream_limits *limits = &s->pool->limits;

	return (s->n_begun && s->n_begun >= limits->max_requests) ||
		(limits->max_age_ms && s->pool->all->now_ms - s->conn->born_ms >= limits->max_age_ms);
}

void upstream_session_note_room(struct upstream_session *s)
{
	bool has_room;

	s->is_leaving = s->is_leaving || s->is_over || is_used_up(s);
	has_room = !s->is_leaving && s->n_calls < s->max_calls;
	if (has_room == s->is_roomy)
		return;
	s->is_roomy = has_room;
	if (!has_room) {
		*(s->prev ? &s->prev->next : &s->conn->group->roomy) = s->next;
		if (s->next)
			s->next->prev = s->prev;
		return;
	}
	s->prev = NULL;
	s->next = s->conn->group->roomy;
	if (s->next)
		s->next->prev = s;
	s->conn->group->roomy = s;
}

/* ----------------------------------------------------------------------------------------------------------------- ending */

/* Says goodbye where it can be said at once. */
static void say_goodbye(struct upstream_session *s)
{
	struct buf *out = &s->pool->http2.out;
	struct iovec piece;

	if (!s->session || s->out.len)
		return;
	nghttp2_session_terminate_session(s->session, NGHTTP2_NO_ERROR);
	if (!frames_collect(s->session, out, WRITE_SIZE) || !out->len)
		return;
	piece = (struct iovec){.iov_base = out->ptr, .iov_len = out->len};
	(void)stream_writev(&s->conn->stream, &piece, 1);
}

void upstream_session_free(struct upstream_session *s)
{
	struct upstream_pool *pool = s->pool;

	assert(!s->first && !s->is_running);
	if (!s->is_over)
		say_goodbye(s);
	s->is_leaving = true;
	upstream_session_note_room(s);
	later_forget(pool->laters, &s->later);
	nghttp2_session_del(s->session);
	http2_block_give(&pool->http2.spare_block, &s->block);
	buf_deinit(&s->out);
	s->conn->session = NULL;
	pool->http2.n_sessions--;
	mem_free(s);
}

/* Nothing more comes: calls that are not whole have failed. `s` is gone afterwards. */
static void end(struct upstream_session *s)
{
	struct upstream_call *call;

	assert(!s->is_running);
	s->is_over = true;
	upstream_session_note_room(s);
	while ((call = s->first)) {
		upstream_call_fail(call, s->fate);
		upstream_call_detach(call);
		call->user->on_event(call->user, call->news); /* who hears it may close it, and no other */
	}
	if (s->is_idle)
		upstream_leave_idle(s->conn);
	upstream_close(s->conn, false);
}

static void lose(struct upstream_session *s, enum upstream_fate fate)
{
	if (!s->is_over)
		s->fate = fate;
	end(s);
}

int upstream_session_violate(struct upstream_session *s, enum upstream_fate fate)
{
	if (!s->is_over)
		s->fate = fate;
	s->is_over = true;
	return NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* ---------------------------------------------------------------------------------------------------------------- writing */

/* Until a write does not fit: no more frames are made before it has. False: the connection failed. */
static bool write_all(struct upstream_session *s)
{
	struct buf *fresh = &s->pool->http2.out;

	if (s->out.len && !stream_write_or_keep(&s->conn->stream, &s->out, &s->out))
		return false;
	while (!s->out.len) {
		if (!frames_collect(s->session, fresh, WRITE_SIZE))
			return false;
		if (!fresh->len)
			return true;
		if (!stream_write_or_keep(&s->conn->stream, fresh, &s->out))
			return false;
	}
	return true;
}

/* ------------------------------------------------------------------------------------------------------------------- news */

/* Tells all news. Calls come and go meanwhile; the session stays. */
static void run_calls(struct upstream_session *s)
{
	if (s->is_running)
		return;
	s->is_running = true;
	while (s->ready) {
		struct upstream_call *call = s->ready;
		unsigned news = call->news;

		s->ready = call->next_ready;
		if (!s->ready)
			s->ready_end = &s->ready;
		call->is_ready = false;
		call->news = 0;
		call->user->on_event(call->user, news);
	}
	s->is_running = false;
}

/* A session without calls waits for the next ones, or ends. `s` may be gone afterwards. */
void upstream_session_rest(struct upstream_session *s)
{
	const struct upstream_limits *limits = &s->pool->limits;

	if (s->n_calls || s->is_running || s->is_idle)
		return;
	upstream_session_note_room(s);
	if (s->is_leaving || !s->session || !limits->max_idle || !limits->idle_ms || upstream_n_idle(s->pool) >= limits->max_idle) {
		if (s->session && !s->is_over && !s->out.len)
			(void)write_all(s); /* resets of the calls that just left */
		upstream_close(s->conn, false);
		return;
	}
	s->is_idle = true;
	upstream_enter_idle(s->conn);
}

/* Goes on until nothing more can be said. `s` may be gone afterwards. */
static void settle(struct upstream_session *s)
{
	bool is_here = true;

	s->pool->all->now_ms = uv_now(s->pool->loop);
	do {
		run_calls(s);
		if (!s->is_over && s->session)
			is_here = write_all(s);
	} while (is_here && s->ready);
	if (s->is_over) {
		nghttp2_session_terminate_session(
			s->session, s->fate == UPSTREAM_FATE_FLOOD ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR);
		(void)write_all(s);
		end(s);
		return;
	}
	if (s->session && !nghttp2_session_want_read(s->session) && !nghttp2_session_want_write(s->session))
		is_here = false;
	if (is_here)
		upstream_session_rest(s);
	else
		lose(s, UPSTREAM_FATE_LOST);
}

static void on_later(struct later *later)
{
	settle(container_of(later, struct upstream_session, later));
}

/* ---------------------------------------------------------------------------------------------------------------- reading */

static void take(struct upstream_session *s, struct str bytes)
{
	ssize_t n = nghttp2_session_mem_recv(s->session, (const uint8_t *)bytes.ptr, bytes.len);

	if (n >= 0 || s->is_over)
		return;
	s->is_over = true;
	s->fate = n == NGHTTP2_ERR_FLOODED || n == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS ? UPSTREAM_FATE_FLOOD : UPSTREAM_FATE_BROKEN;
}

/* False: the connection is over. */
static bool read_all(struct upstream_session *s)
{
	for (int i = 0; i < READS_AT_ONCE && !s->is_over; i++) {
		ssize_t n = stream_read(&s->conn->stream, s->pool->in, READ_SIZE);

		if (n < 0)
			return false;
		if (n == 0)
			return true;
		take(s, str_of(s->pool->in, (size_t)n));
		run_calls(s);
		if (!stream_has_pending(&s->conn->stream))
			return true;
	}
	return true;
}

bool upstream_session_is_alive(struct upstream_session *s)
{
	if (!read_all(s)) {
		lose(s, UPSTREAM_FATE_LOST);
		return false;
	}
	upstream_session_note_room(s);
	if (s->is_roomy)
		return true;
	settle(s);
	return false;
}

/* ----------------------------------------------------------------------------------------------------------------- events */

/* Some servers choose no protocol at all and mean this one; another one it must not be. */
static bool is_http2(const SSL *ssl)
{
	const unsigned char *name;
	unsigned len;

	if (!ssl)
		return true;
	SSL_get0_alpn_selected(ssl, &name, &len);
	return !len || str_eq(str_of(name, len), STR("h2"));
}

static void on_connected(struct upstream_session *s)
{
	struct upstream_call *last = s->first;

	if (!is_http2(s->conn->stream.ssl)) {
		s->conn->stream.error = UV_EPROTO;
		lose(s, UPSTREAM_FATE_CONNECT);
		return;
	}
	begin_http2(s);
	while (last && last->next)
		last = last->next;
	for (struct upstream_call *call = last; call; call = call->prev) /* who came first goes first */
		upstream_call_tell(call, STREAM_CONNECTED);
	later_put_off(s->pool->laters, &s->later);
	run_calls(s);
}

void upstream_session_on_event(struct upstream_session *s, unsigned events)
{
	bool is_here = true;

	if (!s->session && (events & STREAM_FAILED)) {
		lose(s, UPSTREAM_FATE_CONNECT);
		return;
	}
	if (!s->session) {
		if (!(events & STREAM_CONNECTED))
			return;
		on_connected(s); /* `s` may be gone; what else came is told again */
		return;
	}
	if (events & STREAM_READABLE)
		is_here = read_all(s);
	else if (events & STREAM_FAILED)
		is_here = false;
	if (!is_here) {
		run_calls(s);
		lose(s, UPSTREAM_FATE_LOST);
		return;
	}
	later_put_off(s->pool->laters, &s->later);
}

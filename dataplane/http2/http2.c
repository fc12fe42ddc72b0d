/*
 * One connection: reads what is there, tells the streams, and once all of this turn's work is done writes what has come up.
 *
 *	read ─▶ nghttp2 ─▶ news of streams ─▶ exchanges ─▶ frames ─▶ one write
 */
#include "http2.h"

#include <assert.h>
#include <malloc.h>
#include <stdlib.h>

#include "frames.h"
#include "http2_private.h"
#include "mem.h"

enum { READS_AT_ONCE = 8 };

const struct str http2_preface = {NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN};

/* --------------------------------------------------------------------------------------- what nghttp2 takes is counted */

static void *take_bytes(size_t size, void *data)
{
	struct http2 *h = data;
	void *p = malloc(size);

	if (!p)
		abort();
	h->memory += malloc_usable_size(p);
	return p;
}

static void give_bytes(void *p, void *data)
{
	struct http2 *h = data;

	h->memory -= malloc_usable_size(p);
	free(p);
}

static void *take_zeroes(size_t n, size_t size, void *data)
{
	struct http2 *h = data;
	void *p = calloc(n, size);

	if (!p)
		abort();
	h->memory += malloc_usable_size(p);
	return p;
}

static void *take_again(void *p, size_t size, void *data)
{
	struct http2 *h = data;
	size_t before = malloc_usable_size(p);

	p = realloc(p, size);
	if (!p)
		abort();
	h->memory += malloc_usable_size(p) - before;
	return p;
}

bool http2_has_memory(const struct http2 *h)
{
	return h->memory < env_settings(h->env)->http2_connection_memory_bytes;
}

static void note_memory(struct http2 *h, size_t now)
{
	metric *gauge = &h->env->metrics.http2_memory;

	metrics_add(gauge, now);
	metrics_sub(gauge, h->memory_counted);
	h->memory_counted = now;
}

/* ---------------------------------------------------------------------------------------------------------------- opening */

static void prepare(struct http2_shared *shared)
{
	if (shared->in)
		return;
	shared->in = mem_alloc(HTTP2_IN_SIZE);
	if (nghttp2_session_callbacks_new(&shared->callbacks) != 0)
		abort();
	http2_set_callbacks(shared->callbacks);
	shared->options = frames_options();
	nghttp2_option_set_stream_reset_rate_limit(shared->options, UINT64_MAX / 2, 0); /* receive.c */
}

void http2_shared_deinit(struct http2_shared *shared)
{
	mem_free(shared->in);
	buf_deinit(&shared->out);
	nghttp2_session_callbacks_del(shared->callbacks);
	nghttp2_option_del(shared->options);
	if (shared->spare_block)
		http2_block_deinit(shared->spare_block);
	mem_free(shared->spare_block);
	*shared = (struct http2_shared){.env = shared->env};
}

static void submit_settings(struct http2 *h)
{
	const struct settings *s = env_settings(h->env);
	const nghttp2_settings_entry entries[] = {
		{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, s->http2_max_concurrent_streams},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, HTTP2_STREAM_WINDOW},
		{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)http2_limits_of(s).bytes},
		{NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
		{NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
	};

	nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, entries, sizeof(entries) / sizeof(entries[0]));
	nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0, HTTP2_WINDOW);
}

static void on_expired(struct deadline *d);
static void on_later(struct later *later);

struct http2 *http2_open(struct http2_shared *shared, const struct http2_link *link)
{
	struct http2 *h = mem_zalloc(sizeof(*h));
	nghttp2_mem memory = {h, take_bytes, give_bytes, take_zeroes, take_again};

	prepare(shared);
	h->shared = shared;
	h->env = shared->env;
	h->link = *link;
	h->ready_end = &h->ready;
	h->later.run = on_later;
	h->deadline.on_expired = on_expired;
	h->why = END_CLOSED;
	if (nghttp2_session_server_new3(&h->session, shared->callbacks, h, shared->options, &memory) != 0)
		abort();
	submit_settings(h);
	metrics_add(&h->env->metrics.http2_connections, 1);
	metrics_add(&h->env->metrics.http2_opened, 1);
	h->waits_for = WAIT_FIRST;
	deadline_set(&h->env->deadlines, &h->deadline, env_settings(h->env)->client_header_timeout_ms);
	later_put_off(&h->env->laters, &h->later);
	return h;
}

static void end_streams(struct http2 *h)
{
	h->is_ended = true;
	for (struct http2_stream *s = h->first; s; s = s->next) {
		s->is_closed = true;
		http2_stream_tell(s, NEWS_GONE);
	}
	http2_streams_run(h);
	assert(!h->first);
}

void http2_cut(struct http2 *h)
{
	h->is_cut = true;
	end_streams(h);
}

void http2_destroy(struct http2 *h)
{
	if (!h)
		return;
	assert(h->is_ended && !h->first);
	later_forget(&h->env->laters, &h->later);
	deadline_stop(&h->env->deadlines, &h->deadline);
	nghttp2_session_del(h->session);
	note_memory(h, 0);
	metrics_sub(&h->env->metrics.http2_connections, 1);
	if (h->block) {
		http2_block_deinit(h->block);
		mem_free(h->block);
	}
	buf_deinit(&h->out);
	mem_free(h);
}

/* ----------------------------------------------------------------------------------------------------------------- ending */

/* The client is gone or must go: exchanges end, the owner closes. `h` may be gone afterwards. */
static void tell_end(struct http2 *h, bool is_reset)
{
	enum end_reason why = h->why;

	if (h->is_ended)
		return;
	end_streams(h);
	h->link.user->ended(h->link.user, is_reset, why);
}

void http2_end(struct http2 *h, uint32_t code, enum end_reason why)
{
	h->is_over = true;
	h->why = why;
	nghttp2_session_terminate_session(h->session, code);
	later_put_off(&h->env->laters, &h->later);
}

void http2_leave(struct http2 *h)
{
	if (h->is_leaving || h->is_over)
		return;
	h->is_leaving = true;
	nghttp2_submit_shutdown_notice(h->session);
	h->waits_for = WAIT_LEAVE;
	deadline_set(&h->env->deadlines, &h->deadline, HTTP2_LEAVE_MS);
	later_put_off(&h->env->laters, &h->later);
}

void http2_drain(struct http2 *h)
{
	h->why = END_DRAINING;
	http2_leave(h);
}

static void on_expired(struct deadline *d)
{
	struct http2 *h = container_of(d, struct http2, deadline);

	switch (h->waits_for) {
	case WAIT_NONE:
		return;
	case WAIT_FIRST:
	case WAIT_BLOCK:
		http2_end(h, NGHTTP2_NO_ERROR, END_CLIENT_HEADER_TIMEOUT);
		break;
	case WAIT_IDLE:
		http2_end(h, NGHTTP2_NO_ERROR, END_IDLE);
		break;
	case WAIT_LEAVE:
		h->waits_for = WAIT_NONE;
		nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(h->session),
			NGHTTP2_NO_ERROR, NULL, 0);
		break;
	}
	on_later(&h->later);
}

/* What the connection waits for, when it waits for something of its own. */
static void arm(struct http2 *h)
{
	const struct settings *s = env_settings(h->env);
	enum http2_wait wait = WAIT_NONE;

	if (h->waits_for == WAIT_LEAVE)
		return;
	if (h->block)
		wait = WAIT_BLOCK;
	else if (!h->n_working)
		wait = h->n_requests ? WAIT_IDLE : WAIT_FIRST;
	if (wait == h->waits_for)
		return;
	h->waits_for = wait;
	if (wait == WAIT_NONE)
		deadline_clear(&h->deadline);
	else
		deadline_set(&h->env->deadlines, &h->deadline,
			wait == WAIT_IDLE ? s->keep_alive_ms : s->client_header_timeout_ms);
}

/* ---------------------------------------------------------------------------------------------------------------- reading */

static void on_receive_error(struct http2 *h, ssize_t error)
{
	switch (error) {
	case NGHTTP2_ERR_CALLBACK_FAILURE: /* h->why is set */
	case NGHTTP2_ERR_FLOODED:
	case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS:
		http2_end(h, NGHTTP2_ENHANCE_YOUR_CALM, h->is_over ? h->why : END_HTTP2_FLOOD);
		return;
	default:
		http2_end(h, NGHTTP2_PROTOCOL_ERROR, END_HTTP2_ERROR);
		return;
	}
}

void http2_take(struct http2 *h, struct str bytes)
{
	ssize_t n;

	if (h->is_over)
		return;
	later_put_off(&h->env->laters, &h->later);
	n = nghttp2_session_mem_recv(h->session, (const uint8_t *)bytes.ptr, bytes.len);
	if (n < 0)
		on_receive_error(h, n);
	if (h->n_requests >= env_settings(h->env)->keep_alive_requests || h->env->is_leaving ||
		(h->n_requests && !env_settings(h->env)->keep_alive_ms))
		http2_leave(h);
}

/* False: the client closed, or its connection failed. */
static bool read_all(struct http2 *h)
{
	for (int i = 0; i < READS_AT_ONCE; i++) {
		ssize_t n = stream_read(h->link.stream, h->shared->in, HTTP2_IN_SIZE);

		if (n < 0)
			return false;
		if (n == 0)
			return true;
		http2_take(h, str_of(h->shared->in, (size_t)n));
		http2_streams_run(h);
		if (h->is_over || !stream_has_pending(h->link.stream))
			return true;
	}
	return true;
}

/* ---------------------------------------------------------------------------------------------------------------- writing */

/* What the socket does not take now is kept, and until it is gone no more frames are made and nothing is read. */
static bool write_out(struct http2 *h, struct buf *from)
{
	if (!stream_write_or_keep(h->link.stream, from, &h->out))
		return false;
	stream_want_read(h->link.stream, !h->out.len);
	return true;
}

/* False: the connection failed. */
static bool write_all(struct http2 *h)
{
	if (h->out.len && !write_out(h, &h->out))
		return false;
	while (!h->out.len) {
		if (!frames_collect(h->session, &h->shared->out, HTTP2_OUT_SIZE))
			return false;
		if (!h->shared->out.len)
			return true;
		if (!write_out(h, &h->shared->out))
			return false;
	}
	return true;
}

static bool is_finished(const struct http2 *h)
{
	return !h->out.len && !nghttp2_session_want_read(h->session) && !nghttp2_session_want_write(h->session);
}

/* Goes on until nothing more can be said. `h` may be gone afterwards. */
static void settle(struct http2 *h)
{
	bool was_over;

	h->env->deadlines.now_ms = uv_now(h->env->loop);
	do {
		was_over = h->is_over;
		http2_streams_run(h);
		if (!write_all(h)) {
			h->why = h->is_over ? h->why : END_CLIENT_GONE;
			tell_end(h, true);
			return;
		}
		if (h->is_over && !was_over) /* found while writing */
			http2_end(h, NGHTTP2_ENHANCE_YOUR_CALM, h->why);
	} while (h->ready || (h->is_over && !was_over));
	if (is_finished(h)) {
		tell_end(h, false);
		return;
	}
	note_memory(h, h->memory + h->out.len);
	arm(h);
}

bool http2_is_waiting(const struct http2 *h)
{
	return !h->n_working;
}

uint32_t http2_n_requests(const struct http2 *h)
{
	return h->n_requests;
}

void http2_evict(struct http2 *h, enum end_reason why)
{
	http2_end(h, NGHTTP2_NO_ERROR, why);
	settle(h);
}

static void on_later(struct later *later)
{
	settle(container_of(later, struct http2, later));
}

void http2_on_event(struct http2 *h, unsigned events)
{
	bool is_here = !(events & STREAM_FAILED);

	if (is_here && (events & STREAM_READABLE) && !h->out.len)
		is_here = read_all(h);
	if (!is_here) {
		h->why = h->is_over ? h->why : h->n_streams ? END_CLIENT_GONE : END_CLOSED;
		tell_end(h, false);
		return;
	}
	if (events & STREAM_WRITABLE)
		later_put_off(&h->env->laters, &h->later);
}

/*
 * PROXY ─▶ HANDSHAKE ─▶ IDLE ─▶ HEAD ─▶ BUSY ─▶ IDLE …
 *                         └──────────────┴────▶ LINGER ─▶ CLOSED
 */
#include "conn.h"

#include <assert.h>
#include <stdlib.h>

#include "conn_private.h"
#include "mem.h"
#include "splice.h"

enum { LINGER_GAP_MS = 5000, LINGER_TOTAL_MS = 30000, CHUNKED_READ = 64 * 1024, EARLY_READ = 16 * 1024 };

/* -------------------------------------------------------------------------------------------------------------- states */

static metric *gauge(struct conn *c, enum conn_state state)
{
	struct metrics *m = &c->env->metrics;

	switch (state) {
	case CONN_IDLE:
	case CONN_HTTP2:
		return &m->connections_waiting;
	case CONN_PROXY:
	case CONN_HELLO:
	case CONN_HANDSHAKE:
	case CONN_HEAD:
		return &m->connections_reading;
	case CONN_BUSY:
	case CONN_LINGER:
		return &m->connections_writing;
	case CONN_CLOSED:
		return NULL;
	}
	abort();
}

void conn_set_state(struct conn *c, enum conn_state state)
{
	metric *from = gauge(c, c->state), *to = gauge(c, state);

	c->state = state;
	if (from == to)
		return;
	metrics_sub(from, 1); /* a closed connection changes no more */
	if (to)
		metrics_add(to, 1);
}

void conn_wait_for(struct conn *c, uint64_t ms)
{
	deadline_set(&c->env->deadlines, &c->deadline, ms);
}

/* ------------------------------------------------------------------------------------------------------------- closing */

static void on_closed(struct stream *stream)
{
	struct conn *c = container_of(stream, struct conn, stream);
	struct conn_set *set = c->set;

	mem_free(c);
	if (--set->n_open == 0 && set->on_empty)
		set->on_empty(set);
}

/* What is kept of what the client sent ahead of its turn: at most one read of a head, ENV_READ_SIZE. */
static void note_kept(struct conn *c)
{
	metric *kept = &c->env->metrics.client_ahead;

	if (c->in.len == c->n_kept)
		return;
	metrics_set(kept, metrics_read(kept) + c->in.len - c->n_kept);
	c->n_kept = c->in.len;
}

void conn_close(struct conn *c, bool is_reset)
{
	if (c->state == CONN_CLOSED)
		return;
	assert(!c->exchange);
	http2_destroy(c->http2);
	c->http2 = NULL;
	conn_set_state(c, CONN_CLOSED);
	deadline_stop(&c->env->deadlines, &c->deadline);
	buf_deinit(&c->in);
	note_kept(c);
	buf_deinit(&c->out);
	SSL_free(c->held_ssl);
	mem_free((char *)(uintptr_t)c->client.proxy_tlvs.ptr);
	conn_unlink(c);
	metrics_sub(&c->env->metrics.connections_active, 1);
	stream_close(&c->stream, is_reset, on_closed);
}

void conn_end(struct conn *c, bool is_reset, enum end_reason why)
{
	if (c->state == CONN_CLOSED)
		return;
	metrics_count_end(&c->env->metrics, why);
	conn_close(c, is_reset);
}

void conn_linger(struct conn *c)
{
	buf_deinit(&c->in);
	conn_set_state(c, CONN_LINGER);
	stream_shutdown(&c->stream);
	stream_want_read(&c->stream, true);
	c->linger_until_ms = c->env->deadlines.now_ms + LINGER_TOTAL_MS;
	conn_wait_for(c, LINGER_GAP_MS);
}

static void read_and_forget(struct conn *c)
{
	ssize_t n;

	do {
		n = stream_read(&c->stream, c->env->space, ENV_READ_SIZE);
		if (n < 0 || c->env->deadlines.now_ms >= c->linger_until_ms) {
			conn_close(c, false);
			return;
		}
	} while (n > 0 && stream_has_pending(&c->stream));
	conn_wait_for(c, LINGER_GAP_MS);
}

/* --------------------------------------------------------------------------------------------------- while an exchange runs */

static size_t body_read_size(const struct conn *c)
{
	if (c->body.kind == HTTP_BODY_LENGTH && c->body.left < ENV_READ_SIZE)
		return (size_t)c->body.left;
	return c->body.kind == HTTP_BODY_LENGTH ? ENV_READ_SIZE : CHUNKED_READ;
}

static void read_body(struct conn *c)
{
	size_t size = body_read_size(c), len = 0;
	ssize_t n;

	do {
		n = stream_read(&c->stream, c->env->space + len, size - len);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 && len < size && stream_has_pending(&c->stream));
	if (len)
		exchange_on_client(c->exchange, conn_feed_body(c, c->env->space, len));
	else if (n < 0)
		exchange_on_client(c->exchange, EXCHANGE_CLIENT_GONE);
}

/* Bytes of a later request wait, and reading with them; a close means that nobody waits for the answer (G17). */
static void read_early(struct conn *c)
{
	ssize_t n;

	do {
		n = stream_read(&c->stream, c->env->space, EARLY_READ);
		if (n > 0)
			buf_add(&c->in, str_of(c->env->space, (size_t)n));
	} while (n > 0 && stream_has_pending(&c->stream));
	if (c->in.len)
		stream_want_read(&c->stream, false);
	if (n < 0)
		exchange_on_client(c->exchange, EXCHANGE_CLIENT_GONE);
}

void conn_want_body(struct exchange_client *client, bool is_wanted)
{
	struct conn *c = container_of(client, struct conn, client);

	c->wants_body = is_wanted;
	if (!c->is_body_done)
		stream_want_read(&c->stream, is_wanted);
	else if (!c->in.len)
		stream_want_read(&c->stream, true);
}

struct stream *conn_plain(struct exchange_client *client)
{
	struct conn *c = container_of(client, struct conn, client);

	return c->out.len || c->is_chunked || !splice_suits(&c->stream) ? NULL : &c->stream;
}

struct stream *conn_stream(struct exchange_client *client, struct str *early)
{
	struct conn *c = container_of(client, struct conn, client);

	*early = buf_str(&c->in);
	c->is_tunnel = true;
	return &c->stream;
}

/* The connection is ready for its next request. */
static void go_on(struct conn *c)
{
	conn_set_state(c, CONN_IDLE);
	stream_want_read(&c->stream, true);
	conn_wait_for(c, env_settings(c->env)->keep_alive_ms);
	if (c->in.len) {
		conn_run(c, NULL, 0);
		note_kept(c);
	}
}

void conn_finished(struct exchange_client *client, enum exchange_outcome outcome)
{
	struct conn *c = container_of(client, struct conn, client);

	assert(c->state == CONN_BUSY);
	c->exchange = NULL;
	switch (outcome) {
	case EXCHANGE_KEEP:
		if (!c->closes)
			go_on(c);
		else if (c->in.len)
			conn_linger(c);
		else
			conn_end(c, false, END_LAST_REQUEST);
		return;
	case EXCHANGE_CLOSE:
		if (c->is_refused || (c->in.len && !c->is_tunnel))
			conn_linger(c);
		else
			conn_end(c, false, END_LAST_REQUEST);
		return;
	case EXCHANGE_LINGER:
		conn_linger(c);
		return;
	case EXCHANGE_CUT:
		/* a client that sees an orderly end would take a body without a length for whole */
		conn_close(c, !c->has_head || c->is_close_delimited);
		return;
	}
	abort();
}

static void on_busy(struct conn *c, unsigned events)
{
	if (c->is_tunnel) {
		buf_deinit(&c->in);
		exchange_on_tunnel(c->exchange, events);
		return;
	}
	if (events & STREAM_WRITABLE) {
		bool is_here = conn_flush(c);

		if (!is_here || !c->out.len)
			exchange_on_client(c->exchange, is_here ? EXCHANGE_CLIENT_WRITABLE : EXCHANGE_CLIENT_GONE);
	}
	if (c->state != CONN_BUSY)
		return;
	if (events & STREAM_READABLE) {
		if (!c->is_body_done && c->wants_body)
			read_body(c);
		else
			read_early(c);
	} else if (events & STREAM_FAILED) {
		exchange_on_client(c->exchange, EXCHANGE_CLIENT_GONE);
	}
}

/* -------------------------------------------------------------------------------------------------------------- events */

static bool is_http2_chosen(const SSL *ssl)
{
	const unsigned char *name;
	unsigned len;

	SSL_get0_alpn_selected(ssl, &name, &len);
	return str_eq(str_of(name, len), STR("h2"));
}

static void on_handshake(struct conn *c, unsigned events)
{
	struct metrics *m = &c->env->metrics;

	if (events & STREAM_FAILED) {
		metrics_add(&m->tls_failed, 1);
		if (stream_is_plain_http_on_tls(&c->stream)) {
			conn_reply_plain_on_tls(c);
			conn_linger(c);
			return;
		}
		conn_end(c, false, END_TLS_FAILED);
	} else if (events & STREAM_CONNECTED) {
		metrics_add(SSL_session_reused(c->stream.ssl) == 1 ? &m->tls_resumed : &m->tls_full, 1);
		if (is_http2_chosen(c->stream.ssl)) {
			conn_become_http2(c, (struct str){0});
			if (stream_has_pending(&c->stream) || (events & STREAM_READABLE))
				http2_on_event(c->http2, STREAM_READABLE);
			return;
		}
		conn_set_state(c, CONN_IDLE);
		if (stream_has_pending(&c->stream) || (events & STREAM_READABLE))
			conn_read_head(c);
	}
}

static void begin_tls(struct conn *c)
{
	SSL *ssl = c->held_ssl;
	unsigned events;

	c->held_ssl = NULL;
	conn_set_state(c, CONN_HANDSHAKE);
	events = stream_begin_tls(&c->stream, ssl);
	stream_set_record_size(&c->stream, env_settings(c->env)->ssl_buffer_size_bytes);
	on_handshake(c, events);
}

static void on_hello(struct conn *c)
{
	const struct host *host = NULL;

	switch (conn_read_hello(c, &host)) {
	case CONN_HELLO_WAITS:
		return;
	case CONN_HELLO_OURS:
		stream_want_bytes(&c->stream, 1);
		begin_tls(c);
		return;
	case CONN_HELLO_PASSES:
		if (conn_pass(c, host))
			conn_close(c, false); /* our descriptor of it: the session has its own */
		else
			conn_end(c, true, END_OVERLOADED);
		return;
	case CONN_HELLO_GONE:
		conn_end(c, false, END_TLS_FAILED);
		return;
	}
	abort();
}

/* A45: only where some host wants it is there anything to look at. */
static bool must_look(const struct conn_set *set, const SSL *ssl)
{
	return ssl && set->on_passthrough && generation_has_passthrough(set->env->current->generation);
}

/* The PROXY header was read: what follows it is as on any other connection, and often here already. */
static void begin_after_proxy(struct conn *c, struct str rest)
{
	conn_wait_for(c, conn_head_wait_ms(c));
	if (must_look(c->set, c->held_ssl)) {
		conn_set_state(c, CONN_HELLO);
		on_hello(c);
		return;
	}
	if (c->held_ssl) {
		begin_tls(c);
		return;
	}
	conn_set_state(c, CONN_IDLE);
	if (rest.len)
		conn_run(c, c->env->space + (rest.ptr - c->env->space), rest.len);
}

static void on_proxy(struct conn *c)
{
	struct str rest = {0};

	switch (conn_read_proxy_header(c, &rest)) {
	case CONN_PROXY_WAITS:
		return;
	case CONN_PROXY_READ:
		begin_after_proxy(c, rest);
		return;
	case CONN_PROXY_BAD:
		conn_end(c, false, END_BAD_PROXY_HEADER); /* A33: no answer */
		return;
	case CONN_PROXY_EMPTY:
		conn_end(c, false, END_CLOSED);
		return;
	}
	abort();
}

static void take_event(struct conn *c, unsigned events)
{
	switch (c->state) {
	case CONN_PROXY:
		on_proxy(c);
		return;
	case CONN_HELLO:
		on_hello(c);
		return;
	case CONN_HANDSHAKE:
		on_handshake(c, events);
		return;
	case CONN_IDLE:
	case CONN_HEAD:
		if (events & STREAM_READABLE)
			conn_read_head(c);
		else if (events & STREAM_FAILED)
			conn_end(c, true, c->state == CONN_HEAD ? END_CLIENT_GONE : END_CLOSED);
		return;
	case CONN_BUSY:
		on_busy(c, events);
		return;
	case CONN_HTTP2:
		http2_on_event(c->http2, events);
		return;
	case CONN_LINGER:
		if ((events & STREAM_WRITABLE) && !conn_flush(c))
			conn_close(c, true);
		else if (events & (STREAM_READABLE | STREAM_FAILED))
			read_and_forget(c);
		return;
	case CONN_CLOSED:
		return;
	}
	abort();
}

static void on_event(struct stream *s, unsigned events)
{
	struct conn *c = container_of(s, struct conn, stream);

	c->env->deadlines.now_ms = uv_now(c->env->loop);
	take_event(c, events);
	note_kept(c);
}

static void on_expired(struct deadline *d)
{
	struct conn *c = container_of(d, struct conn, deadline);

	switch (c->state) {
	case CONN_PROXY:
		conn_proxy_header_late(c);
		conn_end(c, true, END_BAD_PROXY_HEADER);
		return;
	case CONN_HELLO:
	case CONN_HANDSHAKE:
		conn_end(c, true, END_TLS_FAILED);
		return;
	case CONN_IDLE:
		conn_end(c, false, c->n_requests ? END_IDLE : END_CLIENT_HEADER_TIMEOUT);
		return;
	case CONN_HEAD:
		conn_give_up_head(c, conn_is_hurried(c) ? END_DRAINING : END_CLIENT_HEADER_TIMEOUT);
		return;
	case CONN_LINGER:
		conn_close(c, false);
		return;
	case CONN_BUSY:
	case CONN_HTTP2:
	case CONN_CLOSED:
		return;
	}
	abort();
}

/* ------------------------------------------------------------------------------------------------------------- opening */

static void link_conn(struct conn_set *set, struct conn *c)
{
	struct metrics *m = &set->env->metrics;

	c->set = set;
	conn_link_first(set, c);
	set->n_open++;
	metrics_add(&m->connections_active, 1);
	metrics_add(&m->connections_handled, 1);
	metrics_add(gauge(c, c->state), 1);
}

void conn_open(struct conn_set *set, int fd, SSL *ssl, const struct addr *peer, const struct addr *local)
{
	struct conn *c = mem_zalloc(sizeof(*c));
	const struct settings *s = env_settings(set->env);
	bool has_proxy = conn_needs_proxy_header(set->env, peer), looks = must_look(set, ssl);

	set->env->deadlines.now_ms = uv_now(set->env->loop);
	c->env = set->env;
	c->state = has_proxy ? CONN_PROXY : looks ? CONN_HELLO : ssl ? CONN_HANDSHAKE : CONN_IDLE;
	c->deadline.on_expired = on_expired;
	c->who = (struct clientaddr_conn){.peer = *peer, .local = *local, .is_tls = ssl != NULL};
	c->client = (struct exchange_client){
		.ops = &conn_ops, .conn = &c->who, .ssl = ssl, .connection_id = ++set->env->next_connection_id};
	metrics_add(&set->env->metrics.connections_accepted, 1);
	c->held_ssl = has_proxy || looks ? ssl : NULL;
	if (stream_open(&c->stream, set->env->loop, fd, c->held_ssl ? NULL : ssl, on_event) != 0) {
		SSL_free(c->held_ssl);
		mem_free(c);
		return;
	}
	stream_set_record_size(&c->stream, s->ssl_buffer_size_bytes);
	link_conn(set, c);
	conn_wait_for(c, has_proxy ? s->proxy_protocol_header_timeout_ms : conn_head_wait_ms(c));
}

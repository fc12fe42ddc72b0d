/*
 * PROXY ─▶ HANDSHAKE ─▶ IDLE ─▶ HEAD ─▶ BUSY ─▶ IDLE …
 *                         └──────────────┴────▶ LINGER ─▶ CLOSED
 */
#include "conn.h"

#include <assert.h>
#include <stdlib.h>

#include "conn_private.h"
#include "judge_conn.h"
#include "mem.h"
#include "splice.h"

enum { LINGER_GAP_MS = 5000, LINGER_TOTAL_MS = 30000, DRAIN_FIRST_MS = 1000, DRAIN_HEAD_MS = 5000 };
enum { HEAD_READ = 64 * 1024, CHUNKED_READ = 64 * 1024, EARLY_READ = 16 * 1024, REFUSED_LINE_MAX = 8192 };
enum { HAND_STEPS = 64 }; /* looked at for one that may go */

_Static_assert((int)JUDGE_FIELDS_MAX <= (int)ENV_FIELDS && (int)JUDGE_HEAD_MAX <= (int)ENV_READ_SIZE / 2,
	"a head fits into what a worker lends");

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

static void set_state(struct conn *c, enum conn_state state)
{
	metric *from = gauge(c, c->state), *to = gauge(c, state);

	c->state = state;
	if (from == to)
		return;
	metrics_sub(from, 1); /* a closed connection changes no more */
	if (to)
		metrics_add(to, 1);
}

static void wait_for(struct conn *c, uint64_t ms)
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

static void link_first(struct conn_set *set, struct conn *c)
{
	c->prev = NULL;
	c->next = set->first;
	*(c->next ? &c->next->prev : &set->last) = c;
	set->first = c;
}

static void unlink_conn(struct conn *c)
{
	*(c->prev ? &c->prev->next : &c->set->first) = c->next;
	*(c->next ? &c->next->prev : &c->set->last) = c->prev;
}

static void close_conn(struct conn *c, bool is_reset)
{
	if (c->state == CONN_CLOSED)
		return;
	assert(!c->exchange);
	http2_destroy(c->http2);
	c->http2 = NULL;
	set_state(c, CONN_CLOSED);
	deadline_stop(&c->env->deadlines, &c->deadline);
	buf_deinit(&c->in);
	note_kept(c);
	buf_deinit(&c->out);
	SSL_free(c->held_ssl);
	mem_free((char *)(uintptr_t)c->client.proxy_tlvs.ptr);
	unlink_conn(c);
	metrics_sub(&c->env->metrics.connections_active, 1);
	stream_close(&c->stream, is_reset, on_closed);
}

static void end_conn(struct conn *c, bool is_reset, enum end_reason why)
{
	if (c->state == CONN_CLOSED)
		return;
	metrics_count_end(&c->env->metrics, why);
	close_conn(c, is_reset);
}

/* A close with bytes unread would reset the connection, and the client might lose the answer. */
static void linger(struct conn *c)
{
	buf_deinit(&c->in);
	set_state(c, CONN_LINGER);
	stream_shutdown(&c->stream);
	stream_want_read(&c->stream, true);
	c->linger_until_ms = c->env->deadlines.now_ms + LINGER_TOTAL_MS;
	wait_for(c, LINGER_GAP_MS);
}

static void read_and_forget(struct conn *c)
{
	ssize_t n;

	do {
		n = stream_read(&c->stream, c->env->space, ENV_READ_SIZE);
		if (n < 0 || c->env->deadlines.now_ms >= c->linger_until_ms) {
			close_conn(c, false);
			return;
		}
	} while (n > 0 && stream_has_pending(&c->stream));
	wait_for(c, LINGER_GAP_MS);
}

/* ---------------------------------------------------------------------------------------------------------------- heads */

static void begin_exchange(struct conn *c)
{
	c->n_requests++;
	c->client.connection_requests = c->n_requests;
	c->client.overhead_bytes = 0;
	c->wants_body = false;
	c->has_head = c->is_chunked = c->is_close_delimited = c->closes = false;
	stream_set_record_size(&c->stream, env_settings(c->env)->ssl_buffer_size_bytes);
	deadline_clear(&c->deadline);
	set_state(c, CONN_BUSY);
}

/* The body bytes among `bytes`, which follow the head; what follows them is the next request. Events for the exchange. */
static unsigned feed_body(struct conn *c, char *bytes, size_t len)
{
	struct str payload = {0};
	size_t used = 0;
	const char *why;
	enum parse_result result = PARSE_DONE;

	if (c->body.kind != HTTP_BODY_NONE)
		result = exchange_take_body(&c->body, bytes, len, &used, &payload, &why);
	if (result == PARSE_BAD)
		return EXCHANGE_BODY_BAD;
	if (used < len)
		buf_add(&c->in, str_of(bytes + used, len - used));
	c->is_body_done = result == PARSE_DONE;
	if (payload.len || c->is_body_done)
		exchange_feed(c->exchange, payload, c->is_body_done);
	return EXCHANGE_BODY;
}

static void take_request(struct conn *c, struct http_head *head, char *bytes, size_t head_len, size_t len)
{
	unsigned events;

	begin_exchange(c);
	c->is_1_0 = head->version == HTTP_1_0;
	c->asked_to_keep = head->is_keep_alive;
	c->exchange = exchange_create(c->env, &c->client, head, str_of(bytes, head_len), c->began_us);
	http1_body_init(&c->body, head);
	events = feed_body(c, bytes + head_len, len - head_len);
	if (!c->is_body_done || c->in.len)
		stream_want_read(&c->stream, false);
	exchange_on_client(c->exchange, EXCHANGE_BEGIN | events);
}

static void refuse(struct conn *c, unsigned status, char *bytes, size_t len)
{
	begin_exchange(c);
	c->is_1_0 = false;
	c->asked_to_keep = false;
	c->is_body_done = true;
	c->is_refused = true;
	c->exchange = exchange_create_refusal(
		c->env, &c->client, status, str_first(str_of(bytes, len), REFUSED_LINE_MAX), c->began_us);
	exchange_on_client(c->exchange, EXCHANGE_BEGIN);
}

/* A proxy that leaves does not wait a minute for a head that may never come. */
static bool is_hurried(const struct conn *c)
{
	return c->env->is_draining && env_settings(c->env)->client_header_timeout_ms > DRAIN_HEAD_MS;
}

/* G4. */
static uint64_t head_wait_ms(const struct conn *c)
{
	return is_hurried(c) ? DRAIN_HEAD_MS : env_settings(c->env)->client_header_timeout_ms;
}

/* D5: part of a head came, and the rest did not: no answer, but a line in the log. */
static void give_up_head(struct conn *c, enum end_reason why)
{
	struct str part = str_first(buf_str(&c->in), REFUSED_LINE_MAX);

	begin_exchange(c);
	c->is_body_done = true;
	c->exchange = exchange_create_late(
		c->env, &c->client, why, part, c->began_us);
	exchange_on_client(c->exchange, EXCHANGE_BEGIN);
}

static void keep_partial(struct conn *c, char *bytes, size_t len)
{
	buf_add(&c->in, str_of(bytes, len));
	if (c->state != CONN_IDLE)
		return;
	set_state(c, CONN_HEAD);
	/* G4: from the first byte, whatever trickles in after it; a new connection has waited since the accept, or, to be
	 * told that the proxy leaves, for a moment only */
	if (c->n_requests || c->env->is_draining)
		wait_for(c, head_wait_ms(c));
}

/* ---------------------------------------------------------------------------------------------------------------- HTTP/2 */

static void on_http2_ended(struct http2_user *user, bool is_reset, enum end_reason why)
{
	struct conn *c = container_of(user, struct conn, http2_user);

	http2_destroy(c->http2);
	c->http2 = NULL;
	metrics_count_end(&c->env->metrics, why);
	if (is_reset || why == END_CLOSED || why == END_CLIENT_GONE)
		close_conn(c, is_reset);
	else
		linger(c);
}

static void become_http2(struct conn *c, struct str bytes)
{
	const struct http2_link link = {
		.stream = &c->stream,
		.conn = &c->who,
		.proxy_tlvs = c->client.proxy_tlvs,
		.connection_id = c->client.connection_id,
		.user = &c->http2_user,
	};

	deadline_clear(&c->deadline);
	set_state(c, CONN_HTTP2);
	c->http2_user.ended = on_http2_ended;
	c->http2 = http2_open(&c->set->http2, &link);
	if (bytes.len)
		http2_take(c->http2, bytes);
}

/* Prior knowledge (F2): the first bytes on the plain port are HTTP/2's preface, or may become it. */
static bool is_http2_preface(const struct conn *c, struct str bytes)
{
	if (c->n_requests || c->stream.ssl || bytes.ptr[0] != 'P' || !env_settings(c->env)->use_http2)
		return false;
	return str_starts_with(http2_preface, str_first(bytes, http2_preface.len));
}

/* `bytes` lie in the worker's buffer and begin with a request. */
static void take_bytes(struct conn *c, char *bytes, size_t len)
{
	struct http1_limits limits;
	struct http_head head;
	struct http1_error error = {0};
	size_t used = 0;

	if (c->state == CONN_IDLE)
		c->began_us = env_now_us(c->env);
	if (is_http2_preface(c, str_of(bytes, len))) {
		if (len < http2_preface.len)
			keep_partial(c, bytes, len);
		else
			become_http2(c, str_of(bytes, len));
		return;
	}
	judge_limits(env_settings(c->env), &limits);
	head.fields = c->env->fields;
	switch (http1_parse_request(str_of(bytes, len), &limits, &head, &used, &error)) {
	case PARSE_MORE:
		keep_partial(c, bytes, len);
		return;
	case PARSE_BAD:
		refuse(c, error.status, bytes, len);
		return;
	case PARSE_DONE:
		take_request(c, &head, bytes, used, len);
		return;
	}
	abort();
}

/* Requests that are here already, one after another; exchanges that end at once come back to this loop, not deeper. */
static void run(struct conn *c, char *bytes, size_t len)
{
	if (c->is_running)
		return;
	c->is_running = true;
	if (len)
		take_bytes(c, bytes, len);
	while (c->state == CONN_IDLE && c->in.len) {
		len = c->in.len;
		memcpy(c->env->space, c->in.ptr, len);
		buf_deinit(&c->in);
		take_bytes(c, c->env->space, len);
	}
	c->is_running = false;
}

static void read_head(struct conn *c)
{
	char *space = c->env->space;
	size_t have = c->in.len, len = have;
	ssize_t n;

	do {
		n = stream_read(&c->stream, space + len, HEAD_READ);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 && len + HEAD_READ <= ENV_READ_SIZE && stream_has_pending(&c->stream));
	if (len == have) {
		if (n < 0)
			end_conn(c, n != UV_EOF, have ? END_CLIENT_GONE : END_CLOSED);
		return;
	}
	if (have)
		memcpy(space, c->in.ptr, have);
	buf_deinit(&c->in);
	run(c, space, len);
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
		exchange_on_client(c->exchange, feed_body(c, c->env->space, len));
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
	set_state(c, CONN_IDLE);
	stream_want_read(&c->stream, true);
	wait_for(c, env_settings(c->env)->keep_alive_ms);
	if (c->in.len) {
		run(c, NULL, 0);
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
			linger(c);
		else
			end_conn(c, false, END_LAST_REQUEST);
		return;
	case EXCHANGE_CLOSE:
		if (c->is_refused || (c->in.len && !c->is_tunnel))
			linger(c);
		else
			end_conn(c, false, END_LAST_REQUEST);
		return;
	case EXCHANGE_LINGER:
		linger(c);
		return;
	case EXCHANGE_CUT:
		/* a client that sees an orderly end would take a body without a length for whole */
		close_conn(c, !c->has_head || c->is_close_delimited);
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
			linger(c);
			return;
		}
		end_conn(c, false, END_TLS_FAILED);
	} else if (events & STREAM_CONNECTED) {
		metrics_add(SSL_session_reused(c->stream.ssl) == 1 ? &m->tls_resumed : &m->tls_full, 1);
		if (is_http2_chosen(c->stream.ssl)) {
			become_http2(c, (struct str){0});
			if (stream_has_pending(&c->stream) || (events & STREAM_READABLE))
				http2_on_event(c->http2, STREAM_READABLE);
			return;
		}
		set_state(c, CONN_IDLE);
		if (stream_has_pending(&c->stream) || (events & STREAM_READABLE))
			read_head(c);
	}
}

static void begin_tls(struct conn *c)
{
	SSL *ssl = c->held_ssl;
	unsigned events;

	c->held_ssl = NULL;
	set_state(c, CONN_HANDSHAKE);
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
			close_conn(c, false); /* our descriptor of it: the session has its own */
		else
			end_conn(c, true, END_OVERLOADED);
		return;
	case CONN_HELLO_GONE:
		end_conn(c, false, END_TLS_FAILED);
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
	wait_for(c, head_wait_ms(c));
	if (must_look(c->set, c->held_ssl)) {
		set_state(c, CONN_HELLO);
		on_hello(c);
		return;
	}
	if (c->held_ssl) {
		begin_tls(c);
		return;
	}
	set_state(c, CONN_IDLE);
	if (rest.len)
		run(c, c->env->space + (rest.ptr - c->env->space), rest.len);
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
		end_conn(c, false, END_BAD_PROXY_HEADER); /* A33: no answer */
		return;
	case CONN_PROXY_EMPTY:
		end_conn(c, false, END_CLOSED);
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
			read_head(c);
		else if (events & STREAM_FAILED)
			end_conn(c, true, c->state == CONN_HEAD ? END_CLIENT_GONE : END_CLOSED);
		return;
	case CONN_BUSY:
		on_busy(c, events);
		return;
	case CONN_HTTP2:
		http2_on_event(c->http2, events);
		return;
	case CONN_LINGER:
		if ((events & STREAM_WRITABLE) && !conn_flush(c))
			close_conn(c, true);
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
		end_conn(c, true, END_BAD_PROXY_HEADER);
		return;
	case CONN_HELLO:
	case CONN_HANDSHAKE:
		end_conn(c, true, END_TLS_FAILED);
		return;
	case CONN_IDLE:
		end_conn(c, false, c->n_requests ? END_IDLE : END_CLIENT_HEADER_TIMEOUT);
		return;
	case CONN_HEAD:
		give_up_head(c, is_hurried(c) ? END_DRAINING : END_CLIENT_HEADER_TIMEOUT);
		return;
	case CONN_LINGER:
		close_conn(c, false);
		return;
	case CONN_BUSY:
	case CONN_HTTP2:
	case CONN_CLOSED:
		return;
	}
	abort();
}

/* ----------------------------------------------------------------------------------------------------------- the set */

void conn_set_init(struct conn_set *set, struct exchange_env *env)
{
	set->env = env;
	set->http2.env = env;
}

void conn_set_deinit(struct conn_set *set)
{
	http2_shared_deinit(&set->http2);
}

static void link_conn(struct conn_set *set, struct conn *c)
{
	struct metrics *m = &set->env->metrics;

	c->set = set;
	link_first(set, c);
	set->n_open++;
	metrics_add(&m->connections_active, 1);
	metrics_add(&m->connections_handled, 1);
	metrics_add(gauge(c, c->state), 1);
}

static bool has_no_exchange(const struct conn *c)
{
	return c->state == CONN_HTTP2 ? http2_is_waiting(c->http2) : c->state != CONN_BUSY && c->state != CONN_CLOSED;
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
	wait_for(c, has_proxy ? s->proxy_protocol_header_timeout_ms : head_wait_ms(c));
}

/* Whether it ended: its client may have closed it, or sent a request, this moment. */
static bool end_waiting(struct conn *c, enum end_reason why)
{
	if (c->state == CONN_IDLE)
		read_head(c);
	if (c->state == CONN_CLOSED)
		return true;
	if (!has_no_exchange(c))
		return false;
	if (c->state == CONN_HTTP2)
		http2_evict(c->http2, why);
	else if (c->state == CONN_HEAD)
		give_up_head(c, why);
	else if (c->state != CONN_LINGER)
		metrics_count_end(&c->env->metrics, why);
	if (c->http2) { /* its client does not read */
		metrics_count_end(&c->env->metrics, why);
		http2_cut(c->http2);
	}
	close_conn(c, false);
	return true;
}

/* The longest idle one by a clock hand: one that had a request since the hand last came by is passed over once. */
bool conn_make_room(struct conn_set *set, enum end_reason why)
{
	struct conn *spared = NULL, *c = set->last;

	set->env->deadlines.now_ms = uv_now(set->env->loop);
	for (int i = 0; i < HAND_STEPS && c; i++, c = set->last) {
		uint32_t n_requests = c->http2 ? http2_n_requests(c->http2) : c->n_requests;

		unlink_conn(c);
		link_first(set, c);
		if (!has_no_exchange(c))
			continue;
		if (c->n_requests_seen == n_requests && end_waiting(c, why))
			return true;
		c->n_requests_seen = n_requests;
		if (!spared && c->state != CONN_CLOSED)
			spared = c;
	}
	return spared && end_waiting(spared, why);
}

void conn_end_waiting(struct conn_set *set, enum end_reason why, unsigned max)
{
	unsigned n = set->n_open < max ? set->n_open : max;

	set->env->deadlines.now_ms = uv_now(set->env->loop);
	while (n-- && set->last) {
		struct conn *c = set->last;

		unlink_conn(c);
		link_first(set, c);
		if (c->state == CONN_IDLE || (c->state == CONN_HTTP2 && http2_is_waiting(c->http2)))
			end_waiting(c, why);
	}
}

void conn_drain(struct conn_set *set)
{
	struct conn *c = set->first;

	while (c) {
		struct conn *next = c->next;

		if (c->state == CONN_IDLE)
			read_head(c); /* a request may have come this moment */
		if (c->state == CONN_IDLE && c->n_requests)
			end_conn(c, false, END_DRAINING);
		else if (c->state == CONN_IDLE || c->state == CONN_PROXY)
			wait_for(c, DRAIN_FIRST_MS);
		else if (c->state == CONN_HELLO || c->state == CONN_HANDSHAKE || c->state == CONN_HEAD)
			wait_for(c, head_wait_ms(c));
		else if (c->state == CONN_HTTP2)
			http2_drain(c->http2);
		c = next;
	}
}

void conn_cut(struct conn_set *set)
{
	struct conn *c = set->first;

	while (c) {
		struct conn *next = c->next;

		if (c->state == CONN_BUSY)
			exchange_on_client(c->exchange, EXCHANGE_DRAINED);
		else if (c->state == CONN_HTTP2)
			http2_cut(c->http2);
		else if (c->state == CONN_HEAD)
			give_up_head(c, c->env->has_waited_to_stop ? END_SHUTDOWN_TIMEOUT : END_DRAINING);
		close_conn(c, true);
		c = next;
	}
}

/* A request's head, from its first byte until an exchange has it, or until the connection turns out to be HTTP/2. */
#include <stdlib.h>
#include <string.h>

#include "conn_private.h"
#include "judge_conn.h"
#include "mem.h"

enum { HEAD_READ = 64 * 1024, REFUSED_LINE_MAX = 8192, DRAIN_HEAD_MS = 5000 };

_Static_assert((int)JUDGE_FIELDS_MAX <= (int)ENV_FIELDS && (int)JUDGE_HEAD_MAX <= (int)ENV_READ_SIZE / 2,
	"a head fits into what a worker lends");

static void begin_exchange(struct conn *c)
{
	c->n_requests++;
	c->client.connection_requests = c->n_requests;
	c->client.overhead_bytes = 0;
	c->wants_body = false;
	c->has_head = c->is_chunked = c->is_close_delimited = c->closes = false;
	stream_set_record_size(&c->stream, env_settings(c->env)->ssl_buffer_size_bytes);
	deadline_clear(&c->deadline);
	conn_set_state(c, CONN_BUSY);
}

unsigned conn_feed_body(struct conn *c, char *bytes, size_t len)
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
	events = conn_feed_body(c, bytes + head_len, len - head_len);
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

bool conn_is_hurried(const struct conn *c)
{
	return c->env->is_draining && env_settings(c->env)->client_header_timeout_ms > DRAIN_HEAD_MS;
}

uint64_t conn_head_wait_ms(const struct conn *c)
{
	return conn_is_hurried(c) ? DRAIN_HEAD_MS : env_settings(c->env)->client_header_timeout_ms;
}

void conn_give_up_head(struct conn *c, enum end_reason why)
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
	conn_set_state(c, CONN_HEAD);
	/* G4: from the first byte, whatever trickles in after it; a new connection has waited since the accept, or, to be
	 * told that the proxy leaves, for a moment only */
	if (c->n_requests || c->env->is_draining)
		conn_wait_for(c, conn_head_wait_ms(c));
}

/* ---------------------------------------------------------------------------------------------------------------- HTTP/2 */

static void on_http2_ended(struct http2_user *user, bool is_reset, enum end_reason why)
{
	struct conn *c = container_of(user, struct conn, http2_user);

	http2_destroy(c->http2);
	c->http2 = NULL;
	metrics_count_end(&c->env->metrics, why);
	if (is_reset || why == END_CLOSED || why == END_CLIENT_GONE)
		conn_close(c, is_reset);
	else
		conn_linger(c);
}

void conn_become_http2(struct conn *c, struct str bytes)
{
	const struct http2_link link = {
		.stream = &c->stream,
		.conn = &c->who,
		.proxy_tlvs = c->client.proxy_tlvs,
		.connection_id = c->client.connection_id,
		.user = &c->http2_user,
	};

	deadline_clear(&c->deadline);
	conn_set_state(c, CONN_HTTP2);
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
			conn_become_http2(c, str_of(bytes, len));
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

void conn_run(struct conn *c, char *bytes, size_t len)
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

void conn_read_head(struct conn *c)
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
			conn_end(c, n != UV_EOF, have ? END_CLIENT_GONE : END_CLOSED);
		return;
	}
	if (have)
		memcpy(space, c->in.ptr, have);
	buf_deinit(&c->in);
	conn_run(c, space, len);
}

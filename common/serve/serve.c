/*
 * The listener and its connections. A connection is in one of the phases below, and one timer bounds it; requests that come
 * while one is answered stay in its buffer. Head and unread bytes lie at the front of `in`; a body is moved out of it as it
 * comes, so there is always room for the next piece.
 */
#include "serve.h"

#include <assert.h>
#include <unistd.h>

#include "http1.h"
#include "inside.h"
#include "listener.h"
#include "log.h"
#include "mem.h"
#include "stream.h"

enum { N_FIELDS = 64, PIECE_BYTES = 8192 };

static const struct http1_limits limits = {.head_bytes = SERVE_HEAD_BYTES, .n_fields = N_FIELDS, .drops_invalid_names = true};

enum phase {
	PHASE_HANDSHAKE,
	PHASE_HEAD,    /* waits for a request, or for the rest of its head */
	PHASE_BODY,
	PHASE_WRITING, /* an answer waits to be taken */
	PHASE_LINGER,  /* the last answer is out: what still comes is read away */
	PHASE_CLOSING,
};

struct conn {
	struct stream stream;
	uv_timer_t timer;
	struct serve *serve;
	struct conn *next;
	enum phase phase;
	char in[SERVE_HEAD_BYTES + PIECE_BYTES];
	size_t in_len, head_len;
	struct http1_body framing;
	struct buf body, out;
	size_t n_sent;
	uint64_t idle_since_ms;
	bool is_last;
	unsigned n_handles;
};

struct serve {
	struct listener listener;
	uv_loop_t *loop;
	struct serve_options options;
	struct conn *conns;
	unsigned n_conns;
	size_t body_bytes; /* of all connections */
	bool is_leaving, is_closing, is_listener_closed;
	serve_closed_fn *on_closed;
};

static void finish_if_last(struct serve *serve)
{
	if (!serve->is_listener_closed || serve->conns)
		return;
	if (serve->on_closed)
		serve->on_closed(serve, serve->options.owner);
	mem_free(serve);
}

/* --------------------------------------------------------------------------------------------------------- the end */

static void drop_body(struct conn *conn)
{
	conn->serve->body_bytes -= conn->body.len;
	buf_deinit(&conn->body);
}

static void release(struct conn *conn)
{
	struct serve *serve = conn->serve;
	struct conn **at = &serve->conns;

	if (--conn->n_handles)
		return;
	while (*at != conn)
		at = &(*at)->next;
	*at = conn->next;
	buf_deinit(&conn->out);
	mem_free(conn);
	finish_if_last(serve);
}

static void on_timer_closed(uv_handle_t *handle)
{
	release(container_of(handle, struct conn, timer));
}

static void on_stream_closed(struct stream *s)
{
	release(container_of(s, struct conn, stream));
}

static void close_conn(struct conn *conn)
{
	if (conn->phase == PHASE_CLOSING)
		return;
	conn->phase = PHASE_CLOSING;
	conn->serve->n_conns--;
	drop_body(conn);
	uv_close((uv_handle_t *)&conn->timer, on_timer_closed);
	stream_close(&conn->stream, false, on_stream_closed);
}

static void on_timeout(uv_timer_t *timer)
{
	close_conn(container_of(timer, struct conn, timer));
}

static void bound(struct conn *conn, uint32_t ms)
{
	uv_timer_start(&conn->timer, on_timeout, ms, 0);
}

/* ------------------------------------------------------------------------------------------------------- answering */

/*
 * The last answer is out. What the client still sends is read away until it closes or time is up: closing at once would
 * reset the connection, and the answer could be lost.
 */
static void end_answer(struct conn *conn)
{
	buf_deinit(&conn->out);
	conn->n_sent = 0;
	bound(conn, conn->serve->options.timeout_ms);
	stream_want_read(&conn->stream, true);
	if (conn->is_last) {
		conn->phase = PHASE_LINGER;
		stream_shutdown(&conn->stream);
		return;
	}
	conn->phase = PHASE_HEAD;
	if (conn->in_len)
		return;
	conn->idle_since_ms = uv_now(conn->serve->loop);
	bound(conn, conn->serve->options.idle_ms);
}

static void send_out(struct conn *conn)
{
	while (conn->n_sent < conn->out.len) {
		struct iovec piece = {conn->out.ptr + conn->n_sent, conn->out.len - conn->n_sent};
		ssize_t n = stream_writev(&conn->stream, &piece, 1);

		if (n < 0) {
			close_conn(conn);
			return;
		}
		conn->n_sent += (size_t)n;
		if ((size_t)n < piece.iov_len) {
			stream_want_write(&conn->stream);
			return;
		}
	}
	end_answer(conn);
}

static void begin_answer(struct conn *conn)
{
	conn->phase = PHASE_WRITING;
	stream_want_read(&conn->stream, false);
	bound(conn, conn->serve->options.timeout_ms);
	send_out(conn);
}

static void refuse(struct conn *conn, unsigned status, const char *line)
{
	drop_body(conn);
	conn->is_last = true;
	reply_text(status, line, &conn->out);
	begin_answer(conn);
}

/* `head` points into the front of `in`. */
static void answer(struct conn *conn, const struct http_head *head)
{
	const struct serve_options *o = &conn->serve->options;
	struct serve_answer a = {0};

	/* a body that is not read is no request either */
	conn->is_last = !head->is_keep_alive || (head->body != HTTP_BODY_NONE && !o->body_bytes) || conn->serve->is_leaving;
	o->on_request(o->owner, head, buf_str(&conn->body), &a);
	reply_write(&a, head->method == HTTP_HEAD, conn->is_last, &conn->out);
	buf_deinit(&a.body);
	drop_body(conn);
	memmove(conn->in, conn->in + conn->head_len, conn->in_len - conn->head_len);
	conn->in_len -= conn->head_len;
	begin_answer(conn);
}

/* --------------------------------------------------------------------------------------------------------- reading */

static enum parse_result parse_head(struct conn *conn, struct http_head *head, struct http1_error *error)
{
	return http1_parse_request(str_of(conn->in, conn->in_len), &limits, head, &conn->head_len, error);
}

static void begin_body(struct conn *conn, const struct http_head *head)
{
	struct iovec go_on = {(void *)(uintptr_t)"HTTP/1.1 100 Continue\r\n\r\n", 25};

	if (head->body == HTTP_BODY_LENGTH && head->content_length > conn->serve->options.body_bytes) {
		refuse(conn, 413, "the body is too large");
		return;
	}
	http1_body_init(&conn->framing, head);
	conn->phase = PHASE_BODY;
	if (head->expects_continue && stream_writev(&conn->stream, &go_on, 1) != (ssize_t)go_on.iov_len)
		close_conn(conn);
}

static void take_head(struct conn *conn)
{
	struct http_field fields[N_FIELDS];
	struct http_head head = {.fields = fields};
	struct http1_error error;

	switch (parse_head(conn, &head, &error)) {
	case PARSE_MORE:
		return;
	case PARSE_BAD:
		refuse(conn, error.status, error.reason);
		return;
	case PARSE_DONE:
		if (head.body == HTTP_BODY_NONE || !conn->serve->options.body_bytes)
			answer(conn, &head);
		else
			begin_body(conn, &head);
		return;
	}
}

/* The head again, which still lies at the front. */
static void answer_with_body(struct conn *conn)
{
	struct http_field fields[N_FIELDS];
	struct http_head head = {.fields = fields};
	struct http1_error error;
	enum parse_result again = parse_head(conn, &head, &error);

	assert(again == PARSE_DONE);
	answer(conn, &head);
}

static bool keep_piece(struct conn *conn, struct str piece)
{
	const struct serve_options *o = &conn->serve->options;

	if (piece.len > o->body_bytes - conn->body.len) {
		refuse(conn, 413, "the body is too large");
		return false;
	}
	if (piece.len > o->all_body_bytes - conn->serve->body_bytes) {
		refuse(conn, 503, "too much at one time");
		return false;
	}
	buf_add(&conn->body, piece);
	conn->serve->body_bytes += piece.len;
	return true;
}

static void take_body(struct conn *conn)
{
	const char *why;

	for (;;) {
		char *at = conn->in + conn->head_len;
		size_t left = conn->in_len - conn->head_len, used = 0;
		struct str piece = {0};
		enum parse_result result = http1_body_read(&conn->framing, str_of(at, left), &used, &piece, &why);

		if (result == PARSE_BAD) {
			refuse(conn, 400, why);
			return;
		}
		if (!keep_piece(conn, piece))
			return;
		memmove(at, at + used, left - used);
		conn->in_len -= used;
		if (result == PARSE_DONE) {
			answer_with_body(conn);
			return;
		}
		if (!used)
			return;
	}
}

/* Answers one request after the other, as far as they are here. */
static void advance(struct conn *conn)
{
	enum phase before;
	size_t len_before;

	do {
		before = conn->phase;
		len_before = conn->in_len;
		if (conn->phase == PHASE_HEAD && conn->in_len)
			take_head(conn);
		else if (conn->phase == PHASE_BODY)
			take_body(conn);
	} while (conn->phase != before || (conn->phase == PHASE_HEAD && conn->in_len < len_before));
}

static void read_on(struct conn *conn)
{
	char *into = conn->in + conn->in_len;
	size_t room = sizeof(conn->in) - conn->in_len;
	ssize_t n;

	if (conn->phase == PHASE_LINGER) {
		into = conn->in;
		room = sizeof(conn->in);
	}
	n = stream_read(&conn->stream, into, room);
	if (n < 0) {
		close_conn(conn);
		return;
	}
	if (n == 0 || conn->phase == PHASE_LINGER)
		return;
	if (conn->phase == PHASE_HEAD && !conn->in_len)
		bound(conn, conn->serve->options.timeout_ms);
	conn->in_len += (size_t)n;
	advance(conn);
}

static void on_event(struct stream *stream, unsigned events)
{
	struct conn *conn = container_of(stream, struct conn, stream);

	if (stream_is_plain_http_on_tls(stream) && conn->phase == PHASE_HANDSHAKE) {
		refuse(conn, 400, "this port speaks TLS: ask by https");
		return;
	}
	if (events & STREAM_FAILED) {
		log_debug("serve", "handshake failed: %s", stream_tls_reason(stream));
		close_conn(conn);
		return;
	}
	if (events & STREAM_CONNECTED)
		conn->phase = PHASE_HEAD;
	if ((events & STREAM_WRITABLE) && conn->phase == PHASE_WRITING) {
		send_out(conn);
		advance(conn);
	}
	if ((events & STREAM_READABLE) && conn->phase != PHASE_CLOSING && conn->phase != PHASE_WRITING)
		read_on(conn);
}

/* ------------------------------------------------------------------------------------------------------- listening */

static bool is_idle(const struct conn *conn)
{
	return conn->phase == PHASE_HEAD && !conn->in_len;
}

static void close_longest_idle(struct serve *serve)
{
	struct conn *longest = NULL;

	for (struct conn *conn = serve->conns; conn; conn = conn->next) {
		if (is_idle(conn) && (!longest || conn->idle_since_ms <= longest->idle_since_ms))
			longest = conn; /* of equal ones the last of the list, which came first */
	}
	if (longest)
		close_conn(longest);
}

static void on_accept(struct listener *listener, int fd, const struct addr *peer, const struct addr *local)
{
	struct serve *serve = listener->owner;
	SSL *ssl = serve->options.tls ? serve_tls_accept(serve->options.tls) : NULL;
	struct conn *conn = mem_zalloc(sizeof(*conn));

	(void)peer;
	(void)local;
	if (serve->n_conns >= serve->options.n_connections)
		close_longest_idle(serve);
	if (serve->options.tls && !ssl) { /* never in clear */
		close(fd);
		mem_free(conn);
		return;
	}
	if (stream_open(&conn->stream, serve->loop, fd, ssl, on_event) < 0) {
		mem_free(conn);
		return;
	}
	uv_timer_init(serve->loop, &conn->timer);
	conn->serve = serve;
	conn->n_handles = 2;
	conn->phase = ssl ? PHASE_HANDSHAKE : PHASE_HEAD;
	conn->idle_since_ms = uv_now(serve->loop);
	conn->next = serve->conns;
	serve->conns = conn;
	serve->n_conns++;
	if (serve->n_conns > serve->options.n_connections)
		close_conn(conn);
	else
		bound(conn, serve->options.timeout_ms);
}

int serve_open(uv_loop_t *loop, const struct serve_options *options, struct serve **out)
{
	struct serve *serve = mem_zalloc(sizeof(*serve));
	int fd, result;

	*out = NULL;
	serve->loop = loop;
	serve->options = *options;
	fd = listener_bind_both(&options->addr, &serve->options.addr);
	result = fd < 0 ? fd : listener_open(&serve->listener, loop, fd, on_accept, serve);
	if (result < 0) {
		mem_free(serve);
		return result;
	}
	*out = serve;
	return 0;
}

const struct addr *serve_bound(const struct serve *serve)
{
	return listener_addr(&serve->listener);
}

static void on_listener_closed(struct listener *listener)
{
	struct serve *serve = listener->owner;

	serve->is_listener_closed = true;
	finish_if_last(serve);
}

void serve_leave(struct serve *serve)
{
	serve->is_leaving = true;
}

void serve_close(struct serve *serve, serve_closed_fn *on_closed)
{
	assert(!serve->is_closing);
	serve->is_closing = true;
	serve->on_closed = on_closed;
	for (struct conn *conn = serve->conns; conn; conn = conn->next)
		close_conn(conn);
	listener_close(&serve->listener, on_listener_closed);
}

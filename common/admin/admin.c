/*
 * The listener and its few connections. A connection is in one of two waits, for a head or for its answer to be taken, and
 * one timer ends either; requests that come meanwhile stay in its buffer.
 */
#include "admin.h"

#include <assert.h>

#include "answer.h"
#include "http1.h"
#include "mem.h"

enum { N_FIELDS = 64 };

static const struct http1_limits limits = {.head_bytes = ADMIN_HEAD_BYTES, .n_fields = N_FIELDS, .drops_invalid_names = true};

struct admin_conn {
	uv_tcp_t tcp;
	uv_timer_t timer;
	uv_write_t write;
	struct admin *admin;
	struct admin_conn *next;
	char in[ADMIN_HEAD_BYTES];
	size_t in_len;
	struct buf out;
	bool is_writing, is_last, is_closing;
	unsigned n_handles;
};

struct admin {
	uv_tcp_t tcp;
	uv_loop_t *loop;
	struct admin_hooks hooks;
	struct addr bound;
	struct admin_conn *conns;
	unsigned n_conns;
	bool is_closing, is_listener_closed;
	admin_closed_fn *on_closed;
};

static void finish_if_last(struct admin *admin)
{
	if (!admin->is_listener_closed || admin->conns)
		return;
	if (admin->on_closed)
		admin->on_closed(admin, admin->hooks.owner);
	mem_free(admin);
}

static void unlink_conn(struct admin_conn *conn)
{
	struct admin_conn **at = &conn->admin->conns;

	while (*at != conn)
		at = &(*at)->next;
	*at = conn->next;
	conn->admin->n_conns--;
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct admin_conn *conn = handle->data;
	struct admin *admin = conn->admin;

	if (--conn->n_handles)
		return;
	unlink_conn(conn);
	buf_deinit(&conn->out);
	mem_free(conn);
	finish_if_last(admin);
}

static void close_conn(struct admin_conn *conn)
{
	if (conn->is_closing)
		return;
	conn->is_closing = true;
	uv_close((uv_handle_t *)&conn->tcp, on_handle_closed);
	uv_close((uv_handle_t *)&conn->timer, on_handle_closed);
}

static void on_timeout(uv_timer_t *timer)
{
	close_conn(timer->data);
}

static void advance(struct admin_conn *conn);

static void on_shut_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	(void)buf;
	if (n < 0)
		close_conn(stream->data);
}

static void on_shut(uv_shutdown_t *req, int status)
{
	struct admin_conn *conn = req->handle->data;

	mem_free(req);
	if (status < 0)
		close_conn(conn);
}

static void on_drain_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	struct admin_conn *conn = handle->data;

	(void)size;
	*buf = uv_buf_init(conn->in, sizeof(conn->in));
}

/*
 * The last answer is out. What the client still sends is read away until it closes or time is up: closing at once would
 * reset the connection, and the answer could be lost.
 */
static void linger(struct admin_conn *conn)
{
	uv_shutdown_t *req = mem_zalloc(sizeof(*req));

	if (uv_shutdown(req, (uv_stream_t *)&conn->tcp, on_shut) < 0) {
		mem_free(req);
		close_conn(conn);
		return;
	}
	uv_read_stop((uv_stream_t *)&conn->tcp);
	if (uv_read_start((uv_stream_t *)&conn->tcp, on_drain_alloc, on_shut_read) < 0)
		close_conn(conn);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	struct admin_conn *conn = handle->data;

	(void)size;
	*buf = uv_buf_init(conn->in + conn->in_len, (unsigned)(sizeof(conn->in) - conn->in_len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

static void read_on(struct admin_conn *conn)
{
	int status = uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read);

	if (status < 0 && status != UV_EALREADY)
		close_conn(conn);
}

static void on_written(uv_write_t *write, int status)
{
	struct admin_conn *conn = write->data;

	conn->is_writing = false;
	if (status < 0)
		close_conn(conn);
	if (conn->is_closing)
		return;
	buf_clear(&conn->out);
	uv_timer_start(&conn->timer, on_timeout, ADMIN_TIMEOUT_MS, 0);
	if (conn->is_last) {
		linger(conn);
		return;
	}
	advance(conn);
	if (!conn->is_closing)
		read_on(conn);
}

static void send_out(struct admin_conn *conn)
{
	uv_buf_t piece = uv_buf_init(conn->out.ptr, (unsigned)conn->out.len);

	conn->is_writing = true;
	if (uv_write(&conn->write, (uv_stream_t *)&conn->tcp, &piece, 1, on_written) < 0)
		close_conn(conn);
}

/* Answers the request at the front of the buffer, if it is whole; the next one waits until the answer is out. */
static void advance(struct admin_conn *conn)
{
	struct http_field fields[N_FIELDS];
	struct http_head head = {.fields = fields};
	struct http1_error error;
	size_t used = 0;

	if (conn->is_writing || conn->is_last || conn->is_closing)
		return;
	switch (http1_parse_request(str_of(conn->in, conn->in_len), &limits, &head, &used, &error)) {
	case PARSE_MORE:
		return;
	case PARSE_BAD:
		conn->is_last = true;
		answer_error(error.status, error.reason, &conn->out);
		break;
	case PARSE_DONE:
		/* a body is not read, so nothing after it is a request */
		conn->is_last = !head.is_keep_alive || head.body != HTTP_BODY_NONE || conn->admin->is_closing;
		answer_request(&conn->admin->hooks, &head, conn->is_last, &conn->out);
		memmove(conn->in, conn->in + used, conn->in_len - used);
		conn->in_len -= used;
		break;
	}
	send_out(conn);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct admin_conn *conn = stream->data;

	(void)buf;
	if (n == UV_ENOBUFS) {
		/* the buffer is full of requests that wait for their turn: on_written reads on */
		uv_read_stop(stream);
		return;
	}
	if (n < 0) {
		close_conn(conn);
		return;
	}
	conn->in_len += (size_t)n;
	advance(conn);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct admin *admin = listener->data;
	struct admin_conn *conn;

	if (status < 0)
		return;
	conn = mem_zalloc(sizeof(*conn));
	conn->admin = admin;
	conn->n_handles = 2;
	uv_tcp_init(admin->loop, &conn->tcp);
	uv_timer_init(admin->loop, &conn->timer);
	conn->tcp.data = conn->timer.data = conn->write.data = conn;
	conn->next = admin->conns;
	admin->conns = conn;
	admin->n_conns++;
	if (uv_accept(listener, (uv_stream_t *)&conn->tcp) < 0 || admin->n_conns > ADMIN_CONNECTIONS) {
		close_conn(conn);
		return;
	}
	uv_timer_start(&conn->timer, on_timeout, ADMIN_TIMEOUT_MS, 0);
	read_on(conn);
}

static int bind_and_listen(struct admin *admin, const struct addr *addr)
{
	struct sockaddr_storage storage = {0};
	int len = sizeof(storage), status;

	addr_to_sockaddr(addr, &storage);
	status = uv_tcp_bind(&admin->tcp, (const struct sockaddr *)&storage, 0);
	if (status == 0)
		status = uv_listen((uv_stream_t *)&admin->tcp, 128, on_connection);
	if (status == 0)
		status = uv_tcp_getsockname(&admin->tcp, (struct sockaddr *)&storage, &len);
	if (status == 0 && !addr_from_sockaddr((const struct sockaddr *)&storage, &admin->bound))
		status = UV_EAFNOSUPPORT;
	return status;
}

int admin_open(uv_loop_t *loop, const struct addr *addr, const struct admin_hooks *hooks, struct admin **out)
{
	struct admin *admin = mem_zalloc(sizeof(*admin));
	int status;

	*out = NULL;
	admin->loop = loop;
	admin->hooks = *hooks;
	admin->tcp.data = admin;
	status = uv_tcp_init(loop, &admin->tcp);
	if (status < 0) {
		mem_free(admin);
		return status;
	}
	status = bind_and_listen(admin, addr);
	if (status < 0) {
		admin_close(admin, NULL);
		return status;
	}
	*out = admin;
	return 0;
}

const struct addr *admin_bound(const struct admin *admin)
{
	return &admin->bound;
}

static void on_listener_closed(uv_handle_t *handle)
{
	struct admin *admin = handle->data;

	admin->is_listener_closed = true;
	finish_if_last(admin);
}

void admin_close(struct admin *admin, admin_closed_fn *on_closed)
{
	assert(!admin->is_closing);
	admin->is_closing = true;
	admin->on_closed = on_closed;
	for (struct admin_conn *conn = admin->conns; conn; conn = conn->next)
		close_conn(conn);
	uv_close((uv_handle_t *)&admin->tcp, on_listener_closed);
}

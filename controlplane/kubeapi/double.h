#ifndef KUBEAPI_DOUBLE_H
#define KUBEAPI_DOUBLE_H
/*
 * A double of the API server for tests, on the test's own loop: HTTP/1.1 on loopback without TLS. The test gets every
 * request and writes the answer itself, as slowly and as wrong as it likes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "buf.h"
#include "kubeapi.h"
#include "mem.h"

struct double_server;

struct double_conn {
	uv_tcp_t tcp;
	struct double_server *server;
	struct double_conn *next;
	struct buf in;
	bool is_open;
	/* of the request that is being answered; borrowed until the answer's end */
	struct buf method, path, authorization, body;
};
typedef void double_fn(void *owner, struct double_conn *conn);

struct double_server {
	uv_loop_t *loop;
	uv_tcp_t tcp;
	uint16_t port;
	double_fn *on_request;
	void *owner;
	struct double_conn *conns; /* also closed ones: all are freed at the end */
	unsigned n_connections;
};

struct double_write {
	uv_write_t req;
	struct buf bytes;
};

static inline void double_on_written(uv_write_t *req, int status)
{
	struct double_write *w = container_of(req, struct double_write, req);

	(void)status;
	buf_deinit(&w->bytes);
	mem_free(w);
}

/* Bytes as they are. */
static inline void double_send(struct double_conn *c, struct str bytes)
{
	struct double_write *w = mem_zalloc(sizeof(*w));
	uv_buf_t buf;

	if (!c->is_open) {
		mem_free(w);
		return;
	}
	buf_add(&w->bytes, bytes);
	buf = uv_buf_init(w->bytes.ptr, (unsigned)w->bytes.len);
	uv_write(&w->req, (uv_stream_t *)&c->tcp, &buf, 1, double_on_written);
}

static inline void double_on_shut(uv_shutdown_t *req, int status)
{
	struct double_conn *c = req->data;

	(void)status;
	mem_free(req);
	if (!uv_is_closing((uv_handle_t *)&c->tcp))
		uv_close((uv_handle_t *)&c->tcp, NULL);
}

/* Ends the connection, after what was sent. */
static inline void double_end(struct double_conn *c)
{
	uv_shutdown_t *req;

	if (!c->is_open)
		return;
	c->is_open = false;
	req = mem_zalloc(sizeof(*req));
	req->data = c;
	if (uv_shutdown(req, (uv_stream_t *)&c->tcp, double_on_shut) < 0) {
		mem_free(req);
		uv_close((uv_handle_t *)&c->tcp, NULL);
	}
}

/* A whole answer; `more` are further head lines, each with its CRLF, or "". */
static inline void double_answer(struct double_conn *c, unsigned status, const char *more, const char *body)
{
	struct buf out = {0};

	buf_printf(&out, "HTTP/1.1 %u X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n%s", status, strlen(body),
		more, body);
	double_send(c, buf_str(&out));
	buf_deinit(&out);
}

/* The head of a stream, and a piece of one: a chunk. */
static inline void double_begin(struct double_conn *c)
{
	double_send(c, STR("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"));
}

static inline void double_chunk(struct double_conn *c, const char *text)
{
	struct buf out = {0};

	buf_printf(&out, "%zx\r\n%s\r\n", strlen(text), text);
	double_send(c, buf_str(&out));
	buf_deinit(&out);
}

static inline void double_last_chunk(struct double_conn *c)
{
	double_send(c, STR("0\r\n\r\n"));
}

static inline struct str double_field(struct str head, const char *name)
{
	struct buf start = {0};
	struct str found;
	size_t at;

	buf_printf(&start, "\r\n%s: ", name);
	at = str_find_str(head, buf_str(&start));
	found = str_from_index(head, at + start.len);
	buf_deinit(&start);
	return str_first(found, str_find_str(found, STR("\r\n")));
}

/* A whole request, if there is one. */
static inline bool double_take(struct double_conn *c)
{
	size_t end = str_find_str(buf_str(&c->in), STR("\r\n\r\n"));
	struct str head = str_first(buf_str(&c->in), end), line = str_first(head, str_find_str(head, STR("\r\n")));
	uint64_t length = 0;

	str_to_u64(double_field(head, "Content-Length"), 1000000, &length);
	if (end == c->in.len || c->in.len < end + 4 + length)
		return false;
	buf_clear(&c->method);
	buf_clear(&c->path);
	buf_clear(&c->authorization);
	buf_clear(&c->body);
	buf_add(&c->method, str_first(line, str_find(line, ' ')));
	line = str_from_index(line, c->method.len + 1);
	buf_add(&c->path, str_first(line, str_find(line, ' ')));
	buf_add(&c->authorization, double_field(head, "Authorization"));
	buf_add(&c->body, str_of(c->in.ptr + end + 4, length));
	buf_consume(&c->in, end + 4 + length);
	return true;
}

static inline void double_on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	static char room[65536];

	(void)handle;
	(void)suggested;
	*buf = uv_buf_init(room, sizeof(room));
}

static inline void double_on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct double_conn *c = container_of(stream, struct double_conn, tcp);

	if (n < 0) {
		c->is_open = false;
		if (!uv_is_closing((uv_handle_t *)&c->tcp))
			uv_close((uv_handle_t *)&c->tcp, NULL);
		return;
	}
	buf_add(&c->in, str_of(buf->base, (size_t)n));
	while (c->is_open && double_take(c))
		c->server->on_request(c->server->owner, c);
}

static inline void double_on_connection(uv_stream_t *stream, int status)
{
	struct double_server *s = container_of(stream, struct double_server, tcp);
	struct double_conn *c = mem_zalloc(sizeof(*c));

	(void)status;
	c->server = s;
	c->next = s->conns;
	c->is_open = true;
	s->conns = c;
	s->n_connections++;
	uv_tcp_init(s->loop, &c->tcp);
	uv_accept(stream, (uv_stream_t *)&c->tcp);
	uv_read_start((uv_stream_t *)&c->tcp, double_on_alloc, double_on_read);
}

/* `port` 0 is any. */
static inline void double_open(struct double_server *s, uv_loop_t *loop, uint16_t port, double_fn *on_request, void *owner)
{
	struct sockaddr_in at;
	int len = sizeof(at);

	*s = (struct double_server){.loop = loop, .on_request = on_request, .owner = owner};
	uv_tcp_init(loop, &s->tcp);
	uv_ip4_addr("127.0.0.1", port, &at);
	if (uv_tcp_bind(&s->tcp, (const struct sockaddr *)&at, 0) < 0 ||
		uv_listen((uv_stream_t *)&s->tcp, 64, double_on_connection) < 0)
		abort();
	uv_tcp_getsockname(&s->tcp, (struct sockaddr *)&at, &len);
	s->port = ntohs(at.sin_port);
}

/* All connections end at once, as when the server is killed. */
static inline void double_drop_all(struct double_server *s)
{
	for (struct double_conn *c = s->conns; c; c = c->next) {
		c->is_open = false;
		if (!uv_is_closing((uv_handle_t *)&c->tcp))
			uv_close((uv_handle_t *)&c->tcp, NULL);
	}
}

static inline void double_close(struct double_server *s)
{
	double_drop_all(s);
	if (!uv_is_closing((uv_handle_t *)&s->tcp))
		uv_close((uv_handle_t *)&s->tcp, NULL);
}

/* After the loop has ended. */
static inline void double_free(struct double_server *s)
{
	while (s->conns) {
		struct double_conn *c = s->conns;

		s->conns = c->next;
		buf_deinit(&c->in);
		buf_deinit(&c->method);
		buf_deinit(&c->path);
		buf_deinit(&c->authorization);
		buf_deinit(&c->body);
		mem_free(c);
	}
}

/* A kubeconfig for it in a file of its own, whose token is in the file TOKEN. The caller unlinks both. */
static inline void double_kubeconfig(const struct double_server *s, const char *path, const char *token_path)
{
	FILE *f = fopen(path, "w");

	if (!f)
		abort();
	fprintf(f,
		"current-context: c\ncontexts: [{name: c, context: {cluster: c, user: u, namespace: here}}]\n"
		"clusters: [{name: c, cluster: {server: 'http://127.0.0.1:%u'}}]\nusers: [{name: u, user: {tokenFile: '%s'}}]\n",
		s->port, token_path);
	fclose(f);
}

/* The files of a client: double_client_init, and double_client_deinit at the end. */
struct double_client {
	char config[64], token[80];
};

static inline void double_client_init(struct double_client *c, const char *name)
{
	FILE *f;

	snprintf(c->config, sizeof(c->config), "/tmp/weirlock-test-%s-%d", name, (int)getpid());
	snprintf(c->token, sizeof(c->token), "%s.token", c->config);
	f = fopen(c->token, "w");
	if (!f)
		abort();
	fputs("t", f);
	fclose(f);
}

static inline void double_client_deinit(const struct double_client *c)
{
	unlink(c->config);
	unlink(c->token);
}

/* The loop, the double on it, and a client of it. */
static inline struct kubeapi *double_begin_all(struct double_server *s, uv_loop_t *loop, double_fn *on_request, const struct double_client *c)
{
	struct buf error = {0};
	struct kubeapi *api;

	uv_loop_init(loop);
	double_open(s, loop, 0, on_request, NULL);
	double_kubeconfig(s, c->config, c->token);
	if (!kubeapi_open(loop, &(struct kubeapi_options){c->config, NULL}, &error, &api)) {
		fprintf(stderr, "%s\n", buf_cstr(&error));
		abort();
	}
	return api;
}

static inline void double_set_true(void *owner)
{
	*(bool *)owner = true;
}

/* Whatever uses `api` is closed already. Whether the loop had nothing left. */
static inline bool double_end_all(struct double_server *s, struct kubeapi *api)
{
	bool is_closed = false;
	int result;

	kubeapi_close(api, double_set_true, &is_closed);
	while (!is_closed)
		uv_run(s->loop, UV_RUN_ONCE);
	double_close(s);
	uv_run(s->loop, UV_RUN_DEFAULT);
	result = uv_loop_close(s->loop);
	double_free(s);
	return result == 0;
}

static inline void double_on_idle(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

/* Long enough for what must not come, when the loop has nothing else to do. */
static inline void double_idle(uv_loop_t *loop)
{
	uv_timer_t timer;
	bool is_over = false;

	uv_timer_init(loop, &timer);
	timer.data = &is_over;
	uv_timer_start(&timer, double_on_idle, 150, 0);
	while (!is_over)
		uv_run(loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(loop, UV_RUN_NOWAIT);
}

#endif

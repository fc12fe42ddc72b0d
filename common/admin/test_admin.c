/* The server on a real loop with real sockets: the client runs in a thread and blocks. */
#include <pthread.h>

#include "admin.h"
#include "check.h"
#include "dial.h"
#include "mem.h"

static bool is_up;

static bool is_healthy(void *owner, struct buf *reason)
{
	(void)owner;
	(void)reason;
	return true;
}

static bool is_ready(void *owner, struct buf *reason)
{
	(void)owner;
	if (!is_up)
		buf_add(reason, STR("no snapshot yet"));
	return is_up;
}

static void add_metrics(void *owner, struct buf *out)
{
	(void)owner;
	buf_add(out, STR("a_total 1\n"));
}

#define IN(literal) {literal, sizeof(literal) - 1}
#define COMMON "Cache-Control: no-store\r\n"
#define PLAIN "Content-Type: text/plain; charset=utf-8\r\n"
#define CLOSE "Connection: close\r\n\r\n"

static const struct {
	const char *name;
	struct str in;
	const char *want; /* all that comes until the server closes */
} cases[] = {
	{"healthy", IN("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
		"HTTP/1.1 200 OK\r\n" PLAIN "Content-Length: 3\r\n" COMMON CLOSE "ok\n"},
	{"not ready", IN("GET /readyz HTTP/1.0\r\n\r\n"),
		"HTTP/1.1 503 Service Unavailable\r\n" PLAIN "Content-Length: 16\r\n" COMMON CLOSE "no snapshot yet\n"},
	{"metrics, query", IN("GET /metrics?x HTTP/1.0\r\n\r\n"),
		"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: 10\r\n" COMMON CLOSE
		"a_total 1\n"},
	{"HEAD", IN("HEAD /metrics HTTP/1.0\r\n\r\n"),
		"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: 10\r\n" COMMON CLOSE},
	{"another path", IN("GET /healthz/ HTTP/1.0\r\n\r\n"),
		"HTTP/1.1 404 Not Found\r\n" PLAIN "Content-Length: 41\r\n" COMMON CLOSE "there are /healthz, /readyz and /metrics\n"},
	{"another method, with a body", IN("POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"),
		"HTTP/1.1 405 Method Not Allowed\r\n" PLAIN "Content-Length: 18\r\n" COMMON "Allow: GET, HEAD\r\n" CLOSE "only GET and HEAD\n"},
	{"no request", IN("hello\r\n"), "HTTP/1.1 400 Bad Request\r\n" PLAIN "Content-Length: 15\r\n" COMMON CLOSE "invalid method\n"},
	{"kept and pipelined", IN("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /healthz HTTP/1.0\r\n\r\n"),
		"HTTP/1.1 200 OK\r\n" PLAIN "Content-Length: 3\r\n" COMMON "\r\nok\n"
		"HTTP/1.1 200 OK\r\n" PLAIN "Content-Length: 3\r\n" COMMON CLOSE "ok\n"},
};

static void run_cases(const struct addr *addr, bool is_in_pieces)
{
	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct buf got = {0};
		int fd = dial_to(addr);

		check_case(cases[i].name);
		dial_send(fd, cases[i].in, is_in_pieces ? 1 : cases[i].in.len);
		dial_read_all(fd, &got);
		CHECK_STR(buf_str(&got), str_from(cases[i].want));
		close(fd);
		buf_deinit(&got);
	}
}

static void run_large_head(const struct addr *addr)
{
	static const char line[] = "A: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n";
	static const char first[] = "GET / HTTP/1.1\r\nHost: a\r\nB: ";
	struct buf got = {0};
	int fd = dial_to(addr);

	check_case("a head that is too large");
	CHECK(send(fd, first, sizeof(first) - 1, MSG_NOSIGNAL) > 0);
	for (int i = 0; i < 200; i++)
		send(fd, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 56, MSG_NOSIGNAL);
	send(fd, line, sizeof(line) - 1, MSG_NOSIGNAL);
	dial_read_all(fd, &got);
	CHECK(str_starts_with(buf_str(&got), STR("HTTP/1.1 400 ")));
	close(fd);
	buf_deinit(&got);
}

/* More than the buffer holds: reading stops and goes on. */
static void run_pipeline(const struct addr *addr)
{
	static const char one[] = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", last[] = "GET /readyz HTTP/1.0\r\n\r\n";
	enum { N = 1000 };
	struct buf got = {0};
	size_t n = 0;
	int fd = dial_to(addr);

	check_case("many requests at once");
	for (int i = 0; i < N; i++)
		CHECK(send(fd, one, sizeof(one) - 1, MSG_NOSIGNAL) > 0);
	CHECK(send(fd, last, sizeof(last) - 1, MSG_NOSIGNAL) > 0);
	dial_read_all(fd, &got);
	for (struct str rest = buf_str(&got), line; str_next(&rest, '\n', &line);)
		n += str_eq(line, STR("ok"));
	CHECK_INT(n, N);
	CHECK(str_ends_with(buf_str(&got), STR("no snapshot yet\n")));
	close(fd);
	buf_deinit(&got);
}

/* ADMIN_CONNECTIONS are held open and say nothing: the next is served in the place of the one that came first. */
static void run_crowd(const struct addr *addr)
{
	static const char request[] = "GET /healthz HTTP/1.0\r\n\r\n";
	struct buf got = {0};
	int fds[ADMIN_CONNECTIONS], extra;
	char byte;

	check_case("more connections than there may be");
	for (int i = 0; i < ADMIN_CONNECTIONS; i++)
		fds[i] = dial_to(addr);
	extra = dial_to(addr);
	CHECK(send(extra, request, sizeof(request) - 1, MSG_NOSIGNAL) > 0);
	dial_read_all(extra, &got);
	CHECK(str_starts_with(buf_str(&got), STR("HTTP/1.1 200 OK")));
	CHECK(recv(fds[0], &byte, 1, 0) <= 0);
	close(extra);
	for (int i = 0; i < ADMIN_CONNECTIONS; i++)
		close(fds[i]);
	buf_deinit(&got);
}

struct client {
	struct addr addr;
	int held; /* a connection that is still open when the server closes */
	uv_async_t done;
};

static void *run_client(void *arg)
{
	struct client *client = arg;

	run_cases(&client->addr, false);
	run_cases(&client->addr, true);
	run_large_head(&client->addr);
	run_pipeline(&client->addr);
	run_crowd(&client->addr);
	client->held = dial_to(&client->addr);
	uv_async_send(&client->done);
	return NULL;
}

static struct admin *admin;
static unsigned n_closed;

static void on_closed(struct admin *closed, void *owner)
{
	CHECK(closed == admin);
	CHECK(owner == &n_closed);
	n_closed++;
}

static void on_client_done(uv_async_t *done)
{
	uv_close((uv_handle_t *)done, NULL);
	admin_close(admin, on_closed);
}

int main(void)
{
	const struct admin_hooks hooks = {&n_closed, is_healthy, is_ready, add_metrics};
	struct client client = {.held = -1};
	struct addr any;
	struct admin *second;
	uv_loop_t loop;
	pthread_t thread;
	char byte;

	uv_loop_init(&loop);
	CHECK(addr_parse_host_port(STR("127.0.0.1:0"), &any));
	CHECK_INT(admin_open(&loop, &any, &hooks, &admin), 0);
	client.addr = *admin_bound(admin);
	CHECK(client.addr.port != 0);

	check_case("a port that is taken");
	CHECK_INT(admin_open(&loop, &client.addr, &hooks, &second), UV_EADDRINUSE);
	CHECK(second == NULL);

	uv_async_init(&loop, &client.done, on_client_done);
	CHECK_INT(pthread_create(&thread, NULL, run_client, &client), 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	pthread_join(thread, NULL);
	check_case("closed");
	CHECK_INT(n_closed, 1);
	CHECK(recv(client.held, &byte, 1, 0) <= 0);
	close(client.held);
	CHECK_INT(uv_loop_close(&loop), 0);
	return check_done();
}

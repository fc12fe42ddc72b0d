/* Requests with bodies on a real loop with real sockets; test_admin has those without, scenarios have TLS. */
#include <pthread.h>

#include "dial.h"
#include "mem.h"
#include "serve.h"

enum { BODY_MAX = 20 * 1000, ALL_MAX = 30 * 1000, PATIENT_MS = 60 * 1000, HASTY_MS = 50 };

static unsigned n_asked;

static void on_request(void *owner, const struct http_head *head, struct str body, struct serve_answer *answer)
{
	CHECK(owner == &n_asked);
	n_asked++;
	answer->status = 200;
	answer->type = STR("text/plain");
	buf_printf(&answer->body, "%.*s %.*s %zu:", STR_ARG(head->method_text), STR_ARG(head->path), body.len);
	buf_add(&answer->body, body.len > 20 ? STR("…") : body);
}

#define IN(literal) {literal, sizeof(literal) - 1}
#define OK(length) "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " length "\r\nCache-Control: no-store\r\n"
#define CLOSE "Connection: close\r\n\r\n"
#define ERROR(status, length) \
	"HTTP/1.1 " status "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: " length "\r\nCache-Control: no-store\r\n" CLOSE
#define HEAD "POST /a HTTP/1.1\r\nHost: a\r\n"

static const struct {
	const char *name;
	struct str in;
	const char *want; /* all that comes until the server closes */
} cases[] = {
	{"a body", IN(HEAD "Connection: close\r\nContent-Length: 5\r\n\r\nhello"), OK("15") CLOSE "POST /a 5:hello"},
	{"no body", IN("GET /b HTTP/1.0\r\n\r\n"), OK("9") CLOSE "GET /b 0:"},
	{"in chunks", IN(HEAD "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n"),
		OK("15") CLOSE "POST /a 5:abcde"},
	{"one after the other",
		IN(HEAD "Content-Length: 1\r\n\r\nx" HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\ny\r\n0\r\n\r\nGET /b HTTP/1.0\r\n\r\n"),
		OK("11") "\r\nPOST /a 1:x" OK("11") "\r\nPOST /a 1:y" OK("9") CLOSE "GET /b 0:"},
	{"asked to be told to go on", IN("PUT /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"),
		"HTTP/1.1 100 Continue\r\n\r\n" OK("11") CLOSE "PUT /a 2:hi"},
	{"too large, and said so", IN(HEAD "Content-Length: 20001\r\n\r\n"),
		ERROR("413 Content Too Large", "22") "the body is too large\n"},
	{"a bad chunk", IN(HEAD "Transfer-Encoding: chunked\r\n\r\nx\r\n"), NULL},
	{"no request", IN("\x16\x03\x01"), NULL},
};

static void run_cases(const struct addr *addr, bool is_in_pieces)
{
	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct buf got = {0};
		int fd = dial_to(addr);

		check_case(cases[i].name);
		dial_send(fd, cases[i].in, is_in_pieces ? 1 : cases[i].in.len);
		dial_read_all(fd, &got);
		if (cases[i].want)
			CHECK_STR(buf_str(&got), str_from(cases[i].want));
		else
			CHECK(str_starts_with(buf_str(&got), STR("HTTP/1.1 400 ")));
		close(fd);
		buf_deinit(&got);
	}
}

static char many[BODY_MAX + 1];

static void send_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		bytes += n;
		len -= (size_t)n;
	}
}

static int send_body(const struct addr *addr, const char *head, size_t len)
{
	int fd = dial_to(addr);

	send_all(fd, head, strlen(head));
	send_all(fd, many, len);
	return fd;
}

static void expect(const char *name, int fd, const char *start)
{
	struct buf got = {0};

	check_case(name);
	dial_read_all(fd, &got);
	CHECK(str_starts_with(buf_str(&got), str_from(start)));
	close(fd);
	buf_deinit(&got);
}

static void run_bounds(const struct addr *addr)
{
	static const char whole[] = HEAD "Connection: close\r\nContent-Length: 20000\r\n\r\n";
	static const char chunk[] = HEAD "Transfer-Encoding: chunked\r\n\r\n4e21\r\n"; /* 20001 */
	int slow, slower;

	memset(many, 'x', sizeof(many));
	expect("as large as may be", send_body(addr, whole, BODY_MAX), "HTTP/1.1 200 OK");
	expect("a chunk that is too large", send_body(addr, chunk, BODY_MAX + 1), "HTTP/1.1 413 ");

	check_case("two bodies that are too large together");
	slow = send_body(addr, whole, BODY_MAX - 1);
	slower = send_body(addr, whole, BODY_MAX - 1);
	expect("one of them is refused", slower, "HTTP/1.1 503 ");
	send_all(slow, "x", 1);
	expect("the other one is answered", slow, "HTTP/1.1 200 OK");
	expect("and what they took is free again", send_body(addr, whole, BODY_MAX), "HTTP/1.1 200 OK");
}

/* Each byte in its own time, but the whole not in that of a request. */
static void run_slow(const struct addr *addr)
{
	struct buf got = {0};
	int fd = send_body(addr, HEAD "Content-Length: 20000\r\n\r\n", 1);

	check_case("a body that never ends is closed without an answer");
	dial_read_all(fd, &got);
	CHECK_INT(got.len, 0);
	close(fd);
	buf_deinit(&got);
}

/* One that leaves hears out whom it has, and says that this was all. */
static void run_leaving(const struct addr *addr)
{
	struct buf got = {0};
	int fd = dial_to(addr);

	check_case("the last answer of a connection to one that leaves");
	dial_send(fd, STR(HEAD "Content-Length: 5\r\n\r\nhello"), SERVE_HEAD_BYTES);
	dial_read_all(fd, &got);
	CHECK_STR(buf_str(&got), STR(OK("15") CLOSE "POST /a 5:hello"));
	close(fd);
	buf_deinit(&got);
}

struct client {
	struct addr patient, hasty, leaving;
	uv_async_t done;
};

static void *run_client(void *arg)
{
	struct client *client = arg;

	run_cases(&client->patient, false);
	run_cases(&client->patient, true);
	run_bounds(&client->patient);
	run_slow(&client->hasty);
	run_leaving(&client->leaving);
	uv_async_send(&client->done);
	return NULL;
}

static struct serve *patient, *hasty, *leaving;

static void on_client_done(uv_async_t *done)
{
	uv_close((uv_handle_t *)done, NULL);
	serve_close(patient, NULL);
	serve_close(hasty, NULL);
	serve_close(leaving, NULL);
}

int main(void)
{
	struct serve_options options = {.n_connections = 8, .body_bytes = BODY_MAX, .all_body_bytes = ALL_MAX, .timeout_ms = PATIENT_MS,
		.idle_ms = PATIENT_MS, .owner = &n_asked, .on_request = on_request};
	struct client client = {0};
	uv_loop_t loop;
	pthread_t thread;

	uv_loop_init(&loop);
	CHECK(addr_parse_host_port(STR("127.0.0.1:0"), &options.addr));
	CHECK_INT(serve_open(&loop, &options, &patient), 0);
	CHECK_INT(serve_open(&loop, &options, &leaving), 0);
	serve_leave(leaving);
	options.timeout_ms = HASTY_MS;
	CHECK_INT(serve_open(&loop, &options, &hasty), 0);
	client.patient = *serve_bound(patient);
	client.hasty = *serve_bound(hasty);
	client.leaving = *serve_bound(leaving);
	uv_async_init(&loop, &client.done, on_client_done);
	CHECK_INT(pthread_create(&thread, NULL, run_client, &client), 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	pthread_join(thread, NULL);
	CHECK(n_asked > 0);
	CHECK_INT(uv_loop_close(&loop), 0);
	return check_done();
}

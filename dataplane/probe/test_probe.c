/* Checks of an endpoint that answers as the test says: when it is ill and well again, and why. */
#include "probe.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "test_content.h"

enum { DEADLINE_MS = 60000, INTERVAL_MS = 100, TIMEOUT_MS = 400 };

static const char NOTHING[] = "(says nothing)", CLOSES[] = "(closes)";

static uv_loop_t loop;
static uv_timer_t tick;
static int fd;
static struct addr addr;
static struct probes *probes;
static const char *_Atomic answer;
static atomic_uint n_asked;
static unsigned n_changes;
static bool is_failing;
static char request[256]; /* the thread's until it has ended */

static void serve(void *unused)
{
	int held = -1, client;

	(void)unused;
	while ((client = accept(fd, NULL, NULL)) >= 0) {
		const char *now = answer;
		ssize_t n = recv(client, request, sizeof(request) - 1, 0);

		request[n > 0 ? n : 0] = '\0';
		if (held >= 0)
			close(held);
		held = now == NOTHING ? client : -1;
		if (now != NOTHING && now != CLOSES && n > 0)
			CHECK(send(client, now, strlen(now), MSG_NOSIGNAL) > 0);
		if (held < 0)
			close(client);
		n_asked++;
	}
	if (held >= 0)
		close(held);
}

static void on_change(void *data, unsigned backend_index, const struct addr *who, bool fails)
{
	(void)data;
	(void)backend_index;
	CHECK(addr_eq(who, &addr));
	is_failing = fails;
	n_changes++;
}

static void on_tick(uv_timer_t *timer)
{
	(void)timer;
}

#define UNTIL(condition)                                                           \
	do {                                                                       \
		uint64_t until_ms_ = clock_mono_ms() + DEADLINE_MS;                \
		while (!(condition) && clock_mono_ms() < until_ms_)                \
			uv_run(&loop, UV_RUN_ONCE);                                \
		CHECK(condition);                                                  \
	} while (0)

static void apply(unsigned failures, unsigned successes)
{
	struct content *c = content_create();
	Weirlock__V1__Backend b = WEIRLOCK__V1__BACKEND__INIT;
	Weirlock__V1__HealthCheck h = WEIRLOCK__V1__HEALTH_CHECK__INIT;
	Weirlock__V1__Endpoints e = WEIRLOCK__V1__ENDPOINTS__INIT;
	Weirlock__V1__Endpoint one = WEIRLOCK__V1__ENDPOINT__INIT, *items[] = {&one};
	char path[] = "/healthz?x=1", name[] = "ns/a:80";
	struct config_errors errors = {0};
	const struct generation *g;

	put_settings(c);
	h.path = path;
	h.interval_ms = INTERVAL_MS;
	h.timeout_ms = TIMEOUT_MS;
	h.failures = failures;
	h.successes = successes;
	b.health_check = failures ? &h : NULL;
	put_message(c, WEIRLOCK__V1__KIND__KIND_BACKEND, name, &b);
	one.ip = (ProtobufCBinaryData){4, addr.ip};
	one.port = addr.port;
	e.backend = name;
	e.endpoints = items;
	e.n_endpoints = 1;
	put_message(c, WEIRLOCK__V1__KIND__KIND_ENDPOINTS, "ns/a:80/1", &e);
	g = config_compile(c, NULL, &errors);
	if (CHECK(g != NULL))
		probes_apply(probes, g);
	generation_unref(&g);
	config_errors_deinit(&errors);
	content_destroy(c);
}

/* So many checks with this answer have begun and ended. */
static void ask(const char *with, unsigned n)
{
	answer = with;
	n_asked = 0;
	UNTIL(n_asked >= n + 1);
}

static struct str reason(void)
{
	return str_from(probes_reason(probes, STR("ns/a:80"), &addr));
}

static void test_answers(void)
{
	static const struct {
		const char *answer, *reason; /* "": it is good */
	} cases[] = {
		{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""},
		{"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", "answers 503"},
		{"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", ""},
		{"HTTP/1.0 404 Not Found\r\n\r\n", "answers 404"},
		{"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 204 OK\r\n\r\n", ""},
		{"hello\r\n\r\n", "its answer is not HTTP"},
		{"HTTP/1.1 399 ?\r\n\r\n", ""},
		{CLOSES, "closes without an answer"},
		{"HTTP/1.1 200 OK\r\n\r\n", ""},
		{NOTHING, "no answer in time"},
	};

	apply(2, 2);
	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		bool is_bad = cases[i].reason[0] != '\0';

		check_case(cases[i].answer);
		ask(cases[i].answer, 2);
		UNTIL(is_failing == is_bad && str_eq(reason(), str_from(cases[i].reason)));
	}
	CHECK_INT(n_changes, 9);
	check_case("without checks it counts as well");
	apply(0, 0);
	CHECK(!is_failing);
	CHECK_STR(reason(), STR(""));
}

static void test_thresholds(void)
{
	n_changes = 0;
	apply(4, 1);
	check_case("a good one begins the count anew");
	for (unsigned i = 0; i < 3; i++) {
		ask("HTTP/1.1 500 No\r\n\r\n", 1);
		ask("HTTP/1.1 200 OK\r\n\r\n", 1);
	}
	CHECK_INT(n_changes, 0);
	check_case("four in a row, then one");
	ask("HTTP/1.1 500 No\r\n\r\n", 4);
	UNTIL(is_failing);
	ask("HTTP/1.1 200 OK\r\n\r\n", 1);
	UNTIL(!is_failing);
}

int main(void)
{
	const struct probes_options options = {.on_change = on_change};
	struct sockaddr_storage sa;
	socklen_t len;
	uv_thread_t thread;

	uv_loop_init(&loop);
	uv_timer_init(&loop, &tick);
	uv_timer_start(&tick, on_tick, 5, 5);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	addr_parse_host_port(STR("127.0.0.1:0"), &addr);
	len = addr_to_sockaddr(&addr, &sa);
	CHECK(bind(fd, (struct sockaddr *)&sa, len) == 0 && listen(fd, 16) == 0);
	len = sizeof(sa);
	getsockname(fd, (struct sockaddr *)&sa, &len);
	addr_from_sockaddr((struct sockaddr *)&sa, &addr);
	answer = CLOSES;
	uv_thread_create(&thread, serve, NULL);
	probes = probes_create(&loop, &options);
	test_answers();
	test_thresholds();
	check_case("nobody listens");
	shutdown(fd, SHUT_RDWR);
	uv_thread_join(&thread);
	close(fd);
	UNTIL(is_failing && str_eq(reason(), STR("connection refused")));
	CHECK_STR(str_first(str_from(request), 25), STR("GET /healthz?x=1 HTTP/1.1"));
	probes_close(probes);
	uv_close((uv_handle_t *)&tick, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&loop), 0);
	return check_done();
}

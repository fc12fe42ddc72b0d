/* Real loopback sockets; port 0 everywhere. Waiting is turning the loop until a condition holds or a deadline passes. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "listener.h"
#include "log.h"

#define DEADLINE_MS 5000
#define CLIENTS_MAX 200

struct taken {
	int fds[CLIENTS_MAX];
	int n;
	struct addr peer, local;
	int pause_at; /* pause the listener at this many; 0 never */
};

static void on_accept(struct listener *l, int fd, const struct addr *peer, const struct addr *local)
{
	struct taken *t = l->owner;

	t->fds[t->n++] = fd;
	t->peer = *peer;
	t->local = *local;
	if (t->n == t->pause_at)
		listener_pause(l, true);
}

static void on_tick(uv_timer_t *timer)
{
	(void)timer;
}

/* Turns the loop until *n reaches `want`. */
static bool turn_until(uv_loop_t *loop, const int *n, int want)
{
	uint64_t until_ms = clock_mono_ms() + DEADLINE_MS;
	uv_timer_t tick;

	uv_timer_init(loop, &tick);
	uv_timer_start(&tick, on_tick, 5, 5);
	while (*n < want && clock_mono_ms() < until_ms)
		uv_run(loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&tick, NULL);
	uv_run(loop, UV_RUN_NOWAIT);
	return *n >= want;
}

static struct addr address(const char *text)
{
	struct addr a;

	CHECK(addr_parse_host_port(str_from(text), &a));
	return a;
}

static int connect_to(const struct addr *a)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(a, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (const struct sockaddr *)&sa, len) == 0)
		return fd;
	close(fd);
	return -1;
}

static void close_all(struct taken *t)
{
	for (int i = 0; i < t->n; i++)
		close(t->fds[i]);
	t->n = 0;
}

static void on_closed(struct listener *l)
{
	*(int *)l->owner += 1;
}

static void close_listener(struct listener *l, uv_loop_t *loop)
{
	int n_closed = 0;

	l->owner = &n_closed;
	listener_close(l, on_closed);
	CHECK(turn_until(loop, &n_closed, 1));
}

static void test_accept(uv_loop_t *loop, const char *where)
{
	struct addr want = address(where), bound;
	struct taken taken = {0};
	struct listener l;
	int fd = listener_bind(&want, &bound);
	int client, value = 0;
	socklen_t len = sizeof(value);

	check_case(where);
	CHECK(fd >= 0);
	CHECK(bound.port != 0);
	CHECK_INT(listener_open(&l, loop, fd, on_accept, &taken), 0);
	CHECK_INT(listener_addr(&l)->port, bound.port);
	if (want.family == 4 && want.ip[0] == 0)
		want = address("127.0.0.1:0");
	want.port = bound.port;
	client = connect_to(&want);
	CHECK(client >= 0);
	CHECK(turn_until(loop, &taken.n, 1));
	CHECK(addr_eq_ip(&taken.peer, &want));
	CHECK(addr_eq(&taken.local, &want));
	CHECK(fcntl(taken.fds[0], F_GETFL) & O_NONBLOCK);
	CHECK(fcntl(taken.fds[0], F_GETFD) & FD_CLOEXEC);
	getsockopt(taken.fds[0], IPPROTO_TCP, TCP_NODELAY, &value, &len);
	CHECK(value != 0);
	close_all(&taken);
	close(client);
	close_listener(&l, loop);
}

/* Two workers share the port; a stranger cannot take it. */
static void test_join(uv_loop_t *loop)
{
	struct addr want = address("127.0.0.1:0"), bound, other;
	struct taken first = {0}, second = {0};
	struct listener a, b;
	int n_clients = 64, clients[64], total = 0;

	check_case("join");
	CHECK_INT(listener_open(&a, loop, listener_bind(&want, &bound), on_accept, &first), 0);
	CHECK_INT(listener_open(&b, loop, listener_join(&bound), on_accept, &second), 0);
	CHECK_INT(listener_bind(&bound, &other), -EADDRINUSE);
	for (int i = 0; i < n_clients; i++)
		clients[i] = connect_to(&bound);
	for (uint64_t until_ms = clock_mono_ms() + DEADLINE_MS; total < n_clients && clock_mono_ms() < until_ms;) {
		uv_run(loop, UV_RUN_ONCE);
		total = first.n + second.n;
	}
	CHECK_INT(total, n_clients);
	CHECK(first.n > 0 && second.n > 0);
	for (int i = 0; i < n_clients; i++)
		close(clients[i]);
	close_all(&first);
	close_all(&second);
	close_listener(&a, loop);
	close_listener(&b, loop);
}

/* At the limit the rest waits in the kernel and is taken later. */
static void test_pause(uv_loop_t *loop)
{
	struct addr want = address("127.0.0.1:0"), bound;
	struct taken taken = {.pause_at = 2};
	struct listener l;
	int clients[5];

	check_case("pause");
	CHECK_INT(listener_open(&l, loop, listener_bind(&want, &bound), on_accept, &taken), 0);
	for (int i = 0; i < 5; i++)
		clients[i] = connect_to(&bound);
	CHECK(turn_until(loop, &taken.n, 2));
	uv_run(loop, UV_RUN_NOWAIT);
	CHECK_INT(taken.n, 2);
	taken.pause_at = 0;
	listener_pause(&l, false);
	CHECK(turn_until(loop, &taken.n, 5));
	for (int i = 0; i < 5; i++)
		close(clients[i]);
	close_all(&taken);
	close_listener(&l, loop);
}

/* Drain: who is in the queue is served, who comes later is refused. */
static void test_stop(uv_loop_t *loop)
{
	struct addr want = address("127.0.0.1:0"), bound;
	struct taken taken = {0};
	struct listener l;
	int clients[100];

	check_case("stop");
	CHECK_INT(listener_open(&l, loop, listener_bind(&want, &bound), on_accept, &taken), 0);
	for (int i = 0; i < 100; i++)
		clients[i] = connect_to(&bound);
	listener_stop(&l);
	CHECK_INT(taken.n, 100);
	CHECK_INT(connect_to(&bound), -1);
	CHECK_INT(errno, ECONNREFUSED);
	listener_stop(&l);
	listener_pause(&l, true);
	for (int i = 0; i < 100; i++)
		close(clients[i]);
	close_all(&taken);
	close_listener(&l, loop);
}

/* Out of descriptors: the client in front is turned away at once, others are served when descriptors are back. */
static void test_out_of_fds(uv_loop_t *loop)
{
	struct addr want = address("127.0.0.1:0"), bound;
	struct rlimit before, low;
	struct taken taken = {0};
	struct listener l;
	struct pollfd end = {.events = POLLIN};
	int first, second;
	char byte;

	check_case("out of descriptors");
	CHECK_INT(listener_open(&l, loop, listener_bind(&want, &bound), on_accept, &taken), 0);
	first = connect_to(&bound);
	getrlimit(RLIMIT_NOFILE, &before);
	low = before;
	low.rlim_cur = (rlim_t)first + 1;
	setrlimit(RLIMIT_NOFILE, &low);
	for (uint64_t until_ms = clock_mono_ms() + DEADLINE_MS; l.n_out_of_fds == 0 && clock_mono_ms() < until_ms;)
		uv_run(loop, UV_RUN_NOWAIT);
	setrlimit(RLIMIT_NOFILE, &before);
	CHECK_INT(l.n_out_of_fds, 1);
	CHECK_INT(taken.n, 0);
	end.fd = first;
	CHECK_INT(poll(&end, 1, DEADLINE_MS), 1);
	CHECK_INT(read(first, &byte, 1), 0);
	CHECK(l.reserve_fd >= 0);
	second = connect_to(&bound);
	CHECK(turn_until(loop, &taken.n, 1));
	close(first);
	close(second);
	close_all(&taken);
	close_listener(&l, loop);
}

int main(void)
{
	uv_loop_t loop;

	log_set_level(LOG_ERROR);
	uv_loop_init(&loop);
	test_accept(&loop, "127.0.0.1:0");
	test_accept(&loop, "0.0.0.0:0");
	test_accept(&loop, "[::1]:0");
	test_join(&loop);
	test_pause(&loop);
	test_stop(&loop);
	test_out_of_fds(&loop);
	CHECK_INT(uv_loop_close(&loop), 0);
	return check_done();
}

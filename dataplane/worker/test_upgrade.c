/* Tunnels (SEMANTICS G10 to G12), and what changes of configuration do to them. */
#include "fixture.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "clock.h"

static struct fixture f;
static int backend, backend_port;

#define UPGRADE "GET /ws HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n\r\n"
#define SWITCHED "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: y\r\n\r\n"

static void open_tunnel(const char *request, const char *response, int *c, int *b)
{
	const char *text;

	*c = client_connect(&f.http);
	put(*c, request);
	*b = backend_accept(backend);
	text = take_until(*b, "\r\n\r\n");
	CHECK_HAS(text, "\r\nUpgrade: websocket\r\n");
	CHECK_HAS(text, "\r\nConnection: upgrade\r\n");
	put(*b, response);
	text = take_until(*c, "\r\n\r\n");
	CHECK_HAS(text, "HTTP/1.1 101 ");
	CHECK_HAS(text, "\r\nUpgrade: websocket\r\n");
	CHECK_HAS(text, "\r\nConnection: upgrade\r\n");
	CHECK_HAS(text, "\r\nSec-WebSocket-Accept: y\r\n");
}

static void check_echo(int c, int b)
{
	put(c, "ping");
	CHECK_STR(str_from(take(b, 4)), STR("ping"));
	put(b, "pong!");
	CHECK_STR(str_from(take(c, 5)), STR("pong!"));
}

static void test_both_ways(void)
{
	int c, b;

	check_case("G11: bytes both ways; what came with the upgrade is not lost; the backend's end ends both");
	open_tunnel(UPGRADE "early", SWITCHED "first", &c, &b);
	CHECK_STR(str_from(take(b, 5)), STR("early"));
	CHECK_STR(str_from(take(c, 5)), STR("first"));
	check_echo(c, b);
	put(b, "last");
	close(b);
	CHECK_STR(str_from(take_all(c)), STR("last"));
	close(c);

	check_case("G11: the client's end ends both");
	open_tunnel(UPGRADE, SWITCHED, &c, &b);
	put(c, "bye");
	shutdown(c, SHUT_WR);
	CHECK_STR(str_from(take_all(b)), STR("bye"));
	CHECK(is_closed(c));
	close(c);
	close(b);

	check_case("a refused upgrade is an ordinary answer, and its connection is not used again");
	c = client_connect(&f.http);
	for (int i = 0; i < 2; i++) {
		put(c, UPGRADE);
		b = backend_accept(backend);
		take_until(b, "\r\n\r\n");
		put(b, "HTTP/1.1 400 No\r\nContent-Length: 2\r\n\r\nno");
		CHECK_HAS(take_until(c, "\r\n\r\nno"), " 400 No");
		CHECK(is_closed(b));
		close(b);
	}
	close(c);

	check_case("an upgrade with a body is no upgrade");
	c = client_connect(&f.http);
	put(c, "POST /ws HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nab");
	b = backend_accept(backend);
	CHECK_HAS_NOT(take_until(b, "\r\n\r\n"), "Upgrade");
	close(b);
	close(c);
}

/* More than all buffers on the way hold, while one side does not read. */
static void test_back_pressure(void)
{
	static char block[1 << 16];
	size_t sent = 0, got = 0;
	int c, b;

	check_case("a side that does not read stops the other, and loses nothing");
	open_tunnel(UPGRADE, SWITCHED, &c, &b);
	setsockopt(b, SOL_SOCKET, SO_SNDTIMEO, &(struct timeval){.tv_usec = 300000}, sizeof(struct timeval));
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (char)('a' + i % 26);
	for (ssize_t n = 1; n > 0 && sent < (64u << 20);) { /* until nothing on the way takes more */
		n = send(b, block + sent % 26, sizeof(block) - 26, MSG_NOSIGNAL);
		if (n > 0)
			sent += (size_t)n;
	}
	put(c, "other way");
	CHECK_STR(str_from(take(b, 9)), STR("other way"));
	shutdown(b, SHUT_WR);
	for (;;) {
		static char piece[1 << 20];
		ssize_t n = recv(c, piece, sizeof(piece), 0);

		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n && piece[i] == (char)('a' + got % 26); i++)
			got++;
	}
	CHECK_INT(got, sent);
	close(c);
	close(b);
}

static void set_read_timeout(const char *host, uint32_t ms)
{
	Weirlock__V1__Policy policy;

	fixture_policy(&policy);
	policy.proxy_read_timeout_ms = ms;
	fixture_put_simple_host(&f, host, "default-web-80", &policy);
}

static void test_changes(void)
{
	int c, b, c2, b2, other_port, other;

	open_tunnel(UPGRADE, SWITCHED, &c, &b);
	check_case("G12: endpoints, timeouts and other hosts change, the tunnel stays");
	other = backend_listen(&other_port);
	fixture_put_backend(&f, "default-web-80", &other_port, 1);
	fixture_put_simple_host(&f, "b.test", "default-web-80", NULL);
	fixture_apply(&f);
	check_echo(c, b);
	fixture_put_backend(&f, "default-web-80", &backend_port, 1);
	set_read_timeout("a.test", 30000);
	fixture_apply(&f);
	check_echo(c, b);

	check_case("a removed route ends its tunnel and no other");
	c2 = client_connect(&f.http);
	put(c2, "GET /ws HTTP/1.1\r\nHost: b.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
	b2 = backend_accept(backend);
	take_until(b2, "\r\n\r\n");
	put(b2, SWITCHED);
	take_until(c2, "\r\n\r\n");
	content_drop(f.content, WEIRLOCK__V1__KIND__KIND_HOST, STR("b.test"));
	fixture_apply(&f);
	CHECK(is_closed(c2));
	CHECK(is_closed(b2));
	check_echo(c, b);
	close(c2);
	close(b2);

	check_case("tunnels do not keep old generations");
	CHECK(generation_live_count() <= 2);

	check_case("a shorter timeout counts for the open tunnel, from its last byte");
	set_read_timeout("a.test", 300);
	check_echo(c, b);
	fixture_apply(&f);
	CHECK(is_closed(c));
	CHECK(is_closed(b));
	close(c);
	close(b);
	close(other);
}

/* Each generation moves every tunnel; none may be closed, lost or counted twice. */
static void test_many_generations(void)
{
	enum { TUNNELS = 50, GENERATIONS = 1000 };
	static int c[TUNNELS], b[TUNNELS];

	check_case("G12: 50 tunnels through 1,000 generations");
	set_read_timeout("a.test", 60000);
	fixture_apply(&f);
	for (int i = 0; i < TUNNELS; i++)
		open_tunnel(UPGRADE, SWITCHED, &c[i], &b[i]);
	for (uint32_t n = 0; n < GENERATIONS; n++) {
		set_read_timeout("a.test", 60000 + n);
		fixture_apply(&f);
		check_echo(c[n % TUNNELS], b[n % TUNNELS]);
	}
	CHECK(generation_live_count() <= 2);
	for (int i = 0; i < TUNNELS; i++) {
		check_echo(c[i], b[i]);
		close(c[i]);
		CHECK(is_closed(b[i]));
		close(b[i]);
	}
}

static void test_idle(void)
{
	uint64_t began;
	int c, b;

	check_case("G11: one direction keeps the tunnel open, silence ends it");
	set_read_timeout("a.test", 400);
	fixture_apply(&f);
	open_tunnel(UPGRADE, SWITCHED, &c, &b);
	for (int i = 0; i < 4; i++) {
		CHECK(is_quiet(b, 200));
		put(b, ".");
		take(c, 1);
	}
	began = clock_mono_ms();
	CHECK(is_closed(c));
	CHECK(clock_mono_ms() - began >= 390);
	CHECK(is_closed(b));
	close(c);
	close(b);
	set_read_timeout("a.test", 60000);
	fixture_apply(&f);
}

static void test_drain(void)
{
	int c, b;

	check_case("drain: tunnels end after worker-shutdown-timeout");
	f.settings.worker_shutdown_timeout_ms = 300;
	fixture_put_settings(&f);
	fixture_apply(&f);
	open_tunnel(UPGRADE, SWITCHED, &c, &b);
	workers_drain(f.workers);
	check_echo(c, b);
	CHECK(is_closed(c));
	CHECK(is_closed(b));
	fixture_wait(&f, &f.is_drained);
	close(c);
	close(b);
}

static void test_drain_without_limit(void)
{
	int c, b;

	check_case("drain: worker-shutdown-timeout 0 lets tunnels run until they end (G12)");
	f.settings.worker_shutdown_timeout_ms = 0;
	fixture_put_settings(&f);
	fixture_apply(&f);
	open_tunnel(UPGRADE, SWITCHED, &c, &b);
	workers_drain(f.workers);
	for (int i = 0; i < 20; i++) {
		usleep(20000); /* a limit of nothing would be over with the first tick */
		check_echo(c, b);
	}
	CHECK(!f.is_drained);
	close(c);
	CHECK(is_closed(b));
	fixture_wait(&f, &f.is_drained);
	close(b);
}

static void start(void)
{
	fixture_start(&f, 1);
	fixture_put_backend(&f, "default-web-80", &backend_port, 1);
	fixture_put_simple_host(&f, "a.test", "default-web-80", NULL);
	fixture_apply(&f);
}

int main(void)
{
	backend = backend_listen(&backend_port);
	start();
	test_both_ways();
	test_back_pressure();
	test_changes();
	test_many_generations();
	test_idle();
	fixture_wait_metric(&f, offsetof(struct metrics, tunnels_open), 0);
	test_drain();
	fixture_stop(&f);
	f = (struct fixture){0};
	start();
	test_drain_without_limit();
	fixture_stop(&f);
	close(backend);
	return check_done();
}

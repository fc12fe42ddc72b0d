#ifndef SESSION_CASE_H
#define SESSION_CASE_H
/* For tests and fuzzing: calls to an endpoint on loopback that says what it is told. One process, one loop, no waiting. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "deadline.h"
#include "upstream_private.h"

enum { PIECE = 4096 };

static uv_loop_t loop;
static struct deadlines deadlines;
static struct laters laters;
static int listener = -1;
static struct addr endpoint;

static void prepare_case(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);

	deadlines_init(&deadlines, 1000);
	laters_init(&laters);
	if (listener >= 0)
		return;
	uv_loop_init(&loop);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&at, len) != 0 || listen(listener, 16) != 0 ||
		getsockname(listener, (struct sockaddr *)&at, &len) != 0)
		abort();
	endpoint = (struct addr){.family = 4, .port = ntohs(at.sin_port), .ip = {127, 0, 0, 1}};
}

/* The connection that a call has begun. Its bytes leave as they are sent. */
static int accept_case(void)
{
	int on = 1, fd = accept(listener, NULL, NULL);

	if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0)
		abort();
	return fd;
}

static struct upstream_pool *make_pool(uint32_t max_requests)
{
	const struct upstream_limits limits = {.max_idle = 8, .max_requests = max_requests, .idle_ms = 60000};
	struct upstream_pool *pool = upstream_pool_create(&loop, &deadlines, &laters);

	upstream_set_limits(pool, &limits);
	return pool;
}

/* Until nothing more happens; what the proxy sends is thrown away. */
static void settle_case(int fd)
{
	char space[PIECE];

	for (int quiet = 0; quiet < 2; quiet++) {
		laters_run(&laters);
		uv_run(&loop, UV_RUN_NOWAIT);
		if (fd >= 0 && recv(fd, space, sizeof(space), MSG_DONTWAIT) > 0)
			quiet = 0;
	}
	laters_run(&laters);
}

static void feed_case(int fd, const uint8_t *data, size_t size)
{
	while (size) {
		ssize_t sent = send(fd, data, size < PIECE ? size : PIECE, MSG_NOSIGNAL | MSG_DONTWAIT);

		settle_case(fd);
		if (sent <= 0)
			return;
		data += sent;
		size -= (size_t)sent;
	}
}

/* All calls must be closed. */
static void end_pool(struct upstream_pool *pool)
{
	upstream_pool_close(pool);
	while (upstream_n_open(pool))
		uv_run(&loop, UV_RUN_ONCE);
	upstream_pool_destroy(pool);
	deadlines_run(&deadlines, 1000);
}

#endif

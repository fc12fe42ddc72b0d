#ifndef TEST_LOOP_H
#define TEST_LOOP_H
/* What both tests need: a stream with a memory of its events, a bare socket at the other end, turns of the loop. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "mem.h"
#include "stream.h"

#define TEST_DEADLINE_MS 10000

struct end {
	struct stream s;
	unsigned seen;          /* events so far */
	unsigned n_readable;    /* how often READABLE was told */
	bool reads;             /* reads what comes into `in` */
	bool closes;            /* closes itself at the first event */
	size_t read_size;       /* of one stream_read; 0: all the room */
	char *in;
	size_t in_len, in_room;
	ssize_t last_read;      /* of the last stream_read */
	bool is_closed;
};

static inline void end_on_closed(struct stream *s)
{
	struct end *e = container_of(s, struct end, s);

	e->is_closed = true;
}

static inline void end_on_event(struct stream *s, unsigned events)
{
	struct end *e = container_of(s, struct end, s);

	e->seen |= events;
	if (events & STREAM_READABLE)
		e->n_readable++;
	if (e->closes) {
		stream_close(s, false, end_on_closed);
		return;
	}
	if (!e->reads || !(events & STREAM_READABLE))
		return;
	if (e->in_room - e->in_len < 65536) {
		e->in_room = e->in_room * 2 + 65536;
		e->in = mem_realloc(e->in, e->in_room);
	}
	e->last_read = stream_read(s, e->in + e->in_len, e->read_size ? e->read_size : e->in_room - e->in_len);
	if (e->last_read > 0)
		e->in_len += (size_t)e->last_read;
	else if (e->last_read < 0)
		stream_want_read(s, false);
}

static inline void test_on_tick(uv_timer_t *timer)
{
	(void)timer;
}

/* Turns the loop until the condition holds or the deadline passes; what the condition is. */
#define TURN_UNTIL(loop, condition)                                                                \
	do {                                                                                       \
		uint64_t until_ms_ = clock_mono_ms() + TEST_DEADLINE_MS;                           \
		uv_timer_t tick_;                                                                  \
		uv_timer_init(loop, &tick_);                                                       \
		uv_timer_start(&tick_, test_on_tick, 2, 2);                                        \
		while (!(condition) && clock_mono_ms() < until_ms_)                                \
			uv_run(loop, UV_RUN_ONCE);                                                 \
		uv_close((uv_handle_t *)&tick_, NULL);                                             \
		uv_run(loop, UV_RUN_NOWAIT);                                                       \
		CHECK(condition);                                                                  \
	} while (0)

/* A few turns in which something must not happen. */
static inline void test_turn(uv_loop_t *loop)
{
	for (int i = 0; i < 5; i++)
		uv_run(loop, UV_RUN_NOWAIT);
}

static inline void end_close(struct end *e, uv_loop_t *loop)
{
	if (!e->is_closed && e->s.fd >= 0)
		stream_close(&e->s, false, end_on_closed);
	TURN_UNTIL(loop, e->is_closed);
	mem_free(e->in);
	memset(e, 0, sizeof(*e));
}

static inline int test_listen(struct addr *at, int backlog)
{
	struct sockaddr_storage sa;
	socklen_t len;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	addr_parse_host_port(STR("127.0.0.1:0"), at);
	len = addr_to_sockaddr(at, &sa);
	if (bind(fd, (struct sockaddr *)&sa, len) != 0 || listen(fd, backlog) != 0)
		abort();
	len = sizeof(sa);
	getsockname(fd, (struct sockaddr *)&sa, &len);
	addr_from_sockaddr((struct sockaddr *)&sa, at);
	return fd;
}

static inline void test_set_nonblocking(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* Two ends of one loopback connection, both non-blocking. */
static inline void test_pair(int *accepted, int *far)
{
	struct addr at;
	struct sockaddr_storage sa;
	int listening = test_listen(&at, 1);
	socklen_t len = addr_to_sockaddr(&at, &sa);

	*far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(*far, (struct sockaddr *)&sa, len) != 0)
		abort();
	*accepted = accept(listening, NULL, NULL);
	close(listening);
	test_set_nonblocking(*accepted);
	test_set_nonblocking(*far);
}

/* Bytes that show any loss or exchange of places. */
static inline char *test_pattern(size_t len)
{
	char *p = mem_alloc(len);

	for (size_t i = 0; i < len; i++)
		p[i] = (char)((i * 2654435761u) >> 13);
	return p;
}

static inline void test_reset(int fd)
{
	const struct linger now = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

#endif

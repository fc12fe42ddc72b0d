/*
 * Listening sockets. The first one on an address is bound without SO_REUSEPORT, so that a second program there is told
 * "address in use" instead of silently taking half of the connections; then the option is set, and our own may join.
 */
#include "listener.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "mem.h"

#define ACCEPTS_A_TURN 64
#define RETRY_MS 100
#define WARN_EVERY_MS 60000

static int set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) == 0 ? 0 : -errno;
}

static int open_socket(const struct addr *a, bool is_ipv6_alone)
{
	int fd = socket(a->family == 6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return -errno;
	error = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (!error && a->family == 6)
		error = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, is_ipv6_alone);
	if (!error) /* accepted sockets inherit it: one call for all of them */
		error = set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (!error)
		return fd;
	close(fd);
	return error;
}

static int bind_socket(int fd, const struct addr *a)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(a, &sa);

	return bind(fd, (const struct sockaddr *)&sa, len) == 0 ? 0 : -errno;
}

static int bound_address(int fd, struct addr *out)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	if (getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
		return -errno;
	return addr_from_sockaddr((const struct sockaddr *)&sa, out) ? 0 : -EAFNOSUPPORT;
}

static int claim(const struct addr *want, bool is_ipv6_alone, struct addr *bound)
{
	int fd = open_socket(want, is_ipv6_alone);
	int error;

	if (fd < 0)
		return fd;
	error = bind_socket(fd, want);
	if (!error)
		error = bound_address(fd, bound);
	if (!error)
		error = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (!error)
		return fd;
	close(fd);
	return error;
}

int listener_bind(const struct addr *want, struct addr *bound)
{
	return claim(want, true, bound);
}

int listener_bind_both(const struct addr *want, struct addr *bound)
{
	return claim(want, false, bound);
}

int listener_join(const struct addr *bound)
{
	int fd = open_socket(bound, true);
	int error;

	if (fd < 0)
		return fd;
	error = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (!error)
		error = bind_socket(fd, bound);
	if (!error)
		return fd;
	close(fd);
	return error;
}

static void on_readable(uv_poll_t *poll, int status, int events);

static void update_polling(struct listener *l)
{
	int error;

	if (l->fd < 0)
		return;
	if (l->is_paused || uv_is_active((const uv_handle_t *)&l->retry))
		error = uv_poll_stop(&l->poll);
	else
		error = uv_poll_start(&l->poll, UV_READABLE, on_readable);
	assert(error == 0);
}

static void on_retry(uv_timer_t *retry)
{
	update_polling(container_of(retry, struct listener, retry));
}

static int open_reserve(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void warn_out_of_fds(struct listener *l, int error)
{
	char text[ADDR_TEXT_MAX];
	uint64_t now_ms = clock_mono_ms();

	l->n_out_of_fds++;
	if (l->warned_ms && now_ms - l->warned_ms < WARN_EVERY_MS)
		return;
	l->warned_ms = now_ms;
	log_warn("listener", "connections are refused: out of descriptors or memory address=%s error=\"%s\" times=%llu",
		addr_text(&l->bound, text), uv_strerror(error), (unsigned long long)l->n_out_of_fds);
}

/*
 * The connection in front would wake us for ever. With the reserve it is accepted and closed, so that its client learns at
 * once; then the listener rests, for others to give descriptors back.
 */
static void shed_one(struct listener *l, int error)
{
	int fd;

	warn_out_of_fds(l, error);
	if (l->reserve_fd >= 0) {
		close(l->reserve_fd);
		fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			close(fd);
		l->reserve_fd = open_reserve();
	} else {
		l->reserve_fd = open_reserve();
	}
	uv_timer_start(&l->retry, on_retry, RETRY_MS, 0);
	update_polling(l);
}

static void hand_over(struct listener *l, int fd, const struct sockaddr_storage *sa)
{
	static const uint8_t any[16];
	struct addr local = l->bound;
	struct addr peer = {0};

	addr_from_sockaddr((const struct sockaddr *)sa, &peer);
	if (memcmp(local.ip, any, sizeof(any)) == 0)
		bound_address(fd, &local);
	l->n_accepted++;
	l->on_accept(l, fd, &peer, &local);
}

/* Accepts one; false when there is nothing more to do now. */
static bool accept_one(struct listener *l)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	int fd = accept4(l->fd, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		hand_over(l, fd, &sa);
		return true;
	}
	switch (errno) {
	case EAGAIN:
		return false;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		shed_one(l, -errno);
		return false;
	default: /* that one connection failed before we took it: accept(2) */
		return true;
	}
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct listener *l = container_of(poll, struct listener, poll);

	(void)status;
	(void)events;
	for (int i = 0; i < ACCEPTS_A_TURN && l->fd >= 0 && !l->is_paused; i++) {
		if (!accept_one(l))
			break;
	}
}

int listener_open(struct listener *l, uv_loop_t *loop, int fd, listener_accept_fn *on_accept, void *owner)
{
	int error;

	memset(l, 0, sizeof(*l));
	l->owner = owner;
	l->on_accept = on_accept;
	l->fd = fd;
	error = bound_address(fd, &l->bound);
	if (!error && listen(fd, LISTENER_BACKLOG) != 0)
		error = -errno;
	if (!error)
		error = uv_poll_init(loop, &l->poll, fd);
	if (error) {
		close(fd);
		l->fd = -1;
		return error;
	}
	uv_timer_init(loop, &l->retry);
	l->n_handles = 2;
	l->reserve_fd = open_reserve();
	update_polling(l);
	return 0;
}

void listener_pause(struct listener *l, bool is_paused)
{
	if (l->is_paused == is_paused)
		return;
	l->is_paused = is_paused;
	update_polling(l);
}

static void close_socket(struct listener *l)
{
	if (l->fd < 0)
		return;
	uv_poll_stop(&l->poll);
	uv_timer_stop(&l->retry);
	close(l->fd);
	l->fd = -1;
	if (l->reserve_fd >= 0)
		close(l->reserve_fd);
	l->reserve_fd = -1;
}

void listener_stop(struct listener *l)
{
	for (int i = 0; i < LISTENER_BACKLOG && l->fd >= 0; i++) {
		if (!accept_one(l))
			break;
	}
	close_socket(l);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct listener *l = handle->data;

	if (--l->n_handles == 0 && l->on_closed)
		l->on_closed(l);
}

void listener_close(struct listener *l, listener_closed_fn *on_closed)
{
	l->on_closed = on_closed;
	close_socket(l);
	l->poll.data = l;
	l->retry.data = l;
	uv_close((uv_handle_t *)&l->poll, on_handle_closed);
	uv_close((uv_handle_t *)&l->retry, on_handle_closed);
}

const struct addr *listener_addr(const struct listener *l)
{
	return &l->bound;
}

#include "socket.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <nanomsg/nn.h>
#include <nanomsg/reqrep.h>
#include <nanomsg/tcp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addr.h"

/* Messages are one chunk each; a peer's claim of more than this closes its connection. Never -1: it would abort. */
static int receive_max(bool is_server)
{
	return (is_server ? (int)RPC_REQUEST_MAX * 2 : (int)RPC_ANSWER_MAX * 2);
}

/* nanomsg's retries have no jitter of their own. */
static int jittered_interval_ms(void)
{
	uint32_t n = 0;

	if (getrandom(&n, sizeof(n), GRND_NONBLOCK) != (ssize_t)sizeof(n))
		n = (uint32_t)getpid();
	return 50 + (int)(n % 200);
}

int socket_open(bool is_server)
{
	int on = 1, off = 0, send_buf = 256 * 1024, max = receive_max(is_server);
	int interval = jittered_interval_ms(), interval_max = 1000;
	int fd = nn_socket(AF_SP_RAW, is_server ? NN_REP : NN_REQ);

	if (fd < 0)
		return -nn_errno();
	nn_setsockopt(fd, NN_TCP, NN_TCP_NODELAY, &on, sizeof(on));
	nn_setsockopt(fd, NN_SOL_SOCKET, NN_RCVMAXSIZE, &max, sizeof(max));
	nn_setsockopt(fd, NN_SOL_SOCKET, NN_SNDBUF, &send_buf, sizeof(send_buf));
	nn_setsockopt(fd, NN_SOL_SOCKET, NN_IPV4ONLY, &off, sizeof(off));
	nn_setsockopt(fd, NN_SOL_SOCKET, NN_RECONNECT_IVL, &interval, sizeof(interval));
	nn_setsockopt(fd, NN_SOL_SOCKET, NN_RECONNECT_IVL_MAX, &interval_max, sizeof(interval_max));
	return fd;
}

/* ------------------------------------------------------------------------------------------------------------- urls */

bool rpc_url_split(const char *url, struct str *host, struct str *port)
{
	struct str s = str_from(url);
	size_t colon;

	if (!str_starts_with(s, STR("tcp://")))
		return false;
	s = str_from_index(s, 6);
	colon = str_rfind(s, ':');
	if (colon == s.len)
		return false;
	*host = str_first(s, colon);
	*port = str_from_index(s, colon + 1);
	return true;
}

uint16_t socket_port(const char *url)
{
	struct str host, port;
	uint64_t n;

	return rpc_url_split(url, &host, &port) && str_to_u64(port, UINT16_MAX, &n) ? (uint16_t)n : 0;
}

bool rpc_url_is_valid(const char *url, const char **why)
{
	struct str s = str_from(url), host, port;
	uint64_t n;

	*why = "not a tcp://HOST:PORT or ipc://PATH address";
	if (str_starts_with(s, STR("ipc://")))
		return s.len > 6;
	return rpc_url_split(url, &host, &port) && host.len && str_to_u64(port, UINT16_MAX, &n);
}

bool rpc_url_is_local(const char *url, const char **why)
{
	const struct cidr loopback4 = {.net = {.family = 4, .ip = {127}}, .prefix = 8};
	struct str host, port;
	struct addr addr;

	if (str_starts_with(str_from(url), STR("ipc://")))
		return true;
	if (!rpc_url_split(url, &host, &port)) {
		*why = "not a tcp://HOST:PORT or ipc://PATH address";
		return false;
	}
	if (str_eq(host, STR("localhost")) || str_eq(host, STR("[::1]")))
		return true;
	if (addr_parse_ip(host, &addr) && cidr_contains(&loopback4, &addr))
		return true;
	*why = "without TLS only ipc:// and loopback addresses are allowed";
	return false;
}

bool rpc_check_urls(const char *option, const char *const *urls, size_t n, struct buf *error)
{
	const char *why;

	for (size_t i = 0; i < n; i++) {
		if (!rpc_url_is_valid(urls[i], &why)) {
			buf_printf(error, "--%s %s: %s", option, urls[i], why);
			return false;
		}
	}
	return true;
}

bool rpc_check_trust(const char *identity, bool is_insecure, struct buf *error)
{
	if (!identity && !is_insecure) {
		buf_add(error, STR("--identity DIR is needed: deploy/identity makes one (or --insecure, for ipc:// and loopback)"));
		return false;
	}
	if (identity && is_insecure) {
		buf_add(error, STR("--identity and --insecure exclude each other"));
		return false;
	}
	return true;
}

bool rpc_check_local(const char *option, const char *const *urls, size_t n, struct buf *error)
{
	const char *why;

	for (size_t i = 0; i < n; i++) {
		if (!rpc_url_is_local(urls[i], &why)) {
			buf_printf(error, "--insecure with --%s %s: %s", option, urls[i], why);
			return false;
		}
	}
	return true;
}

/* A port that nobody has now. Another process may take it before we do; the caller tries again. */
static int free_port(struct str host, uint16_t *out)
{
	struct sockaddr_storage sa = {0};
	struct addr addr = {.family = 4};
	socklen_t len;
	int fd, result = 0;

	if (host.len > 2 && host.ptr[0] == '[')
		host = str_of(host.ptr + 1, host.len - 2);
	if (!str_eq(host, STR("*")) && !addr_parse_ip(host, &addr))
		return -EINVAL;
	len = addr_to_sockaddr(&addr, &sa);
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&sa, len) != 0 || getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
		result = -errno;
	else if (!addr_from_sockaddr((struct sockaddr *)&sa, &addr))
		result = -EINVAL;
	*out = addr.port;
	close(fd);
	return result;
}

static int bind_once(int fd, const char *url)
{
	int on = 1;

	if (nn_bind(fd, url) >= 0)
		return 0;
	/* A kernel without IPv6 cannot bind "*" for both. */
	if (nn_errno() != EAFNOSUPPORT && nn_errno() != EADDRNOTAVAIL)
		return -nn_errno();
	nn_setsockopt(fd, NN_SOL_SOCKET, NN_IPV4ONLY, &on, sizeof(on));
	return nn_bind(fd, url) >= 0 ? 0 : -nn_errno();
}

int socket_bind(int fd, const char *url, struct buf *bound, struct buf *error)
{
	struct str host = STR(""), port = STR("");
	bool is_tcp = rpc_url_split(url, &host, &port), picks = is_tcp && str_eq(port, STR("0"));
	int result = -EADDRINUSE;

	if (!is_tcp && !str_starts_with(str_from(url), STR("ipc://"))) {
		buf_printf(error, "%s: not a tcp://ADDR:PORT or ipc://PATH address", url);
		return -EINVAL;
	}
	for (int i = 0; i < (picks ? 20 : 1) && result == -EADDRINUSE; i++) {
		uint16_t number = 0;

		buf_clear(bound);
		if (!picks) {
			buf_add(bound, str_from(url));
		} else {
			result = free_port(host, &number);
			if (result)
				break;
			buf_printf(bound, "tcp://%.*s:%u", STR_ARG(host), number);
		}
		result = bind_once(fd, buf_cstr(bound));
	}
	if (result)
		buf_printf(error, "%s: %s", url, nn_strerror(-result));
	return result;
}

int socket_connect(int fd, const char *url)
{
	/*
	 * nanomsg binds the local end first, to an IPv6 address unless told otherwise; for an IPv4 peer that fails, and its
	 * retry then fails an assertion. So IPv6 is only allowed where the peer's address is one.
	 */
	int ipv4_only = !str_starts_with(str_from(url), STR("tcp://["));
	int endpoint;

	nn_setsockopt(fd, NN_SOL_SOCKET, NN_IPV4ONLY, &ipv4_only, sizeof(ipv4_only));
	endpoint = nn_connect(fd, url);
	return endpoint >= 0 ? endpoint : -nn_errno();
}

int socket_poll_fd(int fd, bool for_sending)
{
	int out = -1;
	size_t size = sizeof(out);

	if (nn_getsockopt(fd, NN_SOL_SOCKET, for_sending ? NN_SNDFD : NN_RCVFD, &out, &size) != 0)
		return -nn_errno();
	return out;
}

/* --------------------------------------------------------------------------------------------------------- messages */

/* The control buffer with room for the back-trace of a few hops more than we accept; nanomsg leaves out what does not fit. */
union control {
	struct nn_cmsghdr head; /* for its alignment */
	uint8_t bytes[128];
};

int socket_receive(int fd, struct socket_message *out)
{
	union control control = {0};
	void *body = NULL;
	struct nn_iovec iov = {.iov_base = &body, .iov_len = NN_MSG};
	struct nn_msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control)};
	int n = nn_recvmsg(fd, &message, NN_DONTWAIT);
	size_t len;

	*out = (struct socket_message){0};
	if (n < 0)
		return nn_errno() == EAGAIN || nn_errno() == EINTR ? 0 : -nn_errno();
	out->bytes = str_of(body, (size_t)n);
	if (control.head.cmsg_level != PROTO_SP || control.head.cmsg_type != SP_HDR)
		return 1;
	memcpy(&len, control.bytes + sizeof(control.head), sizeof(len));
	if (len > SOCKET_TRACE_MAX)
		return 1;
	memcpy(out->trace, control.bytes + sizeof(control.head) + sizeof(len), len);
	out->trace_len = len;
	return 1;
}

void socket_message_deinit(struct socket_message *m)
{
	union {
		const char *borrowed;
		char *owned;
	} bytes = {.borrowed = m->bytes.ptr};

	if (bytes.owned)
		nn_freemsg(bytes.owned);
	*m = (struct socket_message){0};
}

int socket_send(int fd, struct str trace, struct str bytes)
{
	union control control = {0};
	void *body = nn_allocmsg(bytes.len, 0);
	struct nn_iovec iov = {.iov_base = &body, .iov_len = NN_MSG};
	struct nn_msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes};
	int result;

	if (!body)
		return -ENOMEM;
	memcpy(body, bytes.ptr, bytes.len);
	control.head.cmsg_len = sizeof(control.head) + sizeof(size_t) + trace.len;
	control.head.cmsg_level = PROTO_SP;
	control.head.cmsg_type = SP_HDR;
	memcpy(control.bytes + sizeof(control.head), &trace.len, sizeof(trace.len));
	memcpy(control.bytes + sizeof(control.head) + sizeof(size_t), trace.ptr, trace.len);
	message.msg_controllen = NN_CMSG_SPACE(sizeof(size_t) + trace.len);
	if (nn_sendmsg(fd, &message, NN_DONTWAIT) >= 0)
		return 0;
	result = -nn_errno();
	nn_freemsg(body);
	return result;
}

struct socket_stats socket_stats(int fd)
{
	return (struct socket_stats){
		.established = nn_get_statistic(fd, NN_STAT_ESTABLISHED_CONNECTIONS),
		.current = nn_get_statistic(fd, NN_STAT_CURRENT_CONNECTIONS),
		.errors = nn_get_statistic(fd, NN_STAT_CONNECT_ERRORS),
	};
}

/* --------------------------------------------------------------------------------- what nanomsg does not do: closing */

static bool is_local_port(int fd, uint16_t port)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct addr addr;

	return getsockname(fd, (struct sockaddr *)&sa, &len) == 0 &&
		addr_from_sockaddr((struct sockaddr *)&sa, &addr) && addr.port == port;
}

/* True if it was shut down. nanomsg's thread sees the end of the stream and closes it in its own way. */
static bool reap_one(int fd, uint32_t idle_ms)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);
	int on = 1;
	unsigned user_timeout_ms = idle_ms;

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0 || info.tcpi_state != TCP_ESTABLISHED)
		return false;
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms, sizeof(user_timeout_ms));
	return info.tcpi_last_data_recv > idle_ms && shutdown(fd, SHUT_RDWR) == 0;
}

unsigned socket_reap(uint16_t port, uint32_t idle_ms)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	unsigned n = 0;
	uint64_t fd;

	if (!dir)
		return 0;
	while ((entry = readdir(dir)))
		if (str_to_u64(str_from(entry->d_name), INT32_MAX, &fd) && is_local_port((int)fd, port))
			n += reap_one((int)fd, idle_ms);
	closedir(dir);
	return n;
}

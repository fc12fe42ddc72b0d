/* The system calls. As with TCP, the first socket on an address wants it for itself, then our own may join (listener.c). */
#include "udp_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "udp.h"

/* Room for either kind of address. */
union control {
	char room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	struct cmsghdr align;
};

static int set_option(int fd, int level, int option)
{
	const int on = 1;

	return setsockopt(fd, level, option, &on, sizeof(on)) == 0 ? 0 : -errno;
}

static int open_socket(const struct addr *a)
{
	int fd = socket(a->family == 6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

static int bind_to(int fd, const struct addr *a)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(a, &sa);

	return bind(fd, (const struct sockaddr *)&sa, len) == 0 ? 0 : -errno;
}

/* IPv6 sockets take IPv6 only, so that "[::]" and "0.0.0.0" go together. */
static int prepare(int fd, const struct addr *a)
{
	int error;

	if (a->family != 6)
		return set_option(fd, IPPROTO_IP, IP_PKTINFO);
	error = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY);
	return error ? error : set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO);
}

int udp_bind(const struct addr *addr, bool is_first)
{
	int fd = open_socket(addr), error;

	if (fd < 0)
		return fd;
	error = prepare(fd, addr);
	if (!error && !is_first)
		error = set_option(fd, SOL_SOCKET, SO_REUSEPORT);
	if (!error)
		error = bind_to(fd, addr);
	if (!error && is_first)
		error = set_option(fd, SOL_SOCKET, SO_REUSEPORT);
	if (!error)
		return fd;
	close(fd);
	return error;
}

static void read_local(struct msghdr *m, struct addr *local)
{
	*local = (struct addr){0};
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			addr_from_bytes(str_of((const char *)&info.ipi_spec_dst, 4), 0, local);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			addr_from_bytes(str_of((const char *)&info.ipi6_addr, 16), 0, local);
		}
	}
}

ssize_t udp_receive(int fd, char *space, size_t size, struct addr *peer, struct addr *local)
{
	struct sockaddr_storage sa;
	union control control;
	struct iovec part = {space, size};
	struct msghdr m = {.msg_name = &sa, .msg_namelen = sizeof(sa), .msg_iov = &part, .msg_iovlen = 1,
		.msg_control = control.room, .msg_controllen = sizeof(control.room)};
	ssize_t n;

	do
		n = recvmsg(fd, &m, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (!addr_from_sockaddr((const struct sockaddr *)&sa, peer))
		return -EAFNOSUPPORT;
	read_local(&m, local);
	return n;
}

/* Which address of ours the answer leaves from: a machine with several would choose by its routes. */
static void write_local(struct msghdr *m, const struct addr *from)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);

	if (from->family == 6) {
		struct in6_pktinfo info = {.ipi6_ifindex = 0};

		memcpy(&info.ipi6_addr, from->ip, 16);
		*c = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(info)), .cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_PKTINFO};
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		m->msg_controllen = CMSG_SPACE(sizeof(info));
	} else {
		struct in_pktinfo info = {.ipi_ifindex = 0};

		memcpy(&info.ipi_spec_dst, from->ip, 4);
		*c = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(info)), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO};
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		m->msg_controllen = CMSG_SPACE(sizeof(info));
	}
}

int udp_answer(int fd, struct str data, const struct addr *to, const struct addr *from)
{
	struct sockaddr_storage sa;
	union control control = {{0}};
	struct iovec part = {(void *)(uintptr_t)data.ptr, data.len};
	struct msghdr m = {.msg_name = &sa, .msg_namelen = addr_to_sockaddr(to, &sa), .msg_iov = &part, .msg_iovlen = 1};

	if (from->family) {
		m.msg_control = control.room;
		m.msg_controllen = sizeof(control.room);
		write_local(&m, from);
	}
	return sendmsg(fd, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int udp_reconnect(int fd, const struct addr *to)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(to, &sa);

	return connect(fd, (const struct sockaddr *)&sa, len) == 0 ? 0 : -errno;
}

int udp_connect(const struct addr *to)
{
	int fd = open_socket(to), error;

	if (fd < 0)
		return fd;
	error = udp_reconnect(fd, to);
	if (!error)
		return fd;
	close(fd);
	return error;
}

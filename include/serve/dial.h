#ifndef DIAL_H
#define DIAL_H
/* For tests of servers: a client that blocks. */
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "addr.h"
#include "buf.h"
#include "check.h"

/* A connection, with half a minute of patience for what it reads. */
static inline int dial_to(const struct addr *addr)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(addr, &sa);
	struct timeval patience = {.tv_sec = 30};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CHECK(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	CHECK_INT(connect(fd, (struct sockaddr *)&sa, len), 0);
	return fd;
}

/* `step` bytes at a time; what the other end does not take any more is left out. */
static inline void dial_send(int fd, struct str bytes, size_t step)
{
	for (size_t at = 0; at < bytes.len; at += step) {
		size_t n = bytes.len - at < step ? bytes.len - at : step;

		if (send(fd, bytes.ptr + at, n, MSG_NOSIGNAL) < 0)
			break;
	}
}

/* All that comes until the other end closes. */
static inline void dial_read_all(int fd, struct buf *out)
{
	ssize_t n;

	do {
		char *room = buf_reserve(out, 4096);

		n = recv(fd, room, 4096, 0);
		out->len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	CHECK_INT(n, 0);
}

#endif

#ifndef SOCKET_H
#define SOCKET_H
/*
 * A raw nanomsg socket: the options that must be set, messages with their back-trace, what nanomsg does not offer (a free
 * port, closing one silent peer). Every function is for the thread of the loop; none blocks.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "rpc.h"
#include "str.h"

enum {
	SOCKET_PIPE_SIZE = 4,               /* which connection */
	SOCKET_TRACE_MAX = 8,               /* back-trace: pipe, then one request id */
	SOCKET_OVERHEAD = 4096              /* frame, envelope, TLS records */
};

/* A raw NN_REP (server) or NN_REQ socket, or a negative errno. */
int socket_open(bool is_server);
/* Binds; port 0 becomes a free one. 0 with the URL in `bound`, or a negative errno with a line in `error`. */
int socket_bind(int fd, const char *url, struct buf *bound, struct buf *error);
/* The endpoint (0 or more), or a negative errno. */
int socket_connect(int fd, const char *url);
/* For uv_poll: readable when something can be received (or sent); a negative errno. */
int socket_poll_fd(int fd, bool for_sending);
/* The local TCP port of a URL, or 0. */
uint16_t socket_port(const char *url);

struct socket_message {
	uint8_t trace[SOCKET_TRACE_MAX];
	size_t trace_len;
	struct str bytes; /* free with socket_message_deinit */
};
/* 1 received, 0 nothing there, negative errno. A back-trace that is too long gives trace_len 0. */
int socket_receive(int fd, struct socket_message *out);
void socket_message_deinit(struct socket_message *m);
/* 0, or -EAGAIN when it must wait, or another negative errno. */
int socket_send(int fd, struct str trace, struct str bytes);

/* Connections established in the life of a client's socket, alive now, and tried in vain. */
struct socket_stats {
	uint64_t established, current, errors;
};
struct socket_stats socket_stats(int fd);

/* Keepalive on the accepted connections of local `port`; shuts down those silent for `idle_ms`. How many. */
unsigned socket_reap(uint16_t port, uint32_t idle_ms);

#endif

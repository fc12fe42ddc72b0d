#ifndef LISTENER_H
#define LISTENER_H
/*
 * Listening TCP sockets: one per address and worker, joined by SO_REUSEPORT, so that the kernel spreads connections and no
 * worker waits for another. Hands over accepted descriptors and decides nothing about them.
 *
 *	fd = listener_bind(&want, &bound);          main thread, once per address: claims the port
 *	fd = listener_join(&bound);                 once for each further worker
 *	listener_open(&l, loop, fd, on_accept, w);  each worker, on its own loop
 */
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "addr.h"

#define LISTENER_BACKLOG 4096 /* the kernel cuts it to net.core.somaxconn */

struct listener;

/*
 * One accepted connection. `fd` is non-blocking, close-on-exec, has TCP_NODELAY, and is owned by the callee. `peer` and
 * `local` are borrowed. The callee may call any function below.
 */
typedef void listener_accept_fn(struct listener *l, int fd, const struct addr *peer, const struct addr *local);
typedef void listener_closed_fn(struct listener *l);

/* The caller's memory. All but `owner` is private. */
struct listener {
	void *owner; /* the caller's, for its callbacks; may be set at any time */
	uv_poll_t poll;
	uv_timer_t retry;
	listener_accept_fn *on_accept;
	listener_closed_fn *on_closed;
	struct addr bound;
	int fd;               /* -1 once stopped */
	int reserve_fd;       /* given up for a moment when descriptors run out */
	uint64_t n_accepted;
	uint64_t n_out_of_fds; /* times that accept found no descriptor */
	uint64_t warned_ms;
	uint8_t n_handles;    /* to wait for in listener_close */
	bool is_paused;       /* by listener_pause */
};

/*
 * Claims an address: a bound socket that does not listen yet, for one worker. Port 0 takes a free one. Fails when anything
 * else listens there, also with SO_REUSEPORT. IPv6 sockets take IPv6 only, so "[::]:80" and ":80" go together.
 * A descriptor, and *bound with the real port; or a negative errno.
 */
int listener_bind(const struct addr *want, struct addr *bound);
/* The same, but "[::]:80" takes IPv4 as well: for who listens on one address alone. */
int listener_bind_both(const struct addr *want, struct addr *bound);
/* One more socket on an address that listener_bind claimed (and that is still open). A descriptor or a negative errno. */
int listener_join(const struct addr *bound);

/*
 * Listens on `fd` (taken, also on failure) and accepts from now on, at most 64 connections a turn of the loop. Out of
 * descriptors: the connection at the front is accepted and closed with the reserve, then accepting rests for 100 ms; one
 * line a minute in the log. 0 or a negative errno (then nothing is left to close).
 */
int listener_open(struct listener *l, uv_loop_t *loop, int fd, listener_accept_fn *on_accept, void *owner);
/* Leaves connections in the kernel's queue while true (a worker at its limit). */
void listener_pause(struct listener *l, bool is_paused);
/*
 * For drain: hands over all that already waits in the queue, then closes the socket, so that new connections are refused
 * (or go to the sockets of other workers). Nothing is accepted afterwards. Idempotent.
 */
void listener_stop(struct listener *l);
/* Stops without accepting what waits, and releases the handles; memory may be freed in on_closed (may be NULL). */
void listener_close(struct listener *l, listener_closed_fn *on_closed);
/* The address it is bound to. */
const struct addr *listener_addr(const struct listener *l);

#endif

#ifndef POLLER_H
#define POLLER_H
/*
 * An epoll descriptor of our own beside that of the loop, for all its streams: private to this room. Sockets are registered once,
 * for all news and edge-triggered, and leave by being closed. libuv's own way costs five more system calls a connection,
 * and has the kernel look twice at each socket that had news.
 */
#include <stdbool.h>
#include <uv.h>

struct stream;

struct poller {
	uv_loop_t *loop;
	uv_poll_t poll;                  /* the descriptor below, as the loop sees it */
	uv_idle_t idle;                  /* runs while somebody is in one of the lists */
	int fd;
	unsigned n_users;                /* streams, and who keeps it */
	unsigned n_handles;
	struct stream *first, *last;     /* to be told again of what they know already */
	struct stream *closed;           /* to be told that they are */
	unsigned n_queued;
	bool is_busy;                    /* telling: the lists are looked at when that is over */
};

/* That of the loop, made for its first user; it goes with the last one. NULL with a negative errno in `*error`. */
struct poller *poller_use(uv_loop_t *loop, int *error);
void poller_leave(struct poller *p);
/* All news of `fd` from now on are s->ready, and told. 0 or a negative errno. */
int poller_add(struct poller *p, struct stream *s, int fd);
void poller_remove(struct poller *p, int fd);
/* Tells it again in the next turn. */
void poller_again(struct poller *p, struct stream *s);
/* Its on_closed is called when nothing of this turn can touch it any more; it is told nothing more. Leaves for it. */
void poller_close(struct poller *p, struct stream *s);

/* stream.c: there is news in s->ready. */
void stream_tell(struct stream *s);
/* The same without news, for a queued one: what it was told of may still be there. */
void stream_tell_again(struct stream *s);

#endif

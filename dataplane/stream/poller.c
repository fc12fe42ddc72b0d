/* One epoll descriptor for all streams of a loop. It hangs off uv_loop_t.data, which nobody else uses in this program. */
#include "poller.h"

#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "mem.h"
#include "stream_private.h"

enum { EVENTS_A_TURN = 256 };

static void on_idle(uv_idle_t *idle);

static void on_handle_closed(uv_handle_t *handle)
{
	struct poller *p = handle->data;

	if (--p->n_handles)
		return;
	close(p->fd);
	mem_free(p);
}

static void close_unused(struct poller *p)
{
	if (p->n_users || p->is_busy)
		return;
	p->loop->data = NULL;
	uv_close((uv_handle_t *)&p->poll, on_handle_closed);
	uv_close((uv_handle_t *)&p->idle, on_handle_closed);
}

/* Streams that were closed in this turn: nothing points to them any more. */
static void bury(struct poller *p)
{
	while (p->closed) {
		struct stream *s = p->closed;

		p->closed = s->next;
		p->n_users--;
		if (s->told.on_closed)
			s->told.on_closed(s);
	}
}

static void wake(struct poller *p)
{
	if ((p->first || p->closed) && !p->is_busy && !uv_is_active((uv_handle_t *)&p->idle))
		uv_idle_start(&p->idle, on_idle);
}

static void finish_turn(struct poller *p)
{
	bury(p);
	p->is_busy = false;
	wake(p);
	close_unused(p);
}

static void leave_list(struct poller *p, struct stream *s)
{
	*(s->prev ? &s->prev->next : &p->first) = s->next;
	*(s->next ? &s->next->prev : &p->last) = s->prev;
	s->next = s->prev = NULL;
	s->is_queued = false;
	p->n_queued--;
}

/* As many as there were when it began: whoever comes back waits for the next turn, after the news of others. */
static void on_idle(uv_idle_t *idle)
{
	struct poller *p = idle->data;
	unsigned n = p->n_queued;

	uv_idle_stop(&p->idle);
	p->is_busy = true;
	for (; n && p->first; n--) {
		struct stream *s = p->first;

		leave_list(p, s);
		stream_tell_again(s);
	}
	finish_turn(p);
}

static unsigned ready_of(uint32_t events)
{
	unsigned ready = 0;

	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		ready |= CAN_READ;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		ready |= CAN_WRITE;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		ready |= HAS_ENDED;
	return ready;
}

static void on_poll(uv_poll_t *poll, int status, int what)
{
	struct epoll_event events[EVENTS_A_TURN];
	struct poller *p = poll->data;
	int n = epoll_wait(p->fd, events, EVENTS_A_TURN, 0);

	(void)status;
	(void)what;
	p->is_busy = true;
	for (int i = 0; i < n; i++) {
		struct stream *s = events[i].data.ptr;

		s->ready |= (uint8_t)ready_of(events[i].events);
		stream_tell(s);
	}
	finish_turn(p);
}

static struct poller *create(uv_loop_t *loop, int *error)
{
	struct poller *p;
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0) {
		*error = -errno;
		return NULL;
	}
	p = mem_zalloc(sizeof(*p));
	*error = uv_poll_init(loop, &p->poll, fd);
	if (*error) {
		close(fd);
		mem_free(p);
		return NULL;
	}
	uv_idle_init(loop, &p->idle);
	p->loop = loop;
	p->fd = fd;
	p->n_handles = 2;
	p->poll.data = p->idle.data = p;
	uv_poll_start(&p->poll, UV_READABLE, on_poll);
	return p;
}

struct poller *poller_use(uv_loop_t *loop, int *error)
{
	*error = 0;
	if (!loop->data)
		loop->data = create(loop, error);
	if (!loop->data)
		return NULL;
	((struct poller *)loop->data)->n_users++;
	return loop->data;
}

void poller_leave(struct poller *p)
{
	p->n_users--;
	close_unused(p);
}

int poller_add(struct poller *p, struct stream *s, int fd)
{
	struct epoll_event all = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = s};

	return epoll_ctl(p->fd, EPOLL_CTL_ADD, fd, &all) == 0 ? 0 : -errno;
}

void poller_remove(struct poller *p, int fd)
{
	struct epoll_event none = {0};

	epoll_ctl(p->fd, EPOLL_CTL_DEL, fd, &none);
}

void poller_again(struct poller *p, struct stream *s)
{
	if (s->is_queued)
		return;
	s->is_queued = true;
	s->next = NULL;
	s->prev = p->last;
	*(p->last ? &p->last->next : &p->first) = s;
	p->last = s;
	p->n_queued++;
	wake(p);
}

void poller_close(struct poller *p, struct stream *s)
{
	if (s->is_queued)
		leave_list(p, s);
	s->next = p->closed;
	p->closed = s;
	wake(p);
}

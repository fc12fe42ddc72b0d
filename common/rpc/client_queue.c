/* Frames leave in order, since TLS counts them; what nanomsg cannot take now waits until it can. */
#include <errno.h>

#include "client.h"
#include "mem.h"
#include "socket.h"

static const uint8_t request_trace[4] = {0x80, 0, 0, 1}; /* one id for all: calls have their own */

void queue_clear(struct rpc_client *c)
{
	while (c->queue) {
		struct frame_out *next = c->queue->next;

		buf_deinit(&c->queue->bytes);
		mem_free(c->queue);
		c->queue = next;
	}
	if (c->is_sending)
		uv_poll_stop(&c->send);
	c->is_sending = false;
}

static void flush_queue(struct rpc_client *c)
{
	while (c->queue) {
		struct frame_out *first = c->queue;

		if (socket_send(c->fd, str_of(request_trace, sizeof(request_trace)), buf_str(&first->bytes)) == -EAGAIN)
			return;
		c->queue = first->next;
		buf_deinit(&first->bytes);
		mem_free(first);
	}
	queue_clear(c);
}

static void on_sendable(uv_poll_t *poll, int status, int events)
{
	struct rpc_client *c = container_of(poll, struct rpc_client, send);

	(void)status;
	(void)events;
	flush_queue(c);
}

void queue_send(struct rpc_client *c, struct buf *frame)
{
	struct frame_out *out = mem_zalloc(sizeof(*out)), **place = &c->queue;

	out->bytes = *frame;
	*frame = (struct buf){0};
	while (*place)
		place = &(*place)->next;
	*place = out;
	flush_queue(c);
	if (c->queue && !c->is_sending)
		c->is_sending = uv_poll_start(&c->send, UV_READABLE, on_sendable) == 0;
}

void queue_send_last(struct rpc_client *c, struct str frame)
{
	socket_send(c->fd, str_of(request_trace, sizeof(request_trace)), frame);
}

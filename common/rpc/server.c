/*
 * Many clients on one raw socket. nanomsg says neither who connects nor who leaves, so a sweep looks for who is silent: among
 * the sessions, and among the connections that never became one.
 */
#include "server.h"

#include <assert.h>
#include <errno.h>
#include <nanomsg/nn.h>

#include "clock.h"
#include "mem.h"

enum {
	SWEEP_MS = 100,
	REAP_MS = 2000,
	MESSAGES_A_TURN = 256,
	TURN_US = 2000, /* of the loop's turn; nanomsg takes one message of each connection after the other */
	DEFAULT_IDLE_MS = 30 * 1000,
	DEFAULT_HANDSHAKE_MS = 5000
};

static void on_sweep(uv_timer_t *timer)
{
	struct rpc_server *server = container_of(timer, struct rpc_server, timer);
	uint64_t now = clock_mono_ms();

	session_sweep(server, now);
	if (now - server->reaped_ms < REAP_MS)
		return;
	server->reaped_ms = now;
	for (size_t i = 0; i < server->n_ports; i++)
		server->stats.reaped += socket_reap(server->ports[i], server->options.idle_ms);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct rpc_server *server = container_of(poll, struct rpc_server, poll);
	uint64_t begun_us = clock_mono_us();
	struct socket_message message;

	(void)status;
	(void)events;
	for (int i = 0; i < MESSAGES_A_TURN && !server->is_closing && clock_mono_us() - begun_us < TURN_US; i++) {
		if (socket_receive(server->fd, &message) != 1) {
			server->drained_ms = clock_mono_ms();
			return;
		}
		session_receive(server, &message);
		socket_message_deinit(&message);
	}
}

struct rpc_server *rpc_server_create(uv_loop_t *loop, const struct rpc_server_options *options)
{
	struct rpc_server *server;
	int fd = socket_open(true);

	if (fd < 0)
		return NULL;
	server = mem_zalloc(sizeof(*server));
	server->fd = fd;
	server->options = *options;
	if (!server->options.idle_ms)
		server->options.idle_ms = DEFAULT_IDLE_MS;
	if (!server->options.handshake_ms)
		server->options.handshake_ms = DEFAULT_HANDSHAKE_MS;
	buf_init(&server->plain, 4 * RPC_REQUEST_MAX);
	buf_init(&server->packed, RPC_ANSWER_MAX + SOCKET_OVERHEAD);
	server->n_handles = 2;
	uv_poll_init(loop, &server->poll, socket_poll_fd(fd, false));
	uv_poll_start(&server->poll, UV_READABLE, on_readable);
	uv_timer_init(loop, &server->timer);
	uv_timer_start(&server->timer, on_sweep, SWEEP_MS, SWEEP_MS);
	return server;
}

int rpc_server_listen(struct rpc_server *server, const char *url, struct buf *bound, struct buf *error)
{
	struct buf real = {0};
	const char *why;
	int result = -EPERM;

	if (!server->options.identity && !rpc_url_is_local(url, &why))
		buf_printf(error, "%s: %s", url, why);
	else
		result = socket_bind(server->fd, url, &real, error);
	if (!result && socket_port(buf_cstr(&real)) && server->n_ports < PORTS_MAX)
		server->ports[server->n_ports++] = socket_port(buf_cstr(&real));
	if (!result && bound)
		buf_add(bound, buf_str(&real));
	buf_deinit(&real);
	return result;
}

void rpc_server_add(struct rpc_server *server, ProtobufCService *service, unsigned roles)
{
	assert(server->n_services < SERVICES_MAX);
	server->services[server->n_services++] = (struct service){service, roles};
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct rpc_server *server = handle->data;

	if (--server->n_handles)
		return;
	if (server->on_closed)
		server->on_closed(server->closed_data);
	mem_free(server);
}

void rpc_server_close(struct rpc_server *server, void (*on_closed)(void *data), void *data)
{
	assert(!server->is_closing);
	server->is_closing = true;
	server->on_closed = on_closed;
	server->closed_data = data;
	while (server->peers) {
		struct rpc_peer *peer = server->peers;

		server->peers = peer->next;
		session_free(peer);
	}
	uv_poll_stop(&server->poll);
	nn_close(server->fd);
	waiting_clear(&server->waiting);
	map_deinit(&server->sessions);
	map_deinit(&server->beginning);
	buf_deinit(&server->plain);
	buf_deinit(&server->out);
	buf_deinit(&server->packed);
	server->poll.data = server->timer.data = server;
	uv_close((uv_handle_t *)&server->poll, on_handle_closed);
	uv_close((uv_handle_t *)&server->timer, on_handle_closed);
}

struct rpc_server_stats rpc_server_stats(const struct rpc_server *server)
{
	return server->stats;
}

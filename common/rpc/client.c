/*
 * One server by URL: a raw socket that nanomsg connects by itself, and on it one session after another. nanomsg tells nobody
 * that a connection came or went, so a coarse timer reads its counters: a new connection means a new session.
 */
#include "client.h"

#include <assert.h>
#include <nanomsg/nn.h>
#include <sys/random.h>
#include <unistd.h>

#include "clock.h"
#include "frame.h"
#include "log.h"
#include "mem.h"
#include "socket.h"

enum {
	TICK_MS = 50,
	MESSAGES_A_TURN = 256,
	DEFAULT_HANDSHAKE_MS = 5000,
	FIRST_PAUSE_MS = 100,   /* after a session that failed; doubles */
	LONGEST_PAUSE_MS = 1600,
	SESSION_MAX_MS = 24 * 3600 * 1000 /* so that new certificates are used */
};

static uint64_t random_u64(void)
{
	uint64_t n = 0;

	if (getrandom(&n, sizeof(n), 0) != (ssize_t)sizeof(n))
		n = clock_mono_us() << 20 ^ (uint64_t)getpid();
	return n;
}

/* --------------------------------------------------------------------------------------------------------- sessions */

static void enter(struct rpc_client *c, enum rpc_client_state state)
{
	const char *reason = buf_cstr(&c->reason); /* closes it with a NUL, for rpc_client_reason too */

	c->state = state;
	if (c->options.on_state)
		c->options.on_state(c->options.data, state, reason);
}

void client_lose(struct rpc_client *c, const char *reason, enum rpc_status failure)
{
	uint64_t now = clock_mono_ms();
	bool was_ready = c->state == RPC_READY;

	buf_clear(&c->reason);
	buf_add_escaped(&c->reason, str_from(reason));
	c->failure = failure;
	secure_destroy(c->secure);
	c->secure = NULL;
	queue_clear(c);
	/* A session that was good is followed at once; one after another that fails, with ever longer pauses. */
	if (was_ready && now - c->begun_ms > LONGEST_PAUSE_MS)
		c->pause_ms = 0;
	c->next_try_ms = now + c->pause_ms / 2 + (c->pause_ms ? random_u64() % c->pause_ms : 0);
	c->pause_ms = !c->pause_ms ? FIRST_PAUSE_MS : c->pause_ms < LONGEST_PAUSE_MS ? c->pause_ms * 2 : LONGEST_PAUSE_MS;
	call_lose_sent(c, failure,
		failure == RPC_UNAUTHENTICATED ? "a certificate was not accepted" : "the session was lost");
	enter(c, RPC_CONNECTING);
}

static void feed(struct rpc_client *c, struct str bytes);

static void begin(struct rpc_client *c)
{
	c->session = random_u64();
	c->begun_ms = clock_mono_ms();
	c->secure = secure_create(c->options.identity, false, c->options.roles);
	enter(c, RPC_CONNECTED);
	if (!c->is_closing && c->secure)
		feed(c, STR(""));
}

/* One envelope of the server. */
static void on_plain(struct rpc_client *c, struct str plain)
{
	struct envelope envelope;
	const char *why;

	if (envelope_parse(plain, &envelope, &why) && envelope.type == ENVELOPE_ANSWER)
		call_answered(c, &envelope);
	else
		client_lose(c, "the server sent something that is no answer", RPC_UNAVAILABLE);
}

static void feed(struct rpc_client *c, struct str bytes)
{
	struct buf frame = {0};
	enum secure_state state;
	size_t head;

	buf_clear(&c->plain);
	frame_begin(&frame, c->state == RPC_READY ? FRAME_DATA : FRAME_HANDSHAKE, c->session);
	head = frame.len;
	state = secure_feed(c->secure, bytes, &c->plain, &frame);
	if (frame.len > head)
		queue_send(c, &frame);
	buf_deinit(&frame);
	if (state == SECURE_FAILED) {
		struct buf reason = {0};
		/* The alert about our certificate comes after our side of the handshake is done. */
		bool is_certificate = str_find_str(str_from(secure_reason(c->secure)), STR("certificate")) <
				strlen(secure_reason(c->secure)) ||
			c->state != RPC_READY;

		buf_add(&reason, str_from(secure_reason(c->secure)));
		client_lose(c, buf_cstr(&reason), is_certificate ? RPC_UNAUTHENTICATED : RPC_UNAVAILABLE);
		buf_deinit(&reason);
		return;
	}
	if (state == SECURE_OPEN && c->state == RPC_CONNECTED) {
		buf_clear(&c->reason);
		enter(c, RPC_READY);
		if (c->is_closing)
			return;
		call_send_waiting(c);
	}
	if (c->plain.len) {
		on_plain(c, buf_str(&c->plain));
		if (!c->is_closing)
			mem_wipe(c->plain.ptr, c->plain.len);
	}
}

static void on_message(struct rpc_client *c, struct str message)
{
	struct frame frame;
	const char *why;

	if (!frame_parse(message, &frame, &why)) {
		log_debug("rpc", "message dropped: %s", why);
		return;
	}
	if (!c->secure || frame.session != c->session)
		return; /* of a session that is over */
	if (frame.type == FRAME_RESET && c->state == RPC_CONNECTED)
		client_lose(c, "the server refused the handshake: does one end use TLS and the other not?", RPC_UNAUTHENTICATED);
	else if (frame.type == FRAME_RESET)
		client_lose(c, "the server does not know the session", RPC_UNAVAILABLE);
	else
		feed(c, frame.bytes);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct rpc_client *c = container_of(poll, struct rpc_client, receive);
	struct socket_message message;

	(void)status;
	(void)events;
	for (int i = 0; i < MESSAGES_A_TURN && !c->is_closing && socket_receive(c->fd, &message) == 1; i++) {
		on_message(c, message.bytes);
		socket_message_deinit(&message);
	}
}

/* A silent connection is replaced: nanomsg itself would wait for the kernel to give up. */
static void replace_connection(struct rpc_client *c)
{
	nn_shutdown(c->fd, c->endpoint);
	c->endpoint = socket_connect(c->fd, c->url);
}

static void on_tick(uv_timer_t *timer)
{
	struct rpc_client *c = container_of(timer, struct rpc_client, timer);
	struct socket_stats stats = socket_stats(c->fd);
	uint64_t now = clock_mono_ms();

	if (c->state != RPC_CONNECTING && (!stats.current || stats.established != c->established)) {
		c->pause_ms = 0; /* another connection is a new start */
		client_lose(c, "connection lost", RPC_UNAVAILABLE);
	} else if (c->state == RPC_CONNECTED && now - c->begun_ms > c->options.handshake_ms) {
		client_lose(c, "the handshake took too long", RPC_UNAVAILABLE);
		if (!c->is_closing)
			replace_connection(c);
	} else if (c->state == RPC_READY && now - c->begun_ms > SESSION_MAX_MS && !c->n_calls) {
		client_lose(c, "the session is a day old", RPC_UNAVAILABLE);
	}
	if (!c->is_closing && c->state == RPC_CONNECTING && stats.current &&
		(now >= c->next_try_ms || stats.established != c->established)) {
		c->established = stats.established;
		c->errors_before = stats.errors;
		begin(c);
	}
	if (!c->is_closing)
		call_finish_failed(c);
}

/* ------------------------------------------------------------------------------------------------------- the client */

struct rpc_client *rpc_client_open(
	uv_loop_t *loop, const char *url, const struct rpc_client_options *options, struct buf *error)
{
	struct rpc_client *c;
	int fd, endpoint;
	const char *why;

	if (!rpc_url_is_valid(url, &why) || (!options->identity && !rpc_url_is_local(url, &why))) {
		buf_printf(error, "%s: %s", url, why);
		return NULL;
	}
	fd = socket_open(false);
	endpoint = fd < 0 ? fd : socket_connect(fd, url);
	if (endpoint < 0) {
		buf_printf(error, "%s: %s", url, nn_strerror(-endpoint));
		if (fd >= 0)
			nn_close(fd);
		return NULL;
	}
	c = mem_zalloc(sizeof(*c));
	c->options = *options;
	if (!c->options.roles)
		c->options.roles = RPC_ROLE_CONTROLLER;
	if (!c->options.handshake_ms)
		c->options.handshake_ms = DEFAULT_HANDSHAKE_MS;
	c->url = mem_strdup(str_from(url));
	c->loop = loop;
	c->fd = fd;
	c->endpoint = endpoint;
	c->failure = RPC_UNAVAILABLE;
	buf_init(&c->plain, 2 * RPC_ANSWER_MAX + 4 * SOCKET_OVERHEAD);
	uv_poll_init(loop, &c->receive, socket_poll_fd(fd, false));
	uv_poll_start(&c->receive, UV_READABLE, on_readable);
	uv_poll_init(loop, &c->send, socket_poll_fd(fd, true));
	uv_timer_init(loop, &c->timer);
	uv_timer_start(&c->timer, on_tick, 1, TICK_MS);
	c->n_handles = 3;
	return c;
}

enum rpc_client_state rpc_client_state(const struct rpc_client *c)
{
	return c->state;
}

const char *rpc_client_reason(const struct rpc_client *c)
{
	return c->reason.len ? c->reason.ptr : ""; /* enter() closed it with a NUL */
}

enum rpc_status rpc_client_failure(const struct rpc_client *c)
{
	return c->failure;
}

uint64_t client_connect_errors(const struct rpc_client *c)
{
	return socket_stats(c->fd).errors - c->errors_before;
}

void rpc_client_reconnect(struct rpc_client *c, const char *reason)
{
	if (c->state != RPC_CONNECTING)
		client_lose(c, reason, RPC_UNAVAILABLE);
	if (!c->is_closing)
		replace_connection(c);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct rpc_client *c = handle->data;

	if (--c->n_handles)
		return;
	if (c->on_closed)
		c->on_closed(c->closed_data);
	buf_deinit(&c->plain);
	buf_deinit(&c->reason);
	mem_free(c->url);
	mem_free(c);
}

void rpc_client_close(struct rpc_client *c, void (*on_closed)(void *data), void *data)
{
	struct buf reset = {0};

	assert(!c->is_closing);
	c->is_closing = true;
	c->on_closed = on_closed;
	c->closed_data = data;
	call_cancel_all(c);
	queue_clear(c);
	if (c->secure) { /* so that the server need not wait for silence */
		frame_begin(&reset, FRAME_RESET, c->session);
		queue_send_last(c, buf_str(&reset));
		buf_deinit(&reset);
	}
	secure_destroy(c->secure);
	c->secure = NULL;
	c->state = RPC_CONNECTING;
	uv_poll_stop(&c->receive);
	nn_close(c->fd);
	c->receive.data = c->send.data = c->timer.data = c;
	uv_close((uv_handle_t *)&c->receive, on_handle_closed);
	uv_close((uv_handle_t *)&c->send, on_handle_closed);
	uv_close((uv_handle_t *)&c->timer, on_handle_closed);
}

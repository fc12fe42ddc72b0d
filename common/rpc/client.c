/*
 * One server by URL: a raw socket that nanomsg connects by itself, and on it one session after another. nanomsg tells nobody
 * that a connection came or went, so a coarse timer reads its counters: a new connection means a new session.
 *
 * A sent call dies with its session; one not sent yet waits for the next. Frames leave in order, since TLS counts them.
 */
#include "client.h"

#include <assert.h>
#include <errno.h>
#include <nanomsg/nn.h>
#include <sys/random.h>
#include <unistd.h>

#include "clock.h"
#include "frame.h"
#include "log.h"
#include "mem.h"
#include "proto_arena.h"
#include "secure.h"
#include "socket.h"

enum {
	TICK_MS = 50,
	MESSAGES_A_TURN = 256,
	DEFAULT_HANDSHAKE_MS = 5000,
	FIRST_PAUSE_MS = 100,   /* after a session that failed; doubles */
	LONGEST_PAUSE_MS = 1600,
	SESSION_MAX_MS = 24 * 3600 * 1000 /* so that new certificates are used */
};

struct pending {
	struct pending *next;
	uint64_t id, deadline_ms;
	const ProtobufCMethodDescriptor *method;
	struct buf request; /* envelope and payload until it is sent */
	bool is_sent, is_failed;
	enum rpc_status status;
	const char *why; /* static */
	rpc_answer_fn *answer;
	void *data;
};

struct frame_out {
	struct frame_out *next;
	struct buf bytes;
};

struct rpc_client {
	struct rpc_client_options options;
	char *url;
	uv_loop_t *loop;
	uv_poll_t receive, send;
	uv_timer_t timer;
	unsigned n_handles;
	int fd, endpoint;
	enum rpc_client_state state;
	struct secure *secure;
	uint64_t session, begun_ms, next_try_ms, established, errors_before, last_id;
	uint32_t pause_ms;
	struct buf reason, plain;
	enum rpc_status failure;
	struct pending *calls; /* oldest first */
	unsigned n_calls;
	struct frame_out *queue; /* what nanomsg did not take yet */
	bool is_sending, is_closing;
	void (*on_closed)(void *data);
	void *closed_data;
};

static const uint8_t request_trace[4] = {0x80, 0, 0, 1}; /* one id for all: calls have their own */

static uint64_t random_u64(void)
{
	uint64_t n = 0;

	if (getrandom(&n, sizeof(n), 0) != (ssize_t)sizeof(n))
		n = clock_mono_us() << 20 ^ (uint64_t)getpid();
	return n;
}

/* ---------------------------------------------------------------------------------------------------------- sending */

static void clear_queue(struct rpc_client *c)
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
	clear_queue(c);
}

static void on_sendable(uv_poll_t *poll, int status, int events)
{
	struct rpc_client *c = container_of(poll, struct rpc_client, send);

	(void)status;
	(void)events;
	flush_queue(c);
}

/* Takes the bytes of `frame`. */
static void send_frame(struct rpc_client *c, struct buf *frame)
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

static bool send_sealed(struct rpc_client *c, struct str envelope)
{
	struct buf frame = {0};
	bool fits;

	frame_begin(&frame, FRAME_DATA, c->session);
	fits = secure_seal(c->secure, envelope, &frame);
	if (fits)
		send_frame(c, &frame);
	buf_deinit(&frame);
	return fits;
}

static void lose(struct rpc_client *c, const char *reason, enum rpc_status failure);

static void send_waiting(struct rpc_client *c)
{
	for (struct pending *p = c->calls; p && c->state == RPC_READY; p = p->next) {
		bool fits;

		if (p->is_sent || p->is_failed)
			continue;
		p->is_sent = true;
		fits = send_sealed(c, buf_str(&p->request));
		buf_deinit(&p->request);
		if (!fits) {
			lose(c, "the session is broken", RPC_UNAVAILABLE);
			return;
		}
	}
}

/* ------------------------------------------------------------------------------------------------------------ calls */

static void free_pending(struct pending *p)
{
	buf_deinit(&p->request);
	mem_free(p);
}

static struct pending *take(struct rpc_client *c, struct pending *wanted)
{
	for (struct pending **place = &c->calls; *place; place = &(*place)->next) {
		struct pending *p = *place;

		if (p != wanted)
			continue;
		*place = p->next;
		c->n_calls--;
		return p;
	}
	return NULL;
}

static struct pending *find(const struct rpc_client *c, uint64_t id)
{
	for (struct pending *p = c->calls; p; p = p->next)
		if (p->id == id)
			return p;
	return NULL;
}

static void finish(struct rpc_client *c, struct pending *p, enum rpc_status status, struct str message,
	const ProtobufCMessage *response)
{
	take(c, p);
	p->answer(p->data, status, message, response);
	free_pending(p);
}

static void tell_server(struct rpc_client *c, uint64_t id)
{
	const struct envelope cancel = {.type = ENVELOPE_CANCEL, .id = id};
	struct buf packed = {0};

	envelope_begin(&packed, &cancel);
	if (c->state == RPC_READY)
		send_sealed(c, buf_str(&packed));
	buf_deinit(&packed);
}

/* Answers may call anything, close included: the list is looked at afresh each time. */
static void finish_failed(struct rpc_client *c)
{
	for (;;) {
		uint64_t now = clock_mono_ms();
		struct pending *p = c->calls;

		while (p && !p->is_failed && now < p->deadline_ms)
			p = p->next;
		if (!p || c->is_closing)
			return;
		if (p->is_failed) {
			finish(c, p, p->status, str_from(p->why), NULL);
			continue;
		}
		if (p->is_sent)
			tell_server(c, p->id);
		finish(c, p, RPC_DEADLINE_EXCEEDED, p->is_sent ? STR("no answer in time") : STR("no session in time"), NULL);
	}
}

static bool method_of(const ProtobufCServiceDescriptor *service, const char *name, const ProtobufCMethodDescriptor **out)
{
	*out = NULL;
	for (unsigned i = 0; i < service->n_methods; i++)
		if (str_eq(str_from(service->methods[i].name), str_from(name)))
			*out = &service->methods[i];
	return *out != NULL;
}

/* The envelope with its payload, or the reason why not. */
static const char *pack_request(struct pending *p, const ProtobufCServiceDescriptor *service,
	const ProtobufCMessage *request, uint32_t timeout_ms)
{
	size_t size = protobuf_c_message_get_packed_size(request);
	struct envelope envelope = {.type = ENVELOPE_REQUEST, .id = p->id, .number = timeout_ms};
	struct buf name = {0};

	assert(request->descriptor == p->method->input);
	if (size > RPC_REQUEST_MAX)
		return "the request is too large";
	buf_printf(&name, "%s/%s", service->name, p->method->name);
	envelope.text = buf_str(&name);
	envelope_begin(&p->request, &envelope);
	protobuf_c_message_pack(request, (uint8_t *)buf_reserve(&p->request, size));
	p->request.len += size;
	buf_deinit(&name);
	return NULL;
}

uint64_t rpc_client_call(struct rpc_client *c, const ProtobufCServiceDescriptor *service, const char *method,
	const ProtobufCMessage *request, uint32_t timeout_ms, rpc_answer_fn *answer, void *data)
{
	struct pending *p = mem_zalloc(sizeof(*p)), **place = &c->calls;

	assert(!c->is_closing);
	*p = (struct pending){.id = ++c->last_id, .answer = answer, .data = data};
	p->deadline_ms = clock_mono_ms() + timeout_ms;
	if (!method_of(service, method, &p->method)) {
		p->status = RPC_UNIMPLEMENTED;
		p->why = "there is no such method";
	} else if (c->n_calls >= RPC_PENDING_MAX) {
		p->status = RPC_RESOURCE_EXHAUSTED;
		p->why = "too many calls are waiting";
	} else {
		p->why = pack_request(p, service, request, timeout_ms);
		p->status = RPC_INVALID_ARGUMENT;
	}
	p->is_failed = p->why != NULL;
	while (*place)
		place = &(*place)->next;
	*place = p;
	c->n_calls++;
	send_waiting(c);
	return c->last_id;
}

void rpc_client_cancel(struct rpc_client *c, uint64_t id)
{
	struct pending *p = find(c, id);

	if (!p)
		return;
	take(c, p);
	if (p->is_sent && !p->is_failed)
		tell_server(c, id);
	free_pending(p);
}

/* --------------------------------------------------------------------------------------------------------- sessions */

static void enter(struct rpc_client *c, enum rpc_client_state state)
{
	const char *reason = buf_cstr(&c->reason); /* closes it with a NUL, for rpc_client_reason too */

	c->state = state;
	if (c->options.on_state)
		c->options.on_state(c->options.data, state, reason);
}

/* The session is over. What was sent on it is lost with it; the answers come from the timer. */
static void lose(struct rpc_client *c, const char *reason, enum rpc_status failure)
{
	uint64_t now = clock_mono_ms();
	bool was_ready = c->state == RPC_READY;

	buf_clear(&c->reason);
	buf_add_escaped(&c->reason, str_from(reason));
	c->failure = failure;
	secure_destroy(c->secure);
	c->secure = NULL;
	clear_queue(c);
	/* A session that was good is followed at once; one after another that fails, with ever longer pauses. */
	if (was_ready && now - c->begun_ms > LONGEST_PAUSE_MS)
		c->pause_ms = 0;
	c->next_try_ms = now + c->pause_ms / 2 + (c->pause_ms ? random_u64() % c->pause_ms : 0);
	c->pause_ms = !c->pause_ms ? FIRST_PAUSE_MS : c->pause_ms < LONGEST_PAUSE_MS ? c->pause_ms * 2 : LONGEST_PAUSE_MS;
	for (struct pending *p = c->calls; p; p = p->next) {
		if (!p->is_sent || p->is_failed)
			continue;
		p->is_failed = true;
		p->status = failure;
		p->why = failure == RPC_UNAUTHENTICATED ? "a certificate was not accepted" : "the session was lost";
	}
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
	struct proto_arena decoded;
	struct envelope envelope;
	struct pending *p;
	ProtobufCMessage *response;
	const char *why;

	if (!envelope_parse(plain, &envelope, &why) || envelope.type != ENVELOPE_ANSWER) {
		lose(c, "the server sent something that is no answer", RPC_UNAVAILABLE);
		return;
	}
	p = find(c, envelope.id);
	if (!p || p->is_failed)
		return; /* cancelled, or too late */
	if (envelope.number != RPC_OK) {
		finish(c, p, (enum rpc_status)envelope.number, envelope.text, NULL);
		return;
	}
	proto_arena_init(&decoded, proto_arena_cap(envelope.payload.len));
	response = proto_unpack(p->method->output, envelope.payload, &decoded, &why);
	finish(c, p, response ? RPC_OK : RPC_INTERNAL, response ? STR("") : str_from(why), response);
	proto_arena_deinit(&decoded);
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
		send_frame(c, &frame);
	buf_deinit(&frame);
	if (state == SECURE_FAILED) {
		struct buf reason = {0};
		/* The alert about our certificate comes after our side of the handshake is done. */
		bool is_certificate = str_find_str(str_from(secure_reason(c->secure)), STR("certificate")) <
				strlen(secure_reason(c->secure)) ||
			c->state != RPC_READY;

		buf_add(&reason, str_from(secure_reason(c->secure)));
		lose(c, buf_cstr(&reason), is_certificate ? RPC_UNAUTHENTICATED : RPC_UNAVAILABLE);
		buf_deinit(&reason);
		return;
	}
	if (state == SECURE_OPEN && c->state == RPC_CONNECTED) {
		buf_clear(&c->reason);
		enter(c, RPC_READY);
		if (c->is_closing)
			return;
		send_waiting(c);
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
		lose(c, "the server refused the handshake: does one end use TLS and the other not?", RPC_UNAUTHENTICATED);
	else if (frame.type == FRAME_RESET)
		lose(c, "the server does not know the session", RPC_UNAVAILABLE);
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
		lose(c, "connection lost", RPC_UNAVAILABLE);
	} else if (c->state == RPC_CONNECTED && now - c->begun_ms > c->options.handshake_ms) {
		lose(c, "the handshake took too long", RPC_UNAVAILABLE);
		if (!c->is_closing)
			replace_connection(c);
	} else if (c->state == RPC_READY && now - c->begun_ms > SESSION_MAX_MS && !c->n_calls) {
		lose(c, "the session is a day old", RPC_UNAVAILABLE);
	}
	if (!c->is_closing && c->state == RPC_CONNECTING && stats.current &&
		(now >= c->next_try_ms || stats.established != c->established)) {
		c->established = stats.established;
		c->errors_before = stats.errors;
		begin(c);
	}
	if (!c->is_closing)
		finish_failed(c);
}

/* ------------------------------------------------------------------------------------------------------- the client */

struct rpc_client *rpc_client_open(
	uv_loop_t *loop, const char *url, const struct rpc_client_options *options, struct buf *error)
{
	struct rpc_client *c;
	int fd, endpoint;
	const char *why;

	if (!options->identity && !rpc_url_is_local(url, &why)) {
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
		lose(c, reason, RPC_UNAVAILABLE);
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
	while (c->calls)
		finish(c, c->calls, RPC_CANCELLED, STR("closed"), NULL);
	clear_queue(c);
	if (c->secure) { /* so that the server need not wait for silence */
		frame_begin(&reset, FRAME_RESET, c->session);
		socket_send(c->fd, str_of(request_trace, sizeof(request_trace)), buf_str(&reset));
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

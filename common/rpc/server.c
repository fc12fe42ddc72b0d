/*
 * Many clients on one raw socket. A session is found by the connection a message came from and the number the client gave it;
 * nothing is kept for a peer before its first well-formed handshake, and little before the last. nanomsg says neither who
 * connects nor who leaves, so silence is what ends a session.
 */
#include <assert.h>
#include <errno.h>
#include <nanomsg/nn.h>

#include "clock.h"
#include "frame.h"
#include "log.h"
#include "map.h"
#include "mem.h"
#include "proto_arena.h"
#include "rpc.h"
#include "secure.h"
#include "socket.h"

enum {
	SWEEP_MS = 100,
	REAP_MS = 2000,
	MESSAGES_A_TURN = 256,
	HANDSHAKES_MAX = 256,       /* under way at once */
	HANDSHAKES_A_SECOND = 200,  /* one costs about a millisecond */
	RESETS_A_SECOND = 100,
	SERVICES_MAX = 4,
	PORTS_MAX = 8,
	SESSION_KEY_SIZE = 12,
	DEFAULT_IDLE_MS = 30 * 1000,
	DEFAULT_HANDSHAKE_MS = 5000,
	LONGEST_TIMEOUT_MS = 3600 * 1000
};

struct rpc_peer {
	struct rpc_server *server;
	struct rpc_peer *next;
	struct secure *secure;
	uint8_t key[SESSION_KEY_SIZE]; /* pipe, session */
	uint64_t session;
	uint8_t trace[SOCKET_TRACE_MAX];
	bool is_open, is_over;
	uint64_t begun_ms, heard_ms;
	struct rpc_call *calls;
	unsigned n_calls;
	void *data;
};

struct rpc_call {
	struct rpc_call *next;
	struct rpc_peer *peer;
	uint64_t id, deadline_ms;
	const ProtobufCMethodDescriptor *method;
	bool is_in_handler, is_held, is_over;
	void (*on_gone)(void *data, struct rpc_call *call);
	void *data;
};

struct service {
	ProtobufCService *service;
	unsigned roles;
};

/* So many a second; what is over the rate is only counted. */
struct rate {
	uint64_t second;
	unsigned n, n_over;
};

struct rpc_server {
	struct rpc_server_options options;
	uv_poll_t poll;
	uv_timer_t timer;
	unsigned n_handles;
	int fd;
	struct map sessions;
	struct rpc_peer *peers; /* all of them */
	struct service services[SERVICES_MAX];
	size_t n_services;
	uint16_t ports[PORTS_MAX];
	size_t n_ports;
	struct rpc_server_stats stats;
	struct rate handshakes, resets, warnings;
	uint64_t reaped_ms;
	struct buf plain, out, packed;
	bool is_closing;
	void (*on_closed)(void *data);
	void *closed_data;
};

static bool rate_allows(struct rate *r, unsigned limit, uint64_t now_ms)
{
	if (r->second != now_ms / 1000)
		*r = (struct rate){.second = now_ms / 1000, .n_over = r->n_over};
	if (r->n >= limit) {
		r->n_over++;
		return false;
	}
	r->n++;
	return true;
}

/* One line a second at most about what strangers send; the next one says how many were left out. */
static void warn_stranger(struct rpc_server *server, const char *what, const char *why)
{
	unsigned n_over = server->warnings.n_over;

	if (!rate_allows(&server->warnings, 1, clock_mono_ms()))
		return;
	server->warnings.n_over = 0;
	log_warn("rpc", "%s: %s, not_logged=%u", what, why, n_over);
}

/* ---------------------------------------------------------------------------------------------------------- sending */

/* Sends server->out; begins a new one. What cannot be sent is lost, and the peer finds out by TLS or by its deadline. */
static void send_out(struct rpc_peer *peer)
{
	struct rpc_server *server = peer->server;

	socket_send(server->fd, str_of(peer->trace, sizeof(peer->trace)), buf_str(&server->out));
	buf_clear(&server->out);
}

static void send_envelope(struct rpc_peer *peer, const struct envelope *envelope, const ProtobufCMessage *payload)
{
	struct rpc_server *server = peer->server;
	size_t size = payload ? protobuf_c_message_get_packed_size(payload) : 0;
	char *room;

	if (peer->is_over)
		return;
	buf_clear(&server->packed);
	envelope_begin(&server->packed, envelope);
	room = buf_reserve(&server->packed, size);
	assert(room);
	if (payload)
		protobuf_c_message_pack(payload, (uint8_t *)room);
	server->packed.len += size;
	frame_begin(&server->out, FRAME_DATA, peer->session);
	if (secure_seal(peer->secure, buf_str(&server->packed), &server->out))
		send_out(peer);
	else
		peer->is_over = true; /* the sweep takes it away */
	buf_clear(&server->out);
	mem_wipe(server->packed.ptr, server->packed.len);
	buf_clear(&server->packed);
}

/* ------------------------------------------------------------------------------------------------------------ calls */

static void unlink_call(struct rpc_call *call)
{
	struct rpc_call **place = &call->peer->calls;

	while (*place != call)
		place = &(*place)->next;
	*place = call->next;
	call->peer->n_calls--;
}

/* After the answer, or instead of one. A call whose handler still runs is freed by whoever runs it. */
static void end_call(struct rpc_call *call)
{
	assert(!call->is_over);
	call->is_over = true;
	unlink_call(call);
	if (!call->is_in_handler)
		mem_free(call);
}

static void drop_call(struct rpc_call *call)
{
	void (*on_gone)(void *, struct rpc_call *) = call->on_gone;

	if (call->is_held && on_gone)
		on_gone(call->data, call);
	end_call(call);
}

void rpc_call_answer(struct rpc_call *call, const ProtobufCMessage *response)
{
	const struct envelope answer = {.type = ENVELOPE_ANSWER, .id = call->id};

	assert(!call->is_over && response->descriptor == call->method->output);
	if (protobuf_c_message_get_packed_size(response) > RPC_ANSWER_MAX) {
		rpc_call_fail(call, RPC_RESOURCE_EXHAUSTED, "the answer is larger than %d bytes", RPC_ANSWER_MAX);
		return;
	}
	send_envelope(call->peer, &answer, response);
	end_call(call);
}

void rpc_call_fail(struct rpc_call *call, enum rpc_status status, const char *format, ...)
{
	struct envelope answer = {.type = ENVELOPE_ANSWER, .id = call->id, .number = status};
	struct buf text;
	va_list args;

	assert(!call->is_over && status != RPC_OK);
	buf_init(&text, 4096);
	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	answer.text = buf_str(&text);
	send_envelope(call->peer, &answer, NULL);
	end_call(call);
	buf_deinit(&text);
}

static void close_with(const ProtobufCMessage *response, void *closure_data)
{
	struct rpc_call *call = closure_data;

	if (response)
		rpc_call_answer(call, response);
	else
		rpc_call_fail(call, RPC_INTERNAL, "no answer");
}

struct rpc_call *rpc_call_of(void *closure_data)
{
	return closure_data;
}

struct rpc_peer *rpc_call_peer(const struct rpc_call *call)
{
	return call->peer;
}

void rpc_call_hold(struct rpc_call *call, void (*on_gone)(void *data, struct rpc_call *call), void *data)
{
	assert(!call->is_over);
	call->is_held = true;
	call->on_gone = on_gone;
	call->data = data;
}

const char *rpc_peer_identity(const struct rpc_peer *peer)
{
	return secure_identity(peer->secure);
}

unsigned rpc_peer_roles(const struct rpc_peer *peer)
{
	return secure_roles(peer->secure);
}

void *rpc_peer_data(const struct rpc_peer *peer)
{
	return peer->data;
}

void rpc_peer_set_data(struct rpc_peer *peer, void *data)
{
	peer->data = data;
}

static struct service *find_service(struct rpc_server *server, struct str name)
{
	for (size_t i = 0; i < server->n_services; i++)
		if (str_eq(str_from(server->services[i].service->descriptor->name), name))
			return &server->services[i];
	return NULL;
}

/* By its whole name; a peer's name may hold anything, so it is compared, not looked up as a C string. */
static unsigned find_method(const ProtobufCServiceDescriptor *service, struct str name)
{
	for (unsigned i = 0; i < service->n_methods; i++)
		if (str_eq(str_from(service->methods[i].name), name))
			return i;
	return service->n_methods;
}

static void refuse(struct rpc_peer *peer, const struct envelope *request, enum rpc_status status, const char *why)
{
	const struct envelope answer = {
		.type = ENVELOPE_ANSWER, .id = request->id, .number = status, .text = str_from(why)};

	send_envelope(peer, &answer, NULL);
}

static void run_handler(struct rpc_peer *peer, const struct envelope *request, struct service *service, unsigned index)
{
	const ProtobufCMethodDescriptor *method = &service->service->descriptor->methods[index];
	uint32_t timeout_ms = request->number < LONGEST_TIMEOUT_MS ? request->number : LONGEST_TIMEOUT_MS;
	struct proto_arena decoded;
	struct rpc_call *call;
	const char *why = NULL;
	ProtobufCMessage *input;

	proto_arena_init(&decoded, proto_arena_cap(request->payload.len));
	input = proto_unpack(method->input, request->payload, &decoded, &why);
	if (!input) {
		refuse(peer, request, RPC_INVALID_ARGUMENT, why);
		proto_arena_deinit(&decoded);
		return;
	}
	call = mem_alloc(sizeof(*call));
	*call = (struct rpc_call){.next = peer->calls, .peer = peer, .id = request->id, .method = method};
	call->deadline_ms = clock_mono_ms() + timeout_ms;
	call->is_in_handler = true;
	peer->calls = call;
	peer->n_calls++;
	service->service->invoke(service->service, index, input, close_with, call);
	call->is_in_handler = false;
	if (call->is_over)
		mem_free(call);
	else
		assert(call->is_held); /* a handler answers, fails or holds */
	proto_arena_deinit(&decoded);
}

static void on_request(struct rpc_peer *peer, const struct envelope *request)
{
	size_t slash = str_find(request->text, '/');
	struct service *service = find_service(peer->server, str_first(request->text, slash));
	struct str name = str_from_index(request->text, slash + 1);
	unsigned index = service ? find_method(service->service->descriptor, name) : 0;

	peer->server->stats.calls++;
	if (!service || index == service->service->descriptor->n_methods)
		refuse(peer, request, RPC_UNIMPLEMENTED, "there is no such method");
	else if (!(secure_roles(peer->secure) & service->roles))
		refuse(peer, request, RPC_PERMISSION_DENIED, "this identity may not call that service");
	else if (request->payload.len > RPC_REQUEST_MAX)
		refuse(peer, request, RPC_RESOURCE_EXHAUSTED, "the request is too large");
	else if (peer->n_calls >= RPC_HELD_MAX)
		refuse(peer, request, RPC_RESOURCE_EXHAUSTED, "too many calls are waiting");
	else
		run_handler(peer, request, service, index);
}

static void on_cancel(struct rpc_peer *peer, uint64_t id)
{
	for (struct rpc_call *call = peer->calls; call; call = call->next) {
		if (call->id != id)
			continue;
		drop_call(call);
		return;
	}
}

/* --------------------------------------------------------------------------------------------------------- sessions */

static void free_peer(struct rpc_peer *peer)
{
	struct rpc_server *server = peer->server;

	while (peer->calls)
		drop_call(peer->calls);
	if (peer->is_open) {
		server->stats.n_peers--;
		if (server->options.on_peer_gone)
			server->options.on_peer_gone(server->options.data, peer);
	} else {
		server->stats.n_handshakes--;
	}
	map_del(&server->sessions, str_of(peer->key, sizeof(peer->key)));
	secure_destroy(peer->secure);
	mem_free(peer);
}

static bool is_over(const struct rpc_peer *peer, uint64_t now_ms)
{
	const struct rpc_server_options *o = &peer->server->options;

	if (peer->is_over)
		return true;
	return peer->is_open ? now_ms - peer->heard_ms > o->idle_ms : now_ms - peer->begun_ms > o->handshake_ms;
}

static void sweep_calls(struct rpc_peer *peer, uint64_t now_ms)
{
	for (struct rpc_call *call = peer->calls, *next; call; call = next) {
		next = call->next;
		if (now_ms >= call->deadline_ms)
			drop_call(call);
	}
}

static void on_sweep(uv_timer_t *timer)
{
	struct rpc_server *server = container_of(timer, struct rpc_server, timer);
	uint64_t now = clock_mono_ms();

	for (struct rpc_peer **place = &server->peers; *place;) {
		struct rpc_peer *peer = *place;

		if (is_over(peer, now)) {
			*place = peer->next;
			free_peer(peer);
			continue;
		}
		sweep_calls(peer, now);
		place = &peer->next;
	}
	if (now - server->reaped_ms < REAP_MS)
		return;
	server->reaped_ms = now;
	for (size_t i = 0; i < server->n_ports; i++)
		server->stats.reaped += socket_reap(server->ports[i], server->options.idle_ms);
}

static struct rpc_peer *admit(struct rpc_server *server, const uint8_t key[SESSION_KEY_SIZE], uint64_t session)
{
	uint64_t now = clock_mono_ms();
	struct rpc_peer *peer;

	if (server->stats.n_handshakes >= HANDSHAKES_MAX || !rate_allows(&server->handshakes, HANDSHAKES_A_SECOND, now)) {
		server->stats.refused_handshakes++;
		warn_stranger(server, "handshake refused", "too many at once");
		return NULL;
	}
	peer = mem_zalloc(sizeof(*peer));
	peer->server = server;
	peer->session = session;
	peer->begun_ms = now;
	memcpy(peer->key, key, SESSION_KEY_SIZE);
	peer->secure = secure_create(server->options.identity, true, RPC_ROLE_ANY);
	peer->next = server->peers;
	server->peers = peer;
	server->stats.n_handshakes++;
	map_put(&server->sessions, str_of(key, SESSION_KEY_SIZE), peer);
	return peer;
}

static void garbage(struct rpc_server *server, const char *why)
{
	server->stats.garbage++;
	warn_stranger(server, "message dropped", why);
}

static void on_failed(struct rpc_peer *peer)
{
	struct rpc_server *server = peer->server;
	struct buf text;

	buf_init(&text, 1024);
	buf_add_escaped(&text, str_from(secure_reason(peer->secure)));
	if (!peer->is_open)
		server->stats.refused_handshakes++;
	warn_stranger(server, peer->is_open ? "session ended" : "handshake refused", buf_cstr(&text));
	peer->is_over = true;
	buf_deinit(&text);
}

static void on_plain(struct rpc_peer *peer, struct str plain)
{
	struct envelope envelope;
	const char *why;

	if (!envelope_parse(plain, &envelope, &why))
		garbage(peer->server, why);
	else if (envelope.type == ENVELOPE_REQUEST)
		on_request(peer, &envelope);
	else if (envelope.type == ENVELOPE_CANCEL)
		on_cancel(peer, envelope.id);
	else
		garbage(peer->server, "an answer that nobody asked for");
}

static void feed(struct rpc_peer *peer, struct str bytes)
{
	struct rpc_server *server = peer->server;
	size_t head;
	bool has_alert;
	enum secure_state state;

	buf_clear(&server->plain);
	frame_begin(&server->out, peer->is_open ? FRAME_DATA : FRAME_HANDSHAKE, peer->session);
	head = server->out.len;
	state = secure_feed(peer->secure, bytes, &server->plain, &server->out);
	has_alert = server->out.len > head;
	if (has_alert)
		send_out(peer);
	buf_clear(&server->out);
	if (state == SECURE_FAILED) {
		if (!has_alert) { /* no alert: at least say that nothing will come of it */
			frame_begin(&server->out, FRAME_RESET, peer->session);
			send_out(peer);
		}
		on_failed(peer);
		return;
	}
	if (state == SECURE_OPEN && !peer->is_open) {
		peer->is_open = true;
		server->stats.n_handshakes--;
		server->stats.n_peers++;
		log_debug("rpc", "session begins identity=%s", secure_identity(peer->secure));
	}
	if (server->plain.len)
		on_plain(peer, buf_str(&server->plain));
}

/* Tells a client that its session is not known here: after a restart that is how it finds out at once. */
static void send_reset(struct rpc_server *server, const struct socket_message *m, uint64_t session)
{
	if (!rate_allows(&server->resets, RESETS_A_SECOND, clock_mono_ms()))
		return;
	buf_clear(&server->out);
	frame_begin(&server->out, FRAME_RESET, session);
	socket_send(server->fd, str_of(m->trace, m->trace_len), buf_str(&server->out));
	buf_clear(&server->out);
}

static void on_message(struct rpc_server *server, const struct socket_message *m)
{
	uint8_t key[SESSION_KEY_SIZE];
	struct rpc_peer *peer;
	struct frame frame;
	const char *why;

	if (m->trace_len != SOCKET_TRACE_MAX) {
		garbage(server, "a back-trace of the wrong size");
		return;
	}
	if (!frame_parse(m->bytes, &frame, &why)) {
		garbage(server, why);
		return;
	}
	memcpy(key, m->trace, 4);
	memcpy(key + 4, &frame.session, 8);
	peer = map_get(&server->sessions, str_of(key, sizeof(key)));
	if (peer && peer->is_over)
		return;
	if (!peer && frame.type == FRAME_HANDSHAKE)
		peer = admit(server, key, frame.session);
	else if (!peer && frame.type == FRAME_DATA)
		send_reset(server, m, frame.session);
	if (!peer)
		return;
	memcpy(peer->trace, m->trace, SOCKET_TRACE_MAX);
	peer->heard_ms = clock_mono_ms();
	if (frame.type == FRAME_RESET)
		peer->is_over = true;
	else
		feed(peer, frame.bytes);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct rpc_server *server = container_of(poll, struct rpc_server, poll);
	struct socket_message message;

	(void)status;
	(void)events;
	for (int i = 0; i < MESSAGES_A_TURN && !server->is_closing && socket_receive(server->fd, &message) == 1; i++) {
		on_message(server, &message);
		socket_message_deinit(&message);
	}
}

/* ------------------------------------------------------------------------------------------------------- the server */

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
		free_peer(peer);
	}
	uv_poll_stop(&server->poll);
	nn_close(server->fd);
	map_deinit(&server->sessions);
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

/*
 * A session is found by the connection a message came from and the number the client gave it; nothing is kept for a peer
 * before its first well-formed handshake, and little before the last. Silence is what ends a session.
 */
#include <assert.h>
#include <string.h>

#include "clock.h"
#include "identity.h"
#include "log.h"
#include "mem.h"
#include "secure.h"
#include "server.h"

enum {
	HANDSHAKES_MAX = 256,       /* under way at once; others wait */
	PATIENCE_MS = 600,          /* one that takes longer makes room for who waits: the peer is slow, not we */
	PATIENCE_MAX_MS = 2000,     /* the same, whoever is slow */
	EVICT_GAP_MS = 3,           /* on average, over EVICT_SPAN_MS */
	EVICT_SPAN_MS = 200,
	BEGIN_A_SWEEP = 40,         /* of those who wait */
	SESSIONS_MAX = 8192,        /* 45 KiB each */
	RESETS_A_SECOND = 100,
	FLIGHT_MIN = 64,            /* bytes; an alert is less */
	FAULTS_A_SECOND = 64,       /* of one session, and it ends */
	UNCONFIRMED_MAX = RPC_HELD_MAX + 1 /* the answer to what was heard last, and those to calls that were held */
};

/* ---------------------------------------------------------------------------------------------------------- sending */

/* Sends server->out; begins a new one. What cannot be sent is lost, and the peer finds out by TLS or by its deadline. */
static void send_out(struct rpc_peer *peer)
{
	struct rpc_server *server = peer->server;

	socket_send(server->fd, str_of(peer->trace, sizeof(peer->trace)), buf_str(&server->out));
	buf_clear(&server->out);
}

static void reset(struct rpc_peer *peer)
{
	struct rpc_server *server = peer->server;

	buf_clear(&server->out);
	frame_begin(&server->out, FRAME_RESET, peer->session);
	send_out(peer);
}

/* No client of ours comes here. The sweep takes the session away. */
static void end_faulty(struct rpc_peer *peer, const char *why)
{
	warn_stranger(peer->server, "session ended", why);
	peer->server->stats.faulty++;
	reset(peer);
	peer->is_over = true;
}

void session_send(struct rpc_peer *peer, const struct envelope *envelope, const ProtobufCMessage *payload)
{
	struct rpc_server *server = peer->server;
	size_t size = payload ? protobuf_c_message_get_packed_size(payload) : 0;
	char *room;

	if (peer->is_over)
		return;
	if (++peer->n_unconfirmed > UNCONFIRMED_MAX) {
		end_faulty(peer, "it has more answers than it may have calls");
		return;
	}
	buf_clear(&server->packed);
	envelope_begin(&server->packed, envelope);
	room = buf_reserve(&server->packed, size);
	if (room && payload)
		server->packed.len += protobuf_c_message_pack(payload, (uint8_t *)room);
	if (!room) { /* what is in it came from peers: not an end of ours */
		struct envelope over = *envelope;

		over.number = RPC_RESOURCE_EXHAUSTED;
		over.text = STR("the answer is too large");
		buf_clear(&server->packed);
		envelope_begin(&server->packed, &over);
		log_error("rpc", "an answer is too large and is not sent bytes=%zu", size);
	}
	frame_begin(&server->out, FRAME_DATA, peer->session);
	if (secure_seal(peer->secure, buf_str(&server->packed), &server->out))
		send_out(peer);
	else
		peer->is_over = true; /* the sweep takes it away */
	buf_clear(&server->out);
	mem_wipe(server->packed.ptr, server->packed.len);
	buf_clear(&server->packed);
}

/* ------------------------------------------------------------------------------------------------- who the peers are */

const char *rpc_peer_identity(const struct rpc_peer *peer)
{
	return secure_identity(peer->secure);
}

void *rpc_peer_data(const struct rpc_peer *peer)
{
	return peer->data;
}

void rpc_peer_set_data(struct rpc_peer *peer, void *data)
{
	peer->data = data;
}

/* ------------------------------------------------------------------------------------------------- beginning and ending */

static struct str connection_of(const struct rpc_peer *peer)
{
	return str_of(peer->key, SOCKET_PIPE_SIZE);
}

static void end_handshake(struct rpc_peer *peer)
{
	struct rpc_server *server = peer->server;

	server->stats.n_handshakes--;
	if (map_get(&server->beginning, connection_of(peer)) == peer)
		map_del(&server->beginning, connection_of(peer));
}

void session_free(struct rpc_peer *peer)
{
	struct rpc_server *server = peer->server;

	while (peer->calls)
		call_drop(peer->calls);
	if (peer->is_open) {
		server->stats.n_peers--;
		if (server->options.on_peer_gone)
			server->options.on_peer_gone(server->options.data, peer);
	} else {
		end_handshake(peer);
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

/* A certificate that was stolen has a session perhaps: it ends when the list does not accept it any more. */
static void end_denied(struct rpc_server *server)
{
	unsigned version = server->options.identity ? identity_deny_version(server->options.identity) : 0;

	if (version == server->deny_version)
		return;
	server->deny_version = version;
	for (struct rpc_peer *peer = server->peers; peer; peer = peer->next) {
		if (!peer->is_open || peer->is_over || !secure_is_denied(peer->secure))
			continue;
		log_warn("rpc", "session ended, deny.txt lists the certificate identity=%s", secure_identity(peer->secure));
		peer->is_over = true;
	}
}

/* The one that has had the most time to end its handshake. */
static struct rpc_peer **oldest_handshake(struct rpc_server *server)
{
	struct rpc_peer **oldest = NULL;

	for (struct rpc_peer **place = &server->peers; *place; place = &(*place)->next) {
		if (!(*place)->is_open)
			oldest = place; /* the newest stand first */
	}
	assert(oldest);
	return oldest;
}

static bool has_room(struct rpc_server *server, uint64_t now_ms)
{
	uint64_t begun_ms;

	if (!budget_allows(&server->handshakes, now_ms))
		return false;
	if (server->stats.n_handshakes < HANDSHAKES_MAX)
		return true;
	if (server->evicted_ms + EVICT_SPAN_MS < now_ms)
		server->evicted_ms = now_ms - EVICT_SPAN_MS;
	if (server->evicted_ms + EVICT_GAP_MS > now_ms)
		return false;
	begun_ms = (*oldest_handshake(server))->begun_ms;
	return server->drained_ms > begun_ms + PATIENCE_MS || now_ms - begun_ms > PATIENCE_MAX_MS;
}

static void evict_oldest(struct rpc_server *server)
{
	struct rpc_peer **oldest = oldest_handshake(server), *gone = *oldest;

	*oldest = gone->next;
	session_free(gone);
	server->evicted_ms += EVICT_GAP_MS;
	server->stats.refused_handshakes++;
	warn_stranger(server, "handshake refused", "too many are under way, the oldest makes room");
}

/* A connection shakes hands once at a time: who begins again has given up what was under way. */
static void replace_handshake(struct rpc_server *server, const uint8_t key[SESSION_KEY_SIZE])
{
	struct rpc_peer *former = map_get(&server->beginning, str_of(key, SOCKET_PIPE_SIZE)), **place = &server->peers;

	if (!former)
		return;
	while (*place != former)
		place = &(*place)->next;
	*place = former->next;
	session_free(former);
}

static struct rpc_peer *admit(struct rpc_server *server, const uint8_t key[SESSION_KEY_SIZE], uint64_t session)
{
	uint64_t now = clock_mono_ms();
	struct rpc_peer *peer;

	replace_handshake(server, key);
	if (server->stats.n_handshakes >= HANDSHAKES_MAX)
		evict_oldest(server);
	budget_take(&server->handshakes);
	peer = mem_zalloc(sizeof(*peer));
	peer->server = server;
	peer->session = session;
	peer->begun_ms = now;
	memcpy(peer->key, key, SESSION_KEY_SIZE);
	peer->secure = secure_create(server->options.identity, true, RPC_ROLE_ANY);
	peer->next = server->peers;
	server->peers = peer;
	server->stats.n_handshakes++;
	map_put(&server->beginning, connection_of(peer), peer);
	map_put(&server->sessions, str_of(key, SESSION_KEY_SIZE), peer);
	return peer;
}

/* ---------------------------------------------------------------------------------------------------------- receiving */

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

void session_fault(struct rpc_peer *peer)
{
	if (!peer->is_over && !rate_allows(&peer->faults, FAULTS_A_SECOND, clock_mono_ms()))
		end_faulty(peer, "its peer sends what makes no sense, again and again");
}

static void on_plain(struct rpc_peer *peer, struct str plain)
{
	struct envelope envelope;
	const char *why = "an answer that nobody asked for";

	if (envelope_parse(plain, &envelope, &why) && envelope.type == ENVELOPE_REQUEST) {
		call_request(peer, &envelope);
	} else if (envelope.type == ENVELOPE_CANCEL) {
		call_cancel(peer, envelope.id);
	} else {
		garbage(peer->server, why);
		session_fault(peer);
	}
}

static void feed(struct rpc_peer *peer, struct str bytes)
{
	struct rpc_server *server = peer->server;
	size_t head, n_sent;
	enum secure_state state;

	buf_clear(&server->plain);
	frame_begin(&server->out, peer->is_open ? FRAME_DATA : FRAME_HANDSHAKE, peer->session);
	head = server->out.len;
	state = secure_feed(peer->secure, bytes, &server->plain, &server->out);
	n_sent = server->out.len - head;
	if (n_sent)
		send_out(peer);
	buf_clear(&server->out);
	if (n_sent >= FLIGHT_MIN)
		peer->is_paid = true;
	if (state == SECURE_FAILED) {
		if (!n_sent) /* no alert: at least say that nothing will come of it */
			reset(peer);
		if (!peer->is_paid)
			budget_give_back(&server->handshakes);
		on_failed(peer);
		return;
	}
	if (state == SECURE_OPEN && !peer->is_open) {
		peer->is_open = true;
		end_handshake(peer);
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

static void hear(struct rpc_peer *peer, const struct socket_message *m, const struct frame *frame)
{
	memcpy(peer->trace, m->trace, SOCKET_TRACE_MAX);
	peer->heard_ms = clock_mono_ms();
	peer->n_unconfirmed = 0;
	if (frame->type == FRAME_RESET)
		peer->is_over = true;
	else
		feed(peer, frame->bytes);
}

static void make_key(const struct socket_message *m, const struct frame *frame, uint8_t key[SESSION_KEY_SIZE])
{
	memcpy(key, m->trace, SOCKET_PIPE_SIZE);
	memcpy(key + SOCKET_PIPE_SIZE, &frame->session, sizeof(frame->session));
}

/* Noise leaves no trace: its place is free for the next one at once. */
static void hear_first(struct rpc_server *server, const struct socket_message *m, const struct frame *frame,
	const uint8_t key[SESSION_KEY_SIZE])
{
	struct rpc_peer *peer = admit(server, key, frame->session);

	hear(peer, m, frame);
	if (!peer->is_over || peer->is_open)
		return;
	assert(server->peers == peer);
	server->peers = peer->next;
	session_free(peer);
}

/* Those who wait, in their order, as far as there is room now. */
static void begin_waiting(struct rpc_server *server, uint64_t now_ms, unsigned n)
{
	const struct socket_message *m;

	for (; n && server->waiting.n && has_room(server, now_ms); n--) {
		uint8_t key[SESSION_KEY_SIZE];
		struct frame frame;
		const char *why;

		m = waiting_first(&server->waiting, now_ms - server->options.handshake_ms);
		if (!m)
			return;
		if (frame_parse(m->bytes, &frame, &why)) { /* as before */
			make_key(m, &frame, key);
			if (!map_get(&server->sessions, str_of(key, sizeof(key))))
				hear_first(server, m, &frame, key);
		}
		waiting_drop_first(&server->waiting);
	}
}

/* Somebody new. */
static void begin(struct rpc_server *server, const struct socket_message *m, const struct frame *frame,
	const uint8_t key[SESSION_KEY_SIZE])
{
	uint64_t now = clock_mono_ms();
	const char *why = NULL;

	if (server->stats.n_peers >= SESSIONS_MAX)
		why = "too many sessions";
	else if (!server->waiting.n && has_room(server, now))
		hear_first(server, m, frame, key);
	else if (!waiting_add(&server->waiting, m, now))
		why = "too many at once";
	if (!why)
		return;
	server->stats.refused_handshakes++;
	warn_stranger(server, "handshake refused", why);
}

static void receive(struct rpc_server *server, const struct socket_message *m)
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
	make_key(m, &frame, key);
	peer = map_get(&server->sessions, str_of(key, sizeof(key)));
	if (peer && !peer->is_over)
		hear(peer, m, &frame);
	else if (!peer && frame.type == FRAME_HANDSHAKE)
		begin(server, m, &frame, key);
	else if (!peer && frame.type == FRAME_DATA)
		send_reset(server, m, frame.session);
}

void session_receive(struct rpc_server *server, const struct socket_message *m)
{
	receive(server, m);
	if (server->waiting.n)
		begin_waiting(server, clock_mono_ms(), 1); /* a handshake may have ended */
}

void session_sweep(struct rpc_server *server, uint64_t now)
{
	end_denied(server);
	for (struct rpc_peer **place = &server->peers; *place;) {
		struct rpc_peer *peer = *place;

		if (is_over(peer, now)) {
			*place = peer->next;
			session_free(peer);
			continue;
		}
		call_sweep(peer, now);
		place = &peer->next;
	}
	begin_waiting(server, now, BEGIN_A_SWEEP);
}

/*
 * One proxy's session. nanomsg's TCP: eight bytes of greeting each way, then messages with their length before them; of raw REQ/REP a
 * message begins with the request's number.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "crowd.h"
#include "mem.h"

enum { GREETING_SIZE = 8, HEAD_SIZE = 8, TRACE_SIZE = 4, MESSAGE_MAX = 1024 * 1024 };
enum { FIRST_PAUSE_MS = 100, LONGEST_PAUSE_MS = 1600, HANDSHAKE_MS = 5000 }; /* as the client of common/rpc */

const struct str wire_greeting = {"\0SP\0\0\x30\0\0", GREETING_SIZE}, wire_answer = {"\0SP\0\0\x31\0\0", GREETING_SIZE};
static const char trace[TRACE_SIZE] = {(char)0x80, 0, 0, 1};

static uint64_t next_random(struct crowd *c)
{
	c->random = c->random * 6364136223846793005u + 1442695040888963407u;
	return c->random >> 16;
}

socklen_t wire_size(const struct sockaddr_storage *a)
{
	return a->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

void wire_add_message(struct buf *out, struct str frame)
{
	uint8_t head[HEAD_SIZE] = {0};
	uint32_t len = htonl((uint32_t)(frame.len + TRACE_SIZE));

	memcpy(head + 4, &len, sizeof(len));
	buf_add(out, str_of(head, sizeof(head)));
	buf_add(out, str_of(trace, sizeof(trace)));
	buf_add(out, frame);
}

/* ---------------------------------------------------------------------------------------------------- begin and end */

static void await(struct session *s, bool for_writing)
{
	struct epoll_event e = {.events = EPOLLIN | (for_writing ? EPOLLOUT : 0), .data.ptr = s};

	epoll_ctl(s->crowd->epoll, EPOLL_CTL_MOD, s->fd, &e);
}

static void stop_watching(struct session *s)
{
	s->crowd->n_watching -= s->is_watching;
	s->is_watching = false;
	s->crowd->is_told_watching = false;
}

static void end_connection(struct session *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	secure_destroy(s->secure);
	s->secure = NULL;
	s->asked = ASKED_NOTHING;
	s->store = NULL;
	buf_clear(&s->in);
	buf_clear(&s->out);
	stop_watching(s);
}

void session_restart(struct session *s, uint64_t due_us, bool forgets)
{
	end_connection(s);
	if (forgets && s->serves) {
		known_leave(&s->crowd->known, s->serves);
		s->serves = NULL;
	}
	s->phase = PHASE_PAUSE;
	s->due_us = due_us;
}

/* As a proxy does: another controller, if there is one, and longer pauses each time it does not work out. */
static void lose(struct session *s)
{
	struct crowd *c = s->crowd;
	bool was_open = s->phase == PHASE_OPEN;
	uint64_t pause_us;

	c->n_lost += was_open;
	c->n_refused += !was_open;
	s->at = (s->at + 1) % c->n_addresses;
	s->pause_ms = was_open || !s->pause_ms ? FIRST_PAUSE_MS : s->pause_ms * 2 < LONGEST_PAUSE_MS ? s->pause_ms * 2 : LONGEST_PAUSE_MS;
	pause_us = was_open ? 0 : s->pause_ms * 500u;
	session_restart(s, clock_mono_us() + pause_us + next_random(c) % (s->pause_ms * 1000u), false);
}

void session_fail(struct session *s, const char *why)
{
	s->crowd->n_failed++;
	fprintf(stderr, "crowd: session %u: %s\n", s->number, why);
	lose(s);
}

static void begin(struct session *s)
{
	const struct sockaddr_storage *to = &s->crowd->addresses[s->at];
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = s};
	int on = 1;

	s->fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	s->phase = PHASE_CONNECT;
	s->due_us = clock_mono_us() + HANDSHAKE_MS * 1000u;
	if (s->fd < 0 || epoll_ctl(s->crowd->epoll, EPOLL_CTL_ADD, s->fd, &e) != 0) {
		session_fail(s, "no socket could be made: see ulimit -n");
		return;
	}
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(s->fd, (const struct sockaddr *)to, wire_size(to)) != 0 && errno != EINPROGRESS)
		lose(s);
}

struct session *session_create(struct crowd *c, unsigned number, uint64_t due_us)
{
	struct session *s = mem_zalloc(sizeof(*s));

	*s = (struct session){.crowd = c, .number = number, .fd = -1, .due_us = due_us};
	s->report_us = due_us + next_random(c) % (c->report_ms * 1000u);
	return s;
}

void session_destroy(struct session *s)
{
	session_restart(s, 0, true);
	buf_deinit(&s->in);
	buf_deinit(&s->out);
	mem_free(s);
}

void session_serve(struct session *s, struct version *v, uint64_t now_us)
{
	struct version *before = s->serves;

	if (v == before)
		return;
	s->serves = v;
	known_enter(v, now_us);
	if (before)
		known_leave(&s->crowd->known, before);
}

/* ------------------------------------------------------------------------------------------------------------ sending */

static void flush(struct session *s)
{
	ssize_t n = s->out.len ? send(s->fd, s->out.ptr, s->out.len, MSG_NOSIGNAL) : 0;

	if (n > 0) {
		s->crowd->bytes_out += (uint64_t)n;
		buf_consume(&s->out, (size_t)n);
	}
	if (n < 0 && errno != EAGAIN)
		return; /* reading will say so */
	if (s->phase > PHASE_CONNECT)
		await(s, s->out.len > 0);
}

static void send_frame(struct session *s, struct str frame)
{
	bool was_empty = !s->out.len;

	wire_add_message(&s->out, frame);
	if (was_empty) {
		ssize_t n = send(s->fd, s->out.ptr, s->out.len, MSG_NOSIGNAL);

		if (n > 0) {
			s->crowd->bytes_out += (uint64_t)n;
			buf_consume(&s->out, (size_t)n);
		}
		if (s->out.len)
			await(s, true);
	}
}

void session_send(struct session *s)
{
	struct crowd *c = s->crowd;

	buf_clear(&c->frame);
	frame_begin(&c->frame, FRAME_DATA, s->session);
	if (secure_seal(s->secure, buf_str(&c->packed), &c->frame))
		send_frame(s, buf_str(&c->frame));
	else
		session_fail(s, "the session is broken");
}

/* ---------------------------------------------------------------------------------------------------------- receiving */

static void feed(struct session *s, struct str bytes)
{
	struct crowd *c = s->crowd;
	enum secure_state state;
	size_t head;

	buf_clear(&c->plain);
	buf_clear(&c->frame);
	frame_begin(&c->frame, s->phase == PHASE_OPEN ? FRAME_DATA : FRAME_HANDSHAKE, s->session);
	head = c->frame.len;
	state = secure_feed(s->secure, bytes, &c->plain, &c->frame);
	if (c->frame.len > head)
		send_frame(s, buf_str(&c->frame));
	if (state == SECURE_FAILED) {
		lose(s);
		return;
	}
	if (state == SECURE_OPEN && s->phase == PHASE_HANDSHAKE) {
		s->phase = PHASE_OPEN;
		s->pause_ms = 0;
		call_hello(s);
	}
	if (c->plain.len && s->phase == PHASE_OPEN)
		call_answered(s, buf_str(&c->plain));
}

static void greeted(struct session *s)
{
	s->phase = PHASE_HANDSHAKE;
	s->session = next_random(s->crowd) << 20 ^ next_random(s->crowd);
	s->secure = secure_create(s->crowd->identity, false, RPC_ROLE_CONTROLLER);
	feed(s, STR(""));
}

static void on_message(struct session *s, struct str message)
{
	struct frame frame;
	const char *why;

	if (message.len < TRACE_SIZE || !frame_parse(str_from_index(message, TRACE_SIZE), &frame, &why) || frame.session != s->session)
		session_fail(s, "a message that is none of ours");
	else if (frame.type == FRAME_RESET)
		lose(s);
	else
		feed(s, frame.bytes);
}

/* The next message of `bytes`: its size with its head; 0 when it is not whole. */
static size_t next_message(struct str bytes, struct str *out)
{
	uint32_t len;

	if (bytes.len < HEAD_SIZE)
		return 0;
	memcpy(&len, bytes.ptr + 4, sizeof(len));
	len = ntohl(len);
	*out = str_first(str_from_index(bytes, HEAD_SIZE), len);
	return bytes.len - HEAD_SIZE < len ? 0 : HEAD_SIZE + len;
}

/* What is left over. */
static struct str take_messages(struct session *s, struct str bytes)
{
	struct str message;
	size_t size;
	int fd = s->fd;

	if (s->phase == PHASE_GREETING) {
		if (bytes.len < GREETING_SIZE)
			return bytes;
		if (!str_eq(str_first(bytes, GREETING_SIZE), wire_answer)) {
			session_fail(s, "the other end is no controller");
			return STR("");
		}
		bytes = str_from_index(bytes, GREETING_SIZE);
		greeted(s);
	}
	while (s->fd == fd && (size = next_message(bytes, &message))) {
		on_message(s, message);
		bytes = str_from_index(bytes, size);
	}
	return s->fd == fd ? bytes : STR("");
}

static void received(struct session *s, struct str bytes)
{
	struct buf whole;
	struct str left;

	if (!s->in.len) {
		buf_add(&s->in, take_messages(s, bytes));
		return;
	}
	buf_add(&s->in, bytes);
	whole = s->in; /* not to be touched below */
	s->in = (struct buf){0};
	left = take_messages(s, buf_str(&whole));
	if (left.len == whole.len) {
		s->in = whole;
		return;
	}
	buf_add(&s->in, left);
	buf_deinit(&whole);
}

static void read_all(struct session *s)
{
	for (int turn = 0; turn < 4; turn++) {
		ssize_t n = recv(s->fd, s->crowd->in, IN_BYTES, 0);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			lose(s);
			return;
		}
		s->crowd->bytes_in += (uint64_t)n;
		received(s, str_of(s->crowd->in, (size_t)n));
		if (s->fd < 0 || n < IN_BYTES)
			return;
	}
}

void session_ready(struct session *s, uint32_t events)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (s->phase == PHASE_CONNECT) {
		getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &size);
		if (error) {
			lose(s);
			return;
		}
		s->phase = PHASE_GREETING;
		buf_add(&s->out, wire_greeting);
	}
	if (events & EPOLLOUT)
		flush(s);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) && s->fd >= 0)
		read_all(s);
}

void session_tick(struct session *s, uint64_t now_us)
{
	if (s->phase == PHASE_PAUSE && now_us >= s->due_us) {
		begin(s);
	} else if (s->phase == PHASE_OPEN && now_us >= s->due_us) {
		session_fail(s, "the controller is silent");
	} else if (s->phase != PHASE_PAUSE && s->phase != PHASE_OPEN && now_us >= s->due_us) {
		lose(s);
	} else if (s->phase == PHASE_OPEN && s->is_watching && now_us >= s->report_us) {
		s->report_us = now_us + s->crowd->report_ms * 1000u;
		call_report(s);
	}
}

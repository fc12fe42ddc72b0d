/*
 * Messages that no proxy would send, as fast as they are taken: noise, broken heads, mutated handshakes, data for sessions that are not
 * there, and, inside sessions with a good certificate, mutated calls. Now and then one that nanomsg itself cannot take.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "content.h"
#include "crowd.h"
#include "mem.h"
#include "weirlock/v1/control.pb-c.h"

enum { BATCH = 64, NOISE_MAX = 1024, HUGE = 64 * 1024 * 1024, HANDSHAKE_EVERY = 512, BREAK_EVERY = 20000, INSIDERS = 4, ANSWER_MS = 2000 };

struct intruder {
	int fd;
	struct secure *secure; /* of those that have a certificate; open, or NULL */
	uint64_t session, n_calls;
	struct buf in;
};

struct garbage {
	const struct garbage_options *options;
	struct intruder *all;
	struct buf hello;  /* a real first flight */
	struct buf out, frame, packed, plain;
	uint64_t random, n_sent, n_broken, n_inside, n_sessions;
};

static uint32_t roll(struct garbage *g, uint32_t below)
{
	g->random = g->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(g->random >> 33) % below;
}

static void add_noise(struct garbage *g, struct buf *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_add_char(out, (char)(uint8_t)roll(g, 256));
}

static void mutate(struct garbage *g, struct buf *b, size_t from)
{
	for (uint32_t n = 1 + roll(g, 4); n && b->len > from; n--)
		b->ptr[from + roll(g, (uint32_t)(b->len - from))] ^= (char)(1u << roll(g, 8));
	if (!roll(g, 4))
		b->len -= roll(g, (uint32_t)(b->len - from + 1));
}

/* ------------------------------------------------------------------------------------------------------- connections */

static bool connect_again(struct garbage *g, struct intruder *i)
{
	char greeting[8];
	size_t got = 0;

	if (i->fd >= 0)
		close(i->fd);
	secure_destroy(i->secure);
	i->secure = NULL;
	buf_clear(&i->in);
	i->fd = socket(g->options->to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (i->fd < 0 || connect(i->fd, (const struct sockaddr *)&g->options->to, wire_size(&g->options->to)) != 0)
		return false;
	if (send(i->fd, wire_greeting.ptr, wire_greeting.len, MSG_NOSIGNAL) != (ssize_t)wire_greeting.len)
		return false;
	while (got < sizeof(greeting)) {
		ssize_t n = recv(i->fd, greeting + got, sizeof(greeting) - got, 0);

		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return true;
}

/* What the controller says is of no interest, but must not stand in its way. */
static void drain(struct intruder *i)
{
	char bytes[64 * 1024];

	while (recv(i->fd, bytes, sizeof(bytes), MSG_DONTWAIT) == (ssize_t)sizeof(bytes))
		;
}

/* False: the other end has closed the connection. */
static bool send_all(struct garbage *g, struct intruder *i)
{
	struct str left = buf_str(&g->out);

	while (left.len) {
		ssize_t n = send(i->fd, left.ptr, left.len, MSG_NOSIGNAL);

		if (n < 0)
			break;
		left = str_from_index(left, (size_t)n);
	}
	buf_clear(&g->out);
	return !left.len;
}

/* ----------------------------------------------------------------------------------------------- one with a certificate */

/* The next message that comes; false when none does in time. */
static bool await_message(struct intruder *i, struct frame *out)
{
	const char *why;
	uint32_t len;

	for (;;) {
		struct pollfd p = {.fd = i->fd, .events = POLLIN};
		char *room;
		ssize_t n;

		if (i->in.len >= 8) {
			memcpy(&len, i->in.ptr + 4, sizeof(len));
			len = ntohl(len);
			if (i->in.len - 8 >= len)
				return len > 4 && frame_parse(str_of(i->in.ptr + 12, len - 4), out, &why);
		}
		if (poll(&p, 1, ANSWER_MS) != 1)
			return false;
		room = buf_reserve(&i->in, 64 * 1024);
		n = recv(i->fd, room, 64 * 1024, 0);
		if (n <= 0)
			return false;
		i->in.len += (size_t)n;
	}
}

static enum secure_state feed(struct garbage *g, struct intruder *i, struct str bytes)
{
	enum secure_state state;
	size_t head;

	buf_clear(&g->plain);
	buf_clear(&g->frame);
	frame_begin(&g->frame, FRAME_HANDSHAKE, i->session);
	head = g->frame.len;
	state = secure_feed(i->secure, bytes, &g->plain, &g->frame);
	if (g->frame.len > head)
		wire_add_message(&g->out, buf_str(&g->frame));
	return send_all(g, i) ? state : SECURE_FAILED;
}

static bool shake_hands(struct garbage *g, struct intruder *i)
{
	enum secure_state state;
	struct frame frame;

	i->session = (uint64_t)roll(g, UINT32_MAX) << 32 | roll(g, UINT32_MAX);
	i->secure = secure_create(g->options->identity, false, RPC_ROLE_CONTROLLER);
	state = feed(g, i, STR(""));
	while (state == SECURE_HANDSHAKE && await_message(i, &frame)) {
		state = feed(g, i, frame.bytes);
		buf_clear(&i->in);
	}
	if (state == SECURE_OPEN) {
		g->n_sessions++;
		return true;
	}
	secure_destroy(i->secure);
	i->secure = NULL;
	return false;
}

/* A call as it should be, to begin with. */
static void pack_call(struct garbage *g, struct intruder *i)
{
	static const char *const methods[] = {"weirlock.v1.Control/Hello", "weirlock.v1.Control/Watch", "weirlock.v1.Control/Fetch",
		"weirlock.v1.Control/Report", "weirlock.v1.Inspect/Status", "nowhere"};
	struct envelope e = {.type = ENVELOPE_REQUEST, .id = ++i->n_calls, .number = 1 + roll(g, 5000),
		.text = str_from(methods[roll(g, 6)])};
	Weirlock__V1__WatchRequest request = WEIRLOCK__V1__WATCH_REQUEST__INIT;
	uint8_t id[CONTENT_ID_SIZE] = {(uint8_t)roll(g, 256)};

	request.applied_id = (ProtobufCBinaryData){sizeof(id), id};
	request.rejected_id = (ProtobufCBinaryData){roll(g, sizeof(id) + 1), id};
	request.apply_us = roll(g, UINT32_MAX);
	request.max_inline_bytes = roll(g, UINT32_MAX);
	buf_clear(&g->packed);
	envelope_begin(&g->packed, &e);
	g->packed.len += weirlock__v1__watch_request__pack(
		&request, (uint8_t *)buf_reserve(&g->packed, weirlock__v1__watch_request__get_packed_size(&request)));
}

static void add_inside(struct garbage *g, struct intruder *i)
{
	pack_call(g, i);
	mutate(g, &g->packed, 0);
	if (!roll(g, 16))
		add_noise(g, &g->packed, roll(g, NOISE_MAX));
	buf_clear(&g->frame);
	frame_begin(&g->frame, FRAME_DATA, i->session);
	if (!secure_seal(i->secure, buf_str(&g->packed), &g->frame))
		return;
	g->n_inside++;
	wire_add_message(&g->out, buf_str(&g->frame));
}

/* --------------------------------------------------------------------------------------------------- one without any */

static void add_outside(struct garbage *g, struct intruder *i)
{
	buf_clear(&g->frame);
	switch (roll(g, 6)) {
	case 0: /* noise */
		add_noise(g, &g->frame, roll(g, NOISE_MAX / 4));
		break;
	case 1: /* a good head, noise after it */
		frame_begin(&g->frame, (enum frame_type)(1 + roll(g, 3)), roll(g, 64));
		add_noise(g, &g->frame, roll(g, NOISE_MAX / 4));
		break;
	case 2: /* a broken head */
		frame_begin(&g->frame, FRAME_DATA, i->session);
		mutate(g, &g->frame, 0);
		break;
	case 3: /* a handshake that goes wrong somewhere: the dear ones, so not too many */
		frame_begin(&g->frame, roll(g, HANDSHAKE_EVERY / 6) ? FRAME_DATA : FRAME_HANDSHAKE, roll(g, UINT32_MAX));
		buf_add(&g->frame, buf_str(&g->hello));
		mutate(g, &g->frame, FRAME_HEAD_SIZE);
		break;
	case 4: /* of a session that is not there */
		frame_begin(&g->frame, FRAME_DATA, roll(g, UINT32_MAX));
		add_noise(g, &g->frame, 64);
		break;
	default: /* of one that may be there, by mistake of its number */
		frame_begin(&g->frame, FRAME_RESET, roll(g, 64));
	}
	wire_add_message(&g->out, buf_str(&g->frame));
}

/* A length that no message may have. */
static void add_huge(struct garbage *g)
{
	uint32_t head[2] = {roll(g, 2) ? htonl(1) : 0, htonl(HUGE + roll(g, HUGE))};

	buf_add(&g->out, str_of(head, sizeof(head)));
	add_noise(g, &g->out, NOISE_MAX);
}

static void make_hello(struct garbage *g)
{
	struct secure *s = secure_create(g->options->identity, false, RPC_ROLE_CONTROLLER);
	struct buf plain = {0};

	secure_feed(s, STR(""), &plain, &g->hello);
	secure_destroy(s);
	buf_deinit(&plain);
}

/* Until the other end has read all of it: then it closes, too. */
static void hang_up(struct intruder *i)
{
	char bytes[64 * 1024];

	if (i->fd >= 0) {
		shutdown(i->fd, SHUT_WR);
		while (recv(i->fd, bytes, sizeof(bytes), 0) > 0)
			;
		close(i->fd);
		i->fd = -1;
	}
	secure_destroy(i->secure);
	i->secure = NULL;
}

/* A handful of messages on one connection. False when the controller cannot be reached. */
static bool send_some(struct garbage *g, unsigned number)
{
	struct intruder *i = &g->all[number];
	bool is_insider = number < INSIDERS;

	if (i->fd < 0 && !connect_again(g, i))
		return false;
	if (is_insider && (i->secure || !shake_hands(g, i))) {
		hang_up(i); /* a session that sends so much nonsense ends, and there is a budget for handshakes: later */
		return true;
	}
	for (unsigned n = 0; n < BATCH; n++) {
		if (is_insider)
			add_inside(g, i);
		else
			add_outside(g, i);
		g->n_sent++;
	}
	if (!roll(g, BREAK_EVERY / BATCH))
		add_huge(g);
	drain(i);
	if (send_all(g, i))
		return true;
	g->n_broken++;
	return connect_again(g, i);
}


int garbage_run(const struct garbage_options *o)
{
	struct garbage g = {.options = o, .random = o->seed};
	uint64_t begun_us = clock_mono_us();
	bool goes_on = true;

	g.all = mem_calloc(o->n_connections, sizeof(*g.all));
	for (unsigned i = 0; i < o->n_connections; i++)
		g.all[i].fd = -1;
	make_hello(&g);
	for (unsigned i = 0; goes_on && g.n_sent < o->n_frames; i++)
		goes_on = send_some(&g, i % o->n_connections);
	if (!goes_on)
		fprintf(stderr, "crowd: the controller cannot be reached after %llu messages: %s\n", (unsigned long long)g.n_sent, strerror(errno));
	for (unsigned i = 0; i < o->n_connections; i++) {
		hang_up(&g.all[i]);
		buf_deinit(&g.all[i].in);
	}
	printf("{\"event\":\"garbage\",\"sent\":%llu,\"inside\":%llu,\"sessions\":%llu,\"closed_on\":%llu,\"took_us\":%llu}\n",
		(unsigned long long)g.n_sent, (unsigned long long)g.n_inside, (unsigned long long)g.n_sessions, (unsigned long long)g.n_broken,
		(unsigned long long)(clock_mono_us() - begun_us));
	mem_free(g.all);
	buf_deinit(&g.hello);
	buf_deinit(&g.out);
	buf_deinit(&g.frame);
	buf_deinit(&g.packed);
	buf_deinit(&g.plain);
	return goes_on ? 0 : 1;
}

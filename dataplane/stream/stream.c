/*
 * Sockets behind one uv_poll_t. What is registered (`armed`) follows what is wanted as lazily as it can: see rearm().
 */
#include "stream.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "confirmed.h"
#include "mem.h"
#include "stream_private.h"
#include "tls.h"

#define PIECES_MAX 16

static void on_poll(uv_poll_t *poll, int status, int events);

static bool is_open(const struct stream *s)
{
	return s->state == STATE_OPEN || s->state == STATE_PLAIN_HTTP;
}

static ssize_t receive(int fd, void *into, size_t size, int flags)
{
	ssize_t n;

	do
		n = recv(fd, into, size, flags);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		return n;
	if (n == 0)
		return size ? UV_EOF : 0;
	return errno == EAGAIN ? 0 : -errno;
}

ssize_t stream_recv(int fd, void *into, size_t size)
{
	return receive(fd, into, size, 0);
}

ssize_t stream_send(int fd, const void *bytes, size_t size)
{
	ssize_t n;

	do
		n = send(fd, bytes, size, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return n;
	return errno == EAGAIN ? 0 : -errno;
}

static void arm(struct stream *s, unsigned mask)
{
	int error;

	if (mask == s->armed)
		return;
	if (mask)
		error = uv_poll_start(&s->poll, (int)mask, on_poll);
	else
		error = uv_poll_stop(&s->poll);
	assert(error == 0);
	s->armed = (uint8_t)mask;
}

/*
 * `told` is what the loop has just told. READABLE goes only when it was told to nobody: reading that is turned off and on
 * again while nothing arrives, as between two requests, costs no system call. WRITABLE goes as soon as nobody waits for
 * it, for a socket nearly always has room.
 */
static void rearm(struct stream *s, unsigned told)
{
	unsigned mask = 0;

	if (s->state == STATE_CLOSED || (s->wants & IN_CALLBACK))
		return;
	if (s->state == STATE_FAILED) {
		arm(s, 0);
		return;
	}
	s->wants &= (uint8_t)~WANT_WAKE;
	if (is_open(s) && (s->wants & WANT_READ) && stream_has_pending(s))
		s->wants |= WANT_WAKE;
	if ((s->wants & WANT_READ) || !is_open(s) || ((s->armed & UV_READABLE) && !(told & UV_READABLE)))
		mask |= UV_READABLE;
	if (s->wants & (WANT_WRITE | WANT_WRITE_INSIDE | WANT_WAKE | WANT_FIN))
		mask |= UV_WRITABLE;
	if (s->state == STATE_CONNECTING)
		mask = UV_WRITABLE;
	arm(s, mask);
}

static unsigned fail(struct stream *s, int error)
{
	s->state = STATE_FAILED;
	s->error = error;
	return STREAM_FAILED;
}

static unsigned shake_hands(struct stream *s)
{
	int result = stream_tls_handshake(s);

	if (result < 0)
		return fail(s, result);
	if (result == 0)
		return 0;
	s->state = STATE_OPEN;
	tls_handshake_done(s->ssl);
	return STREAM_CONNECTED | (stream_has_pending(s) ? STREAM_READABLE : 0);
}

/* A TLS record opens with 22, a request line with a letter. */
static unsigned look_at_first_byte(struct stream *s)
{
	unsigned char first;
	ssize_t n = recv(s->fd, &first, 1, MSG_PEEK);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : fail(s, -errno);
	if (n == 0)
		return fail(s, UV_EOF);
	if (ascii_lower(first) >= 'a' && ascii_lower(first) <= 'z') {
		stream_tls_free(s);
		s->wants &= IN_CALLBACK;
		fail(s, UV_EPROTO);
		s->state = STATE_PLAIN_HTTP;
		return STREAM_FAILED;
	}
	s->state = STATE_HANDSHAKE;
	return shake_hands(s);
}

static unsigned finish_connect(struct stream *s)
{
	int error = 0;
	socklen_t len = sizeof(error);

	getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error)
		return fail(s, -error);
	if (s->ssl) {
		s->state = STATE_HANDSHAKE;
		return shake_hands(s);
	}
	s->state = STATE_OPEN;
	return STREAM_CONNECTED;
}

static void finish_shutdown(struct stream *s)
{
	if (stream_tls_flush(s) == 0)
		return;
	s->wants &= (uint8_t)~WANT_FIN;
	stream_tls_notify_close(s);
	shutdown(s->fd, SHUT_WR);
}

static unsigned serve_open(struct stream *s, unsigned told)
{
	unsigned events = 0;

	if (told & UV_READABLE)
		stream_tls_on_readable(s);
	if ((told & UV_READABLE) || ((told & UV_WRITABLE) && (s->wants & (WANT_WRITE_INSIDE | WANT_WAKE))))
		events |= s->wants & WANT_READ ? STREAM_READABLE : 0;
	if (told & UV_WRITABLE) {
		s->wants &= (uint8_t)~WANT_WRITE_INSIDE;
		if (s->wants & WANT_FIN)
			finish_shutdown(s);
		if (s->wants & WANT_WRITE) {
			s->wants &= (uint8_t)~WANT_WRITE;
			events |= STREAM_WRITABLE;
		}
	}
	return events;
}

static unsigned advance(struct stream *s, unsigned told)
{
	switch ((enum state)s->state) {
	case STATE_CONNECTING:
		return finish_connect(s);
	case STATE_FIRST_BYTE:
		return look_at_first_byte(s);
	case STATE_HANDSHAKE:
		return shake_hands(s);
	case STATE_OPEN:
	case STATE_PLAIN_HTTP:
		return serve_open(s, told);
	case STATE_FAILED:
	case STATE_CLOSED:
		return 0;
	}
	abort();
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct stream *s = container_of(poll, struct stream, poll);
	unsigned told = (unsigned)events;
	unsigned news;

	if (status < 0) { /* an error waits on the socket, and libuv has stopped: the next call of ours will meet it */
		s->armed = 0;
		told = UV_READABLE | UV_WRITABLE;
	}
	news = advance(s, told);
	if (news) {
		s->wants |= IN_CALLBACK;
		s->on_event(s, news);
		s->wants &= (uint8_t)~IN_CALLBACK;
	}
	rearm(s, told);
}

/* Sets up all but the state and starts polling. Takes ssl and fd. */
static int start(struct stream *s, uv_loop_t *loop, int fd, SSL *ssl, stream_event_fn *on_event, enum state state)
{
	int error;

	memset(s, 0, sizeof(*s));
	error = uv_poll_init(loop, &s->poll, fd);
	if (error) {
		SSL_free(ssl);
		close(fd);
		return error;
	}
	s->fd = fd;
	s->ssl = ssl;
	s->on_event = on_event;
	s->state = (uint8_t)state;
	s->wants = WANT_READ;
	if (ssl)
		stream_tls_attach(s);
	rearm(s, 0);
	return 0;
}

int stream_open(struct stream *s, uv_loop_t *loop, int fd, SSL *ssl, stream_event_fn *on_event)
{
	return start(s, loop, fd, ssl, on_event, ssl ? STATE_FIRST_BYTE : STATE_OPEN);
}

int stream_connect(struct stream *s, uv_loop_t *loop, const struct addr *to, SSL *ssl, stream_event_fn *on_event)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(to, &sa);
	const int on = 1;
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error = fd < 0 ? -errno : 0;

	if (fd >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (connect(fd, (const struct sockaddr *)&sa, len) != 0 && errno != EINPROGRESS)
			error = -errno;
	}
	if (error) {
		SSL_free(ssl);
		if (fd >= 0)
			close(fd);
		return error;
	}
	return start(s, loop, fd, ssl, on_event, STATE_CONNECTING);
}

ssize_t stream_peek(const struct stream *s, void *into, size_t size)
{
	assert(s->state == STATE_OPEN && !s->ssl);
	return receive(s->fd, into, size, MSG_PEEK);
}

unsigned stream_begin_tls(struct stream *s, SSL *ssl)
{
	unsigned events;

	assert(s->state == STATE_OPEN && !s->ssl);
	s->ssl = ssl;
	s->state = SSL_is_server(ssl) ? STATE_FIRST_BYTE : STATE_HANDSHAKE;
	stream_tls_attach(s);
	events = advance(s, 0);
	rearm(s, 0);
	return events;
}

ssize_t stream_read(struct stream *s, void *into, size_t size)
{
	assert(is_open(s));
	return s->ssl ? stream_tls_read(s, into, size) : stream_recv(s->fd, into, size);
}

ssize_t stream_writev(struct stream *s, const struct iovec *pieces, int n)
{
	struct msghdr message = {.msg_iovlen = (size_t)n};
	struct iovec copy[PIECES_MAX];
	ssize_t written;

	assert(is_open(s) && n >= 0 && n <= PIECES_MAX);
	if (s->ssl)
		return stream_tls_writev(s, pieces, n);
	if (n == 1)
		return stream_send(s->fd, pieces[0].iov_base, pieces[0].iov_len);
	memcpy(copy, pieces, (size_t)n * sizeof(copy[0])); /* msg_iov is not const */
	message.msg_iov = copy;
	do
		written = sendmsg(s->fd, &message, MSG_NOSIGNAL);
	while (written < 0 && errno == EINTR);
	if (written >= 0)
		return written;
	return errno == EAGAIN ? 0 : -errno;
}

uint64_t stream_confirmed(const struct stream *s)
{
	assert(is_open(s));
	return confirmed_bytes(s->fd);
}

bool stream_write_or_keep(struct stream *s, struct buf *from, struct buf *kept)
{
	struct iovec piece = {.iov_base = from->ptr, .iov_len = from->len};
	ssize_t n = stream_writev(s, &piece, 1);

	if (n < 0)
		return false;
	if (from == kept)
		buf_consume(kept, (size_t)n);
	else
		buf_add(kept, str_from_index(buf_str(from), (size_t)n));
	if (kept->len)
		stream_want_write(s);
	else
		buf_deinit(kept);
	return true;
}

void stream_want_read(struct stream *s, bool is_wanted)
{
	if (s->state == STATE_CLOSED)
		return;
	s->wants = (uint8_t)(is_wanted ? s->wants | WANT_READ : s->wants & ~WANT_READ);
	if (is_wanted && is_open(s))
		rearm(s, 0);
}

void stream_want_bytes(struct stream *s, size_t n)
{
	int least = n > INT_MAX ? INT_MAX : (int)n;

	setsockopt(s->fd, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof(least));
}

void stream_want_write(struct stream *s)
{
	if (s->state == STATE_CLOSED)
		return;
	s->wants |= WANT_WRITE;
	if (is_open(s))
		rearm(s, 0);
}

void stream_shutdown(struct stream *s)
{
	if (!is_open(s))
		return;
	s->wants |= WANT_FIN;
	finish_shutdown(s);
	rearm(s, 0);
}

void stream_close(struct stream *s, bool is_reset, uv_close_cb on_closed)
{
	const struct linger now = {.l_onoff = 1};

	assert(s->state != STATE_CLOSED);
	if (is_open(s) && !is_reset)
		stream_tls_notify_close(s);
	s->state = STATE_CLOSED;
	if (is_reset)
		setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	uv_close((uv_handle_t *)&s->poll, on_closed);
	stream_tls_free(s);
	close(s->fd);
	s->fd = -1;
}

bool stream_is_plain_http_on_tls(const struct stream *s)
{
	return s->state == STATE_PLAIN_HTTP;
}

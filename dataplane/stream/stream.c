/*
 * Sockets and what their owners are told. The kernel tells news once (poller.c); `ready` remembers them until a read or a write
 * finds that they are over, and what is wanted is told of what is ready.
 */
#include "stream.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confirmed.h"
#include "mem.h"
#include "stream_private.h"
#include "tls.h"

#define PIECES_MAX 16

static bool is_open(const struct stream *s)
{
	return s->state == STATE_OPEN || s->state == STATE_PLAIN_HTTP;
}

void stream_note_empty(struct stream *s)
{
	if (!(s->ready & HAS_ENDED))
		s->ready &= (uint8_t)~CAN_READ;
}

/*
 * Straight to the kernel: these never wait, and as cancellation points of a program with threads libc's own recv and send
 * cost an atomic exchange before and after. The sanitizers look at what goes through libc.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(SYS_recvfrom) || !defined(SYS_sendto)
#define recv_now recv
#define send_now send
#else
static ssize_t recv_now(int fd, void *into, size_t size, int flags)
{
	return syscall(SYS_recvfrom, fd, into, size, flags, NULL, NULL);
}

static ssize_t send_now(int fd, const void *bytes, size_t size, int flags)
{
	return syscall(SYS_sendto, fd, bytes, size, flags, NULL, 0);
}
#endif

/* Fewer bytes than there was room for: no more were there, and whatever comes after them is news. */
static ssize_t receive(struct stream *s, void *into, size_t size, int flags)
{
	ssize_t n;

	do
		n = recv_now(s->fd, into, size, flags);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		if ((size_t)n < size && !(flags & MSG_PEEK))
			stream_note_empty(s);
		return n;
	}
	if (n == 0)
		return size ? UV_EOF : 0;
	if (errno != EAGAIN)
		return -errno;
	stream_note_empty(s);
	return 0;
}

ssize_t stream_recv(struct stream *s, void *into, size_t size)
{
	return receive(s, into, size, 0);
}

ssize_t stream_note_sent(struct stream *s, ssize_t n, size_t size)
{
	if (n < 0 && errno != EAGAIN)
		return -errno;
	if (n < 0)
		n = 0;
	if ((size_t)n < size)
		s->ready &= (uint8_t)~CAN_WRITE;
	return n;
}

ssize_t stream_send(struct stream *s, const void *bytes, size_t size)
{
	ssize_t n;

	do
		n = send_now(s->fd, bytes, size, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return stream_note_sent(s, n, size);
}

/* Whether it has to be told of something that it knows already. */
static bool has_more(const struct stream *s)
{
	switch ((enum state)s->state) {
	case STATE_OPEN:
	case STATE_PLAIN_HTTP:
		if ((s->wants & WANT_READ) && ((s->ready & CAN_READ) || stream_has_pending(s)))
			return true;
		return (s->ready & CAN_WRITE) && (s->wants & (WANT_WRITE | WANT_WRITE_INSIDE | WANT_FIN));
	case STATE_FIRST_BYTE:
	case STATE_HANDSHAKE:
		return (s->ready & CAN_READ) || ((s->ready & CAN_WRITE) && (s->wants & WANT_WRITE_INSIDE));
	case STATE_CONNECTING:
	case STATE_FAILED:
	case STATE_CLOSED:
		return false;
	}
	abort();
}

/* What is wanted has changed. */
static void settle(struct stream *s)
{
	if (!(s->wants & IN_CALLBACK) && has_more(s))
		poller_again(s->poller, s);
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
	ssize_t n = receive(s, &first, 1, MSG_PEEK);

	if (n <= 0)
		return n == 0 ? 0 : fail(s, (int)n);
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

static unsigned serve_open(struct stream *s)
{
	unsigned events = 0;

	if (s->ready & CAN_READ)
		stream_tls_on_readable(s);
	if ((s->wants & WANT_READ) && ((s->ready & CAN_READ) || stream_has_pending(s) ||
					      ((s->ready & CAN_WRITE) && (s->wants & WANT_WRITE_INSIDE))))
		events |= STREAM_READABLE;
	if (s->ready & CAN_WRITE) {
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

static unsigned advance(struct stream *s)
{
	switch ((enum state)s->state) {
	case STATE_CONNECTING:
		return s->ready & CAN_WRITE ? finish_connect(s) : 0;
	case STATE_FIRST_BYTE:
		return has_more(s) ? look_at_first_byte(s) : 0;
	case STATE_HANDSHAKE:
		return has_more(s) ? shake_hands(s) : 0;
	case STATE_OPEN:
	case STATE_PLAIN_HTTP:
		return serve_open(s);
	case STATE_FAILED:
	case STATE_CLOSED:
		return 0;
	}
	abort();
}

void stream_tell(struct stream *s)
{
	unsigned news;

	if (s->state == STATE_CLOSED)
		return;
	news = advance(s);
	if (news) {
		s->wants |= IN_CALLBACK;
		s->told.on_event(s, news);
		s->wants &= (uint8_t)~IN_CALLBACK;
	}
	settle(s);
}

bool stream_is_quiet(struct stream *s)
{
	struct pollfd now = {.fd = s->fd, .events = POLLIN | POLLRDHUP}; /* a recv would take an error away from the owner */

	if ((s->ready & CAN_READ) && !(s->ready & HAS_ENDED) && poll(&now, 1, 0) == 0)
		stream_note_empty(s);
	return !(s->ready & CAN_READ) && !stream_has_pending(s);
}

/* A read that filled its room does not say whether there was more, and an idle stream must not be told of nothing. */
void stream_tell_again(struct stream *s)
{
	(void)stream_is_quiet(s);
	if (has_more(s))
		stream_tell(s);
}

int stream_keep_loop(uv_loop_t *loop)
{
	int error;

	poller_use(loop, &error);
	return error;
}

void stream_let_loop_go(uv_loop_t *loop)
{
	poller_leave(loop->data);
}

/* Sets up all but the state and asks for news. Takes ssl and fd. */
static int start(struct stream *s, uv_loop_t *loop, int fd, SSL *ssl, stream_event_fn *on_event, enum state state)
{
	int error;

	memset(s, 0, sizeof(*s));
	s->poller = poller_use(loop, &error);
	if (s->poller) {
		error = poller_add(s->poller, s, fd);
		if (error)
			poller_leave(s->poller);
	}
	if (error) {
		SSL_free(ssl);
		close(fd);
		return error;
	}
	s->fd = fd;
	s->ssl = ssl;
	s->told.on_event = on_event;
	s->state = (uint8_t)state;
	s->wants = WANT_READ;
	if (state != STATE_CONNECTING)
		s->ready = CAN_WRITE;
	if (ssl)
		stream_tls_attach(s);
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

ssize_t stream_peek(struct stream *s, void *into, size_t size)
{
	assert(s->state == STATE_OPEN && !s->ssl);
	return receive(s, into, size, MSG_PEEK);
}

int stream_hand_on(struct stream *s)
{
	int fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	poller_remove(s->poller, s->fd); /* the socket lives on, so closing this descriptor would not do it */
	s->ready = 0;
	return fd;
}

unsigned stream_begin_tls(struct stream *s, SSL *ssl)
{
	unsigned events;

	assert(s->state == STATE_OPEN && !s->ssl);
	s->ssl = ssl;
	s->state = SSL_is_server(ssl) ? STATE_FIRST_BYTE : STATE_HANDSHAKE;
	stream_tls_attach(s);
	s->ready |= CAN_READ; /* as far as we know; and a client speaks first */
	events = advance(s);
	settle(s);
	return events;
}

ssize_t stream_read(struct stream *s, void *into, size_t size)
{
	assert(is_open(s));
	return s->ssl ? stream_tls_read(s, into, size) : stream_recv(s, into, size);
}

ssize_t stream_writev(struct stream *s, const struct iovec *pieces, int n)
{
	struct msghdr message = {.msg_iovlen = (size_t)n};
	struct iovec copy[PIECES_MAX];
	size_t size = 0;
	ssize_t written;

	assert(is_open(s) && n >= 0 && n <= PIECES_MAX);
	if (s->ssl)
		return stream_tls_writev(s, pieces, n);
	if (n == 1)
		return stream_send(s, pieces[0].iov_base, pieces[0].iov_len);
	for (int i = 0; i < n; i++)
		size += pieces[i].iov_len;
	memcpy(copy, pieces, (size_t)n * sizeof(copy[0])); /* msg_iov is not const */
	message.msg_iov = copy;
	do
		written = sendmsg(s->fd, &message, MSG_NOSIGNAL);
	while (written < 0 && errno == EINTR);
	return stream_note_sent(s, written, size);
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
		settle(s);
}

void stream_want_bytes(struct stream *s, size_t n)
{
	int least = n > INT_MAX ? INT_MAX : (int)n;

	if (n == 1)
		s->ready |= CAN_READ;
	else
		stream_note_empty(s); /* the kernel tells anew, at once if so many are there */
	setsockopt(s->fd, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof(least));
}

void stream_want_write(struct stream *s)
{
	if (s->state == STATE_CLOSED)
		return;
	s->wants |= WANT_WRITE;
	if (is_open(s))
		settle(s);
}

void stream_shutdown(struct stream *s)
{
	if (!is_open(s))
		return;
	s->wants |= WANT_FIN;
	finish_shutdown(s);
	settle(s);
}

void stream_close(struct stream *s, bool is_reset, stream_closed_fn *on_closed)
{
	const struct linger now = {.l_onoff = 1};

	assert(s->state != STATE_CLOSED);
	if (is_open(s) && !is_reset)
		stream_tls_notify_close(s);
	s->state = STATE_CLOSED;
	if (is_reset)
		setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	stream_tls_free(s);
	close(s->fd);
	s->fd = -1;
	s->told.on_closed = on_closed;
	poller_close(s->poller, s);
}

bool stream_is_plain_http_on_tls(const struct stream *s)
{
	return s->state == STATE_PLAIN_HTTP;
}

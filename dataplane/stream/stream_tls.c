/*
 * OpenSSL between the owner and the socket, through a BIO of our own. It differs from OpenSSL's socket BIO in three things:
 * no SIGPIPE; the records of one stream_writev leave in one send, however many they are (records of 4 KiB would
 * else cost a system call each); and what the socket does not take is kept, so that OpenSSL never has a half-written record
 * and a write never needs to be repeated with the same bytes.
 */
#include <assert.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <pthread.h>

#include "mem.h"
#include "record_size.h"
#include "stream_private.h"

#define TAKE_MAX (64u * 1024)                  /* plaintext sealed before it is sent */
#define SEALED_MAX (TAKE_MAX + TAKE_MAX / 4)   /* with what TLS adds: at most 85 bytes for each 512 */

struct stream_tls {
	struct stream *stream;
	int io_error;       /* negative errno or UV_EOF that the BIO met */
	const char *reason; /* static: why TLS failed */
	unsigned record_size;     /* the most of one record; 0 automatic */
	struct record_size recent; /* for the automatic size */
	bool is_gathering;  /* in stream_writev: the BIO collects in `sealed` */
	bool is_starved;    /* OpenSSL wants more bytes than the socket had */
	bool has_owed_byte; /* the last byte sealed was reported as not written, see stream_tls_writev */
	char *sealed;       /* ciphertext: on the stack of stream_writev, or kept for the socket */
	size_t sealed_len;
	char *kept;         /* heap, NULL when nothing waits */
	size_t kept_from, kept_len;
};

/* The BIO */

static int bio_read(BIO *bio, char *into, int size)
{
	struct stream_tls *t = BIO_get_data(bio);
	ssize_t n = stream_recv(t->stream, into, (size_t)size);

	BIO_clear_retry_flags(bio);
	if (n > 0)
		return (int)n;
	if (n == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	t->io_error = (int)n;
	return n == UV_EOF ? 0 : -1;
}

static int bio_write(BIO *bio, const char *bytes, int size)
{
	struct stream_tls *t = BIO_get_data(bio);
	ssize_t n;

	BIO_clear_retry_flags(bio);
	if (t->is_gathering) {
		if ((size_t)size > SEALED_MAX - t->sealed_len)
			return -1;
		memcpy(t->sealed + t->sealed_len, bytes, (size_t)size);
		t->sealed_len += (size_t)size;
		return size;
	}
	n = t->kept ? 0 : stream_send(t->stream, bytes, (size_t)size);
	if (n > 0)
		return (int)n;
	if (n == 0)
		BIO_set_retry_write(bio);
	else
		t->io_error = (int)n;
	return -1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *ptr)
{
	struct stream_tls *t = BIO_get_data(bio);

	(void)number;
	(void)ptr;
	switch (command) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_EOF:
		return t->io_error == UV_EOF;
	default:
		return 0;
	}
}

static BIO_METHOD *method;

static void make_method(void)
{
	method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
	if (!method)
		abort();
	BIO_meth_set_read(method, bio_read);
	BIO_meth_set_write(method, bio_write);
	BIO_meth_set_ctrl(method, bio_ctrl);
}

void stream_tls_attach(struct stream *s)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	BIO *bio;

	pthread_once(&once, make_method);
	bio = BIO_new(method);
	if (!bio)
		abort();
	s->tls = mem_zalloc(sizeof(*s->tls));
	s->tls->stream = s;
	s->tls->record_size = RECORD_MAX;
	BIO_set_data(bio, s->tls);
	BIO_set_init(bio, 1);
	SSL_set_bio(s->ssl, bio, bio);
}

void stream_tls_free(struct stream *s)
{
	if (!s->ssl)
		return;
	if (!s->tls->reason) /* else OpenSSL takes the end without close_notify for a reason to forget the session */
		SSL_set_shutdown(s->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(s->ssl);
	s->ssl = NULL;
	mem_free(s->tls->kept);
	mem_free(s->tls);
	s->tls = NULL;
}

void stream_set_record_size(struct stream *s, unsigned bytes)
{
	if (!s->ssl)
		return;
	if (bytes && bytes < RECORD_MIN)
		bytes = RECORD_MIN;
	if (bytes > RECORD_MAX)
		bytes = RECORD_MAX;
	if (bytes == s->tls->record_size)
		return;
	s->tls->record_size = bytes;
	SSL_set_max_send_fragment(s->ssl, bytes ? bytes : RECORD_MAX);
	SSL_set_split_send_fragment(s->ssl, bytes ? bytes : RECORD_MAX); /* it follows the other downwards only */
}

const char *stream_tls_reason(const struct stream *s)
{
	return s->tls && s->tls->reason ? s->tls->reason : "";
}

/* What a failed call of OpenSSL means: 0 for "later", UV_EOF, or a negative errno. Leaves the error queue empty. */
static int explain(struct stream *s, int result)
{
	struct stream_tls *t = s->tls;
	int kind = SSL_get_error(s->ssl, result);
	unsigned long error = ERR_peek_error();

	ERR_clear_error();
	switch (kind) {
	case SSL_ERROR_WANT_READ:
		t->is_starved = true;
		return 0;
	case SSL_ERROR_WANT_WRITE:
		s->wants |= WANT_WRITE_INSIDE;
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		return UV_EOF;
	case SSL_ERROR_SYSCALL:
		return t->io_error ? t->io_error : UV_ECONNRESET;
	default:
		break;
	}
	t->reason = ERR_reason_error_string(error);
	if (!t->reason)
		t->reason = "unknown error";
	if (ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		return UV_ECONNRESET; /* cut off, not ended: no close_notify */
	return UV_EPROTO;
}

int stream_tls_handshake(struct stream *s)
{
	int result;
	int error;

	ERR_clear_error();
	s->wants &= (uint8_t)~WANT_WRITE_INSIDE;
	s->tls->is_starved = false;
	result = SSL_do_handshake(s->ssl);
	if (result == 1)
		return 1;
	error = explain(s, result);
	return error == UV_EOF ? UV_ECONNRESET : error;
}

void stream_tls_on_readable(struct stream *s)
{
	if (s->tls)
		s->tls->is_starved = false;
}

bool stream_has_pending(const struct stream *s)
{
	return s->ssl && !s->tls->is_starved && SSL_has_pending(s->ssl);
}

/* Takes whole what was read ahead, for no poll will announce it. */
ssize_t stream_tls_read(struct stream *s, void *into, size_t size)
{
	size_t total = 0;

	s->tls->is_starved = false;
	while (total < size) {
		size_t n = 0;
		int result, error;

		ERR_clear_error();
		result = SSL_read_ex(s->ssl, (char *)into + total, size - total, &n);
		if (result != 1) {
			error = explain(s, result);
			return total ? (ssize_t)total : error;
		}
		total += n;
		if (!SSL_has_pending(s->ssl))
			break;
	}
	return (ssize_t)total;
}

int stream_tls_flush(struct stream *s)
{
	struct stream_tls *t = s->tls;
	ssize_t n;

	if (!t || !t->kept)
		return 1;
	n = stream_send(s, t->kept + t->kept_from, t->kept_len - t->kept_from);
	if (n < 0)
		return (int)n;
	t->kept_from += (size_t)n;
	if (t->kept_from < t->kept_len)
		return 0;
	mem_free(t->kept);
	t->kept = NULL;
	return 1;
}

/* Sends what was gathered and keeps what does not fit. 0 or a negative errno. */
static int send_sealed(struct stream_tls *t)
{
	ssize_t n = t->sealed_len ? stream_send(t->stream, t->sealed, t->sealed_len) : 0;
	size_t left;

	if (n < 0)
		return (int)n;
	left = t->sealed_len - (size_t)n;
	if (left == 0)
		return 0;
	t->kept = mem_alloc(left);
	memcpy(t->kept, t->sealed + n, left);
	t->kept_from = 0;
	t->kept_len = left;
	return 0;
}

/* A place in the owner's pieces. */
struct cursor {
	const struct iovec *pieces;
	int n;
	size_t at; /* in pieces[0] */
};

static void skip(struct cursor *c, size_t n)
{
	while (c->n && c->pieces->iov_len - c->at <= n) {
		n -= c->pieces->iov_len - c->at;
		c->at = 0;
		c->pieces++;
		c->n--;
	}
	c->at += n;
}

/* The next bytes for one record: in place when one piece fills it or is the last, else copied together into `copy`. */
static struct str next_record(const struct cursor *from, size_t most, char copy[RECORD_MAX])
{
	struct cursor c = *from;
	size_t len = 0;

	if (c.pieces->iov_len - c.at >= most || c.n == 1) {
		len = c.pieces->iov_len - c.at;
		return str_of((const char *)c.pieces->iov_base + c.at, len < most ? len : most);
	}
	while (c.n && len < most) {
		size_t n = c.pieces->iov_len - c.at;

		n = n < most - len ? n : most - len;
		memcpy(copy + len, (const char *)c.pieces->iov_base + c.at, n);
		len += n;
		skip(&c, n);
	}
	return str_of(copy, len);
}

static size_t record_most(const struct stream_tls *t, uint64_t now_ms)
{
	return t->record_size ? t->record_size : record_size_next(&t->recent, now_ms);
}

/* Seals up to TAKE_MAX bytes as records. Bytes taken, or a negative errno. */
static ssize_t seal(struct stream *s, struct cursor *c)
{
	uint64_t now_ms = uv_now(s->poller->loop);
	char copy[RECORD_MAX];
	size_t total = 0, most;

	skip(c, 0);
	while (c->n && total + (most = record_most(s->tls, now_ms)) <= TAKE_MAX) {
		struct str record = next_record(c, most, copy);
		size_t n = 0;
		int result, error;

		ERR_clear_error();
		result = SSL_write_ex(s->ssl, record.ptr, record.len, &n);
		if (result != 1) {
			error = explain(s, result);
			return error == 0 || error == UV_EOF ? (ssize_t)total : error;
		}
		total += n;
		skip(c, n);
		record_size_sent(&s->tls->recent, n, now_ms);
	}
	return (ssize_t)total;
}

/* A round of TAKE_MAX after the other, while the socket takes all of it. Bytes taken, or a negative errno. */
static ssize_t seal_and_send(struct stream *s, struct cursor *c)
{
	struct stream_tls *t = s->tls;
	char sealed[SEALED_MAX];
	ssize_t taken, total = 0;
	int result;

	t->is_gathering = true;
	t->sealed = sealed;
	do {
		t->sealed_len = 0;
		taken = seal(s, c);
		result = taken < 0 ? (int)taken : send_sealed(t);
		total += taken;
	} while (result == 0 && taken > 0 && c->n && !t->kept);
	t->is_gathering = false;
	t->sealed = NULL;
	return result < 0 ? result : total;
}

/*
 * While ciphertext is kept for the socket, the last byte sealed is reported as not written ("owed"): so the owner knows that
 * something waits, comes back with that byte when there is room, and does not close in the belief that all has gone.
 */
ssize_t stream_tls_writev(struct stream *s, const struct iovec *pieces, int n)
{
	struct cursor c = {pieces, n, 0};
	struct stream_tls *t = s->tls;
	ssize_t taken;
	size_t owed;
	int result = stream_tls_flush(s);

	if (result <= 0)
		return result;
	skip(&c, 0);
	if (c.n == 0)
		return 0;
	owed = t->has_owed_byte;
	t->has_owed_byte = false;
	skip(&c, owed);
	taken = seal_and_send(s, &c);
	if (taken < 0)
		return taken;
	taken += (ssize_t)owed;
	if (!t->kept || taken == 0)
		return taken;
	t->has_owed_byte = true;
	return taken - 1;
}

void stream_tls_notify_close(struct stream *s)
{
	if (!s->ssl || s->tls->kept || s->tls->reason)
		return;
	ERR_clear_error();
	SSL_shutdown(s->ssl);
	ERR_clear_error();
}

#ifndef STREAM_H
#define STREAM_H
/*
 * A connected socket on a libuv loop, plain or TLS: own non-blocking reads and writes, so that the caller decides when and how
 * much is read, into whose buffer, and what is left when a write does not fit.
 *
 * News come from an epoll descriptor of this room's own, one a loop (poller.h): a socket is registered once and for all, and
 * what is wanted is asked for in memory alone. READABLE is told as long as there is something, as if level-triggered.
 *
 * A stream owns no buffers. An idle plain one costs below 100 bytes; TLS adds what OpenSSL keeps (some 14 KiB) and, while a
 * peer does not read, at most 64 KiB of ciphertext that is waiting for it.
 */
#include <openssl/ssl.h>
#include <stdbool.h>
#include <sys/uio.h>
#include <uv.h>

#include "addr.h"
#include "buf.h"
#include "str.h"

struct stream;

/* What the loop tells the owner. Several bits may come at once. */
enum stream_event {
	STREAM_READABLE = 1,  /* stream_read may give something */
	STREAM_WRITABLE = 2,  /* stream_write may take something; told once after stream_want_write */
	STREAM_CONNECTED = 4, /* a connect, or a TLS handshake, finished */
	STREAM_FAILED = 8,    /* connect or handshake failed: see stream.error; close it */
};
/* The owner may close the stream in it, and may free its memory in on_closed as always. */
typedef void stream_event_fn(struct stream *s, unsigned events);
typedef void stream_closed_fn(struct stream *s);

/* The caller's memory. All but `ssl` and `error` is private; those are to read. */
struct stream {
	struct poller *poller;
	struct stream *next, *prev; /* in a list of the poller */
	union {
		stream_event_fn *on_event;
		stream_closed_fn *on_closed; /* once it is closed */
	} told;
	SSL *ssl;               /* NULL for plain TCP */
	struct stream_tls *tls; /* what TLS needs beside it */
	int fd;
	int error;              /* negative errno of STREAM_FAILED; UV_EPROTO when TLS failed */
	uint8_t state, wants;
	uint8_t ready;          /* what the socket last was known to be */
	bool is_queued;
};

/*
 * Keeps what the streams of this loop share while there is none: for a loop that has streams now and then. It lies in loop->data.
 * 0 or a negative errno. Let go before the loop is to end.
 */
int stream_keep_loop(uv_loop_t *loop);
void stream_let_loop_go(uv_loop_t *loop);

/* Adopts an accepted, non-blocking descriptor; takes `ssl` (NULL for plain). With TLS the handshake runs first and
 * STREAM_CONNECTED tells its end; nothing is readable before. 0 or a negative errno (then fd and ssl are closed). A plain
 * stream is ready at once. */
int stream_open(struct stream *s, uv_loop_t *loop, int fd, SSL *ssl, stream_event_fn *on_event);
/*
 * What waits in the socket of an open plain stream, without taking it: bytes, 0 for nothing now, UV_EOF or a negative errno.
 * For what comes before TLS: take with stream_read what is known to belong to it (or the loop tells of it for ever), then
 * begin TLS.
 */
ssize_t stream_peek(struct stream *s, void *into, size_t size);
/*
 * READABLE comes when so many bytes wait in the socket of an open plain stream, or its end does; 1 is what it was. For what is
 * peeked at and must stay: the first bytes of it would be told of for ever.
 */
void stream_want_bytes(struct stream *s, size_t n);
/*
 * A second descriptor of an open plain stream, for another owner; this one is told nothing more and is to be closed. A negative
 * errno when there is none to be had.
 */
int stream_hand_on(struct stream *s);
/*
 * Makes an open plain stream a TLS one, as if it had been opened or connected so; takes `ssl`. Returns the events of what is
 * here already (0 for none, else STREAM_CONNECTED or STREAM_FAILED); the others are told as always.
 */
unsigned stream_begin_tls(struct stream *s, SSL *ssl);
/* Starts to connect (TCP_NODELAY set); takes `ssl`. STREAM_CONNECTED or STREAM_FAILED follows, never before it returns; how
 * long that may take is for the caller to bound. 0 or a negative errno (then ssl is freed and nothing is left to close). */
int stream_connect(struct stream *s, uv_loop_t *loop, const struct addr *to, SSL *ssl, stream_event_fn *on_event);

/* Bytes read, 0 for nothing now (UV_EAGAIN is folded into it), UV_EOF at an orderly end, or a negative errno. */
ssize_t stream_read(struct stream *s, void *into, size_t size);
/*
 * Bytes written (fewer than asked: the rest does not fit now), or a negative errno. `n` at most 16. Once fewer were taken,
 * the next call must go on with the bytes that follow: TLS may have sealed them already.
 */
ssize_t stream_writev(struct stream *s, const struct iovec *pieces, int n);
/*
 * Writes all of `from`. What is not taken is put behind what `kept` has (the caller keeps nothing else waiting) and one
 * STREAM_WRITABLE is asked for; then call it with `kept` as both. False: the stream failed.
 */
bool stream_write_or_keep(struct stream *s, struct buf *from, struct buf *kept);
/* Turns STREAM_READABLE events on or off. On after open. */
void stream_want_read(struct stream *s, bool is_wanted);
/* One STREAM_WRITABLE when there is room. */
void stream_want_write(struct stream *s);
/*
 * How many of all bytes ever sent (of ciphertext, with TLS) the peer's kernel has confirmed; UINT64_MAX when ours does not
 * say. Once the peer's end of the stream was read, what is not confirmed came too late for whoever had it open: an end
 * confirms what had arrived before it.
 */
uint64_t stream_confirmed(const struct stream *s);
/* TLS has bytes that no poll will announce: read on before waiting. Who does not is told STREAM_READABLE again. */
bool stream_has_pending(const struct stream *s);
/* Nothing is there to be read, no end and no error: asked of the kernel, since news may be older than the last read. */
bool stream_is_quiet(struct stream *s);
/* Ends our side: close_notify and FIN. What stream_writev has taken goes out before it. */
void stream_shutdown(struct stream *s);
/*
 * Closes at once; memory may be freed in on_closed (may be NULL), never before. `is_reset` sends RST (D5). So does the kernel
 * by itself when bytes of the peer are left unread: shut down and read to the end first where the answer must arrive.
 */
void stream_close(struct stream *s, bool is_reset, stream_closed_fn *on_closed);
/*
 * Limits the plaintext of one TLS record, 512 … 16384 (F2), from the next write on; 0 is automatic (record_size.h): small
 * after quiet, large in bulk. 16384 before the first call. Nothing on plain streams; cheap when it changes nothing.
 */
void stream_set_record_size(struct stream *s, unsigned bytes);
/*
 * A client that speaks HTTP on a TLS port (F8): told with STREAM_FAILED, from its first byte, before any TLS. The stream is
 * plain from then on and reading is off: an answer may be written, then stream_shutdown and stream_close.
 */
bool stream_is_plain_http_on_tls(const struct stream *s);
/* Why TLS failed, for the log: a static text, "" when it did not. */
const char *stream_tls_reason(const struct stream *s);

#endif

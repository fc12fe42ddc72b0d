#ifndef STREAM_PRIVATE_H
#define STREAM_PRIVATE_H
/* Between the two files of this room: sockets and the loop in stream.c, OpenSSL in stream_tls.c. */
#include "poller.h"
#include "stream.h"

enum state {
	STATE_CONNECTING, /* TCP */
	STATE_FIRST_BYTE, /* an accepted TLS stream: is it TLS? */
	STATE_HANDSHAKE,
	STATE_OPEN,
	STATE_PLAIN_HTTP, /* HTTP on a TLS port: as open, without TLS */
	STATE_FAILED,
	STATE_CLOSED,
};

enum wants {
	WANT_READ = 1,         /* the owner's */
	WANT_WRITE = 2,        /* the owner's, until told */
	WANT_WRITE_INSIDE = 4, /* OpenSSL must write before it can go on with the handshake or with reading */
	WANT_FIN = 8,          /* shut down once what is sealed has gone out */
	IN_CALLBACK = 16,      /* what remains to be told is looked at when the owner returns */
};

enum ready {
	CAN_READ = 1,  /* news came, and no read since then has found the socket empty */
	CAN_WRITE = 2, /* no write since then has found it full */
	HAS_ENDED = 4, /* the peer sends no more, or it failed: no news will come, so CAN_READ stays */
};

/* recv and send on the descriptor: bytes, 0 for nothing now, UV_EOF (recv), or a negative errno. */
ssize_t stream_recv(struct stream *s, void *into, size_t size);
ssize_t stream_send(struct stream *s, const void *bytes, size_t size);
/* The socket has nothing now: whatever comes is news. */
void stream_note_empty(struct stream *s);
/*
 * What a call that writes `size` bytes gave, made what stream_send gives. A socket that took fewer than it was given tells when there
 * is room again.
 */
ssize_t stream_note_sent(struct stream *s, ssize_t n, size_t size);

/* Puts OpenSSL between the owner and the socket; `s->ssl` is set. */
void stream_tls_attach(struct stream *s);
/* Frees both; nothing on plain streams. */
void stream_tls_free(struct stream *s);
/* 1 done, 0 not yet (WANT_WRITE_INSIDE is set when it waits to write), or a negative errno. */
int stream_tls_handshake(struct stream *s);
ssize_t stream_tls_read(struct stream *s, void *into, size_t size);
ssize_t stream_tls_writev(struct stream *s, const struct iovec *pieces, int n);
/* Sends what is sealed and waits: 1 nothing is left, 0 something is, or a negative errno. */
int stream_tls_flush(struct stream *s);
/* Sends close_notify, as far as the socket takes it; nothing while sealed bytes wait or after TLS failed. */
void stream_tls_notify_close(struct stream *s);
/* The socket has news: bytes that were not enough for a record may be now. */
void stream_tls_on_readable(struct stream *s);

#endif

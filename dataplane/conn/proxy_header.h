#ifndef PROXY_HEADER_H
#define PROXY_HEADER_H
/* Reads the PROXY header at the front of a client's connection, whatever follows it. Counts and logs what is wrong with it. */
#include "addr.h"
#include "buf.h"
#include "env.h"
#include "proxyproto.h"
#include "stream.h"

enum conn_proxy {
	CONN_PROXY_WAITS, /* more of it must come */
	CONN_PROXY_READ,  /* all of it was taken */
	CONN_PROXY_BAD,   /* counted and logged: to be closed without an answer */
	CONN_PROXY_EMPTY, /* the peer closed without a byte */
};

/* Where it comes from. Borrowed for the call. */
struct proxy_header_from {
	struct exchange_env *env;
	struct stream *stream;
	struct buf *in;             /* what is there of it; empty at first and after CONN_PROXY_READ */
	const struct addr *peer, *local;
};

/*
 * Takes what is there of the header. `*out` is filled with CONN_PROXY_READ; its TLVs are borrowed until the worker reads again.
 * What follows it is taken too and lies in `*rest`, in the worker's buffer; with `rest` NULL it stays in the socket, for TLS.
 */
enum conn_proxy proxy_header_read(const struct proxy_header_from *from, struct proxyproto *out, struct str *rest);
/* It did not come in time. */
void proxy_header_late(const struct proxy_header_from *from);

#endif

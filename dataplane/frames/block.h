#ifndef BLOCK_H
#define BLOCK_H
/*
 * One header block of HTTP/2 on its way to a struct http_head. HPACK lets a byte on the wire become kilobytes here, so what
 * is kept is bounded by count and by bytes while the fields come, cookies counted like all others (SECURITY.md, the HTTP/2
 * bomb), and what is decoded in vain is bounded as well. No I/O.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "http.h"

struct http2_limits {
	size_t bytes;             /* names and values, and HTTP2_FIELD_COST for each field */
	size_t n_fields;          /* of the block, pseudo-fields and each crumb of a cookie counted; room in head->fields */
	bool drops_invalid_names; /* as struct http1_limits */
	bool keeps_underscores;
};

enum {
	HTTP2_FIELD_COST = 32,  /* of a field beside its bytes (RFC 9113 6.5.2) */
	HTTP2_PSEUDO_MAX = 5,   /* there are no more */
	HTTP2_IN_VAIN = 4,      /* a block this many times over its limit is an attack, not a mistake */
};

struct http2_entry {
	uint32_t name_at, name_len, value_at, value_len;
};

/* A zeroed one is empty. */
struct http2_block {
	struct buf text;             /* names and values, one after another */
	struct http2_entry *entries;
	size_t n, cap;
	size_t cost;                 /* of all fields so far, those not kept too */
	bool is_over;                /* a limit was passed: nothing more is kept */
};

/* Empties it and keeps the memory. */
void http2_block_clear(struct http2_block *b);
void http2_block_deinit(struct http2_block *b);
/* An empty one: the spare one, or a new one. Owned; ends with http2_block_give, which keeps one spare and clears `*block` (may be NULL). */
struct http2_block *http2_block_take(struct http2_block **spare);
void http2_block_give(struct http2_block **spare, struct http2_block **block);
/* One decoded field. False when the block is so large that decoding on makes no sense. */
bool http2_block_add(struct http2_block *b, const struct http2_limits *limits, struct str name, struct str value);

/* What becomes of a whole block. */
enum http2_verdict {
	HTTP2_REQUEST,   /* the head is filled */
	HTTP2_MALFORMED, /* `status` says what to answer; `why` is a static reason */
};

struct http2_request {
	struct http_head head;  /* points into block->text; the caller sets head.fields to room for limits->n_fields + 2 */
	bool has_length;        /* content-length was told: head.content_length, also 0 */
	bool is_websocket;      /* RFC 8441: extended CONNECT, written as the GET with Upgrade that it stands for */
	unsigned status;        /* HTTP2_MALFORMED: what to answer */
	const char *why;
};

/*
 * The request that a block means (RFC 9113 8.3, SEMANTICS B1, B2): pseudo-fields first, each once and none unknown, names in
 * lower case, no byte in a value that another protocol could take for a delimiter, no blanks around it, nothing that belongs to one
 * connection, Host only where it says what :authority says. Crumbs of a cookie become one field. `ends`: no body follows.
 * The last field of a WebSocket's head is sec-websocket-key (RFC 6455 4.1): the caller gives it a value. May append to
 * block->text.
 */
enum http2_verdict http2_block_request(
	struct http2_block *b, const struct http2_limits *limits, bool ends, struct http2_request *out);
/* The status of a response, 0 when it has none. */
unsigned http2_block_status(const struct http2_block *b);
/*
 * The response that a block means, to a request with this method; NULL, or why it is malformed. The caller sets out->fields to
 * room for limits->n_fields. out->body is HTTP_BODY_CLOSE where the length is not told: the stream's end is its end.
 */
const char *http2_block_response(const struct http2_block *b, enum http_method to, struct http_head *out);
/* Fields after a body, appended to `lines` as "name: value CRLF"; NULL, or why they are malformed. */
const char *http2_block_trailer_lines(const struct http2_block *b, struct buf *lines);
/* Fields after the body: NULL when they may be read over, else why the request is malformed. */
const char *http2_block_trailers(const struct http2_block *b, const struct http2_limits *limits);
/* "GET /x HTTP/2.0", as far as it is known, for the log. Owned by the caller's buffer. */
void http2_block_line(const struct http2_block *b, struct buf *out);

#endif

#ifndef HTTP1_H
#define HTTP1_H
/*
 * HTTP/1.1 and 1.0 on the wire (RFC 9112): bytes to head, head to bytes, body framing. No I/O, no allocation, no copy of
 * what was read. Strict: what two servers could read differently is refused, and nothing is ever forwarded as received.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "http.h"
#include "parse.h"

/* What is accepted. Zero is no limit only where it says so. */
struct http1_limits {
	size_t head_bytes;   /* whole head with its last CRLF */
	size_t line_bytes;   /* request line, or one field line (large-client-header-buffers); 0 is head_bytes */
	size_t n_fields;     /* room in head->fields */
	/*
	 * ignore-invalid-headers (A29): a field whose name holds anything but letters, digits and hyphens is dropped;
	 * otherwise it is kept if its name is a token. A name that is no token is 400 either way. False for responses.
	 */
	bool drops_invalid_names;
	bool keeps_underscores;    /* enable-underscores-in-headers: an underscore is no reason to drop */
};

struct http1_error {
	/*
	 * What a server answers: 400, 414 (request line), 417, 501 (transfer coding), 505; 0 for a response. Fields that are
	 * too large or too many are 400, as nginx has it: its users' error pages and alerts know that code, not 431.
	 */
	unsigned status;
	const char *reason; /* static */
};

/*
 * Parses a request head at the front of `in`. The caller sets head->fields to an array of limits->n_fields.
 *
 * PARSE_DONE: `*head` is filled, pointing into `in`; *used bytes belong to the head.
 * PARSE_MORE: a valid prefix so far. Empty lines before the request line are skipped (RFC 9112 2.2), at most 8.
 * PARSE_BAD:  `*error` says what to answer. The connection is closed after that answer.
 *
 * Refused: CL with TE, several or differing CL, TE other than exactly "chunked", any TE in HTTP/1.0, obs-fold, bare CR or LF,
 * NUL, blanks before the colon, an empty name, a request without Host in 1.1, two Hosts, and the rest of SECURITY.md.
 * TRACE, CONNECT (path is empty, host is the target), and an Upgrade with a body (http_upgrades_with_body) are parsed: the
 * caller refuses them. A target holds visible ASCII without '#', and bytes beyond ASCII.
 *
 * An error is found at the first byte that cannot be right, whatever the pieces in which the bytes came. Each call starts
 * over, so ask http1_is_worth_parsing before calling again.
 */
enum parse_result http1_parse_request(
	struct str in, const struct http1_limits *limits, struct http_head *head, size_t *used, struct http1_error *error);

/*
 * After PARSE_MORE for the first `seen` bytes of `in`: true if more of them can change the answer (a line has ended or
 * reached its limit). It keeps a client that sends byte by byte from costing more than it sends.
 */
bool http1_is_worth_parsing(struct str in, size_t seen, const struct http1_limits *limits);

/*
 * The same for a response head. `to` is the method of the request it answers: it decides whether there is a body
 * (HEAD, 1xx, 204, 304 have none).
 */
enum parse_result http1_parse_response(struct str in, const struct http1_limits *limits, enum http_method to,
	struct http_head *head, size_t *used, struct http1_error *error);

/* Reads a body off the wire, whatever frames it. */
struct http1_body {
	enum http_body kind;
	uint64_t left;      /* of the body (LENGTH) or of the current chunk (CHUNKED) */
	uint8_t state;      /* private */
	uint8_t n_digits;   /* private: of a chunk size */
	uint32_t overhead;  /* private: bytes of chunk lines and trailers, bounded */
	bool is_done;       /* the message has ended */
};

void http1_body_init(struct http1_body *body, const struct http_head *head);
/*
 * Takes what it can from the front of `in`. `*used` bytes are consumed, and `*data` (inside `in`, may be empty) is the
 * payload among them: always one contiguous run, so call again while *used > 0 and input is left.
 *
 * PARSE_DONE: the message ends with this piece (body->is_done); the rest of `in` belongs to the next message.
 * PARSE_MORE: give more bytes. PARSE_BAD: `*why` is a static reason; the message can never be completed.
 *
 * Chunk extensions are skipped and bounded, trailers are checked like fields and dropped; sizes with signs, prefixes,
 * blanks, more than 16 digits or an overflow are bad, and so are bare LF or CR.
 */
enum parse_result http1_body_read(
	struct http1_body *body, struct str in, size_t *used, struct str *data, const char **why);
/* `n` bytes of a body with a length went past unseen, at most body->left. */
void http1_body_skip(struct http1_body *body, uint64_t n);
/* The connection closed: true if the message was whole (HTTP_BODY_CLOSE ends so). */
bool http1_body_at_close(struct http1_body *body);

/*
 * Serialisers: append to `out` whole or not at all (false: over its cap). Names and values are written as given and must
 * be clean already (http_is_token, http_is_field_value); the parsers guarantee it for what they read.
 */
bool http1_write_request_line(struct buf *out, struct str method, struct str target);
bool http1_write_status_line(struct buf *out, unsigned status, struct str reason);
bool http1_write_field(struct buf *out, struct str name, struct str value);
bool http1_write_end(struct buf *out);
/* "1a2b\r\n" before a chunk of `size` bytes; the caller adds "\r\n" after it. `room` holds 20 bytes. Its length. */
size_t http1_chunk_head(char *room, uint64_t size);
#define HTTP1_LAST_CHUNK STR("0\r\n\r\n")

#endif

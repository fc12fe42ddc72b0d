/*
 * RFC 8446 4.1.2 and 5.1, RFC 6066 3. A message may be spread over records, so that the reader below joins their payloads as
 * it goes; each length is held against the one around it.
 */
#include "hello.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
	RECORD_HEADER = 5,
	RECORD_HANDSHAKE = 22,
	RECORD_MAX = 16 * 1024,
	CLIENT_HELLO = 1,
	EXTENSION_SERVER_NAME = 0,
	NAME_HOST = 0,
};

/* Where we are in the payloads of the records. `state` is DONE while all is well. */
struct reader {
	struct str in;
	size_t at, record_left; /* the next byte; how many are left in its record */
	size_t left;            /* in the structure that is read; reading beyond it is BAD */
	enum parse_result state;
};

static void fail(struct reader *r, enum parse_result why)
{
	if (r->state == PARSE_DONE)
		r->state = why;
}

static unsigned char byte_at(const struct reader *r, size_t i)
{
	return (unsigned char)r->in.ptr[i];
}

/* Enters the next record; empty ones are not allowed (RFC 8446 5.1). */
static void open_record(struct reader *r)
{
	size_t have = r->in.len - r->at, len;

	if (have && byte_at(r, r->at) != RECORD_HANDSHAKE) {
		fail(r, PARSE_BAD);
	} else if (have >= 2 && byte_at(r, r->at + 1) != 3) {
		fail(r, PARSE_BAD);
	} else if (have < RECORD_HEADER) {
		fail(r, PARSE_MORE);
	} else {
		len = (size_t)byte_at(r, r->at + 3) << 8 | byte_at(r, r->at + 4);
		r->at += RECORD_HEADER;
		r->record_left = len;
		if (!len || len > RECORD_MAX)
			fail(r, PARSE_BAD);
	}
}

static unsigned read_byte(struct reader *r)
{
	if (r->state == PARSE_DONE && !r->left)
		fail(r, PARSE_BAD);
	if (r->state == PARSE_DONE && !r->record_left)
		open_record(r);
	if (r->state == PARSE_DONE && r->at == r->in.len)
		fail(r, PARSE_MORE);
	if (r->state != PARSE_DONE)
		return 0;
	r->left--;
	r->record_left--;
	return byte_at(r, r->at++);
}

static size_t read_number(struct reader *r, unsigned n_bytes)
{
	size_t n = 0;

	while (n_bytes--)
		n = n << 8 | read_byte(r);
	return n;
}

static void skip(struct reader *r, size_t n)
{
	while (n-- && r->state == PARSE_DONE)
		read_byte(r);
}

/* A length and so many bytes within what is left; `*outer` is what follows them. */
static size_t enter(struct reader *r, unsigned n_bytes, size_t *outer)
{
	size_t len = read_number(r, n_bytes);

	if (r->state == PARSE_DONE && len > r->left)
		fail(r, PARSE_BAD);
	if (r->state != PARSE_DONE)
		len = 0;
	*outer = r->left - (len < r->left ? len : r->left);
	r->left = len;
	return len;
}

static void leave(struct reader *r, size_t outer)
{
	if (r->left)
		fail(r, PARSE_BAD);
	r->left = outer;
}

static void skip_vector(struct reader *r, unsigned n_bytes)
{
	size_t outer;

	skip(r, enter(r, n_bytes, &outer));
	leave(r, outer);
}

/* One name, of the one type there is. */
static void read_server_name(struct reader *r, char bytes[256], struct str *name)
{
	size_t list, one, n;

	enter(r, 2, &list);
	if (read_byte(r) != NAME_HOST)
		fail(r, PARSE_BAD);
	n = enter(r, 2, &one);
	if (n == 0 || n > 255)
		fail(r, PARSE_BAD);
	for (size_t i = 0; i < n && r->state == PARSE_DONE; i++) {
		bytes[i] = (char)read_byte(r);
		if (!bytes[i])
			fail(r, PARSE_BAD);
	}
	leave(r, one);
	leave(r, list);
	*name = str_of(bytes, n);
}

static void read_extensions(struct reader *r, char bytes[256], struct str *name)
{
	bool has_name = false;
	size_t all;

	if (!r->left)
		return; /* there need not be any */
	enter(r, 2, &all);
	while (r->left && r->state == PARSE_DONE) {
		size_t kind = read_number(r, 2), one;

		enter(r, 2, &one);
		if (kind != EXTENSION_SERVER_NAME) {
			skip(r, r->left);
		} else {
			if (has_name)
				fail(r, PARSE_BAD);
			has_name = true;
			read_server_name(r, bytes, name);
		}
		leave(r, one);
	}
	leave(r, all);
}

enum parse_result tls_hello_parse(struct str in, char name_bytes[256], struct str *name)
{
	struct reader r = {.in = str_first(in, TLS_HELLO_MAX), .left = 4, .state = PARSE_DONE};

	*name = STR("");
	if (read_byte(&r) != CLIENT_HELLO)
		fail(&r, PARSE_BAD);
	r.left = read_number(&r, 3);
	if (r.left > TLS_HELLO_MAX)
		fail(&r, PARSE_BAD);
	skip(&r, 2 + 32);       /* version, random */
	skip_vector(&r, 1);     /* session id */
	skip_vector(&r, 2);     /* ciphers */
	skip_vector(&r, 1);     /* compression */
	read_extensions(&r, name_bytes, name);
	leave(&r, 0);
	if (r.state == PARSE_MORE && in.len >= TLS_HELLO_MAX)
		return PARSE_BAD;
	if (r.state != PARSE_DONE)
		*name = STR("");
	return r.state;
}

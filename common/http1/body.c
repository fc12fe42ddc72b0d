/* Bodies: by length, by chunks, until close. The chunk reader is a state a byte, except over payload. */
#include <assert.h>

#include "http1.h"

enum state {
	SIZE,        /* hex digits of a chunk size */
	EXTENSION,   /* after ';' until CR */
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	TRAILER,     /* first byte of a trailer line, or the CR that ends the message */
	TRAILER_NAME,
	TRAILER_VALUE,
	TRAILER_LF,
	END_LF,
};

/*
 * Bytes that are no payload cost their sender nothing and us work. Each chunk may spend 16 bytes and as many as twice its
 * payload; what goes beyond adds up to here, and then the message is refused. Trailers have the same bound anew.
 */
enum { MAX_OVERHEAD = 8192, CHUNK_ALLOWANCE = 16, MAX_SIZE_DIGITS = 16 };

void http1_body_init(struct http1_body *body, const struct http_head *head)
{
	*body = (struct http1_body){
		.kind = head->body,
		.left = head->body == HTTP_BODY_LENGTH ? head->content_length : 0,
		.is_done = head->body == HTTP_BODY_NONE,
	};
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)ascii_lower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const char *step_size(struct http1_body *b, char c)
{
	int digit = hex_value(c);

	if (digit >= 0) {
		if (b->n_digits == MAX_SIZE_DIGITS || b->left >> 59)
			return "chunk size too large";
		b->n_digits++;
		b->left = b->left << 4 | (unsigned)digit;
		return NULL;
	}
	if (b->n_digits == 0 || (c != ';' && c != '\r'))
		return "invalid chunk size";
	b->state = c == ';' ? EXTENSION : SIZE_LF;
	return NULL;
}

/* The line of a chunk is read: payload follows, or trailers. */
static void begin_chunk(struct http1_body *b)
{
	uint64_t earned = b->left < MAX_OVERHEAD ? CHUNK_ALLOWANCE + 2 * b->left : MAX_OVERHEAD;

	b->n_digits = 0;
	b->overhead = b->overhead > earned ? b->overhead - (uint32_t)earned : 0;
	b->state = b->left ? DATA : TRAILER;
	if (b->left == 0)
		b->overhead = 0;
}

static const char *step_trailer(struct http1_body *b, char c)
{
	switch ((enum state)b->state) {
	case TRAILER:
		if (c == '\r') {
			b->state = END_LF;
			return NULL;
		}
		b->state = TRAILER_NAME;
		return http_char_is(c, HTTP_CHAR_TOKEN) ? NULL : "invalid trailer name";
	case TRAILER_NAME:
		if (c == ':')
			b->state = TRAILER_VALUE;
		return c == ':' || http_char_is(c, HTTP_CHAR_TOKEN) ? NULL : "invalid trailer name";
	case TRAILER_VALUE:
		if (c == '\r')
			b->state = TRAILER_LF;
		return c == '\r' || http_char_is(c, HTTP_CHAR_VALUE) ? NULL : "invalid byte in a trailer";
	case TRAILER_LF:
		b->state = TRAILER;
		return c == '\n' ? NULL : "CR without LF in a trailer";
	default:
		b->is_done = true;
		return c == '\n' ? NULL : "CR without LF after the last chunk";
	}
}

/* One byte that is no payload. NULL, or what is wrong. */
static const char *step(struct http1_body *b, char c)
{
	if (++b->overhead > MAX_OVERHEAD)
		return b->state < TRAILER ? "too many bytes around chunks" : "trailers too large";
	switch ((enum state)b->state) {
	case SIZE:
		return step_size(b, c);
	case EXTENSION:
		if (c == '\r')
			b->state = SIZE_LF;
		return c == '\r' || http_char_is(c, HTTP_CHAR_VALUE) ? NULL : "invalid byte in a chunk extension";
	case SIZE_LF:
		if (c != '\n')
			return "CR without LF after a chunk size";
		begin_chunk(b);
		return NULL;
	case DATA_CR:
		b->state = DATA_LF;
		return c == '\r' ? NULL : "no CR LF after a chunk";
	case DATA_LF:
		b->state = SIZE;
		return c == '\n' ? NULL : "no CR LF after a chunk";
	case DATA:
	case TRAILER:
	case TRAILER_NAME:
	case TRAILER_VALUE:
	case TRAILER_LF:
	case END_LF:
		break;
	}
	return step_trailer(b, c);
}

/* As many bytes of payload as there are. */
static struct str take(struct http1_body *b, struct str in)
{
	struct str data = str_first(in, b->left < in.len ? (size_t)b->left : in.len);

	b->left -= data.len;
	return data;
}

static enum parse_result read_chunked(
	struct http1_body *b, struct str in, size_t *used, struct str *data, const char **why)
{
	size_t at = 0;

	while (at < in.len && !b->is_done) {
		const char *wrong;

		if (b->state == DATA) {
			/* one run a call: the next one would not be contiguous */
			if (data->len)
				break;
			*data = take(b, str_from_index(in, at));
			at += data->len;
			if (b->left == 0)
				b->state = DATA_CR;
			continue;
		}
		wrong = step(b, in.ptr[at++]);
		if (wrong) {
			*why = wrong;
			return PARSE_BAD;
		}
	}
	*used = at;
	return b->is_done ? PARSE_DONE : PARSE_MORE;
}

enum parse_result http1_body_read(
	struct http1_body *body, struct str in, size_t *used, struct str *data, const char **why)
{
	*used = 0;
	*data = str_first(in, 0);
	if (body->is_done)
		return PARSE_DONE;
	switch (body->kind) {
	case HTTP_BODY_CHUNKED:
		return read_chunked(body, in, used, data, why);
	case HTTP_BODY_LENGTH:
		*data = take(body, in);
		*used = data->len;
		body->is_done = body->left == 0;
		return body->is_done ? PARSE_DONE : PARSE_MORE;
	case HTTP_BODY_CLOSE:
		*data = in;
		*used = in.len;
		return PARSE_MORE;
	case HTTP_BODY_NONE:
		break;
	}
	return PARSE_DONE;
}

void http1_body_skip(struct http1_body *body, uint64_t n)
{
	assert(body->kind == HTTP_BODY_LENGTH && n <= body->left);
	body->left -= n;
	body->is_done = body->left == 0;
}

bool http1_body_at_close(struct http1_body *body)
{
	if (body->kind == HTTP_BODY_CLOSE)
		body->is_done = true;
	return body->is_done;
}

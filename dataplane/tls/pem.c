/*
 * Nearly all PEM is written alike: lines of 64 characters between two lines that name the same thing. Such a block is read here, at a
 * tenth of the cost; whatever looks otherwise is OpenSSL's to judge.
 */
#include "pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>

enum { LINE = 64, BLOCK_MAX = 1024 * 1024 };

struct str der_str(const struct der *d)
{
	return str_of(d->ptr, (size_t)d->len);
}

void der_free(struct der *d)
{
	OPENSSL_clear_free(d->ptr, (size_t)d->len);
	*d = (struct der){0};
}

static bool is_certificate_label(struct str label)
{
	return str_eq(label, STR("CERTIFICATE")) || str_eq(label, STR("X509 CERTIFICATE"));
}

static enum pem_block judge(struct str label, bool is_encrypted)
{
	if (is_certificate_label(label))
		return PEM_CERTIFICATE;
	if (!str_ends_with(label, STR("PRIVATE KEY")))
		return PEM_OTHER;
	return is_encrypted || str_starts_with(label, STR("ENCRYPTED")) ? PEM_BAD : PEM_KEY;
}

/* ---------------------------------------------------------------------------------------------------- as nearly all are */

/* The value of a character, 64 for any other. */
#define X 64
static const unsigned char values[256] = {
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, 62, X, X, X, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, X, X, X, X, X, X,
	X, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, X, X, X, X, X,
	X, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
};
#undef X

/* Whole quartets without padding. False when there is another character among them. */
static bool decode(const char *in, size_t n_quartets, unsigned char *out)
{
	unsigned all = 0;

	for (size_t i = 0; i < n_quartets; i++, in += 4, out += 3) {
		unsigned a = values[(unsigned char)in[0]], b = values[(unsigned char)in[1]], c = values[(unsigned char)in[2]],
			 d = values[(unsigned char)in[3]];

		all |= a | b | c | d;
		out[0] = (unsigned char)(a << 2 | b >> 4);
		out[1] = (unsigned char)(b << 4 | c >> 2);
		out[2] = (unsigned char)(c << 6 | d);
	}
	return all < 64;
}

/* The last line: up to two "=" at its end. The number of bytes; 0 when it is not so. */
static size_t decode_last(struct str line, unsigned char *out)
{
	char quartet[4];
	size_t n_pad = 0;

	if (!line.len || line.len % 4 || line.len > LINE)
		return 0;
	while (n_pad < 2 && line.ptr[line.len - 1 - n_pad] == '=')
		n_pad++;
	memcpy(quartet, line.ptr + line.len - 4, 4);
	for (size_t i = 0; i < n_pad; i++)
		quartet[3 - i] = 'A';
	if (!decode(line.ptr, line.len / 4 - 1, out) || !decode(quartet, 1, out + (line.len / 4 - 1) * 3))
		return 0;
	return line.len / 4 * 3 - n_pad;
}

/* "-----BEGIN X-----\n"; takes it and its X. */
static bool take_line(struct str *text, struct str start, struct str *label)
{
	struct str rest;
	size_t end;

	if (!str_starts_with(*text, start))
		return false;
	rest = str_from_index(*text, start.len);
	end = str_find(rest, '\n');
	*label = str_first(rest, end);
	if (!str_ends_with(*label, STR("-----")))
		return false;
	label->len -= 5;
	*text = str_from_index(rest, end < rest.len ? end + 1 : end);
	return true;
}

/* Between the two lines. `out` has room for three quarters of it. The number of bytes; 0 when it is not as usual. */
static size_t decode_body(struct str body, unsigned char *out)
{
	size_t len = 0;

	for (; body.len > LINE + 1; body = str_from_index(body, LINE + 1), len += LINE / 4 * 3) {
		if (body.ptr[LINE] != '\n' || !decode(body.ptr, LINE / 4, out + len))
			return 0;
	}
	if (!body.len || body.ptr[body.len - 1] != '\n')
		return 0;
	body.len = decode_last(str_first(body, body.len - 1), out + len);
	return body.len ? len + body.len : 0;
}

/* False, with nothing taken and nothing in `out`, when it is not as usual. */
static bool take_usual(struct str *text, struct str *label, struct der *out)
{
	struct str rest = *text, body, end_label;
	size_t len;

	if (!take_line(&rest, STR("-----BEGIN "), label))
		return false;
	body = str_first(rest, str_find(rest, '-'));
	rest = str_from_index(rest, body.len);
	if (!body.len || body.len > BLOCK_MAX || !take_line(&rest, STR("-----END "), &end_label) || !str_eq(*label, end_label))
		return false;
	out->ptr = OPENSSL_malloc(body.len);
	len = out->ptr ? decode_body(body, out->ptr) : 0;
	out->len = (long)(len ? len : body.len);
	if (len)
		*text = rest;
	else
		der_free(out);
	return len > 0;
}

/* ----------------------------------------------------------------------------------------------------------- all others */

static enum pem_block take_unusual(struct str *text, struct der *out)
{
	BIO *in = BIO_new_mem_buf(text->ptr, (int)text->len);
	char *label = NULL, *header = NULL;
	enum pem_block kind;

	if (PEM_read_bio(in, &label, &header, &out->ptr, &out->len) != 1) {
		kind = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE ? PEM_END : PEM_BAD;
		ERR_clear_error();
	} else {
		kind = judge(str_from(label), header && *header);
		*text = str_from_index(*text, text->len - (size_t)BIO_pending(in));
		OPENSSL_free(label);
		OPENSSL_free(header);
	}
	BIO_free(in);
	return kind;
}

enum pem_block pem_next(struct str *text, struct der *out)
{
	enum pem_block kind;
	struct str label;

	*out = (struct der){0};
	if (take_usual(text, &label, out))
		kind = judge(label, false);
	else
		kind = take_unusual(text, out);
	if (kind != PEM_CERTIFICATE && kind != PEM_KEY)
		der_free(out);
	return kind;
}

/* A serial has at most 20 bytes, a fingerprint 32: a line is one or the other by its length. */
#include "deny.h"

#include <openssl/evp.h>
#include <string.h>

enum { SERIAL_DIGITS_MAX = 40, FINGERPRINT_DIGITS = 64, ENTRIES_MAX = 100000 };

/* The digits of a line without colons, blanks and, of a serial, leading zeros. False for anything else. */
static bool read_line(struct str line, struct buf *digits)
{
	struct str rest;
	size_t n = 0;

	buf_clear(digits);
	for (size_t i = 0; i < line.len; i++) {
		if (line.ptr[i] == ':')
			continue;
		if (ascii_hex_value(line.ptr[i]) < 0)
			return false;
		buf_add_char(digits, (char)ascii_lower((unsigned char)line.ptr[i]));
	}
	rest = buf_str(digits);
	if (rest.len == FINGERPRINT_DIGITS)
		return true;
	while (n + 1 < rest.len && rest.ptr[n] == '0')
		n++;
	buf_consume(digits, n);
	return digits->len > 0 && digits->len <= SERIAL_DIGITS_MAX;
}

bool deny_read(struct deny *d, struct str text, struct buf *error)
{
	struct map entries = {0};
	struct buf digits = {0};
	struct str line;
	bool is_good = true;

	for (size_t number = 1; is_good && text.len; number++) {
		size_t end = str_find(text, '\n');

		line = str_first(text, end);
		text = str_from_index(text, end + 1);
		line = str_trim(str_first(line, str_find(line, '#')));
		if (!line.len)
			continue;
		is_good = read_line(line, &digits) && entries.n < ENTRIES_MAX;
		if (is_good)
			map_put(&entries, buf_str(&digits), d); /* any pointer but NULL */
		else
			buf_printf(error, "line %zu is neither a serial nor a SHA-256 fingerprint in hex", number);
	}
	buf_deinit(&digits);
	if (!is_good) {
		map_deinit(&entries);
		return false;
	}
	map_deinit(&d->entries);
	d->entries = entries;
	return true;
}

static bool has(const struct deny *d, struct str bytes)
{
	struct buf hex = {0};
	bool is_there;
	size_t zeros = 0;

	buf_add_hex(&hex, bytes);
	while (bytes.len != FINGERPRINT_DIGITS / 2 && zeros + 1 < hex.len && hex.ptr[zeros] == '0')
		zeros++;
	is_there = map_get(&d->entries, str_from_index(buf_str(&hex), zeros)) != NULL;
	buf_deinit(&hex);
	return is_there;
}

bool deny_has(const struct deny *d, X509 *certificate)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
	uint8_t fingerprint[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	if (!d->entries.n)
		return false;
	if (has(d, str_of(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial))))
		return true;
	return X509_digest(certificate, EVP_sha256(), fingerprint, &size) == 1 && has(d, str_of(fingerprint, size));
}

void deny_deinit(struct deny *d)
{
	map_deinit(&d->entries);
}

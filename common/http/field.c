/*
 * Field names to ids: a perfect hash over the length and three characters finds the one candidate, which is then compared
 * eight bytes at a time. The table belongs to HTTP_FIELDS: test_http fails when a name that was added does not find itself;
 * then look for another MULTIPLIER under which no two names share a slot, and write the slots anew.
 */
#include "http.h"

#define MULTIPLIER 0xfe909103u

#define NAME(id, name) [FIELD_##id] = {name, sizeof(name) - 1},
static const struct str names[FIELD_COUNT] = {HTTP_FIELDS(NAME)};

static const uint8_t slots[256] = {
	[0] = FIELD_X_ACCEL_BUFFERING, [3] = FIELD_SERVER, [5] = FIELD_TRAILER, [6] = FIELD_TRANSFER_ENCODING,
	[7] = FIELD_COOKIE, [8] = FIELD_REFERER, [11] = FIELD_ORIGIN, [12] = FIELD_CONTENT_LENGTH,
	[16] = FIELD_CONTENT_TYPE, [22] = FIELD_EXPECT, [25] = FIELD_X_ACCEL_REDIRECT, [27] = FIELD_UPGRADE,
	[28] = FIELD_HOST, [30] = FIELD_TE, [40] = FIELD_X_REAL_IP, [41] = FIELD_X_FORWARDED_HOST,
	[51] = FIELD_X_SCHEME, [55] = FIELD_FORWARDED, [56] = FIELD_X_ACCEL_CHARSET, [59] = FIELD_DATE,
	[68] = FIELD_X_ORIGINAL_FORWARDED_HOST, [71] = FIELD_USER_AGENT, [72] = FIELD_X_ACCEL_LIMIT_RATE,
	[80] = FIELD_REFRESH, [81] = FIELD_X_FORWARDED_SCHEME, [83] = FIELD_PROXY_AUTHENTICATE,
	[90] = FIELD_SSL_CLIENT_ISSUER_DN, [92] = FIELD_X_ORIGINAL_URI,
	[93] = FIELD_SSL_CLIENT_SUBJECT_DN, [101] = FIELD_KEEP_ALIVE, [106] = FIELD_X_REQUEST_ID,
	[121] = FIELD_ACCEPT, [123] = FIELD_LOCATION, [141] = FIELD_PROXY_CONNECTION, [142] = FIELD_CONNECTION,
	[150] = FIELD_PROXY_AUTHORIZATION, [152] = FIELD_X_FORWARDED_PORT, [154] = FIELD_AUTHORIZATION,
	[156] = FIELD_SSL_CLIENT_CERT, [160] = FIELD_VIA, [168] = FIELD_X_ACCEL_EXPIRES,
	[169] = FIELD_SSL_CLIENT_VERIFY, [175] = FIELD_STRICT_TRANSPORT_SECURITY, [188] = FIELD_PROXY,
	[193] = FIELD_X_FORWARDED_FOR, [199] = FIELD_X_FORWARDED_PREFIX,
	[220] = FIELD_X_ORIGINAL_FORWARDED_FOR, [222] = FIELD_HTTP2_SETTINGS, [235] = FIELD_X_FORWARDED_PROTO,
	[252] = FIELD_SET_COOKIE,
};

/* Bytes of `want` with the bit 0x40 are letters; in them, and only there, 0x20 is case. */
static bool is_word(uint64_t got, uint64_t want)
{
	return (got | (want >> 1 & 0x2020202020202020u)) == want;
}

static uint64_t load8(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* The two halves overlap for 4 to 7 bytes: all are covered. */
static uint64_t load4(const char *p, size_t len)
{
	uint32_t first, last;

	memcpy(&first, p, sizeof(first));
	memcpy(&last, p + len - sizeof(last), sizeof(last));
	return (uint64_t)first << 32 | last;
}

static uint64_t load2(const char *p, size_t len)
{
	uint16_t first, last;

	memcpy(&first, p, sizeof(first));
	memcpy(&last, p + len - sizeof(last), sizeof(last));
	return (uint64_t)first << 16 | last;
}

/* True if `p` is `name`, which has 2 bytes or more, in any case. */
static bool is_name(const char *p, struct str name)
{
	if (name.len < 4)
		return is_word(load2(p, name.len), load2(name.ptr, name.len));
	if (name.len < 8)
		return is_word(load4(p, name.len), load4(name.ptr, name.len));
	for (size_t at = 0; at + 8 <= name.len; at += 8) {
		if (!is_word(load8(p + at), load8(name.ptr + at)))
			return false;
	}
	return is_word(load8(p + name.len - 8), load8(name.ptr + name.len - 8));
}

static uint32_t char_at(struct str s, size_t at)
{
	return (unsigned char)s.ptr[at];
}

enum http_field_id http_field_id(struct str name)
{
	uint32_t key;
	uint8_t id;

	if (name.len < 2 || name.len > 63)
		return FIELD_OTHER;
	key = char_at(name, 0) | char_at(name, name.len - 1) << 8 | char_at(name, name.len - 2) << 16 | 0x202020u |
		(uint32_t)name.len << 24;
	id = slots[key * MULTIPLIER >> 24];
	return id != FIELD_OTHER && names[id].len == name.len && is_name(name.ptr, names[id]) ? id : FIELD_OTHER;
}

struct str http_field_name(enum http_field_id id)
{
	return id < FIELD_COUNT && id != FIELD_OTHER ? names[id] : STR("");
}

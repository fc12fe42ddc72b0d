/*
 * A header of either version off the front of some bytes. Both readers take what is there in order and stop at the first
 * thing that is wrong, or that is not there yet: so the answer does not depend on how the bytes were cut.
 */
#include <stdlib.h>

#include "proxyproto_private.h"

#define WORD(id, word, what, fix) word,
#define WHAT(id, word, what, fix) what,
#define FIX(id, word, what, fix) fix,

const char *proxyproto_word(enum proxyproto_result result)
{
	static const char *const words[] = {PROXYPROTO_RESULTS(WORD)};

	return words[result];
}

const char *proxyproto_what(enum proxyproto_result result)
{
	static const char *const texts[] = {PROXYPROTO_RESULTS(WHAT)};

	return texts[result];
}

const char *proxyproto_fix(enum proxyproto_result result)
{
	static const char *const texts[] = {PROXYPROTO_RESULTS(FIX)};

	return texts[result];
}

static enum parse_result bad(struct proxyproto_error *error, enum proxyproto_result kind, const char *reason)
{
	*error = (struct proxyproto_error){kind, reason};
	return PARSE_BAD;
}

/* Takes `text` off the front of `*rest`. */
static enum parse_result take_text(struct str *rest, struct str text)
{
	struct str here = str_first(*rest, text.len);

	if (!str_starts_with(text, here))
		return PARSE_BAD;
	if (here.len < text.len)
		return PARSE_MORE;
	*rest = str_from_index(*rest, text.len);
	return PARSE_DONE;
}

/* ----------------------------------------------------------------------------------------------------------- version 1 */

static bool is_address_char(char c)
{
	return c == '.' || c == ':' || ascii_hex_value(c) >= 0;
}

/* Text up to a blank. One that looks like an address and is none leaves `*out` without a family (A34). */
static enum parse_result take_address(struct str *rest, struct addr *out)
{
	size_t len = 0;

	while (len < rest->len && is_address_char(rest->ptr[len]))
		len++;
	if (len == rest->len)
		return PARSE_MORE;
	if (len == 0 || rest->ptr[len] != ' ')
		return PARSE_BAD;
	if (!addr_parse_ip(str_first(*rest, len), out))
		*out = (struct addr){0};
	*rest = str_from_index(*rest, len + 1);
	return PARSE_DONE;
}

static enum parse_result take_port(struct str *rest, char end, uint16_t *out)
{
	unsigned port = 0;
	size_t len = 0;

	for (; len < rest->len && rest->ptr[len] >= '0' && rest->ptr[len] <= '9'; len++) {
		port = port * 10 + (unsigned)(rest->ptr[len] - '0');
		if (port > UINT16_MAX)
			return PARSE_BAD;
	}
	if (len == rest->len)
		return PARSE_MORE;
	if (len == 0 || rest->ptr[len] != end)
		return PARSE_BAD;
	*rest = str_from_index(*rest, len + 1);
	*out = (uint16_t)port;
	return PARSE_DONE;
}

static enum parse_result parse_unknown(struct str in, struct str rest, struct proxyproto *out)
{
	size_t end = str_find_str(rest, STR("\r\n"));

	if (end == rest.len)
		return PARSE_MORE;
	*out = (struct proxyproto){.result = PROXYPROTO_NONE, .size = in.len - rest.len + end + 2};
	return PARSE_DONE;
}

static enum parse_result take_family(struct str *rest)
{
	enum parse_result result = take_text(rest, STR("TCP"));

	if (result != PARSE_DONE || rest->len == 0)
		return result == PARSE_BAD ? PARSE_BAD : PARSE_MORE;
	return take_text(rest, rest->ptr[0] == '6' ? STR("6 ") : STR("4 "));
}

/* A34: "PROXY " was taken. */
static enum parse_result parse_v1(struct str in, struct str rest, struct proxyproto *out, struct proxyproto_error *error)
{
	struct proxyproto header = {.result = PROXYPROTO_V1};
	uint16_t src_port = 0, dst_port = 0;
	const char *wrong = "the family is not TCP4, TCP6 or UNKNOWN";
	enum parse_result result;

	if (rest.len && rest.ptr[0] == 'U') {
		result = take_text(&rest, STR("UNKNOWN"));
		if (result == PARSE_DONE)
			return parse_unknown(in, rest, out);
		return result == PARSE_BAD ? bad(error, PROXYPROTO_BAD_V1, wrong) : result;
	}
	result = take_family(&rest);
	if (result == PARSE_DONE) {
		wrong = "an address has other bytes than those of addresses";
		result = take_address(&rest, &header.src);
	}
	if (result == PARSE_DONE)
		result = take_address(&rest, &header.dst);
	if (result == PARSE_DONE) {
		wrong = "a port is not a number from 0 to 65535, or the line does not end in CRLF";
		result = take_port(&rest, ' ', &src_port);
	}
	if (result == PARSE_DONE)
		result = take_port(&rest, '\r', &dst_port);
	if (result == PARSE_DONE)
		result = take_text(&rest, STR("\n"));
	if (result != PARSE_DONE)
		return result == PARSE_BAD ? bad(error, PROXYPROTO_BAD_V1, wrong) : result;
	if (header.src.family)
		header.src.port = src_port;
	header.dst.port = dst_port;
	header.size = in.len - rest.len;
	*out = header;
	return PARSE_DONE;
}

/* ----------------------------------------------------------------------------------------------------------- version 2 */

/* Bytes of the address block of TCP over IP; 0: a header without addresses, skipped by its length (A35). */
static size_t address_size(struct str in)
{
	unsigned char command = (unsigned char)in.ptr[12], family = (unsigned char)in.ptr[13];

	if (command != V2_PROXY)
		return 0;
	return family == V2_TCP4 ? V2_INET : family == V2_TCP6 ? V2_INET6 : 0;
}

static void take_addresses(struct str block, struct proxyproto *out)
{
	size_t ip = block.len == V2_INET ? 4 : 16;

	addr_from_bytes(str_of(block.ptr, ip), proxyproto_u16(block, 2 * ip), &out->src);
	addr_from_bytes(str_of(block.ptr + ip, ip), proxyproto_u16(block, 2 * ip + 2), &out->dst);
}

/* A35: the signature was taken. */
static enum parse_result parse_v2(struct str in, struct proxyproto *out, struct proxyproto_error *error)
{
	size_t length, addresses, size;

	if (in.len > 12 && (unsigned char)in.ptr[12] >> 4 != 2)
		return bad(error, PROXYPROTO_BAD_V2, "the version behind the signature is not 2");
	if (in.len < V2_HEAD)
		return PARSE_MORE;
	length = proxyproto_u16(in, 14);
	size = V2_HEAD + length;
	if (size > PROXYPROTO_MAX)
		return bad(error, PROXYPROTO_TOO_LONG, "the length field says more than 4096 bytes");
	addresses = address_size(in);
	if (length < addresses)
		return bad(error, PROXYPROTO_BAD_V2, "the length is too small for the addresses of its family");
	if (addresses) {
		enum parse_result result = proxyproto_check_tlvs(str_first(in, size), V2_HEAD + addresses, size, error);

		if (result != PARSE_DONE)
			return result;
	}
	if (in.len < size)
		return PARSE_MORE;
	*out = (struct proxyproto){.result = addresses ? PROXYPROTO_V2 : PROXYPROTO_NONE, .size = size};
	if (addresses) {
		take_addresses(str_of(in.ptr + V2_HEAD, addresses), out);
		out->tlvs = str_of(in.ptr + V2_HEAD + addresses, length - addresses);
	}
	return PARSE_DONE;
}

/* ---------------------------------------------------------------------------------------------------------------- both */

enum parse_result proxyproto_parse(struct str in, struct proxyproto *out, struct proxyproto_error *error)
{
	struct str rest = in = str_first(in, PROXYPROTO_MAX);
	bool is_v2 = in.len && in.ptr[0] == '\r';
	enum parse_result result = take_text(&rest, is_v2 ? PROXYPROTO_SIGNATURE : STR("PROXY "));

	if (result == PARSE_BAD)
		return bad(error, PROXYPROTO_MISSING, "the first bytes are not those of a PROXY header");
	if (result == PARSE_DONE)
		result = is_v2 ? parse_v2(in, out, error) : parse_v1(in, rest, out, error);
	if (result == PARSE_MORE && in.len == PROXYPROTO_MAX)
		return bad(error, PROXYPROTO_TOO_LONG, "no end within 4096 bytes");
	return result;
}

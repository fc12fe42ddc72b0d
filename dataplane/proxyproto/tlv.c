/* What follows the addresses of version 2: type, length and value, one after another to the end of the header exactly. */
#include "proxyproto_private.h"

enum { TLV_HEAD = 3, SSL_HEAD = 5, AWS_VPCE_ID = 1 };

/* Sub-types of PROXYPROTO_TLV_SSL. */
enum { SSL_VERSION = 0x21, SSL_CN = 0x22, SSL_CIPHER = 0x23, SSL_SIG_ALG = 0x24, SSL_KEY_ALG = 0x25 };

bool proxyproto_next_tlv(struct str *rest, uint8_t *type, struct str *value)
{
	size_t len;

	if (rest->len < TLV_HEAD)
		return false;
	len = proxyproto_u16(*rest, 1);
	if (len > rest->len - TLV_HEAD)
		return false;
	*type = (uint8_t)rest->ptr[0];
	*value = str_of(rest->ptr + TLV_HEAD, len);
	*rest = str_from_index(*rest, TLV_HEAD + len);
	return true;
}

struct str proxyproto_tlv(struct str tlvs, enum proxyproto_type wanted)
{
	struct str value;
	uint8_t type;

	while (proxyproto_next_tlv(&tlvs, &type, &value)) {
		if (type == wanted)
			return value;
	}
	return (struct str){0};
}

struct str proxyproto_aws_vpce_id(struct str tlvs)
{
	struct str value;
	uint8_t type;

	while (proxyproto_next_tlv(&tlvs, &type, &value)) {
		if (type == PROXYPROTO_TLV_AWS && value.len > 0 && value.ptr[0] == AWS_VPCE_ID)
			return str_of(value.ptr + 1, value.len - 1);
	}
	return (struct str){0};
}

bool proxyproto_ssl(struct str tlvs, struct proxyproto_ssl *out)
{
	struct str ssl = proxyproto_tlv(tlvs, PROXYPROTO_TLV_SSL), value;
	uint8_t type;

	if (ssl.len < SSL_HEAD)
		return false;
	*out = (struct proxyproto_ssl){.client = (uint8_t)ssl.ptr[0],
		.verify = (uint32_t)proxyproto_u16(ssl, 1) << 16 | proxyproto_u16(ssl, 3)};
	ssl = str_from_index(ssl, SSL_HEAD);
	while (proxyproto_next_tlv(&ssl, &type, &value)) {
		switch (type) {
		case SSL_VERSION:
			out->version = value;
			break;
		case SSL_CN:
			out->cn = value;
			break;
		case SSL_CIPHER:
			out->cipher = value;
			break;
		case SSL_SIG_ALG:
			out->sig_alg = value;
			break;
		case SSL_KEY_ALG:
			out->key_alg = value;
			break;
		default: /* a sub-type of later: none of ours */
			break;
		}
	}
	return true;
}

/* ------------------------------------------------------------------------------------------------------------ checking */

/* CRC-32C, four bits at a time; headers are short, and few senders add it. */
static uint32_t crc32c_add(uint32_t crc, unsigned char byte)
{
	static const uint32_t table[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362,
		0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};

	crc = table[(crc ^ byte) & 15] ^ crc >> 4;
	return table[(crc ^ byte >> 4) & 15] ^ crc >> 4;
}

/* Over the whole header, with the four bytes at `at` that hold it taken for zero. */
static bool is_crc_right(struct str header, size_t at)
{
	uint32_t told = (uint32_t)proxyproto_u16(header, at) << 16 | proxyproto_u16(header, at + 2);
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < header.len; i++)
		crc = crc32c_add(crc, i >= at && i < at + 4 ? 0 : (unsigned char)header.ptr[i]);
	return (crc ^ UINT32_MAX) == told;
}

static bool fills_exactly(struct str rest)
{
	struct str value;
	uint8_t type;

	while (proxyproto_next_tlv(&rest, &type, &value))
		continue;
	return rest.len == 0;
}

/* What is inside of the value; NULL when it is well-formed. */
static const char *find_fault(uint8_t type, struct str value)
{
	if (type == PROXYPROTO_TLV_SSL && (value.len < SSL_HEAD || !fills_exactly(str_from_index(value, SSL_HEAD))))
		return "the TLVs inside the SSL TLV do not fill it";
	if (type == PROXYPROTO_TLV_CRC32C && value.len != 4)
		return "the CRC32C is not four bytes long";
	return NULL;
}

static bool are_crcs_right(struct str header, size_t at)
{
	struct str rest = str_from_index(header, at), value;
	uint8_t type;

	while (proxyproto_next_tlv(&rest, &type, &value)) {
		if (type == PROXYPROTO_TLV_CRC32C && !is_crc_right(header, (size_t)(value.ptr - header.ptr)))
			return false;
	}
	return true;
}

static enum parse_result bad_tlv(struct proxyproto_error *error, const char *reason)
{
	*error = (struct proxyproto_error){PROXYPROTO_BAD_TLV, reason};
	return PARSE_BAD;
}

enum parse_result proxyproto_check_tlvs(struct str header, size_t at, size_t size, struct proxyproto_error *error)
{
	size_t first = at;

	while (at < size) {
		const char *fault;
		size_t len;

		if (size - at < TLV_HEAD)
			return bad_tlv(error, "stray bytes follow the last TLV");
		if (header.len < at + TLV_HEAD)
			return PARSE_MORE;
		len = proxyproto_u16(header, at + 1);
		if (len > size - at - TLV_HEAD)
			return bad_tlv(error, "a TLV is longer than what is left of the header");
		if (header.len < at + TLV_HEAD + len)
			return PARSE_MORE;
		fault = find_fault((uint8_t)header.ptr[at], str_of(header.ptr + at + TLV_HEAD, len));
		if (fault)
			return bad_tlv(error, fault);
		at += TLV_HEAD + len;
	}
	if (header.len < size)
		return PARSE_MORE;
	if (!are_crcs_right(header, first)) {
		*error = (struct proxyproto_error){PROXYPROTO_BAD_CRC, "its CRC32C is wrong"};
		return PARSE_BAD;
	}
	return PARSE_DONE;
}

/*
 * Whatever bytes come: nothing beyond them is read, the verdict does not depend on how they were cut, no view leaves the
 * header, and what is written is read back as it was meant. The first byte chooses between reading and writing.
 */
#include <assert.h>
#include <stdlib.h>

#include "mem.h"
#include "proxyproto.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* In memory of exactly its size, for AddressSanitizer. `out->tlvs` is not to be looked at. */
static enum parse_result parse_copy(struct str in, struct proxyproto *out, struct proxyproto_error *error)
{
	char *copy = mem_alloc(in.len ? in.len : 1);
	enum parse_result result;

	memcpy(copy, in.ptr, in.len);
	result = proxyproto_parse(str_of(copy, in.len), out, error);
	mem_free(copy);
	return result;
}

static void check_inside(struct str part, struct str whole)
{
	assert(!part.ptr || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len));
}

static void check_tlvs(const struct proxyproto *header, struct str in)
{
	struct str all = str_first(in, header->size), rest = header->tlvs, value;
	struct proxyproto_ssl ssl = {0};
	uint8_t type;

	check_inside(header->tlvs, all);
	assert(!header->tlvs.len || header->tlvs.ptr + header->tlvs.len == all.ptr + all.len);
	while (proxyproto_next_tlv(&rest, &type, &value)) {
		check_inside(value, header->tlvs);
		check_inside(proxyproto_tlv(header->tlvs, type), header->tlvs);
		assert(proxyproto_tlv(header->tlvs, type).ptr);
	}
	assert(!rest.len);
	check_inside(proxyproto_aws_vpce_id(header->tlvs), header->tlvs);
	if (!proxyproto_ssl(header->tlvs, &ssl))
		return;
	check_inside(ssl.version, header->tlvs);
	check_inside(ssl.cn, header->tlvs);
	check_inside(ssl.cipher, header->tlvs);
	check_inside(ssl.sig_alg, header->tlvs);
	check_inside(ssl.key_alg, header->tlvs);
}

/* What was read and is told to an endpoint is the same there: no byte of a header, nor of its TLVs, becomes part of another. */
static void check_passed_on(const struct proxyproto *header)
{
	for (unsigned version = 1; version <= 2; version++) {
		char out[PROXYPROTO_WRITE_MAX];
		struct proxyproto back = {0};
		struct proxyproto_error error = {0};
		struct str text = str_of(out, proxyproto_write(version, &header->src, &header->dst, out));

		assert(parse_copy(text, &back, &error) == PARSE_DONE && back.size == text.len && !back.tlvs.len);
		if (version == 1)
			assert(str_find(text, '\r') == text.len - 2 && str_find(text, '\n') == text.len - 1);
		if (!header->src.family || !header->dst.family)
			assert(back.result == PROXYPROTO_NONE);
		else
			assert(addr_eq(&back.src, &header->src) && addr_eq(&back.dst, &header->dst));
	}
}

static void check_parse(struct str in)
{
	struct proxyproto header = {0}, part = {0};
	struct proxyproto_error error = {0}, part_error = {0};
	enum parse_result whole = proxyproto_parse(in, &header, &error);

	assert(whole != PARSE_BAD || (error.reason && error.kind >= PROXYPROTO_MISSING && error.kind <= PROXYPROTO_TOO_LONG));
	assert(whole != PARSE_MORE || in.len < PROXYPROTO_MAX);
	if (whole == PARSE_DONE) {
		assert(header.size && header.size <= in.len && header.size <= PROXYPROTO_MAX);
		assert(header.result <= PROXYPROTO_NONE);
		assert(header.result != PROXYPROTO_NONE || (!header.src.family && !header.dst.family && !header.dst.port));
		check_tlvs(&header, in);
		check_passed_on(&header);
	}
	for (size_t n = 0; n < in.len; n++) {
		enum parse_result result = parse_copy(str_first(in, n), &part, &part_error);

		assert(result == PARSE_MORE || result == whole);
		assert(whole != PARSE_DONE || (result == PARSE_DONE) == (n >= header.size));
		assert(result != PARSE_BAD || part_error.kind == error.kind);
		if (result != PARSE_MORE)
			break;
	}
}

static void take_addr(struct str *in, struct addr *out)
{
	size_t size = in->len && in->ptr[0] & 1 ? 16 : 4;

	*out = (struct addr){0};
	if (in->len < 3 + size)
		return;
	addr_from_bytes(str_of(in->ptr + 3, size), (uint16_t)((unsigned char)in->ptr[1] << 8 | (unsigned char)in->ptr[2]), out);
	*in = str_from_index(*in, 3 + size);
}

static void check_write(unsigned version, struct str in)
{
	char out[PROXYPROTO_WRITE_MAX];
	struct addr src, dst;
	struct proxyproto back = {0};
	struct proxyproto_error error = {0};
	size_t n;

	take_addr(&in, &src);
	take_addr(&in, &dst);
	n = proxyproto_write(version, &src, &dst, out);
	assert(parse_copy(str_of(out, n), &back, &error) == PARSE_DONE && back.size == n);
	if (src.family && dst.family)
		assert(addr_eq(&back.src, &src) && addr_eq(&back.dst, &dst));
	else
		assert(back.result == PROXYPROTO_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str in;

	if (len == 0)
		return 0;
	in = str_of(bytes + 1, len - 1);
	if (bytes[0] == '1' || bytes[0] == '2')
		check_write((unsigned)(bytes[0] - '0'), in);
	else
		check_parse(in);
	return 0;
}

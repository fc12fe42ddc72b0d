/* The checks that every message needs. */
#include "decode.h"

#include <inttypes.h>
#include <stdio.h>

#include "cidrset.h"
#include "mem.h"

/* Written when it is wanted: there are tens of thousands of endpoints, and nearly all are fine. */
const char *decode_place(struct decode *d)
{
	if (!d->list)
		return "";
	snprintf(d->place_text, sizeof(d->place_text), "%s[%zu].", d->list, d->index);
	return d->place_text;
}

bool decode_refuse(struct decode *d, const char *field, const char *message)
{
	buf_printf(d->why, "%s%s: %s", decode_place(d), field, message);
	return false;
}

bool decode_range(struct decode *d, const char *field, uint64_t value, uint64_t min, uint64_t max)
{
	if (value >= min && value <= max)
		return true;
	buf_printf(d->why, "%s%s: %" PRIu64 " is not within %" PRIu64 " to %" PRIu64, decode_place(d), field, value, min, max);
	return false;
}

static bool has_control_byte(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c < 0x20 || c == 0x7f)
			return true;
	}
	return false;
}

bool decode_text(struct decode *d, const char *field, const char *in, size_t max, struct str *out)
{
	struct str s = str_from(in);

	if (s.len > max)
		return decode_refuse(d, field, "too long");
	if (has_control_byte(s))
		return decode_refuse(d, field, "holds a control byte");
	*out = s.len ? arena_str(d->arena, s) : STR("");
	return true;
}

bool decode_token(struct decode *d, const char *field, const char *in, struct str *out)
{
	struct str s = str_from(in);

	if (s.len && !http_is_token(s))
		return decode_refuse(d, field, "is not a field name");
	return decode_text(d, field, in, MAX_NAME, out);
}

bool decode_server_name(struct decode *d, const char *field, const char *in, struct str *out)
{
	char *lower;

	if (!decode_text(d, field, in, MAX_SERVER_NAME, out))
		return false;
	if (!out->len)
		return decode_refuse(d, field, "is empty");
	if (str_find(*out, ' ') < out->len || str_find(*out, '/') < out->len)
		return decode_refuse(d, field, "is not a server name");
	lower = arena_alloc(d->arena, out->len);
	for (size_t i = 0; i < out->len; i++)
		lower[i] = (char)ascii_lower((unsigned char)out->ptr[i]);
	out->ptr = lower;
	return true;
}

bool decode_ip(struct decode *d, const char *field, const ProtobufCBinaryData *ip, uint32_t port, struct addr *out)
{
	struct str bytes = str_of(ip->data, ip->len);

	if ((ip->len != 4 && ip->len != 16) || !addr_from_bytes(bytes, (uint16_t)port, out))
		return decode_refuse(d, field, "is neither 4 nor 16 bytes");
	return true;
}

static bool has_host_bits(const struct cidr *c)
{
	unsigned bits = c->net.family == 4 ? 32 : 128;

	for (unsigned i = c->prefix; i < bits; i++) {
		if (c->net.ip[i / 8] & (0x80u >> i % 8))
			return true;
	}
	return false;
}

static bool decode_cidr(struct decode *d, const Weirlock__V1__Cidr *in, struct cidr *out)
{
	uint32_t prefix = in->prefix;

	if (!decode_ip(d, "ip", &in->ip, 0, &out->net))
		return false;
	if (in->ip.len == 16 && out->net.family == 4) { /* IPv4-mapped (A3) */
		if (prefix < 96)
			return decode_refuse(d, "prefix", "cuts an IPv4-mapped network");
		prefix -= 96;
	}
	if (!decode_range(d, "prefix", prefix, 0, out->net.family == 4 ? 32 : 128))
		return false;
	out->prefix = (uint8_t)prefix;
	if (has_host_bits(out))
		return decode_refuse(d, "ip", "has bits set beyond its prefix");
	return true;
}

bool decode_cidrs(struct decode *d, const char *field, Weirlock__V1__Cidr *const *in, size_t n_in, struct cidrset *out)
{
	struct cidr *items;
	bool is_fine = true;

	if (n_in > MAX_CIDRS)
		return decode_refuse(d, field, "too many networks");
	if (!n_in)
		return true;
	items = mem_calloc(n_in, sizeof(*items));
	for (size_t i = 0; is_fine && i < n_in; i++) {
		is_fine = decode_cidr(d, in[i], &items[i]);
		if (!is_fine)
			buf_printf(d->why, " (%s[%zu])", field, i);
	}
	if (is_fine)
		cidrset_build(out, items, n_in, d->arena);
	mem_free(items);
	return is_fine;
}

void decode_enter(struct decode *d, const char *field, size_t index)
{
	d->list = field;
	d->index = index;
}

void decode_leave(struct decode *d)
{
	d->list = NULL;
}

/* Headers to endpoints: who the client is, and what it connected to. */
#include <assert.h>
#include <stdio.h>

#include "proxyproto_private.h"

/* The address as IPv6; IPv4 is mapped (::ffff:1.2.3.4). */
static struct addr as_ipv6(const struct addr *a)
{
	struct addr out = *a;

	if (a->family != 4)
		return out;
	out.family = 6;
	memset(out.ip, 0, sizeof(out.ip));
	out.ip[10] = out.ip[11] = 0xff;
	memcpy(out.ip + 12, a->ip, 4);
	return out;
}

static size_t write_v1(const struct addr *src, const struct addr *dst, char *out)
{
	char src_text[ADDR_TEXT_MAX], dst_text[ADDR_TEXT_MAX];
	int n;

	if (!src->family)
		n = snprintf(out, PROXYPROTO_WRITE_MAX, "PROXY UNKNOWN\r\n");
	else
		n = snprintf(out, PROXYPROTO_WRITE_MAX, "PROXY TCP%d %s %s %u %u\r\n", src->family,
			addr_ip_text(src, src_text), addr_ip_text(dst, dst_text), src->port, dst->port);
	assert(n > 0 && n < PROXYPROTO_WRITE_MAX);
	return (size_t)n;
}

static char *put_u16(char *at, size_t value)
{
	at[0] = (char)(value >> 8 & 0xff);
	at[1] = (char)(value & 0xff);
	return at + 2;
}

static char *put_bytes(char *at, struct str bytes)
{
	memcpy(at, bytes.ptr, bytes.len);
	return at + bytes.len;
}

static size_t write_v2(const struct addr *src, const struct addr *dst, char *out)
{
	size_t length = src->family == 4 ? V2_INET : src->family == 6 ? V2_INET6 : 0;
	char *at = put_bytes(out, PROXYPROTO_SIGNATURE);

	*at++ = src->family ? V2_PROXY : V2_LOCAL;
	*at++ = src->family == 4 ? V2_TCP4 : src->family == 6 ? V2_TCP6 : 0;
	at = put_u16(at, length);
	if (src->family) {
		at = put_bytes(at, addr_bytes(src));
		at = put_bytes(at, addr_bytes(dst));
		at = put_u16(at, src->port);
		at = put_u16(at, dst->port);
	}
	return (size_t)(at - out);
}

size_t proxyproto_write(unsigned version, const struct addr *src, const struct addr *dst, char out[PROXYPROTO_WRITE_MAX])
{
	static const struct addr none;
	struct addr from = *src, to = *dst;

	assert(version == 1 || version == 2);
	if (!src->family || !dst->family) {
		from = to = none;
	} else if (src->family != dst->family) {
		from = as_ipv6(src);
		to = as_ipv6(dst);
	}
	return version == 1 ? write_v1(&from, &to, out) : write_v2(&from, &to, out);
}

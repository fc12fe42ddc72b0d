/* Addresses and networks, text to bytes and back. */
#include "addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static void unmap(struct addr *a)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (a->family != 6 || memcmp(a->ip, mapped, 12) != 0)
		return;
	a->family = 4;
	memmove(a->ip, a->ip + 12, 4);
	memset(a->ip + 4, 0, 12);
}

bool addr_parse_ip(struct str text, struct addr *out)
{
	char copy[INET6_ADDRSTRLEN];
	struct addr a = {0};

	if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.ptr, '\0', text.len))
		return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	if (inet_pton(AF_INET, copy, a.ip) == 1)
		a.family = 4;
	else if (inet_pton(AF_INET6, copy, a.ip) == 1)
		a.family = 6;
	else
		return false;
	unmap(&a);
	*out = a;
	return true;
}

bool addr_parse_host_port(struct str text, struct addr *out)
{
	size_t colon = str_rfind(text, ':');
	struct str host = str_first(text, colon);
	struct addr a = {.family = 4};
	uint64_t port;

	if (colon == text.len || !str_to_u64(str_from_index(text, colon + 1), 65535, &port))
		return false;
	if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']') {
		if (!addr_parse_ip(str_of(host.ptr + 1, host.len - 2), &a))
			return false;
	} else if (host.len && !str_eq(host, STR("*"))) {
		if (!addr_parse_ip(host, &a) || a.family != 4)
			return false;
	}
	a.port = (uint16_t)port;
	*out = a;
	return true;
}

bool addr_from_sockaddr(const struct sockaddr *sa, struct addr *out)
{
	struct addr a = {0};

	if (sa->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, sa, sizeof(in));
		a.family = 4;
		a.port = ntohs(in.sin_port);
		memcpy(a.ip, &in.sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, sa, sizeof(in6));
		a.family = 6;
		a.port = ntohs(in6.sin6_port);
		memcpy(a.ip, &in6.sin6_addr, 16);
	} else {
		return false;
	}
	unmap(&a);
	*out = a;
	return true;
}

socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	if (a->family == 6) {
		struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(a->port)};

		memcpy(&in6.sin6_addr, a->ip, 16);
		memcpy(out, &in6, sizeof(in6));
		return sizeof(in6);
	}
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(a->port)};

	memcpy(&in.sin_addr, a->ip, 4);
	memcpy(out, &in, sizeof(in));
	return sizeof(in);
}

bool addr_from_bytes(struct str ip, uint16_t port, struct addr *out)
{
	struct addr a = {.port = port, .family = ip.len == 4 ? 4 : 6};

	if (ip.len != 4 && ip.len != 16)
		return false;
	memcpy(a.ip, ip.ptr, ip.len);
	unmap(&a);
	*out = a;
	return true;
}

struct str addr_bytes(const struct addr *a)
{
	return str_of(a->ip, a->family == 4 ? 4 : a->family == 6 ? 16 : 0);
}

/* Of a number below 1000 without leading zeros; where it ends. */
static char *put_small(char *to, unsigned n)
{
	if (n >= 100)
		*to++ = (char)('0' + n / 100);
	if (n >= 10)
		*to++ = (char)('0' + n / 10 % 10);
	*to++ = (char)('0' + n % 10);
	return to;
}

/* The same with them. */
static char *put_padded(char *to, unsigned n)
{
	to[0] = (char)('0' + n / 100);
	to[1] = (char)('0' + n / 10 % 10);
	to[2] = (char)('0' + n % 10);
	return to + 3;
}

/* By hand: inet_ntop goes through sprintf, and every request has its client's address written. */
static const char *ipv4_text(const uint8_t ip[4], char *text)
{
	char *to = text;

	for (size_t i = 0; i < 4; i++) {
		to = put_small(to, ip[i]);
		*to++ = i < 3 ? '.' : '\0';
	}
	return text;
}

const char *addr_ip_text(const struct addr *a, char text[ADDR_TEXT_MAX])
{
	if (a->family == 4)
		return ipv4_text(a->ip, text);
	if (a->family == 0 || !inet_ntop(AF_INET6, a->ip, text, ADDR_TEXT_MAX))
		snprintf(text, ADDR_TEXT_MAX, "-");
	return text;
}

const char *addr_text(const struct addr *a, char text[ADDR_TEXT_MAX])
{
	char *end;

	if (a->family == 0)
		return addr_ip_text(a, text);
	text[0] = '[';
	addr_ip_text(a, a->family == 6 ? text + 1 : text);
	end = text + strlen(text);
	if (a->family == 6)
		*end++ = ']';
	*end++ = ':';
	if (a->port >= 1000)
		end = put_small(end, a->port / 1000);
	end = a->port >= 1000 ? put_padded(end, a->port % 1000) : put_small(end, a->port);
	*end = '\0';
	return text;
}

bool addr_eq_ip(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
	return a->port == b->port && addr_eq_ip(a, b);
}

int addr_cmp(const struct addr *a, const struct addr *b)
{
	int order;

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	order = memcmp(a->ip, b->ip, sizeof(a->ip));
	if (order != 0)
		return order;
	return a->port < b->port ? -1 : a->port > b->port;
}

static void clear_host_bits(struct cidr *c)
{
	unsigned bits = c->prefix;

	for (size_t i = 0; i < sizeof(c->net.ip); i++, bits = bits > 8 ? bits - 8 : 0) {
		unsigned keep = bits >= 8 ? 0xffu : (0xff00u >> bits) & 0xffu;

		c->net.ip[i] = (uint8_t)(c->net.ip[i] & keep);
	}
}

bool cidr_parse(struct str text, struct cidr *out, const char **why)
{
	size_t slash = str_find(text, '/');
	struct str ip = str_first(text, slash);
	struct cidr c = {0};
	uint64_t prefix;
	uint64_t most;

	if (!addr_parse_ip(ip, &c.net)) {
		if (why)
			*why = "not an IPv4 or IPv6 address";
		return false;
	}
	/* a mapped network counts its prefix from the IPv6 form */
	bool is_mapped = c.net.family == 4 && str_find(ip, ':') < ip.len;

	most = is_mapped ? 128 : c.net.family == 4 ? 32 : 128;
	prefix = most;
	if (slash < text.len && !str_to_u64(str_from_index(text, slash + 1), most, &prefix)) {
		if (why)
			*why = "the prefix length is not a number from 0 to 32 (IPv4) or 128 (IPv6)";
		return false;
	}
	if (is_mapped) {
		if (prefix < 96) {
			if (why)
				*why = "an IPv4-mapped network needs a prefix of at least 96";
			return false;
		}
		prefix -= 96;
	}
	c.prefix = (uint8_t)prefix;
	clear_host_bits(&c);
	*out = c;
	return true;
}

bool cidr_contains(const struct cidr *c, const struct addr *a)
{
	unsigned whole = c->prefix / 8, rest = c->prefix % 8;

	if (a->family != c->net.family || memcmp(a->ip, c->net.ip, whole) != 0)
		return false;
	return rest == 0 || ((a->ip[whole] ^ c->net.ip[whole]) & (0xff00u >> rest) & 0xffu) == 0;
}

bool cidr_add_text(struct buf *b, const struct cidr *c)
{
	char ip[ADDR_TEXT_MAX];

	return buf_printf(b, "%s/%u", addr_ip_text(&c->net, ip), c->prefix);
}

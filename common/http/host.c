/* What a Host value means (SEMANTICS B1) and which values are refused (B2, RFC 9112 3.2). */
#include "http.h"

/* A label without a character: ".." */
static bool is_second_dot(struct str host, size_t at)
{
	return host.ptr[at] == '.' && at > 0 && host.ptr[at - 1] == '.';
}

/* Length of "[…]" with hex digits, colons and dots, or 0. */
static size_t bracketed_len(struct str host)
{
	size_t len;

	for (len = 1; len < host.len && host.ptr[len] != ']'; len++) {
		unsigned char c = ascii_lower((unsigned char)host.ptr[len]);

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f') && c != ':' && c != '.')
			return 0;
		if (is_second_dot(host, len))
			return 0;
	}
	return len > 1 && len < host.len ? len + 1 : 0;
}

/* Eight bytes of a reg-name, no two dots together. */
static bool are_plain(const char *p)
{
	const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
	const unsigned char *c = (const unsigned char *)p;
	unsigned all = http_chars[c[0]] & http_chars[c[1]] & http_chars[c[2]] & http_chars[c[3]] & http_chars[c[4]] &
		http_chars[c[5]] & http_chars[c[6]] & http_chars[c[7]];
	uint64_t word, dots;

	memcpy(&word, p, sizeof(word));
	word ^= ones * '.';
	dots = ~(((word & ~highs) + ~highs) | word) & highs;
	return (all & HTTP_CHAR_HOST) && !(dots & dots << 8);
}

/* Length of the name without its port, or 0: an address in brackets, or a reg-name up to a colon. */
static size_t name_len(struct str host)
{
	size_t len = 0;

	if (host.len && host.ptr[0] == '[')
		return bracketed_len(host);
	while (host.len - len >= 8 && are_plain(host.ptr + len))
		len += 7; /* the last of them is the first of the next ones: of any two neighbours both are seen together */
	for (; len < host.len && http_char_is(host.ptr[len], HTTP_CHAR_HOST); len++) {
		if (is_second_dot(host, len))
			return 0;
	}
	return len;
}

/* "", ":" and ":80" are ports. */
static bool is_port(struct str text)
{
	uint64_t port;

	if (text.len == 0)
		return true;
	if (text.ptr[0] != ':' || text.len > 6)
		return false;
	return text.len == 1 || str_to_u64(str_from_index(text, 1), 65535, &port);
}

/* Length of the server name within `host`: no port, no last dot. 0 if the value is refused. */
static size_t server_name_len(struct str host)
{
	size_t len = name_len(host);

	if (len == 0 || !is_port(str_from_index(host, len)))
		return 0;
	return host.ptr[len - 1] == '.' ? len - 1 : len;
}

bool http_is_host(struct str host)
{
	return server_name_len(host) > 0;
}

bool http_server_name(struct str host, char *out, size_t *out_len)
{
	size_t len = server_name_len(host);

	str_lower(str_first(host, len), out);
	*out_len = len;
	return len > 0;
}

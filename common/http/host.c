/* What a Host value means (SEMANTICS B1) and which values are refused (B2, RFC 9112 3.2). */
#include "http.h"

/* Length of the name without its port, or 0: "[…]" with hex digits, colons and dots, or a reg-name up to a colon. */
static size_t name_len(struct str host)
{
	size_t len = 0;

	if (host.len == 0 || host.ptr[0] != '[') {
		while (len < host.len && http_char_is(host.ptr[len], HTTP_CHAR_HOST))
			len++;
		return len;
	}
	for (len = 1; len < host.len && host.ptr[len] != ']'; len++) {
		unsigned char c = ascii_lower((unsigned char)host.ptr[len]);

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f') && c != ':' && c != '.')
			return 0;
	}
	return len > 1 && len < host.len ? len + 1 : 0;
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

static bool has_empty_label(struct str name)
{
	size_t dot = str_find(name, '.');

	while (dot + 1 < name.len && name.ptr[dot + 1] != '.')
		dot += 1 + str_find(str_from_index(name, dot + 1), '.');
	return dot + 1 < name.len;
}

/* Length of the server name within `host`: no port, no last dot. 0 if the value is refused. */
static size_t server_name_len(struct str host)
{
	size_t len = name_len(host);
	struct str name = str_first(host, len);

	if (len == 0 || !is_port(str_from_index(host, len)))
		return 0;
	if (has_empty_label(name))
		return 0;
	return name.ptr[len - 1] == '.' ? len - 1 : len;
}

bool http_is_host(struct str host)
{
	return server_name_len(host) > 0;
}

bool http_server_name(struct str host, char *out, size_t *out_len)
{
	size_t len = server_name_len(host);

	for (size_t i = 0; i < len; i++)
		out[i] = (char)ascii_lower((unsigned char)host.ptr[i]);
	*out_len = len;
	return len > 0;
}

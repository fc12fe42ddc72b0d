/* The PROXY header somebody asks about: any way of writing one becomes bytes, and the proxy's own parser reads them. */
#include <string.h>

#include "asked.h"
#include "command.h"

static const char forms[] = "SOURCE:PORT-DESTINATION:PORT (198.51.100.7:5000-10.0.0.1:443), LOCAL, UNKNOWN, "
			    "the line of version 1 ('PROXY TCP4 …'), or hex: and the bytes of either version";

static bool add_hex(struct buf *out, struct str digits)
{
	if (digits.len == 0 || digits.len % 2)
		return false;
	for (size_t i = 0; i < digits.len; i += 2) {
		int high = ascii_hex_value(digits.ptr[i]), low = ascii_hex_value(digits.ptr[i + 1]);

		if (high < 0 || low < 0)
			return false;
		buf_add_char(out, (char)(high << 4 | low));
	}
	return true;
}

static bool add_written(struct buf *out, unsigned version, const struct addr *src, const struct addr *dst)
{
	char bytes[PROXYPROTO_WRITE_MAX];

	return buf_add(out, str_of(bytes, proxyproto_write(version, src, dst, bytes)));
}

static bool add_pair(struct buf *out, struct str text)
{
	size_t dash = str_find(text, '-');
	struct addr src, dst;

	return dash < text.len && asked_addr(str_first(text, dash), &src) && asked_addr(str_from_index(text, dash + 1), &dst) &&
		add_written(out, 2, &src, &dst);
}

static bool add_line(struct buf *out, struct str text)
{
	const struct str end = STR("\r\n");

	buf_add(out, text);
	return str_ends_with(text, end) || buf_add(out, end);
}

static bool add_bytes(struct buf *out, struct str text)
{
	const struct str hex = STR("hex:"), line = STR("PROXY ");
	const struct addr none = {0};

	if (str_eq_nocase(text, STR("local")))
		return add_written(out, 2, &none, &none);
	if (str_eq_nocase(text, STR("unknown")))
		return add_written(out, 1, &none, &none);
	if (str_starts_with(text, hex))
		return add_hex(out, str_from_index(text, hex.len));
	return str_starts_with(text, line) ? add_line(out, text) : add_pair(out, text);
}

/* What a proxy would make of them: a malformed one is no mistake of whoever asks, but what they ask about. */
static int parse(struct asked *a)
{
	struct proxyproto_error error = {0};

	switch (proxyproto_parse(buf_str(&a->proxy_raw), &a->proxy, &error)) {
	case PARSE_DONE:
		break;
	case PARSE_MORE:
		a->proxy_error = (struct proxyproto_error){PROXYPROTO_LATE, "it is not whole, and the rest does not come"};
		return 0;
	case PARSE_BAD:
		a->proxy_error = error;
		return 0;
	}
	if (a->proxy.size < a->proxy_raw.len)
		return command_fail(EXIT_USAGE, "--proxy-header: %zu bytes follow the header, which ends after %zu",
			a->proxy_raw.len - a->proxy.size, a->proxy.size);
	a->conn.proxy_src = a->proxy.src;
	a->conn.proxy_dst = a->proxy.dst;
	return 0;
}

int asked_set_proxy_header(struct asked *a, const char *written)
{
	buf_init(&a->proxy_raw, ASKED_PROXY_MAX);
	if (!add_bytes(&a->proxy_raw, str_from(written)) || a->proxy_raw.is_over)
		return command_fail(EXIT_USAGE, "--proxy-header '%s': write it as %s", written, forms);
	a->conn.has_proxy_header = true;
	return parse(a);
}

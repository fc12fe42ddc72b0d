/* The path as it came, and the path that routes see (SEMANTICS C2), in one pass that never writes more than it reads. */
#include "http.h"

/* One decoded byte at *at, which moves past it; -1 for a bad escape or NUL. */
static int decode(struct str raw, size_t *at)
{
	char c = raw.ptr[(*at)++];
	int high, low;

	if (c != '%')
		return c ? (unsigned char)c : -1;
	if (raw.len - *at < 2)
		return -1;
	high = ascii_hex_value(raw.ptr[*at]);
	low = ascii_hex_value(raw.ptr[*at + 1]);
	*at += 2;
	return high < 0 || low < 0 || (high | low) == 0 ? -1 : high << 4 | low;
}

/*
 * A segment has ended: out[0..len) ends with "/" and the segment. Resolves "", "." and "..", so that out[0..*len) ends with
 * the slash before what comes next. `is_last` keeps a plain segment without a slash behind it.
 */
static bool end_segment(char *out, size_t *len, size_t segment, bool is_last)
{
	size_t n = *len - segment;

	if (n == 0)
		return true;
	if (n == 1 && out[segment] == '.') {
		*len = segment;
		return true;
	}
	if (n == 2 && out[segment] == '.' && out[segment + 1] == '.') {
		if (segment == 1)
			return false;
		*len = segment - 1;
		while (out[*len - 1] != '/')
			(*len)--;
		return true;
	}
	if (!is_last)
		out[(*len)++] = '/';
	return true;
}

bool http_normalise_path(struct str raw, char *out, size_t *out_len)
{
	size_t len = 0, segment = 1, at = 1;

	if (str_eq(raw, STR("*"))) {
		out[0] = '*';
		*out_len = 1;
		return true;
	}
	if (raw.len == 0 || raw.ptr[0] != '/')
		return false;
	out[len++] = '/';
	while (at < raw.len) {
		int c = decode(raw, &at);

		if (c < 0)
			return false;
		if (c != '/') {
			out[len++] = (char)c;
			continue;
		}
		if (!end_segment(out, &len, segment, false))
			return false;
		segment = len;
	}
	if (!end_segment(out, &len, segment, true))
		return false;
	*out_len = len;
	return true;
}

void http_head_set_path(struct http_head *head, struct str text)
{
	size_t at = str_find(text, '?');

	head->path = str_first(text, at);
	head->has_query = at < text.len;
	head->query = head->has_query ? str_from_index(text, at + 1) : STR("");
}

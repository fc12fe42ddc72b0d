/* Walking over the bytes of a head within the limits. */
#include "scan.h"

void scan_init(struct scan *s, struct str in, const struct http1_limits *limits, struct http1_error *error)
{
	*s = (struct scan){.at = in.ptr, .start = in.ptr, .end = in.ptr + in.len, .limits = limits, .error = error};
	s->is_short = in.len < limits->head_bytes && (!limits->line_bytes || in.len < limits->line_bytes);
	s->line_end = s->end;
}

void scan_limit_line(struct scan *s)
{
	size_t room = s->limits->head_bytes - (size_t)(s->at - s->start);

	if (s->limits->line_bytes && s->limits->line_bytes < room)
		room = s->limits->line_bytes;
	s->is_line_full = (size_t)(s->end - s->at) >= room;
	s->line_end = s->is_line_full ? s->at + room : s->end;
}

enum parse_result scan_bad(struct scan *s, unsigned status, const char *reason)
{
	*s->error = (struct http1_error){status, reason};
	return PARSE_BAD;
}

enum parse_result scan_out(struct scan *s)
{
	if (!s->is_line_full)
		return PARSE_MORE;
	*s->error = s->too_long;
	return PARSE_BAD;
}

enum parse_result scan_no_crlf(struct scan *s, const char *reason)
{
	if (s->at == s->line_end)
		return scan_out(s);
	if (*s->at != '\r')
		return scan_bad(s, 400, reason);
	return s->at + 1 == s->line_end ? scan_out(s) : scan_bad(s, 400, "CR without LF");
}

const char *scan_run(const struct scan *s, const char *p, uint8_t class)
{
	while (p < s->line_end && http_char_is(*p, class))
		p++;
	return p;
}

enum parse_result scan_version(struct scan *s, enum http_version *version)
{
	static const char shape[8] = {'H', 'T', 'T', 'P', '/', '0', '.', '0'};
	size_t have = (size_t)(s->line_end - s->at);

	if (have >= sizeof(shape) && memcmp(s->at, "HTTP/1.1", sizeof(shape)) == 0) {
		*version = HTTP_1_1;
		s->at += sizeof(shape);
		return PARSE_DONE;
	}
	for (size_t i = 0; i < sizeof(shape) && i < have; i++) {
		bool is_right = shape[i] == '0' ? s->at[i] >= '0' && s->at[i] <= '9' : s->at[i] == shape[i];

		if (!is_right)
			return scan_bad(s, 400, "not an HTTP version");
	}
	if (have < sizeof(shape))
		return scan_out(s);
	if (s->at[5] != '1' || s->at[7] > '1')
		return scan_bad(s, 505, "HTTP version not supported");
	*version = s->at[7] == '1' ? HTTP_1_1 : HTTP_1_0;
	s->at += sizeof(shape);
	return PARSE_DONE;
}

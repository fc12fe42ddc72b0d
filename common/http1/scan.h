#ifndef SCAN_H
#define SCAN_H
/* What request.c, response.c and fields.c share while they read one head from left to right. Private to the room. */
#include "http1.h"

struct scan {
	const char *at;       /* next byte */
	const char *line_end; /* end of the bytes that may belong to this line */
	const char *start, *end;
	bool is_line_full;    /* the limit, not the input, put line_end where it is */
	bool is_short;        /* all that is here is below every limit: line_end is the end */
	const struct http1_limits *limits;
	struct http1_error *error;
	struct http1_error too_long; /* for a line that reaches the limit */
};

void scan_init(struct scan *s, struct str in, const struct http1_limits *limits, struct http1_error *error);
/* scan_begin_line, where a limit may end the line. */
void scan_limit_line(struct scan *s);
/* Call at the first byte of each line. */
static inline void scan_begin_line(struct scan *s)
{
	if (!s->is_short)
		scan_limit_line(s);
}

enum parse_result scan_bad(struct scan *s, unsigned status, const char *reason);
/* What it means that line_end was reached: PARSE_MORE, or PARSE_BAD when nothing may follow. */
enum parse_result scan_out(struct scan *s);
/* scan_crlf, where something is missing. */
enum parse_result scan_no_crlf(struct scan *s, const char *reason);
/* Takes CR LF. */
static inline enum parse_result scan_crlf(struct scan *s, const char *reason)
{
	if (s->line_end - s->at < 2 || s->at[0] != '\r' || s->at[1] != '\n')
		return scan_no_crlf(s, reason);
	s->at += 2;
	return PARSE_DONE;
}

/* The first byte at or after `p` that is not of this class, or line_end. */
const char *scan_run(const struct scan *s, const char *p, uint8_t class);
/* "HTTP/1.1" or "HTTP/1.0". */
enum parse_result scan_version(struct scan *s, enum http_version *version);

/* What the fields said about framing, until the end of the head decides. */
struct framing {
	bool has_length, has_chunked;
	bool is_close, is_keep_alive; /* options of Connection */
	bool has_other_option;        /* of Connection: it may name a field */
};

/* Reads the field lines and the empty line after them into head->fields, and Content-Length and the like into `framing`. */
enum parse_result scan_fields(struct scan *s, bool is_request, struct http_head *head, struct framing *framing);

#endif

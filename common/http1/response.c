/* Response heads, and whether a body follows (RFC 9112 6.3). */
#include "scan.h"

static enum parse_result read_status(struct scan *s, struct http_head *head)
{
	unsigned status = 0;

	for (int i = 0; i < 4; i++, s->at++) {
		if (s->at == s->line_end)
			return scan_out(s);
		if (i == 0 ? *s->at != ' ' : *s->at < '0' || *s->at > '9')
			return scan_bad(s, 0, "invalid status");
		if (i > 0)
			status = status * 10 + (unsigned)(*s->at - '0');
	}
	head->status = status;
	return status < 100 ? scan_bad(s, 0, "invalid status") : PARSE_DONE;
}

/* " reason"; some servers leave out even the blank (RFC 9112 4 wants it), which nothing can mistake. */
static enum parse_result read_reason(struct scan *s, struct http_head *head)
{
	const char *start, *stop;

	if (s->at == s->line_end)
		return scan_out(s);
	if (*s->at != ' ')
		return scan_crlf(s, "invalid status line");
	start = s->at + 1;
	stop = http_value_end(start, s->line_end);
	s->at = stop;
	head->reason = (struct str){start, (size_t)(stop - start)};
	return scan_crlf(s, "invalid byte in the reason");
}

static enum parse_result read_line(struct scan *s, struct http_head *head)
{
	enum parse_result result;

	scan_begin_line(s);
	result = scan_version(s, &head->version);
	if (result == PARSE_DONE)
		result = read_status(s, head);
	if (result == PARSE_DONE)
		result = read_reason(s, head);
	return result;
}

static void decide(enum http_method to, struct http_head *head, const struct framing *framing)
{
	bool has_none = to == HTTP_HEAD || head->status < 200 || head->status == 204 || head->status == 304;

	if (has_none)
		head->body = HTTP_BODY_NONE;
	else if (framing->has_chunked)
		head->body = HTTP_BODY_CHUNKED;
	else if (framing->has_length)
		head->body = head->content_length ? HTTP_BODY_LENGTH : HTTP_BODY_NONE;
	else
		head->body = HTTP_BODY_CLOSE;
	head->is_upgrade = head->status == 101;
	head->nominates_none = !framing->has_other_option;
	head->is_keep_alive = !framing->is_close && head->body != HTTP_BODY_CLOSE && !head->is_upgrade &&
		(head->version == HTTP_1_1 || framing->is_keep_alive);
}

enum parse_result http1_parse_response(struct str in, const struct http1_limits *limits, enum http_method to,
	struct http_head *head, size_t *used, struct http1_error *error)
{
	struct framing framing = {0};
	struct scan s;
	enum parse_result result;

	*head = (struct http_head){.fields = head->fields};
	scan_init(&s, in, limits, error);
	s.too_long = (struct http1_error){0, "response head too large"};
	result = read_line(&s, head);
	if (result == PARSE_DONE)
		result = scan_fields(&s, false, head, &framing);
	if (result == PARSE_DONE) {
		decide(to, head, &framing);
		*used = (size_t)(s.at - s.start);
	}
	if (result == PARSE_BAD)
		error->status = 0;
	return result;
}

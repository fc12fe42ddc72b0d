/* Request heads: the line, the four forms of a target (RFC 9112 3.2), and what the whole head means. */
#include "scan.h"

enum { MAX_EMPTY_LINES = 8, MAX_METHOD_BYTES = 32 };

static enum parse_result skip_empty_lines(struct scan *s)
{
	for (int n = 0;; n++) {
		enum parse_result result;

		scan_begin_line(s);
		if (s->at == s->line_end)
			return scan_out(s);
		if (*s->at != '\r')
			return PARSE_DONE;
		if (n == MAX_EMPTY_LINES)
			return scan_bad(s, 400, "too many empty lines before a request");
		result = scan_crlf(s, "");
		if (result != PARSE_DONE)
			return result;
	}
}

static enum parse_result read_method(struct scan *s, struct http_head *head)
{
	const char *p = scan_run(s, s->at, HTTP_CHAR_TOKEN);

	if (p - s->at > MAX_METHOD_BYTES)
		return scan_bad(s, 400, "method too long");
	if (p == s->line_end)
		return scan_out(s);
	if (p == s->at || *p != ' ')
		return scan_bad(s, 400, "invalid method");
	head->method_text = (struct str){s->at, (size_t)(p - s->at)};
	head->method = http_method_from(head->method_text);
	s->at = p + 1;
	return PARSE_DONE;
}

static enum parse_result read_target(struct scan *s, struct http_head *head)
{
	const char *p = scan_run(s, s->at, HTTP_CHAR_TARGET);

	if (p == s->line_end)
		return scan_out(s);
	if (p == s->at || *p != ' ')
		return scan_bad(s, 400, "invalid byte in the request target");
	head->target = (struct str){s->at, (size_t)(p - s->at)};
	s->at = p + 1;
	return PARSE_DONE;
}

/* "http://host:port/path?query"; the scheme says nothing here: the connection does. */
static bool split_absolute(struct str target, struct http_head *head)
{
	size_t skip = str_eq_nocase(str_first(target, 7), STR("http://")) ? 7 :
		str_eq_nocase(str_first(target, 8), STR("https://"))      ? 8 : 0;
	struct str rest = str_from_index(target, skip);
	size_t end = 0;

	while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?')
		end++;
	head->host = str_first(rest, end);
	http_head_set_path(head, str_from_index(rest, end));
	if (head->path.len == 0)
		head->path = STR("/");
	return skip > 0 && http_is_host(head->host);
}

static bool split_target(struct http_head *head)
{
	struct str target = head->target;

	if (head->method == HTTP_CONNECT) {
		head->host = target;
		return http_is_host(target);
	}
	if (target.ptr[0] == '/') {
		http_head_set_path(head, target);
		return true;
	}
	if (head->method == HTTP_OPTIONS && str_eq(target, STR("*"))) {
		head->path = target;
		return true;
	}
	return split_absolute(target, head);
}

static enum parse_result read_line(struct scan *s, struct http_head *head)
{
	enum parse_result result = read_method(s, head);

	if (result == PARSE_DONE)
		result = read_target(s, head);
	if (result == PARSE_DONE)
		result = scan_version(s, &head->version);
	if (result == PARSE_DONE)
		result = scan_crlf(s, "text after the HTTP version");
	if (result == PARSE_DONE && !split_target(head))
		return scan_bad(s, 400, "invalid request target");
	return result;
}

static enum parse_result decide(struct scan *s, struct http_head *head, const struct framing *framing)
{
	if (head->version == HTTP_1_1 && !(head->present & http_field_bit(FIELD_HOST)))
		return scan_bad(s, 400, "HTTP/1.1 request without Host");
	if (framing->has_chunked)
		head->body = HTTP_BODY_CHUNKED;
	else if (framing->has_length && head->content_length > 0)
		head->body = HTTP_BODY_LENGTH;
	head->nominates_none = !framing->has_other_option;
	head->is_keep_alive = !framing->is_close && (head->version == HTTP_1_1 || framing->is_keep_alive);
	return PARSE_DONE;
}

enum parse_result http1_parse_request(
	struct str in, const struct http1_limits *limits, struct http_head *head, size_t *used, struct http1_error *error)
{
	struct framing framing = {0};
	struct scan s;
	enum parse_result result;

	*head = (struct http_head){.fields = head->fields};
	scan_init(&s, in, limits, error);
	s.too_long = (struct http1_error){414, "request line too long"};
	result = skip_empty_lines(&s);
	if (result == PARSE_DONE)
		result = read_line(&s, head);
	s.too_long = (struct http1_error){400, "request header or cookie too large"};
	if (result == PARSE_DONE)
		result = scan_fields(&s, true, head, &framing);
	if (result == PARSE_DONE)
		result = decide(&s, head, &framing);
	if (result == PARSE_DONE)
		*used = (size_t)(s.at - s.start);
	return result;
}

bool http1_is_worth_parsing(struct str in, size_t seen, const struct http1_limits *limits)
{
	size_t bound = limits->line_bytes && limits->line_bytes < limits->head_bytes ? limits->line_bytes :
		limits->head_bytes;

	if (seen == 0 || in.len / bound != seen / bound || in.len >= limits->head_bytes)
		return in.len > seen;
	return seen < in.len && memchr(in.ptr + seen, '\n', in.len - seen) != NULL;
}

/* Field lines, and what the few of them say that decide where the message ends. */
#include "scan.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static enum parse_result take_length(struct scan *s, struct str value, struct http_head *head, struct framing *framing)
{
	if (framing->has_length)
		return scan_bad(s, 400, "more than one Content-Length");
	if (framing->has_chunked)
		return scan_bad(s, 400, "Content-Length and Transfer-Encoding");
	if (!str_to_u64(value, INT64_MAX, &head->content_length))
		return scan_bad(s, 400, "invalid Content-Length");
	framing->has_length = true;
	return PARSE_DONE;
}

static enum parse_result take_coding(struct scan *s, struct str value, struct http_head *head, struct framing *framing)
{
	if (framing->has_chunked)
		return scan_bad(s, 400, "more than one Transfer-Encoding");
	if (framing->has_length)
		return scan_bad(s, 400, "Content-Length and Transfer-Encoding");
	if (head->version == HTTP_1_0)
		return scan_bad(s, 400, "Transfer-Encoding in HTTP/1.0");
	if (value.len == 0)
		return scan_bad(s, 400, "empty Transfer-Encoding");
	if (!str_eq_nocase(value, STR("chunked")))
		return scan_bad(s, 501, "Transfer-Encoding other than chunked");
	framing->has_chunked = true;
	return PARSE_DONE;
}

static enum parse_result take_host(struct scan *s, struct str value, struct http_head *head)
{
	if (head->present & http_field_bit(FIELD_HOST))
		return scan_bad(s, 400, "more than one Host");
	if (!http_is_host(value))
		return scan_bad(s, 400, "invalid Host");
	/* the authority of an absolute target overrides it (B1) */
	if (head->host.len == 0)
		head->host = value;
	return PARSE_DONE;
}

static void take_connection(struct str value, struct framing *framing)
{
	struct str option;

	while (http_next_element(&value, &option)) {
		if (str_eq_nocase(option, STR("close")))
			framing->is_close = true;
		else if (str_eq_nocase(option, STR("keep-alive")))
			framing->is_keep_alive = true;
		else
			framing->has_other_option = true;
	}
}

static enum parse_result take_expect(struct scan *s, struct str value, struct http_head *head)
{
	/* RFC 9110 10.1.1: a server ignores it in HTTP/1.0 */
	if (head->version == HTTP_1_0)
		return PARSE_DONE;
	if (!str_eq_nocase(value, STR("100-continue")))
		return scan_bad(s, 417, "unknown expectation");
	head->expects_continue = true;
	return PARSE_DONE;
}

/*
 * RFC 9110 7.8: in HTTP/1.0 it is ignored, and of several the first one would go on (G10). One that offers h2c is ignored too, as
 * RFC 9113 3.1 has it: what came through such a tunnel would be requests that no rule of ours has seen.
 */
static bool is_upgrade_wanted(const struct http_head *head, struct str value)
{
	struct str protocol;
	bool has_any = false;

	if (head->version != HTTP_1_1)
		return false;
	while (http_next_element(&value, &protocol)) {
		if (str_eq_nocase(protocol, STR("h2c")))
			return false;
		has_any = true;
	}
	return has_any;
}

static enum parse_result take_request_field(struct scan *s, const struct http_field *field, struct http_head *head)
{
	if (field->id == FIELD_HOST)
		return take_host(s, field->value, head);
	if (field->id == FIELD_EXPECT)
		return take_expect(s, field->value, head);
	if (field->id == FIELD_UPGRADE && !(head->present & http_field_bit(FIELD_UPGRADE)))
		head->is_upgrade = is_upgrade_wanted(head, field->value);
	return PARSE_DONE;
}

static const uint64_t looked_at = (uint64_t)1 << FIELD_CONTENT_LENGTH | (uint64_t)1 << FIELD_TRANSFER_ENCODING |
	(uint64_t)1 << FIELD_CONNECTION | (uint64_t)1 << FIELD_HOST | (uint64_t)1 << FIELD_EXPECT |
	(uint64_t)1 << FIELD_UPGRADE;

/* Of what is looked at. */
static enum parse_result take_field(struct scan *s, const struct http_field *field, bool is_request,
	struct http_head *head, struct framing *framing)
{
	switch (field->id) {
	case FIELD_CONTENT_LENGTH:
		return take_length(s, field->value, head, framing);
	case FIELD_TRANSFER_ENCODING:
		return take_coding(s, field->value, head, framing);
	case FIELD_CONNECTION:
		take_connection(field->value, framing);
		return PARSE_DONE;
	default:
		return is_request ? take_request_field(s, field, head) : PARSE_DONE;
	}
}

/* `classes` are the bits that all its bytes have in common. A29: nginx takes letters, digits and hyphens. */
static bool is_dropped(const struct scan *s, struct str name, uint8_t classes)
{
	if ((classes & HTTP_CHAR_NAME) || !s->limits->drops_invalid_names)
		return false;
	if (!s->limits->keeps_underscores)
		return true;
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] != '_' && !http_char_is(name.ptr[i], HTTP_CHAR_NAME))
			return true;
	}
	return false;
}

/* A name that nobody knows: each byte is looked at. */
static enum parse_result read_other_name(struct scan *s, struct http_field *field, uint8_t *classes)
{
	const char *p = s->at;
	uint8_t common = 0xff, class;

	while (p < s->line_end && ((class = http_chars[(unsigned char)*p]) & HTTP_CHAR_TOKEN)) {
		common &= class;
		p++;
	}
	if (p == s->line_end)
		return scan_out(s);
	if (*p != ':')
		return scan_bad(s, 400, *s->at == ' ' || *s->at == '\t' ? "folded field line" : "invalid field name");
	if (p == s->at)
		return scan_bad(s, 400, "empty field name");
	field->name = (struct str){s->at, (size_t)(p - s->at)};
	*classes = common;
	return PARSE_DONE;
}

enum { LONGEST_KNOWN = 32 }; /* names of the table are shorter */

/* The first colon, at most LONGEST_KNOWN bytes on, or NULL. */
static const char *find_colon(const char *p, size_t have)
{
#ifdef __SSE2__
	if (have >= LONGEST_KNOWN) {
		const __m128i colon = _mm_set1_epi8(':');
		__m128i low = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)p), colon);
		__m128i high = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)(p + 16)), colon);
		unsigned found = (unsigned)_mm_movemask_epi8(low) | (unsigned)_mm_movemask_epi8(high) << 16;

		return found ? p + __builtin_ctz(found) : NULL;
	}
#endif
	return memchr(p, ':', have < LONGEST_KNOWN ? have : LONGEST_KNOWN);
}

/* The names of the table hold letters, digits and hyphens, nothing else: what is one of them needs no second look. */
static bool read_known_name(struct scan *s, struct http_field *field, uint8_t *classes)
{
	const char *colon = find_colon(s->at, (size_t)(s->line_end - s->at));

	field->id = FIELD_OTHER;
	if (!colon)
		return false;
	field->name = (struct str){s->at, (size_t)(colon - s->at)};
	field->id = (uint8_t)http_field_id(field->name);
	*classes = HTTP_CHAR_NAME | HTTP_CHAR_TOKEN;
	return field->id != FIELD_OTHER;
}

/* "name:" and the blanks behind it. */
static enum parse_result read_name(struct scan *s, struct http_field *field, uint8_t *classes)
{
	enum parse_result result = PARSE_DONE;
	const char *p;

	if (!read_known_name(s, field, classes))
		result = read_other_name(s, field, classes);
	if (result != PARSE_DONE)
		return result;
	p = field->name.ptr + field->name.len + 1;
	if (p < s->line_end && *p == ' ') /* nearly always, and alone */
		p++;
	while (p < s->line_end && (*p == ' ' || *p == '\t'))
		p++;
	s->at = p;
	return PARSE_DONE;
}

/* The value with its line end. */
static enum parse_result read_value(struct scan *s, struct str *value)
{
	const char *start = s->at, *stop = http_value_end(start, s->line_end);
	enum parse_result result;

	s->at = stop;
	result = scan_crlf(s, "invalid byte in a field value");
	if (result != PARSE_DONE)
		return result;
	while (stop > start && (stop[-1] == ' ' || stop[-1] == '\t'))
		stop--;
	*value = (struct str){start, (size_t)(stop - start)};
	return PARSE_DONE;
}

static enum parse_result read_field(struct scan *s, bool is_request, struct http_head *head, struct framing *framing)
{
	bool is_full = head->n_fields == s->limits->n_fields;
	struct http_field spare, *field = is_full ? &spare : &head->fields[head->n_fields];
	uint8_t classes;
	enum parse_result result = read_name(s, field, &classes);

	if (result == PARSE_DONE)
		result = read_value(s, &field->value);
	if (result != PARSE_DONE || is_dropped(s, field->name, classes))
		return result;
	if (is_full)
		return scan_bad(s, s->too_long.status, "too many fields");
	if (http_field_bit(field->id) & looked_at)
		result = take_field(s, field, is_request, head, framing);
	head->present |= http_field_bit(field->id);
	head->n_fields++;
	return result;
}

enum parse_result scan_fields(struct scan *s, bool is_request, struct http_head *head, struct framing *framing)
{
	enum parse_result result;

	do {
		scan_begin_line(s);
		if (s->at == s->line_end)
			return scan_out(s);
		if (*s->at == '\r')
			return scan_crlf(s, "");
		result = read_field(s, is_request, head, framing);
	} while (result == PARSE_DONE);
	return result;
}

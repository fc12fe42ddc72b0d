/* Looking things up in a head, methods, statuses, and what must not pass a proxy. */
#include "http.h"

#include <endian.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

const struct http_field *http_head_field(const struct http_head *head, enum http_field_id id)
{
	if (!(head->present & http_field_bit(id)))
		return NULL;
	for (size_t i = 0; i < head->n_fields; i++) {
		if (head->fields[i].id == id)
			return &head->fields[i];
	}
	return NULL;
}

struct str http_head_value(const struct http_head *head, enum http_field_id id)
{
	const struct http_field *field = http_head_field(head, id);

	return field ? field->value : STR("");
}

const struct http_field *http_head_named(const struct http_head *head, struct str name)
{
	enum http_field_id id = http_field_id(name);

	if (id != FIELD_OTHER)
		return http_head_field(head, id);
	for (size_t i = 0; i < head->n_fields; i++) {
		if (head->fields[i].id == FIELD_OTHER && str_eq_nocase(head->fields[i].name, name))
			return &head->fields[i];
	}
	return NULL;
}

#define METHOD_TEXT(name) {#name, sizeof(#name) - 1},
static const struct str method_texts[] = {{"", 0}, HTTP_METHODS(METHOD_TEXT)};

static enum http_method method_if(enum http_method method, struct str text)
{
	return str_eq(method_texts[method], text) ? method : HTTP_METHOD_OTHER;
}

enum http_method http_method_from(struct str text)
{
	switch (text.len) {
	case 3:
		return text.ptr[0] == 'G' ? method_if(HTTP_GET, text) : method_if(HTTP_PUT, text);
	case 4:
		if (text.ptr[0] == 'P')
			return method_if(HTTP_POST, text);
		return text.ptr[0] == 'H' ? method_if(HTTP_HEAD, text) : method_if(HTTP_LOCK, text);
	case 5:
		return text.ptr[0] == 'P' ? method_if(HTTP_PATCH, text) : method_if(HTTP_TRACE, text);
	case 6:
		return method_if(HTTP_DELETE, text);
	case 7:
		return text.ptr[0] == 'O' ? method_if(HTTP_OPTIONS, text) : method_if(HTTP_CONNECT, text);
	default:
		return HTTP_METHOD_OTHER;
	}
}

struct str http_method_text(enum http_method method)
{
	return method <= HTTP_LOCK ? method_texts[method] : STR("");
}

bool http_method_is_idempotent(enum http_method method)
{
	switch (method) {
	case HTTP_GET:
	case HTTP_HEAD:
	case HTTP_PUT:
	case HTTP_DELETE:
	case HTTP_OPTIONS:
	case HTTP_TRACE:
		return true;
	case HTTP_POST:
	case HTTP_CONNECT:
	case HTTP_PATCH:
	case HTTP_LOCK:
	case HTTP_METHOD_OTHER:
		return false;
	}
	return false;
}

static const struct {
	unsigned status;
	const char *reason;
} statuses[] = {
	{100, "Continue"}, {101, "Switching Protocols"}, {102, "Processing"}, {103, "Early Hints"}, {200, "OK"},
	{201, "Created"}, {202, "Accepted"}, {203, "Non-Authoritative Information"}, {204, "No Content"},
	{205, "Reset Content"}, {206, "Partial Content"}, {207, "Multi-Status"}, {208, "Already Reported"}, {226, "IM Used"},
	{300, "Multiple Choices"}, {301, "Moved Permanently"}, {302, "Found"}, {303, "See Other"}, {304, "Not Modified"},
	{305, "Use Proxy"}, {307, "Temporary Redirect"}, {308, "Permanent Redirect"}, {400, "Bad Request"},
	{401, "Unauthorized"}, {402, "Payment Required"}, {403, "Forbidden"}, {404, "Not Found"}, {405, "Method Not Allowed"},
	{406, "Not Acceptable"}, {407, "Proxy Authentication Required"}, {408, "Request Timeout"}, {409, "Conflict"},
	{410, "Gone"}, {411, "Length Required"}, {412, "Precondition Failed"}, {413, "Content Too Large"},
	{414, "URI Too Long"}, {415, "Unsupported Media Type"}, {416, "Range Not Satisfiable"}, {417, "Expectation Failed"},
	{421, "Misdirected Request"}, {422, "Unprocessable Content"}, {423, "Locked"}, {424, "Failed Dependency"},
	{425, "Too Early"}, {426, "Upgrade Required"}, {428, "Precondition Required"}, {429, "Too Many Requests"},
	{431, "Request Header Fields Too Large"}, {451, "Unavailable For Legal Reasons"}, {500, "Internal Server Error"},
	{501, "Not Implemented"}, {502, "Bad Gateway"}, {503, "Service Unavailable"}, {504, "Gateway Timeout"},
	{505, "HTTP Version Not Supported"}, {506, "Variant Also Negotiates"}, {507, "Insufficient Storage"},
	{508, "Loop Detected"}, {511, "Network Authentication Required"},
};

struct str http_status_reason(unsigned status)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		if (statuses[i].status == status)
			return str_from(statuses[i].reason);
	}
	return STR("");
}

static bool has_only(struct str s, uint8_t class)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!http_char_is(s.ptr[i], class))
			return false;
	}
	return true;
}

bool http_is_token(struct str s)
{
	return s.len > 0 && has_only(s, HTTP_CHAR_TOKEN);
}

/* In each byte of the word that is below 0x20 or is 0x7f the highest bit, exact up to the first one; else 0. */
static uint64_t control_bytes(uint64_t word)
{
	const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
	uint64_t del = word ^ (ones * 0x7f);

	return (((word - ones * 0x20) & ~word) | ((del - ones) & ~del)) & highs;
}

/* By words, then by bytes; a control byte is a tab or the end. */
static const char *skip_rest(const char *p, const char *end)
{
	uint64_t word, found;

	while (end - p >= 8) {
		memcpy(&word, p, sizeof(word));
		found = control_bytes(le64toh(word));
		if (!found) {
			p += 8;
			continue;
		}
		p += __builtin_ctzll(found) / 8;
		if (*p != '\t')
			return p;
		p++;
	}
	while (p < end && http_char_is(*p, HTTP_CHAR_VALUE))
		p++;
	return p;
}

#ifdef __SSE2__
/* A bit for each of 16 bytes that no value holds: control bytes but the tab, and DEL. */
static unsigned bad_bytes(const char *p)
{
	const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
	__m128i is_control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
	__m128i is_tab = _mm_cmpeq_epi8(v, _mm_set1_epi8('\t')), is_del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));

	return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(is_tab, is_control), is_del));
}

const char *http_value_end(const char *p, const char *end)
{
	for (; end - p >= 16; p += 16) {
		unsigned bad = bad_bytes(p);

		if (bad)
			return p + __builtin_ctz(bad);
	}
	return skip_rest(p, end);
}
#else
const char *http_value_end(const char *p, const char *end)
{
	return skip_rest(p, end);
}
#endif

/* All bytes of a text of 4 to 16, some of them twice. */
static uint64_t both_ends(struct str s, uint64_t *last)
{
	uint32_t first4, last4;
	uint64_t first;

	if (s.len < 8) {
		memcpy(&first4, s.ptr, 4);
		memcpy(&last4, s.ptr + s.len - 4, 4);
		return *last = (uint64_t)first4 << 32 | last4;
	}
	memcpy(&first, s.ptr, 8);
	memcpy(last, s.ptr + s.len - 8, 8);
	return first;
}

bool http_is_field_value(struct str s)
{
	uint64_t first, last;

	if (s.len >= 4 && s.len <= 16) {
		first = both_ends(s, &last);
		if (!(control_bytes(first) | control_bytes(last)))
			return true; /* else it may be a tab */
	}
	return s.len == 0 || http_value_end(s.ptr, s.ptr + s.len) == s.ptr + s.len; /* what is empty may be nowhere */
}

bool http_next_element(struct str *rest, struct str *element)
{
	while (str_next(rest, ',', element)) {
		*element = str_trim(*element);
		if (element->len)
			return true;
	}
	return false;
}

static bool is_nominated(const struct http_head *head, struct str name)
{
	for (size_t i = 0; i < head->n_fields; i++) {
		struct str rest = head->fields[i].value, element;

		if (head->fields[i].id != FIELD_CONNECTION)
			continue;
		while (http_next_element(&rest, &element)) {
			if (str_eq_nocase(element, name))
				return true;
		}
	}
	return false;
}

bool http_field_is_hop_by_hop(const struct http_head *head, const struct http_field *field, uint64_t never_dropped)
{
	const uint64_t always = http_field_bit(FIELD_CONNECTION) | http_field_bit(FIELD_KEEP_ALIVE) |
		http_field_bit(FIELD_PROXY_CONNECTION) | http_field_bit(FIELD_TE) | http_field_bit(FIELD_TRAILER) |
		http_field_bit(FIELD_TRANSFER_ENCODING) | http_field_bit(FIELD_UPGRADE) |
		http_field_bit(FIELD_HTTP2_SETTINGS) | http_field_bit(FIELD_PROXY_AUTHENTICATE);

	if (http_field_bit(field->id) & always)
		return true;
	if (!(head->present & http_field_bit(FIELD_CONNECTION)))
		return false;
	if (field->id != FIELD_OTHER && (http_field_bit(field->id) & never_dropped))
		return false;
	if (head->nominates_none && (field->id != FIELD_OTHER || !str_eq_nocase(field->name, STR("close"))))
		return false;
	return is_nominated(head, field->name);
}

/*
 * A block becomes a request. nghttp2 is told to leave the meaning of fields to us, so everything that RFC 9113 8.2 and 8.3
 * ask for is here, and each refusal has its reason.
 */
#include "frames_private.h"

enum { MAX_METHOD_BYTES = 32 };

enum pseudo { PSEUDO_METHOD, PSEUDO_SCHEME, PSEUDO_AUTHORITY, PSEUDO_PATH, PSEUDO_PROTOCOL, PSEUDO_COUNT };
static const struct str pseudo_names[PSEUDO_COUNT] = {
	[PSEUDO_METHOD] = {":method", 7},
	[PSEUDO_SCHEME] = {":scheme", 7},
	[PSEUDO_AUTHORITY] = {":authority", 10},
	[PSEUDO_PATH] = {":path", 5},
	[PSEUDO_PROTOCOL] = {":protocol", 9},
};

/* One block being read. */
struct reading {
	struct http2_block *block;
	const struct http2_limits *limits;
	struct http2_request *out;
	struct str pseudo[PSEUDO_COUNT];
	bool has[PSEUDO_COUNT];
	bool has_regular;
	struct str host;
};

static const char *refuse(struct reading *r, unsigned status, const char *why)
{
	r->out->status = status;
	r->out->why = why;
	return why;
}

/* Nothing but empty names and values leaves no text at all. */
static struct str part(const struct http2_block *b, uint32_t at, uint32_t len)
{
	return len ? str_of(b->text.ptr + at, len) : STR("");
}

struct str block_name(const struct http2_block *b, size_t i)
{
	return part(b, b->entries[i].name_at, b->entries[i].name_len);
}

struct str block_value(const struct http2_block *b, size_t i)
{
	return part(b, b->entries[i].value_at, b->entries[i].value_len);
}

/* ------------------------------------------------------------------------------------------------------- single fields */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

const char *block_check_value(struct str value)
{
	if (!http_is_field_value(value))
		return "invalid byte in a field value";
	if (value.len && (is_blank(value.ptr[0]) || is_blank(value.ptr[value.len - 1])))
		return "blanks around a field value";
	return NULL;
}

/* A29 beside it, as http1 has it: what nginx takes are letters, digits and hyphens. */
const char *block_check_name(struct str name, const struct http2_limits *limits, bool *is_dropped)
{
	uint8_t common = 0xff;
	bool has_odd = false;

	if (!name.len)
		return "empty field name";
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		common &= http_chars[(unsigned char)c];
		if (c >= 'A' && c <= 'Z')
			return "upper case in a field name";
		has_odd = has_odd || (!http_char_is(c, HTTP_CHAR_NAME) && !(c == '_' && limits->keeps_underscores));
	}
	if (!(common & HTTP_CHAR_TOKEN))
		return "invalid field name";
	*is_dropped = has_odd && limits->drops_invalid_names;
	return NULL;
}

const char *block_check_connection_field(const struct http_field *field)
{
	switch (field->id) {
	case FIELD_CONNECTION:
	case FIELD_PROXY_CONNECTION:
	case FIELD_KEEP_ALIVE:
	case FIELD_TRANSFER_ENCODING:
	case FIELD_UPGRADE:
	case FIELD_HTTP2_SETTINGS:
		return "a field of HTTP/1.1 connections";
	case FIELD_TE:
		return str_eq_nocase(field->value, STR("trailers")) ? NULL : "TE other than trailers";
	default:
		return NULL;
	}
}

static const char *take_length(struct reading *r, struct str value)
{
	if (r->out->has_length)
		return refuse(r, 400, "more than one content-length");
	if (!str_to_u64(value, INT64_MAX, &r->out->head.content_length))
		return refuse(r, 400, "invalid content-length");
	r->out->has_length = true;
	return NULL;
}

static const char *take_host(struct reading *r, struct str value)
{
	if (r->host.ptr)
		return refuse(r, 400, "more than one host");
	if (!http_is_host(value))
		return refuse(r, 400, "invalid host");
	r->host = value;
	return NULL;
}

static const char *take_known(struct reading *r, const struct http_field *field)
{
	const char *why = block_check_connection_field(field);

	if (why)
		return refuse(r, 400, why);
	switch (field->id) {
	case FIELD_CONTENT_LENGTH:
		return take_length(r, field->value);
	case FIELD_HOST:
		return take_host(r, field->value);
	case FIELD_EXPECT:
		if (!str_eq_nocase(field->value, STR("100-continue")))
			return refuse(r, 417, "unknown expectation");
		r->out->head.expects_continue = true;
		return NULL;
	default:
		return NULL;
	}
}

/* ------------------------------------------------------------------------------------------------------------- the block */

static const char *take_pseudo(struct reading *r, struct str name, struct str value)
{
	if (r->has_regular)
		return refuse(r, 400, "a pseudo-field after other fields");
	for (size_t i = 0; i < PSEUDO_COUNT; i++) {
		if (!str_eq(name, pseudo_names[i]))
			continue;
		if (r->has[i])
			return refuse(r, 400, "a pseudo-field twice");
		r->has[i] = true;
		r->pseudo[i] = value;
		return NULL;
	}
	return refuse(r, 400, "an unknown pseudo-field");
}

static void add_field(struct reading *r, struct http_field field)
{
	struct http_head *head = &r->out->head;

	head->present |= http_field_bit(field.id);
	head->fields[head->n_fields++] = field;
}

static const char *take_regular(struct reading *r, size_t i)
{
	struct http_field field = {.name = block_name(r->block, i), .value = block_value(r->block, i)};
	bool is_dropped = false;
	const char *why = block_check_name(field.name, r->limits, &is_dropped);

	r->has_regular = true;
	if (!why)
		why = block_check_value(field.value);
	if (why)
		return refuse(r, 400, why);
	if (is_dropped)
		return NULL;
	field.id = (uint8_t)http_field_id(field.name);
	why = take_known(r, &field);
	if (!why)
		add_field(r, field);
	return why;
}

static const char *take_fields(struct reading *r)
{
	const char *why = NULL;

	for (size_t i = 0; !why && i < r->block->n; i++) {
		struct str name = block_name(r->block, i);

		why = name.len && name.ptr[0] == ':' ? take_pseudo(r, name, block_value(r->block, i)) : take_regular(r, i);
	}
	return why;
}

/* ------------------------------------------------------------------------------------------------------- what it asks for */

static bool all_of(struct str s, uint8_t class)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!http_char_is(s.ptr[i], class))
			return false;
	}
	return s.len > 0;
}

static const char *read_method(struct reading *r)
{
	struct str method = r->pseudo[PSEUDO_METHOD];

	if (!r->has[PSEUDO_METHOD])
		return refuse(r, 400, "no :method");
	if (method.len > MAX_METHOD_BYTES || !http_is_token(method))
		return refuse(r, 400, "invalid :method");
	r->out->head.method_text = method;
	r->out->head.method = http_method_from(method);
	return NULL;
}

static const char *read_authority(struct reading *r)
{
	struct str authority = r->pseudo[PSEUDO_AUTHORITY];

	if (!r->has[PSEUDO_AUTHORITY]) {
		if (!r->host.ptr)
			return refuse(r, 400, "neither :authority nor host");
		r->out->head.host = r->host;
		return NULL;
	}
	if (!http_is_host(authority))
		return refuse(r, 400, "invalid :authority");
	if (r->host.ptr && !str_eq_nocase(authority, r->host))
		return refuse(r, 400, ":authority and host differ");
	r->out->head.host = authority;
	return NULL;
}

static const char *read_scheme(struct reading *r)
{
	struct str scheme = r->pseudo[PSEUDO_SCHEME];

	if (!r->has[PSEUDO_SCHEME])
		return refuse(r, 400, "no :scheme");
	if (!str_eq_nocase(scheme, STR("http")) && !str_eq_nocase(scheme, STR("https")))
		return refuse(r, 400, "invalid :scheme");
	return NULL;
}

static const char *read_path(struct reading *r)
{
	struct http_head *head = &r->out->head;
	struct str path = r->pseudo[PSEUDO_PATH];

	if (!r->has[PSEUDO_PATH])
		return refuse(r, 400, "no :path");
	if (!all_of(path, HTTP_CHAR_TARGET))
		return refuse(r, 400, "invalid :path");
	head->target = path;
	if (head->method == HTTP_OPTIONS && str_eq(path, STR("*"))) {
		head->path = path;
		return NULL;
	}
	if (path.ptr[0] != '/')
		return refuse(r, 400, "invalid :path");
	http_head_set_path(head, path);
	return NULL;
}

/* RFC 9113 8.5: authority alone. The exchange refuses it. */
static const char *read_connect(struct reading *r)
{
	if (r->has[PSEUDO_SCHEME] || r->has[PSEUDO_PATH] || !r->has[PSEUDO_AUTHORITY])
		return refuse(r, 400, "CONNECT takes :authority alone");
	r->out->head.target = r->pseudo[PSEUDO_AUTHORITY];
	return read_authority(r);
}

/* RFC 8441 5.1: what a backend that speaks HTTP/1.1 is asked. */
static const char *become_websocket(struct reading *r)
{
	struct http_head *head = &r->out->head;
	size_t n = 0;

	if (head->method != HTTP_CONNECT)
		return refuse(r, 400, ":protocol without CONNECT");
	if (!str_eq_nocase(r->pseudo[PSEUDO_PROTOCOL], STR("websocket")))
		return refuse(r, 501, ":protocol other than websocket");
	if (r->out->has_length)
		return refuse(r, 400, "CONNECT with content-length");
	for (size_t i = 0; i < head->n_fields; i++) {
		if (!str_eq(head->fields[i].name, STR("sec-websocket-key")))
			head->fields[n++] = head->fields[i];
	}
	head->n_fields = n;
	head->method_text = STR("GET");
	head->method = HTTP_GET;
	head->is_upgrade = true;
	add_field(r, (struct http_field){STR("upgrade"), STR("websocket"), FIELD_UPGRADE});
	add_field(r, (struct http_field){STR("sec-websocket-key"), STR(""), FIELD_OTHER});
	r->out->is_websocket = true;
	return NULL;
}

static const char *read_target(struct reading *r)
{
	const char *why = read_method(r);

	if (why)
		return why;
	if (r->out->head.method == HTTP_CONNECT && !r->has[PSEUDO_PROTOCOL])
		return read_connect(r);
	why = read_scheme(r);
	if (!why)
		why = read_authority(r);
	if (!why)
		why = read_path(r);
	if (!why && r->has[PSEUDO_PROTOCOL])
		why = become_websocket(r);
	return why;
}

static const char *read_framing(struct reading *r, bool ends)
{
	struct http_head *head = &r->out->head;

	if (ends && head->content_length)
		return refuse(r, 400, "content-length without a body");
	if (r->out->is_websocket || ends)
		head->body = HTTP_BODY_NONE;
	else if (r->out->has_length)
		head->body = head->content_length ? HTTP_BODY_LENGTH : HTTP_BODY_NONE;
	else
		head->body = HTTP_BODY_CHUNKED; /* of unknown length */
	return NULL;
}

/* RFC 9113 8.2.3: crumbs become one field before anybody else reads them. Nothing points into the text so far. */
static void join_crumbs(struct http2_block *b)
{
	size_t n_crumbs = 0, size = 0, first = 0, n = 0;
	uint32_t at = (uint32_t)b->text.len;

	for (size_t i = 0; i < b->n; i++) {
		if (!str_eq(block_name(b, i), STR("cookie")))
			continue;
		first = n_crumbs++ ? first : i;
		size += b->entries[i].value_len + 2;
	}
	if (n_crumbs < 2)
		return;
	buf_reserve(&b->text, size); /* it must not move while it is read */
	for (size_t i = 0; i < b->n; i++) {
		if (!str_eq(block_name(b, i), STR("cookie"))) {
			b->entries[n++] = b->entries[i];
			continue;
		}
		if (i == first)
			b->entries[n++] = b->entries[i];
		else
			buf_add(&b->text, STR("; "));
		buf_add(&b->text, block_value(b, i));
	}
	b->n = n;
	b->entries[first].value_at = at;
	b->entries[first].value_len = (uint32_t)b->text.len - at;
}

enum http2_verdict http2_block_request(
	struct http2_block *b, const struct http2_limits *limits, bool ends, struct http2_request *out)
{
	struct reading r = {.block = b, .limits = limits, .out = out};

	*out = (struct http2_request){.head = {.version = HTTP_2, .is_keep_alive = true, .fields = out->head.fields}};
	if (b->is_over)
		refuse(&r, 400, "request header or cookie too large");
	if (b->is_over)
		return HTTP2_MALFORMED;
	join_crumbs(b);
	if (take_fields(&r) || read_target(&r) || read_framing(&r, ends))
		return HTTP2_MALFORMED;
	return HTTP2_REQUEST;
}

const char *http2_block_trailers(const struct http2_block *b, const struct http2_limits *limits)
{
	if (b->is_over)
		return "trailers too large";
	for (size_t i = 0; i < b->n; i++) {
		struct http_field field = {.name = block_name(b, i), .value = block_value(b, i)};
		bool is_dropped = false;
		const char *why = block_check_name(field.name, limits, &is_dropped);

		if (!why)
			why = block_check_value(field.value);
		if (why)
			return why;
		field.id = (uint8_t)http_field_id(field.name);
		if (field.id == FIELD_CONTENT_LENGTH || field.id == FIELD_HOST)
			return "a field of the head among the trailers";
		why = block_check_connection_field(&field);
		if (why)
			return why;
	}
	return NULL;
}

void http2_block_line(const struct http2_block *b, struct buf *out)
{
	static const struct str wanted[] = {{":method", 7}, {":path", 5}};

	for (size_t w = 0; w < sizeof(wanted) / sizeof(wanted[0]); w++) {
		for (size_t i = 0; i < b->n; i++) {
			if (!str_eq(block_name(b, i), wanted[w]))
				continue;
			buf_add(out, block_value(b, i));
			buf_add_char(out, ' ');
			break;
		}
	}
	buf_add(out, STR("HTTP/2.0"));
}

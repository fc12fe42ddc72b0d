/* A block becomes a response, or the fields after one: RFC 9113 8.1, 8.2 and 8.3.2. */
#include "frames_private.h"
#include "http1.h"

/* What an endpoint sends is passed on as it is: nothing of it is dropped for its name. */
static const struct http2_limits as_received = {.keeps_underscores = true};

unsigned http2_block_status(const struct http2_block *b)
{
	struct str text;
	uint64_t status;

	if (!b->n || !str_eq(block_name(b, 0), STR(":status")))
		return 0;
	text = block_value(b, 0);
	return text.len == 3 && str_to_u64(text, 599, &status) && status >= 100 ? (unsigned)status : 0;
}

static const char *read_field(const struct http2_block *b, size_t i, struct http_field *field)
{
	bool is_dropped = false;
	const char *why;

	field->name = block_name(b, i);
	field->value = block_value(b, i);
	why = block_check_name(field->name, &as_received, &is_dropped);
	if (!why)
		why = block_check_value(field->value);
	if (why)
		return why;
	field->id = (uint8_t)http_field_id(field->name);
	return block_check_connection_field(field);
}

static const char *read_length(const struct http_field *field, struct http_head *out)
{
	if (out->present & http_field_bit(FIELD_CONTENT_LENGTH))
		return "more than one content-length";
	return str_to_u64(field->value, INT64_MAX, &out->content_length) ? NULL : "invalid content-length";
}

static void set_body(enum http_method to, struct http_head *out)
{
	bool has_length = (out->present & http_field_bit(FIELD_CONTENT_LENGTH)) != 0;

	if (to == HTTP_HEAD || out->status == 204 || out->status == 304)
		out->body = HTTP_BODY_NONE;
	else
		out->body = has_length ? HTTP_BODY_LENGTH : HTTP_BODY_CLOSE;
}

const char *http2_block_response(const struct http2_block *b, enum http_method to, struct http_head *out)
{
	*out = (struct http_head){.version = HTTP_2, .is_keep_alive = true, .fields = out->fields};
	if (b->is_over)
		return "response header too large";
	out->status = http2_block_status(b);
	if (!out->status || out->status == 101)
		return "no valid :status";
	out->reason = http_status_reason(out->status);
	for (size_t i = 1; i < b->n; i++) {
		struct http_field *field = &out->fields[out->n_fields];
		const char *why = read_field(b, i, field);

		if (!why && field->id == FIELD_CONTENT_LENGTH)
			why = read_length(field, out);
		if (why)
			return why;
		out->present |= http_field_bit(field->id);
		out->n_fields++;
	}
	set_body(to, out);
	return NULL;
}

const char *http2_block_trailer_lines(const struct http2_block *b, struct buf *lines)
{
	if (b->is_over)
		return "trailers too large";
	for (size_t i = 0; i < b->n; i++) {
		struct http_field field;
		const char *why = read_field(b, i, &field);

		if (!why && field.id == FIELD_CONTENT_LENGTH)
			why = "a field of the head among the trailers";
		if (why)
			return why;
		http1_write_field(lines, field.name, field.value);
	}
	return NULL;
}

/*
 * Whatever bytes come: the parsers stay inside them, say of the whole what they said of the pieces, and yield only what is
 * safe to write. The first byte chooses the parser and the size of the pieces.
 */
#include <assert.h>
#include <stdlib.h>

#include "http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { N_FIELDS = 32 };
static const struct http1_limits limits = {.head_bytes = 2048, .line_bytes = 512, .n_fields = N_FIELDS, .keeps_underscores = true};

static enum parse_result parse(bool is_request, struct str in, struct http_head *head, size_t *used)
{
	struct http1_error error = {0};
	enum parse_result result = is_request ? http1_parse_request(in, &limits, head, used, &error)
					      : http1_parse_response(in, &limits, HTTP_GET, head, used, &error);

	assert(result != PARSE_BAD || error.reason);
	return result;
}

static void check_inside(struct str part, struct str in)
{
	assert(part.len == 0 || str_eq(part, STR("/")) || (part.ptr >= in.ptr && part.ptr + part.len <= in.ptr + in.len));
}

static void check_head(const struct http_head *head, struct str in)
{
	struct http_head slow = *head;
	char out[2048];
	size_t n;

	slow.nominates_none = false;
	check_inside(head->target, in);
	check_inside(head->path, in);
	check_inside(head->query, in);
	check_inside(head->host, in);
	check_inside(head->reason, in);
	for (size_t i = 0; i < head->n_fields; i++) {
		check_inside(head->fields[i].name, in);
		check_inside(head->fields[i].value, in);
		assert(http_is_token(head->fields[i].name));
		assert(http_is_field_value(head->fields[i].value));
		assert(head->fields[i].id == http_field_id(head->fields[i].name));
		assert(http_field_is_hop_by_hop(head, &head->fields[i], 0) == http_field_is_hop_by_hop(&slow, &head->fields[i], 0));
	}
	assert(!(head->body == HTTP_BODY_CHUNKED && (head->present & http_field_bit(FIELD_CONTENT_LENGTH))));
	if (head->host.len)
		assert(http_server_name(head->host, out, &n) == (head->status == 0) && n <= head->host.len);
	if (http_normalise_path(head->path, out, &n)) {
		assert(n <= head->path.len && (out[0] == '/' || str_eq(head->path, STR("*"))));
		assert(str_find_str(str_of(out, n), STR("/../")) == n && str_find_str(str_of(out, n), STR("//")) == n);
	}
}

static void check_heads(bool is_request, struct str in)
{
	struct http_field fields[N_FIELDS], part_fields[N_FIELDS];
	struct http_head head = {.fields = fields}, part_head = {.fields = part_fields};
	size_t used = 0, part_used = 0;
	enum parse_result whole = parse(is_request, in, &head, &used);

	if (whole == PARSE_DONE) {
		assert(used <= in.len && used <= limits.head_bytes);
		check_head(&head, in);
	}
	for (size_t len = 0; len < in.len && len <= limits.head_bytes; len++) {
		enum parse_result part = parse(is_request, str_first(in, len), &part_head, &part_used);

		assert(part == PARSE_MORE || part == whole);
		assert(part != PARSE_DONE || !is_request || len == 0 || http1_is_worth_parsing(str_first(in, len), len - 1, &limits));
		assert(part != PARSE_DONE || (len >= used && part_used == used));
		assert(whole != PARSE_DONE || len < used || part == PARSE_DONE);
		if (part != PARSE_MORE)
			break;
	}
}

/* Digest of the payload, so that pieces and whole can be compared. */
struct outcome {
	enum parse_result result;
	size_t used, n_payload;
	uint64_t digest;
};

static struct outcome read_body(struct str in, size_t step)
{
	struct http_head head = {.body = HTTP_BODY_CHUNKED};
	struct outcome o = {.result = PARSE_MORE};
	struct http1_body body;
	size_t end = 0;

	http1_body_init(&body, &head);
	while (o.result == PARSE_MORE) {
		struct str piece = {in.ptr + o.used, end - o.used}, data;
		const char *why = NULL;
		size_t used;

		o.result = http1_body_read(&body, piece, &used, &data, &why);
		if (o.result == PARSE_BAD) {
			assert(why);
			break;
		}
		assert(used <= piece.len && data.len <= used);
		check_inside(data, piece);
		o.used += used;
		o.n_payload += data.len;
		for (size_t i = 0; i < data.len; i++)
			o.digest = o.digest * 31 + (unsigned char)data.ptr[i];
		if (used)
			continue;
		if (end == in.len)
			break;
		end = in.len - end < step ? in.len : end + step;
	}
	return o;
}

static void check_body(struct str in, size_t step)
{
	struct outcome whole = read_body(in, in.len + 1), parts = read_body(in, step);

	assert(whole.result == parts.result);
	if (whole.result == PARSE_BAD)
		return;
	assert(whole.used == parts.used && whole.n_payload == parts.n_payload && whole.digest == parts.digest);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str in;

	if (len == 0)
		return 0;
	in = (struct str){(const char *)bytes + 1, len - 1};
	switch (bytes[0] % 3) {
	case 0:
		check_heads(true, in);
		break;
	case 1:
		check_heads(false, in);
		break;
	default:
		check_body(in, (size_t)bytes[0] / 3 % 16 + 1);
	}
	return 0;
}

/* Responses and trailers of endpoints: RFC 9113 8.1 to 8.3. */
#include <string.h>

#include "block.h"
#include "check.h"
#include "fields.h"

static const struct http2_limits limits = {.bytes = 4096, .n_fields = 16, .keeps_underscores = true};

/* "name=value|name=value" */
static void fill(struct http2_block *b, const char *text)
{
	struct str rest = str_from(text), field;

	while (str_next(&rest, '|', &field)) {
		size_t at = str_find(field, '=');

		CHECK(http2_block_add(b, &limits, str_first(field, at), str_from_index(field, at + 1)));
	}
}

static void test_responses(void)
{
	static const struct {
		const char *name, *block;
		enum http_method to;
		const char *why; /* NULL: it is valid */
		unsigned status;
		enum http_body body;
		uint64_t length;
	} cases[] = {
		{"of gRPC", ":status=200|content-type=application/grpc", HTTP_POST, NULL, 200, HTTP_BODY_CLOSE, 0},
		{"with a length", ":status=200|content-length=7", HTTP_GET, NULL, 200, HTTP_BODY_LENGTH, 7},
		{"length 0", ":status=200|content-length=0", HTTP_GET, NULL, 200, HTTP_BODY_LENGTH, 0},
		{"to HEAD", ":status=200|content-length=7", HTTP_HEAD, NULL, 200, HTTP_BODY_NONE, 7},
		{"204", ":status=204", HTTP_GET, NULL, 204, HTTP_BODY_NONE, 0},
		{"304", ":status=304|content-length=7", HTTP_GET, NULL, 304, HTTP_BODY_NONE, 7},
		{"underscore", ":status=200|x_y=1", HTTP_GET, NULL, 200, HTTP_BODY_CLOSE, 0},
		{"no status", "x=1", HTTP_GET, "no valid :status", 0, 0, 0},
		{"empty", "", HTTP_GET, "no valid :status", 0, 0, 0},
		{"status later", "x=1|:status=200", HTTP_GET, "no valid :status", 0, 0, 0},
		{"status of two digits", ":status=20", HTTP_GET, "no valid :status", 0, 0, 0},
		{"status of letters", ":status=2x0", HTTP_GET, "no valid :status", 0, 0, 0},
		{"status with a sign", ":status=+20", HTTP_GET, "no valid :status", 0, 0, 0},
		{"status 600", ":status=600", HTTP_GET, "no valid :status", 0, 0, 0},
		{"status 099", ":status=099", HTTP_GET, "no valid :status", 0, 0, 0},
		{"101 is not of HTTP/2", ":status=101", HTTP_GET, "no valid :status", 0, 0, 0},
		{"status twice", ":status=200|:status=200", HTTP_GET, "invalid field name", 0, 0, 0},
		{"a request's field", ":status=200|:path=/", HTTP_GET, "invalid field name", 0, 0, 0},
		{"upper case", ":status=200|X=1", HTTP_GET, "upper case in a field name", 0, 0, 0},
		{"blank name", ":status=200|a b=1", HTTP_GET, "invalid field name", 0, 0, 0},
		{"line end", ":status=200|a=1\r\nb: 2", HTTP_GET, "invalid byte in a field value", 0, 0, 0},
		{"blanks around", ":status=200|a= 1", HTTP_GET, "blanks around a field value", 0, 0, 0},
		{"connection", ":status=200|connection=close", HTTP_GET, "a field of HTTP/1.1 connections", 0, 0, 0},
		{"chunked", ":status=200|transfer-encoding=chunked", HTTP_GET, "a field of HTTP/1.1 connections", 0, 0, 0},
		{"two lengths", ":status=200|content-length=1|content-length=1", HTTP_GET, "more than one content-length", 0, 0, 0},
		{"bad length", ":status=200|content-length=1x", HTTP_GET, "invalid content-length", 0, 0, 0},
		{"too many fields", ":status=200|a=1|a=1|a=1|a=1|a=1|a=1|a=1|a=1|a=1|a=1|a=1|a=1|a=1|a=1|a=1|a=1", HTTP_GET,
			"response header too large", 0, 0, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_field fields[16];
		struct http_head head = {.fields = fields};
		struct http2_block b = {0};
		const char *why;

		check_case(cases[i].name);
		fill(&b, cases[i].block);
		why = http2_block_response(&b, cases[i].to, &head);
		CHECK_STR(str_from(why ? why : ""), str_from(cases[i].why ? cases[i].why : ""));
		if (!why) {
			CHECK_INT(head.status, cases[i].status);
			CHECK_INT(head.body, cases[i].body);
			CHECK_INT(head.content_length, cases[i].length);
		}
		http2_block_deinit(&b);
	}
}

static void test_trailers(void)
{
	static const struct {
		const char *name, *block, *why, *lines;
	} cases[] = {
		{"of gRPC", "grpc-status=0|grpc-message=", NULL, "grpc-status: 0\r\ngrpc-message: \r\n"},
		{"none", "", NULL, ""},
		{"a length", "content-length=1", "a field of the head among the trailers", ""},
		{"a status", ":status=200", "invalid field name", ""},
		{"upper case", "Grpc-Status=0", "upper case in a field name", ""},
		{"line end", "grpc-message=a\nb", "invalid byte in a field value", ""},
		{"te", "te=x", "TE other than trailers", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http2_block b = {0};
		struct buf lines = {0};
		const char *why;

		check_case(cases[i].name);
		fill(&b, cases[i].block);
		why = http2_block_trailer_lines(&b, &lines);
		CHECK_STR(str_from(why ? why : ""), str_from(cases[i].why ? cases[i].why : ""));
		if (!why)
			CHECK_STR(buf_str(&lines), str_from(cases[i].lines));
		buf_deinit(&lines);
		http2_block_deinit(&b);
	}
}

static void test_fields(void)
{
	static struct http2_fields f;

	check_case("lines become fields, but for Upgrade and what is none");
	http2_fields_add(&f, STR(":status"), STR("200"));
	http2_fields_add_lines(&f, STR("A: 1\r\nupgrade: x\r\nnothing\r\n: empty\r\nB:2\r\nc:\r\n"));
	CHECK_INT(f.n, 4);
	CHECK_STR(str_of(f.items[1].name, f.items[1].namelen), str_from("A"));
	CHECK_STR(str_of(f.items[1].value, f.items[1].valuelen), str_from("1"));
	CHECK_STR(str_of(f.items[2].value, f.items[2].valuelen), str_from("2"));
	CHECK_STR(str_of(f.items[3].value, f.items[3].valuelen), str_from(""));
	check_case("no more than there is room for");
	for (int i = 0; i < 1000; i++)
		http2_fields_add(&f, STR("a"), STR("b"));
	CHECK_INT(f.n, HTTP2_FIELDS_MAX);
}

int main(void)
{
	test_responses();
	test_trailers();
	test_fields();
	return check_done();
}

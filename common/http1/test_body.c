/* Bodies, each whole and byte by byte: the payload, where the message ends, and what is refused. */
#include "check.h"
#include "http1.h"
#include "mem.h"

#define IN(literal) {literal, sizeof(literal) - 1}
#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
	const char *name;
	enum http_body kind;
	uint64_t length;
	struct str in;
	enum parse_result want;
	const char *payload; /* of what is not bad */
	size_t left;         /* bytes after the message */
} cases[] = {
	{"none", HTTP_BODY_NONE, 0, IN("GET"), PARSE_DONE, "", 3},
	{"length", HTTP_BODY_LENGTH, 5, IN("helloGET"), PARSE_DONE, "hello", 3},
	{"length, more to come", HTTP_BODY_LENGTH, 9, IN("hello"), PARSE_MORE, "hello", 0},
	{"until close", HTTP_BODY_CLOSE, 0, IN("hello"), PARSE_MORE, "hello", 0},
	{"chunks", HTTP_BODY_CHUNKED, 0, IN("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET"), PARSE_DONE, "hello world", 3},
	{"hex in both cases, leading zero", HTTP_BODY_CHUNKED, 0, IN("0a\r\n0123456789\r\nA\r\n0123456789\r\n00\r\n\r\n"), PARSE_DONE,
		"01234567890123456789", 0},
	{"extension", HTTP_BODY_CHUNKED, 0, IN("1;a=\"b c\"\r\nx\r\n0;last\r\n\r\n"), PARSE_DONE, "x", 0},
	{"trailers are dropped", HTTP_BODY_CHUNKED, 0, IN("1\r\nx\r\n0\r\nA: b\r\nContent-Length: 5\r\nC:\r\n\r\nGET"), PARSE_DONE, "x", 3},
	{"not ended", HTTP_BODY_CHUNKED, 0, IN("1\r\nx\r\n0\r\n"), PARSE_MORE, "x", 0},
	{"payload looks like a chunk", HTTP_BODY_CHUNKED, 0, IN("5\r\n0\r\n\r\n\r\n0\r\n\r\n"), PARSE_DONE, "0\r\n\r\n", 0},
	{"empty size", HTTP_BODY_CHUNKED, 0, IN("\r\n"), PARSE_BAD, "", 0},
	{"size missing before extension", HTTP_BODY_CHUNKED, 0, IN(";a\r\n"), PARSE_BAD, "", 0},
	{"prefix 0x", HTTP_BODY_CHUNKED, 0, IN("0x5\r\nhello\r\n"), PARSE_BAD, "", 0},
	{"plus", HTTP_BODY_CHUNKED, 0, IN("+5\r\nhello\r\n"), PARSE_BAD, "", 0},
	{"minus", HTTP_BODY_CHUNKED, 0, IN("-5\r\nhello\r\n"), PARSE_BAD, "", 0},
	{"underscore", HTTP_BODY_CHUNKED, 0, IN("1_0\r\n"), PARSE_BAD, "", 0},
	{"blank before the size", HTTP_BODY_CHUNKED, 0, IN(" 5\r\nhello\r\n"), PARSE_BAD, "", 0},
	{"blank after the size", HTTP_BODY_CHUNKED, 0, IN("5 \r\nhello\r\n"), PARSE_BAD, "", 0},
	{"blank before the extension", HTTP_BODY_CHUNKED, 0, IN("5 ;a\r\nhello\r\n"), PARSE_BAD, "", 0},
	{"no hex", HTTP_BODY_CHUNKED, 0, IN("g\r\n"), PARSE_BAD, "", 0},
	{"size too large", HTTP_BODY_CHUNKED, 0, IN("8000000000000000\r\n"), PARSE_BAD, "", 0},
	{"size overflows", HTTP_BODY_CHUNKED, 0, IN("10000000000000005\r\nhello\r\n"), PARSE_BAD, "", 0},
	{"too many digits", HTTP_BODY_CHUNKED, 0, IN("00000000000000005\r\nhello\r\n"), PARSE_BAD, "", 0},
	{"bare LF after the size", HTTP_BODY_CHUNKED, 0, IN("5\nhello\r\n"), PARSE_BAD, "", 0},
	{"bare CR after the size", HTTP_BODY_CHUNKED, 0, IN("5\rhello\r\n"), PARSE_BAD, "", 0},
	{"bare LF in an extension", HTTP_BODY_CHUNKED, 0, IN("5;a\nhello\r\n"), PARSE_BAD, "", 0},
	{"bare CR in an extension", HTTP_BODY_CHUNKED, 0, IN("5;a\rb\r\nhello\r\n"), PARSE_BAD, "", 0},
	{"NUL in an extension", HTTP_BODY_CHUNKED, 0, IN("5;\0\r\nhello\r\n"), PARSE_BAD, "", 0},
	{"chunk longer than it said", HTTP_BODY_CHUNKED, 0, IN("4\r\nhello\r\n"), PARSE_BAD, "", 0},
	{"bare LF after a chunk", HTTP_BODY_CHUNKED, 0, IN("5\r\nhello\n0\r\n\r\n"), PARSE_BAD, "", 0},
	{"bare CR after a chunk", HTTP_BODY_CHUNKED, 0, IN("5\r\nhello\r0\r\n\r\n"), PARSE_BAD, "", 0},
	{"bare LF at the end", HTTP_BODY_CHUNKED, 0, IN("0\r\n\n"), PARSE_BAD, "", 0},
	{"bare CR at the end", HTTP_BODY_CHUNKED, 0, IN("0\r\n\rG"), PARSE_BAD, "", 0},
	{"trailer without name", HTTP_BODY_CHUNKED, 0, IN("0\r\n: x\r\n\r\n"), PARSE_BAD, "", 0},
	{"trailer without colon", HTTP_BODY_CHUNKED, 0, IN("0\r\nabc\r\n\r\n"), PARSE_BAD, "", 0},
	{"trailer with blank before the colon", HTTP_BODY_CHUNKED, 0, IN("0\r\nA : x\r\n\r\n"), PARSE_BAD, "", 0},
	{"folded trailer", HTTP_BODY_CHUNKED, 0, IN("0\r\nA: x\r\n y\r\n\r\n"), PARSE_BAD, "", 0},
	{"NUL in a trailer", HTTP_BODY_CHUNKED, 0, IN("0\r\nA: \0\r\n\r\n"), PARSE_BAD, "", 0},
	{"bare LF in a trailer", HTTP_BODY_CHUNKED, 0, IN("0\r\nA: b\nC: d\r\n\r\n"), PARSE_BAD, "", 0},
	{"bare CR in a trailer", HTTP_BODY_CHUNKED, 0, IN("0\r\nA: b\rC: d\r\n\r\n"), PARSE_BAD, "", 0},
};

/* Feeds `in` in pieces of `step` bytes; what is left over is offered again with the next piece. */
static enum parse_result feed(
	struct http1_body *body, struct str in, size_t step, struct buf *payload, size_t *left, const char **why)
{
	size_t at = 0, end = 0;

	for (;;) {
		struct str piece, data;
		size_t used;
		enum parse_result result;

		piece = (struct str){in.ptr + at, end - at};
		result = http1_body_read(body, piece, &used, &data, why);
		if (result == PARSE_BAD)
			return result;
		CHECK(used <= piece.len && data.len <= used);
		CHECK(data.len == 0 || (data.ptr >= piece.ptr && data.ptr + data.len <= piece.ptr + used));
		CHECK_INT(body->is_done, result == PARSE_DONE);
		buf_add(payload, data);
		at += used;
		*left = in.len - at;
		if (result == PARSE_DONE || (used == 0 && end == in.len))
			return result;
		if (used == 0 || at == end)
			end = in.len - end < step ? in.len : end + step;
	}
}

static void test_cases(void)
{
	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct http_head head = {.body = cases[i].kind, .content_length = cases[i].length};

		check_case(cases[i].name);
		for (size_t step = 1; step <= cases[i].in.len; step++) {
			struct http1_body body;
			struct buf payload = {0};
			const char *why = NULL;
			size_t left = 0;

			http1_body_init(&body, &head);
			CHECK_INT(feed(&body, cases[i].in, step, &payload, &left, &why), cases[i].want);
			CHECK_INT(why != NULL, cases[i].want == PARSE_BAD);
			if (cases[i].want != PARSE_BAD) {
				CHECK_STR(buf_str(&payload), str_from(cases[i].payload));
				CHECK_INT(left, cases[i].left);
				CHECK_INT(http1_body_at_close(&body),
					cases[i].want == PARSE_DONE || cases[i].kind == HTTP_BODY_CLOSE);
			}
			buf_deinit(&payload);
		}
	}
}

/* Repeats `piece` until the reader refuses; the number of bytes that it took, or 0 if it took a MiB. */
static size_t fed_until_bad(struct str first, struct str piece)
{
	struct http_head head = {.body = HTTP_BODY_CHUNKED};
	struct http1_body body;
	const char *why = NULL;
	struct buf payload = {0};
	size_t left, total = 0;

	http1_body_init(&body, &head);
	CHECK(feed(&body, first, first.len, &payload, &left, &why) == PARSE_MORE);
	while (total < 1024 * 1024) {
		if (feed(&body, piece, piece.len, &payload, &left, &why) == PARSE_BAD)
			break;
		total += piece.len;
	}
	buf_deinit(&payload);
	return why ? total : 0;
}

static void test_bounds(void)
{
	size_t n;

	check_case("an endless extension is refused");
	n = fed_until_bad(STR("5;"), STR(X50));
	CHECK(n > 4000 && n <= 8192);
	check_case("endless trailers are refused");
	n = fed_until_bad(STR("0\r\n"), STR("A: " X50 "\r\n"));
	CHECK(n > 4000 && n <= 8192);
	check_case("tiny chunks with large extensions are refused");
	n = fed_until_bad(STR(""), STR("1;" X50 X50 "\r\nx\r\n"));
	CHECK(n > 8192 && n < 20000);
	check_case("tiny chunks are fine");
	CHECK_INT(fed_until_bad(STR(""), STR("1\r\nx\r\n")), 0);
	check_case("large chunks may have extensions");
	CHECK_INT(fed_until_bad(STR(""), STR("32;" X50 "\r\n" X50 "\r\n")), 0);
}

int main(void)
{
	test_cases();
	test_bounds();
	return check_done();
}

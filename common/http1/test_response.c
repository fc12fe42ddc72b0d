/* Response heads, each whole and byte by byte, and what is written. */
#include "check.h"
#include "head_text.h"
#include "http1.h"
#include "mem.h"

static const struct http1_limits limits = {.head_bytes = 120, .n_fields = 4};

#define IN(literal) {literal, sizeof(literal) - 1}
#define OK200 "HTTP/1.1 200 OK\r\n"

static const struct {
	const char *name;
	struct str in;
	enum http_method to;
	const char *want; /* NULL: bad */
} cases[] = {
	{"length", IN(OK200 "Content-Length: 5\r\n\r\n"), HTTP_GET, "200 OK 1.1 body=length:5 keep [Content-Length=5]"},
	{"length 0", IN(OK200 "Content-Length: 0\r\n\r\n"), HTTP_GET, "200 OK 1.1 body=none keep [Content-Length=0]"},
	{"chunked", IN(OK200 "Transfer-Encoding: chunked\r\n\r\n"), HTTP_GET, "200 OK 1.1 body=chunked keep [Transfer-Encoding=chunked]"},
	{"until close", IN(OK200 "\r\n"), HTTP_GET, "200 OK 1.1 body=close"},
	{"HEAD has no body", IN(OK200 "Content-Length: 5\r\n\r\n"), HTTP_HEAD, "200 OK 1.1 body=none keep [Content-Length=5]"},
	{"HEAD without length", IN(OK200 "\r\n"), HTTP_HEAD, "200 OK 1.1 body=none keep"},
	{"204", IN("HTTP/1.1 204 No Content\r\n\r\n"), HTTP_GET, "204 No Content 1.1 body=none keep"},
	{"304 with length", IN("HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n"), HTTP_GET, "304 x 1.1 body=none keep [Content-Length=5]"},
	{"100", IN("HTTP/1.1 100 Continue\r\n\r\n"), HTTP_POST, "100 Continue 1.1 body=none keep"},
	{"101", IN("HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n"), HTTP_GET, "101 x 1.1 body=none upgrade [Upgrade=websocket]"},
	{"close", IN(OK200 "Connection: close\r\nContent-Length: 1\r\n\r\n"), HTTP_GET,
		"200 OK 1.1 body=length:1 [Connection=close] [Content-Length=1]"},
	{"1.0", IN("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n"), HTTP_GET, "200 OK 1.0 body=length:1 [Content-Length=1]"},
	{"1.0 keep-alive", IN("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n"), HTTP_GET,
		"200 OK 1.0 body=length:1 keep [Connection=keep-alive] [Content-Length=1]"},
	{"1.0 keep-alive until close", IN("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n"), HTTP_GET,
		"200 OK 1.0 body=close [Connection=keep-alive]"},
	{"empty reason", IN("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"), HTTP_GET, "200  1.1 body=none keep [Content-Length=0]"},
	{"no blank after the status", IN("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"), HTTP_GET, "200  1.1 body=none keep [Content-Length=0]"},
	{"reason with blanks and tab", IN("HTTP/1.1 404 Not\tFound \xe4\r\nContent-Length: 0\r\n\r\n"), HTTP_GET,
		"404 Not\tFound \xe4 1.1 body=none keep [Content-Length=0]"},
	{"underscores are kept", IN(OK200 "a_b: c\r\nContent-Length: 0\r\n\r\n"), HTTP_GET, "200 OK 1.1 body=none keep [a_b=c] [Content-Length=0]"},
	{"Host and Expect say nothing", IN(OK200 "Host: a/b\r\nExpect: x\r\nContent-Length: 0\r\n\r\n"), HTTP_GET,
		"200 OK 1.1 body=none keep [Host=a/b] [Expect=x] [Content-Length=0]"},
	{"length and chunked", IN(OK200 "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), HTTP_GET, NULL},
	{"two lengths", IN(OK200 "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"), HTTP_GET, NULL},
	{"unknown coding", IN(OK200 "Transfer-Encoding: gzip, chunked\r\n\r\n"), HTTP_GET, NULL},
	{"chunked in 1.0", IN("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), HTTP_GET, NULL},
	{"bare LF", IN("HTTP/1.1 200 OK\nContent-Length: 0\n\n"), HTTP_GET, NULL},
	{"empty line first", IN("\r\n" OK200 "\r\n"), HTTP_GET, NULL},
	{"two digits", IN("HTTP/1.1 20 OK\r\n"), HTTP_GET, NULL},
	{"four digits", IN("HTTP/1.1 2000 OK\r\n"), HTTP_GET, NULL},
	{"status 099", IN("HTTP/1.1 099 OK\r\n"), HTTP_GET, NULL},
	{"status with sign", IN("HTTP/1.1 +20 OK\r\n"), HTTP_GET, NULL},
	{"two blanks", IN("HTTP/1.1  200 OK\r\n"), HTTP_GET, NULL},
	{"version 2", IN("HTTP/2.0 200 OK\r\n"), HTTP_GET, NULL},
	{"not HTTP", IN("SSH-2.0-x\r\n"), HTTP_GET, NULL},
	{"NUL in the reason", IN("HTTP/1.1 200 O\0K\r\n"), HTTP_GET, NULL},
	{"empty name", IN(OK200 ": x\r\n\r\n"), HTTP_GET, NULL},
	{"obs-fold", IN(OK200 "A: x\r\n y\r\n\r\n"), HTTP_GET, NULL},
	{"too many fields", IN(OK200 "A:1\r\nA:2\r\nA:3\r\nA:4\r\nA:5\r\n\r\n"), HTTP_GET, NULL},
	{"too large", IN(OK200 "A: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"xxxxxxxxxxxxxxxxxxxx\r\n\r\n"), HTTP_GET, NULL},
};

static enum parse_result parse_first(
	struct str in, size_t len, enum http_method to, struct buf *text, struct http1_error *error)
{
	struct http_field fields[4];
	struct http_head head = {.fields = fields};
	char *copy = mem_alloc(len ? len : 1);
	size_t used = 0;
	enum parse_result result;

	memcpy(copy, in.ptr, len);
	result = http1_parse_response(str_of(copy, len), &limits, to, &head, &used, error);
	buf_clear(text);
	if (result == PARSE_DONE)
		add_response_text(text, &head);
	if (result == PARSE_DONE)
		CHECK_INT(used, in.len);
	mem_free(copy);
	return result;
}

static void test_parse(void)
{
	struct buf text = {0};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct http1_error error = {7, ""};
		enum parse_result want = cases[i].want ? PARSE_DONE : PARSE_BAD;
		const char *reason;

		check_case(cases[i].name);
		CHECK_INT(parse_first(cases[i].in, cases[i].in.len, cases[i].to, &text, &error), want);
		CHECK_STR(buf_str(&text), str_from(cases[i].want));
		CHECK(cases[i].want || (error.status == 0 && *error.reason));
		reason = error.reason;
		for (size_t len = 0; len < cases[i].in.len; len++) {
			enum parse_result part = parse_first(cases[i].in, len, cases[i].to, &text, &error);

			if (part == PARSE_MORE)
				continue;
			CHECK_INT(part, want);
			CHECK(error.reason == reason);
			break;
		}
	}
	buf_deinit(&text);
}

static void test_write(void)
{
	struct buf out = {0};
	char room[20];

	check_case("write");
	CHECK(http1_write_request_line(&out, STR("GET"), STR("/a?b")));
	CHECK(http1_write_field(&out, STR("Host"), STR("a")));
	CHECK(http1_write_field(&out, STR("X"), STR("")));
	CHECK(http1_write_end(&out));
	CHECK_STR(buf_str(&out), STR("GET /a?b HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n"));
	buf_clear(&out);
	CHECK(http1_write_status_line(&out, 404, STR("Not Found")));
	CHECK_STR(buf_str(&out), STR("HTTP/1.1 404 Not Found\r\n"));
	buf_deinit(&out);

	check_case("over the cap: whole or not at all");
	buf_init(&out, 20);
	CHECK(http1_write_field(&out, STR("Host"), STR("a")));
	CHECK(!http1_write_field(&out, STR("Host"), STR("abcd")));
	CHECK_STR(buf_str(&out), STR("Host: a\r\n"));
	buf_deinit(&out);

	check_case("chunk heads");
	CHECK_STR(str_of(room, http1_chunk_head(room, 0)), STR("0\r\n"));
	CHECK_STR(str_of(room, http1_chunk_head(room, 0x1a2b)), STR("1a2b\r\n"));
	CHECK_STR(str_of(room, http1_chunk_head(room, UINT64_MAX)), STR("ffffffffffffffff\r\n"));
}

int main(void)
{
	test_parse();
	test_write();
	return check_done();
}

/* Request heads, each whole and byte by byte: what is understood, and what is refused with which status (SECURITY.md). */
#include "check.h"
#include "head_text.h"
#include "http1.h"
#include "mem.h"

static const struct http1_limits limits = {
	.head_bytes = 600, .line_bytes = 200, .n_fields = 8, .drops_invalid_names = true};

#define IN(literal) {literal, sizeof(literal) - 1}
#define GET "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"
#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X200 X50 X50 X50 X50
#define OK(text) 0, text

static const struct {
	const char *name;
	struct str in;
	unsigned status;  /* what is answered; 0: it is taken */
	const char *want; /* the head, for what is taken */
} cases[] = {
	/* lines and targets */
	{"plain", IN(GET "\r\n"), OK("GET / 1.1 host=a body=none keep [Host=a]")},
	{"query", IN("GET /a?b=c?d HTTP/1.1\r\nHost: a\r\n\r\n"), OK("GET /a ?b=c?d 1.1 host=a body=none keep [Host=a]")},
	{"raw UTF-8 in the target", IN("GET /\xc3\xa4?\xff HTTP/1.1\r\nHost: a\r\n\r\n"),
		OK("GET /\xc3\xa4 ?\xff 1.1 host=a body=none keep [Host=a]")},
	{"empty query", IN("GET /? HTTP/1.1\r\nHost: a\r\n\r\n"), OK("GET / ? 1.1 host=a body=none keep [Host=a]")},
	{"target bytes that browsers send", IN("GET /\"<>\\^`{|}[] HTTP/1.1\r\nHost: a\r\n\r\n"),
		OK("GET /\"<>\\^`{|}[] 1.1 host=a body=none keep [Host=a]")},
	{"another method", IN("PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n"), OK("PROPFIND / 1.1 host=a body=none keep [Host=a]")},
	{"TRACE is parsed", IN("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"), OK("TRACE / 1.1 host=a body=none keep [Host=a]")},
	{"CONNECT is parsed", IN("CONNECT b:443 HTTP/1.1\r\nHost: a\r\n\r\n"), OK("CONNECT  1.1 host=b:443 body=none keep [Host=a]")},
	{"CONNECT with a path", IN("CONNECT /x HTTP/1.1\r\nHost: a\r\n\r\n"), 400, ""},
	{"asterisk", IN("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), OK("OPTIONS * 1.1 host=a body=none keep [Host=a]")},
	{"asterisk with GET", IN("GET * HTTP/1.1\r\nHost: a\r\n\r\n"), 400, ""},
	{"absolute target overrides Host (B1)", IN("GET http://b:80/x?y HTTP/1.1\r\nHost: a\r\n\r\n"),
		OK("GET /x ?y 1.1 host=b:80 body=none keep [Host=a]")},
	{"absolute target, https, no path", IN("GET HTTPS://b HTTP/1.1\r\nHost: a\r\n\r\n"),
		OK("GET / 1.1 host=b body=none keep [Host=a]")},
	{"absolute target, query alone", IN("GET http://b?y HTTP/1.1\r\nHost: a\r\n\r\n"),
		OK("GET / ?y 1.1 host=b body=none keep [Host=a]")},
	{"absolute target in 1.0 without Host", IN("GET http://b/ HTTP/1.0\r\n\r\n"), OK("GET / 1.0 host=b body=none")},
	{"absolute target, other scheme", IN("GET ftp://b/ HTTP/1.1\r\nHost: a\r\n\r\n"), 400, ""},
	{"absolute target without host", IN("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n"), 400, ""},
	{"absolute target with user", IN("GET http://u@b/ HTTP/1.1\r\nHost: a\r\n\r\n"), 400, ""},
	{"absolute target still needs Host", IN("GET http://b/ HTTP/1.1\r\n\r\n"), 400, ""},
	{"authority with GET", IN("GET b:80 HTTP/1.1\r\nHost: a\r\n\r\n"), 400, ""},
	{"relative target", IN("GET x HTTP/1.1\r\nHost: a\r\n\r\n"), 400, ""},
	{"empty lines first", IN("\r\n\r\n" GET "\r\n"), OK("GET / 1.1 host=a body=none keep [Host=a]")},
	{"too many empty lines", IN("\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n" GET "\r\n"), 400, ""},
	{"bare LF first", IN("\n" GET "\r\n"), 400, ""},
	{"bare CR first", IN("\rGET / HTTP/1.1\r\n"), 400, ""},
	{"blank first", IN(" GET / HTTP/1.1\r\n"), 400, ""},
	{"no method", IN("/ HTTP/1.1\r\n"), 400, ""},
	{"method is no token", IN("G(T / HTTP/1.1\r\n"), 400, ""},
	{"method too long", IN(X50 " / HTTP/1.1\r\n"), 400, ""},
	{"TLS on a plain port", IN("\x16\x03\x01\x02"), 400, ""},
	{"tab as blank", IN("GET\t/ HTTP/1.1\r\n"), 400, ""},
	{"two blanks", IN("GET  / HTTP/1.1\r\n"), 400, ""},
	{"two blanks before the version", IN("GET /  HTTP/1.1\r\n"), 400, ""},
	{"blank in the target", IN("GET /a b HTTP/1.1\r\n"), 400, ""},
	{"fragment", IN("GET /a#b HTTP/1.1\r\n"), 400, ""},
	{"NUL in the target", IN("GET /a\0b HTTP/1.1\r\n"), 400, ""},
	{"CR in the target", IN("GET /a\rb HTTP/1.1\r\n"), 400, ""},
	{"DEL in the target", IN("GET /a\x7f HTTP/1.1\r\n"), 400, ""},
	{"no version (0.9)", IN("GET /\r\n"), 400, ""},
	{"version 0.9", IN("GET / HTTP/0.9\r\n"), 505, ""},
	{"version 1.2", IN("GET / HTTP/1.2\r\n"), 505, ""},
	{"version 2.0 (0.2)", IN("GET / HTTP/2.0\r\n"), 505, ""},
	{"HTTP/2 preface on a plain port", IN("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505, ""},
	{"version in lower case", IN("GET / http/1.1\r\n"), 400, ""},
	{"version with two digits", IN("GET / HTTP/1.10\r\n"), 400, ""},
	{"version cut", IN("GET / HTTP/1\r\n"), 400, ""},
	{"version with sign", IN("GET / HTTP/+1.1\r\n"), 400, ""},
	{"blank after the version", IN("GET / HTTP/1.1 \r\n"), 400, ""},
	{"bare LF after the version", IN("GET / HTTP/1.1\nHost: a\n\n"), 400, ""},
	{"bare CR after the version", IN("GET / HTTP/1.1\rHost: a\r\n\r\n"), 400, ""},
	{"target just fits", IN("GET /" X50 X50 X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" " HTTP/1.1\r\nHost:a\r\n\r\n"),
		OK("GET /" X50 X50 X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" " 1.1 host=a body=none keep [Host=a]")},
	{"line one byte too long", IN("GET /" X50 X50 X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" " HTTP/1.1\r\nHost:a\r\n\r\n"), 414, ""},
	{"line too long (0.2)", IN("GET /" X200 " HTTP/1.1\r\n"), 414, ""},
	{"line too long, no end in sight", IN("GET /" X200), 414, ""},
	/* fields */
	{"blanks around a value", IN(GET "A: \t b c\t \r\nB:\r\nC: \r\n\r\n"),
		OK("GET / 1.1 host=a body=none keep [Host=a] [A=b c] [B=] [C=]")},
	{"value beyond ASCII, with tab", IN(GET "A: \xc3\xa4\tx\r\n\r\n"), OK("GET / 1.1 host=a body=none keep [Host=a] [A=\xc3\xa4\tx]")},
	{"long value with tab", IN(GET "A: " X50 "\t" X50 "\r\n\r\n"),
		OK("GET / 1.1 host=a body=none keep [Host=a] [A=" X50 "\t" X50 "]")},
	{"underscore is dropped (A29)", IN(GET "A_b: c\r\nD: e\r\n\r\n"), OK("GET / 1.1 host=a body=none keep [Host=a] [D=e]")},
	{"other token is dropped (A29)", IN(GET "A.b: c\r\n!: e\r\n\r\n"), OK("GET / 1.1 host=a body=none keep [Host=a]")},
	{"name is no token", IN(GET "A@b: c\r\n\r\n"), 400, ""},
	{"name beyond ASCII", IN(GET "\xc3\xa4: c\r\n\r\n"), 400, ""},
	{"NUL in a name", IN(GET "A\0b: c\r\n\r\n"), 400, ""},
	{"empty name", IN(GET ": c\r\n\r\n"), 400, ""},
	{"no colon", IN(GET "Abc\r\n\r\n"), 400, ""},
	{"blank before the colon", IN(GET "A : c\r\n\r\n"), 400, ""},
	{"tab before the colon", IN(GET "A\t: c\r\n\r\n"), 400, ""},
	{"blank before a name", IN(GET " A: c\r\n\r\n"), 400, ""},
	{"blank before the first name", IN("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), 400, ""},
	{"obs-fold", IN(GET "A: b\r\n c\r\n\r\n"), 400, ""},
	{"obs-fold with tab", IN(GET "A: b\r\n\tc\r\n\r\n"), 400, ""},
	{"bare LF after a value", IN(GET "A: b\nC: d\r\n\r\n"), 400, ""},
	{"bare CR in a value", IN(GET "A: b\rC: d\r\n\r\n"), 400, ""},
	{"CR CR LF", IN(GET "A: b\r\r\n\r\n"), 400, ""},
	{"NUL in a value", IN(GET "A: b\0\r\n\r\n"), 400, ""},
	{"control byte in a long value", IN(GET "A: " X50 "\x0b" X50 "\r\n\r\n"), 400, ""},
	{"DEL in a long value", IN(GET "A: " X50 "\x7f" X50 "\r\n\r\n"), 400, ""},
	{"bare LF at the end", IN(GET "\n"), 400, ""},
	{"bare CR at the end", IN(GET "\rX"), 400, ""},
	{"field line too long", IN(GET "A: " X200 "\r\n\r\n"), 400, ""},
	{"field name too long", IN(GET X200 "\r\n\r\n"), 400, ""},
	{"head too large", IN(GET "A: " X50 X50 X50 "\r\nB: " X50 X50 X50 "\r\nC: " X50 X50 X50 "\r\nD: " X50 X50 X50 "\r\n\r\n"), 400, ""},
	{"as many fields as there is room for", IN(GET "A:1\r\nA:2\r\nA:3\r\nA:4\r\nA:5\r\nA:6\r\nA:7\r\n\r\n"),
		OK("GET / 1.1 host=a body=none keep [Host=a] [A=1] [A=2] [A=3] [A=4] [A=5] [A=6] [A=7]")},
	{"too many fields", IN(GET "A:1\r\nA:2\r\nA:3\r\nA:4\r\nA:5\r\nA:6\r\nA:7\r\nA:8\r\n\r\n"), 400, ""},
	/* Host */
	{"1.1 without Host (B2)", IN("GET / HTTP/1.1\r\n\r\n"), 400, ""},
	{"1.0 without Host (B2)", IN("GET / HTTP/1.0\r\n\r\n"), OK("GET / 1.0 host= body=none")},
	{"two Hosts (B2)", IN(GET "Host: a\r\n\r\n"), 400, ""},
	{"two Hosts in 1.0", IN("GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n"), 400, ""},
	{"two Hosts with absolute target", IN("GET http://c/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400, ""},
	{"empty Host (B2)", IN("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 400, ""},
	{"Host with slash (B2)", IN("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400, ""},
	{"Host with blank (B2)", IN("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), 400, ""},
	{"Host with two dots (B2)", IN("GET / HTTP/1.1\r\nHost: a..b\r\n\r\n"), 400, ""},
	{"two Hosts in one", IN("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), 400, ""},
	{"Host and port", IN("GET / HTTP/1.1\r\nhost: [::1]:80\r\n\r\n"), OK("GET / 1.1 host=[::1]:80 body=none keep [host=[::1]:80]")},
	/* framing */
	{"length", IN(POST "Content-Length: 5\r\n\r\n"), OK("POST / 1.1 host=a body=length:5 keep [Host=a] [Content-Length=5]")},
	{"length 0", IN(POST "Content-Length: 0\r\n\r\n"), OK("POST / 1.1 host=a body=none keep [Host=a] [Content-Length=0]")},
	{"length, leading zeros", IN(POST "Content-Length: 007\r\n\r\n"), OK("POST / 1.1 host=a body=length:7 keep [Host=a] [Content-Length=007]")},
	{"length, largest", IN(POST "Content-Length: 9223372036854775807\r\n\r\n"),
		OK("POST / 1.1 host=a body=length:9223372036854775807 keep [Host=a] [Content-Length=9223372036854775807]")},
	{"length with GET", IN(GET "Content-Length: 5\r\n\r\n"), OK("GET / 1.1 host=a body=length:5 keep [Host=a] [Content-Length=5]")},
	{"length too large", IN(POST "Content-Length: 9223372036854775808\r\n\r\n"), 400, ""},
	{"length overflows", IN(POST "Content-Length: 18446744073709551621\r\n\r\n"), 400, ""},
	{"length empty", IN(POST "Content-Length:\r\n\r\n"), 400, ""},
	{"length with plus", IN(POST "Content-Length: +5\r\n\r\n"), 400, ""},
	{"length with minus", IN(POST "Content-Length: -5\r\n\r\n"), 400, ""},
	{"length in hex", IN(POST "Content-Length: 0x5\r\n\r\n"), 400, ""},
	{"length with fraction", IN(POST "Content-Length: 5.0\r\n\r\n"), 400, ""},
	{"length with underscore", IN(POST "Content-Length: 1_0\r\n\r\n"), 400, ""},
	{"length with blank", IN(POST "Content-Length: 5 5\r\n\r\n"), 400, ""},
	{"length as list", IN(POST "Content-Length: 5, 5\r\n\r\n"), 400, ""},
	{"two lengths", IN(POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"), 400, ""},
	{"two equal lengths", IN(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"), 400, ""},
	{"chunked", IN(POST "Transfer-Encoding: chunked\r\n\r\n"), OK("POST / 1.1 host=a body=chunked keep [Host=a] [Transfer-Encoding=chunked]")},
	{"Chunked", IN(POST "TRANSFER-ENCODING: Chunked \r\n\r\n"), OK("POST / 1.1 host=a body=chunked keep [Host=a] [TRANSFER-ENCODING=Chunked]")},
	{"length and chunked", IN(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), 400, ""},
	{"chunked and length", IN(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"), 400, ""},
	{"chunked and length 0", IN(POST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n"), 400, ""},
	{"length and unknown coding", IN(POST "Content-Length: 5\r\nTransfer-Encoding: x\r\n\r\n"), 400, ""},
	{"two codings", IN(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), 400, ""},
	{"chunked, then identity", IN(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n"), 400, ""},
	{"coding list", IN(POST "Transfer-Encoding: gzip, chunked\r\n\r\n"), 501, ""},
	{"chunked twice", IN(POST "Transfer-Encoding: chunked, chunked\r\n\r\n"), 501, ""},
	{"chunked and comma", IN(POST "Transfer-Encoding: chunked,\r\n\r\n"), 501, ""},
	{"unknown coding (0.2)", IN(POST "Transfer-Encoding: xchunked\r\n\r\n"), 501, ""},
	{"identity", IN(POST "Transfer-Encoding: identity\r\n\r\n"), 501, ""},
	{"quoted", IN(POST "Transfer-Encoding: \"chunked\"\r\n\r\n"), 501, ""},
	{"with parameter", IN(POST "Transfer-Encoding: chunked;a=b\r\n\r\n"), 501, ""},
	{"vertical tab before chunked", IN(POST "Transfer-Encoding: \x0b" "chunked\r\n\r\n"), 400, ""},
	{"empty coding", IN(POST "Transfer-Encoding:\r\n\r\n"), 400, ""},
	{"blank before the colon of chunked", IN(POST "Transfer-Encoding : chunked\r\n\r\n"), 400, ""},
	{"folded chunked", IN(POST "Transfer-Encoding:\r\n chunked\r\n\r\n"), 400, ""},
	{"underscore is another name", IN(POST "Transfer_Encoding: chunked\r\n\r\n"), OK("POST / 1.1 host=a body=none keep [Host=a]")},
	{"chunked in 1.0", IN("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400, ""},
	/* the connection */
	{"close", IN(GET "Connection: close\r\n\r\n"), OK("GET / 1.1 host=a body=none [Host=a] [Connection=close]")},
	{"close in a list", IN(GET "Connection: x , ,CLOSE\r\n\r\n"), OK("GET / 1.1 host=a body=none [Host=a] [Connection=x , ,CLOSE]")},
	{"close in the second field", IN(GET "Connection: keep-alive\r\nConnection: close\r\n\r\n"),
		OK("GET / 1.1 host=a body=none [Host=a] [Connection=keep-alive] [Connection=close]")},
	{"closer is not close", IN(GET "Connection: closer\r\n\r\n"), OK("GET / 1.1 host=a body=none keep [Host=a] [Connection=closer]")},
	{"1.0 keep-alive", IN("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), OK("GET / 1.0 host= body=none keep [Connection=Keep-Alive]")},
	{"1.0 keep-alive and close", IN("GET / HTTP/1.0\r\nConnection: Keep-Alive, close\r\n\r\n"),
		OK("GET / 1.0 host= body=none [Connection=Keep-Alive, close]")},
	{"upgrade (G10)", IN(GET "Upgrade: websocket\r\n\r\n"), OK("GET / 1.1 host=a body=none keep upgrade [Host=a] [Upgrade=websocket]")},
	{"empty upgrade (G10)", IN(GET "Upgrade:\r\n\r\n"), OK("GET / 1.1 host=a body=none keep [Host=a] [Upgrade=]")},
	{"upgrade to h2c (h2c smuggling)", IN(GET "Upgrade: h2c\r\n\r\n"), OK("GET / 1.1 host=a body=none keep [Host=a] [Upgrade=h2c]")},
	{"upgrade to h2c among others", IN(GET "Upgrade: foo, H2C\r\n\r\n"),
		OK("GET / 1.1 host=a body=none keep [Host=a] [Upgrade=foo, H2C]")},
	{"h2c, then a websocket", IN(GET "Upgrade: h2c\r\nUpgrade: websocket\r\n\r\n"),
		OK("GET / 1.1 host=a body=none keep [Host=a] [Upgrade=h2c] [Upgrade=websocket]")},
	{"a websocket, then h2c: the first goes on", IN(GET "Upgrade: websocket\r\nUpgrade: h2c\r\n\r\n"),
		OK("GET / 1.1 host=a body=none keep upgrade [Host=a] [Upgrade=websocket] [Upgrade=h2c]")},
	{"upgrade to h2", IN(GET "Upgrade: h2\r\n\r\n"), OK("GET / 1.1 host=a body=none keep upgrade [Host=a] [Upgrade=h2]")},
	{"upgrade in 1.0", IN("GET / HTTP/1.0\r\nUpgrade: h2c\r\n\r\n"), OK("GET / 1.0 host= body=none [Upgrade=h2c]")},
	{"upgrade with a body shows both", IN(GET "Upgrade: x\r\nContent-Length: 5\r\n\r\n"),
		OK("GET / 1.1 host=a body=length:5 keep upgrade [Host=a] [Upgrade=x] [Content-Length=5]")},
	{"expect", IN(POST "Content-Length: 5\r\nExpect: 100-Continue\r\n\r\n"),
		OK("POST / 1.1 host=a body=length:5 keep expect [Host=a] [Content-Length=5] [Expect=100-Continue]")},
	{"expect in 1.0", IN("POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n"), OK("POST / 1.0 host= body=none [Expect=100-continue]")},
	{"unknown expectation", IN(POST "Expect: gold\r\n\r\n"), 417, ""},
};

/* The first `len` bytes, in memory of exactly that size, so that a read beyond is seen. */
static enum parse_result parse_first(struct str in, size_t len, struct buf *text, size_t *used, struct http1_error *error)
{
	struct http_field fields[8];
	struct http_head head = {.fields = fields};
	char *copy = mem_alloc(len ? len : 1);
	enum parse_result result;

	memcpy(copy, in.ptr, len);
	result = http1_parse_request(str_of(copy, len), &limits, &head, used, error);
	buf_clear(text);
	if (result == PARSE_DONE)
		add_request_text(text, &head);
	mem_free(copy);
	return result;
}

static void test_case(struct str in, unsigned status, const char *want)
{
	struct http1_error error = {0}, early = {0};
	struct buf text = {0};
	size_t used = 0;
	enum parse_result result = parse_first(in, in.len, &text, &used, &error);
	bool is_taken = status == 0;

	CHECK_INT(result, is_taken ? PARSE_DONE : PARSE_BAD);
	CHECK_INT(error.status, status);
	CHECK(is_taken || error.reason);
	CHECK_STR(buf_str(&text), str_from(want));
	if (is_taken)
		CHECK_INT(used, in.len);
	for (size_t len = 0; len < in.len; len++) {
		enum parse_result part = parse_first(in, len, &text, &used, &early);

		if (part == PARSE_MORE)
			continue;
		CHECK(!is_taken && part == PARSE_BAD);
		CHECK_INT(early.status, status);
		CHECK(early.reason == error.reason);
		break;
	}
	buf_deinit(&text);
}

static void test_rest_is_left(void)
{
	struct str in = STR(GET "\r\nGET /next");
	struct http1_error error = {0};
	struct buf text = {0};
	size_t used = 0;

	check_case("what follows is left");
	CHECK_INT(parse_first(in, in.len, &text, &used, &error), PARSE_DONE);
	CHECK_INT(used, in.len - 9);
	buf_deinit(&text);
}

static void test_options(void)
{
	static const struct {
		bool drops, keeps_underscores;
		const char *want;
	} rows[] = {
		{true, false, " keep [Host=a]"},
		{true, true, " keep [Host=a] [A_b=1]"},
		{false, false, " keep [Host=a] [A_b=1] [A.c=2]"},
	};

	for (size_t i = 0; i < CHECK_COUNT(rows); i++) {
		struct http_field fields[8];
		struct http_head head = {.fields = fields};
		struct http1_limits own = limits;
		struct http1_error error;
		struct buf text = {0};
		size_t used;

		check_case("names that are dropped (A29)");
		own.drops_invalid_names = rows[i].drops;
		own.keeps_underscores = rows[i].keeps_underscores;
		own.line_bytes = 0;
		CHECK_INT(http1_parse_request(STR(GET "A_b: 1\r\nA.c: 2\r\n\r\n"), &own, &head, &used, &error), PARSE_DONE);
		add_fields_text(&text, &head);
		CHECK_STR(buf_str(&text), str_from(rows[i].want));
		buf_deinit(&text);
	}
}

static void test_worth(void)
{
	struct str in = STR(GET "A: " X200 X200);

	check_case("worth parsing again");
	CHECK(http1_is_worth_parsing(str_first(in, 1), 0, &limits));
	CHECK(!http1_is_worth_parsing(str_first(in, 10), 9, &limits));
	CHECK(!http1_is_worth_parsing(str_first(in, 10), 10, &limits));
	CHECK(http1_is_worth_parsing(str_first(in, 16), 15, &limits));
	CHECK(!http1_is_worth_parsing(str_first(in, 199), 30, &limits));
	CHECK(http1_is_worth_parsing(str_first(in, 200), 199, &limits));
	CHECK(http1_is_worth_parsing(str_first(in, 400), 300, &limits));
	CHECK(http1_is_worth_parsing(str_of(in.ptr, 600 < in.len ? 600 : in.len), 100, &limits));
}

int main(void)
{
	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		check_case(cases[i].name);
		test_case(cases[i].in, cases[i].status, cases[i].want);
	}
	test_rest_is_left();
	test_options();
	test_worth();
	return check_done();
}

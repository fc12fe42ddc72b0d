/* Header blocks of HTTP/2: what is a request, what is refused and why (RFC 9113 8.2, 8.3; SEMANTICS B1, B2; SECURITY.md 4.2). */
#include <stdio.h>

#include "block.h"
#include "check.h"
#include "mem.h"

static const struct http2_limits limits = {.bytes = 2000, .n_fields = 12, .drops_invalid_names = true};

/* "name=value|name=value": a block. */
static void fill(struct http2_block *b, const char *text)
{
	struct str rest = str_from(text), piece;

	while (str_next(&rest, '|', &piece)) {
		size_t at = str_find(piece, '=');

		http2_block_add(b, &limits, str_first(piece, at), str_from_index(piece, at + 1));
	}
}

static void show(const struct http2_request *r, struct buf *out)
{
	static const char *const bodies[] = {"none", "length", "unknown", "close"};
	const struct http_head *h = &r->head;

	buf_printf(out, "%.*s %.*s host=%.*s body=%s", STR_ARG(h->method_text), STR_ARG(h->target), STR_ARG(h->host),
		bodies[h->body]);
	for (size_t i = 0; i < h->n_fields; i++)
		buf_printf(out, " [%.*s=%.*s]", STR_ARG(h->fields[i].name), STR_ARG(h->fields[i].value));
	if (h->is_upgrade)
		buf_add(out, STR(" upgrade"));
}

#define GET ":method=GET|:scheme=https|:authority=a.test|:path=/x?y"
#define POST ":method=POST|:scheme=https|:authority=a.test|:path=/x"

static const struct {
	const char *name, *block;
	bool has_body;
	unsigned status;   /* 0: a request */
	const char *want;  /* the request, or why not */
} cases[] = {
	{"plain", GET, false, 0, "GET /x?y host=a.test body=none"},
	{"fields", GET "|accept=*/*|x-a=", false, 0, "GET /x?y host=a.test body=none [accept=*/*] [x-a=]"},
	{"host alone", ":method=GET|:scheme=http|:path=/|host=b.test", false, 0, "GET / host=b.test body=none [host=b.test]"},
	{"host that agrees", GET "|host=A.test", false, 0, "GET /x?y host=a.test body=none [host=A.test]"},
	{"host with port", ":method=GET|:scheme=http|:authority=[::1]:8080|:path=/", false, 0, "GET / host=[::1]:8080 body=none"},
	{"crumbs", GET "|cookie=a|x-b=1|cookie=c|cookie=d", false, 0, "GET /x?y host=a.test body=none [cookie=a; c; d] [x-b=1]"},
	{"one crumb", GET "|cookie=a; b", false, 0, "GET /x?y host=a.test body=none [cookie=a; b]"},
	{"length", POST "|content-length=5", true, 0, "POST /x host=a.test body=length [content-length=5]"},
	{"no length", POST, true, 0, "POST /x host=a.test body=unknown"},
	{"length 0", POST "|content-length=0", true, 0, "POST /x host=a.test body=none [content-length=0]"},
	{"OPTIONS *", ":method=OPTIONS|:scheme=http|:authority=a.test|:path=*", false, 0, "OPTIONS * host=a.test body=none"},
	{"CONNECT", ":method=CONNECT|:authority=a.test:443", true, 0, "CONNECT a.test:443 host=a.test:443 body=unknown"},
	{"te: trailers", GET "|te=trailers", false, 0, "GET /x?y host=a.test body=none [te=trailers]"},
	{"A29 underscore is dropped", GET "|x_a=1|x-b=2", false, 0, "GET /x?y host=a.test body=none [x-b=2]"},
	{"RFC 8441", ":method=CONNECT|:protocol=websocket|:scheme=https|:authority=a.test|:path=/ws|sec-websocket-version=13", true,
		0, "GET /ws host=a.test body=none [sec-websocket-version=13] [upgrade=websocket] [sec-websocket-key=] upgrade"},
	{"RFC 8441 with a key of its own", ":method=CONNECT|:protocol=websocket|:scheme=https|:authority=a.test|:path=/"
		"|sec-websocket-key=x", true, 0, "GET / host=a.test body=none [upgrade=websocket] [sec-websocket-key=] upgrade"},
	{"unknown protocol", ":method=CONNECT|:protocol=h3|:scheme=https|:authority=a.test|:path=/", true, 501,
		":protocol other than websocket"},
	{"empty name", GET "|=1", false, 400, "empty field name"},
	{"protocol with GET", ":method=GET|:protocol=websocket|:scheme=https|:authority=a.test|:path=/", false, 400,
		":protocol without CONNECT"},
	{"CONNECT with path", ":method=CONNECT|:scheme=https|:authority=a.test|:path=/", true, 400, "CONNECT takes :authority alone"},
	{"no method", ":scheme=https|:authority=a.test|:path=/", false, 400, "no :method"},
	{"bad method", ":method=G T|:scheme=https|:authority=a.test|:path=/", false, 400, "invalid :method"},
	{"long method", ":method=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA|:scheme=https|:authority=a|:path=/", false, 400, "invalid :method"},
	{"no scheme", ":method=GET|:authority=a.test|:path=/", false, 400, "no :scheme"},
	{"odd scheme", ":method=GET|:scheme=ftp|:authority=a.test|:path=/", false, 400, "invalid :scheme"},
	{"no path", ":method=GET|:scheme=https|:authority=a.test", false, 400, "no :path"},
	{"empty path", ":method=GET|:scheme=https|:authority=a.test|:path=", false, 400, "invalid :path"},
	{"absolute path", ":method=GET|:scheme=https|:authority=a.test|:path=http://b/", false, 400, "invalid :path"},
	{"GET *", ":method=GET|:scheme=https|:authority=a.test|:path=*", false, 400, "invalid :path"},
	{"blank in path", ":method=GET|:scheme=https|:authority=a.test|:path=/a b", false, 400, "invalid :path"},
	{"CRLF in path", ":method=GET|:scheme=https|:authority=a.test|:path=/a\r\nb", false, 400, "invalid :path"},
	{"no authority", ":method=GET|:scheme=https|:path=/", false, 400, "neither :authority nor host"},
	{"B2 empty authority", ":method=GET|:scheme=https|:authority=|:path=/", false, 400, "invalid :authority"},
	{"B2 two dots", ":method=GET|:scheme=https|:authority=a..b|:path=/", false, 400, "invalid :authority"},
	{"host differs", GET "|host=b.test", false, 400, ":authority and host differ"},
	{"two hosts", GET "|host=a.test|host=a.test", false, 400, "more than one host"},
	{"pseudo twice", GET "|:path=/", false, 400, "a pseudo-field twice"},
	{"pseudo late", ":method=GET|x-a=1|:scheme=https", false, 400, "a pseudo-field after other fields"},
	{"pseudo unknown", GET "|:status=200", false, 400, "an unknown pseudo-field"},
	{"upper case", GET "|X-a=1", false, 400, "upper case in a field name"},
	{"blank in name", GET "|x a=1", false, 400, "invalid field name"},
	{"CR in value", GET "|x-a=1\r2", false, 400, "invalid byte in a field value"},
	{"LF in value", GET "|x-a=1\n2", false, 400, "invalid byte in a field value"},
	{"blank first", GET "|x-a= 1", false, 400, "blanks around a field value"},
	{"tab last", GET "|x-a=1\t", false, 400, "blanks around a field value"},
	{"blank alone", GET "|x-a= ", false, 400, "blanks around a field value"},
	{"connection", GET "|connection=close", false, 400, "a field of HTTP/1.1 connections"},
	{"transfer-encoding", POST "|transfer-encoding=chunked", true, 400, "a field of HTTP/1.1 connections"},
	{"upgrade", GET "|upgrade=h2c", false, 400, "a field of HTTP/1.1 connections"},
	{"te: gzip", GET "|te=gzip", false, 400, "TE other than trailers"},
	{"length and no body", GET "|content-length=1", false, 400, "content-length without a body"},
	{"two lengths", POST "|content-length=1|content-length=1", true, 400, "more than one content-length"},
	{"signed length", POST "|content-length=-1", true, 400, "invalid content-length"},
	{"empty length", POST "|content-length=", true, 400, "invalid content-length"},
	{"huge length", POST "|content-length=18446744073709551616", true, 400, "invalid content-length"},
	{"expectation", POST "|expect=x", true, 417, "unknown expectation"},
	{"too many", GET "|a=|b=|c=|d=|e=|f=|g=|h=|i=", false, 400, "request header or cookie too large"},
	{"too many crumbs", GET "|cookie=|cookie=|cookie=|cookie=|cookie=|cookie=|cookie=|cookie=|cookie=", false, 400,
		"request header or cookie too large"},
};

static void test_requests(void)
{
	struct http2_block b = {0};
	struct http_field fields[14];

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct http2_request r = {.head = {.fields = fields}};
		struct buf got = {0};

		check_case(cases[i].name);
		http2_block_clear(&b);
		fill(&b, cases[i].block);
		if (http2_block_request(&b, &limits, !cases[i].has_body, &r) == HTTP2_REQUEST) {
			CHECK_INT(0, cases[i].status);
			CHECK_INT(r.head.version, HTTP_2);
			show(&r, &got);
		} else {
			CHECK_INT(r.status, cases[i].status);
			buf_add(&got, str_from(r.why));
		}
		CHECK_STR(buf_str(&got), str_from(cases[i].want));
		buf_deinit(&got);
	}
	http2_block_deinit(&b);
}

static void test_bytes(void)
{
	struct http2_block b = {0};
	struct buf value = {0};
	int n = 0;

	check_case("a name or value with any byte that is none of it");
	for (int c = 0; c < 256; c++) {
		struct http2_request r = {.head = {.fields = (struct http_field[14]){{.id = 0}}}};
		char text[3] = {'a', (char)c, 'b'};

		http2_block_clear(&b);
		fill(&b, GET);
		http2_block_add(&b, &limits, STR("x-a"), str_of(text, 3));
		CHECK_INT(http2_block_request(&b, &limits, true, &r) == HTTP2_REQUEST, (c >= 0x20 && c != 0x7f) || c == '\t');
		http2_block_clear(&b);
		fill(&b, ":method=GET|:scheme=http|:authority=a");
		text[0] = '/';
		http2_block_add(&b, &limits, STR(":path"), str_of(text, 3));
		CHECK_INT(http2_block_request(&b, &limits, true, &r) == HTTP2_REQUEST, c > 0x20 && c != 0x7f && c != '#');
	}
	check_case("bytes are bounded, and so is what is decoded in vain");
	http2_block_clear(&b);
	fill(&b, GET);
	for (int i = 0; i < 500; i++)
		buf_add_char(&value, 'v');
	while (n < 100 && http2_block_add(&b, &limits, STR("x-a"), buf_str(&value)))
		n++;
	CHECK(b.is_over);
	CHECK(n >= 10 && n <= 16);
	CHECK(b.text.len <= limits.bytes);
	buf_deinit(&value);
	http2_block_deinit(&b);
}

static void test_trailers(void)
{
	static const struct {
		const char *block, *why;
	} rows[] = {
		{"x-a=1|grpc-status=0", NULL},
		{":path=/", "invalid field name"},
		{"content-length=1", "a field of the head among the trailers"},
		{"host=a", "a field of the head among the trailers"},
		{"transfer-encoding=chunked", "a field of HTTP/1.1 connections"},
		{"x-a=1\r\nb", "invalid byte in a field value"},
		{"X-A=1", "upper case in a field name"},
		{"=1", "empty field name"},
	};
	struct http2_block b = {0};

	for (size_t i = 0; i < CHECK_COUNT(rows); i++) {
		check_case(rows[i].block);
		http2_block_clear(&b);
		fill(&b, rows[i].block);
		CHECK_STR(str_from(http2_block_trailers(&b, &limits)), str_from(rows[i].why));
	}
	http2_block_deinit(&b);
}

int main(void)
{
	test_requests();
	test_bytes();
	test_trailers();
	return check_done();
}

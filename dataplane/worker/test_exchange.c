/* Requests and responses through a worker, against a scripted client and scripted backends. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct fixture f;
static int backend, backend_port;

#define HOST "Host: a.test\r\n"
#define STREAMS "Host: s.test\r\n" /* proxy-request-buffering: off */
#define OK_HI "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

/* One request on a fresh connection, one answer of the backend; what the client gets, head and `body` more bytes. */
static int c, b;

static void begin(const char *name)
{
	check_case(name);
	c = client_connect(&f.http);
}

static void finish(void)
{
	close(c);
	if (b >= 0)
		close(b);
	b = -1;
}

/* The next request head that the backend gets; accepts first when nothing is open. */
static const char *backend_gets(void)
{
	if (b < 0)
		b = backend_accept(backend);
	return take_until(b, "\r\n\r\n");
}

static void test_plain(void)
{
	const char *text;

	begin("A25, D7: a request gets our fields, a response gets our Date");
	put(c, "GET /x?y=%2F HTTP/1.1\r\n" HOST "X-Forwarded-For: 6.6.6.6\r\nConnection: X-Drop\r\nX-Drop: 1\r\n"
	       "Proxy: evil\r\nX-Keep: 2\r\n\r\n");
	text = backend_gets();
	CHECK(strncmp(text, "GET /x?y=%2F HTTP/1.1\r\n", 23) == 0);
	CHECK_HAS(text, "\r\nHost: a.test\r\n");
	CHECK_HAS(text, "\r\nX-Keep: 2\r\n");
	CHECK_HAS(text, "\r\nX-Forwarded-For: 127.0.0.1\r\n");
	CHECK_HAS(text, "\r\nX-Real-IP: 127.0.0.1\r\n");
	CHECK_HAS(text, "\r\nX-Forwarded-Proto: http\r\n");
	CHECK_HAS(text, "\r\nX-Request-ID: ");
	CHECK_HAS_NOT(text, "X-Drop");
	CHECK_HAS_NOT(text, "Proxy:");
	CHECK_HAS_NOT(text, "Connection:");
	put(b, "HTTP/1.1 200 Fine\r\nContent-Length: 2\r\nServer: x\r\nDate: never\r\nX-Accel-Redirect: /etc\r\n"
	       "Keep-Alive: 5\r\nX-Own: 1\r\nConnection: x-named, keep-alive\r\nX-More: 2\r\nX-Named: 3\r\n\r\nhi");
	text = take_until(c, "\r\n\r\n");
	CHECK(strncmp(text, "HTTP/1.1 200 Fine\r\n", 19) == 0);
	CHECK_HAS(text, "\r\nX-Own: 1\r\n");
	CHECK_HAS(text, "\r\nContent-Length: 2\r\n");
	CHECK_HAS(text, " GMT\r\n");
	CHECK_HAS_NOT(text, "never");
	CHECK_HAS_NOT(text, "Server");
	CHECK_HAS_NOT(text, "X-Accel");
	CHECK_HAS_NOT(text, "Keep-Alive");
	CHECK_HAS(text, "\r\nX-More: 2\r\n");
	CHECK_HAS_NOT(text, "X-Named");
	CHECK_STR(str_from(take(c, 2)), STR("hi"));
	finish();
}

static void test_reuse(void)
{
	begin("G16: the second request goes over the same connections");
	for (int i = 0; i < 3; i++) {
		put(c, "GET / HTTP/1.1\r\n" HOST "\r\n");
		CHECK_HAS(backend_gets(), "GET / ");
		put(b, OK_HI);
		CHECK_HAS(take_until(c, "hi"), "200 OK");
	}
	CHECK(!backend_is_asked(backend, 0));
	finish();
}

static void test_pipelining(void)
{
	begin("requests sent together are answered in order");
	put(c, "GET /1 HTTP/1.1\r\n" HOST "\r\nGET /2 HTTP/1.1\r\n" HOST "\r\nTRACE /3 HTTP/1.1\r\n" HOST
	       "\r\nPOST /4 HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabcGET /5 HTTP/1.1\r\n" HOST "\r\n");
	CHECK_HAS(backend_gets(), "GET /1 ");
	put(b, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none");
	CHECK_HAS(take_until(c, "one"), "200 OK");
	CHECK_HAS(backend_gets(), "GET /2 ");
	put(b, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nt\r\n2\r\nwo\r\n0\r\n\r\n");
	CHECK_HAS(take_until(c, "0\r\n\r\n"), "\r\n\r\n3\r\ntwo\r\n"); /* chunks that come together leave together */
	CHECK_HAS(take_until(c, "</html>\r\n"), "HTTP/1.1 405 ");
	CHECK_HAS(backend_gets(), "POST /4 ");
	CHECK_STR(str_from(take(b, 3)), STR("abc"));
	put(b, "HTTP/1.1 201 Created\r\nContent-Length: 4\r\n\r\nfour");
	CHECK_HAS(take_until(c, "four"), "201 Created");
	CHECK_HAS(backend_gets(), "GET /5 ");
	put(b, OK_HI);
	CHECK_HAS(take_until(c, "hi"), "200 OK");
	finish();
}

static void test_byte_by_byte(void)
{
	static const char request[] = "POST /b HTTP/1.1\r\n" STREAMS "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: 1\r\n\r\n";
	static const char response[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n\r\n3\r\nabc\r\n0\r\nT: 1\r\n\r\n";
	const char *text;

	begin("request and response in single bytes; trailers are dropped");
	for (size_t i = 0; i < sizeof(request) - 1; i++) {
		put_bytes(c, request + i, 1);
		usleep(200); /* lets most bytes travel alone; nothing depends on it */
	}
	text = backend_gets();
	CHECK_HAS(text, "\r\nTransfer-Encoding: chunked\r\n");
	CHECK_HAS_NOT(text, "Content-Length");
	text = take_until(b, "0\r\n\r\n");
	CHECK_HAS_NOT(text, "T: 1");
	CHECK_HAS_NOT(text, "x=y");
	for (size_t i = 0; i < sizeof(response) - 1; i++) {
		put_bytes(b, response + i, 1);
		usleep(200);
	}
	text = take_until(c, "0\r\n\r\n");
	CHECK_HAS(text, "\r\nTransfer-Encoding: chunked\r\n");
	CHECK_HAS_NOT(text, "Trailer");
	CHECK_HAS_NOT(text, "T: 1");
	finish();
}

static void test_bodies(void)
{
	const char *text;

	begin("G6: chunks that are all here become a length");
	put(c, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
	text = backend_gets();
	CHECK_HAS(text, "\r\nContent-Length: 5\r\n");
	CHECK_HAS_NOT(text, "Transfer-Encoding");
	CHECK_STR(str_from(take(b, 5)), STR("abcde"));
	put(b, OK_HI);
	CHECK_HAS(take_until(c, "hi"), "200 OK");
	finish();

	begin("G6: Expect is answered by us and not passed on");
	put(c, "POST / HTTP/1.1\r\n" HOST "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n");
	CHECK_STR(str_from(take_until(c, "\r\n\r\n")), STR("HTTP/1.1 100 Continue\r\n\r\n"));
	put(c, "body");
	CHECK_HAS_NOT(backend_gets(), "Expect");
	CHECK_STR(str_from(take(b, 4)), STR("body"));
	put(b, OK_HI);
	CHECK_HAS(take_until(c, "hi"), "200 OK");
	finish();

	begin("an early answer closes the connection behind it");
	put(c, "POST / HTTP/1.1\r\n" STREAMS "Content-Length: 100\r\n\r\npart");
	backend_gets();
	CHECK_STR(str_from(take(b, 4)), STR("part"));
	put(b, "HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno");
	text = take_until(c, "\r\n\r\nno");
	CHECK_HAS(text, "401 No");
	CHECK_HAS(text, "\r\nConnection: close\r\n");
	put(c, "the rest of the body that nobody wants");
	CHECK_STR(str_from(take_all(c)), STR(""));
	CHECK(is_closed(b));
	finish();
}

static void test_heads_without_bodies(void)
{
	static const struct {
		const char *name, *method, *response, *want, *not_want;
	} cases[] = {
		{"HEAD keeps Content-Length", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n",
			"\r\nContent-Length: 999\r\n", "Transfer-Encoding"},
		{"204", "GET", "HTTP/1.1 204 No Content\r\n\r\n", "204 No Content", "Content-Length"},
		{"304 keeps Content-Length", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\nETag: x\r\n\r\n",
			"\r\nContent-Length: 7\r\n", "Transfer-Encoding"},
		{"G8: 100 and 103 are swallowed", "GET",
			"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
			"HTTP/1.1 204", "Link"},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		char request[100];
		const char *text;

		begin(cases[i].name);
		snprintf(request, sizeof(request), "%s / HTTP/1.1\r\n" HOST "\r\n", cases[i].method);
		for (int again = 0; again < 2; again++) { /* the connections are in step afterwards */
			put(c, request);
			backend_gets();
			put(b, cases[i].response);
			text = take_until(c, "\r\n\r\n");
			CHECK(strstr(text, cases[i].want) != NULL);
			CHECK(strstr(text, cases[i].not_want) == NULL);
		}
		finish();
	}
}

static void test_versions(void)
{
	const char *text;

	begin("a 1.0 client gets chunks unframed and a close");
	put(c, "GET / HTTP/1.0\r\n" HOST "Connection: keep-alive\r\n\r\n");
	backend_gets();
	put(b, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n");
	text = take_all(c);
	CHECK_HAS(text, "Connection: close\r\n");
	CHECK_HAS_NOT(text, "Transfer-Encoding");
	CHECK(str_ends_with(str_from(text), STR("\r\n\r\nhi")));
	finish();

	begin("a 1.0 client that asks for it is kept");
	for (int i = 0; i < 2; i++) {
		put(c, "GET / HTTP/1.0\r\n" HOST "Connection: keep-alive\r\n\r\n");
		backend_gets();
		put(b, OK_HI);
		CHECK_HAS(take_until(c, "hi"), "\r\nConnection: keep-alive\r\n");
	}
	finish();

	begin("a backend's body that ends with its connection becomes chunks");
	put(c, "GET / HTTP/1.1\r\n" HOST "\r\n");
	backend_gets();
	put(b, "HTTP/1.0 200 OK\r\n\r\nuntil the end");
	close(b);
	b = -1;
	CHECK_HAS(take_until(c, "0\r\n\r\n"), "until the end");
	put(c, "GET / HTTP/1.1\r\n" HOST "\r\n"); /* the client's connection stays */
	backend_gets();
	put(b, OK_HI);
	CHECK_HAS(take_until(c, "hi"), "200 OK");
	finish();
}

static void test_refusals(void)
{
	static const struct {
		const char *name, *request, *want;
	} cases[] = {
		{"no host", "GET / HTTP/1.1\r\n\r\n", " 400 "},
		{"garbage", "\x16\x03\x01 hello\r\n\r\n", " 400 "},
		{"CL and TE", "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", " 400 "},
		{"unknown coding", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", " 501 "},
		{"above the root", "GET /../x HTTP/1.1\r\n" HOST "\r\n", " 400 "},
		{"0.2 TRACE", "TRACE / HTTP/1.1\r\n" HOST "\r\n", " 405 "},
		{"D4 unknown host", "GET / HTTP/1.1\r\nHost: b.test\r\n\r\n", " 404 "},
		{"B7 health", "GET /healthz HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n", " 200 "},
		{"D1 no endpoints", "GET / HTTP/1.1\r\nHost: empty.test\r\n\r\n", " 503 "},
		{"0.5 too large", "POST / HTTP/1.1\r\n" HOST "Content-Length: 1048577\r\n\r\n", " 413 "},
		{"a bad chunk", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", " 400 "},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		const char *text;

		begin(cases[i].name);
		put(c, cases[i].request);
		text = take_until(c, "\r\n\r\n");
		CHECK(strstr(text, cases[i].want) != NULL);
		if (strstr(cases[i].want, "400")) {
			CHECK_HAS(text, "\r\nConnection: close\r\n");
			CHECK_HAS(take_all(c), "<center>nginx</center>");
		}
		finish();
	}
	if (backend_is_asked(backend, 0)) /* the bad chunk's connection was opened before the chunk was judged */
		close(backend_accept(backend));
}

/* D6. */
static void test_growing_body(void)
{
	static char chunk[65536];

	begin("D6: chunks that grow beyond the limit are stopped");
	memset(chunk, 'x', sizeof(chunk));
	put(c, "POST / HTTP/1.1\r\n" STREAMS "Transfer-Encoding: chunked\r\n\r\n");
	b = backend_accept(backend);
	for (int i = 0; i < 17; i++) {
		put(c, "10000\r\n");
		put_bytes(c, chunk, sizeof(chunk));
		put(c, "\r\n");
		if (i < 15)
			CHECK(take(b, sizeof(chunk))[0] != '\0');
	}
	CHECK_HAS(take_until(c, "\r\n\r\n"), " 413 ");
	finish();
}

static void test_upstream_failures(void)
{
	const char *text;

	begin("D3: no valid head is 502");
	put(c, "GET / HTTP/1.1\r\n" HOST "\r\n");
	backend_gets();
	put(b, "SSH-2.0-OpenSSH\r\n\r\n");
	CHECK_HAS(take_until(c, "</html>\r\n"), " 502 Bad Gateway");
	finish();

	begin("D3: a head above proxy-buffer-size is 502");
	put(c, "GET / HTTP/1.1\r\n" HOST "\r\n");
	backend_gets();
	put(b, "HTTP/1.1 200 OK\r\nX-Long: ");
	for (int i = 0; i < 500; i++)
		put(b, "0123456789");
	CHECK_HAS(take_until(c, "</html>\r\n"), " 502 Bad Gateway");
	finish();

	begin("a 101 that nobody asked for is 502");
	put(c, "GET / HTTP/1.1\r\n" HOST "\r\n");
	backend_gets();
	put(b, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
	CHECK_HAS(take_until(c, "</html>\r\n"), " 502 Bad Gateway");
	finish();

	begin("D3: a body cut short is cut for the client");
	put(c, "GET / HTTP/1.1\r\n" HOST "\r\n");
	backend_gets();
	put(b, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
	CHECK_HAS(take_until(c, "half"), "200 OK");
	close(b);
	b = -1;
	CHECK(is_closed(c));
	finish();

	begin("I31b: POST to a backend that closes after the request is not repeated");
	put(c, "POST / HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nab");
	backend_gets();
	CHECK_STR(str_from(take(b, 2)), STR("ab"));
	close(b);
	b = -1;
	CHECK_HAS(take_until(c, "</html>\r\n"), " 502 Bad Gateway");
	CHECK(!backend_is_asked(backend, 0));
	finish();

	begin("I30: GET is tried three times in all");
	put(c, "GET / HTTP/1.1\r\n" HOST "\r\n");
	for (int i = 0; i < 3; i++) {
		CHECK_HAS(backend_gets(), "GET / ");
		close(b);
		b = -1;
	}
	CHECK_HAS(take_until(c, "</html>\r\n"), " 502 Bad Gateway");
	CHECK(!backend_is_asked(backend, 0));
	finish();

	begin("G16: a connection that went stale costs no try");
	put(c, "GET /1 HTTP/1.1\r\n" HOST "\r\n");
	backend_gets();
	put(b, OK_HI);
	CHECK_HAS(take_until(c, "hi"), "200 OK");
	put(c, "GET /2 HTTP/1.1\r\n" HOST "\r\n");
	CHECK_HAS(backend_gets(), "GET /2 ");
	close(b); /* without a byte */
	b = -1;
	for (int i = 0; i < 3; i++) {
		text = backend_gets();
		CHECK_HAS(text, "GET /2 ");
		if (i < 2) {
			close(b);
			b = -1;
		}
	}
	put(b, OK_HI);
	CHECK_HAS(take_until(c, "hi"), "200 OK");
	finish();
}

int main(void)
{
	int refusing_port, other = backend_listen(&refusing_port);
	Weirlock__V1__Policy streams;

	b = -1;
	backend = backend_listen(&backend_port);
	close(other);
	fixture_start(&f, 1);
	fixture_put_backend(&f, "default-web-80", &backend_port, 1);
	fixture_put_backend(&f, "default-empty-80", NULL, 0);
	fixture_put_simple_host(&f, "a.test", "default-web-80", NULL);
	fixture_policy(&streams);
	streams.no_request_buffering = true;
	fixture_put_simple_host(&f, "s.test", "default-web-80", &streams);
	fixture_put_simple_host(&f, "empty.test", "default-empty-80", NULL);
	fixture_apply(&f);
	test_plain();
	test_reuse();
	test_pipelining();
	test_byte_by_byte();
	test_bodies();
	test_heads_without_bodies();
	test_versions();
	test_refusals();
	test_growing_body();
	test_upstream_failures();
	fixture_stop(&f);
	close(backend);
	return check_done();
}

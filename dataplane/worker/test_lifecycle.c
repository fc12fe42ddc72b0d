/* Retries, timeouts, closes at every byte, large bodies, TLS, swaps and drain: whatever happens, nothing hangs or leaks. */
#include "fixture.h"

#include <openssl/ssl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"

static struct fixture f;
static int backend, backend_port;

#define GET "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
#define OK_HI "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

static void put_host(const char *name, void (*edit)(Weirlock__V1__Policy *policy))
{
	Weirlock__V1__Policy policy;

	fixture_policy(&policy);
	if (edit)
		edit(&policy);
	fixture_put_simple_host(&f, name, "default-web-80", &policy);
}

static void answer_one(int c, const char *request, const char *response)
{
	int b;

	put(c, request);
	b = backend_accept(backend);
	take_until(b, "\r\n\r\n");
	put(b, response);
	close(b);
}

/* ------------------------------------------------------------------------------------------------------------- retries */

static void test_refused_endpoints(void)
{
	int ports[3], refusing[2], c, b;

	check_case("I31: a refused connection goes to the next endpoint, POST too: nothing was sent");
	for (int i = 0; i < 2; i++)
		refusing[i] = backend_listen(&ports[i]);
	ports[2] = backend_port;
	for (int i = 0; i < 2; i++)
		close(refusing[i]);
	fixture_put_backend(&f, "default-web-80", ports, 3);
	fixture_apply(&f);
	for (int i = 0; i < 4; i++) {
		c = client_connect(&f.http);
		put(c, "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nbody");
		b = backend_accept(backend);
		take_until(b, "\r\n\r\n");
		CHECK_STR(str_from(take(b, 4)), STR("body"));
		put(b, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi");
		CHECK_HAS(take_until(c, "hi"), "200 OK");
		close(b);
		close(c);
	}

	check_case("D3: nobody takes the connection");
	fixture_put_backend(&f, "default-web-80", ports, 2);
	fixture_apply(&f);
	c = client_connect(&f.http);
	put(c, GET);
	CHECK_HAS(take_until(c, "</html>\r\n"), "502 Bad Gateway");
	put(c, "HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n"); /* the connection is still good */
	CHECK_HAS(take_until(c, "\r\n\r\n"), "502 Bad Gateway");
	close(c);
	fixture_put_backend(&f, "default-web-80", &backend_port, 1);
	fixture_apply(&f);
}

static void on_503(Weirlock__V1__Policy *policy)
{
	policy->next_upstream |= WEIRLOCK__V1__NEXT_UPSTREAM__NEXT_UPSTREAM_HTTP_503;
	policy->next_upstream_tries = 2;
}

static void test_retry_on_status(void)
{
	int c = client_connect(&f.http);

	check_case("I35: a listed status is tried again; the last one is returned as it is");
	put_host("a.test", on_503);
	fixture_apply(&f);
	answer_one(c, "PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc",
		"HTTP/1.1 503 First\r\nContent-Length: 0\r\n\r\n");
	answer_one(c, "", "HTTP/1.1 503 Second\r\nContent-Length: 0\r\n\r\n");
	CHECK_HAS(take_until(c, "\r\n\r\n"), "503 Second");
	close(c);
	put_host("a.test", NULL);
	fixture_apply(&f);
}

/* ------------------------------------------------------------------------------------------------------------ timeouts */

static void short_read(Weirlock__V1__Policy *policy)
{
	policy->no_request_buffering = true;
	policy->proxy_read_timeout_ms = 200;
	policy->next_upstream_tries = 1;
}

static void test_timeouts(void)
{
	int c, b;

	check_case("D3: no response head in time is 504");
	put_host("a.test", short_read);
	f.settings.client_header_timeout_ms = 300;
	f.settings.client_body_timeout_ms = 300;
	f.settings.keep_alive_ms = 300;
	fixture_put_settings(&f);
	fixture_apply(&f);
	c = client_connect(&f.http);
	put(c, GET);
	b = backend_accept(backend);
	CHECK_HAS(take_until(c, "</html>\r\n"), "HTTP/1.1 504 ");
	CHECK(is_closed(c)); /* keep-alive has passed too */
	close(b);
	close(c);

	check_case("D3: a response that stops is cut");
	c = client_connect(&f.http);
	put(c, GET);
	b = backend_accept(backend);
	put(b, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab");
	CHECK_HAS(take_until(c, "ab"), "200 OK");
	CHECK(is_closed(c));
	close(b);
	close(c);

	check_case("G4: a head that does not end is closed without an answer");
	c = client_connect(&f.http);
	put(c, "GET / HTTP/1.1\r\nHost");
	CHECK(is_closed(c));
	close(c);

	check_case("G4: a body that stops is closed without an answer");
	c = client_connect(&f.http);
	put(c, "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nab");
	b = backend_accept(backend);
	CHECK(is_closed(c));
	close(b);
	close(c);

	check_case("a connection that never says anything is closed");
	c = client_connect(&f.http);
	CHECK(is_closed(c));
	close(c);
	put_host("a.test", NULL);
	f.settings.client_header_timeout_ms = f.settings.client_body_timeout_ms = f.settings.keep_alive_ms = 60000;
	fixture_put_settings(&f);
	fixture_apply(&f);
}

/* ------------------------------------------------------------------------------------------------- closes at every byte */

static void test_client_closes_anywhere(void)
{
	static const char request[] =
		"POST /x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";

	check_case("the client leaves after each byte of its request");
	for (size_t n = 0; n < sizeof(request); n++) {
		int c = client_connect(&f.http);

		put_bytes(c, request, n);
		if (n % 2) {
			struct linger now = {.l_onoff = 1};

			setsockopt(c, SOL_SOCKET, SO_LINGER, &now, sizeof(now)); /* a reset */
		}
		close(c);
		while (backend_is_asked(backend, 0))
			close(backend_accept(backend));
	}
	fixture_wait_metric(&f, offsetof(struct metrics, connections_active), 0);
	while (backend_is_asked(backend, 20))
		close(backend_accept(backend));
}

static void one_try(Weirlock__V1__Policy *policy)
{
	policy->next_upstream = 0;
}

static void test_backend_closes_anywhere(void)
{
	static const char response[] =
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n";

	check_case("the backend leaves after each byte of its response");
	put_host("a.test", one_try);
	fixture_apply(&f);
	for (size_t n = 0; n < sizeof(response); n++) {
		int c = client_connect(&f.http), b;
		const char *text;
		bool is_whole = n == sizeof(response) - 1;

		put(c, GET);
		b = backend_accept(backend);
		take_until(b, "\r\n\r\n");
		put_bytes(b, response, n);
		close(b);
		text = take_until(c, "\r\n\r\n");
		if (n < (size_t)(strstr(response, "\r\n\r\n") - response) + 4)
			CHECK_HAS(text, " 502 ");
		else
			CHECK_HAS(text, " 200 OK");
		if (is_whole)
			CHECK_HAS(take_until(c, "0\r\n\r\n"), "0\r\n\r\n");
		else if (strstr(text, " 200 "))
			CHECK_HAS_NOT(take_all(c), "0\r\n\r\n");
		close(c);
	}
	put_host("a.test", NULL);
	fixture_apply(&f);
}

/* ---------------------------------------------------------------------------------------------------------- large bodies */

static void fill(char *bytes, size_t size, size_t offset)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)('a' + (offset + i) % 23);
}

static void streams(Weirlock__V1__Policy *policy)
{
	policy->no_request_buffering = true;
}

static void test_large_bodies(void)
{
	enum { SIZE = 1000000 };
	char *body = mem_alloc(SIZE);
	int c = client_connect(&f.http), b;

	check_case("a body both ways, larger than every buffer, to a peer that reads late");
	fill(body, SIZE, 0);
	put_host("s.test", streams);
	fixture_apply(&f);
	put(c, "PUT / HTTP/1.1\r\nHost: s.test\r\nContent-Length: 1000000\r\n\r\n");
	b = backend_accept(backend);
	take_until(b, "\r\n\r\n");
	for (size_t done = 0; done < SIZE; done += 100000) {
		put_bytes(c, body + done, 100000);
		CHECK(memcmp(take(b, 100000), body + done, 100000) == 0);
	}
	put(b, "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n");
	for (int i = 0; i < 3; i++)
		put_bytes(b, body, SIZE); /* the sockets on the way hold this much */
	take_until(c, "\r\n\r\n");
	for (int i = 0; i < 3; i++)
		CHECK(memcmp(take(c, SIZE), body, SIZE) == 0);
	put(c, GET);
	take_until(b, "\r\n\r\n");
	put(b, OK_HI);
	CHECK_HAS(take_until(c, "hi"), "200 OK");
	close(c);
	close(b);
	mem_free(body);
}

/* ----------------------------------------------------------------------------------------------------------------- TLS */

static void test_tls(void)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(context);
	char text[8192] = {0};
	int c, b = -1, have = 0;

	check_case("E8 and F1: a request over TLS; A20: the scheme is https");
	c = client_connect(&f.https);
	SSL_set_fd(ssl, c);
	SSL_set_tlsext_host_name(ssl, "a.test");
	CHECK_INT(SSL_connect(ssl), 1);
	for (int i = 0; i < 2; i++) {
		have = 0;
		SSL_write(ssl, GET, sizeof(GET) - 1);
		b = i == 0 ? backend_accept(backend) : b;
		CHECK_HAS(take_until(b, "\r\n\r\n"), "\r\nX-Forwarded-Proto: https\r\n");
		put(b, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\nStrict-Transport-Security: backend\r\n\r\n01234567890123456789");
		while (!strstr(text, "90123456789") && have < 8000) {
			int n = SSL_read(ssl, text + have, 8000 - have);

			if (n <= 0)
				break;
			have += n;
			text[have] = '\0';
		}
		CHECK_HAS(text, "200 OK");
		CHECK_HAS(text, "\r\nStrict-Transport-Security: max-age=31536000");
		CHECK_HAS_NOT(text, "backend");
		memset(text, 0, sizeof(text));
	}
	SSL_free(ssl);
	close(c);
	close(b);
	SSL_CTX_free(context);

	check_case("F8: plain HTTP on the TLS port");
	c = client_connect(&f.https);
	put(c, GET);
	CHECK_HAS(take_all(c), "400 Bad Request");
	close(c);

	check_case("garbage on the TLS port");
	c = client_connect(&f.https);
	put(c, "\x16\x03\x01\xff\xff garbage");
	shutdown(c, SHUT_WR);
	take_all(c);
	close(c);
	fixture_wait_metric(&f, offsetof(struct metrics, connections_active), 0);
}

static void https_exchange(SSL *ssl, int c)
{
	char text[4096] = {0};
	int have = 0;

	put(c, "POST /tls HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nbody");
	while (have < 4000 && !strstr(text, "\r\n\r\nbody")) {
		int n = SSL_read(ssl, text + have, 4000 - have);

		if (n <= 0)
			break;
		have += n;
		text[have] = '\0';
	}
	CHECK_HAS(text, "POST /tls HTTP/1.1\r\n");
	CHECK_HAS(text, "\r\n\r\nbody");
	SSL_write(ssl, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n", 38);
	SSL_write(ssl, "tls ", 4);
	SSL_write(ssl, "says", 4);
	CHECK_HAS(take_until(c, "tls says"), "200 OK");
}

static void test_backend_protocols(void)
{
	SSL_CTX *context = backend_tls();
	SSL *ssl = SSL_new(context);
	int c = client_connect(&f.http), b;

	check_case("G13: HTTPS to the backend; its connection is used again");
	f.protocol = WEIRLOCK__V1__PROTOCOL__PROTOCOL_HTTPS;
	fixture_put_backend(&f, "default-web-80", &backend_port, 1);
	fixture_apply(&f);
	put(c, "HEAD /../ HTTP/1.1\r\nHost: a.test\r\n\r\n");
	CHECK_HAS(take_until(c, "\r\n\r\n"), " 400 ");
	close(c);
	c = client_connect(&f.http);
	put(c, "POST /tls HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n");
	b = backend_accept(backend);
	SSL_set_fd(ssl, b);
	CHECK_INT(SSL_accept(ssl), 1);
	SSL_read(ssl, (char[4096]){0}, 4096);
	SSL_write(ssl, OK_HI, sizeof(OK_HI) - 1);
	CHECK_HAS(take_until(c, "hi"), "200 OK");
	https_exchange(ssl, c);
	https_exchange(ssl, c);
	SSL_shutdown(ssl);
	SSL_free(ssl);
	close(b);
	close(c);
	SSL_CTX_free(context);

	check_case("D3: a backend that does not speak TLS is 502");
	c = client_connect(&f.http);
	put(c, "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n");
	for (int i = 0; i < 3; i++) {
		b = backend_accept(backend);
		put(b, "220 smtp ready\r\n");
		close(b);
	}
	CHECK_HAS(take_until(c, "</html>\r\n"), " 502 ");
	close(c);

	check_case("a protocol that is not spoken yet is 502");
	f.protocol = WEIRLOCK__V1__PROTOCOL__PROTOCOL_FCGI;
	fixture_put_backend(&f, "default-web-80", &backend_port, 1);
	fixture_apply(&f);
	c = client_connect(&f.http);
	put(c, GET);
	CHECK_HAS(take_until(c, "</html>\r\n"), " 502 ");
	close(c);
	f.protocol = WEIRLOCK__V1__PROTOCOL__PROTOCOL_HTTP;
	fixture_put_backend(&f, "default-web-80", &backend_port, 1);
	fixture_apply(&f);
}

/* ----------------------------------------------------------------------------------------------------- swaps and drain */

static void test_swaps(void)
{
	int ports[2], c, b, b2, other = backend_listen(&ports[1]);

	check_case("an exchange finishes on the generation it began with; idle connections to removed endpoints close");
	ports[0] = backend_port;
	c = client_connect(&f.http);
	put(c, GET);
	b = backend_accept(backend);
	take_until(b, "\r\n\r\n");
	put(b, OK_HI);
	take_until(c, "hi");
	put(c, "GET /second HTTP/1.1\r\nHost: a.test\r\n\r\n");
	CHECK_HAS(take_until(b, "\r\n\r\n"), "/second");
	content_drop(f.content, WEIRLOCK__V1__KIND__KIND_HOST, STR("a.test"));
	fixture_put_simple_host(&f, "b.test", "default-web-80", NULL);
	fixture_apply(&f);
	CHECK_INT(generation_live_count(), 2);
	put(b, OK_HI);
	CHECK_HAS(take_until(c, "hi"), "200 OK");
	put(c, "GET /third HTTP/1.1\r\nHost: a.test\r\n\r\n");
	CHECK_HAS(take_until(c, "</html>\r\n"), " 404 "); /* the same client connection, the new generation */
	CHECK_INT(generation_live_count(), 1);
	fixture_put_backend(&f, "default-web-80", &ports[1], 1);
	fixture_apply(&f);
	CHECK(is_closed(b));
	put(c, "GET /fourth HTTP/1.1\r\nHost: b.test\r\n\r\n");
	b2 = backend_accept(other);
	CHECK_HAS(take_until(b2, "\r\n\r\n"), "/fourth");
	put(b2, OK_HI);
	CHECK_HAS(take_until(c, "hi"), "200 OK");
	close(c);
	close(b);
	close(b2);
	close(other);
	fixture_put_backend(&f, "default-web-80", &backend_port, 1);
	fixture_put_simple_host(&f, "a.test", "default-web-80", NULL);
	fixture_apply(&f);
}

static void test_limits_of_keep_alive(void)
{
	int c = client_connect(&f.http), b;

	check_case("G5: the last request of keep-alive-requests says so");
	f.settings.keep_alive_requests = 2;
	fixture_put_settings(&f);
	fixture_apply(&f);
	put(c, GET);
	b = backend_accept(backend);
	take_until(b, "\r\n\r\n");
	put(b, OK_HI);
	CHECK_HAS_NOT(take_until(c, "hi"), "Connection: close");
	put(c, GET);
	take_until(b, "\r\n\r\n");
	put(b, OK_HI);
	CHECK_HAS(take_until(c, "hi"), "\r\nConnection: close\r\n");
	CHECK(is_closed(c));
	close(c);
	close(b);
	f.settings.keep_alive_requests = 1000;
	fixture_put_settings(&f);
	fixture_apply(&f);
}

static void test_drain(void)
{
	int idle = client_connect(&f.http), busy = client_connect(&f.http), b;

	check_case("drain: idle connections close, a request in progress ends, and says that it is the last");
	put(idle, GET);
	b = backend_accept(backend);
	take_until(b, "\r\n\r\n");
	put(b, OK_HI);
	take_until(idle, "hi");
	put(busy, GET);
	take_until(b, "\r\n\r\n");
	workers_drain(f.workers);
	CHECK(is_closed(idle));
	put(b, OK_HI);
	CHECK_HAS(take_until(busy, "hi"), "\r\nConnection: close\r\n");
	CHECK(is_closed(busy));
	CHECK(is_closed(b));
	fixture_wait(&f, &f.is_drained);
	close(idle);
	close(busy);
	close(b);
}

static void test_leave(void)
{
	int old = client_connect(&f.http), new, b;

	check_case("leave: who asks is answered, new connections too, and told that it was the last");
	put(old, GET);
	b = backend_accept(backend);
	take_until(b, "\r\n\r\n");
	put(b, OK_HI);
	CHECK(!strstr(take_until(old, "hi"), "Connection: close"));
	workers_leave(f.workers);
	new = client_connect(&f.http);
	put(new, GET);
	take_until(b, "\r\n\r\n");
	put(b, OK_HI);
	CHECK_HAS(take_until(new, "hi"), "\r\nConnection: close\r\n");
	CHECK(is_closed(new));
	put(old, GET);
	take_until(b, "\r\n\r\n");
	put(b, OK_HI);
	CHECK_HAS(take_until(old, "hi"), "\r\nConnection: close\r\n");
	CHECK(is_closed(old));
	close(old);
	close(new);
	close(b);
}

int main(void)
{
	static char certificate[] = "default/a";

	backend = backend_listen(&backend_port);
	fixture_start(&f, 1);
	fixture_put_backend(&f, "default-web-80", &backend_port, 1);
	fixture_put_simple_host(&f, "a.test", "default-web-80", NULL);
	fixture_put_certificate(&f, "default/a", "a.test");
	f.settings.default_certificate = certificate;
	f.settings.hsts = true;
	f.settings.hsts_max_age_s = 31536000;
	fixture_put_settings(&f);
	fixture_apply(&f);
	test_refused_endpoints();
	test_retry_on_status();
	test_timeouts();
	test_client_closes_anywhere();
	test_backend_closes_anywhere();
	test_large_bodies();
	test_tls();
	test_backend_protocols();
	test_swaps();
	test_limits_of_keep_alive();
	test_leave();
	test_drain();
	fixture_stop(&f);
	close(backend);
	return check_done();
}

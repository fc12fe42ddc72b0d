/* Request bodies that are read whole before an endpoint is asked (SEMANTICS G6). */
#include "fixture.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"

static struct fixture f;
static int backend, backend_port;

#define HOST "Host: a.test\r\n"
#define OK_HI "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

enum { BIG = 300000, TOO_BIG = 700000 }; /* beside FIXTURE_BODY_ROOM */

static char *bytes;

static void fill(void)
{
	bytes = mem_alloc(TOO_BIG);
	for (size_t i = 0; i < TOO_BIG; i++)
		bytes[i] = (char)('a' + i * 31 % 26);
}

static void answer(int b, int c)
{
	put(b, OK_HI);
	CHECK_HAS(take_until(c, "hi"), "200 OK");
	close(b);
	close(c);
}

static bool keeps_nothing(void)
{
	return fixture_wait_metric(&f, offsetof(struct metrics, body_file_bytes), 0);
}

static void test_waits(void)
{
	int c = client_connect(&f.http), b;

	check_case("no endpoint is asked before the body is whole, and it has a length then");
	put(c, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
	CHECK(!backend_is_asked(backend, 100));
	put(c, "2\r\nde\r\n0\r\n\r\n");
	b = backend_accept(backend);
	CHECK_HAS(take_until(b, "\r\n\r\n"), "\r\nContent-Length: 5\r\n");
	CHECK_STR(str_from(take(b, 5)), STR("abcde"));
	answer(b, c);
}

static void test_file(void)
{
	int c = client_connect(&f.http), b;

	check_case("what is too large for memory comes whole from a file");
	put(c, "POST / HTTP/1.1\r\n" HOST "Content-Length: 300000\r\n\r\n");
	put_bytes(c, bytes, BIG - 1);
	CHECK(!backend_is_asked(backend, 100));
	CHECK(fixture_wait_metric(&f, offsetof(struct metrics, body_file_bytes), BIG - 1 - 8192));
	put_bytes(c, bytes + BIG - 1, 1);
	b = backend_accept(backend);
	CHECK_HAS(take_until(b, "\r\n\r\n"), "\r\nContent-Length: 300000\r\n");
	CHECK(memcmp(take(b, BIG), bytes, BIG) == 0);
	answer(b, c);
	CHECK(keeps_nothing());
}

static void test_retry(void)
{
	int c = client_connect(&f.http), b;

	check_case("I32: the file is sent again to the next endpoint");
	put(c, "PUT / HTTP/1.1\r\n" HOST "Content-Length: 300000\r\n\r\n");
	put_bytes(c, bytes, BIG);
	b = backend_accept(backend);
	take_until(b, "\r\n\r\n");
	take(b, 1000);
	close(b); /* with a reset: bytes are left */
	b = backend_accept(backend);
	CHECK_HAS(take_until(b, "\r\n\r\n"), "\r\nContent-Length: 300000\r\n");
	CHECK(memcmp(take(b, BIG), bytes, BIG) == 0);
	answer(b, c);
	CHECK(keeps_nothing());
}

static void test_no_room(const char *framing, bool is_chunked)
{
	int c = client_connect(&f.http), b;
	const char *text;
	size_t done = 0;

	check_case(is_chunked ? "no room: chunks go on as chunks" : "no room: what is kept goes out, the rest follows");
	put(c, "POST / HTTP/1.1\r\n" HOST);
	put(c, framing);
	if (is_chunked)
		put(c, "aae60\r\n");
	put_bytes(c, bytes, TOO_BIG - 100);
	b = backend_accept(backend); /* though the body is not whole */
	text = take_until(b, "\r\n\r\n");
	put_bytes(c, bytes + TOO_BIG - 100, 100);
	if (!is_chunked) {
		CHECK_HAS(text, "\r\nContent-Length: 700000\r\n");
		CHECK(memcmp(take(b, TOO_BIG), bytes, TOO_BIG) == 0);
	} else {
		CHECK_HAS(text, "\r\nTransfer-Encoding: chunked\r\n");
		put(c, "\r\n0\r\n\r\n");
		for (;;) {
			size_t size = strtoul(take_until(b, "\r\n"), NULL, 16);

			if (!size)
				break;
			CHECK(memcmp(take(b, size), bytes + done, size) == 0);
			take_until(b, "\r\n");
			done += size;
		}
		CHECK_INT(done, TOO_BIG);
	}
	answer(b, c);
	CHECK(keeps_nothing());
	CHECK(fixture_wait_metric(&f, offsetof(struct metrics, bodies_not_kept), 1 + is_chunked));
}

static void test_refused(void)
{
	static const struct {
		const char *name, *framing, *rest, *want;
	} rows[] = {
		{"a bad chunk", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "xyz\r\n", "HTTP/1.1 400 "},
		{"D6: chunks beyond the limit", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "fffffff\r\n", "HTTP/1.1 413 "},
	};

	for (size_t i = 0; i < CHECK_COUNT(rows); i++) {
		int c = client_connect(&f.http);

		check_case(rows[i].name);
		put(c, "POST / HTTP/1.1\r\n" HOST);
		put(c, rows[i].framing);
		CHECK(!backend_is_asked(backend, 50));
		put(c, rows[i].rest);
		for (size_t sent = 0; rows[i].rest[0] == 'f' && sent < 2 * FIXTURE_BODY_SIZE; sent += BIG)
			put_bytes(c, bytes, BIG);
		CHECK_HAS(take_until(c, "</html>\r\n"), " 4");
		close(c);
		while (backend_is_asked(backend, 50))
			close(backend_accept(backend));
		CHECK(keeps_nothing());
	}
}

static void test_client_leaves(void)
{
	int c = client_connect(&f.http);

	check_case("a client that leaves is no endpoint's business, and nothing is left of its body");
	put(c, "POST / HTTP/1.1\r\n" HOST "Content-Length: 300000\r\n\r\n");
	put_bytes(c, bytes, BIG / 2);
	close(c);
	CHECK(fixture_wait_metric(&f, offsetof(struct metrics, connections_active), 0));
	CHECK(!backend_is_asked(backend, 50));
	CHECK(keeps_nothing());
}

int main(void)
{
	backend = backend_listen(&backend_port);
	fill();
	fixture_start(&f, 1);
	fixture_put_backend(&f, "default-web-80", &backend_port, 1);
	fixture_put_simple_host(&f, "a.test", "default-web-80", NULL);
	fixture_apply(&f);
	test_waits();
	test_file();
	test_retry();
	test_no_room("Content-Length: 700000\r\n\r\n", false);
	test_no_room("Transfer-Encoding: chunked\r\n\r\n", true);
	test_refused();
	test_client_leaves();
	fixture_stop(&f);
	close(backend);
	mem_free(bytes);
	return check_done();
}

/* Plain streams over real loopback sockets. SIGPIPE is left as it is: a stream must never raise it. */
#include "test_loop.h"

static uv_loop_t loop;

static int open_end(struct end *e)
{
	int fd, far;

	memset(e, 0, sizeof(*e));
	test_pair(&fd, &far);
	CHECK_INT(stream_open(&e->s, &loop, fd, NULL, end_on_event), 0);
	return far;
}

static void test_read(void)
{
	struct end e;
	int far = open_end(&e);
	char byte;

	check_case("read");
	CHECK_INT(stream_read(&e.s, &byte, 1), 0);
	e.reads = true;
	CHECK_INT(send(far, "hello", 5, 0), 5);
	TURN_UNTIL(&loop, e.in_len == 5);
	CHECK_STR(str_of(e.in, e.in_len), STR("hello"));
	check_case("half close of the peer");
	shutdown(far, SHUT_WR);
	TURN_UNTIL(&loop, e.last_read == UV_EOF);
	CHECK_INT(stream_writev(&e.s, &(struct iovec){(char[]){'x'}, 1}, 1), 1);
	CHECK_INT(recv(far, &byte, 1, 0), 1);
	end_close(&e, &loop);
	close(far);
}

/* What a peer that closes has seen of what was sent. */
static void test_confirmed(void)
{
	struct iovec piece = {(char[]){"abc"}, 3};
	struct end e;
	int far = open_end(&e);
	char bytes[8];
	uint64_t before = stream_confirmed(&e.s);

	check_case("it read all and closed");
	CHECK_INT(stream_writev(&e.s, &piece, 1), 3);
	CHECK_INT(recv(far, bytes, sizeof(bytes), 0), 3);
	close(far);
	e.reads = true;
	TURN_UNTIL(&loop, e.last_read == UV_EOF);
	CHECK_INT(stream_confirmed(&e.s), before + 3);
	end_close(&e, &loop);

	check_case("it had closed before");
	far = open_end(&e);
	before = stream_confirmed(&e.s);
	close(far);
	CHECK_INT(stream_writev(&e.s, &piece, 1), 3);
	e.reads = true;
	TURN_UNTIL(&loop, e.last_read == UV_EOF);
	CHECK_INT(stream_confirmed(&e.s), before);
	end_close(&e, &loop);
}

/* While reading is off nothing is told; what came meanwhile is told when it is on again. */
static void test_want_read(void)
{
	struct end e;
	int far = open_end(&e);

	check_case("reading is off");
	stream_want_read(&e.s, false);
	CHECK_INT(send(far, "1", 1, 0), 1);
	test_turn(&loop);
	CHECK_INT(e.seen, 0);
	check_case("reading is on again");
	e.reads = true;
	stream_want_read(&e.s, true);
	TURN_UNTIL(&loop, e.in_len == 1);
	check_case("off and on with nothing between");
	stream_want_read(&e.s, false);
	stream_want_read(&e.s, true);
	CHECK_INT(send(far, "2", 1, 0), 1);
	TURN_UNTIL(&loop, e.in_len == 2);
	check_case("unread bytes are told again: level-triggered");
	e.reads = false;
	e.n_readable = 0;
	CHECK_INT(send(far, "3", 1, 0), 1);
	TURN_UNTIL(&loop, e.n_readable >= 2);
	end_close(&e, &loop);
	close(far);
}

static size_t drain(int far, char *into, size_t room)
{
	size_t total = 0;
	ssize_t n;

	while (total < room && (n = recv(far, into + total, room - total, 0)) > 0)
		total += (size_t)n;
	return total;
}

/* A peer that does not read: short writes, then none, then WRITABLE when there is room. 16 uneven pieces a call. */
static void test_full_buffers(void)
{
	const size_t total = 24 * 1024 * 1024;
	char *out = test_pattern(total), *in = mem_alloc(total);
	size_t sent = 0, got = 0;
	int n_waits = 0;
	struct end e;
	int far = open_end(&e);

	check_case("full socket buffers");
	while (sent < total) {
		struct iovec pieces[16];
		size_t at = sent;
		ssize_t n;
		int count = 0;

		for (; count < 16 && at < total; count++) {
			size_t len = (size_t)count * 7919 + 1;

			len = len < total - at ? len : total - at;
			pieces[count] = (struct iovec){out + at, len};
			at += len;
		}
		n = stream_writev(&e.s, pieces, count);
		if (!CHECK(n >= 0))
			break;
		sent += (size_t)n;
		if (sent == at)
			continue;
		e.seen = 0;
		stream_want_write(&e.s);
		test_turn(&loop);
		CHECK_INT(e.seen, 0);
		got += drain(far, in + got, total - got);
		TURN_UNTIL(&loop, e.seen & STREAM_WRITABLE);
		n_waits++;
	}
	CHECK(n_waits > 0);
	for (uint64_t until_ms = clock_mono_ms() + TEST_DEADLINE_MS; got < total && clock_mono_ms() < until_ms;)
		got += drain(far, in + got, total - got);
	CHECK_INT(got, total);
	CHECK(memcmp(in, out, total) == 0);
	check_case("WRITABLE is told once");
	e.seen = 0;
	test_turn(&loop);
	CHECK_INT(e.seen, 0);
	end_close(&e, &loop);
	close(far);
	mem_free(in);
	mem_free(out);
}

static void test_shutdown(void)
{
	struct end e;
	int far = open_end(&e);
	char byte;

	check_case("our half close");
	stream_shutdown(&e.s);
	fcntl(far, F_SETFL, 0);
	CHECK_INT(recv(far, &byte, 1, 0), 0);
	CHECK_INT(stream_writev(&e.s, &(struct iovec){&byte, 1}, 1), UV_EPIPE);
	e.reads = true;
	CHECK_INT(send(far, "late", 4, 0), 4);
	TURN_UNTIL(&loop, e.in_len == 4);
	end_close(&e, &loop);
	close(far);
}

static void test_resets(void)
{
	struct end e;
	int far = open_end(&e);
	char byte = 'x';

	check_case("reset by the peer");
	e.reads = true;
	test_reset(far);
	TURN_UNTIL(&loop, e.last_read == UV_ECONNRESET);
	CHECK_INT(stream_writev(&e.s, &(struct iovec){&byte, 1}, 1), UV_EPIPE);
	end_close(&e, &loop);

	check_case("reset while only writing");
	far = open_end(&e);
	stream_want_read(&e.s, false);
	static char zeros[1 << 16];
	while (stream_writev(&e.s, &(struct iovec){zeros, sizeof(zeros)}, 1) == sizeof(zeros))
		;
	stream_want_write(&e.s);
	test_reset(far);
	TURN_UNTIL(&loop, e.seen & STREAM_WRITABLE);
	CHECK(stream_writev(&e.s, &(struct iovec){&byte, 1}, 1) < 0);
	end_close(&e, &loop);

	check_case("our reset (D5)");
	far = open_end(&e);
	stream_close(&e.s, true, end_on_closed);
	fcntl(far, F_SETFL, 0);
	CHECK_INT(recv(far, &byte, 1, 0), -1);
	CHECK_INT(errno, ECONNRESET);
	end_close(&e, &loop);
	close(far);

	check_case("close from inside a callback");
	far = open_end(&e);
	e.closes = true;
	CHECK_INT(send(far, "x", 1, 0), 1);
	TURN_UNTIL(&loop, e.is_closed);
	end_close(&e, &loop);
	close(far);
}

static void test_connect(void)
{
	struct end e = {0};
	struct addr at;
	int listening = test_listen(&at, 5);
	int accepted;

	check_case("connect");
	CHECK_INT(stream_connect(&e.s, &loop, &at, NULL, end_on_event), 0);
	CHECK_INT(e.seen, 0);
	TURN_UNTIL(&loop, e.seen == STREAM_CONNECTED);
	accepted = accept(listening, NULL, NULL);
	e.reads = true;
	CHECK_INT(send(accepted, "hi", 2, 0), 2);
	TURN_UNTIL(&loop, e.in_len == 2);
	end_close(&e, &loop);
	close(accepted);
	close(listening);

	check_case("connect is refused");
	CHECK_INT(stream_connect(&e.s, &loop, &at, NULL, end_on_event), 0);
	TURN_UNTIL(&loop, e.seen == STREAM_FAILED);
	CHECK_INT(e.s.error, UV_ECONNREFUSED);
	end_close(&e, &loop);
}

/* A port that answers nothing: how long to wait is the caller's; closing ends it at once. */
static void test_blackhole(void)
{
	struct end filler[8] = {0}, e = {0};
	struct addr at;
	int listening = test_listen(&at, 0); /* a queue of one: further SYNs are dropped */

	check_case("no answer");
	for (int i = 0; i < 8; i++)
		CHECK_INT(stream_connect(&filler[i].s, &loop, &at, NULL, end_on_event), 0);
	TURN_UNTIL(&loop, filler[0].seen == STREAM_CONNECTED);
	CHECK_INT(stream_connect(&e.s, &loop, &at, NULL, end_on_event), 0);
	test_turn(&loop);
	CHECK_INT(e.seen, 0);
	end_close(&e, &loop);
	for (int i = 0; i < 8; i++)
		end_close(&filler[i], &loop);
	close(listening);
}

int main(void)
{
	uv_loop_init(&loop);
	CHECK(sizeof(struct stream) < 100);
	test_read();
	test_confirmed();
	test_want_read();
	test_full_buffers();
	test_shutdown();
	test_resets();
	test_connect();
	test_blackhole();
	CHECK_INT(uv_loop_close(&loop), 0);
	return check_done();
}

/* The line of handshakes that wait: in order, bounded, and nobody who has given up. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "server.h"

/* Of another connection each. */
static struct socket_message message_of(struct str bytes)
{
	static uint32_t n;
	struct socket_message m = {.bytes = bytes, .trace = {[SOCKET_PIPE_SIZE] = 7}, .trace_len = SOCKET_TRACE_MAX};

	n++;
	memcpy(m.trace, &n, SOCKET_PIPE_SIZE);
	return m;
}

static bool add(struct waiting_line *line, const char *text, uint64_t now_ms)
{
	const struct socket_message m = message_of(str_from(text));

	return waiting_add(line, &m, now_ms);
}

static void test_order(void)
{
	struct waiting_line line = {0};
	const struct socket_message *m;

	CHECK(!waiting_first(&line, 0));
	CHECK(add(&line, "a", 10) && add(&line, "b", 20) && add(&line, "c", 30));
	CHECK_INT(line.n, 3);
	m = waiting_first(&line, 0);
	CHECK(m && str_eq(m->bytes, STR("a")) && m->trace_len == SOCKET_TRACE_MAX && m->trace[SOCKET_PIPE_SIZE] == 7);
	waiting_drop_first(&line);
	m = waiting_first(&line, 25); /* b came before that */
	CHECK(m && str_eq(m->bytes, STR("c")));
	CHECK_INT(line.n, 1);
	CHECK(!waiting_first(&line, 31));
	CHECK_INT(line.n, 0);
	CHECK(add(&line, "d", 40));
	m = waiting_first(&line, 40);
	CHECK(m && str_eq(m->bytes, STR("d")));
	waiting_clear(&line);
	CHECK_INT(line.n, 0);
}

static void test_bounds(void)
{
	static char large[2049];
	struct waiting_line line = {0};
	const struct socket_message too_large = message_of(str_of(large, sizeof(large))), fits = message_of(str_of(large, 2048));
	unsigned n = 0;

	CHECK(!waiting_add(&line, &too_large, 1));
	CHECK(waiting_add(&line, &fits, 1));
	while (n < 5000 && add(&line, "x", 2))
		n++;
	CHECK_INT(n + 1, 4096);
	CHECK(!waiting_first(&line, 3)); /* all have given up: there is room again */
	CHECK(add(&line, "y", 4));
	waiting_clear(&line);
}

/* CHANNEL 5, robustness: who asks ten thousand times has one place, and the one after it is served next. */
static void test_fairness(void)
{
	struct waiting_line line = {0};
	const struct socket_message one = message_of(STR("again")), last = message_of(STR("at last"));
	const struct socket_message *m;

	for (uint64_t i = 0; i < 10000; i++)
		CHECK(waiting_add(&line, &one, i));
	CHECK(waiting_add(&line, &last, 10000) && waiting_add(&line, &one, 10001));
	CHECK(add(&line, "other", 10001));
	CHECK_INT(line.n, 3);
	m = waiting_first(&line, 0);
	CHECK(m && str_eq(m->bytes, STR("again")));
	waiting_drop_first(&line);
	m = waiting_first(&line, 0);
	CHECK(m && str_eq(m->bytes, STR("at last")));
	waiting_drop_first(&line);
	m = waiting_first(&line, 0);
	CHECK(m && str_eq(m->bytes, STR("other")));
	CHECK(waiting_add(&line, &one, 10002)); /* its place is free again */
	CHECK_INT(line.n, 2);
	waiting_clear(&line);
	CHECK_INT(line.n, 0);
}

int main(void)
{
	test_fairness();
	test_order();
	test_bounds();
	return check_done();
}

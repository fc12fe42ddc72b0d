/* The line of handshakes that wait: in order, bounded, and nobody who has given up. */
#include <stdio.h>

#include "check.h"
#include "server.h"

static struct socket_message message_of(struct str bytes)
{
	return (struct socket_message){.bytes = bytes, .trace = {7}, .trace_len = 1};
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
	CHECK(m && str_eq(m->bytes, STR("a")) && m->trace_len == 1 && m->trace[0] == 7);
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

int main(void)
{
	test_order();
	test_bounds();
	return check_done();
}

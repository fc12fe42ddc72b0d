/* Streams cut anywhere: the same lines, each once; a line beyond the bound ends it. */
#include "lines.h"

#include <stdio.h>

#include "check.h"

struct got {
	struct buf text;
	unsigned n, stop_at;
};

static bool on_line(void *owner, struct str line)
{
	struct got *g = owner;

	buf_printf(&g->text, "<%.*s>", STR_ARG(line));
	return ++g->n != g->stop_at;
}

static const struct {
	const char *name, *in, *want;
	unsigned stop_at;
	enum lines_result result;
} cases[] = {
	{"nothing", "", "", 0, LINES_MORE},
	{"one", "ab\n", "<ab>", 0, LINES_MORE},
	{"half a line is kept back", "ab\ncd", "<ab>", 0, LINES_MORE},
	{"several", "a\nbb\n\nccc\n", "<a><bb><><ccc>", 0, LINES_MORE},
	{"as long as may be", "12345678\n", "<12345678>", 0, LINES_MORE},
	{"one byte more", "a\n123456789\nb\n", "<a>", 0, LINES_TOO_LONG},
	{"longer, and without an end", "123456789", "", 0, LINES_TOO_LONG},
	{"stopped", "a\nb\nc\n", "<a><b>", 2, LINES_STOPPED},
};

/* In pieces of `size` bytes. */
static void run(size_t i, size_t size)
{
	struct got g = {.stop_at = cases[i].stop_at};
	struct lines l;
	struct str rest = str_from(cases[i].in);
	enum lines_result result = LINES_MORE;

	lines_init(&l, 8);
	while (rest.len && result == LINES_MORE) {
		result = lines_take(&l, str_first(rest, size), on_line, &g);
		rest = str_from_index(rest, size);
	}
	CHECK_INT(result, cases[i].result);
	CHECK_STR(buf_str(&g.text), str_from(cases[i].want));
	lines_deinit(&l);
	buf_deinit(&g.text);
}

int main(void)
{
	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		check_case(cases[i].name);
		for (size_t size = 1; size < 12; size++)
			run(i, size);
	}
	return check_done();
}

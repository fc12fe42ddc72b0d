/* Counts and prints the checks of a unit test. */
#include "check.h"

#include <stdatomic.h>
#include <stdio.h>

#include "buf.h"

static const char *current_case = "";
static atomic_uint n_checks, n_failed; /* a test may check in several threads */

void check_case(const char *name)
{
	current_case = name;
}

static bool note(bool is_good, const char *text, const char *file, int line)
{
	n_checks++;
	if (!is_good) {
		n_failed++;
		fprintf(stderr, "%s:%d: [%s] %s\n", file, line, current_case, text);
	}
	return is_good;
}

bool check_true(bool claim, const char *text, const char *file, int line)
{
	return note(claim, text, file, line);
}

bool check_int(long long got, long long want, const char *text, const char *file, int line)
{
	if (note(got == want, text, file, line))
		return true;
	fprintf(stderr, "\tgot  %lld\n\twant %lld\n", got, want);
	return false;
}

bool check_str(struct str got, struct str want, const char *text, const char *file, int line)
{
	struct buf shown = {0};

	if (note(str_eq(got, want), text, file, line))
		return true;
	buf_add(&shown, STR("\tgot  \""));
	buf_add_escaped(&shown, got);
	buf_add(&shown, STR("\"\n\twant \""));
	buf_add_escaped(&shown, want);
	fprintf(stderr, "%s\"\n", buf_cstr(&shown));
	buf_deinit(&shown);
	return false;
}

int check_done(void)
{
	printf("%u checks, %u failed\n", n_checks, n_failed);
	return n_failed ? 1 : 0;
}

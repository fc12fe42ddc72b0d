#ifndef CHECK_H
#define CHECK_H
/*
 * What every unit test uses. A test program is a main() that runs tables and returns check_done().
 *
 *	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
 *		check_case(cases[i].name);
 *		CHECK_INT(parse(cases[i].in), cases[i].want);
 *	}
 *	return check_done();
 *
 * A failed check prints the case, the place and both values, and the program goes on.
 */
#include <stdbool.h>
#include <stddef.h>

#include "str.h"

#define CHECK_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CHECK(claim) check_true((claim), #claim, __FILE__, __LINE__)
#define CHECK_INT(got, want) check_int((long long)(got), (long long)(want), #got, __FILE__, __LINE__)
#define CHECK_STR(got, want) check_str((got), (want), #got, __FILE__, __LINE__)

/* Names what the following checks are about; keeps `name`. */
void check_case(const char *name);
bool check_true(bool claim, const char *text, const char *file, int line);
bool check_int(long long got, long long want, const char *text, const char *file, int line);
bool check_str(struct str got, struct str want, const char *text, const char *file, int line);
/* Prints "N checks, N failed"; the exit status. */
int check_done(void);

#endif

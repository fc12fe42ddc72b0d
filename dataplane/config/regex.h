#ifndef REGEX_H
#define REGEX_H
/*
 * A compiled regular expression that users wrote, with limits on the work and the memory of a match: a hostile pattern makes
 * a request fail, never a worker hang. Immutable; any thread may match with it.
 */
#include <stdbool.h>
#include <stddef.h>

#include "str.h"

struct regex;

enum { REGEX_MAX_PATTERN = 4096, REGEX_GROUPS = 32 };

/* Case is ignored. NULL and a reason (static, or valid until the next call on this thread). Owned. */
struct regex *regex_create(struct str pattern, const char **why);
void regex_destroy(struct regex *r);
/* Bytes that the compiled form takes. */
size_t regex_size(const struct regex *r);

enum regex_result {
	REGEX_MATCH,
	REGEX_NO_MATCH,
	REGEX_GAVE_UP, /* at its limits: whether it matches is not known */
};

/* Matches at the very start of `subject` (C6). */
enum regex_result regex_match_start(const struct regex *r, struct str subject);

/* Where groups matched: [0] is the whole. A group that took no part has from == to == 0 and is_set false. */
struct regex_groups {
	struct {
		size_t from, to;
		bool is_set;
	} items[REGEX_GROUPS];
	unsigned n;
};

/* The first match anywhere in `subject`. */
enum regex_result regex_find(const struct regex *r, struct str subject, struct regex_groups *groups);
/* The number of a named group, or -1. */
int regex_group_number(const struct regex *r, struct str name);

#endif

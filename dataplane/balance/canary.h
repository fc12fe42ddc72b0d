#ifndef CANARY_H
#define CANARY_H
/* Whether a canary takes a request, decided once for all its attempts (SEMANTICS I22). Pure. */
#include "config.h"
#include "http.h"

/*
 * The canary of `route`, or NULL for its own backend `main` (which has endpoints). `draw`: random bits. Several canaries are
 * asked one after another, header and cookie of each before the weights of all; "never" takes the canary out that it names.
 */
const struct canary *canary_choose(const struct generation *g, const struct route *route, const struct backend *main_backend,
	const struct http_head *head, uint64_t draw);

#endif

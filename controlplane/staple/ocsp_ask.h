#ifndef OCSP_ASK_H
#define OCSP_ASK_H
/* One question to a responder, over HTTP. Private to the room. */
#include <stdatomic.h>
#include <stdbool.h>

#include "addr.h"
#include "buf.h"

enum { ASK_ANSWER_MAX = 64 * 1024 };

/*
 * Whether a responder may be asked at this address. A certificate comes from whoever may write a Secret, and so does the URL in
 * it: what is not on the public internet is asked only where it is in one of `allowed`, and the public one on ports 80 and
 * 443 alone. Pure.
 */
bool ask_may(const struct addr *to, const struct cidr *allowed, size_t n_allowed);

struct ask {
	const char *url;
	struct str body;
	const struct cidr *allowed;
	size_t n_allowed;
	const atomic_bool *is_over; /* true: give up */
};
/*
 * Blocks, for at most some 10 s. No redirect is followed, no proxy of the environment is asked, and an answer is status 200 and at
 * most ASK_ANSWER_MAX bytes. NULL, or a static text of what went wrong. `answer` is capped by its owner.
 */
const char *ask(const struct ask *a, struct buf *answer);

#endif

#ifndef KUBEWRITE_H
#define KUBEWRITE_H
/* What is common to all that is written to the API server: how a call ended, and what is said when it did not work. No I/O. */
#include "feed.h"
#include "kubeapi.h"
#include "problem.h"
#include "where.h"

/* `message` gets the server's words, or why there is no answer. Any 2xx is FEED_FINE. */
enum feed_outcome kubewrite_outcome(const struct kubeapi_result *result, struct buf *message);

/* A right that is in use, and what it is for. */
struct kubewrite {
	struct rule rule;
	const char *does;   /* "a Lease is to be kept" */
	const char *effect; /* of its failure: "this controller does not lead" */
	bool is_last;       /* it is not tried again */
};
/* The problem that stands while it does not work. A 403 names the missing rule. */
void kubewrite_problem(const struct kubewrite *what, enum feed_outcome outcome, struct str message, struct problems *out);

#endif

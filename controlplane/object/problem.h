#ifndef PROBLEM_H
#define PROBLEM_H
/*
 * A mistake in a user's object, as data. It names object, field, value, rule and fix, and says what is served meanwhile.
 * Every stage appends to a list; nobody logs and returns the same one. Texts are owned by the list's arena.
 */
#include <stdbool.h>

#include "arena.h"
#include "buf.h"
#include "str.h"

enum severity {
	SEVERITY_WARN,  /* coped with: the object is served, something about it deserves a look */
	SEVERITY_FAULT, /* something of the object is not served as written */
};

struct problem {
	enum severity severity;
	struct str object; /* "Ingress default/web", "ConfigMap ingress/controller", "file demo/a.yaml:12" */
	struct str field;  /* annotation name, ConfigMap key, or JSON path as "spec.rules[0].host" */
	struct str value;  /* as written, at most 120 bytes; never the value of a secret */
	struct str rule;   /* what is allowed: "a whole number of seconds, at least 1" */
	struct str fix;    /* what to do: "write 60, without a unit" */
	struct str effect; /* what is served: "the default 60 is used", "the last good version keeps serving" */
};

struct problems {
	struct arena arena;
	struct problem *items;
	size_t n, cap;
};

/* Copies every text of `p`. Control bytes of object, field and value are escaped; the value is cut to 120 bytes. */
void problems_add(struct problems *list, const struct problem *p);
/* Appends all of `more`. */
void problems_add_all(struct problems *list, const struct problems *more);
/* Sorts by object, field, value and drops equal ones. */
void problems_sort(struct problems *list);
void problems_clear(struct problems *list);
void problems_deinit(struct problems *list);
/* All members alike. */
bool problem_equal(const struct problem *a, const struct problem *b);
/* The same ones in the same order. */
bool problems_equal(const struct problems *a, const struct problems *b);
/* "Ingress default/web: nginx.ingress.kubernetes.io/proxy-read-timeout: '60s' is not …; fix; effect". One line. */
void problem_text(const struct problem *p, struct buf *out);

#endif

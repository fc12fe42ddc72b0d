#ifndef SELECTOR_H
#define SELECTOR_H
/*
 * A label selector as kubectl takes it: "a=b,c!=d,e in (f,g),h notin (i),j,!k", all of which must hold. As there, != and notin
 * hold for an object without the label.
 */
#include "object.h"

struct requirement {
	struct str key;
	struct str *values; /* none: that the label is there, or is not */
	size_t n_values;
	bool is_not;
};
struct selector {
	struct requirement *items;
	size_t n;
};

/* Lives in `arena`, borrows from `text`. False with a static reason. An empty text is an error: it would be everything. */
bool selector_parse(struct str text, struct arena *arena, struct selector *out, const char **why);
bool selector_fits(const struct selector *s, const struct object *object);

#endif

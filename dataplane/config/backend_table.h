#ifndef BACKEND_TABLE_H
#define BACKEND_TABLE_H
/*
 * Backends by number, each with the endpoints of all its slices. A backend whose parts did not change is the same counted
 * object as in the table before. Private to config.
 */
#include "object.h"

struct merged;

struct backend_table {
	struct merged **items; /* by number; NULL where a name has no Backend */
	unsigned bound;
};

/*
 * From the objects of kind BACKEND and ENDPOINTS among `objects`; `before` may be NULL; `zone` as for
 * config_compile_in_zone, the same for all tables that follow one another. False with the name of the backend
 * and a reason when one has more endpoints than can be numbered.
 */
bool backend_table_init(struct backend_table *t, struct object *const *objects, size_t n,
	const struct backend_table *before, struct str zone, struct str *name, const char **why);
void backend_table_deinit(struct backend_table *t);
/* Borrowed, or NULL. */
const struct backend *backend_table_at(const struct backend_table *t, unsigned index);

#endif

#ifndef BACKEND_TABLE_H
#define BACKEND_TABLE_H
/*
 * Backends by number, each with the endpoints of all its slices. A backend whose parts did not change is the same counted
 * object as in the table before, and so is a page of backends that did not. Private to config.
 */
#include "object_list.h"

struct merged_page;

struct backend_table {
	struct merged_page **pages; /* of backends by number */
	unsigned bound;             /* of numbers */
};

/*
 * `before` (zeroed: empty) with the changes of kind BACKEND and of kind ENDPOINTS, as object_list_change left them: costs the
 * backends that they are of. `zone` as for config_compile_in_zone, the same for all tables that follow one another. False with
 * the name of the backend and a reason when one has more endpoints than can be numbered. Fills `t`.
 */
struct backend_changes {
	const struct object_change *backends, *slices;
	size_t n_backends, n_slices;
};
bool backend_table_change(struct backend_table *t, const struct backend_table *before, const struct backend_changes *changes,
	struct str zone, struct str *name, const char **why);
/* Whether backend `index` and those around it are the same in both; *next is the first index that is not spoken of. */
bool backend_table_is_same(const struct backend_table *a, const struct backend_table *b, unsigned index, unsigned *next);
/* The next backend from `*cursor` on that has a health check, or NULL; begin with 0. Pages without any cost nothing. */
const struct backend *backend_table_next_checked(const struct backend_table *t, unsigned *cursor);
void backend_table_deinit(struct backend_table *t);
/* Borrowed, or NULL. */
const struct backend *backend_table_at(const struct backend_table *t, unsigned index);

#endif

/* What was said of objects and origins, as one list. */
#include "inside.h"

void store_problems(const struct store *s, struct problems *out)
{
	size_t cursor = 0;
	void *value;

	while (map_next(&s->entries, &cursor, NULL, &value)) {
		const struct entry *e = value;

		problems_add_all(out, &e->notes);
		problems_add_all(out, &e->refusal);
	}
	for (cursor = 0; map_next(&s->origins, &cursor, NULL, &value);)
		problems_add_all(out, value);
	problems_sort(out);
}

unsigned long store_problems_version(const struct store *s)
{
	return s->problems_version;
}

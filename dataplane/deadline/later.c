#include "later.h"

#include <stddef.h>

void laters_init(struct laters *all)
{
	all->first = NULL;
	all->end = &all->first;
}

void later_put_off(struct laters *all, struct later *later)
{
	if (later->is_waiting)
		return;
	later->is_waiting = true;
	later->next = NULL;
	*all->end = later;
	all->end = &later->next;
}

void later_forget(struct laters *all, struct later *later)
{
	struct later **at = &all->first;

	if (!later->is_waiting)
		return;
	while (*at != later)
		at = &(*at)->next;
	*at = later->next;
	if (all->end == &later->next)
		all->end = at;
	later->is_waiting = false;
}

void laters_run(struct laters *all)
{
	while (all->first) {
		struct later *later = all->first;

		later_forget(all, later);
		later->run(later);
	}
}

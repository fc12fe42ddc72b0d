/* Two sorted lists side by side; what is in one alone is news. */
#include "told.h"

#include "log.h"

enum { MAX_LINES = 1000 }; /* of one change: beyond that, one line says how many more */

static void say(const struct problem *p, bool is_new, size_t n)
{
	struct buf text = {0};

	if (n > MAX_LINES)
		return;
	problem_text(p, &text);
	if (is_new)
		log_warn("controller", "problem: %s", buf_cstr(&text));
	else
		log_info("controller", "problem gone: %s", buf_cstr(&text));
	buf_deinit(&text);
}

/* The order that problems_sort gives, told by what it drops: equal ones. */
static int compare(const struct problem *a, const struct problem *b)
{
	const struct str left[] = {a->object, a->field, a->value, a->rule, a->fix, a->effect};
	const struct str right[] = {b->object, b->field, b->value, b->rule, b->fix, b->effect};

	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		int order = str_cmp(left[i], right[i]);

		if (order)
			return order;
	}
	return (a->severity > b->severity) - (a->severity < b->severity);
}

void told_log(const struct problems *before, const struct problems *now, told_fn *on_new, void *owner)
{
	size_t i = 0, j = 0, n = 0;

	while (i < before->n || j < now->n) {
		int order = i == before->n ? 1 : j == now->n ? -1 : compare(&before->items[i], &now->items[j]);

		if (order < 0)
			say(&before->items[i], false, ++n);
		else if (order > 0)
			say(&now->items[j], true, ++n);
		if (order > 0 && on_new)
			on_new(owner, &now->items[j]);
		i += order <= 0;
		j += order >= 0;
	}
	if (n > MAX_LINES)
		log_warn("controller", "more changes of problems than are logged at once n=%zu", n - MAX_LINES);
}

/* The list of problems. Texts are copied once, into the arena of the list. */
#include "problem.h"

#include <stdlib.h>

#include "mem.h"

enum { MAX_VALUE = 120, MAX_TEXT = 1024 };

static bool has_control_byte(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
			return true;
	}
	return false;
}

/* Names come from users and files too; they are left as they are unless they would break a line or fill a log. */
static struct str safe_name(struct problems *list, struct str name)
{
	struct buf b = {0};
	struct str copy;

	name = str_first(name, MAX_TEXT);

	if (!has_control_byte(name))
		return arena_str(&list->arena, name);
	buf_add_escaped(&b, name);
	copy = arena_str(&list->arena, buf_str(&b));
	buf_deinit(&b);
	return copy;
}

static struct str safe_value(struct problems *list, struct str value)
{
	struct buf b = {0};
	struct str copy;

	buf_add_escaped(&b, str_first(value, MAX_VALUE));
	if (b.len > MAX_VALUE || value.len > MAX_VALUE) {
		size_t len = b.len < MAX_VALUE - 3 ? b.len : MAX_VALUE - 3;

		while (len > 0 && ((unsigned char)b.ptr[len] & 0xc0) == 0x80) /* not in the middle of a character */
			len--;
		b.len = len;
		buf_add(&b, STR("…"));
	}
	copy = arena_str(&list->arena, buf_str(&b));
	buf_deinit(&b);
	return copy;
}

void problems_add(struct problems *list, const struct problem *p)
{
	struct problem copy = {
		.severity = p->severity,
		.object = safe_name(list, p->object),
		.field = safe_name(list, p->field),
		.value = safe_value(list, p->value),
		.rule = safe_name(list, p->rule),
		.fix = safe_name(list, p->fix),
		.effect = safe_name(list, p->effect),
	};

	list->items = mem_grow(list->items, &list->cap, list->n + 1, sizeof(*list->items));
	list->items[list->n++] = copy;
}

/* As problems_add, but what is in a list was made safe once and is not escaped again. */
static void add_as_is(struct problems *list, const struct problem *p)
{
	struct str value = p->value;

	problems_add(list, &(struct problem){p->severity, p->object, p->field, STR(""), p->rule, p->fix, p->effect});
	list->items[list->n - 1].value = arena_str(&list->arena, value);
}

void problems_add_all(struct problems *list, const struct problems *more)
{
	for (size_t i = 0; i < more->n; i++)
		add_as_is(list, &more->items[i]);
}

static int compare(const void *left, const void *right)
{
	const struct problem *a = left, *b = right;
	int order = str_cmp(a->object, b->object);

	order = order ? order : str_cmp(a->field, b->field);
	order = order ? order : str_cmp(a->value, b->value);
	order = order ? order : str_cmp(a->rule, b->rule);
	order = order ? order : str_cmp(a->fix, b->fix);
	order = order ? order : str_cmp(a->effect, b->effect);
	return order ? order : (a->severity > b->severity) - (a->severity < b->severity);
}

void problems_sort(struct problems *list)
{
	size_t n = 0;

	if (list->n > 1)
		qsort(list->items, list->n, sizeof(*list->items), compare);
	for (size_t i = 0; i < list->n; i++) {
		if (n == 0 || compare(&list->items[n - 1], &list->items[i]) != 0)
			list->items[n++] = list->items[i];
	}
	list->n = n;
}

void problems_clear(struct problems *list)
{
	arena_reset(&list->arena);
	list->n = 0;
}

void problems_deinit(struct problems *list)
{
	arena_deinit(&list->arena);
	mem_free(list->items);
	*list = (struct problems){0};
}

bool problem_equal(const struct problem *a, const struct problem *b)
{
	return compare(a, b) == 0;
}

bool problems_equal(const struct problems *a, const struct problems *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (!problem_equal(&a->items[i], &b->items[i]))
			return false;
	}
	return true;
}

void problem_text(const struct problem *p, struct buf *out)
{
	buf_add(out, p->object);
	if (p->field.len)
		buf_printf(out, ": %.*s", STR_ARG(p->field));
	if (p->value.len)
		buf_printf(out, ": '%.*s'", STR_ARG(p->value));
	if (p->rule.len)
		buf_printf(out, "%s%.*s", p->value.len ? " is not " : ": ", STR_ARG(p->rule));
	if (p->fix.len)
		buf_printf(out, "; %.*s", STR_ARG(p->fix));
	if (p->effect.len)
		buf_printf(out, "; %.*s", STR_ARG(p->effect));
}

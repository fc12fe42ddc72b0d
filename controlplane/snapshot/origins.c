/*
 * Lists are immutable and counted, and lie in groups by the hash of their names. A set that others hold is copied before it
 * changes, and so is a group: that takes a pointer for each group, and one for each list of the groups that change.
 */
#include "origins.h"

#include <stdlib.h>

#include "map.h"
#include "mem.h"

enum { N_GROUPS = 1024 };

/* One block of memory with all its texts. */
struct list {
	unsigned refs;
	struct str name;
	size_t n;
	struct provenance items[];
};

struct group {
	unsigned refs;
	struct list **lists;
	size_t n, cap;
};

struct origins {
	unsigned refs;
	struct group *groups[N_GROUPS]; /* NULL: empty */
};

/* ----------------------------------------------------------------------------------------------------------- one list */

enum { N_TEXTS = 5 };

static void texts_of(struct provenance *p, struct str *out[N_TEXTS])
{
	out[0] = &p->name;
	out[1] = &p->field;
	out[2] = &p->object;
	out[3] = &p->key;
	out[4] = &p->value;
}

static size_t text_bytes(const struct provenance *p)
{
	return p->name.len + p->field.len + p->object.len + p->key.len + p->value.len;
}

static struct str keep(char **to, struct str text)
{
	struct str kept = str_of(*to, text.len);

	if (text.len)
		memcpy(*to, text.ptr, text.len);
	*to += text.len;
	return kept;
}

static struct list *make_list(struct str name, const struct provenance *items, size_t n)
{
	size_t bytes = name.len;
	struct list *l;
	char *texts;

	for (size_t i = 0; i < n; i++)
		bytes += text_bytes(&items[i]);
	l = mem_alloc(sizeof(*l) + n * sizeof(*items) + bytes);
	l->refs = 1;
	l->n = n;
	texts = (char *)&l->items[n];
	l->name = keep(&texts, name);
	for (size_t i = 0; i < n; i++) {
		struct str *kept[N_TEXTS];

		l->items[i] = items[i];
		texts_of(&l->items[i], kept);
		for (size_t j = 0; j < N_TEXTS; j++)
			*kept[j] = keep(&texts, *kept[j]);
	}
	return l;
}

static void unref_list(struct list *l)
{
	if (--l->refs == 0)
		mem_free(l);
}

static int compare(const void *a, const void *b)
{
	const struct provenance *x = a, *y = b;
	int order;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	order = str_cmp(x->name, y->name);
	order = order ? order : str_cmp(x->field, y->field);
	order = order ? order : str_cmp(x->object, y->object);
	order = order ? order : str_cmp(x->key, y->key);
	return order ? order : str_cmp(x->value, y->value);
}

static bool is_same(const struct list *l, const struct provenance *items, size_t n)
{
	if (l->n != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (compare(&l->items[i], &items[i]) != 0)
			return false;
	}
	return true;
}

/* --------------------------------------------------------------------------------------------------------- groups, sets */

static void unref_group(struct group *g)
{
	if (!g || --g->refs)
		return;
	for (size_t i = 0; i < g->n; i++)
		unref_list(g->lists[i]);
	mem_free(g->lists);
	mem_free(g);
}

/* Of nobody else. */
static struct group *own_group(struct group **g)
{
	struct group *copy;

	if (*g && (*g)->refs == 1)
		return *g;
	copy = mem_zalloc(sizeof(*copy));
	copy->refs = 1;
	if (*g) {
		copy->n = copy->cap = (*g)->n;
		copy->lists = mem_calloc(copy->n, sizeof(struct list *));
	}
	for (size_t i = 0; i < copy->n; i++) {
		copy->lists[i] = (*g)->lists[i];
		copy->lists[i]->refs++;
	}
	unref_group(*g);
	*g = copy;
	return copy;
}

static struct origins *own_set(struct origins **o)
{
	struct origins *copy;

	if (*o && (*o)->refs == 1)
		return *o;
	copy = mem_zalloc(sizeof(*copy));
	copy->refs = 1;
	for (size_t i = 0; *o && i < N_GROUPS; i++) {
		copy->groups[i] = (*o)->groups[i];
		if (copy->groups[i])
			copy->groups[i]->refs++;
	}
	origins_unref(o);
	*o = copy;
	return copy;
}

struct origins *origins_ref(struct origins *o)
{
	if (o)
		o->refs++;
	return o;
}

void origins_unref(struct origins **o)
{
	struct origins *gone = *o;

	*o = NULL;
	if (!gone || --gone->refs)
		return;
	for (size_t i = 0; i < N_GROUPS; i++)
		unref_group(gone->groups[i]);
	mem_free(gone);
}

static size_t find(const struct group *g, struct str name)
{
	size_t i = 0;

	while (g && i < g->n && !str_eq(g->lists[i]->name, name))
		i++;
	return i;
}

bool origins_put(struct origins **o, struct str name, const struct provenance *items, size_t n)
{
	size_t number = hash_bytes(name) % N_GROUPS, at;
	const struct group *old = *o ? (*o)->groups[number] : NULL;
	struct group *g;
	bool is_there;

	at = find(old, name);
	is_there = old && at < old->n;
	if (is_there ? is_same(old->lists[at], items, n) : n == 0)
		return false;
	g = own_group(&own_set(o)->groups[number]);
	if (is_there)
		unref_list(g->lists[at]);
	else
		g->lists = mem_grow(g->lists, &g->cap, ++g->n, sizeof(struct list *));
	g->lists[at] = n ? make_list(name, items, n) : g->lists[--g->n];
	return true;
}

const struct provenance *origins_all(const struct origins *o, struct arena *arena, size_t *n_out)
{
	struct provenance *all;
	size_t n = 0, kept = 0;

	*n_out = 0;
	for (size_t i = 0; o && i < N_GROUPS; i++) {
		for (size_t j = 0; o->groups[i] && j < o->groups[i]->n; j++)
			n += o->groups[i]->lists[j]->n;
	}
	all = arena_alloc(arena, (n + 1) * sizeof(*all));
	n = 0;
	for (size_t i = 0; o && i < N_GROUPS; i++) {
		for (size_t j = 0; o->groups[i] && j < o->groups[i]->n; j++) {
			const struct list *l = o->groups[i]->lists[j];

			memcpy(&all[n], l->items, l->n * sizeof(*all));
			n += l->n;
		}
	}
	qsort(all, n, sizeof(*all), compare);
	for (size_t i = 0; i < n; i++) {
		if (!kept || compare(&all[kept - 1], &all[i]) != 0)
			all[kept++] = all[i];
	}
	*n_out = kept;
	return all;
}

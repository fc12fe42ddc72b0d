/*
 * Tens of thousands of resources are sorted when a proxy starts. Most are told apart by a number: the kind, and seven bytes of the name
 * from where the names of the kind begin to differ. So hardly any comparison looks at a resource.
 */
#include "sort.h"

#include <stdlib.h>

#include "mem.h"

enum { KINDS = 255 /* larger ones are told apart by the whole comparison */ };

struct item {
	uint64_t key;
	struct resource *r;
};

/* What all names of a kind begin with. */
struct prefix {
	struct str common;
	bool is_known;
};

static void shorten(struct prefix *p, struct str name)
{
	size_t len = 0;

	if (!p->is_known)
		*p = (struct prefix){name, true};
	while (len < p->common.len && len < name.len && p->common.ptr[len] == name.ptr[len])
		len++;
	p->common.len = len;
}

static uint64_t key_of(const struct resource *r, const struct prefix *prefixes)
{
	uint64_t key = r->kind < KINDS ? r->kind : KINDS;
	size_t from = r->kind < KINDS ? prefixes[r->kind].common.len : r->name.len;

	for (size_t i = from; i < from + 7; i++)
		key = key << 8 | (i < r->name.len ? (unsigned char)r->name.ptr[i] : 0);
	return key;
}

static int compare(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	if (x->r->kind != y->r->kind)
		return x->r->kind < y->r->kind ? -1 : 1;
	return str_cmp(x->r->name, y->r->name);
}

void resources_sort(struct resource **items, size_t n)
{
	struct prefix prefixes[KINDS] = {{{0}, false}};
	struct item *keyed;

	if (n < 2)
		return;
	keyed = mem_calloc(n, sizeof(*keyed));
	for (size_t i = 0; i < n; i++) {
		if (items[i]->kind < KINDS)
			shorten(&prefixes[items[i]->kind], items[i]->name);
	}
	for (size_t i = 0; i < n; i++)
		keyed[i] = (struct item){key_of(items[i], prefixes), items[i]};
	qsort(keyed, n, sizeof(*keyed), compare);
	for (size_t i = 0; i < n; i++)
		items[i] = keyed[i].r;
	mem_free(keyed);
}

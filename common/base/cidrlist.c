/* A sorted list of networks that are apart. */
#include "cidrlist.h"

#include <stdlib.h>

/* Wider networks first among those that begin at the same address. */
static int compare(const void *a, const void *b)
{
	const struct cidr *x = a, *y = b;
	int order = addr_cmp(&x->net, &y->net);

	return order ? order : (int)x->prefix - (int)y->prefix;
}

size_t cidrlist_prepare(struct cidr *items, size_t n)
{
	size_t kept = 0;

	if (n > 1)
		qsort(items, n, sizeof(*items), compare);
	for (size_t i = 0; i < n; i++) {
		/* What holds this one, if anything, is the last one that was kept. */
		if (!kept || !cidr_contains(&items[kept - 1], &items[i].net))
			items[kept++] = items[i];
	}
	return kept;
}

const struct cidr *cidrlist_find(const struct cidr *items, size_t n, const struct addr *a)
{
	struct addr ip = *a;
	size_t from = 0, to = n;

	ip.port = 0;
	while (from < to) { /* the first that begins after `ip` */
		size_t middle = from + (to - from) / 2;

		if (addr_cmp(&items[middle].net, &ip) <= 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from && cidr_contains(&items[from - 1], &ip) ? &items[from - 1] : NULL;
}

/* A sorted array whose additions are merged when it is read. */
#include "order.h"

#include <assert.h>
#include <string.h>

#include "mem.h"

enum { FEW = 16 }; /* so many are put in their places one by one */

void order_add(struct order *o, const void *item)
{
	o->items = mem_grow(o->items, &o->cap, o->n + 1, sizeof(*o->items));
	o->items[o->n++] = item;
}

/* The first place in the sorted front whose item does not come before `item`. */
static size_t find_place(const struct order *o, const void *item, order_compare_fn *compare)
{
	size_t low = 0, high = o->n_sorted;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(o->items[middle], item) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void put_in_place(struct order *o, order_compare_fn *compare)
{
	const void *item = o->items[o->n_sorted];
	size_t at = find_place(o, item, compare);

	memmove(&o->items[at + 1], &o->items[at], (o->n_sorted - at) * sizeof(*o->items));
	o->items[at] = item;
	o->n_sorted++;
}

static void merge(const void **from, const void **to, size_t middle, size_t n, order_compare_fn *compare)
{
	size_t a = 0, b = middle;

	for (size_t i = 0; i < n; i++) {
		bool is_left = b == n || (a < middle && compare(from[a], from[b]) <= 0);

		to[i] = is_left ? from[a++] : from[b++];
	}
}

/* Bottom-up merge sort: libc's qsort cannot be given our comparison without one more indirection. */
static void sort_all(struct order *o, order_compare_fn *compare)
{
	const void **from = o->items, **to = mem_calloc(o->n, sizeof(*to));

	for (size_t width = 1; width < o->n; width *= 2) {
		const void **swap = from;

		for (size_t at = 0; at < o->n; at += 2 * width) {
			size_t n = o->n - at < 2 * width ? o->n - at : 2 * width;

			merge(from + at, to + at, n < width ? n : width, n, compare);
		}
		from = to;
		to = swap;
	}
	if (from != o->items) {
		memcpy(o->items, from, o->n * sizeof(*from));
		to = from;
	}
	mem_free(to);
	o->n_sorted = o->n;
}

const void *const *order_read(struct order *o, order_compare_fn *compare)
{
	if (o->n - o->n_sorted > FEW)
		sort_all(o, compare);
	while (o->n_sorted < o->n)
		put_in_place(o, compare);
	return o->items;
}

void order_remove(struct order *o, const void *item, order_compare_fn *compare)
{
	size_t at;

	order_read(o, compare);
	at = find_place(o, item, compare);
	assert(at < o->n && o->items[at] == item);
	memmove(&o->items[at], &o->items[at + 1], (o->n - at - 1) * sizeof(*o->items));
	o->n--;
	o->n_sorted--;
}

void order_deinit(struct order *o)
{
	mem_free(o->items);
	*o = (struct order){0};
}

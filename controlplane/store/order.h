#ifndef STORE_ORDER_H
#define STORE_ORDER_H
/*
 * A sorted array of borrowed pointers. Additions wait at its end until somebody reads, so that filling it costs one sort
 * and a single change costs one move.
 */
#include <stdbool.h>
#include <stddef.h>

typedef int order_compare_fn(const void *a, const void *b); /* never 0 for two different items */

struct order {
	const void **items;
	size_t n, cap;
	size_t n_sorted; /* of the front */
};

void order_add(struct order *o, const void *item);
/* The item must be there. */
void order_remove(struct order *o, const void *item, order_compare_fn *compare);
/* Sorted from here to the next addition. */
const void *const *order_read(struct order *o, order_compare_fn *compare);
void order_deinit(struct order *o);

#endif

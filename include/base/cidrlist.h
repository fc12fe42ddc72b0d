#ifndef CIDRLIST_H
#define CIDRLIST_H
/*
 * Long lists of networks that are asked often. Networks are nested or apart, never half and half, so a sorted list without
 * those that lie in another one is searched in steps of a half: 10,000 entries cost about as much as 10.
 */
#include <stddef.h>

#include "addr.h"

/* Sorts `items` and drops those within another; the number that is left. */
size_t cidrlist_prepare(struct cidr *items, size_t n);
/* The network of a prepared list that holds `a`, or NULL. The port of `a` has no meaning. */
const struct cidr *cidrlist_find(const struct cidr *items, size_t n, const struct addr *a);

#endif

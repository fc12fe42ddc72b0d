#ifndef SORT_H
#define SORT_H
/* The order of resources. Private to content. */
#include "content.h"

/* By kind and name. */
void resources_sort(struct resource **items, size_t n);

#endif

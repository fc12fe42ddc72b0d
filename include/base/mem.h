#ifndef MEM_H
#define MEM_H
/* Memory. Out of memory is not an error path: these abort. Sizes are bounded where bytes enter. */
#include <stddef.h>

#include "str.h"

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr) - offsetof(type, member)))

/* Owned, not initialised. */
void *mem_alloc(size_t size);
/* Owned, all zero. */
void *mem_zalloc(size_t size);
/* Owned, all zero; aborts when count * size does not fit. */
void *mem_calloc(size_t count, size_t size);
/* Takes `ptr` (may be NULL). Owned. */
void *mem_realloc(void *ptr, size_t size);
/* Takes `ptr`; NULL is fine. */
void mem_free(void *ptr);
/* A NUL-terminated copy. Owned. */
char *mem_strdup(struct str s);

/*
 * Makes room for `need` items of `item_size` bytes in an array that has room for `*cap`; doubles. Takes `items`, returns
 * the array to use from now on. New room is not initialised.
 *
 *	v = mem_grow(v, &cap, n + 1, sizeof(*v));
 *	v[n++] = item;
 */
void *mem_grow(void *items, size_t *cap, size_t need, size_t item_size);

/*
 * It is going to be written: whoever counts references of many objects, each where no cache has it, says so of all of them first,
 * and waits for memory once instead of once for each. NULL is fine.
 */
static inline void mem_expect(const void *ptr)
{
	__builtin_prefetch(ptr, 1);
}

/* Overwrites secrets; the compiler cannot leave it out. */
void mem_wipe(void *ptr, size_t size);

#endif

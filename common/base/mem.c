/* Memory that is there or the process ends. */
#include "mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void *there(void *ptr, size_t size)
{
	if (!ptr && size) {
		fprintf(stderr, "error base: out of memory bytes=%zu\n", size);
		abort();
	}
	return ptr;
}

void *mem_alloc(size_t size)
{
	return there(malloc(size), size);
}

void *mem_zalloc(size_t size)
{
	return there(calloc(1, size), size);
}

void *mem_calloc(size_t count, size_t size)
{
	return there(calloc(count, size), count && size ? 1 : 0);
}

void *mem_realloc(void *ptr, size_t size)
{
	return there(realloc(ptr, size), size);
}

void mem_free(void *ptr)
{
	free(ptr);
}

char *mem_strdup(struct str s)
{
	char *copy = mem_alloc(s.len + 1);

	if (s.len)
		memcpy(copy, s.ptr, s.len);
	copy[s.len] = '\0';
	return copy;
}

void *mem_grow(void *items, size_t *cap, size_t need, size_t item_size)
{
	size_t room = *cap ? *cap : 8;

	if (need <= *cap)
		return items;
	while (room < need) {
		if (room > SIZE_MAX / 2)
			abort();
		room *= 2;
	}
	if (room > SIZE_MAX / item_size)
		abort();
	*cap = room;
	return mem_realloc(items, room * item_size);
}

void mem_wipe(void *ptr, size_t size)
{
	if (ptr)
		explicit_bzero(ptr, size);
}

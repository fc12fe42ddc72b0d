/* A list of blocks, filled from the front; large pieces get a block of their own size. */
#include "arena.h"

#include <stdint.h>

#include "mem.h"

struct arena_block {
	struct arena_block *next;
	size_t size;
	max_align_t bytes[];
};

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 65536 };

static void add_block(struct arena *a, size_t need)
{
	size_t size = a->block_size ? a->block_size : FIRST_BLOCK;
	struct arena_block *block;

	a->block_size = size < LARGEST_BLOCK ? size * 2 : size;
	if (size < need)
		size = need;
	block = mem_alloc(sizeof(*block) + size);
	block->next = a->blocks;
	block->size = size;
	a->blocks = block;
	a->at = (char *)block->bytes;
	a->left = size;
	a->total_bytes += size;
}

void *arena_grow(struct arena *a, size_t size)
{
	const size_t align = _Alignof(max_align_t);

	if (size > SIZE_MAX - align)
		size = SIZE_MAX - align; /* cannot be had: aborts below */
	add_block(a, (size + align - 1) & ~(align - 1));
	return arena_alloc(a, size);
}

void *arena_zalloc(struct arena *a, size_t size)
{
	return memset(arena_alloc(a, size), 0, size);
}

struct str arena_str(struct arena *a, struct str s)
{
	return (struct str){arena_text(a, s), s.len};
}

char *arena_text(struct arena *a, struct str s)
{
	char *copy = arena_alloc(a, s.len + 1);

	if (s.len)
		memcpy(copy, s.ptr, s.len);
	copy[s.len] = '\0';
	return copy;
}

const char *arena_cstr(struct arena *a, struct str s)
{
	return arena_str(a, s).ptr;
}

static void free_blocks(struct arena_block *block)
{
	while (block) {
		struct arena_block *next = block->next;

		mem_free(block);
		block = next;
	}
}

void arena_reset(struct arena *a)
{
	struct arena_block *keep = a->blocks;

	if (!keep)
		return;
	free_blocks(keep->next);
	keep->next = NULL;
	a->at = (char *)keep->bytes;
	a->left = keep->size;
	a->total_bytes = keep->size;
}

void arena_deinit(struct arena *a)
{
	free_blocks(a->blocks);
	*a = (struct arena){0};
}

#ifndef ARENA_H
#define ARENA_H
/* What dies together is allocated together and freed at once. A zeroed arena is ready for use. */
#include <stddef.h>

#include "str.h"

struct arena_block;

struct arena {
	struct arena_block *blocks; /* newest first */
	char *at;                   /* the first free byte of the newest block */
	size_t left;                /* free bytes there */
	size_t block_size;          /* of the next block; 0 means 4096; doubles up to 64 KiB */
	size_t total_bytes;         /* of all blocks */
};

/* arena_alloc, where the newest block has not room enough. */
void *arena_grow(struct arena *a, size_t size);
/* Not initialised, aligned for any type. Lives until arena_deinit or arena_reset. */
static inline void *arena_alloc(struct arena *a, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	size_t need = (size + align - 1) & ~(align - 1);
	char *piece = a->at;

	if (size > a->left || need > a->left || !piece) /* `need` of the largest sizes is 0 */
		return arena_grow(a, size);
	a->at += need;
	a->left -= need;
	return piece;
}

void *arena_zalloc(struct arena *a, size_t size);
/* A NUL-terminated copy (the NUL is not counted in len). */
struct str arena_str(struct arena *a, struct str s);
const char *arena_cstr(struct arena *a, struct str s);
/* The same, for a message of protobuf-c, whose texts are not const. */
char *arena_text(struct arena *a, struct str s);
/* Frees everything but one block, for reuse. */
void arena_reset(struct arena *a);
/* Frees everything; the arena may be used again. */
void arena_deinit(struct arena *a);

#endif

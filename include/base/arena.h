#ifndef ARENA_H
#define ARENA_H
/* What dies together is allocated together and freed at once. A zeroed arena is ready for use. */
#include <stddef.h>

#include "str.h"

struct arena_block;

struct arena {
	struct arena_block *blocks; /* newest first */
	size_t used;                /* bytes of the newest block */
	size_t block_size;          /* of the next block; 0 means 4096; doubles up to 64 KiB */
	size_t total_bytes;         /* of all blocks */
};

/* Not initialised, aligned for any type. Lives until arena_deinit or arena_reset. */
void *arena_alloc(struct arena *a, size_t size);
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

#ifndef SPILL_H
#define SPILL_H
/*
 * A body that is kept before it goes on: its beginning in memory, the rest in a file that has no name and is gone with its
 * descriptor (SEMANTICS G6, G7). It grows at its end and is read at any place, so that it can be sent again.
 *
 * Files are written through the page cache from the loop that owns them. What all the bodies of a worker may put there is
 * bounded; beyond that, and on a disk that takes no more, nothing is kept, and the caller lets the body stream.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "buf.h"

/* Where the files of one worker go. */
struct spill_space {
	int directory_fd;    /* borrowed; -1: there are no files */
	uint64_t max_bytes;  /* what may lie in files */
	uint64_t used_bytes; /* what lies there */
	unsigned n_files;    /* open now */
	uint64_t n_refused;  /* times that something did not fit, or the disk failed */
	int error;           /* negative errno of the last failure of the disk; 0: none */
};

/* A zeroed one is empty, keeps nothing and may be deinited. */
struct spill {
	struct spill_space *space;
	size_t memory_bytes; /* this much before a file is used */
	uint64_t file_max;   /* and this much in it */
	struct buf memory;
	int fd;              /* valid while file_bytes is not 0 */
	uint64_t file_bytes;
};

/* `space` (keeps) outlives it. */
void spill_init(struct spill *s, struct spill_space *space, size_t memory_bytes, uint64_t file_max);
/* Gives back memory, file and room. */
void spill_deinit(struct spill *s);

/* All or nothing: false when there is no room, or the disk failed. */
bool spill_add(struct spill *s, struct str bytes);
uint64_t spill_size(const struct spill *s);
/* Whether a byte more has a chance. */
bool spill_has_room(const struct spill *s);
/* Up to `n` bytes from `at`, which is within it. 0 at its end, a negative errno when the file cannot be read. */
ssize_t spill_read(const struct spill *s, uint64_t at, char *to, size_t n);

/*
 * For the owner of the directory: makes sure that a file can be made in it. A descriptor (owned), or a negative errno.
 */
int spill_open_directory(const char *path);

#endif

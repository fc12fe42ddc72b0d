#ifndef ARCHIVE_INSIDE_H
#define ARCHIVE_INSIDE_H
/* What archive.c and archive_wire.c share. */
#include "archive.h"

struct archive {
	size_t max_count, max_bytes;
	struct snapshot *newest;
	struct archive_entry *entries; /* the oldest first */
	size_t n;
	size_t bytes; /* of all steps */
	unsigned long version;
};

/* Takes `undo`. */
void archive_set_undo(struct archive *a, struct archive_entry *e, struct archive_undo *undo, size_t n);

#endif

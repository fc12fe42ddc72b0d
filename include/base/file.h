#ifndef FILE_H
#define FILE_H
/* Files that others replace while we run. */
#include <stdbool.h>
#include <sys/stat.h>

/*
 * True if the file at `path` is not the one seen before: another inode, size or time. `*seen` is what is there now, all zeroes
 * for none.
 */
bool file_is_new(const char *path, struct stat *seen);

#endif

#ifndef FILE_H
#define FILE_H
/* Files that others write. */
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/*
 * True if the file at `path` is not the one seen before: another inode, size or time. `*seen` is what is there now, all zeroes
 * for none.
 */
bool file_is_new(const char *path, struct stat *seen);
/* The first `size` bytes at most of a small file, as those of /proc and of cgroups, by one read. How many; 0 where it cannot be read. */
size_t file_read_start(const char *path, char *into, size_t size);

#endif

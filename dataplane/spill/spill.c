/* Memory first, then a nameless file. */
#include "spill.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* -------------------------------------------------------------------------------------------------------------- files */

/* Where the file system has no nameless files, one that loses its name at once. */
static int open_named(int directory_fd)
{
	static unsigned n;
	char name[64];
	int fd;

	snprintf(name, sizeof(name), ".weirlock-body-%ld-%u", (long)getpid(), __atomic_add_fetch(&n, 1, __ATOMIC_RELAXED));
	fd = openat(directory_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	unlinkat(directory_fd, name, 0);
	return fd;
}

static int open_file(int directory_fd)
{
	int fd = openat(directory_fd, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	return errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT ? open_named(directory_fd) : -errno;
}

int spill_open_directory(const char *path)
{
	int directory_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd;

	if (directory_fd < 0)
		return -errno;
	fd = open_file(directory_fd);
	if (fd < 0) {
		close(directory_fd);
		return fd;
	}
	close(fd);
	return directory_fd;
}

static bool refuse(struct spill_space *space, int error)
{
	space->n_refused++;
	if (error)
		space->error = error;
	return false;
}

static bool need_file(struct spill *s)
{
	int fd;

	if (s->file_bytes)
		return true;
	if (s->space->directory_fd < 0)
		return refuse(s->space, 0);
	fd = open_file(s->space->directory_fd);
	if (fd < 0)
		return refuse(s->space, fd);
	s->fd = fd;
	s->space->n_files++;
	return true;
}

static void drop_file(struct spill *s)
{
	close(s->fd);
	s->space->n_files--;
	s->space->used_bytes -= s->file_bytes;
	s->file_bytes = 0;
}

/* At the file's end; what a failed write left behind it is written over by the next one. */
static int write_all(const struct spill *s, struct str bytes)
{
	uint64_t at = s->file_bytes;

	while (bytes.len) {
		ssize_t n = pwrite(s->fd, bytes.ptr, bytes.len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		at += (uint64_t)n;
		bytes = str_from_index(bytes, (size_t)n);
	}
	return 0;
}

static bool add_to_file(struct spill *s, struct str bytes)
{
	int error;

	if (bytes.len > s->file_max - s->file_bytes)
		return false;
	if (bytes.len > s->space->max_bytes - s->space->used_bytes)
		return refuse(s->space, 0);
	if (!need_file(s))
		return false;
	error = write_all(s, bytes);
	if (error) {
		if (!s->file_bytes)
			drop_file(s);
		return refuse(s->space, error);
	}
	s->file_bytes += bytes.len;
	s->space->used_bytes += bytes.len;
	return true;
}

/* ------------------------------------------------------------------------------------------------------------ the body */

void spill_init(struct spill *s, struct spill_space *space, size_t memory_bytes, uint64_t file_max)
{
	*s = (struct spill){.space = space, .memory_bytes = memory_bytes, .file_max = file_max};
}

void spill_deinit(struct spill *s)
{
	if (s->file_bytes)
		drop_file(s);
	buf_deinit(&s->memory);
	*s = (struct spill){0};
}

bool spill_add(struct spill *s, struct str bytes)
{
	size_t room = s->file_bytes || s->memory.len >= s->memory_bytes ? 0 : s->memory_bytes - s->memory.len;
	size_t n = bytes.len < room ? bytes.len : room;
	struct str rest = str_from_index(bytes, n);

	assert(s->space);
	if (rest.len && !add_to_file(s, rest))
		return false;
	return !n || buf_add(&s->memory, str_of(bytes.ptr, n));
}

uint64_t spill_size(const struct spill *s)
{
	return s->memory.len + s->file_bytes;
}

bool spill_has_room(const struct spill *s)
{
	if (!s->file_bytes && s->memory.len < s->memory_bytes)
		return true;
	return s->space->directory_fd >= 0 && s->space->used_bytes < s->space->max_bytes && s->file_bytes < s->file_max;
}

static ssize_t read_file(const struct spill *s, uint64_t at, char *to, size_t n)
{
	ssize_t got;

	do
		got = pread(s->fd, to, n, (off_t)at);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	return got ? got : -EIO; /* it was cut by somebody else */
}

ssize_t spill_read(const struct spill *s, uint64_t at, char *to, size_t n)
{
	uint64_t left = spill_size(s) - at;

	assert(at <= spill_size(s));
	if (n > left)
		n = (size_t)left;
	if (!n)
		return 0;
	if (at >= s->memory.len)
		return read_file(s, at - s->memory.len, to, n);
	if (n > s->memory.len - (size_t)at)
		n = s->memory.len - (size_t)at;
	memcpy(to, s->memory.ptr + at, n);
	return (ssize_t)n;
}

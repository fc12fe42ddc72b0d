/* Small files that are there whole or not at all. The temporary file has a fixed name: what a crash left is written over. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sealed.h"

static int open_directory(const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int write_all(int fd, struct str bytes)
{
	while (bytes.len) {
		ssize_t n = write(fd, bytes.ptr, bytes.len);

		if (n < 0 && errno != EINTR)
			return -errno;
		bytes = str_from_index(bytes, n > 0 ? (size_t)n : 0);
	}
	return fsync(fd) == 0 ? 0 : -errno;
}

static int replace(int directory, const char *temporary, const char *name, struct str bytes)
{
	int fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int result;

	if (fd < 0)
		return -errno;
	result = write_all(fd, bytes);
	if (close(fd) != 0 && !result)
		result = -errno;
	if (!result && renameat(directory, temporary, directory, name) != 0)
		result = -errno;
	if (!result && fsync(directory) != 0)
		result = -errno;
	if (result)
		unlinkat(directory, temporary, 0); /* a full disk is not made fuller */
	return result;
}

int sealed_write_file(const char *directory, const char *name, struct str bytes)
{
	struct buf temporary = {0};
	int fd = open_directory(directory), result;

	if (fd < 0)
		return fd;
	buf_printf(&temporary, "%s.new", name);
	result = replace(fd, buf_cstr(&temporary), name, bytes);
	buf_deinit(&temporary);
	close(fd);
	return result;
}

static int read_all(int fd, struct buf *out)
{
	enum { PIECE = 64 * 1024 };
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	do {
		if (!buf_reserve(out, PIECE))
			return -EFBIG;
		n = read(fd, out->ptr + out->len, PIECE);
		if (n < 0 && errno != EINTR)
			return -errno;
		out->len += n > 0 ? (size_t)n : 0;
	} while (n != 0);
	return 0;
}

int sealed_read_file(const char *directory, const char *name, struct buf *out)
{
	int at = open_directory(directory), fd, result;

	if (at < 0)
		return at;
	fd = openat(at, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	result = fd < 0 ? -errno : read_all(fd, out);
	if (fd >= 0)
		close(fd);
	close(at);
	return result;
}

int sealed_directory(const char *directory)
{
	struct stat st;

	if (mkdir(directory, 0700) != 0 && errno != EEXIST)
		return -errno;
	if (stat(directory, &st) != 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	return access(directory, W_OK | X_OK) == 0 ? 0 : -errno;
}

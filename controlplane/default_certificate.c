/*
 * One file holds key and chain, so that two controllers that start at once cannot mix theirs: the first to link it into
 * place wins, the other reads it.
 */
#include "default_certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"
#include "reconcile.h"

enum { MAX_FILE = 64 * 1024, MAX_AGE_S = 350 * 24 * 3600 };
#define KEY_BEGIN STR("-----BEGIN ") /* the key comes first */
#define CHAIN_BEGIN STR("-----BEGIN CERTIFICATE-----")

static bool read_file(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	ssize_t n = 1;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > MAX_FILE ||
		(int64_t)(clock_wall_ms() / 1000) - st.st_mtim.tv_sec > MAX_AGE_S)
		n = -1;
	while (n > 0 && buf_reserve(out, 4096)) {
		n = read(fd, out->ptr + out->len, 4096);
		out->len += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	return n == 0;
}

static bool take_kept(const char *path, struct buf *chain_pem, struct buf *key_pem)
{
	struct buf whole;
	size_t middle;
	bool is_good;

	buf_init(&whole, MAX_FILE + 4096);
	is_good = read_file(path, &whole);
	middle = str_find_str(buf_str(&whole), CHAIN_BEGIN);
	is_good = is_good && str_starts_with(buf_str(&whole), KEY_BEGIN) && middle > 0 && middle < whole.len;
	if (is_good) {
		buf_add(key_pem, str_first(buf_str(&whole), middle));
		buf_add(chain_pem, str_from_index(buf_str(&whole), middle));
	}
	if (whole.ptr)
		mem_wipe(whole.ptr, whole.len);
	buf_deinit(&whole);
	return is_good;
}

static bool write_all(int fd, struct str bytes)
{
	while (bytes.len) {
		ssize_t n = write(fd, bytes.ptr, bytes.len);

		if (n < 0 && errno != EINTR)
			return false;
		bytes = str_from_index(bytes, n > 0 ? (size_t)n : 0);
	}
	return fsync(fd) == 0;
}

/* False also when another was there first. An old one is replaced. */
static bool keep(const char *path, const struct buf *chain_pem, const struct buf *key_pem)
{
	struct buf temporary = {0};
	struct stat st;
	bool is_kept = false;
	int fd;

	buf_printf(&temporary, "%s.XXXXXX", path);
	buf_cstr(&temporary);
	fd = mkostemp(temporary.ptr, O_CLOEXEC); /* 0600 */
	if (fd >= 0) {
		is_kept = write_all(fd, buf_str(key_pem)) && write_all(fd, buf_str(chain_pem));
		close(fd);
		if (is_kept && stat(path, &st) == 0 &&
			(int64_t)(clock_wall_ms() / 1000) - st.st_mtim.tv_sec > MAX_AGE_S)
			is_kept = rename(temporary.ptr, path) == 0;
		else
			is_kept = is_kept && link(temporary.ptr, path) == 0;
		unlink(temporary.ptr);
	}
	buf_deinit(&temporary);
	return is_kept;
}

bool default_certificate_get(const char *directory, struct buf *chain_pem, struct buf *key_pem, bool *is_kept)
{
	struct buf path = {0};
	bool is_made;

	buf_printf(&path, "%s/default-tls.pem", directory ? directory : "");
	*is_kept = directory && take_kept(buf_cstr(&path), chain_pem, key_pem);
	if (*is_kept) {
		buf_deinit(&path);
		return true;
	}
	is_made = reconcile_make_certificate((int64_t)(clock_wall_ms() / 1000), chain_pem, key_pem);
	if (is_made && directory) {
		*is_kept = keep(buf_cstr(&path), chain_pem, key_pem);
		if (!*is_kept && errno == EEXIST) { /* another controller was quicker: its certificate is everybody's */
			buf_clear(chain_pem);
			buf_clear(key_pem);
			*is_kept = take_kept(buf_cstr(&path), chain_pem, key_pem);
			is_made = *is_kept || reconcile_make_certificate((int64_t)(clock_wall_ms() / 1000), chain_pem, key_pem);
		}
	}
	buf_deinit(&path);
	return is_made;
}

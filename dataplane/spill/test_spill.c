/* Bodies in memory and in files (SEMANTICS G6). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "spill.h"

static char directory[] = "/tmp/spill-XXXXXX";

static char byte_at(uint64_t i)
{
	return (char)('a' + i * 7 % 26);
}

static bool add(struct spill *s, size_t n)
{
	char bytes[4096];
	uint64_t at = spill_size(s);

	for (size_t i = 0; i < n; i++)
		bytes[i] = byte_at(at + i);
	return spill_add(s, str_of(bytes, n));
}

/* All of it, from everywhere, in pieces of every size. */
static void check_whole(const struct spill *s)
{
	char piece[64];

	for (size_t size = 1; size <= sizeof(piece); size += 9) {
		for (uint64_t at = 0; at < spill_size(s);) {
			ssize_t n = spill_read(s, at, piece, size);
			size_t wrong = 0;

			CHECK(n > 0);
			if (n <= 0)
				return;
			for (ssize_t i = 0; i < n; i++)
				wrong += piece[i] != byte_at(at + (uint64_t)i);
			CHECK_INT(wrong, 0);
			at += (uint64_t)n;
		}
	}
	CHECK_INT(spill_read(s, spill_size(s), piece, sizeof(piece)), 0);
}

static void test_sizes(int directory_fd)
{
	static const struct {
		const char *name;
		size_t memory, pieces[4];
		unsigned n_files;
	} rows[] = {
		{"nothing", 100, {0}, 0},
		{"fits", 100, {40, 60}, 0},
		{"one byte more", 100, {100, 1}, 1},
		{"a piece across the border", 100, {60, 60, 60}, 1},
		{"no memory at all", 0, {10, 10}, 1},
		{"one big piece", 100, {4000}, 1},
	};

	for (size_t i = 0; i < CHECK_COUNT(rows); i++) {
		struct spill_space space = {.directory_fd = directory_fd, .max_bytes = 1 << 20};
		struct spill s;
		size_t total = 0;

		check_case(rows[i].name);
		spill_init(&s, &space, rows[i].memory, UINT64_MAX);
		for (size_t k = 0; k < 4; k++) {
			CHECK(add(&s, rows[i].pieces[k]));
			total += rows[i].pieces[k];
		}
		CHECK_INT(spill_size(&s), total);
		CHECK_INT(space.n_files, rows[i].n_files);
		CHECK(s.memory.len <= rows[i].memory);
		check_whole(&s);
		spill_deinit(&s);
		CHECK_INT(space.n_files, 0);
		CHECK_INT(space.used_bytes, 0);
		CHECK_INT(space.n_refused, 0);
	}
}

static void test_bounds(int directory_fd)
{
	struct spill_space space = {.directory_fd = directory_fd, .max_bytes = 100};
	struct spill one, other;

	check_case("two bodies share the room of their worker");
	spill_init(&one, &space, 10, UINT64_MAX);
	spill_init(&other, &space, 10, UINT64_MAX);
	CHECK(add(&one, 90));
	CHECK(!add(&other, 40));
	CHECK_INT(spill_size(&other), 0); /* all or nothing */
	CHECK(add(&other, 30));
	CHECK(!add(&one, 1));
	CHECK_INT(space.n_refused, 2);
	CHECK_INT(space.error, 0);
	check_whole(&one);
	spill_deinit(&one);
	CHECK(add(&other, 50));
	check_whole(&other);
	spill_deinit(&other);
	CHECK_INT(space.used_bytes, 0);
}

static void test_file_max(int directory_fd)
{
	struct spill_space space = {.directory_fd = directory_fd, .max_bytes = 1000};
	struct spill s;

	check_case("the most of one body");
	spill_init(&s, &space, 10, 20);
	CHECK(add(&s, 30));
	CHECK(!add(&s, 1));
	CHECK_INT(space.n_refused, 0); /* it is no want of room */
	check_whole(&s);
	spill_deinit(&s);
	spill_init(&s, &space, 10, 0);
	CHECK(add(&s, 10));
	CHECK(!add(&s, 1));
	CHECK_INT(space.n_files, 0);
	spill_deinit(&s);
}

static void test_no_files(void)
{
	struct spill_space space = {.directory_fd = -1, .max_bytes = 1000};
	struct spill s;

	check_case("memory alone");
	spill_init(&s, &space, 10, UINT64_MAX);
	CHECK(add(&s, 10));
	CHECK(!add(&s, 1));
	CHECK_INT(spill_size(&s), 10);
	check_whole(&s);
	spill_deinit(&s);
}

static void test_full_disk(void)
{
	/* a descriptor that takes no byte stands for a disk that is full */
	struct spill_space space = {.directory_fd = -1, .max_bytes = 1000, .used_bytes = 1, .n_files = 1};
	struct spill s = {.space = &space, .file_max = 100, .fd = -1};

	check_case("a write that fails keeps what was there");
	s.fd = dup(STDIN_FILENO);
	close(s.fd);
	s.file_bytes = 1;
	CHECK(!add(&s, 5));
	CHECK_INT(spill_size(&s), 1);
	CHECK_INT(space.error, -EBADF);
	CHECK_INT(spill_read(&s, 0, (char[1]){0}, 1), -EBADF);
	spill_deinit(&s);
}

static void test_directory(void)
{
	char locked[64];

	check_case("a directory that is none");
	CHECK_INT(spill_open_directory("/dev/null"), -ENOTDIR);
	CHECK_INT(spill_open_directory("/no/such/directory"), -ENOENT);
	snprintf(locked, sizeof(locked), "%s/locked", directory);
	CHECK_INT(mkdir(locked, 0500), 0);
	if (geteuid() != 0)
		CHECK_INT(spill_open_directory(locked), -EACCES);
	rmdir(locked);
}

int main(void)
{
	int directory_fd;

	if (!mkdtemp(directory))
		return 1;
	directory_fd = spill_open_directory(directory);
	CHECK(directory_fd >= 0);
	test_sizes(directory_fd);
	test_bounds(directory_fd);
	test_file_max(directory_fd);
	test_no_files();
	test_full_disk();
	test_directory();
	close(directory_fd);
	CHECK_INT(rmdir(directory), 0); /* nothing was left behind */
	return check_done();
}

/* Limits of cgroups, read from their files: memory.max (version 2) and memory.limit_in_bytes (version 1). */
#include "cgroup.h"

#include <stdbool.h>
#include <stdio.h>

#include "file.h"

enum { SELF_MAX = 4096, PATH_MAX_BYTES = 4096 };

static const uint64_t no_limit = (uint64_t)1 << 60; /* version 1 writes a number near 2^63 for none */

static uint64_t lower(uint64_t a, uint64_t b)
{
	return !a || (b && b < a) ? b : a;
}

static uint64_t limit_in(const char *root, struct str path, const char *file)
{
	char name[PATH_MAX_BYTES], text[64];
	struct str number, rest;
	uint64_t n = 0;
	int len = snprintf(name, sizeof(name), "%s%.*s/%s", root, STR_ARG(path), file);

	if (len < 0 || (size_t)len >= sizeof(name))
		return 0;
	rest = str_of(text, file_read_start(name, text, sizeof(text)));
	if (!str_next(&rest, '\n', &number) || !str_to_u64(number, UINT64_MAX, &n) || n >= no_limit)
		return 0;
	return n;
}

/* Of the group and of all above it: each of them binds. */
static uint64_t lowest_in(const char *root, struct str path, const char *file)
{
	uint64_t lowest = 0;

	while (path.len) {
		if (path.len > 1)
			lowest = lower(lowest, limit_in(root, path, file));
		do
			path.len--;
		while (path.len && path.ptr[path.len] != '/');
	}
	return lower(lowest, limit_in(root, path, file));
}

static bool names_memory(struct str controllers)
{
	struct str one;

	while (str_next(&controllers, ',', &one)) {
		if (str_eq(one, STR("memory")))
			return true;
	}
	return false;
}

uint64_t cgroup_memory_limit(const char *root, struct str self)
{
	char v1_root[PATH_MAX_BYTES];
	uint64_t lowest = 0;
	struct str line;

	snprintf(v1_root, sizeof(v1_root), "%s/memory", root);
	while (str_next(&self, '\n', &line)) {
		struct str number, controllers;

		/* number:controllers:path */
		if (!str_next(&line, ':', &number) || !str_next(&line, ':', &controllers))
			continue;
		if (!controllers.len)
			lowest = lower(lowest, lowest_in(root, line, "memory.max"));
		else if (names_memory(controllers))
			lowest = lower(lowest, lowest_in(v1_root, line, "memory.limit_in_bytes"));
	}
	return lowest;
}

uint64_t cgroup_own_memory_limit(void)
{
	char self[SELF_MAX];

	return cgroup_memory_limit("/sys/fs/cgroup", str_of(self, file_read_start("/proc/self/cgroup", self, sizeof(self))));
}

/* Directories as the kernel makes them for cgroups of both versions. */
#include "cgroup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

enum { FILES_MAX = 4 };

struct limit_case {
	const char *name;
	const char *self;
	struct {
		const char *path, *text;
	} files[FILES_MAX];
	uint64_t want;
};

static const struct limit_case cases[] = {
	{"no cgroup", "", {{0}}, 0},
	{"v2: a container sees its own group as the root", "0::/\n", {{"memory.max", "1048576\n"}}, 1048576},
	{"v2: no limit", "0::/\n", {{"memory.max", "max\n"}}, 0},
	{"v2: its own group", "0::/a/b\n", {{"a/b/memory.max", "200\n"}, {"a/memory.max", "max\n"}}, 200},
	{"v2: the group above is stricter", "0::/a/b\n", {{"a/b/memory.max", "200\n"}, {"a/memory.max", "100\n"}}, 100},
	{"v2: the path lies outside of the mount", "0::/kubepods/pod1/x\n", {{"memory.max", "300\n"}}, 300},
	{"v2: no number", "0::/\n", {{"memory.max", "12x\n"}}, 0},
	{"v1", "5:cpu,cpuacct:/c\n4:memory:/m\n", {{"memory/m/memory.limit_in_bytes", "400\n"}}, 400},
	{"v1: several controllers in one", "4:hugetlb,memory:/m\n", {{"memory/m/memory.limit_in_bytes", "400\n"}}, 400},
	{"v1: in a container", "4:memory:/docker/x\n", {{"memory/memory.limit_in_bytes", "500\n"}}, 500},
	{"v1: none", "4:memory:/\n", {{"memory/memory.limit_in_bytes", "9223372036854771712\n"}}, 0},
	{"both mounted: the lower one", "4:memory:/m\n0::/m\n",
		{{"memory/m/memory.limit_in_bytes", "700\n"}, {"m/memory.max", "600\n"}}, 600},
	{"lines that are none", "x\n1:\n\n0::/\n", {{"memory.max", "10\n"}}, 10},
};

static void put(const char *root, const char *path, const char *text)
{
	char name[512];
	FILE *file;

	snprintf(name, sizeof(name), "%s/%s", root, path);
	for (char *at = name + strlen(root) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		mkdir(name, 0700);
		*at = '/';
	}
	file = fopen(name, "we");
	CHECK(file != NULL);
	if (!file)
		return;
	fputs(text, file);
	fclose(file);
}

static void drop(const char *root, const char *path)
{
	char name[512];
	int len = snprintf(name, sizeof(name), "%s/%s", root, path);

	unlink(name);
	for (size_t at = (size_t)len; at > strlen(root); at--) {
		if (name[at] != '/')
			continue;
		name[at] = '\0';
		rmdir(name);
	}
}

int main(void)
{
	char root[] = "/tmp/test_cgroup.XXXXXX";

	CHECK(mkdtemp(root) != NULL);
	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		const struct limit_case *c = &cases[i];

		check_case(c->name);
		for (size_t k = 0; k < FILES_MAX && c->files[k].path; k++)
			put(root, c->files[k].path, c->files[k].text);
		CHECK_INT(cgroup_memory_limit(root, str_from(c->self)), c->want);
		for (size_t k = 0; k < FILES_MAX && c->files[k].path; k++)
			drop(root, c->files[k].path);
	}
	rmdir(root);
	return check_done();
}

/* Which files there are: each path in turn, directories with all below them, in the order of their names. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "inside.h"
#include "mem.h"

enum { MAX_DIR_DEPTH = 16, MAX_FILES = 200000 };

struct scan {
	struct tree *tree;
	size_t root;
	dev_t devices[MAX_DIR_DEPTH]; /* of the directories above: a link back up is not followed */
	ino_t inodes[MAX_DIR_DEPTH];
	size_t depth;
};

bool tree_is_manifest(struct str name)
{
	return name.len && name.ptr[0] != '.' && name.ptr[0] != '#' &&
		(str_ends_with(name, STR(".yaml")) || str_ends_with(name, STR(".yml")) || str_ends_with(name, STR(".json")));
}

static void add_problem(struct tree *t, const char *path, int error)
{
	struct buf origin = {0}, why = {0};

	buf_printf(&origin, "file %s", path);
	buf_printf(&why, "cannot be read: %s", uv_strerror(-error));
	problems_add(&t->problems,
		&(struct problem){.severity = SEVERITY_FAULT, .object = buf_str(&origin), .rule = buf_str(&why),
			.effect = STR("what it held is gone until it can be read")});
	buf_deinit(&origin);
	buf_deinit(&why);
}

static void note_time(struct tree *t, const struct stat *st)
{
	uint64_t us = st->st_mtim.tv_sec < 0 ? 0 : (uint64_t)st->st_mtim.tv_sec * 1000000 + (uint64_t)st->st_mtim.tv_nsec / 1000;

	if (t->newest_us < us)
		t->newest_us = us;
}

static void add_file(struct scan *s, const char *path, const struct stat *st)
{
	struct tree *t = s->tree;

	note_time(t, st);
	t->files = mem_grow(t->files, &t->cap_files, t->n_files + 1, sizeof(*t->files));
	t->files[t->n_files++] = (struct found){mem_strdup(str_from(path)), s->root, *st};
}

static void add_dir(struct tree *t, const char *path, bool is_any, const char *only)
{
	t->dirs = mem_grow(t->dirs, &t->cap_dirs, t->n_dirs + 1, sizeof(*t->dirs));
	t->dirs[t->n_dirs++] =
		(struct dir){mem_strdup(str_from(path)), is_any, only ? mem_strdup(str_from(only)) : NULL};
}

/* The directory of what a link leads to: edits there are seen nowhere else. */
static void add_target_dir(struct tree *t, const char *path)
{
	struct stat st;
	char *target;

	if (lstat(path, &st) != 0 || !S_ISLNK(st.st_mode))
		return;
	target = realpath(path, NULL);
	if (!target)
		return;
	*strrchr(target, '/') = '\0';
	add_dir(t, *target ? target : "/", true, NULL);
	free(target);
}

static bool is_above(const struct scan *s, const struct stat *st)
{
	for (size_t i = 0; i < s->depth; i++) {
		if (s->devices[i] == st->st_dev && s->inodes[i] == st->st_ino)
			return true;
	}
	return false;
}

static void scan_dir(struct scan *s, const char *path, const struct stat *st);

static void scan_entry(struct scan *s, const char *dir, const char *name)
{
	struct buf path = {0};
	struct stat st;

	buf_printf(&path, "%s/%s", dir, name);
	if (stat(buf_cstr(&path), &st) == 0) {
		if (S_ISDIR(st.st_mode)) {
			scan_dir(s, buf_cstr(&path), &st);
		} else if (S_ISREG(st.st_mode) && tree_is_manifest(str_from(name)) && s->tree->n_files < MAX_FILES) {
			add_file(s, buf_cstr(&path), &st);
			add_target_dir(s->tree, buf_cstr(&path));
		}
	}
	buf_deinit(&path);
}

/* Recursion is bounded by MAX_DIR_DEPTH. */
static void scan_dir(struct scan *s, const char *path, const struct stat *st)
{
	struct dirent **names;
	int n;

	if (s->depth == MAX_DIR_DEPTH || is_above(s, st))
		return;
	add_dir(s->tree, path, false, NULL);
	note_time(s->tree, st);
	n = scandir(path, &names, NULL, NULL);
	if (n < 0) {
		add_problem(s->tree, path, errno);
		return;
	}
	s->devices[s->depth] = st->st_dev;
	s->inodes[s->depth++] = st->st_ino;
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.') /* hidden, or the hidden half of a mounted ConfigMap */
			scan_entry(s, path, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	s->depth--;
}

static void scan_root(struct tree *t, const char *root, size_t index)
{
	struct scan s = {.tree = t, .root = index};
	struct buf parent = {0};
	const char *slash = strrchr(root, '/');
	struct stat st;

	if (stat(root, &st) != 0) {
		add_problem(t, root, errno);
	} else if (S_ISDIR(st.st_mode)) {
		scan_dir(&s, root, &st);
	} else if (S_ISREG(st.st_mode)) {
		add_file(&s, root, &st);
	} else {
		add_problem(t, root, EINVAL);
	}
	/* the path itself may be replaced: watch where it lies */
	if (slash)
		buf_add(&parent, str_of(root, (size_t)(slash - root)));
	add_dir(t, !slash ? "." : parent.len ? buf_cstr(&parent) : "/", false, slash ? slash + 1 : root);
	add_target_dir(t, root);
	buf_deinit(&parent);
}

static int compare_found(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->root != y->root)
		return x->root < y->root ? -1 : 1;
	return strcmp(x->path, y->path);
}

void tree_scan(struct tree *t, const char *const *roots, size_t n_roots)
{
	for (size_t i = 0; i < n_roots; i++)
		scan_root(t, roots[i], i);
	if (t->n_files > 1)
		qsort(t->files, t->n_files, sizeof(*t->files), compare_found);
}

void tree_deinit(struct tree *t)
{
	for (size_t i = 0; i < t->n_files; i++)
		mem_free(t->files[i].path);
	for (size_t i = 0; i < t->n_dirs; i++) {
		mem_free(t->dirs[i].path);
		mem_free(t->dirs[i].only);
	}
	mem_free(t->files);
	mem_free(t->dirs);
	problems_deinit(&t->problems);
	*t = (struct tree){0};
}

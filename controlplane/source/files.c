/*
 * All files as last read. A scan finds what is there, what changed is read again, and what became of each object is sent.
 *
 * A file that held objects and now looks broken, or empty, may be half written: it is left as it was for a grace, and read
 * again then. After that it is believed: an empty one has lost its objects, and of a broken one what can be read counts,
 * while the objects that are seen no more are kept, since they may be what cannot be read.
 */
#include <stdlib.h>

#include "inside.h"
#include "mem.h"

void shelf_init(struct shelf *s, const char *const *paths, size_t n, source_event_fn *on_event, void *owner)
{
	*s = (struct shelf){.is_first = true, .n_roots = n, .claims = {.on_event = on_event, .owner = owner}};
	s->roots = mem_calloc(n, sizeof(*s->roots));
	for (size_t i = 0; i < n; i++) {
		struct str path = str_from(paths[i]);

		while (path.len > 1 && path.ptr[path.len - 1] == '/')
			path.len--;
		s->roots[i] = mem_strdup(path);
	}
}

static void drop_items(struct file *f)
{
	for (size_t i = 0; i < f->n_items; i++)
		item_free(f->items[i]);
	mem_free(f->items);
	f->items = NULL;
	f->n_items = f->cap_items = 0;
}

static void free_file(struct file *f)
{
	drop_items(f);
	problems_deinit(&f->problems);
	mem_free(f->path);
	mem_free(f);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
		a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
		a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Moves the items of `old` that `now` does not have: they may be in what could not be read. */
static void keep_unseen(struct file *old, struct file *now)
{
	struct map seen = {0};
	size_t n = 0;

	for (size_t i = 0; i < now->n_items; i++)
		map_put(&seen, str_from(now->items[i]->key), now);
	for (size_t i = 0; i < old->n_items; i++) {
		struct item *item = old->items[i];

		if (map_get(&seen, str_from(item->key))) {
			old->items[n++] = item;
			continue;
		}
		now->items = mem_grow(now->items, &now->cap_items, now->n_items + 1, sizeof(struct item *));
		now->items[now->n_items++] = item;
	}
	old->n_items = n;
	map_deinit(&seen);
}

static void send_problems(struct shelf *s, const char *path, const struct problems *problems)
{
	struct buf origin = {0};

	buf_printf(&origin, "file %s", path);
	s->claims.on_event(s->claims.owner,
		&(struct source_event){.type = SOURCE_PROBLEMS, .origin = buf_str(&origin), .problems = problems});
	buf_deinit(&origin);
}

/* Makes `f` what `now` is. Takes the contents of `now`. */
static void replace(struct shelf *s, struct file *f, struct file *now, bool is_whole)
{
	bool had_problems = f->problems.n > 0;

	for (size_t i = 0; i < f->n_items; i++)
		claims_remove(&s->claims, f->items[i]);
	if (!is_whole)
		keep_unseen(f, now);
	drop_items(f);
	problems_deinit(&f->problems);
	f->items = now->items;
	f->n_items = now->n_items;
	f->cap_items = now->cap_items;
	f->problems = now->problems;
	for (size_t i = 0; i < f->n_items; i++) {
		f->items[i]->file = f;
		claims_add(&s->claims, f->items[i]);
	}
	if (had_problems || f->problems.n)
		send_problems(s, f->path, &f->problems);
}

/* False when the file is not to be believed yet. */
static bool read_again(struct shelf *s, struct file *f, uint64_t now_ms)
{
	struct file now = {.path = f->path, .root = f->root};
	bool is_whole = file_read(&now, f->path);
	bool is_doubtful = !s->is_first && (!is_whole || (now.n_items == 0 && f->n_items > 0));

	if (!is_doubtful)
		f->doubtful_ms = 0;
	else if (f->doubtful_ms == 0)
		f->doubtful_ms = now_ms ? now_ms : 1;
	if (is_doubtful && now_ms - f->doubtful_ms < GRACE_MS) {
		drop_items(&now);
		problems_deinit(&now.problems);
		return false;
	}
	f->doubtful_ms = 0;
	replace(s, f, &now, is_whole);
	return true;
}

static struct file *need_file(struct shelf *s, const struct found *found)
{
	struct file *f = map_get(&s->files, str_from(found->path));

	if (!f) {
		f = mem_zalloc(sizeof(*f));
		f->path = mem_strdup(str_from(found->path));
		f->root = found->root;
		map_put(&s->files, str_from(f->path), f);
	}
	return f;
}

static void drop_missing(struct shelf *s)
{
	size_t cursor = 0;
	void *value;

	while (map_next(&s->files, &cursor, NULL, &value)) {
		struct file *f = value;

		if (f->is_found) {
			f->is_found = false;
			continue;
		}
		for (size_t i = 0; i < f->n_items; i++)
			claims_remove(&s->claims, f->items[i]);
		if (f->problems.n)
			send_problems(s, f->path, &(struct problems){0});
		map_del(&s->files, str_from(f->path));
		free_file(f);
	}
}

static void send_tree_problems(struct shelf *s, struct tree *tree)
{
	if (s->tree_problems.n == 0 && tree->problems.n == 0)
		return;
	s->claims.on_event(s->claims.owner,
		&(struct source_event){.type = SOURCE_PROBLEMS, .origin = STR("manifests"), .problems = &tree->problems});
	problems_deinit(&s->tree_problems);
	s->tree_problems = tree->problems;
	tree->problems = (struct problems){0};
}

uint64_t shelf_update(struct shelf *s, uint64_t now_ms, struct tree *tree)
{
	uint64_t again_ms = 0;

	tree_scan(tree, (const char *const *)s->roots, s->n_roots);
	for (size_t i = 0; i < tree->n_files; i++) {
		struct file *f = need_file(s, &tree->files[i]);

		if (f->is_found) /* by an earlier path */
			continue;
		f->is_found = true;
		if (is_same(&f->seen, &tree->files[i].stat) && f->doubtful_ms == 0)
			continue;
		if (read_again(s, f, now_ms))
			f->seen = tree->files[i].stat;
		else if (again_ms == 0 || f->doubtful_ms + GRACE_MS < again_ms)
			again_ms = f->doubtful_ms + GRACE_MS;
	}
	drop_missing(s);
	send_tree_problems(s, tree);
	claims_settle(&s->claims);
	s->is_first = false;
	return again_ms;
}

void shelf_deinit(struct shelf *s)
{
	size_t cursor = 0;
	void *f;

	claims_deinit(&s->claims);
	while (map_next(&s->files, &cursor, NULL, &f))
		free_file(f);
	map_deinit(&s->files);
	for (size_t i = 0; i < s->n_roots; i++)
		mem_free(s->roots[i]);
	mem_free(s->roots);
	problems_deinit(&s->tree_problems);
}

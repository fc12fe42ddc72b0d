/*
 * The manifests, watched. Any event in a directory that matters leads to one scan, once it has been quiet for a moment and
 * no file is being written, but not later than MAX_WAIT_MS after the first: the scan finds out what really changed.
 */
#include <errno.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "clock.h"
#include "inside.h"
#include "mem.h"

enum { QUIET_MS = 60, MAX_WAIT_MS = 1000 };

struct watch {
	bool is_any;
	char *only;
};

struct source {
	struct shelf shelf;
	uint64_t newest_us;       /* of what was read, ever */
	uv_poll_t poll;
	uv_timer_t timer;
	int fd;
	struct map watches;       /* watch descriptor → struct watch */
	struct map writing;       /* "descriptor/name" of files that are open and were written to */
	uint64_t first_event_ms;  /* that no scan has followed; 0 is none */
	uint64_t again_ms;        /* when a doubtful file is to be read again; 0 is never */
	unsigned n_open;          /* handles */
	void (*on_closed)(void *owner);
};

static bool path_exists(const char *path, struct buf *error)
{
	struct stat st;

	if (stat(path, &st) == 0)
		return true;
	buf_printf(error, "--manifests %s: %s", path, uv_strerror(-errno));
	return false;
}

static int check_paths(const char *const *paths, size_t n, struct buf *error)
{
	for (size_t i = 0; i < n; i++) {
		if (!path_exists(paths[i], error))
			return UV_ENOENT;
	}
	return 0;
}

static void send_synced(struct shelf *s)
{
	static const struct problems none;

	s->claims.on_event(s->claims.owner, &(struct source_event){.type = SOURCE_SYNCED, .problems = &none});
}

int source_files_load(const char *const *paths, size_t n_paths, source_event_fn *on_event, void *owner, struct buf *error)
{
	struct shelf shelf;
	struct tree tree = {0};
	int result = check_paths(paths, n_paths, error);

	if (result < 0)
		return result;
	shelf_init(&shelf, paths, n_paths, on_event, owner);
	shelf_update(&shelf, 0, &tree);
	send_synced(&shelf);
	tree_deinit(&tree);
	shelf_deinit(&shelf);
	return 0;
}

static struct str watch_key(const int *wd)
{
	return str_of((const char *)wd, sizeof(*wd));
}

static void free_watches(struct map *watches)
{
	size_t cursor = 0;
	void *value;

	while (map_next(watches, &cursor, NULL, &value)) {
		struct watch *w = value;

		mem_free(w->only);
		mem_free(w);
	}
	map_deinit(watches);
}

static void add_watch(struct map *watches, int wd, const struct dir *dir)
{
	struct watch *w = map_get(watches, watch_key(&wd));

	if (!w) {
		w = mem_zalloc(sizeof(*w));
		w->is_any = dir->is_any;
		w->only = dir->only ? mem_strdup(str_from(dir->only)) : NULL;
		map_put(watches, watch_key(&wd), w);
	} else if (dir->is_any || !w->only != !dir->only || (w->only && strcmp(w->only, dir->only) != 0)) {
		w->is_any = true;
	}
}

/* Watches what the scan saw, and nothing else. */
static void watch_dirs(struct source *s, const struct tree *tree)
{
	const uint32_t mask = IN_MODIFY | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB |
		IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
	struct map now = {0};
	size_t cursor = 0;
	struct str key;

	for (size_t i = 0; i < tree->n_dirs; i++) {
		int wd = inotify_add_watch(s->fd, tree->dirs[i].path, mask);

		if (wd >= 0) /* one that went away is noticed by its parent */
			add_watch(&now, wd, &tree->dirs[i]);
	}
	while (map_next(&s->watches, &cursor, &key, NULL)) {
		int wd;

		memcpy(&wd, key.ptr, sizeof(wd));
		if (!map_get(&now, key))
			inotify_rm_watch(s->fd, wd);
	}
	free_watches(&s->watches);
	s->watches = now;
}

static void on_timer(uv_timer_t *timer);

static void wait_ms(struct source *s, uint64_t ms)
{
	uv_timer_start(&s->timer, on_timer, ms, 0);
}

static void update(struct source *s)
{
	uint64_t now_ms = clock_mono_ms();
	struct tree tree = {0};

	s->first_event_ms = 0;
	map_deinit(&s->writing);
	s->again_ms = shelf_update(&s->shelf, now_ms, &tree);
	watch_dirs(s, &tree);
	if (s->newest_us < tree.newest_us)
		s->newest_us = tree.newest_us;
	tree_deinit(&tree);
	if (s->again_ms)
		wait_ms(s, s->again_ms > now_ms ? s->again_ms - now_ms : 1);
}

static void on_timer(uv_timer_t *timer)
{
	struct source *s = container_of(timer, struct source, timer);
	uint64_t now_ms = clock_mono_ms();

	if (s->writing.n && s->first_event_ms && now_ms < s->first_event_ms + MAX_WAIT_MS)
		wait_ms(s, s->first_event_ms + MAX_WAIT_MS - now_ms);
	else
		update(s);
}

static bool is_of_no_matter(const struct source *s, const struct inotify_event *e)
{
	const struct watch *w = map_get(&s->watches, watch_key(&e->wd));
	struct str name = e->len ? str_from(e->name) : STR("");

	if (!w || w->is_any || !name.len) /* of an older watch, or of the directory itself */
		return e->mask & IN_IGNORED;
	if (w->only)
		return !str_eq(name, str_from(w->only));
	return !(e->mask & IN_ISDIR) && !str_starts_with(name, STR("..")) && !tree_is_manifest(name);
}

static void note_event(struct source *s, const struct inotify_event *e)
{
	struct buf key = {0};

	if (is_of_no_matter(s, e))
		return;
	buf_printf(&key, "%d/%s", e->wd, e->len ? e->name : "");
	if (e->mask & IN_MODIFY)
		map_put(&s->writing, buf_str(&key), s);
	else if (e->mask & (IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO))
		map_del(&s->writing, buf_str(&key));
	if (s->first_event_ms == 0)
		s->first_event_ms = clock_mono_ms();
	buf_deinit(&key);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct source *s = container_of(poll, struct source, poll);
	_Alignas(struct inotify_event) char bytes[16384];
	uint64_t now_ms = clock_mono_ms(), latest_ms;
	ssize_t n;

	(void)status;
	(void)events;
	while ((n = read(s->fd, bytes, sizeof(bytes))) > 0) {
		for (size_t at = 0; at < (size_t)n;) {
			struct inotify_event *e = (struct inotify_event *)(void *)(bytes + at);

			note_event(s, e);
			at += sizeof(*e) + e->len;
		}
	}
	if (s->first_event_ms == 0)
		return;
	latest_ms = s->first_event_ms + MAX_WAIT_MS;
	wait_ms(s, now_ms + QUIET_MS < latest_ms ? QUIET_MS : latest_ms > now_ms ? latest_ms - now_ms : 0);
}

static void free_source(struct source *s)
{
	close(s->fd);
	free_watches(&s->watches);
	map_deinit(&s->writing);
	shelf_deinit(&s->shelf);
	mem_free(s);
}

int source_files_open(uv_loop_t *loop, const char *const *paths, size_t n_paths, source_event_fn *on_event, void *owner,
	struct buf *error, struct source **out)
{
	int result = check_paths(paths, n_paths, error);
	struct source *s;
	int fd;

	if (result < 0)
		return result;
	fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd < 0) {
		result = -errno;
		buf_printf(error, "--manifests: cannot watch files: %s", uv_strerror(result));
		return result;
	}
	s = mem_zalloc(sizeof(*s));
	s->fd = fd;
	shelf_init(&s->shelf, paths, n_paths, on_event, owner);
	uv_timer_init(loop, &s->timer);
	uv_poll_init(loop, &s->poll, fd);
	s->n_open = 2;
	*out = s;
	{ /* watch first, then read: nothing that happens in between is lost */
		struct tree tree = {0};

		tree_scan(&tree, (const char *const *)s->shelf.roots, s->shelf.n_roots);
		watch_dirs(s, &tree);
		tree_deinit(&tree);
	}
	update(s);
	send_synced(&s->shelf);
	uv_poll_start(&s->poll, UV_READABLE, on_readable);
	return 0;
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct source *s = handle->data;

	if (--s->n_open == 0) {
		void (*on_closed)(void *) = s->on_closed;
		void *owner = s->shelf.claims.owner;

		free_source(s);
		if (on_closed)
			on_closed(owner);
	}
}

void source_close(struct source *s, void (*on_closed)(void *owner))
{
	s->on_closed = on_closed;
	s->timer.data = s;
	s->poll.data = s;
	uv_close((uv_handle_t *)&s->timer, on_handle_closed);
	uv_close((uv_handle_t *)&s->poll, on_handle_closed);
}

uint64_t source_newest_us(const struct source *s)
{
	return s->newest_us;
}

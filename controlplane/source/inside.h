#ifndef SOURCE_INSIDE_H
#define SOURCE_INSIDE_H
/* What the files of this room share: files as last read, and who of them speaks for an object. */
#include <sys/stat.h>

#include "manifest.h"
#include "map.h"
#include "source.h"

enum { GRACE_MS = 1000 }; /* how long a file may look broken or empty before it is believed */

/* One object of one file. Without `object`, its newest form is refused and `problems` says why. */
struct item {
	struct file *file;
	size_t line;
	struct object *object;
	enum object_kind kind;
	char *key; /* of the object, NUL-terminated; owned */
	struct str namespace_, name; /* within `names` */
	char *names;
	struct problems problems;
};

struct file {
	char *path;
	size_t root;            /* index of the path it was found by */
	struct stat seen;       /* when it was last read */
	struct item **items;    /* in order of their lines */
	size_t n_items, cap_items;
	struct problems problems;
	bool is_found;          /* by the scan that runs */
	uint64_t doubtful_ms;   /* since when it has looked broken or empty, held back; 0 is never */
};

/* Who speaks for one object: the first item by file and line. */
struct claim {
	char *key;
	struct item **items;
	size_t n, cap;
	bool is_touched, is_sent, had_duplicates, has_notes;
	struct object *sent; /* a reference to what was sent last, or NULL */
};

struct claims {
	struct map by_key;
	struct claim **touched;
	size_t n_touched, cap_touched;
	source_event_fn *on_event;
	void *owner;
};

void claims_add(struct claims *c, struct item *item);
void claims_remove(struct claims *c, struct item *item);
/* Sends what became of every object touched since. */
void claims_settle(struct claims *c);
void claims_deinit(struct claims *c);

/* What a scan of the paths found, in order; directories are listed for watching. */
struct found {
	char *path;
	size_t root;
	struct stat stat;
};
/* A directory to watch, and which names in it matter. */
struct dir {
	char *path;
	bool is_any;  /* all: links lead into it */
	char *only;   /* this name alone: one of the paths lies in it; NULL: what a scan reads */
};
struct tree {
	struct found *files;
	size_t n_files, cap_files;
	struct dir *dirs;
	size_t n_dirs, cap_dirs;
	uint64_t newest_us;       /* when a file or directory was last changed, by their own times */
	struct problems problems; /* directories that cannot be read, paths that went away */
};
void tree_scan(struct tree *t, const char *const *roots, size_t n_roots);
void tree_deinit(struct tree *t);
/* By its name: *.yaml, *.yml, *.json, not hidden and not an editor's. */
bool tree_is_manifest(struct str name);

/* All that was read, by path. */
struct shelf {
	char **roots;
	size_t n_roots;
	struct map files; /* path → struct file */
	struct claims claims;
	struct problems tree_problems;
	bool is_first; /* nothing was held back yet: all is believed at once */
};
void shelf_init(struct shelf *s, const char *const *paths, size_t n, source_event_fn *on_event, void *owner);
/*
 * Reads what changed since the last time and sends events. Returns when it wants to be called again because a file is
 * doubtful (monotonic ms), or 0. `tree` is filled for the watcher.
 */
uint64_t shelf_update(struct shelf *s, uint64_t now_ms, struct tree *tree);
void shelf_deinit(struct shelf *s);

/* Reads one file into items. Returns false when the file may hold more than could be read. */
bool file_read(struct file *f, const char *path);
void item_free(struct item *item);

#endif

/* One file: its bytes, read at once and wiped afterwards (it may hold keys), to items. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "inside.h"
#include "mem.h"

static void add_problem(struct file *f, const char *what, const char *why)
{
	struct buf origin = {0}, rule = {0};

	buf_printf(&origin, "file %s", f->path);
	buf_printf(&rule, "%s%s", what, why);
	problems_add(&f->problems,
		&(struct problem){.severity = SEVERITY_FAULT, .object = buf_str(&origin), .rule = buf_str(&rule),
			.effect = STR("what the file held before keeps serving")});
	buf_deinit(&origin);
	buf_deinit(&rule);
}

/* The whole file; -errno, or 0. */
static int read_bytes(const char *path, char **bytes, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t cap = 0;
	int result = 0;

	*bytes = NULL;
	*len = 0;
	if (fd < 0)
		return -errno;
	while (result == 0 && *len <= MANIFEST_MAX_BYTES) {
		ssize_t n;

		*bytes = mem_grow(*bytes, &cap, *len + 65536, 1);
		n = read(fd, *bytes + *len, cap - *len);
		if (n == 0)
			break;
		if (n < 0 && errno != EINTR)
			result = -errno;
		*len += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	return result;
}

void item_free(struct item *item)
{
	object_unref(&item->object);
	problems_deinit(&item->problems);
	mem_free(item->key);
	mem_free(item->names);
	mem_free(item);
}

static void name_item(struct item *item, const struct object_id *id)
{
	struct buf key = {0};

	object_key(id->kind, id->namespace_, id->name, &key);
	item->key = mem_strdup(buf_str(&key));
	buf_deinit(&key);
	item->kind = id->kind;
	item->names = mem_alloc(id->namespace_.len + id->name.len + 1);
	if (id->namespace_.len)
		memcpy(item->names, id->namespace_.ptr, id->namespace_.len);
	memcpy(item->names + id->namespace_.len, id->name.ptr, id->name.len);
	item->namespace_ = str_of(item->names, id->namespace_.len);
	item->name = str_of(item->names + id->namespace_.len, id->name.len);
}

static void on_json(void *owner, json_t *json, size_t line)
{
	struct file *f = owner;
	struct problems problems = {0};
	struct buf origin = {0};
	struct object_id id;
	struct object *object;
	struct item *item;
	bool is_other;

	buf_printf(&origin, "file %s:%zu", f->path, line);
	object = object_from_json(json, buf_str(&origin), &problems, &is_other);
	buf_deinit(&origin);
	if (!object_identify(json, &id)) { /* none of ours, or nameless: then the file has a problem */
		problems_add_all(&f->problems, &problems);
		problems_deinit(&problems);
		return;
	}
	item = mem_zalloc(sizeof(*item));
	*item = (struct item){.file = f, .line = line, .object = object, .problems = problems};
	name_item(item, &id);
	f->items = mem_grow(f->items, &f->cap_items, f->n_items + 1, sizeof(struct item *));
	f->items[f->n_items++] = item;
}

bool file_read(struct file *f, const char *path)
{
	size_t len;
	char *bytes;
	int result = read_bytes(path, &bytes, &len);
	bool is_whole = result == 0;

	if (result < 0)
		add_problem(f, "cannot be read: ", uv_strerror(result));
	else
		is_whole = manifest_read(str_of(bytes, len), str_from(path), on_json, f, &f->problems);
	if (bytes)
		mem_wipe(bytes, len);
	mem_free(bytes);
	return is_whole;
}

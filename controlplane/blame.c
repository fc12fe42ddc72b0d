/* A file has a time of change, an object of the API server has managedFields. */
#include "blame.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "mem.h"

struct blame {
	publish_found_fn *done;
	void *owner;
};

static void add_text(struct str *out, json_t *meta, const char *name)
{
	json_t *value = json_object_get(meta, name);

	if (json_is_string(value))
		*out = str_of(json_string_value(value), json_string_length(value));
}

static void on_object(void *owner, json_t *object, const char *why)
{
	struct blame *b = owner;
	json_t *meta = json_object_get(object, "metadata"), *managed = json_object_get(meta, "managedFields");
	struct publish_found found = {.origin = STR("API server"), .why = str_from(why)};
	char *text = managed ? json_dumps(managed, JSON_COMPACT) : NULL;

	add_text(&found.resource_version, meta, "resourceVersion");
	found.managed = str_from(text);
	b->done(b->owner, &found);
	free(text);
	mem_free(b);
}

/* "file demo/a.yaml:12": the file's own time. */
static uint64_t file_ms(struct str origin)
{
	struct buf path = {0};
	struct stat st;
	uint64_t ms = 0;

	if (str_starts_with(origin, STR("file "))) {
		buf_add(&path, str_from_index(str_first(origin, str_rfind(origin, ':')), 5));
		if (stat(buf_cstr(&path), &st) == 0)
			ms = (uint64_t)st.st_mtim.tv_sec * 1000 + (uint64_t)st.st_mtim.tv_nsec / 1000000;
	}
	buf_deinit(&path);
	return ms;
}

void blame_object(struct lookups *lookups, const struct store *store, struct str object, publish_found_fn *done, void *owner)
{
	struct str namespace_ = STR(""), name = STR("");
	enum object_kind kind = object_key_read(object, &namespace_, &name);
	const struct object *o = kind == KIND_COUNT ? NULL : store_get(store, kind, namespace_, name);
	struct publish_found found = {.why = STR("")};
	struct blame *b;

	if (kind == KIND_COUNT || kind == KIND_SECRET || (!o && !lookups)) {
		found.why = kind == KIND_COUNT ? STR("it is of no kind that is read")
			: kind == KIND_SECRET  ? STR("Secrets are not looked into")
					       : STR("there is no such object");
		done(owner, &found);
		return;
	}
	if (!lookups) {
		found.origin = o->origin;
		found.created_s = o->created_s;
		found.resource_version = o->resource_version;
		found.changed_ms = file_ms(o->origin);
		done(owner, &found);
		return;
	}
	b = mem_zalloc(sizeof(*b));
	*b = (struct blame){done, owner};
	lookups_start(lookups, kind, namespace_, name, on_object, b);
}

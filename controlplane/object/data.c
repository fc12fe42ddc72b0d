/* Secret and ConfigMap: named bytes. */
#include "base64.h"
#include "read.h"

static void take_base64(struct reader *r, const struct at *at, const char *name, json_t *value, struct pair *out)
{
	struct at here = {at, name, 0};
	struct arena *arena = &r->object->arena;
	char *bytes;

	if (!json_is_string(value)) {
		read_bad(r, &here, STR(""), "base64 text", "use stringData for plain text");
		return;
	}
	bytes = arena_alloc(arena, BASE64_ROOM(json_string_length(value)));
	out->name = arena_str(arena, str_from(name));
	out->value.ptr = bytes;
	if (!base64_decode(read_bytes(value), bytes, &out->value.len))
		read_bad(r, &here, STR(""), "base64 text", "use stringData for plain text");
}

/* The pair of that name, or the next free one. */
static struct pair *find_or_add(struct pair *pairs, size_t *n, const char *name)
{
	for (size_t i = 0; i < *n; i++) {
		if (str_eq(pairs[i].name, str_from(name)))
			return &pairs[i];
	}
	return &pairs[(*n)++];
}

static size_t data_size(json_t *map)
{
	size_t size = 0;
	const char *name;
	json_t *value;

	json_object_foreach(map, name, value)
		size += strlen(name) + json_string_length(value);
	return size;
}

/* Base64 makes 4 bytes of 3, so the encoded bound is a third above the decoded one. */
static bool is_too_large(struct reader *r, json_t *data, json_t *plain)
{
	struct at at = {NULL, "data", 0};

	if (data_size(data) / 4 * 3 + data_size(plain) <= MAX_DATA_BYTES && json_object_size(data) <= MAX_ITEMS &&
		json_object_size(plain) <= MAX_ITEMS)
		return false;
	read_bad(r, &at, STR(""), "at most 1 MiB and 1000 keys in all", "");
	return true;
}

void read_secret(struct reader *r, json_t *json)
{
	struct secret *s = &r->object->secret;
	struct at at = {NULL, "data", 0}, plain_at = {NULL, "stringData", 0};
	json_t *data = read_object(r, NULL, json, "data");
	json_t *plain = read_object(r, NULL, json, "stringData");
	const char *name;
	json_t *value;

	s->type = STR("Opaque");
	read_text(r, NULL, json, "type", MAX_NAME, &s->type);
	if (is_too_large(r, data, plain))
		return;
	s->data = read_room(r, json_object_size(data) + json_object_size(plain), sizeof(*s->data));
	json_object_foreach(data, name, value)
		take_base64(r, &at, name, value, &s->data[s->n_data++]);
	json_object_foreach(plain, name, value) { /* wins over data, as when it is applied */
		struct at here = {&plain_at, name, 0};
		struct pair *pair = find_or_add(s->data, &s->n_data, name);

		if (!json_is_string(value)) {
			read_bad(r, &here, STR(""), "text", "put it in quotes");
			continue;
		}
		pair->name = arena_str(&r->object->arena, str_from(name));
		pair->value = arena_str(&r->object->arena, read_bytes(value));
	}
	read_sort_pairs(s->data, s->n_data);
}

void read_config_map(struct reader *r, json_t *json)
{
	struct config_map *m = &r->object->config_map;
	struct at at = {NULL, "data", 0};

	read_pairs(r, &at, read_object(r, NULL, json, "data"), MAX_DATA_BYTES, &m->data, &m->n_data);
}

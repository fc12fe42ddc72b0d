/* Two sorted lists of resources walked side by side; changed bodies compared as JSON. */
#include "diff.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "proto_kind.h"
#include "render.h"

const struct column diff_columns[] = {
	{"CHANGE", "change", false},
	{"KIND", "kind", false},
	{"NAME", "name", false},
	{"FIELD", "field", false},
	{"BEFORE", "before", false},
	{"AFTER", "after", false},
	{0},
};

static void add_difference(json_t *rows, const char *field, json_t *before, json_t *after)
{
	json_t *row = json_object();

	json_object_set_new(row, "field", json_string(field));
	if (before)
		json_object_set(row, "before", before);
	if (after)
		json_object_set(row, "after", after);
	json_array_append_new(rows, row);
}

/* What names an element of a list: its path, name or address; NULL when it has none. */
static char *element_name(json_t *element)
{
	static const char *const keys[] = {"path", "name", "ip", "server_name"};
	struct buf name = {0};
	char *copy;

	if (!json_is_object(element))
		return json_is_string(element) ? strdup(json_string_value(element)) : NULL;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *value = json_string_value(json_object_get(element, keys[i]));
		json_t *port = json_object_get(element, "port");
		const char *type = json_string_value(json_object_get(element, "path_type"));

		if (!value)
			continue;
		buf_printf(&name, "%s", value);
		if (json_is_integer(port))
			buf_printf(&name, ":%lld", (long long)json_integer_value(port));
		if (type)
			buf_printf(&name, " %s", type);
		copy = strdup(buf_cstr(&name));
		buf_deinit(&name);
		return copy;
	}
	return NULL;
}

static json_t *find_element(json_t *list, const char *name)
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
	{
		char *other = element_name(item);
		bool is_same = other && strcmp(other, name) == 0;

		free(other);
		if (is_same)
			return item;
	}
	return NULL;
}

/* Elements of `from` that `other` lacks (as gone or new), and those in both (compared, once). */
static void diff_elements(json_t *from, json_t *other, const char *field, bool is_before, json_t *rows)
{
	size_t i;
	json_t *item;

	json_array_foreach(from, i, item)
	{
		char *name = element_name(item);
		json_t *twin = name ? find_element(other, name) : json_array_get(other, i);
		struct buf path = {0};

		if (name)
			buf_printf(&path, "%s[%s]", field, name);
		else
			buf_printf(&path, "%s[%zu]", field, i);
		if (!twin)
			add_difference(rows, buf_cstr(&path), is_before ? item : NULL, is_before ? NULL : item);
		else if (is_before)
			diff_values(item, twin, buf_cstr(&path), rows);
		free(name);
		buf_deinit(&path);
	}
}

static void diff_objects(json_t *before, json_t *after, const char *field, json_t *rows)
{
	const char *key;
	json_t *value;
	struct buf path = {0};

	json_object_foreach(before, key, value)
	{
		buf_clear(&path);
		buf_printf(&path, field[0] ? "%s.%s" : "%s%s", field, key);
		diff_values(value, json_object_get(after, key), buf_cstr(&path), rows);
	}
	json_object_foreach(after, key, value)
	{
		if (json_object_get(before, key))
			continue;
		buf_clear(&path);
		buf_printf(&path, field[0] ? "%s.%s" : "%s%s", field, key);
		diff_values(NULL, value, buf_cstr(&path), rows);
	}
	buf_deinit(&path);
}

void diff_values(json_t *before, json_t *after, const char *field, json_t *rows)
{
	if (before && after && json_equal(before, after))
		return;
	if (json_is_object(before) && json_is_object(after)) {
		diff_objects(before, after, field, rows);
	} else if (json_is_array(before) && json_is_array(after)) {
		size_t n = json_array_size(rows);

		diff_elements(before, after, field, true, rows);
		diff_elements(after, before, field, false, rows);
		if (json_array_size(rows) == n) /* the same elements in another order */
			add_difference(rows, field, before, after);
	} else {
		add_difference(rows, field, before, after);
	}
}

json_t *diff_body(const Weirlock__V1__Resource *r)
{
	const ProtobufCMessageDescriptor *d = proto_kind_body(r->kind);
	ProtobufCMessage *m = d ? protobuf_c_message_unpack(d, NULL, r->body.len, r->body.data) : NULL;
	json_t *json = m ? render_message(m, false) : json_object();

	if (m)
		protobuf_c_message_free_unpacked(m, NULL);
	return json;
}

void diff_flatten(json_t *row, const char *key)
{
	json_t *value = json_object_get(row, key);
	char *text;

	if (!json_is_object(value) && !json_is_array(value))
		return;
	text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	json_object_set_new(row, key, json_string(text));
	free(text);
}

static void add_rows(json_t *rows, const char *change, const Weirlock__V1__Resource *r, json_t *fields)
{
	size_t i;
	json_t *field;

	json_array_foreach(fields, i, field)
	{
		json_t *row = json_object();

		json_object_set_new(row, "change", json_string(change));
		json_object_set_new(row, "kind", json_string(proto_kind_text(r->kind)));
		json_object_set_new(row, "name", render_text(str_from(r->name)));
		json_object_update(row, field);
		diff_flatten(row, "before");
		diff_flatten(row, "after");
		json_array_append_new(rows, row);
	}
}

static void add_change(json_t *rows, const Weirlock__V1__Resource *before, const Weirlock__V1__Resource *after)
{
	json_t *fields = json_array(), *old, *new;

	if (before && after) {
		old = diff_body(before);
		new = diff_body(after);
		diff_values(old, new, "", fields);
		json_decref(old);
		json_decref(new);
		if (json_array_size(fields) == 0) /* a private key, a secret */
			json_array_append_new(fields, json_object());
		add_rows(rows, "changed", after, fields);
	} else {
		json_array_append_new(fields, json_object());
		add_rows(rows, before ? "removed" : "added", before ? before : after, fields);
	}
	json_decref(fields);
}

int diff_compare(const Weirlock__V1__Resource *a, const Weirlock__V1__Resource *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return str_cmp(str_from(a->name), str_from(b->name));
}

json_t *diff_snapshots(const Weirlock__V1__Snapshot *before, const Weirlock__V1__Snapshot *after)
{
	json_t *rows = json_array();
	size_t i = 0, k = 0;

	while (i < before->n_resources || k < after->n_resources) {
		const Weirlock__V1__Resource *a = i < before->n_resources ? before->resources[i] : NULL;
		const Weirlock__V1__Resource *b = k < after->n_resources ? after->resources[k] : NULL;
		int order = !a ? 1 : !b ? -1 : diff_compare(a, b);

		if (order < 0) {
			add_change(rows, a, NULL);
			i++;
		} else if (order > 0) {
			add_change(rows, NULL, b);
			k++;
		} else {
			if (!str_eq(str_of(a->hash.data, a->hash.len), str_of(b->hash.data, b->hash.len)))
				add_change(rows, a, b);
			i++;
			k++;
		}
	}
	return rows;
}

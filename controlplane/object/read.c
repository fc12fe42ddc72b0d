/* Typed fields out of JSON; what is wrong becomes a problem with the JSON path of the field. */
#include "read.h"

#include <stdlib.h>

#include "mem.h"

static void add_path(struct buf *out, const struct at *at)
{
	const struct at *chain[16];
	size_t n = 0;

	for (; at && n < sizeof(chain) / sizeof(chain[0]); at = at->up)
		chain[n++] = at;
	while (n-- > 0) {
		if (chain[n]->name)
			buf_printf(out, "%s%s", out->len ? "." : "", chain[n]->name);
		else
			buf_printf(out, "[%zu]", chain[n]->index);
	}
}

void read_bad(struct reader *r, const struct at *at, struct str value, const char *rule, const char *fix)
{
	struct buf field = {0};

	add_path(&field, at);
	problems_add(r->problems,
		&(struct problem){
			.severity = SEVERITY_FAULT,
			.object = r->object->key,
			.field = buf_str(&field),
			.value = r->object->kind == KIND_SECRET ? STR("") : value,
			.rule = str_from(rule),
			.fix = str_from(fix),
			.effect = STR("this form of the object is refused; the last good one, if any, keeps serving"),
		});
	buf_deinit(&field);
	r->is_bad = true;
}

struct str read_bytes(json_t *json)
{
	return str_of(json_string_value(json), json_string_length(json));
}

struct str read_as_text(json_t *json)
{
	static const struct str names[] = {
		[JSON_OBJECT] = {"{…}", sizeof("{…}") - 1},
		[JSON_ARRAY] = {"[…]", sizeof("[…]") - 1},
		[JSON_INTEGER] = {"a number", 8},
		[JSON_REAL] = {"a number", 8},
		[JSON_TRUE] = {"true", 4},
		[JSON_FALSE] = {"false", 5},
		[JSON_NULL] = {"null", 4},
	};

	return json_is_string(json) ? read_bytes(json) : names[json_typeof(json)];
}

json_t *read_member(json_t *json, const char *name)
{
	json_t *member = json_object_get(json, name);

	return json_is_null(member) ? NULL : member;
}

json_t *read_object(struct reader *r, const struct at *at, json_t *json, const char *name)
{
	struct at here = {at, name, 0};
	json_t *member = read_member(json, name);

	if (member && !json_is_object(member)) {
		read_bad(r, &here, read_as_text(member), "an object with named fields", "");
		return NULL;
	}
	return member;
}

json_t *read_array(struct reader *r, const struct at *at, json_t *json, const char *name, size_t max)
{
	struct at here = {at, name, 0};
	json_t *member = read_member(json, name);
	char rule[64];

	if (member && !json_is_array(member)) {
		read_bad(r, &here, read_as_text(member), "a list", "");
		return NULL;
	}
	if (json_array_size(member) > max) {
		snprintf(rule, sizeof(rule), "a list of at most %zu items", max);
		read_bad(r, &here, STR(""), rule, "split the object");
		return NULL;
	}
	return member;
}

static bool has_control_byte(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
			return true;
	}
	return false;
}

static bool take_text(struct reader *r, const struct at *here, json_t *json, size_t max, struct str *out)
{
	char rule[64];

	if (!json_is_string(json)) {
		read_bad(r, here, read_as_text(json), "text", "put it in quotes");
		return false;
	}
	if (json_string_length(json) > max) {
		snprintf(rule, sizeof(rule), "text of at most %zu bytes", max);
		read_bad(r, here, read_bytes(json), rule, "");
		return false;
	}
	if (has_control_byte(read_bytes(json))) {
		read_bad(r, here, read_bytes(json), "text without control bytes", "");
		return false;
	}
	*out = arena_str(&r->object->arena, read_bytes(json));
	return true;
}

bool read_text(struct reader *r, const struct at *at, json_t *json, const char *name, size_t max, struct str *out)
{
	struct at here = {at, name, 0};
	json_t *member = read_member(json, name);

	return member && take_text(r, &here, member, max, out);
}

bool read_needed_text(struct reader *r, const struct at *at, json_t *json, const char *name, size_t max, const char *fix,
	struct str *out)
{
	struct at here = {at, name, 0};
	json_t *member = read_member(json, name);

	if (!member || (json_is_string(member) && json_string_length(member) == 0)) {
		read_bad(r, &here, STR(""), "needed", fix);
		return false;
	}
	return take_text(r, &here, member, max, out);
}

void read_texts(struct reader *r, const struct at *at, json_t *json, const char *name, size_t max_items, size_t max,
	struct str **out, size_t *n)
{
	struct at list = {at, name, 0};
	json_t *items = read_array(r, at, json, name, max_items);

	*out = read_room(r, json_array_size(items), sizeof(**out));
	*n = json_array_size(items);
	for (size_t i = 0; i < *n; i++) {
		struct at here = {&list, NULL, i};

		take_text(r, &here, json_array_get(items, i), max, &(*out)[i]);
	}
}

bool read_bool(struct reader *r, const struct at *at, json_t *json, const char *name, bool *out)
{
	struct at here = {at, name, 0};
	json_t *member = read_member(json, name);

	if (!member)
		return false;
	if (!json_is_boolean(member)) {
		read_bad(r, &here, read_as_text(member), "true or false", "write it without quotes");
		return false;
	}
	*out = json_is_true(member);
	return true;
}

bool read_port(struct reader *r, const struct at *at, json_t *json, const char *name, uint16_t *out)
{
	struct at here = {at, name, 0};
	json_t *member = read_member(json, name);
	json_int_t number = json_integer_value(member);

	if (!member)
		return false;
	if (!json_is_integer(member) || number < 1 || number > 65535) {
		read_bad(r, &here, read_as_text(member), "a port number from 1 to 65535",
			json_is_string(member) ? "write it without quotes" : "");
		return false;
	}
	*out = (uint16_t)number;
	return true;
}

void *read_room(struct reader *r, size_t n, size_t item_size)
{
	return n ? arena_zalloc(&r->object->arena, n * item_size) : NULL;
}

static int compare_pairs(const void *a, const void *b)
{
	return str_cmp(((const struct pair *)a)->name, ((const struct pair *)b)->name);
}

void read_sort_pairs(struct pair *pairs, size_t n)
{
	if (n > 1)
		qsort(pairs, n, sizeof(*pairs), compare_pairs);
}

/*
 * What kubectl keeps for itself: a copy of the whole object, secrets included. Nothing is decided by it, so it is not kept.
 */
static bool is_for_kubectl_alone(const char *name)
{
	return strcmp(name, "kubectl.kubernetes.io/last-applied-configuration") == 0;
}

void read_pairs(struct reader *r, const struct at *at, json_t *json, size_t max_bytes, struct pair **out, size_t *n)
{
	size_t bytes = 0;
	const char *name;
	json_t *value;

	*out = read_room(r, json_object_size(json), sizeof(**out));
	*n = 0;
	json_object_foreach(json, name, value) {
		struct at here = {at, name, 0};

		if (is_for_kubectl_alone(name))
			continue;
		if (!json_is_string(value)) {
			read_bad(r, &here, read_as_text(value), "text", "put it in quotes");
			continue;
		}
		bytes += strlen(name) + json_string_length(value);
		if (bytes > max_bytes)
			break;
		(*out)[*n].name = arena_str(&r->object->arena, str_from(name));
		(*out)[(*n)++].value = arena_str(&r->object->arena, read_bytes(value));
	}
	if (bytes > max_bytes) {
		char rule[64];

		snprintf(rule, sizeof(rule), "at most %zu KiB in all", max_bytes / 1024);
		read_bad(r, at, STR(""), rule, "");
	}
	read_sort_pairs(*out, *n);
}

/*
 * YAML to JSON values by libyaml's events, with a stack of our own: nesting is bounded, nothing recurses. An alias shares the
 * value of its anchor; what sharing would unfold to is counted, so that a small file cannot stand for a huge object.
 */
#include <stdlib.h>
#include <yaml.h>

#include "buf.h"
#include "document.h"
#include "map.h"
#include "mem.h"

struct level {
	json_t *value;      /* object or array, owned */
	json_t *merge;      /* values of "<<", an array, owned; or NULL */
	struct str key;     /* the key whose value comes next; owned */
	bool has_key, is_merge_key;
	char *anchor;       /* owned, or NULL */
	size_t n_before;    /* s->n_values when it began */
	size_t height;      /* levels below, those of aliases unfolded */
};

struct anchor {
	json_t *value;
	size_t n_values; /* in it, unfolded */
	size_t height;
};

struct yaml_state {
	struct level levels[DOCUMENT_MAX_DEPTH];
	size_t depth;
	json_t *root;
	struct map anchors;
	size_t n_values, n_aliased;
	size_t first_line;
	size_t root_line;
	size_t *item_lines; /* of the items of the root's "items" */
	size_t n_item_lines, cap_item_lines;
	const char *why;
};

static bool fail(struct yaml_state *s, const char *why)
{
	s->why = why;
	return false;
}

static void drop_anchor(struct anchor *a)
{
	json_decref(a->value);
	mem_free(a);
}

static void keep_anchor(struct yaml_state *s, const char *name, json_t *value, size_t n_before, size_t height)
{
	struct anchor *a = mem_zalloc(sizeof(*a)), *old;

	a->value = json_incref(value);
	a->n_values = s->n_values - n_before;
	a->height = height;
	old = map_put(&s->anchors, str_from(name), a);
	if (old)
		drop_anchor(old);
}

static bool take_key(struct yaml_state *s, struct level *l, json_t *value, bool is_plain)
{
	const char *text = json_is_true(value) ? "true" : json_is_false(value) ? "false" : NULL;
	struct str key = str_of(json_string_value(value), json_string_length(value));
	struct buf number = {0};

	if (text) {
		key = str_from(text);
	} else if (json_is_integer(value)) {
		buf_printf(&number, "%lld", (long long)json_integer_value(value));
		key = buf_str(&number);
	} else if (!json_is_string(value)) {
		json_decref(value);
		return fail(s, "a key is text, a whole number or a boolean");
	}
	if (memchr(key.ptr, '\0', key.len)) {
		json_decref(value);
		return fail(s, "a key holds no zero byte");
	}
	l->key = (struct str){mem_strdup(key), key.len};
	l->has_key = true;
	l->is_merge_key = is_plain && str_eq(key, STR("<<"));
	buf_deinit(&number);
	json_decref(value);
	return true;
}

static bool take_value(struct yaml_state *s, struct level *l, json_t *value)
{
	bool is_twice = !l->is_merge_key && json_object_get(l->value, l->key.ptr);

	if (l->is_merge_key) {
		if (!l->merge)
			l->merge = json_array();
		json_array_append_new(l->merge, value);
	} else if (is_twice) {
		json_decref(value);
	} else {
		json_object_set_new_nocheck(l->value, l->key.ptr, value);
	}
	mem_free((char *)(uintptr_t)l->key.ptr);
	l->key = STR("");
	l->has_key = false;
	return is_twice ? fail(s, "the same key is given twice") : true;
}

/* Takes `value`, which has `height` levels of its own. */
static bool place(struct yaml_state *s, json_t *value, size_t height, bool is_plain)
{
	struct level *l;

	if (s->depth + height > DOCUMENT_MAX_DEPTH) {
		json_decref(value);
		return fail(s, "nested more than 64 levels deep");
	}
	if (s->depth == 0) {
		s->root = value;
		return true;
	}
	l = &s->levels[s->depth - 1];
	if (l->height < height + 1)
		l->height = height + 1;
	if (json_is_array(l->value))
		return json_array_append_new(l->value, value) == 0;
	return l->has_key ? take_value(s, l, value) : take_key(s, l, value, is_plain);
}

static bool is_text_tag(const char *tag)
{
	return strcmp(tag, "!") == 0 || strcmp(tag, YAML_STR_TAG) == 0;
}

static bool on_scalar(struct yaml_state *s, const yaml_event_t *e)
{
	struct str text = str_of((const char *)e->data.scalar.value, e->data.scalar.length);
	const char *tag = (const char *)e->data.scalar.tag, *anchor = (const char *)e->data.scalar.anchor;
	bool is_plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !tag;
	json_t *value;

	if (tag && strcmp(tag, "tag:yaml.org,2002:binary") == 0)
		return fail(s, "!!binary is not read: use base64 in data");
	if (is_plain || (tag && !is_text_tag(tag)))
		value = scalar_resolve(text);
	else
		value = json_stringn(text.ptr, text.len);
	s->n_values++;
	if (!value)
		return fail(s, "no text, number, boolean or null that JSON knows");
	if (anchor)
		keep_anchor(s, anchor, value, s->n_values - 1, 0);
	return place(s, value, 0, is_plain);
}

static bool on_alias(struct yaml_state *s, const yaml_event_t *e)
{
	struct anchor *a = map_get(&s->anchors, str_from((const char *)e->data.alias.anchor));

	if (!a)
		return fail(s, "an alias needs an anchor that ends before it");
	s->n_values += a->n_values;
	s->n_aliased += a->n_values;
	if (s->n_aliased > DOCUMENT_MAX_ALIASED)
		return fail(s, "aliases unfold to more than a million values");
	return place(s, json_incref(a->value), a->height, false);
}

/* The items of a List are told apart by their lines. */
static void note_item_line(struct yaml_state *s, const yaml_event_t *e)
{
	if (s->depth != 2 || !json_is_array(s->levels[1].value) || !str_eq(s->levels[0].key, STR("items")))
		return;
	s->item_lines = mem_grow(s->item_lines, &s->cap_item_lines, s->n_item_lines + 1, sizeof(*s->item_lines));
	s->item_lines[s->n_item_lines++] = s->first_line + e->start_mark.line;
}

static bool on_start(struct yaml_state *s, const yaml_event_t *e, json_t *value, const yaml_char_t *anchor)
{
	struct level *l;

	if (s->depth == DOCUMENT_MAX_DEPTH) {
		json_decref(value);
		return fail(s, "nested more than 64 levels deep");
	}
	if (s->depth == 0)
		s->root_line = s->first_line + e->start_mark.line;
	note_item_line(s, e);
	l = &s->levels[s->depth++];
	*l = (struct level){.value = value, .n_before = s->n_values++};
	if (anchor)
		l->anchor = mem_strdup(str_from((const char *)anchor));
	return true;
}

static bool merge_one(struct yaml_state *s, json_t *into, json_t *from)
{
	if (!json_is_object(from))
		return fail(s, "<< takes a mapping, or a list of mappings");
	s->n_aliased += json_object_size(from);
	if (s->n_aliased > DOCUMENT_MAX_ALIASED)
		return fail(s, "aliases unfold to more than a million values");
	json_object_update_missing(into, from);
	return true;
}

/* YAML 1.1's merge key: what the mapping says itself wins, then the first of several. */
static bool merge(struct yaml_state *s, struct level *l)
{
	size_t i, j;
	json_t *from, *item;

	json_array_foreach(l->merge, i, from) {
		if (!json_is_array(from)) {
			if (!merge_one(s, l->value, from))
				return false;
			continue;
		}
		json_array_foreach(from, j, item) {
			if (!merge_one(s, l->value, item))
				return false;
		}
	}
	return true;
}

static void free_level(struct level *l)
{
	json_decref(l->value);
	json_decref(l->merge);
	mem_free((char *)(uintptr_t)(l->has_key ? l->key.ptr : NULL));
	mem_free(l->anchor);
	*l = (struct level){0};
}

static bool on_end(struct yaml_state *s)
{
	struct level *l = &s->levels[s->depth - 1];
	json_t *value = json_incref(l->value);
	size_t height = l->height;

	if (l->merge && !merge(s, l)) {
		json_decref(value);
		return false;
	}
	if (l->anchor)
		keep_anchor(s, l->anchor, value, l->n_before, height);
	free_level(l);
	s->depth--;
	return place(s, value, height, false);
}

static void end_document(struct yaml_state *s)
{
	size_t cursor = 0;
	void *value;

	while (s->depth > 0)
		free_level(&s->levels[--s->depth]);
	while (map_next(&s->anchors, &cursor, NULL, &value))
		drop_anchor(value);
	map_deinit(&s->anchors);
	json_decref(s->root);
	s->root = NULL;
	s->n_values = s->n_aliased = s->n_item_lines = 0;
}

static bool on_event(struct yaml_state *s, const yaml_event_t *e, document_fn *each, void *owner)
{
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		if (s->depth == 0)
			s->root_line = s->first_line + e->start_mark.line;
		return on_scalar(s, e);
	case YAML_ALIAS_EVENT:
		return on_alias(s, e);
	case YAML_SEQUENCE_START_EVENT:
		return on_start(s, e, json_array(), e->data.sequence_start.anchor);
	case YAML_MAPPING_START_EVENT:
		return on_start(s, e, json_object(), e->data.mapping_start.anchor);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return on_end(s);
	case YAML_DOCUMENT_END_EVENT:
		if (s->root && !json_is_null(s->root))
			each(owner, s->root, s->root_line, s->item_lines, s->n_item_lines);
		end_document(s);
		return true;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_START_EVENT:
		return true;
	}
	abort();
}

bool yaml_read(struct str bytes, size_t line, document_fn *each, void *owner, size_t *bad_line, const char **why)
{
	struct yaml_state *s = mem_zalloc(sizeof(*s));
	yaml_parser_t parser;
	bool is_good = true, is_over = false;

	s->first_line = line;
	if (!yaml_parser_initialize(&parser))
		abort();
	yaml_parser_set_input_string(&parser, (const unsigned char *)bytes.ptr, bytes.len);
	while (is_good && !is_over) {
		yaml_event_t e;

		if (!yaml_parser_parse(&parser, &e)) {
			is_good = fail(s, parser.problem ? parser.problem : "no YAML");
			*bad_line = line + parser.problem_mark.line;
			break;
		}
		is_good = on_event(s, &e, each, owner);
		is_over = e.type == YAML_STREAM_END_EVENT;
		*bad_line = line + e.start_mark.line;
		yaml_event_delete(&e);
	}
	*why = s->why; /* static: libyaml's are, too */
	yaml_parser_delete(&parser);
	end_document(s);
	mem_free(s->item_lines);
	mem_free(s);
	return is_good;
}

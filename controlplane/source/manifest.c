/*
 * Takes a file apart: into documents at lines that start with "---" (which YAML allows nowhere else, so that a bad document
 * cannot spoil the next), JSON values that follow each other, and the items of Lists.
 */
#include "manifest.h"

#include <stdlib.h>

#include "buf.h"
#include "document.h"
#include "mem.h"

struct reading {
	struct str path;
	manifest_fn *each;
	void *owner;
	struct problems *problems;
	bool is_good;
};

static void add_bad(struct reading *r, size_t line, const char *why)
{
	struct buf origin = {0}, text = {0};

	buf_printf(&origin, "file %.*s:%zu", STR_ARG(r->path), line);
	buf_printf(&text, "cannot be read: %s", why);
	problems_add(r->problems,
		&(struct problem){
			.severity = SEVERITY_FAULT,
			.object = buf_str(&origin),
			.rule = buf_str(&text),
			.effect = STR("this document is left out; what the file held before keeps serving"),
		});
	buf_deinit(&origin);
	buf_deinit(&text);
	r->is_good = false;
}

/* "IngressList" of a raw API answer leaves kind and apiVersion out of its items. */
static json_t *with_kind(json_t *list, json_t *item)
{
	struct str kind = str_from(json_string_value(json_object_get(list, "kind")));
	json_t *whole;

	if (!json_is_object(item) || json_object_get(item, "kind") || kind.len <= 4)
		return json_incref(item);
	whole = json_copy(item);
	json_object_set_new(whole, "kind", json_stringn(kind.ptr, kind.len - 4));
	json_object_set(whole, "apiVersion", json_object_get(list, "apiVersion"));
	return whole;
}

static void on_document(void *owner, json_t *json, size_t line, const size_t *item_lines, size_t n_item_lines)
{
	struct reading *r = owner;
	struct str kind = str_from(json_string_value(json_object_get(json, "kind")));
	json_t *items = json_object_get(json, "items"), *item;
	size_t i;

	if (!str_ends_with(kind, STR("List")) || !(json_is_array(items) || json_is_null(items))) {
		r->each(r->owner, json, line);
		return;
	}
	json_array_foreach(items, i, item) {
		json_t *whole = with_kind(json, item);

		r->each(r->owner, whole, i < n_item_lines ? item_lines[i] : line);
		json_decref(whole);
	}
}

/* ---------------------------------------------------------------------------------------------------------- JSON */

static size_t count_lines(struct str bytes)
{
	size_t n = 0;

	for (const char *at = bytes.ptr, *end = at + bytes.len; (at = memchr(at, '\n', (size_t)(end - at))); at++)
		n++;
	return n;
}

/* jansson recurses; a look ahead at the brackets keeps it from going deep. */
static bool is_deep(struct str bytes)
{
	size_t depth = 0;
	bool is_in_text = false;

	for (size_t i = 0; i < bytes.len; i++) {
		char c = bytes.ptr[i];

		if (is_in_text && c == '\\') {
			i++;
		} else if (c == '"') {
			is_in_text = !is_in_text;
		} else if (!is_in_text && (c == '{' || c == '[')) {
			if (++depth > DOCUMENT_MAX_DEPTH)
				return true;
		} else if (!is_in_text && (c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return false;
}

static size_t skip_blanks(struct str bytes)
{
	size_t i = 0;

	while (i < bytes.len && (bytes.ptr[i] == ' ' || bytes.ptr[i] == '\t' || bytes.ptr[i] == '\n' || bytes.ptr[i] == '\r'))
		i++;
	return i;
}

static void read_json(struct reading *r, struct str bytes)
{
	size_t line = 1;

	if (is_deep(bytes)) {
		add_bad(r, line, "nested more than 64 levels deep");
		return;
	}
	for (;;) {
		size_t blanks = skip_blanks(bytes);
		json_error_t error;
		json_t *json;

		line += count_lines(str_first(bytes, blanks));
		bytes = str_from_index(bytes, blanks);
		if (bytes.len == 0)
			return;
		json = json_loadb(bytes.ptr, bytes.len, JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, &error);
		if (!json) {
			add_bad(r, line + (error.line > 0 ? (size_t)error.line - 1 : 0), error.text);
			return;
		}
		on_document(r, json, line, NULL, 0);
		json_decref(json);
		line += count_lines(str_first(bytes, (size_t)error.position));
		bytes = str_from_index(bytes, (size_t)error.position);
	}
}

/* ---------------------------------------------------------------------------------------------------------- YAML */

static bool is_separator(struct str line)
{
	return str_starts_with(line, STR("---")) && (line.len == 3 || strchr(" \t\r\n", line.ptr[3]) != NULL);
}

/* Length of the first line with its end. */
static size_t line_len(struct str bytes)
{
	size_t n = str_find(bytes, '\n');

	return n < bytes.len ? n + 1 : n;
}

/* Only blank lines, comments and directives: what may stand before the first "---". */
static bool is_preface(struct str bytes)
{
	while (bytes.len) {
		size_t n = line_len(bytes);
		struct str line = str_trim(str_first(bytes, n));

		if (line.len && line.ptr[0] != '#' && bytes.ptr[0] != '%')
			return false;
		bytes = str_from_index(bytes, n);
	}
	return true;
}

static void read_chunk(struct reading *r, struct str chunk, size_t line)
{
	size_t bad_line = line;
	const char *why = NULL;

	if (!is_preface(chunk) && !yaml_read(chunk, line, on_document, r, &bad_line, &why))
		add_bad(r, bad_line, why);
}

static void read_yaml(struct reading *r, struct str bytes)
{
	size_t line = 1, first_line = 1, at = 0, start = 0;

	while (at < bytes.len) {
		struct str rest = str_from_index(bytes, at);

		if (at > start && is_separator(rest)) {
			read_chunk(r, str_of(bytes.ptr + start, at - start), first_line);
			start = at;
			first_line = line;
		}
		at += line_len(rest);
		line++;
	}
	read_chunk(r, str_from_index(bytes, start), first_line);
}

/* A file that starts as JSON and is not: flow-style YAML, perhaps. It is JSON when it parses as such. */
static bool is_json(struct str bytes, struct str path)
{
	struct str rest = str_from_index(bytes, skip_blanks(bytes));
	json_error_t error;
	json_t *json;

	if (str_ends_with(path, STR(".json")))
		return true;
	if (rest.len == 0 || rest.ptr[0] != '{' || is_deep(rest))
		return false;
	json = json_loadb(rest.ptr, rest.len, JSON_DISABLE_EOF_CHECK, &error);
	json_decref(json);
	return json != NULL;
}

bool manifest_read(struct str bytes, struct str path, manifest_fn *each, void *owner, struct problems *problems)
{
	struct reading r = {path, each, owner, problems, true};

	if (str_starts_with(bytes, STR("\xef\xbb\xbf")))
		bytes = str_from_index(bytes, 3);
	if (bytes.len > MANIFEST_MAX_BYTES)
		add_bad(&r, 1, "larger than 64 MiB: split the file");
	else if (is_json(bytes, path))
		read_json(&r, bytes);
	else
		read_yaml(&r, bytes);
	return r.is_good;
}

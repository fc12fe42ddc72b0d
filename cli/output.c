/* Rows to table, JSON or YAML. */
#include "output.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <yaml.h>

#include "mem.h"

enum { CELL_MAX = 60, COLUMNS_MAX = 24 };

bool output_format_parse(struct str word, enum output_format *out)
{
	static const char *const words[] = {"table", "wide", "json", "yaml"};

	for (int i = OUTPUT_TABLE; i <= OUTPUT_YAML; i++) {
		if (str_eq(word, str_from(words[i]))) {
			*out = (enum output_format)i;
			return true;
		}
	}
	return false;
}

static void add_scalar(struct buf *b, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		buf_add_escaped(b, str_of(json_string_value(value), json_string_length(value)));
		return;
	case JSON_INTEGER:
		buf_printf(b, "%lld", (long long)json_integer_value(value));
		return;
	case JSON_REAL:
		buf_printf(b, "%g", json_real_value(value));
		return;
	case JSON_TRUE:
		buf_add(b, STR("yes"));
		return;
	case JSON_FALSE:
		buf_add(b, STR("no"));
		return;
	case JSON_NULL:
		return;
	case JSON_ARRAY:
	case JSON_OBJECT:
		return;
	}
	abort();
}

static void add_cell(struct buf *b, const json_t *value)
{
	size_t start = b->len;
	size_t i;
	json_t *item;

	if (json_is_array(value)) {
		json_array_foreach(value, i, item)
		{
			if (i)
				buf_add_char(b, ',');
			add_scalar(b, item);
		}
	} else if (value) {
		add_scalar(b, value);
	}
	if (b->len == start)
		buf_add_char(b, '-');
}

/* Columns as wide as their widest cell; a long cell of a narrow table is cut with an ellipsis. */
static void shorten(struct buf *cell, bool is_last)
{
	if (is_last || cell->len <= CELL_MAX)
		return;
	cell->len = CELL_MAX - 1;
	while (cell->len && ((unsigned char)cell->ptr[cell->len] & 0xc0) == 0x80)
		cell->len--;
	buf_add(cell, STR("…"));
}

/* Letters on the screen: UTF-8 continuation bytes do not count. */
static size_t letters(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += ((unsigned char)s.ptr[i] & 0xc0) != 0x80;
	return n;
}

static const char *color_of(struct str cell)
{
	static const struct {
		const char *word, *color;
	} colors[] = {{"synced", "\033[32m"}, {"ready", "\033[32m"}, {"behind", "\033[33m"}, {"warning", "\033[33m"},
		{"connecting", "\033[33m"}, {"draining", "\033[33m"}, {"silent", "\033[31m"}, {"refused", "\033[31m"},
		{"error", "\033[31m"}, {"stale", "\033[33m"}, {"pinned", "\033[33m"}};

	for (size_t i = 0; i < sizeof(colors) / sizeof(colors[0]); i++) {
		if (str_eq(cell, str_from(colors[i].word)))
			return colors[i].color;
	}
	return NULL;
}

static void add_padded(struct output *out, struct str cell, size_t width, bool is_last)
{
	const char *color = out->has_color ? color_of(cell) : NULL;

	if (color)
		buf_add(&out->text, str_from(color));
	buf_add(&out->text, cell);
	if (color)
		buf_add(&out->text, STR("\033[0m"));
	if (!is_last)
		buf_printf(&out->text, "%*s", (int)(width - letters(cell) + 3), "");
}

static void add_table(struct output *out, json_t *rows, const struct column *all)
{
	const struct column *columns[COLUMNS_MAX];
	size_t n = 0, n_rows = json_array_size(rows), width[COLUMNS_MAX] = {0};
	bool is_wide = out->format == OUTPUT_WIDE;
	struct buf *cells;

	for (; all->title && n < COLUMNS_MAX; all++) {
		if (is_wide || !all->is_wide)
			columns[n++] = all;
	}
	if (n == 0)
		return;
	cells = mem_calloc((n_rows + 1) * n, sizeof(*cells));
	for (size_t c = 0; c < n; c++) {
		buf_add(&cells[c], str_from(columns[c]->title));
		for (size_t r = 0; r < n_rows; r++) {
			struct buf *cell = &cells[(r + 1) * n + c];

			add_cell(cell, json_object_get(json_array_get(rows, r), columns[c]->key));
			if (out->is_terminal && !is_wide)
				shorten(cell, c + 1 == n);
		}
		for (size_t r = 0; r <= n_rows; r++) {
			size_t len = letters(buf_str(&cells[r * n + c]));

			width[c] = len > width[c] ? len : width[c];
		}
	}
	for (size_t i = 0; i < (n_rows + 1) * n; i++) {
		bool is_last = i % n + 1 == n;

		add_padded(out, buf_str(&cells[i]), width[i % n], is_last);
		if (is_last)
			buf_add_char(&out->text, '\n');
		buf_deinit(&cells[i]);
	}
	mem_free(cells);
}

static int append_yaml(void *data, unsigned char *bytes, size_t size)
{
	return buf_add(data, str_of(bytes, size)) ? 1 : 0;
}

/* Words that YAML readers take for something else than text get quotes. */
static bool needs_quotes(const char *text)
{
	static const char *const words[] = {"", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", NULL};
	char *end;

	for (size_t i = 0; words[i]; i++) {
		if (str_eq_nocase(str_from(text), str_from(words[i])))
			return true;
	}
	strtod(text, &end);
	return *end == '\0';
}

static bool emit_scalar(yaml_emitter_t *emitter, const char *text, bool is_text)
{
	yaml_event_t event;
	yaml_scalar_style_t style =
		is_text && needs_quotes(text) ? YAML_DOUBLE_QUOTED_SCALAR_STYLE : YAML_ANY_SCALAR_STYLE;
	char *copy = mem_strdup(str_from(text)); /* libyaml wants bytes that are not const */
	bool is_good = yaml_scalar_event_initialize(&event, NULL, NULL, (yaml_char_t *)copy, (int)strlen(copy), 1, 1, style) &&
		yaml_emitter_emit(emitter, &event);

	mem_free(copy);
	return is_good;
}

static bool emit_value(yaml_emitter_t *emitter, json_t *value);

static bool emit_list(yaml_emitter_t *emitter, json_t *value)
{
	yaml_event_t event;
	size_t i;
	json_t *item;

	if (!yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_ANY_SEQUENCE_STYLE) ||
		!yaml_emitter_emit(emitter, &event))
		return false;
	json_array_foreach(value, i, item)
	{
		if (!emit_value(emitter, item))
			return false;
	}
	return yaml_sequence_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

static bool emit_object(yaml_emitter_t *emitter, json_t *value)
{
	yaml_event_t event;
	const char *key;
	json_t *item;

	if (!yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_ANY_MAPPING_STYLE) ||
		!yaml_emitter_emit(emitter, &event))
		return false;
	json_object_foreach(value, key, item)
	{
		if (!emit_scalar(emitter, key, true) || !emit_value(emitter, item))
			return false;
	}
	return yaml_mapping_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

static bool emit_value(yaml_emitter_t *emitter, json_t *value)
{
	char number[32];

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return emit_object(emitter, value);
	case JSON_ARRAY:
		return emit_list(emitter, value);
	case JSON_STRING:
		return emit_scalar(emitter, json_string_value(value), true);
	case JSON_INTEGER:
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
		return emit_scalar(emitter, number, false);
	case JSON_REAL:
		snprintf(number, sizeof(number), "%g", json_real_value(value));
		return emit_scalar(emitter, number, false);
	case JSON_TRUE:
		return emit_scalar(emitter, "true", false);
	case JSON_FALSE:
		return emit_scalar(emitter, "false", false);
	case JSON_NULL:
		return emit_scalar(emitter, "null", false);
	}
	abort();
}

static void add_yaml(struct buf *text, json_t *value)
{
	yaml_emitter_t emitter;
	yaml_event_t event;

	yaml_emitter_initialize(&emitter);
	yaml_emitter_set_output(&emitter, append_yaml, text);
	yaml_emitter_set_unicode(&emitter, 1);
	yaml_emitter_set_width(&emitter, -1);
	if (yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) && yaml_emitter_emit(&emitter, &event) &&
		yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) &&
		yaml_emitter_emit(&emitter, &event) && emit_value(&emitter, value) &&
		yaml_document_end_event_initialize(&event, 1) && yaml_emitter_emit(&emitter, &event) &&
		yaml_stream_end_event_initialize(&event) && yaml_emitter_emit(&emitter, &event))
		yaml_emitter_flush(&emitter);
	yaml_emitter_delete(&emitter);
}

static void add_json(struct buf *text, json_t *value)
{
	char *dump = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY);

	buf_add(text, str_from(dump));
	buf_add_char(text, '\n');
	free(dump);
}

void output_rows(struct output *out, json_t *rows, const struct column *columns)
{
	switch (out->format) {
	case OUTPUT_TABLE:
	case OUTPUT_WIDE:
		add_table(out, rows, columns);
		return;
	case OUTPUT_JSON:
		add_json(&out->text, rows);
		return;
	case OUTPUT_YAML:
		add_yaml(&out->text, rows);
		return;
	}
	abort();
}

void output_note(struct output *out, const char *format, ...)
{
	va_list args;

	if (out->format != OUTPUT_TABLE && out->format != OUTPUT_WIDE)
		return;
	va_start(args, format);
	buf_vprintf(&out->text, format, args);
	va_end(args);
	buf_add_char(&out->text, '\n');
}

bool output_flush(struct output *out)
{
	bool is_good = out->text.len == 0 || fwrite(out->text.ptr, 1, out->text.len, stdout) == out->text.len;

	is_good = fflush(stdout) == 0 && is_good;
	buf_clear(&out->text);
	return is_good;
}

void output_deinit(struct output *out)
{
	buf_deinit(&out->text);
}

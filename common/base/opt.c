/* Options from one table: parse, help, man page. */
#include "opt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"

/* Edits that turn a into b, counted up to 99; both short. */
static size_t distance(const char *a, const char *b)
{
	size_t row[64];
	size_t la = strlen(a), lb = strlen(b);

	if (la > 60 || lb > 60)
		return 99;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t change = diagonal + (a[i - 1] != b[j - 1]);
			size_t best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;

			diagonal = row[j];
			row[j] = change < best ? change : best;
		}
	}
	return row[lb];
}

const char *opt_nearest(const char *word, const char *const *choices)
{
	const char *best = NULL;
	size_t least = strlen(word) / 3 + 1;

	for (; *choices; choices++) {
		size_t d = distance(word, *choices);

		if (d <= least && (!best || d < least)) {
			best = *choices;
			least = d;
		}
	}
	return best;
}

static const struct opt *find_opt(const struct opt_program *program, struct str name)
{
	for (const struct opt *o = program->opts; o->name; o++) {
		if (str_eq(name, str_from(o->name)) || (name.len == 1 && o->letter == name.ptr[0]))
			return o;
	}
	return NULL;
}

static bool unknown_option(const struct opt_program *program, const char *word, struct str name, struct buf *error)
{
	const char *names[128];
	size_t n = 0;
	char *copy = mem_strdup(name);
	const char *near;

	for (const struct opt *o = program->opts; o->name && n < 127; o++)
		names[n++] = o->name;
	names[n] = NULL;
	near = opt_nearest(copy, names);
	buf_printf(error, "unknown option '%s'", word);
	if (near)
		buf_printf(error, "; did you mean --%s?", near);
	buf_printf(error, " (--help lists all)");
	mem_free(copy);
	return false;
}

static bool set_flag(const struct opt *o, const char *value, struct buf *error)
{
	bool *out = o->out;

	if (!value || strcmp(value, "true") == 0) {
		*out = true;
		return true;
	}
	if (strcmp(value, "false") == 0) {
		*out = false;
		return true;
	}
	buf_printf(error, "--%s: '%s' is not true or false", o->name, value);
	return false;
}

static bool set_uint(const struct opt *o, const char *value, struct buf *error)
{
	uint64_t n;

	if (!str_to_u64(str_from(value), o->max, &n) || n < o->min) {
		buf_printf(error, "--%s: '%s' is not a whole number from %u to %u", o->name, value, o->min, o->max);
		return false;
	}
	*(unsigned *)o->out = (unsigned)n;
	return true;
}

static bool set_choice(const struct opt *o, const char *value, struct buf *error)
{
	struct str rest = str_from(o->arg), word;

	while (str_next(&rest, '|', &word)) {
		if (str_eq(word, str_from(value))) {
			*(const char **)o->out = value;
			return true;
		}
	}
	buf_printf(error, "--%s: '%s' is not one of %s", o->name, value, o->arg);
	return false;
}

static bool set_list(const struct opt *o, const char *value, struct buf *error)
{
	struct opt_list *list = o->out;

	if (list->n == sizeof(list->items) / sizeof(list->items[0])) {
		buf_printf(error, "--%s: given more than %zu times", o->name, list->n);
		return false;
	}
	list->items[list->n++] = value;
	return true;
}

static bool set_value(const struct opt *o, const char *value, struct buf *error)
{
	switch (o->type) {
	case OPT_FLAG:
		return set_flag(o, value, error);
	case OPT_TEXT:
		*(const char **)o->out = value;
		return true;
	case OPT_LIST:
		return set_list(o, value, error);
	case OPT_UINT:
		return set_uint(o, value, error);
	case OPT_CHOICE:
		return set_choice(o, value, error);
	}
	abort();
}

/* argv[*at] is an option; *at moves past its value. */
static bool take_option(const struct opt_program *program, int argc, char **argv, int *at, struct buf *error)
{
	const char *word = argv[*at];
	bool is_long = word[1] == '-';
	struct str text = str_from(word + (is_long ? 2 : 1));
	size_t equals = is_long ? str_find(text, '=') : text.len;
	const struct opt *o = find_opt(program, str_first(text, equals));
	const char *value = equals < text.len ? text.ptr + equals + 1 : NULL;

	if (!o && !is_long && text.len > 1) { /* -ojson */
		o = find_opt(program, str_first(text, 1));
		value = text.ptr + 1;
		if (o && o->type == OPT_FLAG)
			o = NULL;
	}
	if (!o)
		return unknown_option(program, word, str_first(text, equals), error);
	if (o->type != OPT_FLAG && !value) {
		if (*at + 1 >= argc) {
			buf_printf(error, "--%s needs a value: %s", o->name, o->arg);
			return false;
		}
		value = argv[++*at];
	}
	return set_value(o, value, error);
}

bool opt_parse(const struct opt_program *program, int argc, char **argv, struct opt_list *words, struct buf *error)
{
	bool is_over = false;

	for (int at = 1; at < argc; at++) {
		const char *word = argv[at];

		if (!is_over && strcmp(word, "--") == 0) {
			is_over = true;
		} else if (!is_over && word[0] == '-' && word[1] != '\0') {
			if (!take_option(program, argc, argv, &at, error))
				return false;
		} else if (!words) {
			buf_printf(error, "unexpected word '%s' (--help shows the usage)", word);
			return false;
		} else if (words->n == sizeof(words->items) / sizeof(words->items[0])) {
			buf_printf(error, "too many words");
			return false;
		} else {
			words->items[words->n++] = word;
		}
	}
	return true;
}

static void add_left_column(const struct opt *o, struct buf *out)
{
	if (o->letter)
		buf_printf(out, "-%c, ", o->letter);
	buf_printf(out, "--%s", o->name);
	if (o->type != OPT_FLAG)
		buf_printf(out, " %s", o->arg);
}

void opt_help(const struct opt_program *program, struct buf *out)
{
	buf_printf(out, "%s: %s\n\nUsage: %s\n\nOptions:\n", program->name, program->summary, program->synopsis);
	for (const struct opt *o = program->opts; o->name; o++) {
		size_t start;

		buf_add(out, STR("  "));
		start = out->len;
		add_left_column(o, out);
		if (out->len - start > 30)
			buf_printf(out, "\n%33s", "");
		else
			buf_printf(out, "%*s", (int)(31 - (out->len - start)), "");
		buf_printf(out, "%s\n", o->help);
	}
	if (program->details)
		buf_printf(out, "\n%s\n", program->details);
}

/* Text for roff: backslashes and leading dots or quotes made harmless. */
static void add_roff(struct buf *out, const char *text)
{
	bool is_line_start = true;

	for (; *text; text++) {
		if (is_line_start && (*text == '.' || *text == '\''))
			buf_add(out, STR("\\&"));
		if (*text == '\\')
			buf_add(out, STR("\\e"));
		else if (*text == '-')
			buf_add(out, STR("\\-"));
		else
			buf_add_char(out, *text);
		is_line_start = *text == '\n';
	}
}

void opt_man(const struct opt_program *program, struct buf *out)
{
	buf_printf(out, ".TH %s 1 \"\" \"Weirlock %s\" \"Weirlock\"\n.SH NAME\n", program->name, WEIRLOCK_VERSION);
	add_roff(out, program->name);
	buf_add(out, STR(" \\- "));
	add_roff(out, program->summary);
	buf_add(out, STR("\n.SH SYNOPSIS\n"));
	add_roff(out, program->synopsis);
	buf_add(out, STR("\n.SH OPTIONS\n"));
	for (const struct opt *o = program->opts; o->name; o++) {
		struct buf left = {0};

		add_left_column(o, &left);
		buf_add(out, STR(".TP\n.B "));
		add_roff(out, buf_cstr(&left));
		buf_add_char(out, '\n');
		add_roff(out, o->help);
		buf_add_char(out, '\n');
		buf_deinit(&left);
	}
	if (program->details) {
		buf_add(out, STR(".SH DETAILS\n.nf\n"));
		add_roff(out, program->details);
		buf_add(out, STR("\n.fi\n"));
	}
}

static void set_log(const struct opt_common *common)
{
	enum log_level level;

	if (common->log_level && log_level_parse(str_from(common->log_level), &level))
		log_set_level(level);
	if (common->log_format)
		log_set_json(strcmp(common->log_format, "json") == 0);
}

enum opt_begun opt_begin(const struct opt_program *program, const struct opt_common *common, int argc, char **argv,
	struct opt_list *words, struct buf *error)
{
	struct buf text = {0};

	if (!opt_parse(program, argc, argv, words, error))
		return OPT_WRONG;
	set_log(common);
	if (!common->wants_help && !common->wants_version && !common->wants_man)
		return OPT_GO_ON;
	if (common->wants_help)
		opt_help(program, &text);
	else if (common->wants_man)
		opt_man(program, &text);
	else
		buf_printf(&text, "%s %s\n", program->name, WEIRLOCK_VERSION);
	fputs(buf_cstr(&text), stdout);
	buf_deinit(&text);
	return OPT_SAID_ALL;
}

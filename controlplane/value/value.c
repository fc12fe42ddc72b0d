/* One rule, one text, one value. The parts are in number.c and list.c; bounds and descriptions are here. */
#include "value.h"

#include <inttypes.h>
#include <stdlib.h>

#include "list.h"
#include "number.h"

enum { WRITTEN_MAX = 16 * 1024, TEXT_MAX = 4096, COUNT_MAX = 64 }; /* nothing that we read needs more */

const char *value_tier_text(enum value_tier tier)
{
	static const char *const texts[] = {"core", "common", "rare", "none"};

	return texts[tier];
}

const char *value_status_text(enum value_status status)
{
	static const char *const texts[] = {"served", "not yet", "not yet, refuses", "not applicable"};

	return texts[status];
}

bool value_bool(struct str text, bool *out)
{
	static const char *const words[2][6] = {
		{"0", "f", "F", "FALSE", "false", "False"}, {"1", "t", "T", "TRUE", "true", "True"}};

	for (size_t i = 0; i < 12; i++) {
		if (str_eq(text, str_from(words[i / 6][i % 6]))) {
			*out = i >= 6;
			return true;
		}
	}
	return false;
}

bool value_is_printable(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c < 0x20 || c == 0x7f)
			return false;
	}
	return true;
}

bool value_has_only(struct str text, const char *punctuation)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		bool is_letter = ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';

		if (!is_letter && !(c >= '0' && c <= '9') && (c == 0 || !strchr(punctuation, c)))
			return false;
	}
	return true;
}

bool value_is_token(struct str text)
{
	return text.len > 0 && text.len <= 256 && value_has_only(text, "!#$%&'*+-.^_`|~");
}

bool value_ref(struct str text, struct str *namespace_, struct str *name)
{
	size_t slash = str_find(text, '/');
	struct str before = str_first(text, slash);
	struct str after = str_from_index(text, slash + 1);

	if (before.len == 0 || after.len == 0 || before.len > 253 || after.len > 253)
		return false;
	if (!value_has_only(before, "-.") || !value_has_only(after, "-."))
		return false;
	*namespace_ = before;
	*name = after;
	return true;
}

static bool parse_buffers(const struct value_rule *rule, struct str text, struct value *out)
{
	size_t blank = str_find(text, ' ');
	uint64_t count;
	int64_t size;

	if (!str_to_u64(str_first(text, blank), COUNT_MAX, &count) || count == 0)
		return false;
	if (!number_size(rule, str_trim(str_from_index(text, blank)), &size))
		return false;
	out->count = (unsigned)count;
	out->number = size;
	return true;
}

static bool parse_text(const struct value_rule *rule, struct str text, struct arena *arena, struct value *out)
{
	if (text.len > (rule->max ? (size_t)rule->max : TEXT_MAX))
		return false;
	if (!value_is_printable(text) || (rule->words && !value_has_only(text, rule->words)))
		return false;
	out->text = arena_str(arena, text);
	return true;
}

static bool parse_bool(const struct value_rule *rule, struct str text, struct value *out)
{
	if (rule->is_base0 && text.len == 0)
		return true; /* Go's weak decoding: an empty text is false */
	return value_bool(text, &out->flag);
}

static bool parse_ref(struct str text, struct arena *arena, struct value *out)
{
	struct str namespace_, name;

	if (!value_ref(text, &namespace_, &name))
		return false;
	out->text = arena_str(arena, text);
	return true;
}

static bool is_size_word(const struct value_rule *rule, struct str text)
{
	return rule->type == VALUE_SIZE && rule->words && str_eq(text, str_from(rule->words));
}

static bool parse_typed(const struct value_rule *rule, struct str text, struct arena *arena, struct value *out)
{
	switch (rule->type) {
	case VALUE_BOOL:
		return parse_bool(rule, text, out);
	case VALUE_INT:
	case VALUE_SECONDS:
		return number_int(rule, text, &out->number, &out->odd);
	case VALUE_TIME:
		return number_time_ms(text, &out->number);
	case VALUE_DURATION:
		return number_duration_ms(text, &out->number);
	case VALUE_SIZE:
	case VALUE_OFFSET:
		return is_size_word(rule, text) || number_size(rule, text, &out->number);
	case VALUE_BUFFERS:
		return parse_buffers(rule, text, out);
	case VALUE_CHOICE:
		return list_choice(rule, text, out);
	case VALUE_WORDS:
		return list_words(rule, text, out);
	case VALUE_TEXT:
		return parse_text(rule, text, arena, out);
	case VALUE_TOKEN:
		out->text = arena_str(arena, text);
		return value_is_token(text);
	case VALUE_REF:
		return parse_ref(text, arena, out);
	case VALUE_LIST:
	case VALUE_TOKENS:
		return list_items(rule, text, arena, out);
	case VALUE_CIDRS:
		return list_cidrs(rule, text, arena, out);
	}
	abort();
}

static bool has_bounds(const struct value_rule *rule)
{
	return rule->type == VALUE_INT || rule->type == VALUE_SECONDS || rule->type == VALUE_TIME ||
	       rule->type == VALUE_DURATION || rule->type == VALUE_SIZE || rule->type == VALUE_OFFSET ||
	       rule->type == VALUE_BUFFERS;
}

bool value_parse(const struct value_rule *rule, struct str text, struct arena *arena, struct value *out)
{
	struct value parsed = {0};

	if (text.len > WRITTEN_MAX)
		return false;
	if (rule->type != VALUE_INT && rule->type != VALUE_SECONDS && rule->type != VALUE_BOOL)
		text = str_trim(text);
	if (!parse_typed(rule, text, arena, &parsed))
		return false;
	if (has_bounds(rule) && !is_size_word(rule, text) && (parsed.number < rule->min || parsed.number > rule->max))
		return false;
	if (rule->type == VALUE_SECONDS)
		parsed.number *= 1000;
	*out = parsed;
	return true;
}

static void describe_choice(const char *words, const char *last, struct buf *out)
{
	struct str rest = str_from(words);
	struct str word;
	bool is_first = true;

	while (str_next(&rest, '|', &word)) {
		if (!is_first)
			buf_printf(out, "%s", rest.len ? ", " : last);
		buf_add(out, word);
		is_first = false;
	}
}

static void describe_range(const struct value_rule *rule, const char *unit, struct buf *out)
{
	if (rule->max == INT64_MAX || rule->max >= INT32_MAX)
		buf_printf(out, ", at least %" PRId64 "%s", rule->min, unit);
	else
		buf_printf(out, " from %" PRId64 "%s to %" PRId64 "%s", rule->min, unit, rule->max, unit);
}

static void describe_chars(const char *words, struct buf *out)
{
	if (!words)
		return;
	buf_printf(out, " of letters, digits");
	for (const char *c = words; *c; c++) {
		if (*c == ' ')
			buf_printf(out, " blank");
		else
			buf_printf(out, " %c", *c);
	}
}

void value_describe(const struct value_rule *rule, struct buf *out)
{
	switch (rule->type) {
	case VALUE_BOOL:
		buf_printf(out, "true or false");
		return;
	case VALUE_INT:
		buf_printf(out, "a whole number");
		describe_range(rule, "", out);
		return;
	case VALUE_SECONDS:
		buf_printf(out, "a whole number of seconds");
		describe_range(rule, "", out);
		return;
	case VALUE_TIME:
		buf_printf(out, "a time such as 90s, 10m or 1h 30m");
		describe_range(rule, "ms", out);
		return;
	case VALUE_DURATION:
		buf_printf(out, "a time with its unit such as 5s or 1m30s");
		describe_range(rule, "ms", out);
		return;
	case VALUE_SIZE:
		buf_printf(out, "a size in bytes, or with k or m");
		describe_range(rule, "", out);
		if (rule->words)
			buf_printf(out, ", or %s", rule->words);
		return;
	case VALUE_OFFSET:
		buf_printf(out, "a size in bytes, or with k, m or g");
		describe_range(rule, "", out);
		return;
	case VALUE_BUFFERS:
		buf_printf(out, "a count and a size such as 4 8k");
		return;
	case VALUE_CHOICE:
		describe_choice(rule->words, " or ", out);
		return;
	case VALUE_WORDS:
		buf_printf(out, "one or more, with blanks between, of ");
		describe_choice(rule->words, ", ", out);
		return;
	case VALUE_TEXT:
		buf_printf(out, "a text of at most %d bytes without control characters",
			rule->max ? (int)rule->max : TEXT_MAX);
		describe_chars(rule->words, out);
		return;
	case VALUE_TOKEN:
		buf_printf(out, "a header name");
		return;
	case VALUE_REF:
		buf_printf(out, "namespace/name");
		return;
	case VALUE_LIST:
		buf_printf(out, "a comma list of texts");
		describe_chars(rule->words, out);
		return;
	case VALUE_TOKENS:
		buf_printf(out, "a comma list of header names");
		return;
	case VALUE_CIDRS:
		buf_printf(out, "a comma list of addresses or networks such as 10.0.0.0/8");
		return;
	}
	abort();
}

const char *value_fix(const struct value_rule *rule)
{
	switch (rule->type) {
	case VALUE_BOOL:
		return "write \"true\" or \"false\"";
	case VALUE_INT:
		return "write a number in digits";
	case VALUE_SECONDS:
		return "write the seconds alone, such as 60, without a unit";
	case VALUE_TIME:
	case VALUE_DURATION:
		return "write a number and a unit, such as 60s";
	case VALUE_SIZE:
	case VALUE_OFFSET:
		return "write digits and at most one unit letter, such as 8k, without blanks";
	case VALUE_BUFFERS:
		return "write a count, a blank and a size, such as 4 8k";
	case VALUE_CHOICE:
		return "write one of these words";
	case VALUE_WORDS:
		return "write these words with blanks between them";
	case VALUE_TEXT:
	case VALUE_LIST:
		return "take the other characters out";
	case VALUE_TOKEN:
	case VALUE_TOKENS:
		return "write names such as X-Forwarded-For";
	case VALUE_REF:
		return "write the namespace, a slash and the name";
	case VALUE_CIDRS:
		return "write networks such as 10.0.0.0/8 or 2001:db8::/32 with commas between them";
	}
	abort();
}

/* One requirement after the other; commas within brackets do not end one. */
#include "selector.h"

#include <string.h>

enum { REQUIREMENTS_MAX = 32, VALUES_MAX = 64, KEY_MAX = 317, VALUE_MAX = 63 };

static bool is_word(struct str text, size_t max, const char *others)
{
	if (text.len > max)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr(others, c)))
			return false;
	}
	return true;
}

static bool is_key(struct str text)
{
	return text.len > 0 && is_word(text, KEY_MAX, "-._/");
}

static bool is_value(struct str text)
{
	return is_word(text, VALUE_MAX, "-._");
}

/* The next requirement of `rest`, which moves past it. */
static struct str next(struct str *rest)
{
	size_t at = 0;
	int depth = 0;

	for (; at < rest->len && (depth > 0 || rest->ptr[at] != ','); at++)
		depth += rest->ptr[at] == '(' ? 1 : rest->ptr[at] == ')' ? -1 : 0;
	struct str piece = str_trim(str_first(*rest, at));

	*rest = str_from_index(*rest, at + 1);
	return piece;
}

static const char *take_value(struct arena *arena, struct str value, struct requirement *out)
{
	value = str_trim(value);
	if (!is_value(value))
		return "a label's value: at most 63 letters, digits and - . _";
	if (!out->values)
		out->values = arena_alloc(arena, VALUES_MAX * sizeof(*out->values));
	if (out->n_values == VALUES_MAX)
		return "at most 64 values of a label";
	out->values[out->n_values++] = value;
	return NULL;
}

/* "in (a,b)" or "notin (a)", without the word. */
static const char *take_set(struct arena *arena, struct str text, struct requirement *out)
{
	struct str rest = str_trim(text), value;
	const char *why = NULL;

	if (rest.len < 2 || rest.ptr[0] != '(' || rest.ptr[rest.len - 1] != ')')
		return "brackets around the values, as in a in (b,c)";
	rest = str_first(str_from_index(rest, 1), rest.len - 2);
	if (!str_trim(rest).len)
		return "values within the brackets";
	while (!why && str_next(&rest, ',', &value))
		why = take_value(arena, value, out);
	return why;
}

/* "a", "a=b", "a==b", "a!=b", "a in (b)", "a notin (b)", "!a" */
static const char *take(struct arena *arena, struct str text, struct requirement *out)
{
	size_t equals = str_find(text, '='), space = str_find(text, ' '), key_len = text.len;
	struct str after = STR(""), word;
	const char *why = NULL;

	*out = (struct requirement){0};
	if (text.len && text.ptr[0] == '!') {
		out->is_not = true;
		out->key = str_trim(str_from_index(text, 1));
		return is_key(out->key) ? NULL : "the name of a label after the !";
	}
	if (str_find(text, '(') < text.len && space < text.len) {
		key_len = space;
		after = str_trim(str_from_index(text, space));
		word = str_first(after, str_find(after, '(') < str_find(after, ' ') ? str_find(after, '(') : str_find(after, ' '));
		out->is_not = str_eq(word, STR("notin"));
		if (!out->is_not && !str_eq(word, STR("in")))
			return "in or notin before the brackets";
		why = take_set(arena, str_from_index(after, word.len), out);
	} else if (equals < text.len) {
		out->is_not = equals > 0 && text.ptr[equals - 1] == '!';
		key_len = equals - out->is_not;
		after = str_from_index(text, equals + 1);
		why = take_value(arena, str_starts_with(after, STR("=")) ? str_from_index(after, 1) : after, out);
	}
	out->key = str_trim(str_first(text, key_len));
	return why ? why : is_key(out->key) ? NULL : "the name of a label: letters, digits and - . _ /";
}

bool selector_parse(struct str text, struct arena *arena, struct selector *out, const char **why)
{
	struct str rest = text;

	*out = (struct selector){.items = arena_alloc(arena, REQUIREMENTS_MAX * sizeof(*out->items))};
	*why = str_trim(text).len ? NULL : "a label at least";
	while (!*why && rest.len) {
		struct str piece = next(&rest);

		if (out->n == REQUIREMENTS_MAX)
			*why = "at most 32 labels";
		else
			*why = take(arena, piece, &out->items[out->n++]);
	}
	return !*why;
}

static bool fits(const struct requirement *r, const struct object *object)
{
	const struct str *value = pair_find(object->labels, object->n_labels, r->key);

	if (!value || !r->n_values)
		return (value != NULL) != r->is_not;
	for (size_t i = 0; i < r->n_values; i++) {
		if (str_eq(*value, r->values[i]))
			return !r->is_not;
	}
	return r->is_not;
}

bool selector_fits(const struct selector *s, const struct object *object)
{
	for (size_t i = 0; i < s->n; i++) {
		if (!fits(&s->items[i], object))
			return false;
	}
	return true;
}

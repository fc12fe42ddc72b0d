/* Words of a closed set and comma lists. */
#include "list.h"

#include <stdlib.h>

#include "mem.h"

bool list_choice(const struct value_rule *rule, struct str text, struct value *out)
{
	struct str rest = str_from(rule->words);
	struct str word;

	for (int64_t i = 0; str_next(&rest, '|', &word); i++) {
		if (!(rule->ignores_case ? str_eq_nocase(word, text) : str_eq(word, text)))
			continue;
		out->number = i;
		out->text = word;
		return true;
	}
	return false;
}

bool list_words(const struct value_rule *rule, struct str text, struct value *out)
{
	struct str rest = text;
	struct str word;
	int64_t bits = 0;

	while (str_next(&rest, ' ', &word)) {
		struct value one;

		if (word.len == 0)
			continue;
		if (!list_choice(rule, word, &one))
			return false;
		bits |= (int64_t)1 << one.number;
	}
	out->number = bits;
	return bits != 0;
}

enum { ITEMS_MAX = 1000 }; /* what a proxy takes of any list of texts */

static size_t count_pieces(struct str text)
{
	size_t n = 1;

	for (size_t i = 0; i < text.len; i++)
		n += text.ptr[i] == ',';
	return n;
}

static bool is_item(const struct value_rule *rule, struct str item)
{
	if (rule->type == VALUE_TOKENS)
		return value_is_token(item);
	return rule->words ? value_has_only(item, rule->words) : value_is_printable(item);
}

bool list_items(const struct value_rule *rule, struct str text, struct arena *arena, struct value *out)
{
	struct str rest = text;
	struct str piece;
	struct str *items = arena_alloc(arena, count_pieces(text) * sizeof(*items));
	size_t n = 0;

	while (str_next(&rest, ',', &piece)) {
		piece = str_trim(piece);
		if (piece.len == 0)
			continue;
		if (n == ITEMS_MAX || !is_item(rule, piece))
			return false;
		items[n++] = arena_str(arena, piece);
	}
	out->items = items;
	out->n = n;
	return true;
}

static int compare_cidrs(const void *a, const void *b)
{
	const struct cidr *x = a, *y = b;
	int order = addr_cmp(&x->net, &y->net);

	return order ? order : (int)x->prefix - (int)y->prefix;
}

const char *value_bad_network(const struct value_rule *rule, struct str item)
{
	const char *why = NULL;
	struct cidr c;

	if (item.len == 0 || (rule->words && str_eq(item, str_from(rule->words))) || cidr_parse(item, &c, &why))
		return NULL;
	return why;
}

bool list_cidrs(const struct value_rule *rule, struct str text, struct arena *arena, struct value *out)
{
	struct str rest = text;
	struct str piece;
	struct cidr *cidrs = arena_alloc(arena, count_pieces(text) * sizeof(*cidrs));
	size_t n = 0, kept = 0;

	while (str_next(&rest, ',', &piece)) {
		piece = str_trim(piece);
		if (value_bad_network(rule, piece))
			return false;
		if (cidr_parse(piece, &cidrs[n], NULL))
			n++;
	}
	qsort(cidrs, n, sizeof(*cidrs), compare_cidrs);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || compare_cidrs(&cidrs[i], &cidrs[kept - 1]) != 0)
			cidrs[kept++] = cidrs[i];
	}
	out->cidrs = cidrs;
	out->n = kept;
	return true;
}

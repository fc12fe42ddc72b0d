/* Numbers as Go reads them, times and sizes as nginx reads them. */
#include "number.h"

/* Of any base: what is no digit is more than every base. */
static int digit_of(char c)
{
	int value = ascii_hex_value(c);

	return value < 0 ? 99 : value;
}

/* `text` has no sign and no prefix. Underscores stand between digits only. */
static bool digits(struct str text, int base, bool takes_underscores, int64_t *out)
{
	int64_t n = 0;
	bool after_digit = false;

	for (size_t i = 0; i < text.len; i++) {
		int d = digit_of(text.ptr[i]);

		if (text.ptr[i] == '_' && takes_underscores && after_digit && i + 1 < text.len) {
			after_digit = false;
			continue;
		}
		if (d >= base || __builtin_mul_overflow(n, base, &n) || __builtin_add_overflow(n, d, &n))
			return false;
		after_digit = true;
	}
	*out = n;
	return after_digit;
}

/* Takes the prefix of a base-0 number off `*text`. */
static int base_of(struct str *text)
{
	char second = text->len > 1 ? (char)ascii_lower((unsigned char)text->ptr[1]) : 0;
	int base = second == 'x' ? 16 : second == 'o' ? 8 : second == 'b' ? 2 : 0;

	if (text->len < 2 || text->ptr[0] != '0')
		return 10;
	*text = str_from_index(*text, base ? 2 : 1);
	return base ? base : 8;
}

bool number_int(const struct value_rule *rule, struct str text, int64_t *out, const char **odd)
{
	bool is_negative = str_starts_with(text, STR("-"));
	struct str rest = text;
	int base = 10;
	int64_t n;

	if (rule->is_base0 && text.len == 0) {
		*out = 0;
		return true;
	}
	if (is_negative || str_starts_with(text, STR("+")))
		rest = str_from_index(text, 1);
	if (rule->is_base0) {
		struct str whole = rest;

		base = base_of(&rest);
		if (base == 8 && rest.len + 1 == whole.len)
			*odd = "a leading 0 makes the number octal";
	}
	if (!digits(rest, base, rule->is_base0, &n))
		return false;
	*out = is_negative ? -n : n;
	return true;
}

struct unit {
	const char *name;
	int64_t ms;
};

static const struct unit nginx_units[] = {
	{"y", 365 * 86400000LL}, {"M", 30 * 86400000LL}, {"w", 7 * 86400000LL}, {"d", 86400000LL}, {"h", 3600000LL},
	{"ms", 1}, {"m", 60000}, {"s", 1000}, {0}};
static const struct unit go_units[] = {{"h", 3600000LL}, {"ms", 1}, {"m", 60000}, {"s", 1000}, {0}};

/* The unit at the front of `*text`, which moves past it; NULL if there is none. */
static const struct unit *take_unit(const struct unit *units, struct str *text)
{
	for (const struct unit *u = units; u->name; u++) {
		if (str_starts_with(*text, str_from(u->name))) {
			*text = str_from_index(*text, strlen(u->name));
			return u;
		}
	}
	return NULL;
}

static size_t count_digits(struct str text)
{
	size_t n = 0;

	while (n < text.len && text.ptr[n] >= '0' && text.ptr[n] <= '9')
		n++;
	return n;
}

bool number_time_ms(struct str text, int64_t *out)
{
	int64_t total = 0;
	int64_t last = INT64_MAX; /* units come in falling order, each once */
	struct str rest = text;

	while (rest.len > 0) {
		struct str count = str_first(rest, count_digits(rest));
		const struct unit *u;
		int64_t n, unit_ms = 1000;

		rest = str_from_index(rest, count.len);
		u = take_unit(nginx_units, &rest);
		if (u)
			unit_ms = u->ms;
		else if (rest.len > 0)
			return false;
		if (unit_ms >= last || !digits(count, 10, false, &n) || __builtin_mul_overflow(n, unit_ms, &n) ||
			__builtin_add_overflow(total, n, &total))
			return false;
		last = unit_ms;
		while (rest.len > 0 && rest.ptr[0] == ' ')
			rest = str_from_index(rest, 1);
	}
	*out = total;
	return text.len > 0;
}

bool number_duration_ms(struct str text, int64_t *out)
{
	int64_t total = 0;
	struct str rest = text;

	if (str_eq(text, STR("0"))) {
		*out = 0;
		return true;
	}
	while (rest.len > 0) {
		struct str count = str_first(rest, count_digits(rest));
		const struct unit *u;
		int64_t n;

		rest = str_from_index(rest, count.len);
		u = take_unit(go_units, &rest);
		if (!u || !digits(count, 10, false, &n) || __builtin_mul_overflow(n, u->ms, &n) ||
			__builtin_add_overflow(total, n, &total))
			return false;
	}
	*out = total;
	return text.len > 0;
}

bool number_size(const struct value_rule *rule, struct str text, int64_t *out)
{
	size_t len = count_digits(text);
	struct str unit = str_from_index(text, len);
	int64_t n, scale = 1;

	if (unit.len > 1 || !digits(str_first(text, len), 10, false, &n))
		return false;
	switch (unit.len ? ascii_lower((unsigned char)unit.ptr[0]) : 0) {
	case 0:
		break;
	case 'k':
		scale = 1024;
		break;
	case 'm':
		scale = 1024 * 1024;
		break;
	case 'g':
		if (rule->type != VALUE_OFFSET)
			return false;
		scale = 1024 * 1024 * 1024;
		break;
	case 'b':
		if (!rule->takes_b)
			return false;
		break;
	default:
		return false;
	}
	return !__builtin_mul_overflow(n, scale, out);
}

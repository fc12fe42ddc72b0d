/* What an unquoted YAML scalar is: null, a boolean, a number or text. */
#include <errno.h>
#include <stdlib.h>

#include "document.h"

static bool is_one_of(struct str text, const char *const *words)
{
	for (; *words; words++) {
		if (str_eq(text, str_from(*words)))
			return true;
	}
	return false;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

/* Digits of a base, '_' between them allowed. False when it is no such number or too large for JSON's integers. */
static bool read_digits(struct str digits, int base, bool is_negative, json_int_t *out)
{
	unsigned long long value = 0, limit = is_negative ? 1ull << 63 : (1ull << 63) - 1;
	bool has_digit = false;

	for (size_t i = 0; i < digits.len; i++) {
		int digit = digit_value(digits.ptr[i]);

		if (digits.ptr[i] == '_' && has_digit)
			continue;
		if (digit >= base || value > (limit - (unsigned)digit) / (unsigned)base)
			return false;
		value = value * (unsigned)base + (unsigned)digit;
		has_digit = true;
	}
	*out = is_negative ? (json_int_t)(0 - value) : (json_int_t)value;
	return has_digit;
}

static bool read_int(struct str text, json_int_t *out)
{
	bool is_negative = text.len && text.ptr[0] == '-';
	struct str rest = str_from_index(text, text.len && (text.ptr[0] == '-' || text.ptr[0] == '+'));

	if (rest.len > 2 && rest.ptr[0] == '0') {
		switch (rest.ptr[1] | 0x20) {
		case 'x':
			return read_digits(str_from_index(rest, 2), 16, is_negative, out);
		case 'o':
			return read_digits(str_from_index(rest, 2), 8, is_negative, out);
		case 'b':
			return read_digits(str_from_index(rest, 2), 2, is_negative, out);
		}
	}
	if (rest.len > 1 && rest.ptr[0] == '0') /* as C and YAML 1.1 have it: 010 is 8 */
		return read_digits(str_from_index(rest, 1), 8, is_negative, out);
	return read_digits(rest, 10, is_negative, out);
}

static size_t count_digits(struct str s, size_t from)
{
	size_t n = 0;

	while (from + n < s.len && s.ptr[from + n] >= '0' && s.ptr[from + n] <= '9')
		n++;
	return n;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool is_float(struct str s)
{
	size_t at = s.len && (s.ptr[0] == '-' || s.ptr[0] == '+');
	size_t whole = count_digits(s, at), n;

	at += whole;
	if (at < s.len && s.ptr[at] == '.') {
		n = count_digits(s, at + 1);
		if (whole + n == 0)
			return false;
		at += 1 + n;
	} else if (whole == 0) {
		return false;
	}
	if (at < s.len && (s.ptr[at] | 0x20) == 'e') {
		at++;
		at += at < s.len && (s.ptr[at] == '-' || s.ptr[at] == '+');
		n = count_digits(s, at);
		if (n == 0)
			return false;
		at += n;
	}
	return at == s.len;
}

static json_t *read_float(struct str text)
{
	char copy[64];
	double value;

	if (text.len >= sizeof(copy))
		return NULL;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	value = strtod(copy, NULL);
	return json_real(value); /* NULL for what does not fit */
}

json_t *scalar_resolve(struct str text)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
	static const char *const trues[] = {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y", NULL};
	static const char *const falses[] = {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N", NULL};
	static const char *const infinite[] = {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF",
		".nan", ".NaN", ".NAN", NULL};
	json_int_t number;

	if (is_one_of(text, nulls))
		return json_null();
	if (text.len <= 5 && is_one_of(text, trues))
		return json_true();
	if (text.len <= 5 && is_one_of(text, falses))
		return json_false();
	if (text.len <= 5 && is_one_of(text, infinite))
		return NULL;
	if (text.ptr[0] != '+' && text.ptr[0] != '-' && text.ptr[0] != '.' && (text.ptr[0] < '0' || text.ptr[0] > '9'))
		return json_stringn(text.ptr, text.len);
	if (read_int(text, &number))
		return json_integer(number);
	if (is_float(text))
		return read_float(text);
	return json_stringn(text.ptr, text.len);
}

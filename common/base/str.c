/* Bytes with a length: compare, search, cut. */
#include "str.h"

struct str str_from(const char *c_string)
{
	return (struct str){c_string ? c_string : "", c_string ? strlen(c_string) : 0};
}

static uint64_t load8(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* ascii_lower of eight bytes: what is 'A' or above, and not above 'Z', has the highest bit of its byte set in one of the sums. */
static uint64_t lower8(uint64_t word)
{
	const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
	uint64_t low = word & ~highs;
	uint64_t is_capital = ((low + ones * (0x80 - 'A')) ^ (low + ones * (0x7f - 'Z'))) & ~word & highs;

	return word | is_capital >> 2;
}

bool str_eq_nocase_bytes(const char *a, const char *b, size_t len)
{
	if (len >= 8) {
		for (size_t at = 0; at + 8 < len; at += 8) {
			if (lower8(load8(a + at)) != lower8(load8(b + at)))
				return false;
		}
		return lower8(load8(a + len - 8)) == lower8(load8(b + len - 8));
	}
	for (size_t i = 0; i < len; i++) {
		if (ascii_lower((unsigned char)a[i]) != ascii_lower((unsigned char)b[i]))
			return false;
	}
	return true;
}

void str_lower(struct str s, char *to)
{
	size_t at = 0;

	for (; s.len - at >= 8; at += 8) {
		uint64_t word = lower8(load8(s.ptr + at));

		memcpy(to + at, &word, sizeof(word));
	}
	for (; at < s.len; at++)
		to[at] = (char)ascii_lower((unsigned char)s.ptr[at]);
}

int str_cmp(struct str a, struct str b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n ? memcmp(a.ptr, b.ptr, n) : 0;

	if (order != 0 || a.len == b.len)
		return order;
	return a.len < b.len ? -1 : 1;
}

bool str_starts_with(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_eq(str_first(s, prefix.len), prefix);
}

bool str_ends_with(struct str s, struct str suffix)
{
	return s.len >= suffix.len && str_eq(str_from_index(s, s.len - suffix.len), suffix);
}

size_t str_find(struct str s, char c)
{
	const char *found = s.len ? memchr(s.ptr, c, s.len) : NULL;

	return found ? (size_t)(found - s.ptr) : s.len;
}

size_t str_rfind(struct str s, char c)
{
	const char *found = s.len ? memrchr(s.ptr, c, s.len) : NULL;

	return found ? (size_t)(found - s.ptr) : s.len;
}

size_t str_find_str(struct str s, struct str needle)
{
	const char *found;

	if (needle.len == 0)
		return 0;
	found = s.len ? memmem(s.ptr, s.len, needle.ptr, needle.len) : NULL;
	return found ? (size_t)(found - s.ptr) : s.len;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
	while (s.len && is_blank(s.ptr[0])) {
		s.ptr++;
		s.len--;
	}
	while (s.len && is_blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

bool str_next(struct str *rest, char separator, struct str *piece)
{
	size_t end;

	if (rest->len == 0)
		return false;
	end = str_find(*rest, separator);
	*piece = str_first(*rest, end);
	*rest = str_from_index(*rest, end < rest->len ? end + 1 : end);
	return true;
}

bool str_to_u64(struct str s, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned digit = (unsigned)((unsigned char)s.ptr[i] - '0');

		if (digit > 9 || n > (UINT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
		if (n > max)
			return false;
	}
	*out = n;
	return true;
}

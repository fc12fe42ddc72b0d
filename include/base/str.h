#ifndef STR_H
#define STR_H
/* Bytes with a length, passed by value. A struct str never owns its bytes and need not end in NUL. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *ptr;
	size_t len;
};

/* A string literal as a struct str. */
#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
/* For printf: "%.*s". */
#define STR_ARG(s) (int)(s).len, (s).ptr

/* `c_string` without its NUL; NULL gives the empty string. Borrowed. */
struct str str_from(const char *c_string);
static inline struct str str_of(const void *bytes, size_t len)
{
	return (struct str){bytes ? (const char *)bytes : "", bytes ? len : 0};
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* str_eq_nocase of as many bytes. */
bool str_eq_nocase_bytes(const char *a, const char *b, size_t len);
/* ASCII case is ignored. */
static inline bool str_eq_nocase(struct str a, struct str b)
{
	return a.len == b.len && str_eq_nocase_bytes(a.ptr, b.ptr, a.len);
}

/* Writes s.len bytes to `to`, capital letters of ASCII as small ones. */
void str_lower(struct str s, char *to);
/* <0, 0, >0 as memcmp, shorter first among equals. */
int str_cmp(struct str a, struct str b);
bool str_starts_with(struct str s, struct str prefix);
bool str_ends_with(struct str s, struct str suffix);

/* Index of the first `c`, or s.len. */
size_t str_find(struct str s, char c);
/* Index of the last `c`, or s.len. */
size_t str_rfind(struct str s, char c);
/* Index of the first occurrence of `needle`, or s.len. */
size_t str_find_str(struct str s, struct str needle);

/* The rest from `from`; empty when from >= s.len. */
static inline struct str str_from_index(struct str s, size_t from)
{
	if (from >= s.len)
		return (struct str){s.ptr ? s.ptr + s.len : "", 0};
	return (struct str){s.ptr + from, s.len - from};
}

/* The first `len` bytes, fewer if s is shorter. */
static inline struct str str_first(struct str s, size_t len)
{
	return (struct str){s.ptr, len < s.len ? len : s.len};
}

/* Without blanks, tabs, CR and LF at both ends. */
struct str str_trim(struct str s);

/*
 * The next piece of `*rest` up to `separator`; `*rest` moves past it. False when nothing is left.
 * "a,,b," gives "a", "", "b"; the empty string gives nothing.
 */
bool str_next(struct str *rest, char separator, struct str *piece);

/* Decimal digits only, no sign, no blanks, at most `max`. False otherwise, `*out` untouched. */
bool str_to_u64(struct str s, uint64_t max, uint64_t *out);

/* The value of a hex digit of either case, or -1. */
static inline int ascii_hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static inline unsigned char ascii_lower(unsigned char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

#endif

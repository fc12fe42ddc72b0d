#ifndef BUF_H
#define BUF_H
/* Bytes that grow up to a cap. A zeroed buf is empty with no cap. */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "str.h"

struct buf {
	char *ptr;
	size_t len;
	size_t room;  /* bytes allocated */
	size_t cap;   /* never more than this; 0 is no cap */
	bool is_over; /* something did not fit below the cap and was left out whole */
};

void buf_init(struct buf *b, size_t cap);
/* buf_deinit of one that has memory. */
void buf_free(struct buf *b);
static inline void buf_deinit(struct buf *b)
{
	if (b->ptr)
		buf_free(b);
	b->is_over = false;
}

/* Empties it and keeps the memory. */
void buf_clear(struct buf *b);
/* Drops `n` bytes from the front (moves the rest). */
void buf_consume(struct buf *b, size_t n);

/* buf_reserve, where there is not room enough so far. */
char *buf_grow(struct buf *b, size_t n);
/* Room for `n` more bytes at b->ptr + b->len, or NULL (and is_over) beyond the cap. Does not change len. */
static inline char *buf_reserve(struct buf *b, size_t n)
{
	return b->ptr && n <= b->room - b->len ? b->ptr + b->len : buf_grow(b, n);
}

/* All or nothing: false (and is_over) beyond the cap. Here, so that a literal is a few stores: heads are made of them. */
static inline bool buf_add(struct buf *b, struct str s)
{
	char *to = s.len ? buf_reserve(b, s.len) : NULL;

	if (!to)
		return !s.len;
	memcpy(to, s.ptr, s.len);
	b->len += s.len;
	return true;
}

static inline bool buf_add_char(struct buf *b, char c)
{
	return buf_add(b, (struct str){&c, 1});
}

bool buf_add_u64(struct buf *b, uint64_t n);
bool buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool buf_vprintf(struct buf *b, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

/* Borrowed until the next change. */
struct str buf_str(const struct buf *b);
/* NUL-terminated, borrowed until the next change. "" for an empty one. */
const char *buf_cstr(struct buf *b);

/* For text that people or log readers see: control bytes, DEL, quotes and backslash as \xNN. */
bool buf_add_escaped(struct buf *b, struct str s);
/* A JSON string with its quotes; bytes that are not UTF-8 become \u00NN. */
bool buf_add_json(struct buf *b, struct str s);
/* The same without its quotes. */
bool buf_add_json_inside(struct buf *b, struct str s);
/* How many bytes at the front of `s` are printable ASCII, and neither a quote nor a backslash: they need no escape anywhere. */
size_t buf_plain_len(struct str s);
bool buf_add_hex(struct buf *b, struct str bytes);

#endif

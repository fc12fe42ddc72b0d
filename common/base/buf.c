/* Bytes that grow up to a cap, and the few ways text is added to them. */
#include "buf.h"

#include <stdio.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "mem.h"

void buf_init(struct buf *b, size_t cap)
{
	*b = (struct buf){.cap = cap};
}

void buf_free(struct buf *b)
{
	mem_free(b->ptr);
	*b = (struct buf){.cap = b->cap};
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->is_over = false;
}

void buf_consume(struct buf *b, size_t n)
{
	if (n >= b->len) {
		b->len = 0;
		return;
	}
	if (n == 0)
		return;
	memmove(b->ptr, b->ptr + n, b->len - n);
	b->len -= n;
}

char *buf_grow(struct buf *b, size_t n)
{
	size_t need;

	if (n > SIZE_MAX - b->len || (b->cap && b->len + n > b->cap)) {
		b->is_over = true;
		return NULL;
	}
	need = b->len + n;
	if (need > b->room || !b->ptr) {
		size_t room = b->room ? b->room : 256;

		while (room < need)
			room = room > SIZE_MAX / 2 ? need : room * 2;
		if (b->cap && room > b->cap)
			room = b->cap;
		b->ptr = mem_realloc(b->ptr, room ? room : 1);
		b->room = room;
	}
	return b->ptr + b->len;
}

bool buf_add_u64(struct buf *b, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	return buf_add(b, str_of(digits + at, sizeof(digits) - at));
}

bool buf_vprintf(struct buf *b, const char *format, va_list args)
{
	va_list again;
	int len;

	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (len < 0 || !buf_reserve(b, (size_t)len + 1)) {
		b->is_over = true;
		return false;
	}
	vsnprintf(b->ptr + b->len, (size_t)len + 1, format, args);
	b->len += (size_t)len;
	return true;
}

bool buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;
	bool fits;

	va_start(args, format);
	fits = buf_vprintf(b, format, args);
	va_end(args);
	return fits;
}

struct str buf_str(const struct buf *b)
{
	return str_of(b->ptr, b->len);
}

const char *buf_cstr(struct buf *b)
{
	size_t cap = b->cap;

	/* the closing NUL is not content, so the cap does not count it */
	b->cap = 0;
	buf_reserve(b, 1)[0] = '\0';
	b->cap = cap;
	if (cap && b->room > cap) /* room that may be used never goes beyond the cap */
		b->room = cap;
	return b->ptr;
}

static const char hex_digits[] = "0123456789abcdef";

bool buf_add_hex(struct buf *b, struct str bytes)
{
	char *to = buf_reserve(b, bytes.len * 2);

	if (!to)
		return false;
	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char c = (unsigned char)bytes.ptr[i];

		to[2 * i] = hex_digits[c >> 4];
		to[2 * i + 1] = hex_digits[c & 15];
	}
	b->len += bytes.len * 2;
	return true;
}

bool buf_add_escaped(struct buf *b, struct str s)
{
	size_t before = b->len;

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		char escaped[4] = {'\\', 'x', hex_digits[c >> 4], hex_digits[c & 15]};
		bool is_plain = c >= 0x20 && c != 0x7f && c != '"' && c != '\\';

		if (!(is_plain ? buf_add_char(b, (char)c) : buf_add(b, str_of(escaped, 4)))) {
			b->len = before;
			return false;
		}
	}
	return true;
}

/* Length of the UTF-8 sequence at the front of s, or 0 if it is none (overlong, surrogate, cut off). */
static size_t utf8_len(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.ptr;
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

	if (n == 0 || n > s.len)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
		(p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

static bool add_json_piece(struct buf *b, struct str *s)
{
	unsigned char c = (unsigned char)s->ptr[0];
	size_t n = utf8_len(*s);
	struct str piece = str_first(*s, n ? n : 1);
	char escaped[6] = {'\\', 'u', '0', '0', hex_digits[c >> 4], hex_digits[c & 15]};

	*s = str_from_index(*s, piece.len);
	if (c == '"' || c == '\\')
		return buf_add_char(b, '\\') && buf_add(b, piece);
	if (c == '\n')
		return buf_add(b, STR("\\n"));
	if (c == '\t')
		return buf_add(b, STR("\\t"));
	if (n == 0 || c < 0x20 || c == 0x7f)
		return buf_add(b, str_of(escaped, sizeof(escaped)));
	return buf_add(b, piece);
}

/* A byte of the word is no plain one; in doubt too. */
static bool has_special(uint64_t word)
{
	const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
	uint64_t quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\');

	return ((word | (word - ones * 0x20) | (word + ones) | (quote - ones) | (backslash - ones)) & highs) != 0;
}

#ifdef __SSE2__
/* A bit for each of 16 bytes that is no plain one; those beyond ASCII are negative. */
static unsigned special_bytes(const char *p)
{
	const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
	__m128i is_visible = _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8(0x1f)), _mm_cmplt_epi8(v, _mm_set1_epi8(0x7f)));
	__m128i is_quoted = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));

	return (unsigned)_mm_movemask_epi8(_mm_andnot_si128(is_quoted, is_visible)) ^ 0xffffu;
}
#endif

size_t buf_plain_len(struct str s)
{
	size_t n = 0;
	uint64_t word;

#ifdef __SSE2__
	for (; s.len - n >= 16; n += 16) {
		unsigned special = special_bytes(s.ptr + n);

		if (special)
			return n + (size_t)__builtin_ctz(special);
	}
#endif
	while (s.len - n >= sizeof(word)) {
		memcpy(&word, s.ptr + n, sizeof(word));
		if (has_special(word))
			break;
		n += sizeof(word);
	}
	if (s.len >= sizeof(word) && s.len - n < sizeof(word)) { /* the rest, and some before it again */
		memcpy(&word, s.ptr + s.len - sizeof(word), sizeof(word));
		if (!has_special(word))
			return s.len;
	}
	while (n < s.len && s.ptr[n] >= 0x20 && s.ptr[n] < 0x7f && s.ptr[n] != '"' && s.ptr[n] != '\\')
		n++;
	return n;
}

bool buf_add_json_inside(struct buf *b, struct str s)
{
	size_t before = b->len;
	bool fits = true;

	while (fits && s.len) {
		size_t n = buf_plain_len(s);

		fits = buf_add(b, str_first(s, n));
		s = str_from_index(s, n);
		if (fits && s.len)
			fits = add_json_piece(b, &s);
	}
	if (!fits)
		b->len = before;
	return fits;
}

bool buf_add_json(struct buf *b, struct str s)
{
	size_t before = b->len;
	bool fits = buf_add_char(b, '"') && buf_add_json_inside(b, s) && buf_add_char(b, '"');

	if (!fits)
		b->len = before;
	return fits;
}

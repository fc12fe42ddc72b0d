/* Heads to bytes. */
#include <assert.h>

#include "http1.h"

/* Names and most values are so short that a call would cost more than the copy: two halves that overlap. */
static inline char *put(char *to, struct str s)
{
	if (s.len >= 8 && s.len <= 16) {
		char first[8], last[8];

		memcpy(first, s.ptr, 8);
		memcpy(last, s.ptr + s.len - 8, 8);
		memcpy(to, first, 8);
		memcpy(to + s.len - 8, last, 8);
	} else if (s.len) {
		memcpy(to, s.ptr, s.len);
	}
	return to + s.len;
}

bool http1_write_request_line(struct buf *out, struct str method, struct str target)
{
	static const char tail[] = " HTTP/1.1\r\n";
	size_t len = method.len + 1 + target.len + sizeof(tail) - 1;
	char *to = buf_reserve(out, len);

	if (!to)
		return false;
	to = put(to, method);
	*to++ = ' ';
	put(put(to, target), str_of(tail, sizeof(tail) - 1));
	out->len += len;
	return true;
}

bool http1_write_status_line(struct buf *out, unsigned status, struct str reason)
{
	char head[] = "HTTP/1.1 000 ";
	size_t len = sizeof(head) - 1 + reason.len + 2;
	char *to = buf_reserve(out, len);

	assert(status >= 100 && status <= 999);
	if (!to)
		return false;
	head[9] = (char)('0' + status / 100);
	head[10] = (char)('0' + status / 10 % 10);
	head[11] = (char)('0' + status % 10);
	to = put(put(to, str_of(head, sizeof(head) - 1)), reason);
	memcpy(to, "\r\n", 2);
	out->len += len;
	return true;
}

bool http1_write_field(struct buf *out, struct str name, struct str value)
{
	size_t len = name.len + value.len + 4;
	char *to = buf_reserve(out, len);

	if (!to)
		return false;
	to = put(to, name);
	memcpy(to, ": ", 2);
	to = put(to + 2, value);
	memcpy(to, "\r\n", 2);
	out->len += len;
	return true;
}

bool http1_write_end(struct buf *out)
{
	return buf_add(out, STR("\r\n"));
}

size_t http1_chunk_head(char *room, uint64_t size)
{
	size_t n = 1, len;

	while (n < 16 && size >> (4 * n))
		n++;
	for (len = 0; len < n; len++)
		room[len] = "0123456789abcdef"[size >> (4 * (n - 1 - len)) & 15];
	room[len++] = '\r';
	room[len++] = '\n';
	return len;
}

#include "head.h"

enum { TAG = 215 << 3 | 2, TAG_SIZE = 2 }; /* LastGood.version, as a varint */

/* Of two bytes at most; a version is far smaller. False when it is no such thing. */
static bool read_length(struct str s, size_t *at, size_t *length)
{
	size_t n = 0;

	for (unsigned i = 0; i < 2 && *at < s.len; i++) {
		uint8_t byte = (uint8_t)s.ptr[(*at)++];

		n |= (size_t)(byte & 0x7f) << 7 * i;
		if (!(byte & 0x80)) {
			*length = n;
			return n <= s.len - *at;
		}
	}
	return false;
}

void head_add(const struct version *v, struct buf *out)
{
	const struct version none = {0};
	Weirlock__V1__LastGood head = WEIRLOCK__V1__LAST_GOOD__INIT;
	struct arena arena = {0};
	char *room;

	head.version = version_news(v, &none, &arena);
	room = head.version ? buf_reserve(out, weirlock__v1__last_good__get_packed_size(&head)) : NULL;
	if (room)
		out->len += weirlock__v1__last_good__pack(&head, (uint8_t *)room);
	arena_deinit(&arena);
}

struct str head_read(struct str plain, struct version *out)
{
	const uint8_t tag[TAG_SIZE] = {(TAG & 0x7f) | 0x80, TAG >> 7};
	size_t at = TAG_SIZE, length;
	Weirlock__V1__LastGood *head;

	*out = (struct version){0};
	if (!str_starts_with(plain, str_of(tag, sizeof(tag))) || !read_length(plain, &at, &length))
		return plain;
	head = weirlock__v1__last_good__unpack(NULL, at + length, (const uint8_t *)plain.ptr);
	if (!head)
		return plain;
	version_read(head->version, out);
	weirlock__v1__last_good__free_unpacked(head, NULL);
	return str_from_index(plain, at + length);
}

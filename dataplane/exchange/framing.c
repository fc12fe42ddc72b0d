/* The payload of many small chunks becomes one piece, so that it goes on with one write and one frame. */
#include "exchange_private.h"

enum parse_result exchange_take_body(
	struct http1_body *body, char *bytes, size_t len, size_t *used, struct str *payload, const char **why)
{
	char *to = NULL;
	size_t have = 0;
	enum parse_result result = PARSE_MORE;

	*used = 0;
	do {
		size_t n = 0;
		struct str data = {0};

		result = http1_body_read(body, str_of(bytes + *used, len - *used), &n, &data, why);
		if (result == PARSE_BAD)
			break;
		if (data.len) {
			char *from = bytes + (data.ptr - bytes);

			if (!to)
				to = from;
			else if (to + have != from)
				memmove(to + have, from, data.len);
			have += data.len;
		}
		*used += n;
		if (result == PARSE_DONE || n == 0)
			break;
	} while (*used < len);
	*payload = str_of(to ? to : bytes, have);
	return result;
}

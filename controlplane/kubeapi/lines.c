/* Whole lines of a piece are handed on where they lie; what is cut is gathered. */
#include "lines.h"

void lines_init(struct lines *l, size_t max_line_bytes)
{
	buf_init(&l->rest, max_line_bytes);
}

void lines_deinit(struct lines *l)
{
	buf_deinit(&l->rest);
}

enum lines_result lines_take(struct lines *l, struct str bytes, lines_fn *each, void *owner)
{
	while (bytes.len) {
		size_t end = str_find(bytes, '\n');
		struct str piece = str_first(bytes, end);
		bool goes_on = true;

		if (end == bytes.len)
			return buf_add(&l->rest, piece) ? LINES_MORE : LINES_TOO_LONG;
		if (piece.len > l->rest.cap)
			return LINES_TOO_LONG;
		if (!l->rest.len) {
			goes_on = each(owner, piece);
		} else {
			if (!buf_add(&l->rest, piece))
				return LINES_TOO_LONG;
			goes_on = each(owner, buf_str(&l->rest));
			buf_clear(&l->rest);
		}
		if (!goes_on)
			return LINES_STOPPED;
		bytes = str_from_index(bytes, end + 1);
	}
	return LINES_MORE;
}

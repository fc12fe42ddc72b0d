#include "frames.h"

#include <stdlib.h>

enum { SETTINGS_COST = 32 };

nghttp2_option *frames_options(void)
{
	nghttp2_option *o;

	if (nghttp2_option_new(&o) != 0)
		abort();
	nghttp2_option_set_no_http_messaging(o, 1);     /* head.c, response.c */
	nghttp2_option_set_no_auto_window_update(o, 1); /* a body is acknowledged when somebody took it */
	nghttp2_option_set_no_closed_streams(o, 1);
	nghttp2_option_set_max_deflate_dynamic_table_size(o, NGHTTP2_DEFAULT_HEADER_TABLE_SIZE);
	nghttp2_option_set_max_continuations(o, 8);
	for (unsigned kind = NGHTTP2_CONTINUATION + 1; kind <= UINT8_MAX; kind++)
		nghttp2_option_set_user_recv_extension_type(o, (uint8_t)kind);
	return o;
}

bool frames_collect(nghttp2_session *session, struct buf *out, size_t enough)
{
	buf_clear(out);
	while (out->len < enough) {
		const uint8_t *bytes;
		ssize_t n = nghttp2_session_mem_send(session, &bytes);
		size_t before = out->len; /* DATA frames add themselves */

		if (n < 0)
			return false;
		buf_add(out, str_of(bytes, (size_t)n));
		if (n == 0 && out->len == before)
			break;
	}
	return true;
}

uint32_t frames_cost(const nghttp2_frame_hd *hd)
{
	switch (hd->type) {
	case NGHTTP2_HEADERS:
	case NGHTTP2_RST_STREAM:
	case NGHTTP2_CONTINUATION:
	case NGHTTP2_GOAWAY:
		return 0;
	case NGHTTP2_DATA:
		return !hd->length && !(hd->flags & NGHTTP2_FLAG_END_STREAM);
	case NGHTTP2_SETTINGS:
		return hd->flags & NGHTTP2_FLAG_ACK ? 0 : SETTINGS_COST;
	default: /* PING, PRIORITY, WINDOW_UPDATE */
		return 1;
	}
}

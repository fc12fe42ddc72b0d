#ifndef HEAD_TEXT_H
#define HEAD_TEXT_H
/* For tests: a parsed head as one line, so that a table row says all that was understood. */
#include "buf.h"
#include "http.h"

static inline void add_body_text(struct buf *out, const struct http_head *head)
{
	static const char *const kinds[] = {"none", "length", "chunked", "close"};

	buf_printf(out, " body=%s", kinds[head->body]);
	if (head->body == HTTP_BODY_LENGTH)
		buf_printf(out, ":%llu", (unsigned long long)head->content_length);
}

static inline void add_fields_text(struct buf *out, const struct http_head *head)
{
	buf_printf(out, "%s%s%s", head->is_keep_alive ? " keep" : "", head->is_upgrade ? " upgrade" : "",
		head->expects_continue ? " expect" : "");
	for (size_t i = 0; i < head->n_fields; i++) {
		const struct http_field *f = &head->fields[i];

		buf_printf(out, " [%.*s=%.*s]", STR_ARG(f->name), STR_ARG(f->value));
	}
}

static inline void add_request_text(struct buf *out, const struct http_head *head)
{
	buf_printf(out, "%.*s %.*s", STR_ARG(head->method_text), STR_ARG(head->path));
	if (head->has_query)
		buf_printf(out, " ?%.*s", STR_ARG(head->query));
	buf_printf(out, " 1.%d host=%.*s", head->version == HTTP_1_1, STR_ARG(head->host));
	add_body_text(out, head);
	add_fields_text(out, head);
}

static inline void add_response_text(struct buf *out, const struct http_head *head)
{
	buf_printf(out, "%u %.*s 1.%d", head->status, STR_ARG(head->reason), head->version == HTTP_1_1);
	add_body_text(out, head);
	add_fields_text(out, head);
}

#endif

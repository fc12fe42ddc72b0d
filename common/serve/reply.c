/* Answers to bytes. */
#include "http1.h"
#include "inside.h"

void reply_write(const struct serve_answer *answer, bool is_head, bool is_last, struct buf *out)
{
	char digits[24];
	struct buf number = {.ptr = digits, .room = sizeof(digits), .cap = sizeof(digits)};

	buf_add_u64(&number, answer->body.len);
	http1_write_status_line(out, answer->status, http_status_reason(answer->status));
	http1_write_field(out, STR("Content-Type"), answer->type);
	http1_write_field(out, STR("Content-Length"), buf_str(&number));
	http1_write_field(out, STR("Cache-Control"), STR("no-store"));
	if (answer->allow.len)
		http1_write_field(out, STR("Allow"), answer->allow);
	if (is_last)
		http1_write_field(out, STR("Connection"), STR("close"));
	http1_write_end(out);
	if (!is_head)
		buf_add(out, buf_str(&answer->body));
}

void reply_text(unsigned status, const char *line, struct buf *out)
{
	struct serve_answer answer = {.status = status, .type = STR("text/plain; charset=utf-8")};

	buf_printf(&answer.body, "%s\n", line);
	reply_write(&answer, false, true, out);
	buf_deinit(&answer.body);
}

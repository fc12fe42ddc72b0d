/* Paths and methods to responses. */
#include "answer.h"

#include "http1.h"

static void add_head(struct buf *out, unsigned status, struct str type, size_t length, bool is_last)
{
	char digits[24];
	struct buf number = {.ptr = digits, .room = sizeof(digits), .cap = sizeof(digits)};

	buf_add_u64(&number, length);
	http1_write_status_line(out, status, http_status_reason(status));
	http1_write_field(out, STR("Content-Type"), type);
	http1_write_field(out, STR("Content-Length"), buf_str(&number));
	http1_write_field(out, STR("Cache-Control"), STR("no-store"));
	if (status == 405)
		http1_write_field(out, STR("Allow"), STR("GET, HEAD"));
	if (is_last)
		http1_write_field(out, STR("Connection"), STR("close"));
	http1_write_end(out);
}

static unsigned ask(bool (*is_well)(void *, struct buf *), void *owner, unsigned status_if_not, struct buf *body)
{
	struct buf note = {0};

	if (!is_well || is_well(owner, &note)) {
		buf_add(body, STR("ok\n"));
		if (note.len) {
			buf_add(body, buf_str(&note));
			buf_add_char(body, '\n');
		}
		buf_deinit(&note);
		return 200;
	}
	buf_add(body, buf_str(&note));
	buf_deinit(&note);
	buf_add(body, body->len ? STR("\n") : STR("no\n"));
	return status_if_not;
}

static unsigned fill_body(const struct admin_hooks *hooks, const struct http_head *head, struct buf *body, struct str *type)
{
	*type = STR("text/plain; charset=utf-8");
	if (head->method != HTTP_GET && head->method != HTTP_HEAD) {
		buf_add(body, STR("only GET and HEAD\n"));
		return 405;
	}
	if (str_eq(head->path, STR("/healthz")))
		return ask(hooks->is_healthy, hooks->owner, 500, body);
	if (str_eq(head->path, STR("/readyz")))
		return ask(hooks->is_ready, hooks->owner, 503, body);
	if (str_eq(head->path, STR("/metrics")) && hooks->add_metrics) {
		*type = STR("text/plain; version=0.0.4; charset=utf-8");
		hooks->add_metrics(hooks->owner, body);
		return 200;
	}
	buf_add(body, STR("there are /healthz, /readyz and /metrics\n"));
	return 404;
}

void answer_request(const struct admin_hooks *hooks, const struct http_head *head, bool is_last, struct buf *out)
{
	struct buf body = {0};
	struct str type;
	unsigned status = fill_body(hooks, head, &body, &type);

	add_head(out, status, type, body.len, is_last);
	if (head->method != HTTP_HEAD)
		buf_add(out, buf_str(&body));
	buf_deinit(&body);
}

void answer_error(unsigned status, const char *reason, struct buf *out)
{
	add_head(out, status, STR("text/plain; charset=utf-8"), strlen(reason) + 1, true);
	buf_add(out, str_from(reason));
	buf_add_char(out, '\n');
}

/* Paths and methods to answers; the serve room does the rest. */
#include "admin.h"

#include "mem.h"
#include "serve.h"

struct admin {
	struct serve *serve;
	struct admin_hooks hooks;
	admin_closed_fn *on_closed;
};

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

static unsigned fill(const struct admin_hooks *hooks, const struct http_head *head, struct serve_answer *answer)
{
	if (head->method != HTTP_GET && head->method != HTTP_HEAD) {
		answer->allow = STR("GET, HEAD");
		buf_add(&answer->body, STR("only GET and HEAD\n"));
		return 405;
	}
	if (str_eq(head->path, STR("/healthz")))
		return ask(hooks->is_healthy, hooks->owner, 500, &answer->body);
	if (str_eq(head->path, STR("/readyz")))
		return ask(hooks->is_ready, hooks->owner, 503, &answer->body);
	if (str_eq(head->path, STR("/metrics")) && hooks->add_metrics) {
		answer->type = STR("text/plain; version=0.0.4; charset=utf-8");
		hooks->add_metrics(hooks->owner, &answer->body);
		return 200;
	}
	buf_add(&answer->body, STR("there are /healthz, /readyz and /metrics\n"));
	return 404;
}

static void on_request(void *owner, const struct http_head *head, struct str body, struct serve_answer *answer)
{
	const struct admin *admin = owner;

	(void)body;
	answer->type = STR("text/plain; charset=utf-8");
	answer->status = fill(&admin->hooks, head, answer);
}

int admin_open(uv_loop_t *loop, const struct addr *addr, const struct admin_hooks *hooks, struct admin **out)
{
	struct admin *admin = mem_zalloc(sizeof(*admin));
	const struct serve_options options = {.addr = *addr, .n_connections = ADMIN_CONNECTIONS, .timeout_ms = ADMIN_TIMEOUT_MS,
		.idle_ms = ADMIN_TIMEOUT_MS, .owner = admin, .on_request = on_request};
	int result = serve_open(loop, &options, &admin->serve);

	*out = NULL;
	if (result < 0) {
		mem_free(admin);
		return result;
	}
	admin->hooks = *hooks;
	*out = admin;
	return 0;
}

const struct addr *admin_bound(const struct admin *admin)
{
	return serve_bound(admin->serve);
}

static void on_serve_closed(struct serve *serve, void *owner)
{
	struct admin *admin = owner;

	(void)serve;
	if (admin->on_closed)
		admin->on_closed(admin, admin->hooks.owner);
	mem_free(admin);
}

void admin_close(struct admin *admin, admin_closed_fn *on_closed)
{
	admin->on_closed = on_closed;
	serve_close(admin->serve, on_serve_closed);
}

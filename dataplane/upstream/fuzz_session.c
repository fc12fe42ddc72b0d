/*
 * Bytes as an endpoint's side of HTTP/2, with calls in progress: never a crash, never more than the bounds in memory, and every call
 * hears of its end once the endpoint is gone. The first byte says how many calls there are and what they do; the rest is sent in
 * pieces, so that calls come and go between them.
 */
#include "session_case.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_CALLS = 6 };

struct caller {
	struct upstream_user user;
	struct upstream_call *call;
	bool has_head, asks_body, leaves_early, was_sent;
	size_t taken;
};

static struct http_field fields[UPSTREAM_HEAD_FIELDS];

static void leave(struct caller *c)
{
	upstream_call_close(c->call, true);
	c->call = NULL;
}

static void send_request(struct caller *c)
{
	const struct upstream_request r = {.method = HTTP_POST, .method_text = STR("POST"), .authority = STR("a.test"), .path = STR("/x"),
		.lines = STR("content-type: application/grpc\r\n"), .is_last = !c->asks_body};

	c->was_sent = true;
	if (upstream_call_send_head(c->call, &r) && c->asks_body)
		upstream_call_send(c->call, STR("hello"), true, STR("x-end: 1\r\n"));
}

static void read_answer(struct caller *c)
{
	struct http_head head = {.fields = fields};

	if (!c->has_head) {
		switch (upstream_call_head(c->call, &head)) {
		case PARSE_DONE:
			c->has_head = true;
			for (size_t i = 0; i < head.n_fields; i++) {
				if (!http_is_token(head.fields[i].name) || !http_is_field_value(head.fields[i].value))
					abort();
			}
			upstream_call_drop_head(c->call);
			break;
		case PARSE_MORE:
		case PARSE_BAD:
			break;
		}
	}
	if (upstream_call_body(c->call).len > UPSTREAM_CALL_WINDOW)
		abort();
	if (c->has_head && !c->leaves_early) {
		c->taken += upstream_call_body(c->call).len;
		upstream_call_take(c->call, upstream_call_body(c->call).len);
	}
	if (upstream_call_is_whole(c->call) || upstream_call_fate(c->call) || (c->leaves_early && c->has_head))
		leave(c);
}

static void on_event(struct upstream_user *user, unsigned events)
{
	struct caller *c = container_of(user, struct caller, user);

	(void)events;
	if (!c->call)
		abort();
	if (!c->was_sent && !upstream_call_fate(c->call) && upstream_call_is_connected(c->call))
		send_request(c);
	read_answer(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct upstream_target target;
	struct caller callers[MAX_CALLS] = {0};
	struct upstream_pool *pool;
	uint8_t what = size ? data[0] : 0;
	int fd, error;

	prepare_case();
	pool = make_pool(100);
	target = (struct upstream_target){.addr = endpoint, .is_http2 = true};
	for (size_t i = 0; i < 1U + what % MAX_CALLS; i++) {
		callers[i].user.on_event = on_event;
		callers[i].asks_body = (what >> 3 ^ i) & 1;
		callers[i].leaves_early = (what >> 4 & 1) && i == 1;
		callers[i].call = upstream_call_open(pool, &target, &callers[i].user, &error);
		if (!callers[i].call)
			abort();
	}
	fd = accept_case();
	settle_case(fd);
	if (size > 1)
		feed_case(fd, data + 1, size - 1);
	close(fd);
	for (int i = 0; i < 100 && upstream_n_calls(pool); i++)
		settle_case(-1);
	if (upstream_n_calls(pool)) /* the endpoint is gone: everybody has heard of it */
		abort();
	end_pool(pool);
	return 0;
}

/* One struct an endpoint: it waits, connects, asks, and waits again. A connection serves one check. */
#include "probe.h"

#include <stdio.h>

#include "deadline.h"
#include "http1.h"
#include "log.h"
#include "map.h"
#include "mem.h"
#include "stream.h"

enum { ANSWER_MAX = 16 * 1024, FIELDS_MAX = 100, FIRST_WITHIN_MS = 200, REASON_MAX = 64 };
enum probe_state { PROBE_WAITS, PROBE_CONNECTS, PROBE_ASKED, PROBE_CLOSES };

struct probes {
	uv_loop_t *loop;
	struct probes_options options;
	struct map items;         /* backend and address -> struct probe */
	struct deadlines all;
	uv_timer_t tick;
	uint64_t round;           /* of probes_apply */
	unsigned n;               /* checks whose memory is there */
	bool is_closing, is_tick_closed;
};

struct probe {
	struct probes *owner;
	struct buf key, path, request;
	struct str backend;       /* its name, in the key */
	unsigned backend_index;
	struct addr addr;
	uint32_t interval_ms, timeout_ms, failures, successes;
	enum probe_state state;
	bool is_gone;             /* freed once its stream is closed */
	bool is_failing;
	uint32_t n_good, n_bad;   /* in a row */
	char reason[REASON_MAX];
	uint64_t round;
	struct deadline deadline;
	struct stream stream;
	struct buf in;
};

static void free_when_closed(struct probes *all)
{
	if (!all->is_closing || all->n || !all->is_tick_closed)
		return;
	map_deinit(&all->items);
	mem_free(all);
}

static void free_probe(struct probe *c)
{
	struct probes *all = c->owner;

	deadline_stop(&all->all, &c->deadline);
	buf_deinit(&c->key);
	buf_deinit(&c->path);
	buf_deinit(&c->request);
	buf_deinit(&c->in);
	mem_free(c);
	all->n--;
	free_when_closed(all);
}

/* ------------------------------------------------------------------------------------------------------------ one check */

static void on_closed(struct stream *stream)
{
	struct probe *c = container_of(stream, struct probe, stream);

	if (c->is_gone) {
		free_probe(c);
		return;
	}
	c->state = PROBE_WAITS;
	deadline_set(&c->owner->all, &c->deadline, c->interval_ms);
}

static void set_failing(struct probe *c, bool is_failing)
{
	char text[ADDR_TEXT_MAX];

	if (c->is_failing == is_failing)
		return;
	c->is_failing = is_failing;
	if (is_failing)
		log_warn("probe", "endpoint fails its health check addr=%s backend=%.*s reason=\"%s\"", addr_text(&c->addr, text),
			STR_ARG(c->backend), c->reason);
	else
		log_info("probe", "endpoint is well again addr=%s backend=%.*s", addr_text(&c->addr, text), STR_ARG(c->backend));
	c->owner->options.on_change(c->owner->options.data, c->backend_index, &c->addr, is_failing);
}

/* "": it was good. */
static void count(struct probe *c, const char *reason)
{
	snprintf(c->reason, sizeof(c->reason), "%s", reason);
	c->n_good = reason[0] ? 0 : c->n_good + 1;
	c->n_bad = reason[0] ? c->n_bad + 1 : 0;
	if (c->n_bad >= c->failures)
		set_failing(c, true);
	else if (c->n_good >= c->successes)
		set_failing(c, false);
}

static void finish(struct probe *c, const char *reason)
{
	count(c, reason);
	c->state = PROBE_CLOSES;
	deadline_clear(&c->deadline);
	buf_deinit(&c->in);
	stream_close(&c->stream, false, on_closed);
}

static void send_request(struct probe *c)
{
	struct iovec piece = {.iov_base = c->request.ptr, .iov_len = c->request.len};

	c->state = PROBE_ASKED;
	if (stream_writev(&c->stream, &piece, 1) != (ssize_t)c->request.len) /* a fresh socket has room */
		finish(c, "takes no request");
}

/* Past interim answers; PARSE_MORE while the head is not whole. */
static enum parse_result parse(const struct probe *c, unsigned *status)
{
	struct http_field fields[FIELDS_MAX];
	const struct http1_limits limits = {.head_bytes = ANSWER_MAX, .n_fields = FIELDS_MAX, .keeps_underscores = true};
	struct str rest = buf_str(&c->in);
	enum parse_result result;

	do {
		struct http_head head = {.fields = fields};
		struct http1_error error;
		size_t used = 0;

		result = http1_parse_response(rest, &limits, HTTP_GET, &head, &used, &error);
		*status = head.status;
		rest = str_from_index(rest, used);
	} while (result == PARSE_DONE && *status < 200 && *status != 101);
	return result;
}

static void judge(struct probe *c)
{
	char reason[REASON_MAX] = "";
	unsigned status = 0;

	switch (parse(c, &status)) {
	case PARSE_MORE:
		if (c->in.len >= ANSWER_MAX)
			finish(c, "its answer is too long");
		return;
	case PARSE_BAD:
		finish(c, "its answer is not HTTP");
		return;
	case PARSE_DONE:
		break;
	}
	if (status < 200 || status >= 400)
		snprintf(reason, sizeof(reason), "answers %u", status);
	finish(c, reason);
}

static void read_answer(struct probe *c)
{
	char space[4096];
	ssize_t n = stream_read(&c->stream, space, sizeof(space));

	if (n < 0) {
		finish(c, "closes without an answer");
	} else if (n > 0) {
		buf_add(&c->in, str_of(space, (size_t)n));
		judge(c);
	}
}

static void on_event(struct stream *s, unsigned events)
{
	struct probe *c = container_of(s, struct probe, stream);
	char reason[REASON_MAX];

	if (c->state == PROBE_CLOSES)
		return;
	if (events & STREAM_FAILED) {
		snprintf(reason, sizeof(reason), "%s", c->stream.error ? uv_strerror(c->stream.error) : "no connection");
		finish(c, reason);
	} else if (c->state == PROBE_CONNECTS && (events & STREAM_CONNECTED)) {
		send_request(c);
	} else if (c->state == PROBE_ASKED && (events & STREAM_READABLE)) {
		read_answer(c);
	}
}

static void write_request(struct probe *c)
{
	char text[ADDR_TEXT_MAX];

	buf_clear(&c->request);
	buf_printf(&c->request, "GET %.*s HTTP/1.1\r\nHost: %s\r\nUser-Agent: weirlock-health-check\r\nConnection: close\r\n\r\n",
		STR_ARG(buf_str(&c->path)), addr_text(&c->addr, text));
}

static void begin(struct probe *c)
{
	int error = stream_connect(&c->stream, c->owner->loop, &c->addr, NULL, on_event);

	if (error) {
		count(c, uv_strerror(error));
		deadline_set(&c->owner->all, &c->deadline, c->interval_ms);
		return;
	}
	c->state = PROBE_CONNECTS;
	write_request(c);
	buf_init(&c->in, ANSWER_MAX);
	deadline_set(&c->owner->all, &c->deadline, c->timeout_ms);
}

static void on_deadline(struct deadline *d)
{
	struct probe *c = container_of(d, struct probe, deadline);

	if (c->state == PROBE_WAITS)
		begin(c);
	else if (c->state != PROBE_CLOSES)
		finish(c, c->state == PROBE_CONNECTS ? "no connection in time" : "no answer in time");
}

/* ----------------------------------------------------------------------------------------------------- who is checked */

static void write_key(struct buf *out, struct str backend, const struct addr *addr)
{
	char text[ADDR_TEXT_MAX];

	buf_printf(out, "%.*s %s", STR_ARG(backend), addr_text(addr, text));
}

static struct probe *find(const struct probes *all, struct str backend, const struct addr *addr)
{
	struct buf key = {0};
	struct probe *c;

	write_key(&key, backend, addr);
	c = map_get(&all->items, buf_str(&key));
	buf_deinit(&key);
	return c;
}

static struct probe *make(struct probes *all, const struct backend *backend, const struct addr *addr)
{
	struct probe *c = mem_zalloc(sizeof(*c));

	c->owner = all;
	c->addr = *addr;
	c->backend_index = backend->index;
	write_key(&c->key, backend->name, addr);
	c->backend = str_first(buf_str(&c->key), backend->name.len);
	c->deadline.on_expired = on_deadline;
	map_put(&all->items, buf_str(&c->key), c);
	all->n++;
	/* not all at once */
	deadline_set(&all->all, &c->deadline, (addr->ip[15] * 31u + addr->ip[3] * 7u + addr->port) % FIRST_WITHIN_MS);
	return c;
}

static void keep(struct probes *all, const struct backend *backend, const struct addr *addr)
{
	const struct health_check *h = backend->health_check;
	struct probe *c = find(all, backend->name, addr);

	if (!c)
		c = make(all, backend, addr);
	c->round = all->round;
	c->interval_ms = h->interval_ms;
	c->timeout_ms = h->timeout_ms;
	c->failures = h->failures;
	c->successes = h->successes;
	buf_clear(&c->path);
	buf_add(&c->path, h->path);
}

static void drop(struct probes *all, struct probe *c)
{
	enum probe_state state = c->state;

	map_del(&all->items, buf_str(&c->key));
	if (!all->is_closing && c->is_failing)
		all->options.on_change(all->options.data, c->backend_index, &c->addr, false);
	c->is_gone = true;
	c->state = PROBE_CLOSES;
	deadline_clear(&c->deadline);
	if (state == PROBE_WAITS)
		free_probe(c);
	else if (state != PROBE_CLOSES)
		stream_close(&c->stream, false, on_closed);
}

static void drop_older(struct probes *all)
{
	size_t cursor = 0;
	void *value;

	while (map_next(&all->items, &cursor, NULL, &value)) {
		struct probe *c = value;

		if (c->round != all->round) {
			drop(all, c);
			cursor = 0; /* the map has changed */
		}
	}
}

static void on_tick(uv_timer_t *timer)
{
	struct probes *all = container_of(timer, struct probes, tick);

	deadlines_run(&all->all, uv_now(all->loop));
}

void probes_apply(struct probes *all, const struct generation *g)
{
	unsigned cursor = 0;
	const struct backend *backend;

	all->round++;
	all->all.now_ms = uv_now(all->loop);
	while ((backend = generation_next_checked_backend(g, &cursor))) {
		for (size_t i = 0; i < backend->n_endpoints; i++)
			keep(all, backend, &backend->endpoints[i].addr);
	}
	drop_older(all);
	if (all->items.n && !uv_is_active((uv_handle_t *)&all->tick))
		uv_timer_start(&all->tick, on_tick, DEADLINE_TICK_MS, DEADLINE_TICK_MS);
	else if (!all->items.n)
		uv_timer_stop(&all->tick);
}

const char *probes_reason(const struct probes *all, struct str backend, const struct addr *addr)
{
	const struct probe *c = find(all, backend, addr);

	return c ? c->reason : "";
}

struct probes *probes_create(uv_loop_t *loop, const struct probes_options *options)
{
	struct probes *all = mem_zalloc(sizeof(*all));

	all->loop = loop;
	all->options = *options;
	deadlines_init(&all->all, uv_now(loop));
	uv_timer_init(loop, &all->tick);
	return all;
}

static void on_tick_closed(uv_handle_t *handle)
{
	struct probes *all = container_of((uv_timer_t *)handle, struct probes, tick);

	all->is_tick_closed = true;
	free_when_closed(all);
}

void probes_close(struct probes *all)
{
	if (!all)
		return;
	all->is_closing = true;
	all->round++;
	drop_older(all);
	uv_close((uv_handle_t *)&all->tick, on_tick_closed);
}

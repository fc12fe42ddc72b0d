#include "publish.h"

#include <assert.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "operate.h"
#include "pin.h"
#include "proxies.h"

enum { TICK_MS = 100, DEFAULT_TTL_MS = 5000, DEFAULT_HISTORY = 256, BLOBS_KEPT = 8, BLOB_BYTES_KEPT = 64 * 1024 * 1024 };

static void on_tick(uv_timer_t *timer)
{
	control_tick(container_of(timer, struct publish, timer));
}

struct publish *publish_create(uv_loop_t *loop, const struct publish_options *options)
{
	struct publish *p = mem_zalloc(sizeof(*p));

	p->options = *options;
	if (!p->options.watch_ttl_ms)
		p->options.watch_ttl_ms = DEFAULT_TTL_MS;
	if (!p->options.history_limit)
		p->options.history_limit = DEFAULT_HISTORY;
	p->name = mem_strdup(str_from(options->name));
	p->source = mem_strdup(str_from(options->source));
	p->history = history_create(p->options.history_limit);
	p->pushes = blobs_create(BLOBS_KEPT, BLOB_BYTES_KEPT);
	p->views = blobs_create(BLOBS_KEPT, BLOB_BYTES_KEPT);
	p->started_ms = clock_mono_ms();
	publish_control_init(p);
	publish_inspect_init(p);
	p->operate = operate_create(p);
	p->archive = options->archive ? options->archive : archive_create(p->options.history_limit, 0);
	uv_timer_init(loop, &p->timer);
	uv_timer_start(&p->timer, on_tick, TICK_MS, TICK_MS);
	return p;
}

void publish_attach(struct publish *p, struct rpc_server *server)
{
	rpc_server_add(server, &p->control.base, RPC_ROLE_PROXY);
	rpc_server_add(server, &p->inspect.base, RPC_ROLE_OPERATOR | RPC_ROLE_CONTROLLER);
	rpc_server_add(server, &p->operate->service.base, RPC_ROLE_OPERATOR);
}

void publish_peer_gone(void *publish, struct rpc_peer *peer)
{
	struct proxy *proxy = rpc_peer_data(peer);

	(void)publish;
	if (!proxy)
		return;
	proxy->peer = NULL;
	proxy->watch = NULL;
}

/* It is what proxies are to serve from now on. False when it is already. */
static bool serve(struct publish *p, struct snapshot *s)
{
	char id[16];

	if (!history_add(p->history, s))
		return false;
	ways_forget(&p->ways);
	snapshot_unref(&p->current);
	p->current = snapshot_ref(s);
	log_info("publish", "snapshot id=%s resources=%zu put=%u drop=%u proxies=%zu", content_id_text(&s->id, id),
		content_count(s->content), s->n_put, s->n_drop, p->n_proxies);
	operate_built(p->operate);
	for (struct proxy *proxy = p->proxies; proxy; proxy = proxy->next)
		control_serve(p, proxy);
	return true;
}

bool publish_set_snapshot(struct publish *p, struct snapshot *live)
{
	struct snapshot *s;
	bool is_new;

	archive_add(p->archive, live);
	s = operate_choose(p->operate, live);
	is_new = serve(p, s);
	snapshot_unref(&s);
	return is_new;
}

void publish_take_pin(struct publish *p, struct pin *pin)
{
	operate_take_pin(p->operate, pin);
}

void publish_cover(struct publish *p, uint64_t seq)
{
	wait_cover(p->operate, seq);
}

struct snapshot *publish_current(const struct publish *p)
{
	return p->operate->live;
}

bool publish_is_acked(const struct publish *p)
{
	for (const struct proxy *proxy = p->proxies; proxy; proxy = proxy->next)
		if (control_state(p, proxy) == WEIRLOCK__V1__PROXY_STATE__PROXY_SYNCED)
			return true;
	return false;
}

void publish_metrics(const struct publish *p, struct buf *out)
{
	static const char *const states[] = {"connecting", "synced", "behind", "refused", "silent", "draining"};
	unsigned counts[sizeof(states) / sizeof(states[0])] = {0};
	uint64_t now = clock_wall_ms();
	char id[16] = "";

	for (const struct proxy *proxy = p->proxies; proxy; proxy = proxy->next)
		counts[control_state(p, proxy)]++;
	buf_add(out, STR("# TYPE weirlock_controller_proxies gauge\n"));
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		buf_printf(out, "weirlock_controller_proxies{state=\"%s\"} %u\n", states[i], counts[i]);
	buf_printf(out, "# TYPE weirlock_controller_pushes_total counter\nweirlock_controller_pushes_total %llu\n",
		(unsigned long long)p->n_pushes);
	buf_printf(out, "# TYPE weirlock_controller_refusals_total counter\nweirlock_controller_refusals_total %llu\n",
		(unsigned long long)p->n_refusals);
	ways_metrics(&p->ways, out);
	propagation_metrics(&p->operate->propagation, out);
	buf_printf(out, "# HELP weirlock_controller_pinned A snapshot is pinned by hand.\n# TYPE weirlock_controller_pinned gauge\n"
			"weirlock_controller_pinned %d\n",
		p->operate->pin.content != NULL);
	if (!p->current)
		return;
	buf_printf(out, "# TYPE weirlock_controller_snapshot_info gauge\nweirlock_controller_snapshot_info{id=\"%s\"} 1\n",
		content_id_text(&p->current->id, id));
	buf_printf(out, "# TYPE weirlock_controller_snapshot_resources gauge\nweirlock_controller_snapshot_resources %zu\n",
		content_count(p->current->content));
	buf_printf(out, "# TYPE weirlock_controller_snapshot_age_seconds gauge\n"
			"weirlock_controller_snapshot_age_seconds %llu\n",
		(unsigned long long)(now > p->current->built_ms ? (now - p->current->built_ms) / 1000 : 0));
}

void publish_leave(struct publish *p)
{
	p->is_leaving = true;
	for (struct proxy *proxy = p->proxies; proxy; proxy = proxy->next)
		control_serve(p, proxy);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct publish *p = container_of((uv_timer_t *)handle, struct publish, timer);

	if (p->on_closed)
		p->on_closed(p->closed_data);
	mem_free(p);
}

void publish_close(struct publish *p, void (*on_closed)(void *data), void *data)
{
	p->on_closed = on_closed;
	p->closed_data = data;
	while (p->proxies) {
		assert(!p->proxies->peer); /* the server is closed first */
		control_free_proxy(p, p->proxies);
	}
	operate_destroy(p->operate);
	if (!p->options.archive)
		archive_destroy(p->archive);
	ways_forget(&p->ways);
	snapshot_unref(&p->current);
	history_destroy(p->history);
	blobs_destroy(p->pushes);
	blobs_destroy(p->views);
	mem_free(p->name);
	mem_free(p->source);
	uv_close((uv_handle_t *)&p->timer, on_timer_closed);
}

#include "publish.h"

#include <assert.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"
#include "operate.h"
#include "proxies.h"

enum { TICK_MS = 100, DEFAULT_TTL_MS = 5000, DEFAULT_HOLD_MS = 10 * 1000, DEFAULT_HISTORY = 256, VIEWS_KEPT = 8, VIEW_BYTES_KEPT = 64 * 1024 * 1024 };

static void on_tick(uv_timer_t *timer)
{
	control_tick(container_of(timer, struct publish, timer));
}

static void open_lanes(struct publish *p)
{
	static const struct publish_pool only = {.name = PUBLISH_DEFAULT_POOL};
	const struct publish_pool *pools = p->options.n_pools ? p->options.pools : &only;

	p->n_lanes = p->options.n_pools ? p->options.n_pools : 1;
	p->lanes = mem_calloc(p->n_lanes, sizeof(*p->lanes));
	for (size_t i = 0; i < p->n_lanes; i++)
		lane_init(&p->lanes[i], p, i, &pools[i]);
}

struct publish *publish_create(uv_loop_t *loop, const struct publish_options *options)
{
	struct publish *p = mem_zalloc(sizeof(*p));

	p->options = *options;
	if (!p->options.watch_ttl_ms)
		p->options.watch_ttl_ms = DEFAULT_TTL_MS;
	if (!p->options.hold_ms)
		p->options.hold_ms = DEFAULT_HOLD_MS;
	if (!p->options.history_limit)
		p->options.history_limit = DEFAULT_HISTORY;
	p->name = mem_strdup(str_from(options->name));
	p->source = mem_strdup(str_from(options->source));
	p->views = blobs_create(VIEWS_KEPT, VIEW_BYTES_KEPT);
	p->started_ms = clock_mono_ms();
	p->instance = (clock_wall_ms() << 20 ^ clock_mono_us() ^ (uint64_t)getpid() << 40) | 1;
	publish_control_init(p);
	publish_inspect_init(p);
	p->operate = operate_create(p);
	open_lanes(p);
	uv_timer_init(loop, &p->timer);
	uv_timer_start(&p->timer, on_tick, TICK_MS, TICK_MS);
	fan_init(&p->fan, p, loop, control_serve);
	p->n_handles = 2;
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

bool publish_set_snapshot(struct publish *p, size_t pool, struct snapshot *s)
{
	return lane_set(&p->lanes[pool], s);
}

void publish_take_pin(struct publish *p, size_t pool, struct pin *pin)
{
	operate_take_pin(&p->lanes[pool], pin);
}

const struct pin *publish_pinned(const struct publish *p, size_t pool)
{
	return p->lanes[pool].pin.content ? &p->lanes[pool].pin : NULL;
}

bool publish_take_quarantine(struct publish *p, size_t pool, struct str packed)
{
	return roll_take_quarantine(&p->lanes[pool], packed);
}

void publish_cover(struct publish *p, uint64_t seq)
{
	for (size_t i = 0; i < p->n_lanes; i++)
		wait_cover(&p->lanes[i], seq);
}

struct snapshot *publish_current(const struct publish *p, size_t pool)
{
	return p->lanes[pool].live;
}

size_t publish_count(const struct lane *l)
{
	size_t n = 0;

	for (const struct proxy *proxy = l->publish->proxies; proxy; proxy = proxy->next)
		n += proxy->lane == l;
	return n;
}

bool publish_is_acked(const struct publish *p)
{
	for (const struct proxy *proxy = p->proxies; proxy; proxy = proxy->next)
		if (control_state(p, proxy) == WEIRLOCK__V1__PROXY_STATE__PROXY_SYNCED)
			return true;
	return false;
}

static void count_states(const struct lane *l, struct buf *out)
{
	static const char *const states[] = {"connecting", "synced", "behind", "refused", "silent", "draining", "standby"};
	unsigned counts[sizeof(states) / sizeof(states[0])] = {0};

	for (const struct proxy *proxy = l->publish->proxies; proxy; proxy = proxy->next) {
		if (proxy->lane == l)
			counts[control_state(l->publish, proxy)]++;
	}
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		buf_printf(out, "weirlock_controller_proxies{state=\"%s\",pool=\"%s\"} %u\n", states[i], l->name, counts[i]);
}

static void lane_metrics(const struct publish *p, struct buf *out)
{
	uint64_t now = clock_wall_ms();
	char id[16];

	buf_add(out, STR("# HELP weirlock_controller_pinned A snapshot is pinned by hand.\n# TYPE weirlock_controller_pinned gauge\n"));
	for (size_t i = 0; i < p->n_lanes; i++)
		buf_printf(out, "weirlock_controller_pinned{pool=\"%s\"} %d\n", p->lanes[i].name, p->lanes[i].pin.content != NULL);
	buf_add(out, STR("# TYPE weirlock_controller_snapshot_info gauge\n"));
	for (size_t i = 0; i < p->n_lanes; i++) {
		if (p->lanes[i].current)
			buf_printf(out, "weirlock_controller_snapshot_info{id=\"%s\",pool=\"%s\"} 1\n",
				content_id_text(&p->lanes[i].current->id, id), p->lanes[i].name);
	}
	buf_add(out, STR("# TYPE weirlock_controller_snapshot_resources gauge\n"));
	for (size_t i = 0; i < p->n_lanes; i++) {
		if (p->lanes[i].current)
			buf_printf(out, "weirlock_controller_snapshot_resources{pool=\"%s\"} %zu\n", p->lanes[i].name,
				content_count(p->lanes[i].current->content));
	}
	buf_add(out, STR("# TYPE weirlock_controller_snapshot_age_seconds gauge\n"));
	for (size_t i = 0; i < p->n_lanes; i++) {
		const struct snapshot *s = p->lanes[i].current;

		if (s)
			buf_printf(out, "weirlock_controller_snapshot_age_seconds{pool=\"%s\"} %llu\n", p->lanes[i].name,
				(unsigned long long)(now > s->built_ms ? (now - s->built_ms) / 1000 : 0));
	}
}

void publish_metrics(const struct publish *p, struct buf *out)
{
	buf_add(out, STR("# TYPE weirlock_controller_proxies gauge\n"));
	for (size_t i = 0; i < p->n_lanes; i++)
		count_states(&p->lanes[i], out);
	buf_printf(out, "# TYPE weirlock_controller_pushes_total counter\nweirlock_controller_pushes_total %llu\n",
		(unsigned long long)p->n_pushes);
	buf_printf(out, "# TYPE weirlock_controller_refusals_total counter\nweirlock_controller_refusals_total %llu\n",
		(unsigned long long)p->n_refusals);
	buf_printf(out, "# HELP weirlock_controller_held_proxies Proxies that serve a newer state than this controller has seen, and get nothing.\n"
			"# TYPE weirlock_controller_held_proxies gauge\nweirlock_controller_held_proxies %u\n",
		hold_count(p));
	buf_printf(out, "# HELP weirlock_controller_strangers_total Times that a proxy of a pool that is not served was sent away.\n"
			"# TYPE weirlock_controller_strangers_total counter\nweirlock_controller_strangers_total %llu\n",
		(unsigned long long)p->strangers.total);
	ways_metrics(p, out);
	propagation_metrics(&p->operate->propagation, out);
	lane_metrics(p, out);
	roll_metrics(p, out);
}

void publish_leave(struct publish *p)
{
	p->is_leaving = true;
	for (struct proxy *proxy = p->proxies; proxy; proxy = proxy->next)
		control_serve(proxy);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct publish *p = handle->data;

	if (--p->n_handles)
		return;
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
	for (size_t i = 0; i < p->n_lanes; i++)
		lane_deinit(&p->lanes[i]);
	mem_free(p->lanes);
	blobs_destroy(p->views);
	mem_free(p->name);
	mem_free(p->source);
	p->timer.data = p->fan.idle.data = p;
	uv_close((uv_handle_t *)&p->timer, on_handle_closed);
	uv_close((uv_handle_t *)&p->fan.idle, on_handle_closed);
}

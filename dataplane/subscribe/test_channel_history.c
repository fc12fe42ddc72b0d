/*
 * Two controllers see the same cluster, each at a pace of its own, and one or the other is stopped, comes back, leaves or is behind, in
 * the middle of whatever is sent: the proxy never serves an older state than it did, and ends at the newest (CHANNEL: acceptance
 * 1 and 3). What is sent is small or comes in pieces; a different seed is a different history.
 */
#include <stdio.h>
#include <stdlib.h>

#include "channel.h"
#include "clock.h"
#include "mem.h"

enum { STEPS = 120, HISTORIES = 2, LARGE = 150, MARK_KIND = WEIRLOCK__V1__KIND__KIND_SECRET };

static uint32_t state;

static unsigned draw(unsigned n)
{
	state = state * 1664525u + 1013904223u;
	return (state >> 8) % n;
}

/* The cluster at a time: what `step` changed, in a set of hosts of which some are large. */
static struct content *cluster_at(unsigned step)
{
	struct content *c = content_create();
	char *body = mem_alloc(2000), number[16];

	memset(body, 'x', 2000);
	for (unsigned i = 0; i < LARGE; i++) {
		char name[32];

		snprintf(name, sizeof(name), "h%u.example.com", i);
		/* each step changes one of them, every tenth all: that does not fit one message */
		snprintf(body, 16, "%08u", step < 10 ? 0 : i == step % LARGE ? step : step / 10);
		content_put(c, resource_create(WEIRLOCK__V1__KIND__KIND_HOST, str_from(name), str_of(body, i % 2 ? 2000 : 20)));
	}
	snprintf(number, sizeof(number), "%u", step);
	content_put(c, resource_create(MARK_KIND, STR("step"), str_from(number)));
	mem_free(body);
	return c;
}

struct site {
	struct controller c;
	char *url;
	unsigned step; /* of the cluster, as it is seen here */
	bool is_up;
};

static void see(struct site *s, unsigned step)
{
	struct snapshot *snapshot;

	s->step = step;
	s->c.held.marks[MARK_INGRESS] = s->c.seen.marks[MARK_INGRESS] = step;
	if (!s->is_up)
		return;
	snapshot = snapshot_create(cluster_at(step), 1);
	publish_set_snapshot(s->c.publish, 0, snapshot);
	snapshot_unref(&snapshot);
}

static void start(struct site *s, struct rpc_identity *identity)
{
	start_controller(&s->c, identity, s->url ? s->url : "tcp://127.0.0.1:0");
	if (!s->url)
		s->url = mem_strdup(buf_str(&s->c.url));
	s->is_up = true;
	see(s, s->step);
}

static void stop(struct site *s)
{
	s->is_up = false;
	stop_controller(&s->c);
}

/* What the proxy serves. */
static unsigned step_of(struct proxy *p)
{
	struct content *content = subscribe_content(p->subscribe);
	const struct resource *r = content ? content_get(content, MARK_KIND, STR("step")) : NULL;
	uint64_t n = 0;

	CHECK(!r || str_to_u64(r->body, UINT32_MAX, &n));
	return (unsigned)n;
}

static bool is_over(void *data)
{
	return clock_mono_ms() >= *(uint64_t *)data;
}

static void pass_ms(unsigned ms)
{
	uint64_t end = clock_mono_ms() + ms;

	wait_for(is_over, &end, 10000);
}

static void act(struct site *sites, unsigned *newest, struct rpc_identity *identity)
{
	struct site *s = &sites[draw(2)];

	switch (draw(10)) {
	case 0:
		if (s->is_up)
			stop(s);
		else
			start(s, identity);
		break;
	case 1:
		if (s->is_up)
			publish_leave(s->c.publish);
		pass_ms(draw(20));
		if (s->is_up)
			stop(s);
		break;
	case 2: /* it catches up whole */
		see(s, *newest);
		break;
	default: /* something happens, and one of them, or both, see it */
		(*newest)++;
		see(s, *newest);
		if (draw(2))
			see(&sites[draw(2)], *newest);
	}
	pass_ms(draw(25));
}

static bool serves_newest(void *pair)
{
	return serves_current(pair);
}

static void run_history(uint32_t seed, struct rpc_identity *controller, struct rpc_identity *proxy)
{
	struct site sites[2] = {{.c = {.name = "one", .hold_ms = 100}}, {.c = {.name = "two", .hold_ms = 100}}};
	struct proxy p;
	struct pair pair = {&sites[0].c, &p};
	unsigned newest = 0, served = 0;
	char name[32];

	state = seed;
	snprintf(name, sizeof(name), "history %u", seed);
	check_case(name);
	for (unsigned i = 0; i < 2; i++)
		start(&sites[i], controller);
	start_proxy(&p, "p1", proxy, sites[0].url, sites[1].url);
	for (unsigned i = 0; i < STEPS; i++) {
		unsigned now;

		act(sites, &newest, controller);
		now = step_of(&p);
		CHECK(now >= served);
		served = now;
	}
	for (unsigned i = 0; i < 2; i++) {
		if (!sites[i].is_up)
			start(&sites[i], controller);
		see(&sites[i], newest);
	}
	CHECK(wait_for(serves_newest, &pair, 30000));
	CHECK_INT(step_of(&p), newest);
	CHECK(proxy_says(&p, "weirlock_snapshot_repairs_total 0"));
	stop_proxy(&p);
	for (unsigned i = 0; i < 2; i++) {
		stop(&sites[i]);
		buf_deinit(&sites[i].c.url);
		mem_free(sites[i].url);
	}
}

int main(int argc, char **argv)
{
	struct identities ids;

	if (argc < 2) {
		fprintf(stderr, "usage: test_channel_history PATH-OF-deploy/identity [SEED]\n");
		return 2;
	}
	channel_begin(&ids, argv[1]);
	for (uint32_t i = 0; i < HISTORIES; i++)
		run_history(argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) + i : i + 1, ids.controller, ids.proxy);
	return channel_end(&ids);
}

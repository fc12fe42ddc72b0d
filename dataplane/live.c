#include "live.h"

#include <stdlib.h>

#include "mem.h"

struct collector {
	struct arena *arena;
	struct balance_row *rows;
	size_t n, cap;
};

static void copy_row(void *data, const struct balance_row *row)
{
	struct collector *c = data;

	c->rows = mem_grow(c->rows, &c->cap, c->n + 1, sizeof(*c->rows));
	c->rows[c->n] = *row;
	c->rows[c->n++].backend = arena_str(c->arena, row->backend);
}

static int compare(const void *a, const void *b)
{
	const struct balance_row *x = a, *y = b;
	int order = str_cmp(x->backend, y->backend);

	return order ? order : addr_cmp(&x->addr, &y->addr);
}

static void add_row(Weirlock__V1__LiveEndpoint *out, const struct balance_row *row)
{
	out->n_workers++;
	out->in_flight += row->in_flight;
	out->n_ejected += row->ejected_ms > 0;
	out->ejected_ms = row->ejected_ms > out->ejected_ms ? row->ejected_ms : out->ejected_ms;
	out->n_on_trial += row->is_on_trial;
	out->max_connections = row->max_connections;
	out->n_full += row->max_connections && row->in_flight >= row->max_connections;
	out->slow_start_ms = row->slow_start_ms > out->slow_start_ms ? row->slow_start_ms : out->slow_start_ms;
	out->is_terminating = out->is_terminating || row->is_terminating;
	out->is_failing_check = out->is_failing_check || row->is_failing_check;
	out->n_failures = row->n_failures > out->n_failures ? row->n_failures : out->n_failures;
	/* the mean of those that know: kept as a sum in the end */
	out->ewma_us += row->ewma_us;
}

/* The rows of one endpoint, from the first of them; where they end. */
static size_t sum_endpoint(const struct collector *c, size_t from, const struct probes *probes, Weirlock__V1__LiveEndpoint *out)
{
	size_t i = from, n_known = 0;
	char text[ADDR_TEXT_MAX];

	weirlock__v1__live_endpoint__init(out);
	for (; i < c->n && compare(&c->rows[i], &c->rows[from]) == 0; i++) {
		n_known += c->rows[i].ewma_us > 0;
		add_row(out, &c->rows[i]);
	}
	out->ewma_us = n_known ? out->ewma_us / n_known : 0;
	out->address = arena_text(c->arena, str_from(addr_text(&c->rows[from].addr, text)));
	out->check_reason = arena_text(c->arena, str_from(
		out->is_failing_check ? probes_reason(probes, c->rows[from].backend, &c->rows[from].addr) : ""));
	return i;
}

static size_t sum_backend(const struct collector *c, size_t from, const struct probes *probes, Weirlock__V1__LiveBackend *out)
{
	size_t i = from, end = from;

	while (end < c->n && str_eq(c->rows[end].backend, c->rows[from].backend))
		end++;
	weirlock__v1__live_backend__init(out);
	out->name = arena_text(c->arena, c->rows[from].backend);
	out->endpoints = arena_alloc(c->arena, (end - from) * sizeof(Weirlock__V1__LiveEndpoint *));
	for (; i < end && !c->rows[i].addr.family; i++)
		out->canary_requests += c->rows[i].n_canary;
	while (i < end) {
		Weirlock__V1__LiveEndpoint *e = arena_alloc(c->arena, sizeof(*e));

		i = sum_endpoint(c, i, probes, e);
		out->endpoints[out->n_endpoints++] = e;
	}
	return end;
}

void live_collect(const struct workers *ws, const struct probes *probes, struct arena *arena, Weirlock__V1__LiveResponse *out)
{
	struct collector c = {.arena = arena};

	weirlock__v1__live_response__init(out);
	workers_each_row(ws, copy_row, &c);
	if (c.n)
		qsort(c.rows, c.n, sizeof(*c.rows), compare);
	out->backends = arena_alloc(arena, (c.n + 1) * sizeof(Weirlock__V1__LiveBackend *));
	for (size_t i = 0; i < c.n;) {
		Weirlock__V1__LiveBackend *b = arena_alloc(arena, sizeof(*b));

		i = sum_backend(&c, i, probes, b);
		out->backends[out->n_backends++] = b;
	}
	mem_free(c.rows);
}

/* -------------------------------------------------------------------------------------------------------------- metrics */

static void add_state(struct buf *out, const Weirlock__V1__LiveBackend *b, const Weirlock__V1__LiveEndpoint *e, const char *state,
	uint32_t n_workers)
{
	if (n_workers)
		buf_printf(out, "weirlock_endpoint_state{backend=\"%s\",endpoint=\"%s\",state=\"%s\"} %u\n", b->name, e->address, state,
			n_workers);
}

static void add_states(struct buf *out, const Weirlock__V1__LiveBackend *b)
{
	for (size_t i = 0; i < b->n_endpoints; i++) {
		const Weirlock__V1__LiveEndpoint *e = b->endpoints[i];

		add_state(out, b, e, "ejected", e->n_ejected);
		add_state(out, b, e, "on_trial", e->n_on_trial);
		add_state(out, b, e, "failing_check", e->is_failing_check ? e->n_workers : 0);
		add_state(out, b, e, "full", e->n_full);
		add_state(out, b, e, "slow_start", e->slow_start_ms ? e->n_workers : 0);
		add_state(out, b, e, "terminating", e->is_terminating ? e->n_workers : 0);
	}
}

void live_metrics(const struct workers *ws, const struct probes *probes, struct buf *out)
{
	struct arena arena = {0};
	Weirlock__V1__LiveResponse live;

	live_collect(ws, probes, &arena, &live);
	buf_add(out, STR("# HELP weirlock_endpoint_state Workers to which an endpoint is so; only what is the matter\n"
			 "# TYPE weirlock_endpoint_state gauge\n"));
	for (size_t i = 0; i < live.n_backends; i++)
		add_states(out, live.backends[i]);
	buf_add(out, STR("# HELP weirlock_backend_canary_requests_total Requests that the backend took as a canary\n"
			 "# TYPE weirlock_backend_canary_requests_total counter\n"));
	for (size_t i = 0; i < live.n_backends; i++) {
		if (live.backends[i]->canary_requests)
			buf_printf(out, "weirlock_backend_canary_requests_total{backend=\"%s\"} %llu\n", live.backends[i]->name,
				(unsigned long long)live.backends[i]->canary_requests);
	}
	arena_deinit(&arena);
}

/*
 * Pinning: the newest snapshot goes on being built and kept in the history, and proxies get the pinned one, with live endpoints,
 * by the same way as any other. What is pinned outlives this process where there is a directory for it.
 */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "operate.h"
#include "problem.h"

enum { TEXT_MAX = 200 };

/* The snapshot to serve for `live`. Owned: one reference. */
struct snapshot *operate_choose(struct lane *l, struct snapshot *live)
{
	const struct publish_options *options = &l->publish->options;
	struct content *others = NULL;
	struct snapshot *s;

	if (l->live != live) {
		snapshot_unref(&l->live);
		l->live = snapshot_ref(live);
	}
	if (!l->pin.content)
		return snapshot_ref(live);
	if (options->pinned_endpoints)
		others = options->pinned_endpoints(options->data, l->index, l->pin.content, live->content);
	s = snapshot_create(pin_content(&l->pin, live->content, others), live->built_ms);
	content_destroy(others);
	s->event_us = live->event_us;
	snapshot_set_origins(s, l->pin.origins);
	return s;
}

/* Writes it down; why not is remembered for status and problems. */
static void keep(struct lane *l)
{
	const struct publish_options *options = &l->publish->options;
	int result = options->keep_pin ? options->keep_pin(options->data, l->index, l->pin.content ? &l->pin : NULL) : -ENOENT;

	buf_clear(&l->pin_not_kept);
	if (result == 0 || !l->pin.content)
		return;
	buf_add(&l->pin_not_kept, result == -ENOENT ? STR("the controller has no --state-dir, or no --identity") : str_from(strerror(-result)));
	log_error("publish", "what is pinned is lost when this controller restarts pool=%s: %s", l->name, buf_cstr(&l->pin_not_kept));
}

static void let_go(struct lane *l)
{
	pin_deinit(&l->pin);
	l->pin_seq = 0;
}

void operate_take_pin(struct lane *l, struct pin *pin)
{
	const struct covered *c;
	struct snapshot *from;

	let_go(l);
	l->pin = *pin;
	*pin = (struct pin){0};
	l->pin_id = content_id(l->pin.content);
	c = operate_find(l, &l->pin_id, NULL);
	l->pin_seq = c ? c->seq : 0;
	from = l->pin.origins ? NULL : history_find(l->history, str_of(l->pin_id.bytes, sizeof(l->pin_id.bytes)));
	if (from)
		l->pin.origins = origins_ref(from->origins);
}

void operate_pin_deinit(struct lane *l)
{
	let_go(l);
	snapshot_unref(&l->live);
	buf_deinit(&l->pin_not_kept);
}

/* The pool's proxies get what is to be served now. */
static void serve(struct lane *l)
{
	l->roll.goes_to_all = true; /* an operator says so */
	if (l->live)
		lane_set(l, l->live);
	l->roll.goes_to_all = false;
	if (!l->pin.content)
		wait_cover(l, l->live_seq);
}

/* Who asks: the certificate says the role, and weirctl adds who typed it. */
static char *name_of(struct rpc_call *call, const char *said)
{
	struct buf text = {0};
	char *out;

	buf_add(&text, str_from(rpc_peer_identity(rpc_call_peer(call))));
	if (said[0]) {
		buf_add(&text, STR(" ("));
		buf_add_escaped(&text, str_first(str_from(said), TEXT_MAX));
		buf_add_char(&text, ')');
	}
	out = mem_strdup(buf_str(&text));
	buf_deinit(&text);
	return out;
}

static char *shortened(const char *text)
{
	struct buf out = {0};
	char *copy;

	buf_add_escaped(&out, str_first(str_from(text), TEXT_MAX));
	copy = mem_strdup(buf_str(&out));
	buf_deinit(&out);
	return copy;
}

static Weirlock__V1__PinnedPool *describe(struct lane *l, struct arena *arena)
{
	Weirlock__V1__PinnedPool *out = arena_alloc(arena, sizeof(*out));

	weirlock__v1__pinned_pool__init(out);
	out->pool = l->name;
	if (l->pin.content)
		out->pinned_id = id_data(&l->pin_id);
	if (l->current)
		out->served_id = id_data(&l->current->id);
	out->not_kept = arena_text(arena, buf_str(&l->pin_not_kept));
	return out;
}

/* The first one once more, as it was before there were pools. */
static void answer(struct lane *const *lanes, size_t n, struct rpc_call *call)
{
	Weirlock__V1__PinResponse response = WEIRLOCK__V1__PIN_RESPONSE__INIT;
	struct arena arena = {0};

	response.pools = arena_alloc(&arena, n * sizeof(*response.pools));
	for (size_t i = 0; i < n; i++)
		response.pools[response.n_pools++] = describe(lanes[i], &arena);
	response.pinned_id = response.pools[0]->pinned_id;
	response.served_id = response.pools[0]->served_id;
	response.not_kept = response.pools[0]->not_kept;
	rpc_call_answer(call, &response.base);
	arena_deinit(&arena);
}

static bool is_asked_for(const struct lane *l, const Weirlock__V1__PinRequest *request)
{
	return !request->pool[0] || !strcmp(l->name, request->pool);
}

static void pin_one(struct lane *l, size_t index, const Weirlock__V1__PinRequest *request, struct rpc_call *call)
{
	struct pin pin = {.since_ms = clock_wall_ms(), .content = archive_content(l->archive, index),
		.by = name_of(call, request->by), .reason = shortened(request->reason), .is_rollback = index != 0};
	char text[16];

	operate_take_pin(l, &pin);
	log_warn("publish", "snapshot pinned pool=%s id=%s by=%s reason=%s: changes do not reach proxies until it is let go, but for endpoints",
		l->name, content_id_text(&l->pin_id, text), l->pin.by, l->pin.reason);
	keep(l);
	serve(l);
}

/* Of every pool that has the snapshot, or of the one that is named. */
void operate__pin(Weirlock__V1__Operate_Service *service, const Weirlock__V1__PinRequest *request,
	Weirlock__V1__PinResponse_Closure closure, void *closure_data)
{
	struct publish *p = container_of(service, struct operate, service)->publish;
	struct rpc_call *call = rpc_call_of(closure_data);
	struct arena arena = {0};
	struct lane **pinned = arena_alloc(&arena, p->n_lanes * sizeof(struct lane *));
	size_t n = 0, n_asked = 0, index;

	(void)closure;
	for (size_t i = 0; i < p->n_lanes; i++) {
		struct lane *l = &p->lanes[i];

		index = 0;
		if (!is_asked_for(l, request))
			continue;
		n_asked++;
		if (!archive_at(l->archive, 0) ||
			(request->id.len && !archive_find(l->archive, str_of(request->id.data, request->id.len), &index)))
			continue;
		pin_one(l, index, request, call);
		pinned[n++] = l;
	}
	if (n)
		answer(pinned, n, call);
	else if (!n_asked)
		rpc_call_fail(call, RPC_NOT_FOUND, "there is no such pool");
	else
		rpc_call_fail(call, RPC_NOT_FOUND, request->id.len ? "no snapshot of the history has that id, or more than one" :
								     "there is no snapshot yet");
	arena_deinit(&arena);
}

void operate__unpin(Weirlock__V1__Operate_Service *service, const Weirlock__V1__PinRequest *request,
	Weirlock__V1__PinResponse_Closure closure, void *closure_data)
{
	struct publish *p = container_of(service, struct operate, service)->publish;
	struct rpc_call *call = rpc_call_of(closure_data);
	struct arena arena = {0};
	struct lane **freed = arena_alloc(&arena, p->n_lanes * sizeof(struct lane *));
	size_t n = 0;
	char *by = name_of(call, request->by);

	(void)closure;
	for (size_t i = 0; i < p->n_lanes; i++) {
		struct lane *l = &p->lanes[i];

		if (!is_asked_for(l, request) || !l->pin.content)
			continue;
		log_warn("publish", "snapshot let go pool=%s by=%s: proxies get the newest one", l->name, by);
		let_go(l);
		keep(l);
		serve(l);
		freed[n++] = l;
	}
	if (n)
		answer(freed, n, call);
	else
		rpc_call_fail(call, RPC_NOT_FOUND, "nothing is pinned");
	mem_free(by);
	arena_deinit(&arena);
}

void pinning_fill(const struct lane *l, struct arena *arena, Weirlock__V1__PoolStatus *out)
{
	if (!l->pin.content)
		return;
	out->pinned_id = id_data(&l->pin_id);
	out->pinned_since_ms = l->pin.since_ms;
	out->pinned_by = l->pin.by;
	out->pin_reason = l->pin.reason;
	out->is_rollback = l->pin.is_rollback;
	if (l->live)
		out->newest_id = id_data(&l->live->id);
	out->pin_not_kept = arena_text(arena, buf_str(&l->pin_not_kept));
}

/* As it was before there were pools: of the first one that is pinned. */
void operate_pin_status(Weirlock__V1__StatusResponse *out)
{
	for (size_t i = 0; i < out->n_pools; i++) {
		const Weirlock__V1__PoolStatus *pool = out->pools[i];

		if (!pool->pinned_id.len)
			continue;
		out->pinned_id = pool->pinned_id;
		out->pinned_since_ms = pool->pinned_since_ms;
		out->pinned_by = pool->pinned_by;
		out->pin_reason = pool->pin_reason;
		out->is_rollback = pool->is_rollback;
		out->newest_id = pool->newest_id;
		out->pin_not_kept = pool->pin_not_kept;
		return;
	}
}

static void add_problem(const struct lane *l, struct problems *out)
{
	struct buf object = {0}, value = {0}, effect = {0};
	char time[CLOCK_TEXT_MAX], text[16];

	if (!l->pin.content)
		return;
	buf_printf(&object, "Snapshot %s", content_id_text(&l->pin_id, text));
	buf_printf(&value, "since %s by %s%s%s", clock_rfc3339(l->pin.since_ms, time), l->pin.by, l->pin.reason[0] ? ": " : "",
		l->pin.reason);
	buf_add(&effect, STR("what is in it is served, with the endpoints of the cluster; other changes wait"));
	if (l->publish->n_lanes > 1)
		buf_printf(&effect, "; in pool %s", l->name);
	if (l->pin_not_kept.len)
		buf_printf(&effect, "; lost when this controller restarts: %.*s", STR_ARG(buf_str(&l->pin_not_kept)));
	problems_add(out, &(struct problem){.severity = SEVERITY_WARN, .object = buf_str(&object), .field = STR("pin"),
				  .value = buf_str(&value), .rule = STR("what follows the cluster"),
				  .fix = STR("weirctl snapshot unpin, once what was wrong is mended"), .effect = buf_str(&effect)});
	buf_deinit(&object);
	buf_deinit(&value);
	buf_deinit(&effect);
}

void operate_problems(const struct operate *o, struct problems *out)
{
	for (size_t i = 0; i < o->publish->n_lanes; i++)
		add_problem(&o->publish->lanes[i], out);
}

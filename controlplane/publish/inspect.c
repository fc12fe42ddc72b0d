/* The service for people: what is published, who serves it and what was wrong. Nothing here holds a key. */
#include <string.h>

#include "clock.h"
#include "describe.h"
#include "mem.h"
#include "operate.h"
#include "problem.h"
#include "process.h"
#include "proto_data.h"
#include "proxies.h"

enum { ERRORS_SHOWN = 8, SNAPSHOTS_SHOWN = 1024, PROXY_OVERHEAD = 8,
	STATUS_MAX_BYTES = RPC_ANSWER_MAX - 32 * 1024, VIEW_MAX_BYTES = 256 * 1024 * 1024 };

Weirlock__V1__ProxyStatus *inspect_proxy(struct publish *p, struct proxy *proxy, struct arena *arena)
{
	Weirlock__V1__ProxyStatus *out = arena_alloc(arena, sizeof(*out));
	uint64_t now = clock_mono_ms();
	struct buf text = {0};

	weirlock__v1__proxy_status__init(out);
	out->name = proxy->name;
	out->identity = proxy->identity;
	out->version = proxy->version;
	out->pool = proxy->lane->name;
	out->state = control_state(p, proxy);
	if (proxy->has_applied) {
		out->applied_id = id_data(&proxy->applied);
		out->applied_age_ms = now - proxy->applied_ms;
	}
	operate_behind(proxy, &out->n_behind, &out->behind_ms);
	out->last_heard_ms = now - proxy->heard_ms;
	if (proxy->refusal) {
		out->errors = proxy->refusal->errors;
		out->n_errors = proxy->refusal->n_errors < ERRORS_SHOWN ? proxy->refusal->n_errors : ERRORS_SHOWN;
	}
	out->report = proxy->report;
	roll_text(proxy, &text);
	out->canary = arena_text(arena, buf_str(&text));
	buf_clear(&text);
	hold_text(proxy, &text);
	out->held = arena_text(arena, buf_str(&text));
	buf_deinit(&text);
	out->apply_us = proxy->apply_us;
	out->push_to_ack_us = proxy->push_to_ack_us;
	return out;
}

static void list_problems(struct publish *p, struct problems *out)
{
	struct buf pools = {0};

	for (size_t i = 0; i < p->n_lanes; i++)
		buf_printf(&pools, "%s%s", i ? ", " : "", p->lanes[i].name);
	strangers_problems(&p->strangers, buf_str(&pools), clock_mono_ms(), out);
	buf_deinit(&pools);
	if (p->options.problems)
		p->options.problems(p->options.data, out);
	hold_problems(p, out);
	roll_problems(p, out);
	operate_problems(p->operate, out);
}

static Weirlock__V1__PoolStatus *inspect_pool(struct lane *l, struct arena *arena)
{
	Weirlock__V1__PoolStatus *out = arena_alloc(arena, sizeof(*out));
	uint64_t now = clock_wall_ms();

	weirlock__v1__pool_status__init(out);
	out->name = l->name;
	out->what = l->what;
	if (l->current) {
		out->snapshot_id = id_data(&l->current->id);
		out->snapshot_age_ms = now > l->current->built_ms ? now - l->current->built_ms : 0;
		out->n_resources = (uint32_t)content_count(l->current->content);
	}
	for (const struct proxy *proxy = l->publish->proxies; proxy; proxy = proxy->next) {
		if (proxy->lane != l || !proxy->peer || (proxy->report && proxy->report->is_draining))
			continue;
		out->n_proxies++;
		out->n_synced += control_state(l->publish, proxy) == WEIRLOCK__V1__PROXY_STATE__PROXY_SYNCED;
	}
	pinning_fill(l, arena, out);
	return out;
}

static void fill_pools(struct publish *p, Weirlock__V1__StatusResponse *out, struct arena *arena)
{
	const Weirlock__V1__PoolStatus *first;

	out->pools = arena_alloc(arena, p->n_lanes * sizeof(*out->pools));
	for (size_t i = 0; i < p->n_lanes; i++)
		out->pools[out->n_pools++] = inspect_pool(&p->lanes[i], arena);
	first = out->pools[0];
	out->snapshot_id = first->snapshot_id;
	out->snapshot_age_ms = first->snapshot_age_ms;
	out->n_resources = first->n_resources;
	operate_pin_status(out);
}

static void inspect__status(Weirlock__V1__Inspect_Service *service, const Weirlock__V1__Empty *request,
	Weirlock__V1__StatusResponse_Closure closure, void *closure_data)
{
	struct publish *p = container_of(service, struct publish, inspect);
	Weirlock__V1__StatusResponse out = WEIRLOCK__V1__STATUS_RESPONSE__INIT;
	char role[] = "controller", version[] = WEIRLOCK_VERSION;
	size_t size = 0;
	struct problems problems = {0};
	struct arena arena = {0};

	(void)request;
	list_problems(p, &problems);
	out.role = role;
	out.name = p->name;
	out.version = version;
	out.source = p->source;
	if (p->options.leader)
		out.leader = arena_text(&arena, p->options.leader(p->options.data));
	out.rss_bytes = process_rss_bytes();
	out.uptime_ms = clock_mono_ms() - p->started_ms;
	out.n_problems = (uint32_t)problems.n;
	fill_pools(p, &out, &arena);
	out.proxies = arena_alloc(&arena, (p->n_proxies + 1) * sizeof(*out.proxies));
	for (struct proxy *proxy = p->proxies; proxy; proxy = proxy->next) {
		Weirlock__V1__ProxyStatus *status = inspect_proxy(p, proxy, &arena);
		size_t n = weirlock__v1__proxy_status__get_packed_size(status) + PROXY_OVERHEAD;

		if (size + n > STATUS_MAX_BYTES) {
			out.n_not_shown++;
			continue;
		}
		size += n;
		out.proxies[out.n_proxies++] = status;
	}
	closure(&out, closure_data);
	arena_deinit(&arena);
	problems_deinit(&problems);
}

/* Proxies that serve it; what is pinned is served with the endpoints of now, by another id. */
static uint32_t count_serving(const struct lane *l, const struct content_id *id, bool is_pinned)
{
	uint32_t n = 0;

	for (struct proxy *proxy = l->publish->proxies; proxy; proxy = proxy->next)
		n += proxy->lane == l && proxy->peer && proxy->has_applied &&
			(content_id_eq(&proxy->applied, id) || (is_pinned && content_id_eq(&proxy->applied, &l->current->id)));
	return n;
}

static Weirlock__V1__SnapshotInfo *snapshot_info(const struct lane *l, const struct archive_entry *e, struct arena *arena)
{
	Weirlock__V1__SnapshotInfo *info = arena_alloc(arena, sizeof(*info));

	weirlock__v1__snapshot_info__init(info);
	info->pool = l->name;
	info->id = id_data(&e->id);
	info->built_ms = e->built_ms;
	info->n_resources = e->n_resources;
	info->size_bytes = e->size_bytes;
	archive_count(e, &info->n_put, &info->n_drop);
	info->is_structural = e->is_structural;
	info->is_pinned = l->pin.content && content_id_eq(&l->pin_id, &e->id);
	info->n_proxies = count_serving(l, &e->id, info->is_pinned);
	return info;
}

static void list_snapshots(struct lane *l, Weirlock__V1__SnapshotsResponse *out, struct arena *arena)
{
	const struct archive_entry *e;

	for (size_t i = 0; out->n_snapshots < SNAPSHOTS_SHOWN && (e = archive_at(l->archive, i)); i++)
		out->snapshots[out->n_snapshots++] = snapshot_info(l, e, arena);
}

static void inspect__snapshots(Weirlock__V1__Inspect_Service *service, const Weirlock__V1__SnapshotsRequest *request,
	Weirlock__V1__SnapshotsResponse_Closure closure, void *closure_data)
{
	struct publish *p = container_of(service, struct publish, inspect);
	Weirlock__V1__SnapshotsResponse out = WEIRLOCK__V1__SNAPSHOTS_RESPONSE__INIT;
	struct arena arena = {0};

	out.snapshots = arena_alloc(&arena, SNAPSHOTS_SHOWN * sizeof(*out.snapshots));
	for (size_t i = 0; i < p->n_lanes; i++) {
		if (!request->pool[0] || !strcmp(request->pool, p->lanes[i].name))
			list_snapshots(&p->lanes[i], &out, &arena);
	}
	closure(&out, closure_data);
	arena_deinit(&arena);
}

static void answer_blob(struct publish *p, struct str bytes, Weirlock__V1__BlobContent content,
	const struct content_id *id, const struct lane *lane, struct rpc_call *call)
{
	Weirlock__V1__Blob blob = WEIRLOCK__V1__BLOB__INIT;
	struct str blob_id = blobs_put(p->views, bytes);

	blob.blob_id = blob.sha256 = proto_data(blob_id);
	blob.size_bytes = bytes.len;
	blob.content = content;
	if (lane)
		blob.pool = lane->name;
	if (id)
		blob.snapshot_id = id_data(id);
	rpc_call_answer(call, &blob.base);
}

/* Of what was served a while ago there is more than of what is only in the archive: where its values came from. Owned, or NULL. */
static struct snapshot *find_in(const struct lane *l, struct str id)
{
	struct snapshot *s = history_find(l->history, id);
	size_t index;

	if (!id.len)
		return l->current ? snapshot_ref(l->current) : NULL;
	if (s)
		return snapshot_ref(s);
	if (!archive_find(l->archive, id, &index))
		return NULL;
	return snapshot_create(archive_content(l->archive, index), archive_at(l->archive, index)->built_ms);
}

/* In the pool that is named, or the first that has it. */
static struct snapshot *find_snapshot(
	const struct publish *p, const Weirlock__V1__GetSnapshotRequest *request, const struct lane **lane)
{
	struct snapshot *s = NULL;

	for (size_t i = 0; !s && i < p->n_lanes; i++) {
		*lane = &p->lanes[i];
		if (!request->pool[0] || !strcmp(request->pool, p->lanes[i].name))
			s = find_in(*lane, str_of(request->id.data, request->id.len));
	}
	return s;
}

static void inspect__get_snapshot(Weirlock__V1__Inspect_Service *service,
	const Weirlock__V1__GetSnapshotRequest *request, Weirlock__V1__Blob_Closure closure, void *closure_data)
{
	struct publish *p = container_of(service, struct publish, inspect);
	struct rpc_call *call = rpc_call_of(closure_data);
	const struct lane *lane = NULL;
	struct snapshot *s = find_snapshot(p, request, &lane);
	struct buf packed;

	(void)closure;
	if (!s) {
		rpc_call_fail(call, RPC_NOT_FOUND, request->id.len ? "no snapshot of the history has that id" :
								    "there is no snapshot of it yet");
		return;
	}
	buf_init(&packed, VIEW_MAX_BYTES);
	if (describe_snapshot(s, &packed))
		answer_blob(p, buf_str(&packed), WEIRLOCK__V1__BLOB_CONTENT__BLOB_SNAPSHOT, &s->id, lane, call);
	else
		rpc_call_fail(call, RPC_RESOURCE_EXHAUSTED, "the snapshot is too large to be shown");
	buf_deinit(&packed);
	snapshot_unref(&s);
}

static void inspect__problems(Weirlock__V1__Inspect_Service *service, const Weirlock__V1__Empty *request,
	Weirlock__V1__Blob_Closure closure, void *closure_data)
{
	struct publish *p = container_of(service, struct publish, inspect);
	struct rpc_call *call = rpc_call_of(closure_data);
	struct problems problems = {0};
	struct buf packed;

	(void)request;
	(void)closure;
	list_problems(p, &problems);
	problems_sort(&problems);
	buf_init(&packed, VIEW_MAX_BYTES);
	if (describe_problems(&problems, &packed))
		answer_blob(p, buf_str(&packed), WEIRLOCK__V1__BLOB_CONTENT__BLOB_PROBLEMS,
			p->lanes[0].current ? &p->lanes[0].current->id : NULL, NULL, call);
	else
		rpc_call_fail(call, RPC_RESOURCE_EXHAUSTED, "there are too many problems to be shown");
	buf_deinit(&packed);
	problems_deinit(&problems);
}

static void inspect__live(Weirlock__V1__Inspect_Service *service, const Weirlock__V1__Empty *request,
	Weirlock__V1__Blob_Closure closure, void *closure_data)
{
	(void)service;
	(void)request;
	(void)closure;
	rpc_call_fail(rpc_call_of(closure_data), RPC_UNIMPLEMENTED, "how endpoints are is known to proxies; ask one");
}

static void inspect__fetch(Weirlock__V1__Inspect_Service *service, const Weirlock__V1__FetchRequest *request,
	Weirlock__V1__FetchResponse_Closure closure, void *closure_data)
{
	(void)closure;
	control_fetch(container_of(service, struct publish, inspect)->views, request, rpc_call_of(closure_data));
}

void publish_inspect_init(struct publish *p)
{
	p->inspect = (Weirlock__V1__Inspect_Service)WEIRLOCK__V1__INSPECT__INIT(inspect__);
}

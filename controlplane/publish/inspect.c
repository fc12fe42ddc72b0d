/* The service for people: what is published, who serves it and what was wrong. Nothing here holds a key. */
#include "clock.h"
#include "describe.h"
#include "mem.h"
#include "operate.h"
#include "problem.h"
#include "process.h"
#include "proxies.h"

enum { ERRORS_SHOWN = 8, SNAPSHOTS_SHOWN = 1024, PROXY_OVERHEAD = 8,
	STATUS_MAX_BYTES = RPC_ANSWER_MAX - 32 * 1024, VIEW_MAX_BYTES = 256 * 1024 * 1024 };

Weirlock__V1__ProxyStatus *inspect_proxy(struct publish *p, struct proxy *proxy, struct arena *arena)
{
	Weirlock__V1__ProxyStatus *out = arena_alloc(arena, sizeof(*out));
	uint64_t now = clock_mono_ms();

	weirlock__v1__proxy_status__init(out);
	out->name = proxy->name;
	out->identity = proxy->identity;
	out->version = proxy->version;
	out->state = control_state(p, proxy);
	if (proxy->has_applied) {
		out->applied_id = id_data(&proxy->applied);
		out->applied_age_ms = now - proxy->applied_ms;
	}
	operate_behind(p->operate, proxy, &out->n_behind, &out->behind_ms);
	out->last_heard_ms = now - proxy->heard_ms;
	if (proxy->refusal) {
		out->errors = proxy->refusal->errors;
		out->n_errors = proxy->refusal->n_errors < ERRORS_SHOWN ? proxy->refusal->n_errors : ERRORS_SHOWN;
	}
	out->report = proxy->report;
	out->apply_us = proxy->apply_us;
	out->push_to_ack_us = proxy->push_to_ack_us;
	return out;
}

static void list_problems(struct publish *p, struct problems *out)
{
	if (p->options.problems)
		p->options.problems(p->options.data, out);
	operate_problems(p->operate, out);
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
	operate_pin_status(p->operate, &out);
	out.role = role;
	out.name = p->name;
	out.version = version;
	out.source = p->source;
	if (p->options.leader)
		out.leader = arena_text(&arena, p->options.leader(p->options.data));
	out.rss_bytes = process_rss_bytes();
	out.uptime_ms = clock_mono_ms() - p->started_ms;
	out.n_problems = (uint32_t)problems.n;
	if (p->current) {
		uint64_t now = clock_wall_ms();

		out.snapshot_id = id_data(&p->current->id);
		out.snapshot_age_ms = now > p->current->built_ms ? now - p->current->built_ms : 0;
		out.n_resources = (uint32_t)content_count(p->current->content);
	}
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
static uint32_t count_serving(const struct publish *p, const struct content_id *id, bool is_pinned)
{
	uint32_t n = 0;

	for (struct proxy *proxy = p->proxies; proxy; proxy = proxy->next)
		n += proxy->peer && proxy->has_applied &&
			(content_id_eq(&proxy->applied, id) || (is_pinned && content_id_eq(&proxy->applied, &p->current->id)));
	return n;
}

static Weirlock__V1__SnapshotInfo *snapshot_info(const struct publish *p, const struct archive_entry *e, struct arena *arena)
{
	Weirlock__V1__SnapshotInfo *info = arena_alloc(arena, sizeof(*info));

	weirlock__v1__snapshot_info__init(info);
	info->id = id_data(&e->id);
	info->built_ms = e->built_ms;
	info->n_resources = e->n_resources;
	info->size_bytes = e->size_bytes;
	archive_count(e, &info->n_put, &info->n_drop);
	info->is_structural = e->is_structural;
	info->is_pinned = p->operate->pin.content && content_id_eq(&p->operate->pin_id, &e->id);
	info->n_proxies = count_serving(p, &e->id, info->is_pinned);
	return info;
}

static void inspect__snapshots(Weirlock__V1__Inspect_Service *service, const Weirlock__V1__Empty *request,
	Weirlock__V1__SnapshotsResponse_Closure closure, void *closure_data)
{
	struct publish *p = container_of(service, struct publish, inspect);
	Weirlock__V1__SnapshotsResponse out = WEIRLOCK__V1__SNAPSHOTS_RESPONSE__INIT;
	struct arena arena = {0};
	const struct archive_entry *e;

	(void)request;
	out.snapshots = arena_alloc(&arena, SNAPSHOTS_SHOWN * sizeof(*out.snapshots));
	while (out.n_snapshots < SNAPSHOTS_SHOWN && (e = archive_at(p->archive, out.n_snapshots)))
		out.snapshots[out.n_snapshots++] = snapshot_info(p, e, &arena);
	closure(&out, closure_data);
	arena_deinit(&arena);
}

static void answer_blob(struct publish *p, struct str bytes, Weirlock__V1__BlobContent content,
	const struct content_id *id, struct rpc_call *call)
{
	Weirlock__V1__Blob blob = WEIRLOCK__V1__BLOB__INIT;
	struct str blob_id = blobs_put(p->views, bytes);
	union {
		const char *read;
		uint8_t *field;
	} data = {.read = blob_id.ptr};

	blob.blob_id = blob.sha256 = (ProtobufCBinaryData){blob_id.len, data.field};
	blob.size_bytes = bytes.len;
	blob.content = content;
	if (id)
		blob.snapshot_id = id_data(id);
	rpc_call_answer(call, &blob.base);
}

/* Of what was served a while ago there is more than of what is only in the archive: where its values came from. Owned, or NULL. */
static struct snapshot *find_snapshot(const struct publish *p, struct str id)
{
	struct snapshot *s = history_find(p->history, id);
	size_t index;

	if (s)
		return snapshot_ref(s);
	if (!archive_find(p->archive, id, &index))
		return NULL;
	return snapshot_create(archive_content(p->archive, index), archive_at(p->archive, index)->built_ms);
}

static void inspect__get_snapshot(Weirlock__V1__Inspect_Service *service,
	const Weirlock__V1__GetSnapshotRequest *request, Weirlock__V1__Blob_Closure closure, void *closure_data)
{
	struct publish *p = container_of(service, struct publish, inspect);
	struct rpc_call *call = rpc_call_of(closure_data);
	struct snapshot *s = request->id.len ? find_snapshot(p, str_of(request->id.data, request->id.len))
		: p->current         ? snapshot_ref(p->current)
				     : NULL;
	struct buf packed;

	(void)closure;
	if (!s) {
		rpc_call_fail(call, RPC_NOT_FOUND, request->id.len ? "no snapshot of the history has that id" :
								    "there is no snapshot yet");
		return;
	}
	buf_init(&packed, VIEW_MAX_BYTES);
	if (describe_snapshot(s, &packed))
		answer_blob(p, buf_str(&packed), WEIRLOCK__V1__BLOB_CONTENT__BLOB_SNAPSHOT, &s->id, call);
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
			p->current ? &p->current->id : NULL, call);
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

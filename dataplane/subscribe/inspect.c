/* The proxy's own service for people: itself, and what it serves without its keys. */
#include "clock.h"
#include "content_wire.h"
#include "mem.h"
#include "state.h"

enum { VIEW_MAX_BYTES = 256 * 1024 * 1024 };

static struct subscribe *owner(Weirlock__V1__Inspect_Service *service)
{
	return container_of(service, struct subscribe, inspect);
}

static void inspect__status(Weirlock__V1__Inspect_Service *service, const Weirlock__V1__Empty *request,
	Weirlock__V1__StatusResponse_Closure closure, void *closure_data)
{
	struct subscribe *s = owner(service);
	Weirlock__V1__StatusResponse out = WEIRLOCK__V1__STATUS_RESPONSE__INIT;
	Weirlock__V1__ProxyStatus self = WEIRLOCK__V1__PROXY_STATUS__INIT, *proxies[1] = {&self};
	char role[] = "proxy", version[] = WEIRLOCK_VERSION;
	Weirlock__V1__ReportRequest report;
	struct content_id id = {{0}};
	struct arena arena = {0};

	(void)request;
	fill_report(s, &report);
	members_fill_report(s, NULL, &report);
	out.role = role;
	out.name = self.name = s->name;
	out.version = self.version = version;
	out.source = s->active ? s->active->url : s->last_url ? s->last_url : s->urls[0];
	out.rss_bytes = report.rss_bytes;
	out.uptime_ms = report.uptime_ms;
	self.report = &report;
	self.apply_us = s->apply_us;
	self.state = s->has_refused ? WEIRLOCK__V1__PROXY_STATE__PROXY_REFUSED :
		     !s->content    ? WEIRLOCK__V1__PROXY_STATE__PROXY_CONNECTING :
		     report.is_stale ? WEIRLOCK__V1__PROXY_STATE__PROXY_BEHIND :
				       WEIRLOCK__V1__PROXY_STATE__PROXY_SYNCED;
	if (report.is_draining)
		self.state = WEIRLOCK__V1__PROXY_STATE__PROXY_DRAINING;
	if (s->has_refused)
		self.errors = error_messages(s, &arena, &self.n_errors);
	if (s->content) {
		id = content_id(s->content);
		out.snapshot_id = self.applied_id = data_of(str_of(id.bytes, sizeof(id.bytes)));
		out.snapshot_age_ms = self.applied_age_ms = clock_mono_ms() - s->applied_ms;
		out.n_resources = (uint32_t)content_count(s->content);
	}
	out.n_proxies = 1;
	out.proxies = proxies;
	closure(&out, closure_data);
	arena_deinit(&arena);
}

static void inspect__snapshots(Weirlock__V1__Inspect_Service *service, const Weirlock__V1__SnapshotsRequest *request,
	Weirlock__V1__SnapshotsResponse_Closure closure, void *closure_data)
{
	struct subscribe *s = owner(service);
	Weirlock__V1__SnapshotsResponse out = WEIRLOCK__V1__SNAPSHOTS_RESPONSE__INIT;
	Weirlock__V1__SnapshotInfo info = WEIRLOCK__V1__SNAPSHOT_INFO__INIT, *infos[1] = {&info};
	struct content_id id = {{0}};

	(void)request;
	if (s->content) {
		size_t n;
		struct resource *const *all = content_sorted(s->content, &n);

		id = content_id(s->content);
		info.id = data_of(str_of(id.bytes, sizeof(id.bytes)));
		info.built_ms = clock_wall_ms() - (clock_mono_ms() - s->applied_ms); /* when it was applied here */
		info.n_resources = (uint32_t)n;
		for (size_t i = 0; i < n; i++)
			info.size_bytes += all[i]->name.len + all[i]->body.len;
		info.n_proxies = 1;
		out.n_snapshots = 1;
		out.snapshots = infos;
	}
	closure(&out, closure_data);
}

/* The id asked for is ours, or a prefix of it. */
static bool is_served(struct subscribe *s, struct str wanted)
{
	struct content_id id;

	if (!s->content || wanted.len > CONTENT_ID_SIZE)
		return false;
	id = content_id(s->content);
	return str_starts_with(str_of(id.bytes, sizeof(id.bytes)), wanted);
}

static void inspect__get_snapshot(Weirlock__V1__Inspect_Service *service,
	const Weirlock__V1__GetSnapshotRequest *request, Weirlock__V1__Blob_Closure closure, void *closure_data)
{
	const struct content_pack_options options = {.is_redacted = true};
	struct subscribe *s = owner(service);
	Weirlock__V1__Blob blob = WEIRLOCK__V1__BLOB__INIT;
	struct content_id id;
	struct buf packed;

	if (!is_served(s, str_of(request->id.data, request->id.len))) {
		rpc_call_fail(rpc_call_of(closure_data), RPC_NOT_FOUND,
			s->content ? "this proxy serves another snapshot" : "this proxy serves nothing yet");
		return;
	}
	buf_init(&packed, VIEW_MAX_BYTES);
	if (content_pack(s->content, &options, &packed)) {
		id = content_id(s->content);
		blob.blob_id = blob.sha256 = data_of(blobs_put(s->views, buf_str(&packed)));
		blob.size_bytes = packed.len;
		blob.snapshot_id = data_of(str_of(id.bytes, sizeof(id.bytes)));
		closure(&blob, closure_data);
	} else {
		rpc_call_fail(rpc_call_of(closure_data), RPC_RESOURCE_EXHAUSTED, "the snapshot is too large to be shown");
	}
	buf_deinit(&packed);
}

static void inspect__problems(Weirlock__V1__Inspect_Service *service, const Weirlock__V1__Empty *request,
	Weirlock__V1__Blob_Closure closure, void *closure_data)
{
	(void)service;
	(void)request;
	(void)closure;
	rpc_call_fail(rpc_call_of(closure_data), RPC_UNIMPLEMENTED, "problems are known to the controller; ask it");
}

static void inspect__live(Weirlock__V1__Inspect_Service *service, const Weirlock__V1__Empty *request,
	Weirlock__V1__Blob_Closure closure, void *closure_data)
{
	struct subscribe *s = owner(service);
	Weirlock__V1__LiveResponse out = WEIRLOCK__V1__LIVE_RESPONSE__INIT;
	Weirlock__V1__Blob blob = WEIRLOCK__V1__BLOB__INIT;
	struct arena arena = {0};
	uint8_t *packed;
	size_t len;

	(void)request;
	if (!s->options.live || !s->options.live(s->options.data, &arena, &out)) {
		rpc_call_fail(rpc_call_of(closure_data), RPC_UNAVAILABLE, "this proxy serves nothing");
		arena_deinit(&arena);
		return;
	}
	len = weirlock__v1__live_response__get_packed_size(&out);
	packed = mem_alloc(len + 1);
	weirlock__v1__live_response__pack(&out, packed);
	blob.blob_id = blob.sha256 = data_of(blobs_put(s->views, str_of(packed, len)));
	blob.size_bytes = len;
	closure(&blob, closure_data);
	mem_free(packed);
	arena_deinit(&arena);
}

static void inspect__fetch(Weirlock__V1__Inspect_Service *service, const Weirlock__V1__FetchRequest *request,
	Weirlock__V1__FetchResponse_Closure closure, void *closure_data)
{
	Weirlock__V1__FetchResponse response = WEIRLOCK__V1__FETCH_RESPONSE__INIT;
	struct str bytes;

	if (!blobs_get(owner(service)->views, str_of(request->blob_id.data, request->blob_id.len), &bytes) ||
		request->offset > bytes.len) {
		rpc_call_fail(rpc_call_of(closure_data), RPC_NOT_FOUND, "there is no such piece of a blob");
		return;
	}
	response.data = data_of(str_first(str_from_index(bytes, (size_t)request->offset), RPC_CHUNK_BYTES));
	response.size_bytes = bytes.len;
	closure(&response, closure_data);
}

void proxy_inspect_init(struct subscribe *s)
{
	s->inspect = (Weirlock__V1__Inspect_Service)WEIRLOCK__V1__INSPECT__INIT(inspect__);
}

void subscribe_inspect(struct subscribe *s, struct rpc_server *server)
{
	rpc_server_add(server, &s->inspect.base, RPC_ROLE_OPERATOR | RPC_ROLE_CONTROLLER);
}

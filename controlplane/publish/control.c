/*
 * The service for proxies. A Watch says what its proxy serves or refuses, and is held until there is something else to serve.
 * A refused snapshot is not sent again to who refused it; the next one is.
 */
#include <string.h>

#include "clock.h"
#include "content_wire.h"
#include "log.h"
#include "mem.h"
#include "operate.h"
#include "proto_data.h"
#include "proxies.h"

ProtobufCBinaryData id_data(const struct content_id *id)
{
	return proto_data(str_of(id->bytes, CONTENT_ID_SIZE));
}

static struct proxy *proxy_of(struct rpc_call *call)
{
	struct proxy *proxy = rpc_peer_data(rpc_call_peer(call));

	if (proxy)
		proxy->heard_ms = clock_mono_ms();
	else
		rpc_call_fail(call, RPC_FAILED_PRECONDITION, "Hello comes first");
	return proxy;
}

/* ------------------------------------------------------------------------------------------------------------ Hello */

void control_free_proxy(struct publish *p, struct proxy *proxy)
{
	struct proxy **place = &p->proxies;

	while (*place != proxy)
		place = &(*place)->next;
	fan_forget(&p->fan, proxy);
	*place = proxy->next;
	p->n_proxies--;
	if (proxy->peer)
		rpc_peer_set_data(proxy->peer, NULL);
	mem_free(proxy->name);
	mem_free(proxy->version);
	mem_free(proxy->identity);
	buf_deinit(&proxy->bucket_hashes);
	if (proxy->refusal)
		weirlock__v1__watch_request__free_unpacked(proxy->refusal, NULL);
	if (proxy->report)
		weirlock__v1__report_request__free_unpacked(proxy->report, NULL);
	mem_free(proxy);
}

static bool is_same(const struct proxy *proxy, const char *name, const char *identity)
{
	return !strcmp(proxy->name, name) && !strcmp(proxy->identity, identity);
}

/*
 * A proxy that comes back takes the place of who it was: same name and certificate, and its session over, or the same process:
 * that watches by one session here, and this is it. What was cut off is not heard to end.
 */
static void forget_former(struct publish *p, const struct proxy *self)
{
	for (struct proxy *proxy = p->proxies, *next; proxy; proxy = next) {
		next = proxy->next;
		if (proxy != self && is_same(proxy, self->name, self->identity) &&
			(!proxy->peer || (proxy->pid == self->pid && (proxy->is_standby || !self->is_standby))))
			control_free_proxy(p, proxy);
	}
}

/* Silent, and somebody of its name is there: a process that was killed, and the one in its place. */
static bool is_replaced(const struct publish *p, const struct proxy *proxy)
{
	if (control_state(p, proxy) != WEIRLOCK__V1__PROXY_STATE__PROXY_SILENT)
		return false;
	for (const struct proxy *other = p->proxies; other; other = other->next) {
		if (other != proxy && other->peer && other->heard_ms > proxy->heard_ms && is_same(other, proxy->name, proxy->identity))
			return true;
	}
	return false;
}

/* Its certificate is good, and the pool that it names is none of ours. */
static void refuse_stranger(struct publish *p, const Weirlock__V1__HelloRequest *request, struct rpc_call *call)
{
	const char *identity = rpc_peer_identity(rpc_call_peer(call));
	struct str pool = lane_pool_of(identity);
	struct buf shown = {0};

	buf_add_escaped(&shown, str_from(request->name));
	if (strangers_note(&p->strangers, str_from(request->name), pool, clock_mono_ms()))
		log_warn("publish", "proxy refused, its pool is not served name=%s identity=%s", buf_cstr(&shown), identity);
	buf_deinit(&shown);
	rpc_call_fail(call, RPC_PERMISSION_DENIED,
		"this controller serves no pool '%.*s': give it --pool %.*s=..., or the proxy a certificate of another pool", STR_ARG(pool),
		STR_ARG(pool));
}

static struct proxy *greet(struct lane *lane, struct rpc_peer *peer, const Weirlock__V1__HelloRequest *request)
{
	struct publish *p = lane->publish;
	struct proxy *proxy = mem_zalloc(sizeof(*proxy));

	*proxy = (struct proxy){.next = p->proxies, .lane = lane, .peer = peer, .pid = request->pid, .heard_ms = clock_mono_ms(),
		.is_standby = request->is_standby, .process = request->instance ? request->instance : request->pid};
	proxy->name = mem_strdup(str_from(request->name));
	proxy->version = mem_strdup(str_from(request->version));
	proxy->identity = mem_strdup(str_from(rpc_peer_identity(peer)));
	proxy->has_applied = content_id_from(str_of(request->have_id.data, request->have_id.len), &proxy->applied);
	proxy->applied_ms = proxy->heard_ms;
	proxy->features = request->features & CONTENT_FEATURE_REPAIR;
	p->proxies = proxy;
	p->n_proxies++;
	rpc_peer_set_data(peer, proxy);
	forget_former(p, proxy);
	return proxy;
}

static void control__hello(Weirlock__V1__Control_Service *service, const Weirlock__V1__HelloRequest *request,
	Weirlock__V1__HelloResponse_Closure closure, void *closure_data)
{
	struct publish *p = container_of(service, struct publish, control);
	struct rpc_call *call = rpc_call_of(closure_data);
	struct rpc_peer *peer = rpc_call_peer(call);
	Weirlock__V1__HelloResponse response = WEIRLOCK__V1__HELLO_RESPONSE__INIT;
	char version[] = WEIRLOCK_VERSION;
	struct buf shown = {0};
	struct lane *lane;
	struct proxy *proxy;

	if (request->schema_min > CONTENT_SCHEMA || request->schema_max < CONTENT_SCHEMA) {
		rpc_call_fail(call, RPC_FAILED_PRECONDITION, "this controller sends schema %d only", CONTENT_SCHEMA);
		return;
	}
	if (strlen(request->name) > 253 || strlen(request->version) > 64) {
		rpc_call_fail(call, RPC_INVALID_ARGUMENT, "the name or version is too long");
		return;
	}
	lane = lane_of_identity(p, rpc_peer_identity(peer));
	if (!lane) {
		refuse_stranger(p, request, call);
		return;
	}
	proxy = rpc_peer_data(peer);
	if (proxy)
		control_free_proxy(p, proxy); /* said again on the same session */
	if (p->n_proxies >= PROXIES_MAX) {
		rpc_call_fail(call, RPC_RESOURCE_EXHAUSTED, "too many proxies");
		return;
	}
	proxy = greet(lane, peer, request);
	buf_add_escaped(&shown, str_from(proxy->name));
	log_info("publish", "proxy connected name=%s identity=%s", buf_cstr(&shown), proxy->identity);
	buf_deinit(&shown);
	response.schema = CONTENT_SCHEMA;
	response.features = proxy->features;
	response.watch_ttl_ms = p->options.watch_ttl_ms;
	response.chunk_bytes = RPC_CHUNK_BYTES;
	response.version = version;
	response.name = p->name;
	response.instance = p->instance;
	closure(&response, closure_data);
}

/* ------------------------------------------------------------------------------------------------------------ Watch */

static void answer_watch(struct proxy *proxy, Weirlock__V1__WatchResponse *response)
{
	struct rpc_call *call = proxy->watch;

	proxy->watch = NULL;
	buf_deinit(&proxy->bucket_hashes);
	rpc_call_answer(call, &response->base);
}

static void push(struct proxy *proxy, enum way_form form)
{
	struct publish *p = proxy->lane->publish;
	struct way_answer answer;
	struct arena arena = {0};

	way_answer(proxy, form, &answer);
	proxy->pushed_form = form;
	proxy->pushed = roll_target(proxy)->id;
	proxy->has_pushed = true;
	roll_sent(proxy);
	proxy->has_pushed_from = proxy->has_applied;
	proxy->pushed_from = proxy->applied;
	proxy->pushed_us = clock_mono_us();
	proxy->is_acked = false;
	if (form != WAY_ASK) {
		p->n_pushes++;
		operate_sent(p->operate, proxy);
	}
	answer.response.version = hold_news(proxy, &arena);
	answer_watch(proxy, &answer.response);
	arena_deinit(&arena);
}

/* Sent a moment ago, and the proxy asks again from the same place: something went wrong on its side. Not in a circle. */
static bool is_too_soon(const struct proxy *proxy, enum way_form form)
{
	return proxy->has_pushed && proxy->pushed_form == form && content_id_eq(&proxy->pushed, &roll_target(proxy)->id) &&
		proxy->has_pushed_from == proxy->has_applied &&
		(!proxy->has_applied || content_id_eq(&proxy->pushed_from, &proxy->applied)) &&
		clock_mono_us() - proxy->pushed_us < REPEAT_MS * 1000;
}

bool control_serve(struct proxy *proxy)
{
	const struct snapshot *current = roll_target(proxy);
	Weirlock__V1__WatchResponse response = WEIRLOCK__V1__WATCH_RESPONSE__INIT;
	Weirlock__V1__Redirect redirect = WEIRLOCK__V1__REDIRECT__INIT;
	enum way_form form;

	if (!proxy->watch)
		return false;
	if (proxy->lane->publish->is_leaving) {
		redirect.after_ms = (uint32_t)(clock_mono_us() % REDIRECT_SPREAD_MS); /* so that not all come at once */
		if (proxy->report)
			redirect.to = proxy->report->standby;
		response.what_case = WEIRLOCK__V1__WATCH_RESPONSE__WHAT_REDIRECT;
		response.redirect = &redirect;
		answer_watch(proxy, &response);
		return true;
	}
	if (!current || (proxy->has_applied && content_id_eq(&proxy->applied, &current->id)) ||
		(proxy->has_refused && content_id_eq(&proxy->refused, &current->id))) {
		hold_end(proxy);
		return false;
	}
	if (proxy->has_applied && hold_back(proxy))
		return false;
	form = way_form_for(proxy);
	if (is_too_soon(proxy, form))
		return false;
	push(proxy, form);
	return true;
}

static void heartbeat(struct proxy *proxy)
{
	Weirlock__V1__WatchResponse response = WEIRLOCK__V1__WATCH_RESPONSE__INIT;
	Weirlock__V1__Heartbeat same = WEIRLOCK__V1__HEARTBEAT__INIT;
	struct arena arena = {0};

	if (roll_target(proxy))
		same.id = id_data(&roll_target(proxy)->id);
	response.what_case = WEIRLOCK__V1__WATCH_RESPONSE__WHAT_SAME;
	response.same = &same;
	if (proxy->has_applied && roll_target(proxy) && content_id_eq(&proxy->applied, &roll_target(proxy)->id)) {
		response.version = hold_news(proxy, &arena);
		version_take(&proxy->hold.known, &proxy->hold.pushed);
	}
	answer_watch(proxy, &response);
	arena_deinit(&arena);
}

void control_tick(struct publish *p)
{
	uint64_t now = clock_mono_ms();

	for (struct proxy *proxy = p->proxies, *next; proxy; proxy = next) {
		next = proxy->next;
		if ((!proxy->peer && now - proxy->heard_ms > FORGET_MS) || is_replaced(p, proxy)) {
			control_free_proxy(p, proxy);
			continue;
		}
		if (!fan_is_out(&p->fan)) /* else its turn comes */
			control_serve(proxy);
		if (proxy->watch && now >= proxy->watch_due_ms)
			heartbeat(proxy);
		hold_tick(proxy, now);
	}
	roll_look(p);
	wait_look(p->operate);
}

/* What comes at once from all, after a push, is not to be answered at once: so much before the time that was promised. */
static uint32_t early_ms(struct publish *p)
{
	uint32_t spread = p->options.watch_ttl_ms / 4;

	return spread ? (uint32_t)(p->n_watches++ * 37 % spread) : 0;
}

static void watch_gone(void *data, struct rpc_call *call)
{
	struct proxy *proxy = rpc_peer_data(rpc_call_peer(call));

	(void)data;
	if (proxy && proxy->watch == call)
		proxy->watch = NULL;
}

static void control__watch(Weirlock__V1__Control_Service *service, const Weirlock__V1__WatchRequest *request,
	Weirlock__V1__WatchResponse_Closure closure, void *closure_data)
{
	struct publish *p = container_of(service, struct publish, control);
	struct rpc_call *call = rpc_call_of(closure_data), *former;
	struct proxy *proxy = proxy_of(call);

	(void)closure;
	if (!proxy)
		return;
	former = proxy->watch;
	proxy->watch = NULL;
	if (former)
		rpc_call_fail(former, RPC_CANCELLED, "a newer Watch took its place");
	answered(p, proxy, request);
	wait_look(p->operate);
	proxy->max_inline_bytes = request->max_inline_bytes;
	buf_clear(&proxy->bucket_hashes);
	if (proxy->features & CONTENT_FEATURE_REPAIR)
		buf_add(&proxy->bucket_hashes, str_of(request->bucket_hashes.data, request->bucket_hashes.len));
	proxy->watch = call;
	proxy->watch_due_ms = clock_mono_ms() + p->options.watch_ttl_ms - early_ms(p);
	if (proxy->is_standby) { /* it turned here: it is told at once when it serves the right thing */
		proxy->is_standby = false;
		proxy->watch_due_ms = clock_mono_ms();
		forget_former(p, proxy);
	}
	rpc_call_hold(call, watch_gone, p);
	control_serve(proxy);
}

/* ------------------------------------------------------------------------------------------------------- the others */

void control_fetch(struct blobs *blobs, const Weirlock__V1__FetchRequest *request, struct rpc_call *call)
{
	Weirlock__V1__FetchResponse response = WEIRLOCK__V1__FETCH_RESPONSE__INIT;
	struct str bytes, piece;

	if (!blobs_get(blobs, str_of(request->blob_id.data, request->blob_id.len), &bytes)) {
		rpc_call_fail(call, RPC_NOT_FOUND, "there is no such blob any more");
		return;
	}
	if (request->offset > bytes.len) {
		rpc_call_fail(call, RPC_INVALID_ARGUMENT, "the offset is beyond the end");
		return;
	}
	piece = str_first(str_from_index(bytes, (size_t)request->offset), RPC_CHUNK_BYTES);
	response.data = proto_data(piece);
	response.size_bytes = bytes.len;
	rpc_call_answer(call, &response.base);
}

static void control__fetch(Weirlock__V1__Control_Service *service, const Weirlock__V1__FetchRequest *request,
	Weirlock__V1__FetchResponse_Closure closure, void *closure_data)
{
	struct proxy *proxy = proxy_of(rpc_call_of(closure_data));

	(void)service;
	(void)closure;
	if (proxy) /* blobs of another pool are not there for it, whoever told it their ids */
		control_fetch(proxy->lane->pushes, request, rpc_call_of(closure_data));
}

static void control__report(Weirlock__V1__Control_Service *service, const Weirlock__V1__ReportRequest *request,
	Weirlock__V1__Empty_Closure closure, void *closure_data)
{
	struct proxy *proxy = proxy_of(rpc_call_of(closure_data));
	struct publish *p = container_of(service, struct publish, control);
	Weirlock__V1__Empty empty = WEIRLOCK__V1__EMPTY__INIT;
	struct content_id id;
	bool has_id;

	if (!proxy)
		return;
	if (proxy->report)
		weirlock__v1__report_request__free_unpacked(proxy->report, NULL);
	proxy->report = kept_report(request);
	proxy->reported_ms = clock_mono_ms();
	if (request->is_standby && !proxy->watch) {
		proxy->is_standby = true;
		has_id = content_id_from(str_of(request->applied_id.data, request->applied_id.len), &id);
		answered_applied(proxy, has_id ? &id : NULL);
		wait_look(p->operate);
	}
	closure(&empty, closure_data);
}

static void control__staples(Weirlock__V1__Control_Service *service, const Weirlock__V1__StaplesRequest *request,
	Weirlock__V1__StaplesResponse_Closure closure, void *closure_data)
{
	struct publish *p = container_of(service, struct publish, control);
	struct proxy *proxy = proxy_of(rpc_call_of(closure_data));
	Weirlock__V1__StaplesResponse response = WEIRLOCK__V1__STAPLES_RESPONSE__INIT;
	struct arena arena = {0};

	if (!proxy)
		return;
	if (p->options.staples)
		p->options.staples(p->options.data, proxy->lane->index, request, &arena, &response);
	closure(&response, closure_data);
	arena_deinit(&arena);
}

static void control__goodbye(Weirlock__V1__Control_Service *service, const Weirlock__V1__Empty *request,
	Weirlock__V1__Empty_Closure closure, void *closure_data)
{
	struct publish *p = container_of(service, struct publish, control);
	struct proxy *proxy = proxy_of(rpc_call_of(closure_data));
	Weirlock__V1__Empty empty = WEIRLOCK__V1__EMPTY__INIT;
	struct buf shown = {0};

	(void)request;
	if (!proxy)
		return;
	buf_add_escaped(&shown, str_from(proxy->name));
	log_info("publish", "proxy left name=%s", buf_cstr(&shown));
	buf_deinit(&shown);
	if (proxy->watch) {
		struct rpc_call *watch = proxy->watch;

		proxy->watch = NULL;
		rpc_call_fail(watch, RPC_CANCELLED, "goodbye");
	}
	control_free_proxy(p, proxy);
	closure(&empty, closure_data);
}

Weirlock__V1__ProxyState control_state(const struct publish *p, const struct proxy *proxy)
{
	const struct snapshot *current = roll_target(proxy);

	if (!proxy->peer || clock_mono_ms() - proxy->heard_ms > (uint64_t)p->options.watch_ttl_ms * 2)
		return WEIRLOCK__V1__PROXY_STATE__PROXY_SILENT;
	if (proxy->report && proxy->report->is_draining)
		return WEIRLOCK__V1__PROXY_STATE__PROXY_DRAINING;
	if (proxy->is_standby)
		return WEIRLOCK__V1__PROXY_STATE__PROXY_STANDBY;
	if (current && proxy->has_refused && content_id_eq(&proxy->refused, &current->id))
		return WEIRLOCK__V1__PROXY_STATE__PROXY_REFUSED;
	if (!proxy->has_applied)
		return WEIRLOCK__V1__PROXY_STATE__PROXY_CONNECTING;
	if (current && content_id_eq(&proxy->applied, &current->id))
		return WEIRLOCK__V1__PROXY_STATE__PROXY_SYNCED;
	return WEIRLOCK__V1__PROXY_STATE__PROXY_BEHIND;
}

void publish_control_init(struct publish *p)
{
	p->control = (Weirlock__V1__Control_Service)WEIRLOCK__V1__CONTROL__INIT(control__);
}

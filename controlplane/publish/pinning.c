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
struct snapshot *operate_choose(struct operate *o, struct snapshot *live)
{
	const struct publish_options *options = &o->publish->options;
	struct content *others = NULL;
	struct snapshot *s;

	if (o->live != live) {
		snapshot_unref(&o->live);
		o->live = snapshot_ref(live);
	}
	if (!o->pin.content)
		return snapshot_ref(live);
	if (options->pinned_endpoints)
		others = options->pinned_endpoints(options->data, o->pin.content, live->content);
	s = snapshot_create(pin_content(&o->pin, live->content, others), live->built_ms);
	content_destroy(others);
	s->event_us = live->event_us;
	for (size_t i = 0; o->pin_origins && i < o->pin_origins->n_origins; i++)
		snapshot_add_origin(s, &o->pin_origins->origins[i]);
	snapshot_sort_origins(s);
	return s;
}

/* Writes it down; why not is remembered for status and problems. */
static void keep(struct operate *o)
{
	struct publish *p = o->publish;
	int result = p->options.keep_pin ? p->options.keep_pin(p->options.data, o->pin.content ? &o->pin : NULL) : -ENOENT;

	buf_clear(&o->pin_not_kept);
	if (result == 0 || !o->pin.content)
		return;
	buf_add(&o->pin_not_kept, result == -ENOENT ? STR("the controller has no --state-dir, or no --identity") : str_from(strerror(-result)));
	log_error("publish", "what is pinned is lost when this controller restarts: %s", buf_cstr(&o->pin_not_kept));
}

static void let_go(struct operate *o)
{
	pin_deinit(&o->pin);
	snapshot_unref(&o->pin_origins);
	o->pin_seq = 0;
}

void operate_take_pin(struct operate *o, struct pin *pin)
{
	const struct covered *c;

	let_go(o);
	o->pin = *pin;
	*pin = (struct pin){0};
	o->pin_id = content_id(o->pin.content);
	c = operate_find(o, &o->pin_id, NULL);
	o->pin_seq = c ? c->seq : 0;
	o->pin_origins = history_find(o->publish->history, str_of(o->pin_id.bytes, sizeof(o->pin_id.bytes)));
	if (o->pin_origins)
		snapshot_ref(o->pin_origins);
}

void operate_pin_deinit(struct operate *o)
{
	let_go(o);
	snapshot_unref(&o->live);
	buf_deinit(&o->pin_not_kept);
}

/* Proxies get what is to be served now. */
static void serve(struct operate *o)
{
	struct snapshot *live = o->live;

	if (live)
		publish_set_snapshot(o->publish, live);
	if (!o->pin.content)
		wait_cover(o, o->live_seq);
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

static void answer(struct operate *o, struct rpc_call *call)
{
	Weirlock__V1__PinResponse response = WEIRLOCK__V1__PIN_RESPONSE__INIT;
	char none[] = "";

	if (o->pin.content)
		response.pinned_id = id_data(&o->pin_id);
	if (o->publish->current)
		response.served_id = id_data(&o->publish->current->id);
	buf_cstr(&o->pin_not_kept);
	response.not_kept = o->pin_not_kept.len ? o->pin_not_kept.ptr : none;
	rpc_call_answer(call, &response.base);
}

void operate__pin(Weirlock__V1__Operate_Service *service, const Weirlock__V1__PinRequest *request,
	Weirlock__V1__PinResponse_Closure closure, void *closure_data)
{
	struct operate *o = container_of(service, struct operate, service);
	struct rpc_call *call = rpc_call_of(closure_data);
	struct archive *archive = o->publish->archive;
	struct pin pin = {.since_ms = clock_wall_ms()};
	struct content_id id;
	size_t index = 0;
	char text[16];

	(void)closure;
	if (!archive_at(archive, 0) || (request->id.len && !archive_find(archive, str_of(request->id.data, request->id.len), &index))) {
		rpc_call_fail(call, RPC_NOT_FOUND, request->id.len ? "no snapshot of the history has that id, or more than one" :
								   "there is no snapshot yet");
		return;
	}
	pin.content = archive_content(archive, index);
	pin.by = name_of(call, request->by);
	pin.reason = shortened(request->reason);
	pin.is_rollback = index != 0;
	operate_take_pin(o, &pin);
	id = o->pin_id;
	log_warn("publish", "snapshot pinned id=%s by=%s reason=%s: changes do not reach proxies until it is let go, but for endpoints",
		content_id_text(&id, text), o->pin.by, o->pin.reason);
	keep(o);
	serve(o);
	answer(o, call);
}

void operate__unpin(Weirlock__V1__Operate_Service *service, const Weirlock__V1__PinRequest *request,
	Weirlock__V1__PinResponse_Closure closure, void *closure_data)
{
	struct operate *o = container_of(service, struct operate, service);
	struct rpc_call *call = rpc_call_of(closure_data);
	char *by;

	(void)closure;
	if (!o->pin.content) {
		rpc_call_fail(call, RPC_NOT_FOUND, "nothing is pinned");
		return;
	}
	by = name_of(call, request->by);
	log_warn("publish", "snapshot let go by=%s: proxies get the newest one", by);
	mem_free(by);
	let_go(o);
	keep(o);
	serve(o);
	answer(o, call);
}

void operate_pin_status(struct operate *o, Weirlock__V1__StatusResponse *out)
{
	if (!o->pin.content)
		return;
	out->pinned_id = id_data(&o->pin_id);
	out->pinned_since_ms = o->pin.since_ms;
	out->pinned_by = o->pin.by;
	out->pin_reason = o->pin.reason;
	out->is_rollback = o->pin.is_rollback;
	if (o->live)
		out->newest_id = id_data(&o->live->id);
	if (o->pin_not_kept.len) {
		buf_cstr(&o->pin_not_kept);
		out->pin_not_kept = o->pin_not_kept.ptr;
	}
}

void operate_problems(const struct operate *o, struct problems *out)
{
	struct buf object = {0}, value = {0}, effect = {0};
	char time[CLOCK_TEXT_MAX], text[16];

	if (!o->pin.content)
		return;
	buf_printf(&object, "Snapshot %s", content_id_text(&o->pin_id, text));
	buf_printf(&value, "since %s by %s%s%s", clock_rfc3339(o->pin.since_ms, time), o->pin.by, o->pin.reason[0] ? ": " : "",
		o->pin.reason);
	buf_add(&effect, STR("what is in it is served, with the endpoints of the cluster; other changes wait"));
	if (o->pin_not_kept.len)
		buf_printf(&effect, "; lost when this controller restarts: %.*s", STR_ARG(buf_str(&o->pin_not_kept)));
	problems_add(out, &(struct problem){.severity = SEVERITY_WARN, .object = buf_str(&object), .field = STR("pin"),
				  .value = buf_str(&value), .rule = STR("what follows the cluster"),
				  .fix = STR("weirctl snapshot unpin, once what was wrong is mended"), .effect = buf_str(&effect)});
	buf_deinit(&object);
	buf_deinit(&value);
	buf_deinit(&effect);
}

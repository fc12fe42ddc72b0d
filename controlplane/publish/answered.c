/* What proxies say of what they were sent. */
#include "clock.h"
#include "log.h"
#include "operate.h"
#include "proxies.h"

static void log_refusal(const struct proxy *proxy)
{
	const Weirlock__V1__WatchRequest *why = proxy->refusal;
	struct buf text = {0};
	char id[16];

	buf_add(&text, STR("name="));
	buf_add_escaped(&text, str_first(str_from(proxy->name), 64));
	buf_printf(&text, " id=%s errors=%zu", content_id_text(&proxy->refused, id), why->n_errors);
	if (why->n_errors && why->errors[0]->ref) {
		buf_add(&text, STR(" first="));
		buf_add_escaped(&text, str_first(str_from(why->errors[0]->ref->name), 128));
		buf_add(&text, STR(": "));
		buf_add_escaped(&text, str_first(str_from(why->errors[0]->reason), 256));
	}
	log_warn("publish", "proxy refused snapshot %s", buf_cstr(&text));
	buf_deinit(&text);
}

void answered_applied(struct proxy *proxy, const struct content_id *id)
{
	if ((id != NULL) != proxy->has_applied || (id && !content_id_eq(id, &proxy->applied)))
		proxy->applied_ms = clock_mono_ms();
	proxy->has_applied = id != NULL;
	if (id)
		proxy->applied = *id;
}

void answered(struct publish *p, struct proxy *proxy, const Weirlock__V1__WatchRequest *request)
{
	struct content_id id;
	bool has_id = content_id_from(str_of(request->applied_id.data, request->applied_id.len), &id);

	answered_applied(proxy, has_id ? &id : NULL);
	if (request->version)
		version_read(request->version, &proxy->hold.known);
	if (has_id && proxy->has_pushed && !proxy->is_acked && content_id_eq(&id, &proxy->pushed)) {
		proxy->is_acked = true;
		proxy->push_to_ack_us = clock_mono_us() - proxy->pushed_us;
		proxy->apply_us = request->apply_us;
		version_take(&proxy->hold.known, &proxy->hold.pushed);
		operate_acked(p->operate, proxy);
	}
	has_id = content_id_from(str_of(request->rejected_id.data, request->rejected_id.len), &id);
	if (has_id && proxy->has_refused && content_id_eq(&id, &proxy->refused))
		return;
	if (proxy->refusal)
		weirlock__v1__watch_request__free_unpacked(proxy->refusal, NULL);
	proxy->refusal = NULL;
	proxy->has_refused = has_id;
	if (!has_id)
		return;
	proxy->refused = id;
	proxy->refusal = kept_refusal(request);
	p->n_refusals++;
	log_refusal(proxy);
}

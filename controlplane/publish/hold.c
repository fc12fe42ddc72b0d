#include "hold.h"

#include "clock.h"
#include "log.h"
#include "problem.h"
#include "proxies.h"

static void ask_version(const struct publish *p, struct version *held, struct version *seen)
{
	*held = *seen = (struct version){0};
	if (p->options.version)
		p->options.version(p->options.data, held, seen);
}

static void log_held(const struct proxy *proxy)
{
	struct buf text = {0};

	buf_add(&text, STR("name="));
	buf_add_escaped(&text, str_first(str_from(proxy->name), 64));
	buf_add(&text, STR(": "));
	hold_text(proxy, &text);
	log_warn("publish", "proxy gets nothing %s", buf_cstr(&text));
	buf_deinit(&text);
}

bool hold_back(struct proxy *proxy)
{
	struct hold *h = &proxy->hold;
	struct version held, seen;
	enum version_mark which;

	ask_version(proxy->lane->publish, &held, &seen);
	if (!version_is_behind(&seen, &h->known, &which)) {
		h->since_ms = 0;
		return false;
	}
	h->which = which;
	h->seen = seen.marks[which];
	h->held = h->known.marks[which];
	if (!h->since_ms) {
		h->since_ms = clock_mono_ms();
		log_held(proxy);
	}
	return true;
}

void hold_end(struct proxy *proxy)
{
	proxy->hold.since_ms = 0;
}

void hold_tick(struct proxy *proxy, uint64_t now_ms)
{
	struct hold *h = &proxy->hold;
	struct rpc_call *call = proxy->watch;
	struct buf text = {0};

	if (!call || !h->since_ms || now_ms - h->since_ms < proxy->lane->publish->options.hold_ms)
		return;
	h->since_ms = now_ms; /* its next Watch waits as long again */
	hold_text(proxy, &text);
	proxy->watch = NULL;
	rpc_call_fail(call, RPC_UNAVAILABLE, "%s", buf_cstr(&text));
	buf_deinit(&text);
}

Weirlock__V1__Version *hold_news(struct proxy *proxy, struct arena *arena)
{
	struct version seen;

	ask_version(proxy->lane->publish, &proxy->hold.pushed, &seen);
	return version_news(&proxy->hold.pushed, &proxy->hold.known, arena);
}

void hold_text(const struct proxy *proxy, struct buf *out)
{
	const struct hold *h = &proxy->hold;

	if (h->since_ms)
		buf_printf(out, "it serves %s up to %llu, and this controller has seen %llu", version_mark_text(h->which),
			(unsigned long long)h->held, (unsigned long long)h->seen);
}

unsigned hold_count(const struct publish *p)
{
	unsigned n = 0;

	for (const struct proxy *proxy = p->proxies; proxy; proxy = proxy->next)
		n += proxy->peer && proxy->watch && proxy->hold.since_ms;
	return n;
}

static struct str fix_of(enum version_mark which)
{
	return which == MARK_EPOCH      ? STR("give this controller the --epoch of the others") :
		which == MARK_MANIFESTS ? STR("wait until the newest manifests are here, or touch one if these are the newest") :
					  STR("wait until it has caught up; if the cluster was restored from a backup, give all controllers a larger --epoch");
}

void hold_problems(const struct publish *p, struct problems *out)
{
	for (const struct proxy *proxy = p->proxies; proxy; proxy = proxy->next) {
		struct buf object = {0}, text = {0};

		if (!proxy->peer || !proxy->watch || !proxy->hold.since_ms)
			continue;
		buf_printf(&object, "Proxy %s", proxy->name);
		hold_text(proxy, &text);
		problems_add(out, &(struct problem){.severity = SEVERITY_WARN, .object = buf_str(&object), .field = STR("version"),
					  .value = buf_str(&text), .rule = STR("a proxy never goes back to an older state"),
					  .fix = fix_of(proxy->hold.which), .effect = STR("it keeps what it serves, and asks other controllers")});
		buf_deinit(&object);
		buf_deinit(&text);
	}
}

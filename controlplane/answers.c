/* What others ask of the controller: /readyz and /metrics, proxies and weirctl over the channel, the API server by the webhook. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "blame.h"
#include "controller_private.h"
#include "endpoints.h"
#include "log.h"
#include "mem.h"
#include "process.h"
#include "standing.h"

static bool is_ready(void *owner, struct buf *reason)
{
	struct controller *c = owner;

	if (c->is_stopping)
		buf_add(reason, STR("stopping"));
	else if (c->is_leaving)
		buf_add(reason, STR("leaving"));
	else if (c->is_ready)
		return true;
	else if (c->kube && !c->is_synced)
		kube_waiting(c->kube, reason);
	else
		buf_add(reason, STR("no snapshot yet"));
	return false;
}

static bool is_healthy(void *owner, struct buf *reason)
{
	struct controller *c = owner;

	if (c->is_stopping) /* N3 */
		buf_add(reason, STR("stopping"));
	return !c->is_stopping;
}

static void add_metrics(void *owner, struct buf *out)
{
	struct controller *c = owner;

	buf_printf(out,
		"# HELP weirlock_build_info The version that runs.\n# TYPE weirlock_build_info gauge\n"
		"weirlock_build_info{program=\"weirlock-controller\",version=\"%s\"} 1\n",
		WEIRLOCK_VERSION);
	buf_printf(out, "# HELP weirlock_controller_objects Objects as last seen.\n# TYPE weirlock_controller_objects gauge\n");
	for (enum object_kind kind = 0; kind < KIND_COUNT; kind++)
		buf_printf(out, "weirlock_controller_objects{kind=\"%.*s\"} %zu\n", STR_ARG(object_kind_text(kind)),
			store_list(c->store, kind).n);
	buf_printf(out, "# HELP weirlock_controller_problems Mistakes in objects that stand.\n"
			"# TYPE weirlock_controller_problems gauge\nweirlock_controller_problems %zu\n",
		c->told.n);
	buf_printf(out, "# HELP weirlock_controller_builds_total Snapshots built, also those like the one before.\n"
			"# TYPE weirlock_controller_builds_total counter\nweirlock_controller_builds_total %llu\n",
		(unsigned long long)c->n_builds);
	buf_printf(out, "# HELP weirlock_controller_parts_built_total Hosts, Services and settings that builds worked out anew.\n"
			"# TYPE weirlock_controller_parts_built_total counter\nweirlock_controller_parts_built_total %llu\n",
		(unsigned long long)c->n_parts_built);
	buf_printf(out, "# HELP weirlock_controller_build_defects_total Times that a build in parts was not what one from nothing is.\n"
			"# TYPE weirlock_controller_build_defects_total counter\nweirlock_controller_build_defects_total %llu\n",
		(unsigned long long)c->n_defects);
	buf_printf(out, "# HELP weirlock_controller_last_build_seconds How long the last one took.\n"
			"# TYPE weirlock_controller_last_build_seconds gauge\nweirlock_controller_last_build_seconds %.6f\n",
		(double)c->build_us / 1e6);
	buf_printf(out, "# HELP process_resident_memory_bytes Resident memory.\n# TYPE process_resident_memory_bytes gauge\n"
			"process_resident_memory_bytes %llu\n",
		(unsigned long long)process_rss_bytes());
	publish_metrics(c->publish, out);
	staples_metrics(c->staples, out);
	keep_metrics(c->keeps, c->options->pools.n, out);
	if (c->kube)
		kube_metrics(c->kube, out);
	if (c->writes)
		writes_metrics(c->writes, out);
	if (c->admission)
		admission_metrics(c->admission, out);
}

static void list_problems(void *data, struct problems *out)
{
	struct controller *c = data;

	problems_add_all(out, &c->told);
	staples_problems(c->staples, out);
	problems_sort(out);
}

static void answer_staples(void *data, size_t pool, const Weirlock__V1__StaplesRequest *request, struct arena *arena,
	Weirlock__V1__StaplesResponse *out)
{
	struct controller *c = data;

	staples_answer(c->staples, pool, request, arena, out);
}

static void tell_standing(void *data, struct str object, struct publish_standing *out, struct problems *faults)
{
	struct controller *c = data;

	standing_of(c->store, &c->reconcile, c->parts, &c->found, object, out, faults);
}

static enum version_mark mark_of(enum object_kind kind)
{
	switch (kind) {
	case KIND_INGRESS: return MARK_INGRESS;
	case KIND_INGRESS_CLASS: return MARK_INGRESS_CLASS;
	case KIND_SERVICE: return MARK_SERVICE;
	case KIND_ENDPOINT_SLICE: return MARK_ENDPOINT_SLICE;
	case KIND_SECRET: return MARK_SECRET;
	case KIND_CONFIG_MAP: return MARK_CONFIG_MAP;
	case KIND_NAMESPACE: return MARK_NAMESPACE;
	case KIND_COUNT: break;
	}
	abort();
}

/* As of the source; what of it is not built yet does not count. */
static void tell_version(void *data, struct version *held, struct version *seen)
{
	struct controller *c = data;
	bool is_structural;

	if (!store_has_changes(c->store, &is_structural)) {
		c->held.marks[MARK_EPOCH] = c->seen.marks[MARK_EPOCH] = c->options->epoch;
		if (c->source)
			c->held.marks[MARK_MANIFESTS] = c->seen.marks[MARK_MANIFESTS] = source_newest_us(c->source);
		for (enum object_kind kind = 0; c->kube && kind < KIND_COUNT; kind++) {
			struct kube_mark mark = kube_mark(c->kube, kind);

			c->held.marks[mark_of(kind)] = mark.changed;
			c->seen.marks[mark_of(kind)] = mark.seen;
		}
	}
	*held = c->held;
	*seen = c->seen;
}

static struct str who_leads(void *data)
{
	struct controller *c = data;

	return c->writes ? writes_leader(c->writes) : STR("");
}

static struct content *build_pinned_endpoints(void *data, size_t pool, struct content *pinned, struct content *live)
{
	struct controller *c = data;

	(void)pool; /* of a Backend that is pinned in it */
	return endpoints_of_pinned(c->store, &c->reconcile, pinned, live);
}

static void look_up(void *data, struct str object, publish_found_fn *done, void *owner)
{
	struct controller *c = data;

	blame_object(c->lookups, c->store, object, done, owner);
}

static int keep_what_is_pinned(void *data, size_t pool, const struct pin *pin)
{
	struct controller *c = data;

	return c->keeps[pool] ? keep_pin(c->keeps[pool], pin) : -ENOENT;
}

static const struct pin *what_is_pinned(void *owner, const char *pool)
{
	const struct controller *c = owner;
	size_t i = 0;

	while (c->options->pools.items[i].name != pool)
		i++;
	return c->publish ? publish_pinned(c->publish, i) : NULL;
}

static int keep_what_is_quarantined(void *data, size_t pool, struct str packed)
{
	struct controller *c = data;

	return c->keeps[pool] ? keep_quarantine(c->keeps[pool], packed) : -ENOENT;
}

/* The past of a pool, from disk where there is a place for it; without one it begins now. */
static void open_archive(struct controller *c, size_t pool)
{
	struct keep_options options = {c->options->state_dir, c->identity, archive_create(0, 0), c->options->pools.items[pool].name,
		what_is_pinned, c};
	struct buf error = {0};

	c->archives[pool] = options.archive;
	if (!options.directory || !options.identity)
		return;
	c->keeps[pool] = keep_open(c->loop, &options, &error);
	if (c->keeps[pool])
		keep_load(c->keeps[pool]);
	else
		log_error("controller", "the history of snapshots is not kept: %s", buf_cstr(&error));
	buf_deinit(&error);
}

static void take_pin(struct controller *c, size_t pool)
{
	struct pin pin = {0};

	if (!c->keeps[pool] || !keep_load_pin(c->keeps[pool], &pin))
		return;
	log_warn("controller", "a snapshot was pinned before this controller started, and still is pool=%s by=%s reason=%s",
		c->options->pools.items[pool].name, pin.by, pin.reason);
	publish_take_pin(c->publish, pool, &pin);
}

/* Where changes go to one proxy first: else nothing is kept from proxies. */
static void take_quarantine(struct controller *c, size_t pool)
{
	const char *name = c->options->pools.items[pool].name;
	struct buf packed = {0};

	if (c->keeps[pool] && keep_load_quarantine(c->keeps[pool], &packed)) {
		if (publish_take_quarantine(c->publish, pool, buf_str(&packed)))
			log_warn("controller", "what was quarantined before this controller started still is pool=%s", name);
		else
			log_error("controller", "what was quarantined before is malformed and is let go pool=%s", name);
		mem_wipe(packed.ptr, packed.len);
	}
	buf_deinit(&packed);
}

int controller_open_channel(struct controller *c, struct buf *error)
{
	const struct controller_options *o = c->options;
	struct publish_pool pools[POOLS_MAX] = {{0}};
	size_t n = o->pools.n;
	struct publish_options publish = {.name = o->name, .source = buf_cstr(&c->origin), .data = c, .problems = list_problems,
		.standing = tell_standing, .look_up = look_up, .keep_pin = keep_what_is_pinned,
		.keep_quarantine = keep_what_is_quarantined,
		.pinned_endpoints = build_pinned_endpoints, .version = tell_version, .leader = who_leads, .staples = answer_staples,
		.canary_hold_ms = strcmp(o->rollout, "canary") ? 0 : o->rollout_hold_s * 1000, .pools = pools, .n_pools = n};
	struct rpc_server_options server = {.on_peer_gone = publish_peer_gone};

	if (!o->is_insecure) {
		c->identity = rpc_identity_load(o->identity, error);
		if (!c->identity)
			return EXIT_BAD_INPUT;
	}
	for (size_t i = 0; i < n; i++) {
		open_archive(c, i);
		pools[i] = (struct publish_pool){o->pools.items[i].name, o->pools.items[i].what, c->archives[i]};
	}
	c->staples = staples_create(c->loop, n);
	c->publish = publish_create(c->loop, &publish);
	for (size_t i = 0; i < n; i++) {
		take_pin(c, i);
		if (publish.canary_hold_ms)
			take_quarantine(c, i);
	}
	server.identity = c->identity;
	server.data = c->publish;
	c->server = rpc_server_create(c->loop, &server);
	if (!c->server) {
		buf_add(error, STR("no socket could be made for the control channel"));
		return EXIT_NO_CONNECTION;
	}
	publish_attach(c->publish, c->server);
	return EXIT_FINE;
}

int controller_listen(struct controller *c, struct buf *error)
{
	for (size_t i = 0; i < c->options->listen.n; i++) {
		struct buf bound = {0};
		int result = rpc_server_listen(c->server, c->options->listen.items[i], &bound, error);

		buf_printf(&c->urls, " control=%s", buf_cstr(&bound));
		buf_deinit(&bound);
		if (result < 0)
			return EXIT_NO_CONNECTION;
	}
	return EXIT_FINE;
}

int controller_open_admin(struct controller *c, struct buf *error)
{
	struct admin_hooks hooks = {c, is_healthy, is_ready, add_metrics};
	int result = admin_open(c->loop, &c->options->admin, &hooks, &c->admin);
	char text[ADDR_TEXT_MAX];

	if (result < 0) {
		buf_printf(error, "--admin %s: %s", addr_text(&c->options->admin, text), uv_strerror(result));
		return EXIT_NO_CONNECTION;
	}
	return EXIT_FINE;
}

/* Not before all is in: who is asked about conflicts must know all Ingresses. */
int controller_open_admission(struct controller *c, struct buf *error)
{
	const struct controller_options *o = c->options;
	const struct admission_options options = {o->admission, o->admission_certificate, o->admission_key, o->admission_client_ca,
		c->store, &c->reconcile};
	int status = EXIT_FINE;

	if (o->has_admission)
		admission_open(c->loop, &options, error, &status, &c->admission);
	return status;
}

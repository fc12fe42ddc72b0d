/*
 * Events go into the store at once and are built together when pace.h says so: endpoints at once or a moment later, everything
 * else when it is quiet. A new Ingress is asked for admission on its way in; one that is refused is asked again whenever
 * something that all depend on has changed.
 *
 * A change builds the parts that it touches (parts.h), and is sent before its problems are told. Now and then, when it is
 * quiet, everything is built from nothing: it must end at the same id.
 */
#include "controller.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "admin.h"
#include "blame.h"
#include "admission.h"
#include "clock.h"
#include "default_certificate.h"
#include "endpoints.h"
#include "intake.h"
#include "keep.h"
#include "kube.h"
#include "log.h"
#include "mem.h"
#include "named.h"
#include "pace.h"
#include "parts.h"
#include "process.h"
#include "publish.h"
#include "rpc.h"
#include "snapshot.h"
#include "source.h"
#include "standing.h"
#include "store.h"
#include "told.h"

enum { KEY_MAX_BYTES = 64 * 1024 };
enum { SETTLING_MS = 10, LEAVE_MS = 200, AUDIT_MS = 10 * 60 * 1000, TICKETS_MAX_MS = 3600 * 1000 };

struct controller {
	uv_loop_t *loop;
	const struct controller_options *options;
	struct reconcile_options reconcile;
	struct store *store;
	struct source *source;          /* manifests; or */
	struct kubeapi *api;            /* the API server, and what is read from it */
	struct kube *kube;
	struct lookups *lookups;        /* of single objects; NULL with manifests */
	struct writes *writes;          /* to it, once there is something to serve */
	struct named named;
	struct rpc_identity *identity;
	struct rpc_server *server;
	struct publish *publish;
	struct archive *archive;        /* of snapshots */
	struct keep *keep;              /* on disk; NULL: it is not kept */
	struct admin *admin;
	uv_timer_t build_timer, audit_timer, ticket_timer, leave_timer;
	struct admission *admission;    /* or NULL */
	struct buf urls;                /* " control=tcp://…" for each */
	struct buf chain_pem, key_pem;  /* the generated certificate */
	struct buf origin;              /* "manifests a, b" or "API server https://…", for people */
	struct intake *intake;
	struct setting_values settings; /* of the last build */
	struct parts *parts;
	struct problems found;          /* by its builds */
	unsigned long found_version, store_version; /* of the problems that were told */
	struct problems told;           /* all that was logged and is listed: the store's and the build's, sorted */
	bool is_synced, is_ready, is_stopping;
	bool has_listed;                /* what is wanted by name can be said */
	struct pace pace;               /* of the events since the last build */
	bool is_audit_due;              /* something was built since the last one */
	uint64_t event_us, endpoint_event_us; /* of the first event that is not built yet, but for slices, and of slices; 0: none */
	uint64_t n_builds, n_parts_built, n_defects, build_us;
};

/* -------------------------------------------------------------------------------------------------------- building */

static void on_new_problem(void *owner, const struct problem *p)
{
	struct controller *c = owner;

	if (c->writes)
		writes_tell(c->writes, p);
}

static void tell_problems(struct controller *c)
{
	struct problems now = {0};
	unsigned long found = parts_problems_version(c->parts), stored = store_problems_version(c->store);

	if (c->found_version == found && c->store_version == stored)
		return;
	c->found_version = found;
	c->store_version = stored;
	problems_clear(&c->found);
	parts_problems(c->parts, &c->found);
	store_problems(c->store, &now);
	problems_add_all(&now, &c->found);
	problems_sort(&now);
	told_log(&c->told, &now, on_new_problem, c);
	problems_deinit(&c->told);
	c->told = now;
}

static void publish_it(struct controller *c, struct snapshot *s, uint64_t start_us, uint64_t event_us)
{
	bool is_structural;
	char id[16];

	c->n_builds++;
	c->n_parts_built += parts_last_count(c->parts);
	c->build_us = clock_mono_us() - start_us;
	s->event_us = c->is_ready ? event_us : 0;
	c->is_audit_due = true;
	if (publish_set_snapshot(c->publish, s)) /* which says what changed and who gets it */
		log_debug("controller", "built id=%s resources=%zu parts=%zu build_ms=%.1f", content_id_text(&s->id, id),
			content_count(s->content), parts_last_count(c->parts), (double)c->build_us / 1000);
	snapshot_unref(&s);
	tell_problems(c);
	if (!store_has_changes(c->store, &is_structural))
		publish_cover(c->publish, store_seq(c->store));
}

static void on_ticket_timer(uv_timer_t *timer);
static void schedule(struct controller *c, bool is_structural);

/* Wakes when other ticket keys are due, at most an hour from now: the wall clock may have been set meanwhile. */
static void await_tickets(struct controller *c)
{
	int64_t due_s = reconcile_ticket_due_s(&c->settings, c->reconcile.ticket_now_s);
	int64_t now_ms = (int64_t)clock_wall_ms(), wait_ms = due_s * 1000 - now_ms;

	uv_timer_stop(&c->ticket_timer);
	if (due_s && !c->is_stopping)
		uv_timer_start(&c->ticket_timer, on_ticket_timer,
			wait_ms < 0 ? 0 : wait_ms < TICKETS_MAX_MS ? (uint64_t)wait_ms : TICKETS_MAX_MS, 0);
}

static void build_all_changes(struct controller *c)
{
	uint64_t start_us = clock_mono_us(), event_us = c->event_us;

	/* What was set aside is asked again when something that all depend on changed. */
	if (store_has_everything(c->store))
		intake_retry(c->intake);
	if (!event_us || (c->endpoint_event_us && c->endpoint_event_us < event_us))
		event_us = c->endpoint_event_us;
	c->event_us = c->endpoint_event_us = 0;
	publish_it(c, parts_build(c->parts, clock_wall_ms()), start_us, event_us);
	await_tickets(c);
}

static void build_endpoints(struct controller *c)
{
	uint64_t start_us = clock_mono_us();
	struct snapshot *s = parts_build_endpoints(c->parts, clock_wall_ms());

	if (!s)
		return; /* they are part of what waits for more quiet */
	publish_it(c, s, start_us, c->endpoint_event_us);
	c->endpoint_event_us = 0;
}

/* Parts that a change should have touched and did not would be served for ever. */
static void audit(struct controller *c)
{
	struct snapshot *current = publish_current(c->publish), *anew;
	struct problems problems = {0};

	anew = reconcile_build(c->store, &c->reconcile, clock_wall_ms(), NULL, &problems);
	if (!content_id_eq(&anew->id, &current->id)) {
		c->n_defects++;
		log_error("controller", "what was built in parts is not what is built from nothing: this is a defect, and all is built anew");
		parts_forget(c->parts);
		build_all_changes(c);
	}
	snapshot_unref(&anew);
	problems_deinit(&problems);
	c->is_audit_due = false;
}

static void on_audit_timer(uv_timer_t *timer)
{
	struct controller *c = container_of(timer, struct controller, audit_timer);
	uint64_t wait_ms;

	if (c->is_audit_due && pace_due(&c->pace, clock_mono_ms(), &wait_ms) == PACE_NOTHING)
		audit(c);
}

/* A new Ingress is not to be served without its certificate, if that is on its way. */
static bool is_worth_waiting(const struct controller *c, uint64_t now_ms)
{
	return c->kube && kube_is_settling(c->kube) && now_ms < c->pace.first_ms + PACE_STRUCTURAL_MAX_MS;
}

static void on_build_timer(uv_timer_t *timer);

static void build(struct controller *c)
{
	uint64_t now_ms = clock_mono_ms(), wait_ms = SETTLING_MS;
	enum pace_due due = pace_due(&c->pace, now_ms, &wait_ms);

	if (due == PACE_ALL && is_worth_waiting(c, now_ms))
		due = PACE_WAIT;
	else if (due == PACE_ALL)
		build_all_changes(c);
	else if (due == PACE_ENDPOINTS)
		build_endpoints(c);
	pace_built(&c->pace, due, clock_mono_ms());
	if (due != PACE_WAIT)
		due = pace_due(&c->pace, clock_mono_ms(), &wait_ms);
	if (due != PACE_NOTHING)
		uv_timer_start(&c->build_timer, on_build_timer, due == PACE_WAIT ? wait_ms : 0, 0);
}

static void on_build_timer(uv_timer_t *timer)
{
	build(container_of(timer, struct controller, build_timer));
}

/* Something changed. What is due now is built when all that came with it has been taken: on the loop's next turn. */
static void schedule(struct controller *c, bool is_structural)
{
	uint64_t now_ms = clock_mono_ms(), wait_ms = 0;

	if (!c->is_synced || c->is_stopping)
		return;
	pace_event(&c->pace, is_structural, now_ms);
	pace_due(&c->pace, now_ms, &wait_ms);
	uv_timer_start(&c->build_timer, on_build_timer, wait_ms, 0);
}

static void on_ticket_timer(uv_timer_t *timer)
{
	struct controller *c = container_of(timer, struct controller, ticket_timer);
	int64_t now_s = (int64_t)(clock_wall_ms() / 1000);

	if (now_s >= reconcile_ticket_due_s(&c->settings, c->reconcile.ticket_now_s)) {
		c->reconcile.ticket_now_s = now_s;
		parts_forget(c->parts); /* nothing in the cluster says that they changed */
		schedule(c, true); /* its build waits for the next ones */
	} else {
		await_tickets(c);
	}
}

/* ---------------------------------------------------------------------------------------------------------- events */

static void begin_to_serve(struct controller *c);

static void follow_names(struct controller *c, const struct source_event *e)
{
	if (e->type == SOURCE_LISTED) {
		c->has_listed = true;
		named_all(&c->named);
	} else if (c->has_listed) {
		named_follow(&c->named, e);
	}
}

static void note_event(struct controller *c, enum object_kind kind)
{
	uint64_t *first_us = kind == KIND_ENDPOINT_SLICE ? &c->endpoint_event_us : &c->event_us;

	if (!*first_us)
		*first_us = clock_mono_us();
}

static void on_source_event(void *owner, const struct source_event *e)
{
	struct controller *c = owner;
	enum object_kind kind = e->object ? e->object->kind : e->kind;
	bool is_news = intake_take(c->intake, e);

	if (c->kube)
		follow_names(c, e);
	if (c->writes)
		writes_take(c->writes, e);
	if (e->type == SOURCE_SYNCED)
		c->is_synced = true;
	if (e->type == SOURCE_SYNCED && c->kube)
		begin_to_serve(c);
	if (is_news)
		note_event(c, kind);
	if (is_news)
		schedule(c, kind != KIND_ENDPOINT_SLICE || e->type == SOURCE_PROBLEMS);
}

/* ------------------------------------------------------------------------------------------------------- admin, rpc */

static bool is_ready(void *owner, struct buf *reason)
{
	struct controller *c = owner;

	if (c->is_stopping)
		buf_add(reason, STR("stopping"));
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
	if (c->keep)
		keep_metrics(c->keep, out);
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
}

static void tell_standing(void *data, struct str object, struct publish_standing *out, struct problems *faults)
{
	struct controller *c = data;

	standing_of(c->store, &c->reconcile, &c->found, object, out, faults);
}

static struct str who_leads(void *data)
{
	struct controller *c = data;

	return c->writes ? writes_leader(c->writes) : STR("");
}

static struct content *build_pinned_endpoints(void *data, struct content *pinned, struct content *live)
{
	struct controller *c = data;

	return endpoints_of_pinned(c->store, &c->reconcile, pinned, live);
}

static void look_up(void *data, struct str object, publish_found_fn *done, void *owner)
{
	struct controller *c = data;

	blame_object(c->lookups, c->store, object, done, owner);
}

static int keep_what_is_pinned(void *data, const struct pin *pin)
{
	struct controller *c = data;

	return c->keep ? keep_pin(c->keep, pin) : -ENOENT;
}

/* The past, from disk where there is a place for it; without one it begins now. */
static void open_archive(struct controller *c)
{
	struct keep_options options = {c->options->state_dir, c->identity, NULL};
	struct buf error = {0};

	c->archive = options.archive = archive_create(0, 0);
	if (!options.directory || !options.identity)
		return;
	c->keep = keep_open(c->loop, &options, &error);
	if (c->keep)
		keep_load(c->keep);
	else
		log_error("controller", "the history of snapshots is not kept: %s", buf_cstr(&error));
	buf_deinit(&error);
}

static void take_pin(struct controller *c)
{
	struct pin pin = {0};

	if (!c->keep || !keep_load_pin(c->keep, &pin))
		return;
	log_warn("controller", "a snapshot was pinned before this controller started, and still is by=%s reason=%s", pin.by, pin.reason);
	publish_take_pin(c->publish, &pin);
}

static int open_channel(struct controller *c, struct buf *error)
{
	const struct controller_options *o = c->options;
	struct publish_options publish = {.name = o->name, .source = buf_cstr(&c->origin), .data = c, .problems = list_problems,
		.standing = tell_standing, .look_up = look_up, .keep_pin = keep_what_is_pinned,
		.pinned_endpoints = build_pinned_endpoints, .leader = who_leads};
	struct rpc_server_options server = {.on_peer_gone = publish_peer_gone};

	if (!o->is_insecure) {
		c->identity = rpc_identity_load(o->identity, error);
		if (!c->identity)
			return EXIT_BAD_INPUT;
	}
	open_archive(c);
	publish.archive = c->archive;
	c->publish = publish_create(c->loop, &publish);
	take_pin(c);
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

static int listen_all(struct controller *c, struct buf *error)
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

static int open_admin(struct controller *c, struct buf *error)
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
static int open_admission(struct controller *c, struct buf *error)
{
	const struct controller_options *o = c->options;
	const struct admission_options options = {o->admission, o->admission_certificate, o->admission_key, o->admission_client_ca,
		c->store, &c->reconcile};
	int status = EXIT_FINE;

	if (o->has_admission)
		admission_open(c->loop, &options, error, &status, &c->admission);
	return status;
}

/* -------------------------------------------------------------------------------------------------- open and close */

static void read_secret(const char *directory, const char *name, struct buf *out)
{
	struct buf path = {0};
	FILE *file;

	buf_printf(&path, "%s/%s", directory, name);
	file = fopen(buf_cstr(&path), "re");
	if (file) {
		out->len = fread(buf_reserve(out, KEY_MAX_BYTES), 1, KEY_MAX_BYTES, file);
		fclose(file);
	}
	buf_deinit(&path);
}

/*
 * What replicas share and what outlives a restart: session.key of the identity, or its tls.key where nobody made one. Without
 * an identity the generated certificate must do.
 */
static void make_shared_keys(struct controller *c)
{
	const char *identity = c->options->identity;
	struct buf secret = {0};

	if (identity)
		read_secret(identity, "session.key", &secret);
	if (identity && !secret.len)
		read_secret(identity, "tls.key", &secret);
	reconcile_affinity_key(secret.len ? buf_str(&secret) : buf_str(&c->key_pem), c->reconcile.affinity_key);
	reconcile_ticket_root(secret.len ? buf_str(&secret) : buf_str(&c->key_pem), c->reconcile.ticket_root);
	c->reconcile.ticket_now_s = (int64_t)(clock_wall_ms() / 1000);
	if (secret.ptr)
		mem_wipe(secret.ptr, secret.len);
	buf_deinit(&secret);
}

static int make_certificate(struct controller *c, struct buf *error)
{
	const struct controller_options *o = c->options;
	const char *directory = o->state_dir ? o->state_dir : o->identity;
	bool is_kept;

	if (!default_certificate_get(directory, &c->chain_pem, &c->key_pem, &is_kept)) {
		buf_add(error, STR("the default certificate cannot be made"));
		return EXIT_BAD_INPUT;
	}
	if (!is_kept)
		log_info("controller", "the default certificate lives as long as this process: give --state-dir to keep it");
	c->reconcile.generated_chain_pem = buf_str(&c->chain_pem);
	c->reconcile.generated_key_pem = buf_str(&c->key_pem);
	make_shared_keys(c);
	return EXIT_FINE;
}

static int open_kube(struct controller *c)
{
	const struct reconcile_options *r = &c->reconcile;
	const struct kube_options options = {
		.namespaces = r->watch_namespaces,
		.n_namespaces = r->n_watch_namespaces,
		.namespace_selector = c->options->namespace_selector,
		.configmap = r->configmap,
		.default_certificate = r->default_ssl_certificate,
		.default_backend = r->default_backend_service,
		.publish_service = str_from(c->options->writes.publish_service),
	};

	log_info("controller", "objects come from the %s", buf_cstr(&c->origin));
	c->writes = writes_open(
		&(struct writes_place){c->loop, c->api, c->store, c->intake, &c->reconcile, &c->told, on_source_event, c}, &c->options->writes);
	c->kube = kube_open(c->loop, c->api, &options, on_source_event, c);
	c->named = (struct named){c->kube, c->store, c->intake, &c->reconcile};
	return EXIT_FINE;
}

static int open_source(struct controller *c, struct buf *error)
{
	const struct opt_list *paths = &c->options->manifests;

	if (c->api)
		return open_kube(c);

	if (source_files_open(c->loop, paths->items, paths->n, on_source_event, c, error, &c->source) < 0)
		return EXIT_BAD_INPUT;
	return EXIT_FINE;
}

/* What all hosts depend on. */
static void note_reads(struct controller *c)
{
	const struct {
		enum object_kind kind;
		struct str path;
	} named[] = {{KIND_CONFIG_MAP, c->reconcile.configmap}, {KIND_CONFIG_MAP, c->reconcile.tcp_services_configmap},
		{KIND_CONFIG_MAP, c->reconcile.udp_services_configmap}, {KIND_SECRET, c->reconcile.default_ssl_certificate},
		{KIND_SERVICE, c->reconcile.default_backend_service}};
	struct buf keys[5] = {0};
	struct str texts[5];
	size_t n = 0;

	for (size_t i = 0; i < 5; i++) {
		size_t slash = str_find(named[i].path, '/');

		if (slash == named[i].path.len)
			continue;
		object_key(named[i].kind, str_first(named[i].path, slash), str_from_index(named[i].path, slash + 1), &keys[n]);
		texts[n] = buf_str(&keys[n]);
		n++;
	}
	store_set_reads(c->store, STORE_EVERYTHING, texts, n);
	for (size_t i = 0; i < n; i++)
		buf_deinit(&keys[i]);
}

/* Before anything else: it decides where objects come from. */
static int open_api(struct controller *c, struct buf *error)
{
	const struct kubeapi_options api = {c->options->kubeconfig, c->options->context};
	const struct opt_list *paths = &c->options->manifests;

	if (paths->n) {
		buf_add(&c->origin, STR("manifests "));
		for (size_t i = 0; i < paths->n; i++)
			buf_printf(&c->origin, "%s%s", i ? ", " : "", paths->items[i]);
		return EXIT_FINE;
	}
	if (!kubeapi_open(c->loop, &api, error, &c->api))
		return EXIT_BAD_INPUT;
	c->lookups = lookups_create(c->api);
	buf_printf(&c->origin, "API server %.*s", STR_ARG(kubeapi_server(c->api)));
	return EXIT_FINE;
}

/* All is in: the first snapshot, before anybody can ask, and then the door is opened. */
static void begin_to_serve(struct controller *c)
{
	struct buf error = {0};
	int status;

	build_all_changes(c);
	status = listen_all(c, &error);
	if (status == EXIT_FINE)
		status = open_admission(c, &error);
	c->is_ready = status == EXIT_FINE;
	if (c->writes && c->is_ready)
		writes_begin(c->writes);
	c->options->on_ready(c->options->owner, c, status, &error);
	buf_deinit(&error);
}

int controller_open(uv_loop_t *loop, const struct controller_options *options, struct buf *error, struct controller **out)
{
	static int (*const steps[])(struct controller *, struct buf *) = {open_api, open_channel, open_admin, make_certificate,
		open_source};
	struct controller *c = mem_zalloc(sizeof(*c));

	*out = c;
	c->loop = loop;
	c->options = options;
	c->reconcile = options->reconcile;
	c->reconcile.last_settings = &c->settings;
	c->store = store_create();
	c->intake = intake_create(c->store, &c->reconcile);
	c->parts = parts_create(c->store, &c->reconcile, &c->settings);
	uv_timer_init(loop, &c->build_timer);
	uv_timer_init(loop, &c->audit_timer);
	uv_timer_start(&c->audit_timer, on_audit_timer, AUDIT_MS, AUDIT_MS);
	uv_timer_init(loop, &c->ticket_timer);
	uv_timer_init(loop, &c->leave_timer);
	note_reads(c);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int result = steps[i](c, error);

		if (result != EXIT_FINE)
			return result;
	}
	if (c->is_synced)
		begin_to_serve(c);
	return EXIT_FINE;
}

void controller_ready_line(const struct controller *c, struct buf *out)
{
	char text[ADDR_TEXT_MAX];

	buf_printf(out, "ready%.*s admin=%s", STR_ARG(buf_str(&c->urls)), addr_text(admin_bound(c->admin), text));
	if (c->admission)
		buf_printf(out, " admission=%s", addr_text(admission_bound(c->admission), text));
}

static void on_server_closed(void *data)
{
	struct controller *c = data;

	publish_close(c->publish, NULL, NULL);
	keep_close(c->keep);
	c->publish = NULL;
}

/* The proxies have been told, or had their time. */
static void on_leave_timer(uv_timer_t *timer)
{
	struct controller *c = container_of(timer, struct controller, leave_timer);

	admin_close(c->admin, NULL);
	admission_close(c->admission);
	rpc_server_close(c->server, on_server_closed, c);
	uv_close((uv_handle_t *)&c->build_timer, NULL);
	uv_close((uv_handle_t *)&c->audit_timer, NULL);
	uv_close((uv_handle_t *)&c->ticket_timer, NULL);
	uv_close((uv_handle_t *)&c->leave_timer, NULL);
}

void controller_stop(struct controller *c)
{
	if (c->is_stopping)
		return;
	c->is_stopping = true;
	log_info("controller", "stopping: proxies keep serving and look for another controller");
	uv_timer_stop(&c->build_timer);
	uv_timer_stop(&c->audit_timer);
	uv_timer_stop(&c->ticket_timer);
	if (c->source)
		source_close(c->source, NULL);
	if (c->kube)
		kube_close(c->kube, NULL);
	lookups_destroy(c->lookups);
	c->lookups = NULL;
	if (c->writes)
		writes_close(c->writes);
	else if (c->api)
		kubeapi_close(c->api, NULL, NULL);
	c->kube = NULL;
	c->writes = NULL;
	c->api = NULL;
	publish_leave(c->publish);
	uv_timer_start(&c->leave_timer, on_leave_timer, LEAVE_MS, 0);
}

void controller_destroy(struct controller *c)
{
	intake_destroy(c->intake);
	parts_destroy(c->parts);
	store_destroy(c->store);
	archive_destroy(c->archive);
	rpc_identity_destroy(c->identity);
	settings_deinit(&c->settings);
	problems_deinit(&c->found);
	problems_deinit(&c->told);
	if (c->key_pem.ptr)
		mem_wipe(c->key_pem.ptr, c->key_pem.len);
	buf_deinit(&c->key_pem);
	buf_deinit(&c->chain_pem);
	buf_deinit(&c->urls);
	buf_deinit(&c->origin);
	mem_free(c);
}

/* Opens and closes everything: where objects come from, the store between, and whoever asks. */
#include "controller.h"

#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "controller_private.h"
#include "default_certificate.h"
#include "log.h"
#include "lookup.h"
#include "mem.h"

enum { KEY_MAX_BYTES = 64 * 1024 };
enum { LEAVE_MS = 200, AUDIT_MS = 10 * 60 * 1000 };

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
		.wants_namespaces = pools_want_namespaces(&c->options->pools),
		.configmap = r->configmap,
		.default_certificate = r->default_ssl_certificate,
		.default_backend = r->default_backend_service,
		.publish_services = c->options->writes.publish_services,
		.n_publish_services = c->options->writes.n_publish_services,
	};

	log_info("controller", "objects come from the %s", buf_cstr(&c->origin));
	c->writes = writes_open(
		&(struct writes_place){c->loop, c->api, c->store, c->intake, &c->reconcile,
			c->options->identity, &c->told, controller_on_source_event, c}, &c->options->writes);
	c->kube = kube_open(c->loop, c->api, &options, controller_on_source_event, c);
	c->named = (struct named){c->kube, c->store, c->intake, &c->reconcile};
	return EXIT_FINE;
}

static int open_source(struct controller *c, struct buf *error)
{
	const struct opt_list *paths = &c->options->manifests;

	if (c->api)
		return open_kube(c);

	if (source_files_open(c->loop, paths->items, paths->n, controller_on_source_event, c, error, &c->source) < 0)
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
void controller_begin_to_serve(struct controller *c)
{
	struct buf error = {0};
	int status;

	controller_build_all(c);
	status = controller_listen(c, &error);
	if (status == EXIT_FINE)
		status = controller_open_admission(c, &error);
	c->is_ready = status == EXIT_FINE;
	if (c->writes && c->is_ready)
		writes_begin(c->writes);
	c->options->on_ready(c->options->owner, c, status, &error);
	buf_deinit(&error);
}

int controller_open(uv_loop_t *loop, const struct controller_options *options, struct buf *error, struct controller **out)
{
	static int (*const steps[])(struct controller *, struct buf *) = {open_api, controller_open_channel, controller_open_admin, make_certificate,
		open_source};
	struct controller *c = mem_zalloc(sizeof(*c));

	*out = c;
	c->loop = loop;
	c->options = options;
	c->reconcile = options->reconcile;
	c->reconcile.last_settings = &c->settings;
	c->reconcile.pools = &options->pools;
	c->store = store_create();
	c->intake = intake_create(c->store, &c->reconcile);
	c->parts = parts_create(c->store, &c->reconcile, &c->settings);
	uv_timer_init(loop, &c->build_timer);
	uv_timer_init(loop, &c->audit_timer);
	uv_timer_start(&c->audit_timer, controller_on_audit_timer, AUDIT_MS, AUDIT_MS);
	uv_timer_init(loop, &c->ticket_timer);
	uv_timer_init(loop, &c->leave_timer);
	note_reads(c);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int result = steps[i](c, error);

		if (result != EXIT_FINE)
			return result;
	}
	if (c->is_synced)
		controller_begin_to_serve(c);
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
	staples_close(c->staples);
	for (size_t i = 0; i < c->options->pools.n; i++)
		keep_close(c->keeps[i]);
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

static void on_grace_over(uv_timer_t *timer)
{
	controller_stop(container_of(timer, struct controller, leave_timer));
}

bool controller_leave(struct controller *c)
{
	if (!c->admission || !c->options->shutdown_grace_s || c->is_leaving || c->is_stopping) {
		controller_stop(c);
		return true;
	}
	c->is_leaving = true;
	log_info("controller", "leaving: not ready, answering the API server for another %u s", c->options->shutdown_grace_s);
	admission_leave(c->admission);
	uv_timer_start(&c->leave_timer, on_grace_over, c->options->shutdown_grace_s * 1000ull, 0);
	return false;
}

void controller_destroy(struct controller *c)
{
	intake_destroy(c->intake);
	parts_destroy(c->parts);
	store_destroy(c->store);
	for (size_t i = 0; i < c->options->pools.n; i++)
		archive_destroy(c->archives[i]);
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

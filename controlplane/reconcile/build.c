/* A pass over the store: what all stages share, and the whole build. */
#include "mem.h"
#include "pass.h"

void reconcile_options_init(struct reconcile_options *options)
{
	*options = (struct reconcile_options){
		.ingress_class = STR("nginx"),
		.controller_class = STR("k8s.io/ingress-nginx"),
		.annotations_prefix = STR("nginx.ingress.kubernetes.io"),
	};
}

static void read_settings(struct reconcile *pass)
{
	const struct reconcile_options *options = pass->options;
	const struct object *map = store_get_path(pass->untracked, KIND_CONFIG_MAP, options->configmap);

	settings_parse(map, options->last_settings, &pass->settings, &pass->settings_problems);
	if (options->configmap.len > 0 && !map)
		result_problem(&pass->settings_problems, SEVERITY_WARN, STR("--configmap"), "", options->configmap,
			"a ConfigMap that exists", "create it, or name one that exists", "all settings have their defaults");
}

struct reconcile *reconcile_begin(struct store *store, const struct reconcile_options *options)
{
	struct reconcile *pass = mem_zalloc(sizeof(*pass));
	const struct setting *settings = pass->settings.items;

	pass->untracked = store;
	pass->result_number = 1;
	pass->options = options;
	pass->pool = options->pool;
	read_settings(pass);
	pass->annotations = (struct annotation_options){
		.prefix = options->annotations_prefix,
		.max_risk = (enum annotation_risk)settings[SETTING_ANNOTATIONS_RISK_LEVEL].value.number,
		.blocklist = settings[SETTING_ANNOTATION_VALUE_WORD_BLOCKLIST].value.items,
		.n_blocklist = settings[SETTING_ANNOTATION_VALUE_WORD_BLOCKLIST].value.n,
	};
	return pass;
}

static void end_views(struct reconcile *pass)
{
	size_t cursor = 0;
	void *value;

	while (map_next(&pass->views, &cursor, NULL, &value)) {
		struct view *view = value;

		annotation_values_deinit(&view->annotations);
		problems_deinit(&view->problems);
	}
	map_deinit(&pass->views);
}

void reconcile_end(struct reconcile *pass)
{
	if (!pass)
		return;
	end_views(pass);
	alias_end(pass);
	backend_tls_end(pass);
	client_auth_end(pass);
	tls_end(pass);
	settings_deinit(&pass->settings);
	problems_deinit(&pass->settings_problems);
	problems_deinit(&pass->tcp_problems);
	arena_deinit(&pass->arena);
	arena_deinit(&pass->scratch);
	mem_free(pass);
}

void reconcile_take_settings(struct reconcile *pass, struct setting_values *out)
{
	*out = pass->settings;
	memset(&pass->settings, 0, sizeof(pass->settings));
}

bool reconcile_admit(struct store *store, const struct reconcile_options *options, const struct object *ingress,
	struct problems *problems)
{
	struct reconcile *pass = reconcile_begin(store, options);
	struct view *view = view_of(pass, ingress);
	bool is_admitted = !view->is_ours || !view->is_rejected;

	if (!is_admitted)
		problems_add_all(problems, &view->problems);
	reconcile_end(pass);
	return is_admitted;
}

static void add_service(struct map *services, struct arena *arena, struct str namespace_, const struct ingress_backend *backend)
{
	static int present;

	if (backend->is_set && !backend->is_resource && backend->service.len > 0)
		map_put(services, arena_printf(arena, "%.*s/%.*s", STR_ARG(namespace_), STR_ARG(backend->service)), &present);
}

static void add_services(struct map *services, struct arena *arena, const struct view *view)
{
	const struct ingress *ingress = &view->object->ingress;

	add_service(services, arena, view->object->namespace_, &ingress->default_backend);
	for (size_t r = 0; r < ingress->n_rules; r++) {
		for (size_t p = 0; p < ingress->rules[r].n_paths; p++)
			add_service(services, arena, view->object->namespace_, &ingress->rules[r].paths[p].backend);
	}
}

void reconcile_services_of_all(struct reconcile *pass, struct map *services, struct arena *arena)
{
	struct object_list all = store_list(pass->untracked, KIND_INGRESS);
	size_t n_tcp;
	const struct tcp_entry *tcp = tcp_entries(pass, &n_tcp);

	if (pass->options->default_backend_service.len > 0)
		map_put(services, pass->options->default_backend_service, pass);
	for (size_t i = 0; i < all.n; i++) {
		struct view *view = view_of(pass, all.items[i]);

		if (view->is_served || view->is_canary)
			add_services(services, arena, view);
	}
	for (size_t i = 0; i < n_tcp; i++) {
		const struct ingress_backend backend = {.is_set = true, .service = tcp[i].service};

		add_service(services, arena, tcp[i].namespace_, &backend);
	}
}

static void build_services(struct reconcile *pass, struct reconcile_result *result)
{
	struct map services = {0};
	size_t cursor = 0;
	struct str name;
	void *value;

	reconcile_services_of_all(pass, &services, &result->arena);
	while (map_next(&services, &cursor, &name, &value))
		reconcile_service(pass, name, result);
	map_deinit(&services);
}

/* What all hosts depend on and the store cannot know by itself, so that a change of it is a change. */
void reconcile_note_reads(struct reconcile *pass)
{
	const struct reconcile_options *o = pass->options;
	const struct setting *settings = pass->settings.items;
	const struct {
		const char *kind;
		struct str path;
	} reads[] = {
		{"ConfigMap", o->configmap},
		{"ConfigMap", o->tcp_services_configmap},
		{"ConfigMap", o->udp_services_configmap},
		{"Secret", o->default_ssl_certificate},
		{"Service", o->default_backend_service},
		{"Secret", settings[SETTING_SSL_DH_PARAM].value.text},
		{"ConfigMap", settings[SETTING_ADD_HEADERS].value.text},
		{"ConfigMap", settings[SETTING_PROXY_SET_HEADERS].value.text},
	};

	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		if (reads[i].path.len > 0)
			pass_note(pass, arena_printf(&pass->arena, "%s %.*s", reads[i].kind, STR_ARG(reads[i].path)));
	}
}

void reconcile_everything(struct reconcile *pass, struct reconcile_result *result)
{
	struct host_list hosts = store_hosts(pass->untracked);
	struct reads reads = {0};

	pass->reads = &reads;
	reconcile_settings(pass, result);
	reconcile_note_reads(pass);
	store_set_reads(pass->untracked, STORE_EVERYTHING, reads.keys, reads.n);
	pass->reads = NULL;
	reads_deinit(&reads);
	reconcile_host(pass, STR("_"), result);
	for (size_t i = 0; i < hosts.n; i++) {
		if (!str_eq(hosts.names[i], STR("_")))
			reconcile_host(pass, hosts.names[i], result);
	}
	build_services(pass, result);
	tcp_put_all(pass, result);
}

struct snapshot *reconcile_build(struct store *store, const struct reconcile_options *options, uint64_t built_ms,
	struct setting_values *last, struct problems *problems)
{
	struct reconcile_options with_last = *options;
	struct reconcile_result result;
	struct reconcile *pass;
	struct snapshot *snapshot;

	if (last)
		with_last.last_settings = last;
	pass = reconcile_begin(store, &with_last);
	reconcile_result_init(&result);
	reconcile_everything(pass, &result);
	snapshot = reconcile_result_finish(&result, built_ms);
	problems_add_all(problems, &result.problems);
	if (last) {
		settings_deinit(last);
		reconcile_take_settings(pass, last);
	}
	reconcile_result_deinit(&result);
	reconcile_end(pass);
	return snapshot;
}

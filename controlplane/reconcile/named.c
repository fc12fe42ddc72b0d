/* What must be fetched by name, because objects or settings refer to it: no list of the API server gives it. */
#include "pass.h"

#include "mem.h"

struct names {
	struct arena *arena;
	struct str *items;
	size_t n, cap;
};

static void add(struct names *names, const char *kind, struct str namespace_, struct str name)
{
	if (!name.len)
		return;
	names->items = mem_grow(names->items, &names->cap, names->n + 1, sizeof(*names->items));
	names->items[names->n++] = namespace_.len
		? arena_printf(names->arena, "%s %.*s/%.*s", kind, STR_ARG(namespace_), STR_ARG(name))
		: arena_printf(names->arena, "%s %.*s", kind, STR_ARG(name));
}

/* Into the arena, where the texts are. */
static size_t finish(struct names *names, struct str **out)
{
	*out = names->n ? arena_alloc(names->arena, names->n * sizeof(**out)) : NULL;
	if (names->n)
		memcpy(*out, names->items, names->n * sizeof(**out));
	mem_free(names->items);
	return names->n;
}

static bool may_cross(struct store *store, const struct reconcile_options *options)
{
	const struct object *map = store_get_path(store, KIND_CONFIG_MAP, options->configmap);
	const struct str *written = map ? pair_find(map->config_map.data, map->config_map.n_data,
						  str_from(settings_rows[SETTING_ALLOW_CROSS_NAMESPACE_RESOURCES].name)) : NULL;
	bool is_allowed;

	return written && value_bool(*written, &is_allowed) && is_allowed;
}

/* Whatever else its annotations say: one that is refused may be taken when its Secret is there. */
static void add_annotated(struct names *names, struct store *store, const struct reconcile_options *options,
	const struct object *ingress)
{
	struct str prefix = options->annotations_prefix;
	const char *name;

	for (size_t i = 0; (name = secret_annotation(i)); i++) {
		struct str key = arena_printf(names->arena, "%.*s/%s", STR_ARG(prefix), name);
		const struct str *written = pair_find(ingress->annotations, ingress->n_annotations, key);
		struct str namespace_, secret;

		if (written && value_ref(*written, &namespace_, &secret) &&
			(str_eq(namespace_, ingress->namespace_) || may_cross(store, options)))
			add(names, "Secret", namespace_, secret);
	}
}

size_t reconcile_ingress_names(struct store *store, const struct reconcile_options *options, const struct object *ingress,
	struct arena *arena, struct str **out)
{
	struct names names = {.arena = arena};

	if (reconcile_takes(store, options, ingress)) {
		add_annotated(&names, store, options, ingress);
		for (size_t i = 0; i < ingress->ingress.n_tls; i++)
			add(&names, "Secret", ingress->namespace_, ingress->ingress.tls[i].secret);
	}
	return finish(&names, out);
}

size_t reconcile_settings_names(struct store *store, const struct reconcile_options *options, struct arena *arena,
	struct str **out)
{
	struct reconcile *pass = reconcile_begin(store, options);
	struct names names = {.arena = arena};

	add(&names, "Secret", STR(""), pass->settings.items[SETTING_SSL_DH_PARAM].value.text);
	add(&names, "ConfigMap", STR(""), pass->settings.items[SETTING_ADD_HEADERS].value.text);
	add(&names, "ConfigMap", STR(""), pass->settings.items[SETTING_PROXY_SET_HEADERS].value.text);
	add(&names, "ConfigMap", STR(""), options->tcp_services_configmap);
	add(&names, "ConfigMap", STR(""), options->udp_services_configmap);
	reconcile_end(pass);
	return finish(&names, out);
}

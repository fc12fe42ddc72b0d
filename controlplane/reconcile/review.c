/*
 * One Ingress asked what would become of it (N10), by the stages that build: beside it go the Ingresses that share a host, an
 * alias or a Service with it, in a store of their own. So it costs what these cost, and the store that is served stays as it is.
 */
#include "mem.h"
#include "pass.h"

/* The question, and the little cluster in which it is answered. */
struct asking {
	struct store *store, *beside;
	const struct reconcile_options *options;
	const struct object *ingress;
	struct problems *problems;
	struct arena arena;
	struct str *hosts, *services; /* those of the Ingress; in `arena` */
	size_t n_hosts, n_services;
	bool is_catch_all_out; /* --disable-catch-all keeps it out */
};

/* ----------------------------------------------------------------------------------------------- the little cluster */

/* Objects are counted and never change, so two stores can have the same one. */
static void put(struct asking *a, const struct object *o)
{
	store_put(a->beside, object_ref((struct object *)(uintptr_t)o), NULL);
}

static void take(struct asking *a, const struct object *o)
{
	if (o && !str_eq(o->key, a->ingress->key) && !store_get(a->beside, o->kind, o->namespace_, o->name))
		put(a, o);
}

static void take_all(struct asking *a, struct object_list list)
{
	for (size_t i = 0; i < list.n; i++)
		take(a, list.items[i]);
}

static void add_host(struct asking *a, struct map *seen, struct str host)
{
	if (map_put(seen, host, a))
		return;
	a->hosts[a->n_hosts++] = host;
	take_all(a, store_host_ingresses(a->store, host));
}

static void add_service(struct asking *a, struct map *seen, const struct ingress_backend *backend)
{
	struct str namespace_ = a->ingress->namespace_;
	struct str path = arena_printf(&a->arena, "%.*s/%.*s", STR_ARG(namespace_), STR_ARG(backend->service));

	if (!backend->is_set || backend->is_resource || !backend->service.len || map_put(seen, path, a))
		return;
	a->services[a->n_services++] = path;
	take(a, store_get(a->store, KIND_SERVICE, namespace_, backend->service));
	take_all(a, store_slices(a->store, namespace_, backend->service));
	take_all(a, store_service_ingresses(a->store, namespace_, backend->service));
}

static void add_what_it_names(struct asking *a)
{
	const struct ingress *ingress = &a->ingress->ingress;
	struct map hosts = {0}, services = {0};
	size_t n_paths = 0;

	for (size_t r = 0; r < ingress->n_rules; r++)
		n_paths += ingress->rules[r].n_paths;
	a->hosts = arena_alloc(&a->arena, (ingress->n_rules + 1) * sizeof(*a->hosts));
	a->services = arena_alloc(&a->arena, (n_paths + 1) * sizeof(*a->services));
	add_service(a, &services, &ingress->default_backend);
	for (size_t r = 0; r < ingress->n_rules; r++) {
		add_host(a, &hosts, host_name(&a->arena, ingress->rules[r].host));
		for (size_t p = 0; p < ingress->rules[r].n_paths; p++)
			add_service(a, &services, &ingress->rules[r].paths[p].backend);
	}
	if (!ingress->n_rules)
		add_host(a, &hosts, STR("_")); /* B8 */
	map_deinit(&hosts);
	map_deinit(&services);
}

static void add_secrets(struct asking *a)
{
	struct str *keys;
	size_t n = reconcile_ingress_names(a->store, a->options, a->ingress, &a->arena, &keys);

	for (size_t i = 0; i < n; i++) /* "Secret default/web" */
		take(a, store_get_path(a->store, KIND_SECRET, str_from_index(keys[i], str_find(keys[i], ' ') + 1)));
}

/* B5: who has which alias depends on all that have any, and on the hosts of that name. */
static void add_aliases(struct asking *a, const struct view *view)
{
	const struct annotation *aliases = annotation_get(&view->annotations, ANNOTATION_SERVER_ALIAS);
	struct object_list all = store_list(a->store, KIND_INGRESS);

	for (size_t i = 0; aliases && i < aliases->value.n; i++)
		take_all(a, store_host_ingresses(a->store, host_name(&a->arena, aliases->value.items[i])));
	for (size_t i = 0; aliases && i < all.n; i++) {
		if (object_annotation(all.items[i], aliases->name))
			take(a, all.items[i]);
	}
}

static void make_cluster(struct asking *a, const struct view *view)
{
	a->beside = store_create();
	take_all(a, store_list(a->store, KIND_INGRESS_CLASS));
	take_all(a, store_list(a->store, KIND_NAMESPACE));
	take(a, store_get_path(a->store, KIND_CONFIG_MAP, a->options->configmap));
	put(a, a->ingress);
	add_what_it_names(a);
	add_secrets(a);
	add_aliases(a, view);
}

/* -------------------------------------------------------------------------------------------------------- judgement */

/* The name of an annotation that we read, without its prefix; "" for another field. */
static struct str annotation_of(const struct asking *a, struct str field, bool *is_own)
{
	size_t slash = str_find(field, '/');

	*is_own = str_eq(str_first(field, slash), STR(ANNOTATION_OWN_PREFIX));
	if (slash < field.len && (*is_own || str_eq(str_first(field, slash), a->options->annotations_prefix)))
		return str_from_index(field, slash + 1);
	return STR("");
}

/* Protection that we do not enforce yet is no mistake of whoever writes it. */
static bool is_unserved(const struct asking *a, struct str field)
{
	bool is_own;
	struct str name = annotation_of(a, field, &is_own);
	const struct annotation_row *row = name.len ? annotation_find(name, is_own) : NULL;

	return row && row->status == STATUS_DENIES;
}

/* Whether the problem is about a Secret of the Ingress's own namespace, and which. */
static bool is_about_secret(const struct asking *a, const struct problem *p, struct str *secret)
{
	bool is_own;
	struct str name = annotation_of(a, p->field, &is_own), namespace_;
	const char *naming;

	*secret = p->value;
	if (str_starts_with(p->field, STR("spec.tls")))
		return true;
	for (size_t i = 0; !is_own && (naming = secret_annotation(i)); i++) {
		if (str_eq(name, str_from(naming)))
			return value_ref(p->value, &namespace_, secret) && str_eq(namespace_, a->ingress->namespace_);
	}
	return false;
}

/*
 * A Secret may come after its Ingress, as cert-manager has it, so it is never a reason to refuse; and one that nobody referred to
 * before is not known here yet, so nothing can be said of it.
 */
static bool is_worth_telling(const struct asking *a, const struct problem *p, enum severity *severity)
{
	struct str secret;
	bool is_of_secret = is_about_secret(a, p, &secret);

	*severity = p->severity;
	if (is_of_secret || is_unserved(a, p->field))
		*severity = SEVERITY_WARN;
	else if (a->is_catch_all_out && str_eq(p->field, STR("spec.defaultBackend")))
		*severity = SEVERITY_FAULT;
	return str_eq(p->object, a->ingress->key) &&
		(!is_of_secret || store_get(a->store, KIND_SECRET, a->ingress->namespace_, secret));
}

static void tell(const struct asking *a, const struct problems *found)
{
	for (size_t i = 0; i < found->n; i++) {
		struct problems one = {.items = &found->items[i], .n = 1};
		enum severity severity;

		if (!is_worth_telling(a, &found->items[i], &severity))
			continue;
		problems_add_all(a->problems, &one);
		a->problems->items[a->problems->n - 1].severity = severity;
	}
}

/* With another prefix those of the usual one have no effect, which nobody would expect who wrote them (N10). */
static void tell_other_prefix(struct asking *a)
{
	struct str usual = STR("nginx.ingress.kubernetes.io"), name;

	if (str_eq(usual, a->options->annotations_prefix))
		return;
	for (size_t i = 0; i < a->ingress->n_annotations; i++) {
		const struct pair *p = &a->ingress->annotations[i];

		name = str_from_index(p->name, usual.len + 1);
		if (!str_starts_with(p->name, usual) || !name.len || p->name.ptr[usual.len] != '/')
			continue;
		problems_add(a->problems, &(struct problem){.severity = SEVERITY_FAULT, .object = a->ingress->key, .field = p->name,
			.rule = STR("this controller reads annotations under another prefix (--annotations-prefix)"),
			.fix = arena_printf(&a->arena, "write %.*s/%.*s", STR_ARG(a->options->annotations_prefix), STR_ARG(name)),
			.effect = STR("it has no effect")});
	}
}

/* In the pool that the pass is at. */
static void build_pool(struct asking *a, struct reconcile *pass)
{
	struct reconcile_result result;

	pass->result_number++;
	reconcile_result_init(&result);
	for (size_t i = 0; i < a->n_hosts; i++)
		reconcile_host(pass, a->hosts[i], &result);
	for (size_t i = 0; i < a->n_services; i++)
		reconcile_service(pass, a->services[i], &result);
	view_tell(pass, view_of(pass, a->ingress), &result);
	tell(a, &result.problems);
	reconcile_result_deinit(&result);
}

/* In each pool that it belongs to: what stands in its way in one of them is in its way. */
static void build_it(struct asking *a)
{
	struct reconcile *pass = reconcile_begin(a->beside, a->options);
	uint64_t pools = view_of(pass, a->ingress)->pools;

	for (pass->pool = 0; pass->pool < pool_count(pass); pass->pool++) {
		if (!pools || pools & pool_bit(pass->pool))
			build_pool(a, pass);
	}
	reconcile_end(pass);
}

bool reconcile_review(struct store *store, const struct reconcile_options *options, const struct object *ingress,
	struct problems *problems)
{
	struct asking a = {.store = store, .options = options, .ingress = ingress, .problems = problems};
	struct reconcile *pass = reconcile_begin(store, options);
	struct view *view = view_of(pass, ingress);
	bool is_ours = view->is_ours, is_in = view->is_served || view->is_canary;

	a.is_catch_all_out = !is_in && !view->is_rejected;
	if (is_ours && is_in) {
		make_cluster(&a, view);
		build_it(&a);
	} else if (is_ours) {
		tell(&a, &view->problems);
	}
	if (is_ours)
		tell_other_prefix(&a);
	reconcile_end(pass);
	store_destroy(a.beside);
	arena_deinit(&a.arena);
	problems_sort(problems);
	return is_ours;
}

/* An Ingress as we take it, read once a pass: class, annotations, and what keeps it out as a whole. */
#include "mem.h"
#include "pass.h"

/* C19 */
static bool is_strict_path(struct str path)
{
	return path.len == 0 || (path.ptr[0] == '/' && value_has_only(path, "/._-"));
}

static bool has_strict_paths(const struct reconcile *pass, const struct object *ingress, struct problems *problems)
{
	bool is_good = true;

	if (!pass->settings.items[SETTING_STRICT_VALIDATE_PATH_TYPE].value.flag)
		return true;
	for (size_t r = 0; r < ingress->ingress.n_rules; r++) {
		const struct ingress_rule *rule = &ingress->ingress.rules[r];

		for (size_t p = 0; p < rule->n_paths; p++) {
			struct buf field = {0};

			if (rule->paths[p].type == PATH_IMPLEMENTATION_SPECIFIC || is_strict_path(rule->paths[p].path))
				continue;
			is_good = false;
			buf_printf(&field, "spec.rules[%zu].http.paths[%zu].path", r, p);
			result_problem(problems, SEVERITY_FAULT, ingress->key, buf_cstr(&field), rule->paths[p].path,
				"a path of / and letters, digits and . _ - / only, as Exact and Prefix ask for (C19)",
				"write pathType: ImplementationSpecific for a regular expression",
				"the Ingress is not taken; its last good form, if there is one, keeps serving");
			buf_deinit(&field);
		}
	}
	return is_good;
}

bool view_is_catch_all(const struct view *view)
{
	return view->object->ingress.default_backend.is_set && view->object->ingress.n_rules == 0;
}

static bool is_disabled_catch_all(const struct reconcile *pass, struct view *view)
{
	if (!pass->options->disable_catch_all || !view->object->ingress.default_backend.is_set)
		return false;
	result_problem(&view->problems, SEVERITY_WARN, view->object->key, "spec.defaultBackend", STR(""),
		"--disable-catch-all leaves Ingresses with a default backend out", "take spec.defaultBackend out",
		"the Ingress is not served");
	return true;
}

/* I20: a canary has no paths of its own: it hangs at those of others. */
static bool is_canary(const struct view *view)
{
	const struct annotation *a = annotation_get(&view->annotations, ANNOTATION_CANARY);

	return a && a->value.flag;
}

static void read_view(struct reconcile *pass, struct view *view)
{
	view->is_ours = class_takes(pass, view->object, &view->problems);
	if (!view->is_ours)
		return;
	pool_read_view(pass, view);
	annotation_parse(view->object, &pass->annotations, &view->annotations, &view->problems);
	backend_tls_read(pass, view);
	client_auth_read(pass, view);
	view->is_rejected = !has_strict_paths(pass, view->object, &view->problems) || view->annotations.rejected_by.len > 0;
	view->is_served = !view->is_rejected && !is_disabled_catch_all(pass, view);
	view->is_canary = view->is_served && is_canary(view);
	view->is_served = view->is_served && !view->is_canary;
	if (view->is_served || view->is_canary)
		pool_complain(view);
	if (view->is_canary && view_is_catch_all(view))
		result_problem(&view->problems, SEVERITY_WARN, view->object->key, "spec.defaultBackend", STR(""),
			"a canary with rules (I20)", "name the host and the path of the other Ingress", "it takes no request");
}

struct view *view_of(struct reconcile *pass, const struct object *ingress)
{
	struct view *view = map_get(&pass->views, ingress->key);

	if (view)
		return view;
	view = arena_zalloc(&pass->arena, sizeof(*view));
	view->object = ingress;
	read_view(pass, view);
	map_put(&pass->views, ingress->key, view);
	return view;
}

void view_complain(struct view *view, const struct annotation *a, const char *rule, const char *fix, const char *effect)
{
	problems_add(&view->problems, &(struct problem){.severity = SEVERITY_FAULT, .object = view->object->key, .field = a->name,
		.value = a->written, .rule = str_from(rule), .fix = str_from(fix), .effect = str_from(effect)});
}

void view_tell(const struct reconcile *pass, struct view *view, struct reconcile_result *result)
{
	if (view->told_in == pass->result_number)
		return;
	view->told_in = pass->result_number;
	problems_add_all(&result->problems, &view->problems);
}

static struct view **views_of(struct reconcile *pass, struct object_list list, bool with_served, bool with_canaries, size_t *n)
{
	struct view **views = arena_alloc(&pass->scratch, (list.n + 1) * sizeof(struct view *));

	*n = 0;
	for (size_t i = 0; i < list.n; i++) {
		struct view *view = view_of(pass, list.items[i]);

		if (((view->is_served && with_served) || (view->is_canary && with_canaries)) && pool_has_view(pass, view))
			views[(*n)++] = view;
	}
	return views;
}

struct view **views_served(struct reconcile *pass, struct object_list list, size_t *n)
{
	return views_of(pass, list, true, false, n);
}

struct view **views_with_backends(struct reconcile *pass, struct object_list list, size_t *n)
{
	return views_of(pass, list, true, true, n);
}

struct view **views_canary(struct reconcile *pass, struct object_list list, size_t *n)
{
	return views_of(pass, list, false, true, n);
}

bool host_is_served(struct reconcile *pass, struct str host)
{
	struct object_list list = pass_host(pass, host);

	for (size_t i = 0; i < list.n; i++) {
		struct view *view = view_of(pass, list.items[i]);

		if (view->is_served && pool_has_view(pass, view))
			return true;
	}
	return false;
}

struct str host_name(struct arena *arena, struct str written)
{
	return written.len == 0 ? STR("_") : arena_lower(arena, written);
}

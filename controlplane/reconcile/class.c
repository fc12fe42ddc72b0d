/* Stage 1: whose Ingress it is (N8, N9). */
#include "pass.h"

static bool class_is_ours(const struct reconcile *pass, struct str name, const struct object *class)
{
	if (str_eq(class->ingress_class.controller, pass->options->controller_class))
		return true;
	return pass->options->ingress_class_by_name && str_eq(name, pass->options->ingress_class);
}

/* spec.ingressClassName wins over the annotation. */
static bool takes_by_name(const struct reconcile *pass, const struct object *ingress, struct problems *problems)
{
	struct str name = ingress->ingress.class_name;
	const struct object *class = store_get(pass->untracked, KIND_INGRESS_CLASS, STR(""), name);

	if (class)
		return class_is_ours(pass, name, class);
	result_problem(problems, SEVERITY_WARN, ingress->key, "spec.ingressClassName", name,
		"the name of an IngressClass that exists (N8)", "create the IngressClass, or name one that exists",
		"the Ingress is not served");
	return false;
}

struct str class_named(const struct object *ingress)
{
	const struct str *annotation = object_annotation(ingress, STR("kubernetes.io/ingress.class"));

	if (ingress->ingress.has_class_name && ingress->ingress.class_name.len > 0)
		return ingress->ingress.class_name;
	return annotation ? *annotation : STR("");
}

bool reconcile_watches(const struct reconcile_options *options, struct str namespace_)
{
	for (size_t i = 0; i < options->n_watch_namespaces; i++) {
		if (str_eq(options->watch_namespaces[i], namespace_))
			return true;
	}
	return options->n_watch_namespaces == 0;
}

bool reconcile_takes(struct store *store, const struct reconcile_options *options, const struct object *ingress)
{
	struct problems problems = {0};
	const struct reconcile pass = {.untracked = store, .options = options};
	bool is_ours = class_takes(&pass, ingress, &problems);

	problems_deinit(&problems);
	return is_ours;
}

bool class_takes(const struct reconcile *pass, const struct object *ingress, struct problems *problems)
{
	const struct reconcile_options *options = pass->options;
	const struct str *annotation = object_annotation(ingress, STR("kubernetes.io/ingress.class"));

	if (!reconcile_watches(options, ingress->namespace_))
		return false;
	if (ingress->ingress.has_class_name && ingress->ingress.class_name.len > 0)
		return takes_by_name(pass, ingress, problems);
	if (annotation)
		return annotation->len > 0 && str_eq(*annotation, options->ingress_class);
	if (options->watch_ingress_without_class)
		return true;
	result_problem(problems, SEVERITY_WARN, ingress->key, "spec.ingressClassName", STR(""),
		"an Ingress names its class (N8)", "set spec.ingressClassName, or start the controller with --watch-ingress-without-class",
		"the Ingress is not served");
	return false;
}

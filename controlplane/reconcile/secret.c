/* Secrets that annotations name: whose they may be, and whom a change of one concerns. */
#include "mem.h"
#include "pass.h"

static const enum annotation_id naming[] = {ANNOTATION_AUTH_TLS_SECRET, ANNOTATION_PROXY_SSL_SECRET};

const char *secret_annotation(size_t index)
{
	return index < sizeof(naming) / sizeof(naming[0]) ? annotation_rows[naming[index]].name : NULL;
}

const struct object *secret_of(const struct reconcile *pass, const struct view *view, const struct annotation *a, const char **why)
{
	const struct object *secret;
	struct str namespace_, name;

	*why = "namespace/name of a Secret";
	if (!value_ref(a->value.text, &namespace_, &name))
		return NULL;
	*why = "a Secret of the Ingress's own namespace, as allow-cross-namespace-resources is off";
	if (!str_eq(namespace_, view->object->namespace_) &&
		!pass->settings.items[SETTING_ALLOW_CROSS_NAMESPACE_RESOURCES].value.flag)
		return NULL;
	secret = store_get(pass->untracked, KIND_SECRET, namespace_, name);
	*why = secret ? NULL : "a Secret that exists";
	return secret;
}

void secret_note_reads(struct reconcile *pass, struct object_list ingresses)
{
	size_t n_kinds = sizeof(naming) / sizeof(naming[0]);

	for (size_t i = 0; i < ingresses.n; i++) {
		const struct view *view = view_of(pass, ingresses.items[i]);

		for (size_t k = 0; k < n_kinds; k++) {
			const struct annotation *a = annotation_get(&view->annotations, naming[k]);

			if (a)
				pass_note(pass, arena_printf(&pass->scratch, "Secret %.*s", STR_ARG(a->value.text)));
		}
	}
}

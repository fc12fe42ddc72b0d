/* The few fields that count. */
#include "pods.h"

#include "kubeapi.h"

static struct str text_of(json_t *json, const char *name)
{
	json_t *member = json_object_get(json, name);

	return json_is_string(member) ? str_of(json_string_value(member), json_string_length(member)) : STR("");
}

static bool is_going(json_t *pod)
{
	return text_of(json_object_get(pod, "metadata"), "deletionTimestamp").len > 0;
}

static bool is_ready(json_t *pod)
{
	json_t *conditions = json_object_get(json_object_get(pod, "status"), "conditions"), *one;
	size_t i;

	json_array_foreach(conditions, i, one) {
		if (str_eq(text_of(one, "type"), STR("Ready")))
			return str_eq(text_of(one, "status"), STR("True"));
	}
	return false;
}

struct str pod_ready_node(json_t *pod)
{
	if (is_going(pod) || !is_ready(pod))
		return STR("");
	return text_of(json_object_get(pod, "spec"), "nodeName");
}

bool pod_is_another(json_t *pod, struct str name)
{
	struct str phase = text_of(json_object_get(pod, "status"), "phase");

	return !is_going(pod) && !str_eq(text_of(json_object_get(pod, "metadata"), "name"), name) && !str_eq(phase, STR("Succeeded")) &&
		!str_eq(phase, STR("Failed"));
}

void pod_add_selector(json_t *pod, struct buf *out)
{
	static const char *const of_a_rollout[] = {"controller-revision-hash", "pod-template-generation", "pod-template-hash"};
	json_t *labels = json_object_get(json_object_get(pod, "metadata"), "labels"), *value;
	const char *name;

	json_object_foreach(labels, name, value) {
		bool is_of_rollout = false;

		for (size_t i = 0; i < sizeof(of_a_rollout) / sizeof(of_a_rollout[0]); i++)
			is_of_rollout = is_of_rollout || strcmp(name, of_a_rollout[i]) == 0;
		if (!is_of_rollout && json_is_string(value))
			buf_printf(out, "%s%s=%s", out->len ? "," : "", name, json_string_value(value));
	}
}

void pods_add_path(struct str namespace_, struct str selector, struct buf *out)
{
	buf_add(out, STR("/api/v1/namespaces/"));
	kubeapi_add_escaped(out, namespace_);
	buf_add(out, STR("/pods?labelSelector="));
	kubeapi_add_escaped(out, selector);
}

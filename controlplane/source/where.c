/* The one table of groups and plurals. */
#include "where.h"

#include "kubeapi.h"

enum { MESSAGE_BYTES = 300 };

static const struct {
	const char *group, *plural;
} resources[KIND_COUNT] = {
	[KIND_INGRESS] = {"networking.k8s.io", "ingresses"},
	[KIND_INGRESS_CLASS] = {"networking.k8s.io", "ingressclasses"},
	[KIND_SERVICE] = {"", "services"},
	[KIND_ENDPOINT_SLICE] = {"discovery.k8s.io", "endpointslices"},
	[KIND_SECRET] = {"", "secrets"},
	[KIND_CONFIG_MAP] = {"", "configmaps"},
	[KIND_NAMESPACE] = {"", "namespaces"},
};

static void add_selector(struct buf *out, const char *key, const char *prefix, struct str value)
{
	if (!value.len)
		return;
	buf_printf(out, "%s=%s", key, prefix);
	kubeapi_add_escaped(out, value);
	buf_add_char(out, '&');
}

void scope_add_path(const struct scope *s, struct buf *out)
{
	buf_printf(out, "/%s/%.*s", resources[s->kind].group[0] ? "apis" : "api", STR_ARG(object_kind_api(s->kind)));
	if (s->namespace_.len) {
		buf_add(out, STR("/namespaces/"));
		kubeapi_add_escaped(out, s->namespace_);
	}
	buf_printf(out, "/%s?", resources[s->kind].plural);
	add_selector(out, "fieldSelector", "metadata.name%3D", s->name);
	add_selector(out, "labelSelector", "", s->selector);
}

void scope_add_text(const struct scope *s, struct buf *out)
{
	buf_printf(out, "%s%s%s", resources[s->kind].plural, resources[s->kind].group[0] ? "." : "", resources[s->kind].group);
	if (s->name.len)
		buf_printf(out, " %.*s", STR_ARG(s->name));
	if (s->selector.len)
		buf_printf(out, " with %.*s", STR_ARG(s->selector));
	if (s->namespace_.len)
		buf_printf(out, " in namespace %.*s", STR_ARG(s->namespace_));
}

void rule_add_object(const struct rule *r, struct buf *out)
{
	buf_printf(out, "%s%s%s", r->resource, r->group[0] ? "." : "", r->group);
	if (r->name.len)
		buf_printf(out, " %.*s", STR_ARG(r->name));
	if (r->namespace_.len)
		buf_printf(out, " in namespace %.*s", STR_ARG(r->namespace_));
}

void rule_add(const struct rule *r, struct buf *out)
{
	if (r->namespace_.len)
		buf_printf(out, "a Role in namespace %.*s", STR_ARG(r->namespace_));
	else
		buf_add(out, STR("a ClusterRole"));
	buf_printf(out, " with apiGroups [\"%s\"], resources [\"%s\"]", r->group, r->resource);
	if (r->name.len)
		buf_printf(out, ", resourceNames [\"%.*s\"]", STR_ARG(r->name));
	buf_printf(out, ", verbs [%s], bound to the controller's ServiceAccount", r->verbs);
}

void scope_add_rule(const struct scope *s, struct buf *out)
{
	rule_add(&(struct rule){resources[s->kind].group, resources[s->kind].plural, "\"list\", \"watch\"", s->namespace_, s->name}, out);
}

void trouble_add(const struct trouble *t, struct problems *out)
{
	struct buf rule = {0}, fix = {0};

	buf_printf(&rule, "%s, but %s", t->does, feed_outcome_text(t->outcome));
	if (t->message.len) {
		buf_add(&rule, STR(": "));
		buf_add_escaped(&rule, str_first(t->message, MESSAGE_BYTES));
	}
	if (t->outcome == FEED_FORBIDDEN)
		buf_printf(&fix, "it needs %.*s", STR_ARG(t->needs));
	problems_add(out,
		&(struct problem){
			.severity = SEVERITY_FAULT,
			.object = STR("Kubernetes API"),
			.field = t->field,
			.rule = buf_str(&rule),
			.fix = buf_str(&fix),
			.effect = t->effect,
		});
	buf_deinit(&rule);
	buf_deinit(&fix);
}

/* Reasons are ingress-nginx's where it has one; Rejected is for what it does not tell. */
#include "news.h"

/* The newest form that could be read: what was set aside, else what is served. */
static const struct object *newest(const struct news *n, enum object_kind kind, struct str key, struct str namespace_, struct str name)
{
	const struct object *held = kind == KIND_INGRESS ? intake_held(n->intake, key) : NULL;

	return held ? held : store_get(n->store, kind, namespace_, name);
}

static bool is_told_of(const struct news *n, enum object_kind kind, const struct object *o)
{
	if (kind == KIND_CONFIG_MAP)
		return o != NULL;
	return kind == KIND_INGRESS && o && reconcile_takes(n->store, n->options, o);
}

/* An annotation's name has a slash, a path into the object has none. */
static const char *reason(const struct news *n, const struct problem *p, enum object_kind kind, const struct object *o)
{
	bool is_annotation = kind == KIND_INGRESS && str_find(p->field, '/') < p->field.len;

	return is_annotation && !store_is_refused(n->store, kind, o->namespace_, o->name) ? "AnnotationParsingFailed" : "Rejected";
}

bool news_of_problem(const struct news *n, const struct problem *p, bool is_standing, struct buf *text, struct event *out)
{
	struct str namespace_, name;
	enum object_kind kind = object_key_read(p->object, &namespace_, &name);
	const struct object *o;

	if (p->severity != SEVERITY_FAULT || kind == KIND_COUNT)
		return false;
	o = newest(n, kind, p->object, namespace_, name);
	if (!is_told_of(n, kind, o))
		return false;
	buf_clear(text);
	problem_text(p, text);
	*out = (struct event){
		.kind = kind,
		.namespace_ = o->namespace_,
		.name = o->name,
		.uid = o->uid,
		.version = o->resource_version,
		.reason = reason(n, p, kind, o),
		.is_warning = true,
		.text = buf_str(text),
		.is_standing = is_standing,
	};
	return true;
}

bool news_of_change(const struct news *n, const struct source_event *e, struct event *out)
{
	const struct object *o = e->object;

	if (e->type != SOURCE_PUT || !is_told_of(n, o->kind, o) || o->kind != KIND_INGRESS)
		return false;
	*out = (struct event){
		.kind = o->kind,
		.namespace_ = o->namespace_,
		.name = o->name,
		.uid = o->uid,
		.version = o->resource_version,
		.reason = "Sync",
		.text = STR("Scheduled for sync"),
		.is_of_process = true,
	};
	return true;
}

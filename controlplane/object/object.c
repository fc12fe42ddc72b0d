/* What an object is, from its kind and name on; the fields of each kind are read in the files named after them. */
#include "object.h"

#include <stdlib.h>

#include "mem.h"
#include "opt.h"
#include "read.h"

#define OBJECT_KIND_ROW(id, kind, api, namespaced) [KIND_##id] = {kind, api, namespaced},
static const struct {
	const char *kind, *api_version;
	bool is_namespaced;
} kinds[] = {OBJECT_KINDS(OBJECT_KIND_ROW)};

struct str object_kind_text(enum object_kind kind)
{
	return kind < KIND_COUNT ? str_from(kinds[kind].kind) : STR("");
}

struct str object_kind_api(enum object_kind kind)
{
	return kind < KIND_COUNT ? str_from(kinds[kind].api_version) : STR("");
}

bool object_kind_is_namespaced(enum object_kind kind)
{
	return kinds[kind].is_namespaced;
}

enum object_kind object_kind_from(struct str kind, struct str api_version)
{
	for (enum object_kind k = 0; k < KIND_COUNT; k++) {
		if (str_eq(kind, str_from(kinds[k].kind)) && str_eq(api_version, str_from(kinds[k].api_version)))
			return k;
	}
	return KIND_COUNT;
}

/* Versions that Kubernetes once served and no longer does. The kind they are of, or KIND_COUNT. */
static enum object_kind kind_from_old(struct str kind, struct str api_version)
{
	static const struct {
		enum object_kind kind;
		const char *api_version;
	} old[] = {
		{KIND_INGRESS, "extensions/v1beta1"},
		{KIND_INGRESS, "networking.k8s.io/v1beta1"},
		{KIND_INGRESS_CLASS, "networking.k8s.io/v1beta1"},
		{KIND_ENDPOINT_SLICE, "discovery.k8s.io/v1alpha1"},
		{KIND_ENDPOINT_SLICE, "discovery.k8s.io/v1beta1"},
	};

	for (size_t i = 0; i < sizeof(old) / sizeof(old[0]); i++) {
		if (str_eq(kind, object_kind_text(old[i].kind)) && str_eq(api_version, str_from(old[i].api_version)))
			return old[i].kind;
	}
	return KIND_COUNT;
}

void object_key(enum object_kind kind, struct str namespace_, struct str name, struct buf *out)
{
	buf_add(out, object_kind_text(kind));
	buf_add_char(out, ' ');
	if (namespace_.len) {
		buf_add(out, namespace_);
		buf_add_char(out, '/');
	}
	buf_add(out, name);
}

static struct str text_member(json_t *json, const char *name)
{
	json_t *member = json_object_get(json, name);

	return json_is_string(member) ? read_bytes(member) : STR("");
}

bool object_identify(json_t *json, struct object_id *out)
{
	struct str kind = text_member(json, "kind"), api = text_member(json, "apiVersion");
	json_t *meta = json_object_get(json, "metadata");
	struct object_id id = {object_kind_from(kind, api), text_member(meta, "namespace"), text_member(meta, "name")};

	if (id.kind == KIND_COUNT)
		id.kind = kind_from_old(kind, api);
	if (id.kind == KIND_COUNT || !id.name.len || id.name.len > MAX_NAME || id.namespace_.len > MAX_NAME)
		return false;
	if (!kinds[id.kind].is_namespaced)
		id.namespace_ = STR("");
	else if (!id.namespace_.len)
		id.namespace_ = STR("default"); /* as kubectl does with a file that names none */
	*out = id;
	return true;
}

static void add_nameless(struct problems *problems, struct str origin, const char *field, struct str value, const char *rule,
	const char *fix)
{
	problems_add(problems,
		&(struct problem){
			.severity = SEVERITY_FAULT,
			.object = origin,
			.field = str_from(field),
			.value = value,
			.rule = str_from(rule),
			.fix = str_from(fix),
			.effect = STR("it is left out"),
		});
}

/* Names the right version for a kind that used to have another. */
static void add_old_version(struct problems *problems, json_t *json, struct str origin, enum object_kind kind)
{
	struct object_id id;
	struct buf key = {0}, fix = {0};

	if (object_identify(json, &id))
		object_key(id.kind, id.namespace_, id.name, &key);
	else
		buf_add(&key, origin);
	buf_printf(&fix, "write apiVersion: %s%s", kinds[kind].api_version,
		kind == KIND_INGRESS ? " (backends become service.name and service.port, paths need a pathType)" : "");
	problems_add(problems,
		&(struct problem){
			.severity = SEVERITY_FAULT,
			.object = buf_str(&key),
			.field = STR("apiVersion"),
			.value = text_member(json, "apiVersion"),
			.rule = STR("a version that Kubernetes still serves"),
			.fix = buf_str(&fix),
			.effect = STR("this form of the object is refused; the last good one, if any, keeps serving"),
		});
	buf_deinit(&key);
	buf_deinit(&fix);
}

/* A kind that is no kind of a version we read, but nearly one: a slip of the pen, not somebody else's object. */
static bool add_slip(struct problems *problems, struct str origin, struct str kind, struct str api)
{
	const char *names[KIND_COUNT + 1] = {0};
	char *word = mem_strdup(str_first(kind, 60));
	struct buf fix = {0};
	size_t n = 0;
	const char *near;

	for (int k = 0; k < KIND_COUNT; k++) {
		struct str name = object_kind_text((enum object_kind)k);

		if (object_kind_from(name, api) != KIND_COUNT && kind.len + 2 > name.len && name.len + 2 > kind.len)
			names[n++] = name.ptr;
	}
	near = opt_nearest(word, names);
	if (near) {
		buf_printf(&fix, "did you mean %s?", near);
		add_nameless(problems, origin, "kind", kind, "a kind of this apiVersion", buf_cstr(&fix));
	}
	buf_deinit(&fix);
	mem_free(word);
	return near != NULL;
}

/* KIND_COUNT when there is nothing to read; *is_other when that is no mistake. */
static enum object_kind find_kind(json_t *json, struct str origin, struct problems *problems, bool *is_other)
{
	struct str kind = text_member(json, "kind"), api = text_member(json, "apiVersion");
	enum object_kind k = object_kind_from(kind, api);

	*is_other = false;
	if (k != KIND_COUNT)
		return k;
	if (!json_is_object(json))
		add_nameless(problems, origin, "", read_as_text(json), "a Kubernetes object", "");
	else if (!kind.len)
		add_nameless(problems, origin, "kind", STR(""), "needed: the object's kind", "write kind: Ingress or another");
	else if (!api.len)
		add_nameless(problems, origin, "apiVersion", STR(""), "needed: the kind's version",
			"write apiVersion: networking.k8s.io/v1 for an Ingress");
	else if (kind_from_old(kind, api) != KIND_COUNT)
		add_old_version(problems, json, origin, kind_from_old(kind, api));
	else
		*is_other = !add_slip(problems, origin, kind, api);
	return KIND_COUNT;
}

static void read_kind(struct reader *r, json_t *json)
{
	switch (r->object->kind) {
	case KIND_INGRESS:
		read_ingress(r, json);
		return;
	case KIND_INGRESS_CLASS:
		read_ingress_class(r, json);
		return;
	case KIND_SERVICE:
		read_service(r, json);
		return;
	case KIND_ENDPOINT_SLICE:
		read_endpoint_slice(r, json);
		return;
	case KIND_SECRET:
		read_secret(r, json);
		return;
	case KIND_CONFIG_MAP:
		read_config_map(r, json);
		return;
	case KIND_NAMESPACE:
	case KIND_COUNT:
		return;
	}
	abort();
}

struct object *object_from_json(json_t *json, struct str origin, struct problems *problems, bool *is_other)
{
	enum object_kind kind = find_kind(json, origin, problems, is_other);
	struct object_id id;
	struct buf key = {0};
	struct object *o;
	struct reader r;

	if (kind == KIND_COUNT)
		return NULL;
	if (!object_identify(json, &id)) {
		add_nameless(problems, origin, "metadata.name", text_member(json_object_get(json, "metadata"), "name"),
			"needed: a name of 1 to 253 bytes, in a namespace of at most 253", "");
		return NULL;
	}
	o = mem_zalloc(sizeof(*o));
	o->arena.block_size = 1024; /* most objects fit; there may be a hundred thousand */
	o->refs = 1;
	o->kind = kind;
	o->namespace_ = arena_str(&o->arena, id.namespace_);
	o->name = arena_str(&o->arena, id.name);
	object_key(kind, id.namespace_, id.name, &key);
	o->key = arena_str(&o->arena, buf_str(&key));
	buf_deinit(&key);
	o->origin = arena_str(&o->arena, origin);
	r = (struct reader){.object = o, .problems = problems};
	read_metadata(&r, json);
	read_kind(&r, json);
	if (r.is_bad)
		object_unref(&o);
	return o;
}

struct object *object_ref(struct object *object)
{
	object->refs++;
	return object;
}

static void wipe(struct object *o)
{
	for (size_t i = 0; i < o->secret.n_data; i++) {
		char *bytes = (char *)(uintptr_t)o->secret.data[i].value.ptr; /* ours, in the arena */

		mem_wipe(bytes, o->secret.data[i].value.len);
	}
}

void object_unref(struct object **object)
{
	struct object *o = *object;

	*object = NULL;
	if (!o || --o->refs > 0)
		return;
	if (o->kind == KIND_SECRET)
		wipe(o);
	arena_deinit(&o->arena);
	mem_free(o);
}

const struct str *pair_find(const struct pair *pairs, size_t n, struct str name)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = str_cmp(pairs[middle].name, name);

		if (order == 0)
			return &pairs[middle].value;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct str *object_annotation(const struct object *object, struct str name)
{
	return pair_find(object->annotations, object->n_annotations, name);
}

enum object_kind object_key_read(struct str key, struct str *namespace_, struct str *name)
{
	struct str kind_text = str_first(key, str_find(key, ' '));
	struct str path = str_from_index(key, kind_text.len + 1);
	enum object_kind kind = 0;
	size_t slash;

	while (kind < KIND_COUNT && !str_eq(object_kind_text(kind), kind_text))
		kind++;
	if (kind == KIND_COUNT)
		return kind;
	slash = object_kind_is_namespaced(kind) ? str_find(path, '/') : path.len;
	*namespace_ = slash < path.len ? str_first(path, slash) : STR("");
	*name = slash < path.len ? str_from_index(path, slash + 1) : path;
	return kind;
}

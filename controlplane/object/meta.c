/* metadata: name, namespace, labels, annotations, age. */
#include "clock.h"
#include "read.h"

/* Names of all our kinds are DNS subdomains; nothing else may reach file names, log lines or resource names. */
bool object_is_name(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		bool is_inner = c == '-' || c == '.';

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !is_inner)
			return false;
		if (is_inner && (i == 0 || i + 1 == s.len))
			return false;
	}
	return s.len > 0 && s.len <= MAX_NAME;
}

static void check_name(struct reader *r, const struct at *at, const char *field, struct str value)
{
	struct at here = {at, field, 0};

	if (value.len && !object_is_name(value))
		read_bad(r, &here, value, "lower-case letters, digits, '-' and '.', a letter or digit at both ends", "");
}

static void read_created(struct reader *r, const struct at *at, json_t *meta)
{
	struct at here = {at, "creationTimestamp", 0};
	struct str text = STR("");

	if (read_text(r, at, meta, here.name, MAX_TEXT, &text) && text.len &&
		!clock_parse_rfc3339(text, &r->object->created_s))
		read_bad(r, &here, text, "a time as 2026-01-31T12:00:00Z", "");
}

void read_metadata(struct reader *r, json_t *json)
{
	struct object *o = r->object;
	struct at at = {NULL, "metadata", 0};
	struct at labels = {&at, "labels", 0}, annotations = {&at, "annotations", 0};
	json_t *meta = read_object(r, NULL, json, "metadata");

	check_name(r, &at, "name", o->name);
	check_name(r, &at, "namespace", o->namespace_);
	read_text(r, &at, meta, "uid", MAX_TEXT, &o->uid);
	read_text(r, &at, meta, "resourceVersion", MAX_TEXT, &o->resource_version);
	read_created(r, &at, meta);
	read_pairs(r, &labels, read_object(r, &at, meta, "labels"), MAX_ANNOTATION_BYTES, &o->labels, &o->n_labels);
	read_pairs(r, &annotations, read_object(r, &at, meta, "annotations"), MAX_ANNOTATION_BYTES, &o->annotations,
		&o->n_annotations);
}

static struct str text_of(struct reader *r, json_t *json, const char *name)
{
	json_t *member = json_object_get(json, name);

	return json_is_string(member) && json_string_length(member) <= MAX_HOST ? arena_str(&r->object->arena, read_bytes(member)) : STR("");
}

void read_balancer(struct reader *r, json_t *json, struct published **out, size_t *n)
{
	json_t *list = json_object_get(json_object_get(json_object_get(json, "status"), "loadBalancer"), "ingress"), *one;
	size_t i;

	*n = 0;
	if (!json_is_array(list) || json_array_size(list) > MAX_ITEMS)
		return;
	*out = read_room(r, json_array_size(list), sizeof(**out));
	json_array_foreach(list, i, one) {
		struct published p = {text_of(r, one, "ip"), text_of(r, one, "hostname")};

		if (p.ip.len || p.hostname.len)
			(*out)[(*n)++] = p;
	}
}

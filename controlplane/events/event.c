/* Names and bodies. */
#include "event.h"

#include <inttypes.h>
#include <stdio.h>

#include "clock.h"

enum { NAME_BYTES = 230, TEXT_BYTES = 1000 };

/* FNV-1a. */
static uint64_t mix(uint64_t hash, struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ (unsigned char)text.ptr[i]) * UINT64_C(1099511628211);
	return (hash ^ 0xff) * UINT64_C(1099511628211);
}

void event_add_name(const struct event *e, struct str salt, struct buf *out)
{
	uint64_t hash = UINT64_C(14695981039346656037);
	struct str name = str_first(e->name, NAME_BYTES);

	while (name.len && (name.ptr[name.len - 1] == '-' || name.ptr[name.len - 1] == '.'))
		name.len--;
	hash = mix(mix(mix(hash, object_kind_text(e->kind)), e->uid), e->name);
	hash = mix(mix(mix(hash, str_from(e->reason)), e->text), salt);
	buf_printf(out, "%.*s.%016" PRIx64, STR_ARG(name), hash);
}

/* Seconds alone: a Time, not a MicroTime. */
static json_t *time_json(uint64_t wall_ms)
{
	char text[CLOCK_TEXT_MAX], seconds[CLOCK_TEXT_MAX];

	snprintf(seconds, sizeof(seconds), "%.19sZ", clock_rfc3339(wall_ms, text));
	return json_string(seconds);
}

/* Not within a character. */
static struct str cut(struct str text)
{
	size_t len = text.len < TEXT_BYTES ? text.len : TEXT_BYTES;

	while (len < text.len && len > 0 && ((unsigned char)text.ptr[len] & 0xc0) == 0x80)
		len--;
	return str_first(text, len);
}

static void set(json_t *json, const char *name, struct str text)
{
	if (text.len)
		json_object_set_new(json, name, json_stringn(text.ptr, text.len));
}

static json_t *involved(const struct event *e)
{
	json_t *json = json_object();

	set(json, "apiVersion", object_kind_api(e->kind));
	set(json, "kind", object_kind_text(e->kind));
	set(json, "namespace", e->namespace_);
	set(json, "name", e->name);
	set(json, "uid", e->uid);
	set(json, "resourceVersion", e->version);
	return json;
}

json_t *event_make(const struct event *e, struct str name, struct str instance, unsigned count, uint64_t wall_ms)
{
	json_t *json = json_pack("{s:s,s:s,s:{},s:{s:s},s:s}", "apiVersion", "v1", "kind", "Event", "metadata", "source", "component",
		"weirlock-controller", "reportingComponent", "weirlock-controller");
	json_t *meta = json_object_get(json, "metadata");

	set(meta, "name", name);
	set(meta, "namespace", e->namespace_);
	set(json, "reportingInstance", instance);
	json_object_set_new(json, "involvedObject", involved(e));
	set(json, "type", e->is_warning ? STR("Warning") : STR("Normal"));
	set(json, "reason", str_from(e->reason));
	set(json, "message", cut(e->text));
	json_object_set_new(json, "count", json_integer(count));
	json_object_set_new(json, "firstTimestamp", time_json(wall_ms));
	json_object_set_new(json, "lastTimestamp", time_json(wall_ms));
	return json;
}

json_t *event_again(unsigned count, uint64_t wall_ms)
{
	json_t *json = json_object();

	if (count)
		json_object_set_new(json, "count", json_integer(count));
	json_object_set_new(json, "lastTimestamp", time_json(wall_ms));
	return json;
}

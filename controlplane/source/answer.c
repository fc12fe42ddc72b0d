/* Lists, events and Statuses as JSON has them. */
#include "answer.h"

#include <string.h>

static struct str text_of(json_t *json, const char *name)
{
	json_t *member = json_object_get(json, name);

	return json_is_string(member) ? str_of(json_string_value(member), json_string_length(member)) : STR("");
}

static json_t *parse(struct str bytes)
{
	json_error_t error;

	return bytes.len ? json_loadb(bytes.ptr, bytes.len, 0, &error) : NULL;
}

bool page_read(struct str bytes, enum object_kind kind, struct page *out)
{
	json_t *meta, *item;
	size_t i;

	*out = (struct page){.root = parse(bytes)};
	meta = json_object_get(out->root, "metadata");
	out->items = json_object_get(out->root, "items");
	out->version = text_of(meta, "resourceVersion");
	out->go_on = text_of(meta, "continue");
	/* the items of an empty list may be null */
	if (!out->version.len || (!json_is_array(out->items) && !json_is_null(out->items))) {
		page_end(out);
		return false;
	}
	json_array_foreach(out->items, i, item) {
		json_object_set_new(item, "kind", json_string(object_kind_text(kind).ptr));
		json_object_set_new(item, "apiVersion", json_string(object_kind_api(kind).ptr));
	}
	return true;
}

void page_end(struct page *page)
{
	json_decref(page->root);
	*page = (struct page){0};
}

static bool type_of(struct str text, enum event_type *out)
{
	static const struct {
		const char *text;
		enum event_type type;
	} types[] = {{"ADDED", EVENT_PUT}, {"MODIFIED", EVENT_PUT}, {"DELETED", EVENT_DELETE}, {"BOOKMARK", EVENT_BOOKMARK},
		{"ERROR", EVENT_ERROR}};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (str_eq(text, str_from(types[i].text))) {
			*out = types[i].type;
			return true;
		}
	}
	return false;
}

bool event_read(struct str line, struct event *out)
{
	*out = (struct event){.root = parse(line)};
	out->object = json_object_get(out->root, "object");
	if (!json_is_object(out->object) || !type_of(text_of(out->root, "type"), &out->type)) {
		event_end(out);
		return false;
	}
	if (out->type == EVENT_ERROR) {
		out->code = status_of_json(out->object, NULL);
		return true;
	}
	out->version = text_of(json_object_get(out->object, "metadata"), "resourceVersion");
	if (out->version.len)
		return true;
	event_end(out);
	return false;
}

void event_end(struct event *event)
{
	json_decref(event->root);
	*event = (struct event){0};
}

unsigned status_of_json(json_t *json, struct buf *message)
{
	json_int_t code = json_integer_value(json_object_get(json, "code"));

	if (!str_eq(text_of(json, "kind"), STR("Status")))
		return 0;
	if (message)
		buf_add(message, text_of(json, "message"));
	if (str_eq(text_of(json, "reason"), STR("Expired")) || str_eq(text_of(json, "reason"), STR("Gone")))
		return 410;
	return code >= 100 && code <= 599 ? (unsigned)code : 500;
}

unsigned status_of_bytes(struct str bytes, struct buf *message)
{
	json_t *json = parse(bytes);
	unsigned code = status_of_json(json, message);

	json_decref(json);
	return code;
}

uint64_t version_of_json(json_t *object)
{
	uint64_t n;

	return str_to_u64(text_of(json_object_get(object, "metadata"), "resourceVersion"), UINT64_MAX, &n) ? n : 0;
}

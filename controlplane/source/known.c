/* One entry an object: the form that was sent, and the list that saw it last. */
#include "known.h"

#include "mem.h"

struct known {
	struct object *object; /* as sent; NULL: its newest form was refused, or it is lost and kept */
	struct str version;    /* of the newest form; owned */
	unsigned pass;
	bool has_notes, is_lost;
};

static void set_version(struct known *k, struct str version)
{
	mem_free((char *)(uintptr_t)k->version.ptr);
	k->version = str_of(mem_strdup(version), version.len);
}

static void free_known(struct known *k)
{
	object_unref(&k->object);
	mem_free((char *)(uintptr_t)k->version.ptr);
	mem_free(k);
}

/* The key in `out`; false when it is no object of the set's kind. */
static bool identify(const struct known_set *set, json_t *json, struct object_id *id, struct buf *out)
{
	if (!object_identify(json, id) || id->kind != set->kind)
		return false;
	buf_printf(out, "%.*s/%.*s", STR_ARG(id->namespace_), STR_ARG(id->name));
	return true;
}

static void emit(struct known_set *set, enum source_event_type type, struct object *object, struct str key,
	const struct problems *problems)
{
	size_t slash = str_find(key, '/');

	set->on_event(set->owner,
		&(struct source_event){.type = type, .object = object, .kind = set->kind, .namespace_ = str_first(key, slash),
			.name = str_from_index(key, slash + 1), .problems = problems});
}

static struct str version_of(json_t *json)
{
	json_t *version = json_object_get(json_object_get(json, "metadata"), "resourceVersion");

	return json_is_string(version) ? str_of(json_string_value(version), json_string_length(version)) : STR("");
}

static void take_form(struct known_set *set, struct known *k, struct str key, json_t *json)
{
	struct problems problems = {0};
	bool is_other;
	struct object *object = object_from_json(json, STR(""), &problems, &is_other);

	if (!object)
		emit(set, SOURCE_REFUSE, NULL, key, &problems);
	else if (!k->object || !object_equal(k->object, object) || k->has_notes || problems.n)
		emit(set, SOURCE_PUT, object, key, &problems);
	else if (!object_addresses_equal(k->object, object))
		emit(set, SOURCE_STATUS, object, key, &problems);
	object_unref(&k->object);
	k->object = object;
	k->has_notes = problems.n > 0;
	k->is_lost = false;
	set_version(k, version_of(json));
	problems_deinit(&problems);
}

bool known_put(struct known_set *set, json_t *json)
{
	struct buf key = {0};
	struct object_id id;
	struct known *k;

	if (!identify(set, json, &id, &key)) {
		buf_deinit(&key);
		return false;
	}
	k = map_get(&set->by_name, buf_str(&key));
	if (!k) {
		k = mem_zalloc(sizeof(*k));
		map_put(&set->by_name, buf_str(&key), k);
	}
	k->pass = set->pass;
	if (k->is_lost || !k->version.len || !str_eq(k->version, version_of(json)))
		take_form(set, k, buf_str(&key), json);
	buf_deinit(&key);
	return true;
}

static void send_lost(struct known_set *set, struct str key)
{
	struct problems problems = {0};
	struct buf name = {0};
	size_t slash = str_find(key, '/');

	object_key(set->kind, str_first(key, slash), str_from_index(key, slash + 1), &name);
	problems_add(&problems,
		&(struct problem){
			.severity = SEVERITY_FAULT,
			.object = buf_str(&name),
			.rule = STR("it was deleted, and something still refers to it"),
			.fix = STR("create it again, or take out what refers to it"),
			.effect = STR("its last good form keeps serving until the controller restarts"),
		});
	emit(set, SOURCE_REFUSE, NULL, key, &problems);
	buf_deinit(&name);
	problems_deinit(&problems);
}

static void lose(struct known_set *set, struct known *k, struct str key)
{
	static const struct problems none;

	if (set->keeps_lost) {
		if (!k->is_lost)
			send_lost(set, key);
		k->is_lost = true;
		object_unref(&k->object);
		return;
	}
	map_del(&set->by_name, key);
	emit(set, SOURCE_DELETE, NULL, key, &none);
	free_known(k);
}

bool known_delete(struct known_set *set, json_t *json)
{
	struct buf key = {0};
	struct object_id id;
	struct known *k;
	bool is_good = identify(set, json, &id, &key);

	k = is_good ? map_get(&set->by_name, buf_str(&key)) : NULL;
	if (k)
		lose(set, k, buf_str(&key));
	buf_deinit(&key);
	return is_good;
}

void known_begin_list(struct known_set *set)
{
	set->pass++;
}

void known_end_list(struct known_set *set)
{
	size_t cursor = 0;
	struct str name;
	void *value;

	while (map_next(&set->by_name, &cursor, &name, &value)) {
		struct known *k = value;
		char *key;

		if (k->pass == set->pass)
			continue;
		key = mem_strdup(name); /* the map's own goes with the entry */
		lose(set, k, str_from(key));
		mem_free(key);
	}
}

void known_drop_all(struct known_set *set)
{
	set->keeps_lost = false;
	known_begin_list(set);
	known_end_list(set);
}

void known_deinit(struct known_set *set)
{
	size_t cursor = 0;
	void *value;

	while (map_next(&set->by_name, &cursor, NULL, &value))
		free_known(value);
	map_deinit(&set->by_name);
}

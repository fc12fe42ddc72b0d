/*
 * weirctl snapshot blame HOST[/PATH]: for what requests to it meet, the object that says so, who wrote that there, and when. The
 * newest snapshot says which object; the controller asks the API server for its managedFields.
 */
#include "snapshot_verbs.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "managed.h"
#include "map.h"
#include "mem.h"
#include "render.h"
#include "weirlock/v1/operate.pb-c.h"

enum { OBJECTS_MOST = 32, ANSWER_MS = 20 * 1000 };

static const struct column columns[] = {
	{"WHERE", "where", false},
	{"WHAT", "what", false},
	{"VALUE", "value", false},
	{"OBJECT", "object", false},
	{"MANAGER", "manager", false},
	{"HOW", "operation", true},
	{"WHEN", "time", false},
	{"WHY-NOT", "why_not", true},
	{0},
};

/* ------------------------------------------------------------------------------------------- what, and which object */

/* The row is borrowed. `key` finds the writer: "" are the rules. */
static json_t *add(json_t *rows, struct str where, const char *what, struct str value, struct str object, struct str key)
{
	json_t *row = json_object();

	json_object_set_new(row, "where", render_text(where));
	json_object_set_new(row, "what", json_string(what));
	json_object_set_new(row, "value", render_text(value));
	json_object_set_new(row, "object", render_text(object));
	json_object_set_new(row, "key", render_text(key));
	json_array_append_new(rows, row);
	return row;
}

/* Every value of a resource whose field begins with `prefix` ("" is all that is of no route). */
static void add_origins(json_t *rows, const struct view *v, uint32_t kind, struct str name, struct str prefix, struct str where)
{
	for (size_t i = 0; i < v->snapshot->n_origins; i++) {
		const Weirlock__V1__Origin *o = v->snapshot->origins[i];

		if (!o->ref || (uint32_t)o->ref->kind != kind || !str_eq(str_from(o->ref->name), name))
			continue;
		for (size_t k = 0; k < o->n_values; k++) {
			const Weirlock__V1__Provenance *p = o->values[k];
			struct str field = str_from(p->field);

			if (prefix.len ? str_starts_with(field, prefix) : !str_starts_with(field, STR("routes[")))
				add(rows, where, p->key, str_from(p->value), str_from(p->object), str_from(p->key));
		}
	}
}

static void add_route(json_t *rows, const struct view *v, const Weirlock__V1__Host *h, const Weirlock__V1__Route *r)
{
	static const char *const marks[] = {"", "=", "~"}; /* by path type, as origins name routes */
	struct buf where = {0}, object = {0}, prefix = {0}, value = {0};

	buf_printf(&where, "%s%s", h->name, r->path);
	buf_printf(&object, "Ingress %s", r->ingress);
	buf_printf(&prefix, "routes[%s%s].", r->path_type < 3 ? marks[r->path_type] : "", r->path);
	if (r->fixed_status)
		buf_printf(&value, "answers %u", r->fixed_status);
	else
		buf_add(&value, r->backend[0] ? str_from(r->backend) : STR("(default)"));
	add(rows, buf_str(&where), "backend", buf_str(&value), r->ingress[0] ? buf_str(&object) : STR(""), STR(""));
	add_origins(rows, v, WEIRLOCK__V1__KIND__KIND_HOST, str_from(h->name), buf_str(&prefix), buf_str(&where));
	if (r->backend[0])
		add_origins(rows, v, WEIRLOCK__V1__KIND__KIND_BACKEND, str_from(r->backend), STR(""), buf_str(&where));
	buf_deinit(&where);
	buf_deinit(&object);
	buf_deinit(&prefix);
	buf_deinit(&value);
}

static bool names(const Weirlock__V1__Host *h, struct str host)
{
	if (str_eq_nocase(str_from(h->name), host))
		return true;
	for (size_t i = 0; i < h->n_aliases; i++) {
		if (str_eq_nocase(str_from(h->aliases[i]), host))
			return true;
	}
	return false;
}

/* How well a route fits a path: so many bytes of it; 0 is not at all. Everything fits no path. */
static size_t fit(const Weirlock__V1__Route *r, struct str path)
{
	struct str own = str_from(r->path);

	if (!path.len)
		return 1;
	if (r->path_type == WEIRLOCK__V1__PATH_TYPE__PATH_TYPE_EXACT)
		return str_eq(own, path) ? own.len + 1 : 0;
	return str_starts_with(path, own) ? own.len : 0;
}

static void add_host(json_t *rows, const struct view *v, const Weirlock__V1__Host *h, struct str path)
{
	struct buf object = {0};
	size_t best = 1;

	for (size_t i = 0; i < h->n_routes; i++)
		best = fit(h->routes[i], path) > best ? fit(h->routes[i], path) : best;
	for (size_t i = 0; i < h->n_routes; i++) {
		if (fit(h->routes[i], path) == best)
			add_route(rows, v, h, h->routes[i]);
	}
	add_origins(rows, v, WEIRLOCK__V1__KIND__KIND_HOST, str_from(h->name), STR(""), str_from(h->name));
	if (h->certificate[0]) {
		buf_printf(&object, "Secret %s", h->certificate);
		add(rows, str_from(h->name), "certificate", str_from(h->certificate), buf_str(&object), STR(""));
	}
	buf_deinit(&object);
}

/* ------------------------------------------------------------------------------------------------------ who, and when */

static size_t list_objects(json_t *rows, char *out[OBJECTS_MOST])
{
	struct map seen = {0};
	size_t i, n = 0;
	json_t *row;

	json_array_foreach(rows, i, row)
	{
		struct str object = str_from(json_string_value(json_object_get(row, "object")));

		if (object.len && n < OBJECTS_MOST && !map_put(&seen, object, row))
			out[n++] = mem_strdup(object);
	}
	map_deinit(&seen);
	return n;
}

static void set_time(json_t *row, const Weirlock__V1__BlamedObject *m)
{
	char time[CLOCK_TEXT_MAX];

	if (m->changed_ms)
		json_object_set_new(row, "time", json_string(clock_rfc3339(m->changed_ms, time)));
	else if (m->created_s)
		json_object_set_new(row, "time", json_string(clock_rfc3339((uint64_t)m->created_s * 1000, time)));
}

static void set_writer(json_t *row, const Weirlock__V1__BlamedObject *m)
{
	json_t *managed = m->managed_fields[0] ? json_loads(m->managed_fields, 0, NULL) : NULL;
	json_t *owner = managed_owner(managed, str_from(json_string_value(json_object_get(row, "key"))));

	if (owner) {
		json_object_set(row, "manager", json_object_get(owner, "manager"));
		json_object_set(row, "operation", json_object_get(owner, "operation"));
		json_object_set(row, "time", json_object_get(owner, "time"));
	} else {
		if (m->origin[0])
			json_object_set_new(row, "manager", render_text(str_from(m->origin)));
		set_time(row, m);
	}
	if (m->why_not[0])
		json_object_set_new(row, "why_not", render_text(str_from(m->why_not)));
	json_decref(managed);
}

static void set_writers(json_t *rows, const Weirlock__V1__BlameResponse *r)
{
	size_t i;
	json_t *row;

	json_array_foreach(rows, i, row)
	{
		const char *object = json_string_value(json_object_get(row, "object"));

		for (size_t k = 0; k < r->n_objects; k++) {
			if (strcmp(r->objects[k]->object, object) == 0)
				set_writer(row, r->objects[k]);
		}
	}
}

static void note_since(struct command_line *line, const char *host, const Weirlock__V1__BlameResponse *r)
{
	char time[CLOCK_TEXT_MAX];
	json_t *id;

	if (!r->since_id.len)
		return;
	id = render_hex(str_of(r->since_id.data, r->since_id.len), 6);
	output_note(&line->out, "host %s is so since snapshot %s, %s%s", host, json_string_value(id), clock_rfc3339(r->since_ms, time),
		r->is_oldest ? " or before: the history goes back no further" : "");
	json_decref(id);
}

static int ask(struct command_line *line, char *host, json_t *rows)
{
	Weirlock__V1__BlameRequest request = WEIRLOCK__V1__BLAME_REQUEST__INIT;
	char *objects[OBJECTS_MOST];
	ProtobufCMessage *answer = NULL;
	int status;

	request.host = host;
	request.pool = target_pool(&line->target);
	request.objects = objects;
	request.n_objects = list_objects(rows, objects);
	status = target_operate(&line->target, "Blame", &request.base, ANSWER_MS, &answer);
	if (status == 0) {
		set_writers(rows, (const Weirlock__V1__BlameResponse *)answer);
		note_since(line, host, (const Weirlock__V1__BlameResponse *)answer);
		protobuf_c_message_free_unpacked(answer, NULL);
	}
	for (size_t i = 0; i < request.n_objects; i++)
		mem_free(objects[i]);
	return status;
}

int snapshot_blame(struct command_line *line)
{
	struct str word = str_from(line->args.n == 2 ? line->args.items[1] : ""), host = str_first(word, str_find(word, '/'));
	struct str path = str_from_index(word, host.len);
	struct view v;
	json_t *rows;
	int status;

	if (!host.len)
		return command_fail(EXIT_USAGE, "usage: weirctl snapshot blame HOST[/PATH]");
	status = target_snapshot(&line->target, "", &v);
	if (status != 0)
		return status;
	rows = json_array();
	for (size_t i = 0; i < v.n_hosts && status == 0; i++) {
		if (!names(v.hosts[i], host))
			continue;
		add_host(rows, &v, v.hosts[i], path);
		status = ask(line, v.hosts[i]->name, rows);
		break;
	}
	if (status == 0 && json_array_size(rows) == 0)
		status = command_fail(EXIT_FINDINGS, "no host '%.*s' in this snapshot (weirctl routes lists all)", STR_ARG(host));
	else if (status == 0)
		output_rows(&line->out, rows, columns);
	json_decref(rows);
	view_deinit(&v);
	return status;
}

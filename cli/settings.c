/* weirctl settings: every global setting by its ConfigMap key, with its value and where that came from. */
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "render.h"

static const struct column columns[] = {
	{"SETTING", "setting", false},
	{"VALUE", "shown", false},
	{"FROM", "from", false},
	{"WRITTEN", "written", true},
	{0},
};

/* The ConfigMap key of a field of Settings: "keep_alive_ms" is keep-alive. A few have a name of their own. */
static void key_of(const char *field, struct buf *key)
{
	static const char *const others[][2] = {
		{"client_header_buffer_bytes", "client-header-buffer-size"},
		{"large_client_header_count", "large-client-header-buffers"},
		{"large_client_header_bytes", "large-client-header-buffers"},
		{"ssl_protocol_tls12", "ssl-protocols"},
		{"ssl_protocol_tls13", "ssl-protocols"},
		{"denylist", "block-cidrs"},
		{"compatibility_ingress_nginx", "compatibility"},
		{"access_log_path", "http-access-log-path"},
		{"default_certificate", "--default-ssl-certificate"},
		{"default_backend", "--default-backend-service"},
	};
	static const char *const units[] = {"_ms", "_bytes", "_s"};
	struct str name = str_from(field);

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (str_eq(name, str_from(others[i][0]))) {
			buf_add(key, str_from(others[i][1]));
			return;
		}
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (str_ends_with(name, str_from(units[i])))
			name = str_first(name, name.len - strlen(units[i]));
	}
	for (size_t i = 0; i < name.len; i++)
		buf_add_char(key, name.ptr[i] == '_' ? '-' : name.ptr[i]);
}

/* For people: times in seconds, lists as they are written. */
static json_t *shown(const char *field, json_t *value)
{
	char text[32];

	if (str_eq(str_from(field), STR("ssl_buffer_size_bytes")) && json_integer_value(value) == 0)
		return json_string("auto");
	if (str_ends_with(str_from(field), STR("_ms"))) {
		snprintf(text, sizeof(text), "%gs", (double)json_integer_value(value) / 1000);
		return json_string(text);
	}
	if (str_ends_with(str_from(field), STR("_s"))) {
		snprintf(text, sizeof(text), "%llds", (long long)json_integer_value(value));
		return json_string(text);
	}
	if (str_eq(str_from(field), STR("compatibility_ingress_nginx")))
		return json_string(json_is_true(value) ? "ingress-nginx" : "none");
	return json_incref(value);
}

static void set_origin(json_t *row, const Weirlock__V1__Provenance *origin)
{
	json_object_set_new(row, "from", origin ? render_text(str_from(origin->object)) : json_string("default"));
	if (origin)
		json_object_set_new(row, "written", render_text(str_from(origin->value)));
}

static json_t *row_of(const struct view *v, const char *field, json_t *value)
{
	json_t *row = json_object();
	struct buf key = {0};

	key_of(field, &key);
	json_object_set_new(row, "setting", json_string(buf_cstr(&key)));
	json_object_set_new(row, "field", json_string(field));
	json_object_set(row, "value", value);
	json_object_set_new(row, "shown", shown(field, value));
	set_origin(row, view_origin(v, WEIRLOCK__V1__KIND__KIND_SETTINGS, STR(""), buf_str(&key)));
	buf_deinit(&key);
	return row;
}

static bool has_row(json_t *rows, const char *key)
{
	size_t i;
	json_t *row;

	json_array_foreach(rows, i, row)
	{
		if (strcmp(json_string_value(json_object_get(row, "setting")), key) == 0)
			return true;
	}
	return false;
}

/* Keys of the ConfigMap that are defaults of every route, as proxy-read-timeout: no field of Settings has them. */
static void add_route_defaults(const struct view *v, json_t *rows)
{
	for (size_t i = 0; i < v->snapshot->n_origins; i++) {
		const Weirlock__V1__Origin *o = v->snapshot->origins[i];

		if (!o->ref || o->ref->kind != WEIRLOCK__V1__KIND__KIND_SETTINGS)
			continue;
		for (size_t k = 0; k < o->n_values; k++) {
			json_t *row;

			if (has_row(rows, o->values[k]->field))
				continue;
			row = json_object();
			json_object_set_new(row, "setting", render_text(str_from(o->values[k]->field)));
			json_object_set_new(row, "value", render_text(str_from(o->values[k]->value)));
			json_object_set_new(row, "shown", render_text(str_from(o->values[k]->value)));
			set_origin(row, o->values[k]);
			json_array_append_new(rows, row);
		}
	}
}

int command_settings(struct command_line *line)
{
	struct view v;
	json_t *rows, *all, *value;
	const char *field;
	int status = command_at_most(line, 0, "settings");

	if (status == 0)
		status = target_snapshot(&line->target, "", &v);
	if (status != 0)
		return status;
	rows = json_array();
	if (v.settings) {
		all = render_message(&v.settings->base, true);
		json_object_foreach(all, field, value) json_array_append_new(rows, row_of(&v, field, value));
		json_decref(all);
	}
	add_route_defaults(&v, rows);
	output_rows(&line->out, rows, columns);
	json_decref(rows);
	view_deinit(&v);
	return status;
}

/* weirctl settings: every global setting by its ConfigMap key, with its value and where that came from. */
#include <string.h>

#include "command.h"
#include "origin.h"
#include "render.h"

static const struct column columns[] = {
	{"SETTING", "setting", false},
	{"VALUE", "shown", false},
	{"FROM", "from", false},
	{"WRITTEN", "written", true},
	{0},
};

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
			origin_set(row, v, o->values[k]);
			json_array_append_new(rows, row);
		}
	}
}

int command_settings(struct command_line *line)
{
	struct view v;
	json_t *rows;
	int status = command_at_most(line, 0, "settings");

	if (status == 0)
		status = target_snapshot(&line->target, "", &v);
	if (status != 0)
		return status;
	rows = origin_settings(&v);
	add_route_defaults(&v, rows);
	output_rows(&line->out, rows, columns);
	json_decref(rows);
	view_deinit(&v);
	return status;
}

/* weirctl settings: every global setting with its value and where it came from. */
#include "command.h"
#include "render.h"

static const struct column columns[] = {
	{"SETTING", "setting", false},
	{"VALUE", "value", false},
	{"FROM", "from", false},
	{"KEY", "key", true},
	{"WRITTEN", "written", true},
	{0},
};

static json_t *row_of(const struct view *v, const char *setting, json_t *value)
{
	const Weirlock__V1__Provenance *origin =
		view_origin(v, WEIRLOCK__V1__KIND__KIND_SETTINGS, STR(""), str_from(setting));
	json_t *row = json_object();

	json_object_set_new(row, "setting", json_string(setting));
	json_object_set(row, "value", value);
	json_object_set_new(row, "from", origin ? render_text(str_from(origin->object)) : json_string("default"));
	if (origin) {
		json_object_set_new(row, "key", render_text(str_from(origin->key)));
		json_object_set_new(row, "written", render_text(str_from(origin->value)));
	}
	return row;
}

int command_settings(struct command_line *line)
{
	struct view v;
	json_t *rows, *all, *value;
	const char *setting;
	int status = command_at_most(line, 0, "settings");

	if (status == 0)
		status = target_snapshot(&line->target, "", &v);
	if (status != 0)
		return status;
	rows = json_array();
	if (v.settings) {
		all = render_message(&v.settings->base, true);
		json_object_foreach(all, setting, value) json_array_append_new(rows, row_of(&v, setting, value));
		json_decref(all);
	}
	output_rows(&line->out, rows, columns);
	json_decref(rows);
	view_deinit(&v);
	return status;
}

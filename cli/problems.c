/* weirctl problems: what is wrong with which object, and how to mend it. Exit status 1 when there is any. */
#include "problems.h"

#include "command.h"
#include "render.h"

static const struct column columns[] = {
	{"SEVERITY", "severity", false},
	{"OBJECT", "object", false},
	{"FIELD", "field", false},
	{"VALUE", "value", false},
	{"RULE", "rule", false},
	{"EFFECT", "effect", true},
	{"FIX", "fix", false},
	{0},
};

json_t *problem_rows(const Weirlock__V1__ProblemsResponse *problems, const char *namespace_)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < problems->n_problems; i++) {
		const Weirlock__V1__Problem *p = problems->problems[i];
		struct str object = str_from(p->object);
		struct str name = str_from_index(object, str_find(object, ' ') + 1);
		json_t *row;

		if (namespace_ && !str_eq(str_first(name, str_find(name, '/')), str_from(namespace_)))
			continue;
		row = json_object();
		json_object_set_new(
			row, "severity", render_enum(&weirlock__v1__severity__descriptor, (int)p->severity));
		json_object_set_new(row, "object", render_text(object));
		json_object_set_new(row, "field", render_text(str_from(p->field)));
		json_object_set_new(row, "value", render_text(str_from(p->value)));
		json_object_set_new(row, "rule", render_text(str_from(p->rule)));
		json_object_set_new(row, "fix", render_text(str_from(p->fix)));
		json_object_set_new(row, "effect", render_text(str_from(p->effect)));
		json_array_append_new(rows, row);
	}
	return rows;
}

void print_problem_rows(struct output *out, json_t *rows)
{
	bool is_table = out->format == OUTPUT_TABLE || out->format == OUTPUT_WIDE;

	if (is_table && json_array_size(rows) == 0)
		output_note(out, "no problems");
	else
		output_rows(out, rows, columns);
}

int command_problems(struct command_line *line)
{
	Weirlock__V1__ProblemsResponse *problems;
	json_t *rows;
	int status = command_at_most(line, 0, "problems");

	if (status == 0)
		status = target_problems(&line->target, &problems);
	if (status != 0)
		return status;
	rows = problem_rows(problems, line->namespace_);
	if (json_array_size(rows))
		status = EXIT_FINDINGS;
	print_problem_rows(&line->out, rows);
	json_decref(rows);
	weirlock__v1__problems_response__free_unpacked(problems, NULL);
	return status;
}

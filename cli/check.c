/* weirctl check PATH: compile manifests offline and say what is wrong. Exit status 1 when anything is. */
#include "command.h"

#include "problems.h"

int command_check(struct command_line *line)
{
	Weirlock__V1__ProblemsResponse *problems;
	struct target *t = &line->target;
	json_t *rows;
	int status;

	if (line->args.n == 0 && t->manifests.n == 0)
		return command_fail(EXIT_USAGE, "usage: weirctl check PATH [PATH …]");
	t->controller = t->proxy = t->file = NULL;
	for (size_t i = 0; i < line->args.n; i++)
		t->manifests.items[t->manifests.n++] = line->args.items[i];
	status = target_problems(t, &problems);
	if (status != 0)
		return status;
	rows = problem_rows(problems, line->namespace_);
	print_problem_rows(&line->out, rows);
	if (json_array_size(rows))
		status = EXIT_FINDINGS;
	json_decref(rows);
	weirlock__v1__problems_response__free_unpacked(problems, NULL);
	return status;
}

#ifndef PROBLEMS_H
#define PROBLEMS_H
/* Problems as rows, for `problems` and `check`. */
#include <jansson.h>

#include "output.h"
#include "weirlock/v1/control.pb-c.h"

/* Owned. `namespace_` NULL is all. */
json_t *problem_rows(const Weirlock__V1__ProblemsResponse *problems, const char *namespace_);
/* As a table, or the line "no problems". */
void print_problem_rows(struct output *out, json_t *rows);

#endif

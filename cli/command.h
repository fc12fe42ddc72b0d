#ifndef COMMAND_H
#define COMMAND_H
/* What every command of weirctl gets, and the table of commands. One file a command. */
#include <stdbool.h>

#include "asked.h"
#include "opt.h"
#include "output.h"
#include "target.h"

struct command_line {
	struct opt_list args;    /* after the verb */
	struct output out;
	struct target target;
	const char *namespace_;  /* -n; NULL is all */
	bool is_watching;        /* --watch */
	struct opt_list acked, deleted; /* with wait: objects */
	const char *proxies;     /* with wait; NULL is all */
	bool is_anonymous;       /* with snapshot export */
	bool is_raw;             /* with snapshot diff: resources, not requests */
	const char *reason;      /* with snapshot pin and rollback */
	struct asked_words asked; /* with explain */
};

/* Exit status; errors are printed on stderr by the command. */
typedef int command_fn(struct command_line *line);

struct command {
	const char *verb;
	const char *args;    /* "[HOST]" */
	const char *summary; /* one sentence */
	command_fn *run;
};
extern const struct command commands[]; /* ends with a NULL verb */
/* The options of all commands; ends with a NULL name. */
const struct opt *command_options(void);

command_fn command_status, command_snapshot, command_routes, command_backends, command_certs, command_settings,
	command_problems, command_check, command_explain, command_wait, command_completion, command_document, command_rollout;

/* "weirctl: …" on stderr. Returns `status`. */
int command_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Usage error: at most `most` words may follow the verb. 0, or an exit status after saying so. */
int command_at_most(const struct command_line *line, size_t most, const char *usage);

#endif

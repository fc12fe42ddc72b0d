#ifndef OPT_H
#define OPT_H
/*
 * Command-line options from one table: parsing, `--help` and the man pages come from the same rows.
 * Accepts --name value, --name=value, and --name / --name=true|false for switches. Ends at "--".
 */
#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

enum opt_type {
	OPT_FLAG,   /* bool * */
	OPT_TEXT,   /* const char **; the last one wins */
	OPT_LIST,   /* struct opt_list *; repeatable, in order */
	OPT_UINT,   /* unsigned *; within min … max */
	OPT_CHOICE, /* const char **; one of `arg`, words split by '|' */
};

struct opt_list {
	const char *items[64];
	size_t n;
};

struct opt {
	const char *name;    /* without dashes */
	char letter;         /* -x, or 0 */
	enum opt_type type;
	void *out;           /* where the value goes; what is there before is the default */
	const char *arg;     /* "FILE", "ADDR:PORT", "text|json"; NULL for a flag */
	const char *help;    /* one sentence, no full stop needed */
	unsigned min, max;   /* OPT_UINT */
};

struct opt_program {
	const char *name;       /* "weirlock-proxy" */
	const char *summary;    /* one sentence */
	const char *synopsis;   /* "weirctl [OPTIONS] VERB [ARG …]" */
	const char *details;    /* paragraphs for the end of --help and the man page; may be NULL */
	const struct opt *opts; /* ends with a row whose name is NULL */
};

/*
 * Fills the outs of `program->opts` from argv[1…]. Words that are not options are collected in `words` (may be NULL: then
 * they are errors). Values are borrowed from argv. Returns false with a clear text in `error` (names the option, the value,
 * what is allowed, and a near miss by name). --help and --version are the caller's rows.
 */
bool opt_parse(const struct opt_program *program, int argc, char **argv, struct opt_list *words, struct buf *error);
/* The text of --help. */
void opt_help(const struct opt_program *program, struct buf *out);
/* A man page, section 1 (roff). */
void opt_man(const struct opt_program *program, struct buf *out);
/* The options that every program has: put OPT_COMMON(&common) among the rows, and start with opt_begin. */
struct opt_common {
	const char *log_level, *log_format; /* "" is what was before: info, text */
	bool wants_help, wants_version, wants_man;
};
#define OPT_COMMON(common)                                                                                          \
	{"log-level", 0, OPT_CHOICE, &(common)->log_level, "error|warn|info|debug", "What is logged on stderr", 0, 0}, \
		{"log-format", 0, OPT_CHOICE, &(common)->log_format, "text|json", "How it is logged (default text)", 0, 0}, \
		{"help", 'h', OPT_FLAG, &(common)->wants_help, NULL, "This text", 0, 0},                            \
		{"version", 0, OPT_FLAG, &(common)->wants_version, NULL, "The version", 0, 0},                      \
		{"man", 0, OPT_FLAG, &(common)->wants_man, NULL, "The manual page (roff)", 0, 0}

enum opt_begun { OPT_GO_ON, OPT_SAID_ALL, OPT_WRONG };
/*
 * opt_parse, then what is common to all: help, version or manual page go to stdout (OPT_SAID_ALL), the log is set as asked.
 * OPT_WRONG: the text is in `error`, the exit status is EXIT_USAGE.
 */
enum opt_begun opt_begin(const struct opt_program *program, const struct opt_common *common, int argc, char **argv,
	struct opt_list *words, struct buf *error);
/* The word of `choices` (ends with NULL) nearest to `word`, or NULL when none is near. For "did you mean". */
const char *opt_nearest(const char *word, const char *const *choices);

/* Exit status of every program. */
enum { EXIT_FINE = 0, EXIT_FINDINGS = 1, EXIT_USAGE = 2, EXIT_PARTLY = 3, EXIT_NO_CONNECTION = 4, EXIT_BAD_INPUT = 5 };

#endif

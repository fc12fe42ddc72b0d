/*
 * weirctl completion bash|zsh|fish: made from the tables of commands and options, so that it cannot be out of date. Words are
 * offered where a table has them: "table|wide|json|yaml", "request URL|client-ip"; "FILE" and "[HOST]" are for the user.
 */
#include "command.h"

#include <string.h>

/* Each choice of "a|b X|c", its first word alone; `separator` between. Nothing where they are no words to type as they are. */
static bool add_choices(struct buf *out, const char *choices, const char *separator)
{
	struct str rest = str_from(choices), piece;
	bool is_first = true;

	if (!*choices || *choices < 'a' || *choices > 'z' || !strchr(choices, '|'))
		return false;
	while (str_next(&rest, '|', &piece)) {
		buf_printf(out, "%s%.*s", is_first ? "" : separator, STR_ARG(str_first(piece, str_find(piece, ' '))));
		is_first = false;
	}
	return true;
}

static void add_verbs(struct buf *out)
{
	for (const struct command *c = commands; c->verb; c++)
		buf_printf(out, "%s%s", c == commands ? "" : " ", c->verb);
}

static bool takes_file(const struct opt *o)
{
	return o->arg && (strcmp(o->arg, "PATH") == 0 || strcmp(o->arg, "DIR") == 0 || strcmp(o->arg, "SNAPSHOT") == 0);
}

/* "-o|--output) what;;" of a shell's case. */
static void add_case(struct buf *out, const struct opt *o)
{
	struct buf words = {0};

	if (takes_file(o) || (o->type == OPT_CHOICE && add_choices(&words, o->arg, " "))) {
		buf_add(out, STR("\t"));
		if (o->letter)
			buf_printf(out, "-%c|", o->letter);
		buf_printf(out, "--%s) COMPREPLY=($(compgen ", o->name);
		if (takes_file(o))
			buf_add(out, STR("-f"));
		else
			buf_printf(out, "-W '%s'", buf_cstr(&words));
		buf_add(out, STR(" -- \"$cur\")); return;;\n"));
	}
	buf_deinit(&words);
}

static void bash(struct buf *out)
{
	buf_add(out, STR("_weirctl() {\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
			 "\tCOMPREPLY=()\n\tcase $prev in\n"));
	for (const struct opt *o = command_options(); o->name; o++)
		add_case(out, o);
	buf_add(out, STR("\tcheck|export) COMPREPLY=($(compgen -f -- \"$cur\")); return;;\n"));
	for (const struct command *c = commands; c->verb; c++) {
		struct buf words = {0};

		if (add_choices(&words, c->args, " "))
			buf_printf(out, "\t%s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return;;\n", c->verb, buf_cstr(&words));
		buf_deinit(&words);
	}
	buf_add(out, STR("\tesac\n\tif [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '"));
	for (const struct opt *o = command_options(); o->name; o++)
		buf_printf(out, "%s--%s", o == command_options() ? "" : " ", o->name);
	buf_add(out, STR("' -- \"$cur\"));\n\telse COMPREPLY=($(compgen -W '"));
	add_verbs(out);
	buf_add(out, STR("' -- \"$cur\")); fi\n}\ncomplete -F _weirctl weirctl\n"));
}

/* Text inside '…' where `colon` has to be escaped too, and […] end what they are in. */
static void add_quoted(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			buf_add(out, STR("'\\''"));
		else if (strchr(":[]", *text))
			buf_printf(out, "\\%c", *text);
		else
			buf_add_char(out, *text);
	}
}

static void add_zsh_option(struct buf *out, const struct opt *o)
{
	struct buf words = {0};

	buf_printf(out, "\t\t'%s--%s[", o->type == OPT_LIST ? "*" : "", o->name);
	add_quoted(out, o->help);
	buf_add_char(out, ']');
	if (o->arg) {
		buf_add_char(out, ':');
		add_quoted(out, o->arg);
		if (takes_file(o))
			buf_add(out, STR(":_files"));
		else if (o->type == OPT_CHOICE && add_choices(&words, o->arg, " "))
			buf_printf(out, ":(%s)", buf_cstr(&words));
		else
			buf_add(out, STR(": "));
	}
	buf_add(out, STR("' \\\n"));
	buf_deinit(&words);
}

static void zsh(struct buf *out)
{
	buf_add(out, STR("#compdef weirctl\n_weirctl() {\n\tlocal -a verbs\n\tlocal state line\n\tverbs=(\n"));
	for (const struct command *c = commands; c->verb; c++) {
		buf_printf(out, "\t\t'%s:", c->verb);
		add_quoted(out, c->summary);
		buf_add(out, STR("'\n"));
	}
	buf_add(out, STR("\t)\n\t_arguments \\\n"));
	for (const struct opt *o = command_options(); o->name; o++)
		add_zsh_option(out, o);
	buf_add(out, STR("\t\t'1:verb:->verb' '*::arg:->args'\n\tcase $state in\n\tverb) _describe verb verbs;;\n"
			 "\targs) case $words[1] in\n"));
	for (const struct command *c = commands; c->verb; c++) {
		struct buf words = {0};

		if (add_choices(&words, c->args, " "))
			buf_printf(out, "\t\t%s) compadd %s;;\n", c->verb, buf_cstr(&words));
		buf_deinit(&words);
	}
	buf_add(out, STR("\t\t*) _files;;\n\t\tesac;;\n\tesac\n}\n_weirctl \"$@\"\n"));
}

/* Text inside fish's '…'. */
static void add_fish_text(struct buf *out, const char *text)
{
	for (; *text; text++)
		buf_printf(out, *text == '\'' || *text == '\\' ? "\\%c" : "%c", *text);
}

static void add_fish_option(struct buf *out, const struct opt *o)
{
	struct buf words = {0};

	buf_printf(out, "complete -c weirctl -l %s", o->name);
	if (o->letter)
		buf_printf(out, " -s %c", o->letter);
	if (o->arg)
		buf_add(out, takes_file(o) ? STR(" -r -F") : STR(" -x"));
	if (o->type == OPT_CHOICE && add_choices(&words, o->arg, " "))
		buf_printf(out, " -a '%s'", buf_cstr(&words));
	buf_add(out, STR(" -d '"));
	add_fish_text(out, o->help);
	buf_add(out, STR("'\n"));
	buf_deinit(&words);
}

static void fish(struct buf *out)
{
	for (const struct command *c = commands; c->verb; c++) {
		struct buf words = {0};

		buf_printf(out, "complete -c weirctl -n __fish_use_subcommand -a %s -d '", c->verb);
		add_fish_text(out, c->summary);
		buf_add(out, STR("'\n"));
		if (add_choices(&words, c->args, " "))
			buf_printf(out, "complete -c weirctl -n '__fish_seen_subcommand_from %s' -a '%s'\n", c->verb, buf_cstr(&words));
		buf_deinit(&words);
	}
	for (const struct opt *o = command_options(); o->name; o++)
		add_fish_option(out, o);
}

int command_completion(struct command_line *line)
{
	const char *shell = line->args.n == 1 ? line->args.items[0] : "";

	if (strcmp(shell, "bash") == 0)
		bash(&line->out.text);
	else if (strcmp(shell, "zsh") == 0)
		zsh(&line->out.text);
	else if (strcmp(shell, "fish") == 0)
		fish(&line->out.text);
	else
		return command_fail(EXIT_USAGE, "usage: weirctl completion bash|zsh|fish");
	return 0;
}

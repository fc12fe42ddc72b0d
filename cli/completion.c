/* weirctl completion bash|zsh|fish: made from the table of commands, so that it cannot be out of date. */
#include "command.h"

#include <string.h>

static const char *const snapshot_words = "list show diff export";
static const char *const global_options =
	"--controller --proxy --file --manifests --identity --insecure --output --namespace --color --watch --timeout --help --version";

static void add_verbs(struct buf *out)
{
	for (const struct command *c = commands; c->verb; c++)
		buf_printf(out, "%s%s", c == commands ? "" : " ", c->verb);
}

static void bash(struct buf *out)
{
	buf_add(out, STR("_weirctl() {\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
			 "\tcase $prev in\n"
			 "\t-o|--output) COMPREPLY=($(compgen -W 'table wide json yaml' -- \"$cur\")); return;;\n"
			 "\t--color) COMPREPLY=($(compgen -W 'auto always never' -- \"$cur\")); return;;\n"
			 "\t--file|--manifests|--identity|--assert|check|export) COMPREPLY=($(compgen -f -- \"$cur\")); return;;\n"));
	buf_printf(out, "\tsnapshot) COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return;;\n", snapshot_words);
	buf_add(out, STR("\tcompletion) COMPREPLY=($(compgen -W 'bash zsh fish' -- \"$cur\")); return;;\n"
			 "\tdocument) COMPREPLY=($(compgen -W 'settings annotations' -- \"$cur\")); return;;\n\tesac\n"));
	buf_printf(out, "\tif [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '%s' -- \"$cur\"));\n\telse COMPREPLY=($(compgen -W '",
		global_options);
	add_verbs(out);
	buf_add(out, STR("' -- \"$cur\")); fi\n}\ncomplete -F _weirctl weirctl\n"));
}

static void zsh(struct buf *out)
{
	buf_add(out, STR("#compdef weirctl\n_weirctl() {\n\tlocal -a verbs\n\tverbs=(\n"));
	for (const struct command *c = commands; c->verb; c++)
		buf_printf(out, "\t\t'%s:%s'\n", c->verb, c->summary);
	buf_add(out, STR("\t)\n\t_arguments '1:verb:->verb' '*::arg:->args'\n\tcase $state in\n"
			 "\tverb) _describe verb verbs;;\n\targs) case $words[1] in\n"));
	buf_printf(out, "\t\tsnapshot) compadd %s;;\n\t\tcompletion) compadd bash zsh fish;;\n\t\t*) _files;;\n", snapshot_words);
	buf_add(out, STR("\t\tesac;;\n\tesac\n}\n_weirctl \"$@\"\n"));
}

static void fish(struct buf *out)
{
	for (const struct command *c = commands; c->verb; c++)
		buf_printf(out, "complete -c weirctl -n __fish_use_subcommand -a %s -d '%s'\n", c->verb, c->summary);
	buf_printf(out, "complete -c weirctl -n '__fish_seen_subcommand_from snapshot' -a '%s'\n", snapshot_words);
	buf_add(out, STR("complete -c weirctl -s o -l output -x -a 'table wide json yaml'\n"
			 "complete -c weirctl -l color -x -a 'auto always never'\n"));
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

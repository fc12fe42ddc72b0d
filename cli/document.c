/* weirctl document settings|annotations: the tables that the parsers obey, as Markdown. docs/ holds what this prints. */
#include <string.h>

#include "annotation.h"
#include "command.h"
#include "settings.h"

int command_document(struct command_line *line)
{
	const char *what = line->args.n == 1 ? line->args.items[0] : "";
	struct buf *out = &line->out.text;

	if (strcmp(what, "settings") == 0) {
		buf_add(out, STR("# ConfigMap keys\n\nWhat Weirlock does with each key that ingress-nginx has or had, and with its own. A bad value "
				 "keeps the last good one,\nor else the default, and is told by `weirctl problems`.\n\n"));
		settings_document(out);
	} else if (strcmp(what, "annotations") == 0) {
		buf_add(out, STR("# Annotations\n\nWhat Weirlock does with each annotation of ingress-nginx, under the prefix "
				 "`nginx.ingress.kubernetes.io/`\n(`--annotations-prefix` changes it), and with its own, which are "
				 "under `weirlock.io/` always.\n\n"));
		annotation_document(out);
	} else {
		return command_fail(EXIT_USAGE, "usage: weirctl document settings|annotations");
	}
	return EXIT_FINE;
}

/* Drawn anew on a terminal; a growing log for a file or a pipe. */
#include "watch.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "map.h"

enum { EVERY_S = 2 };

/* A line without what padding does to it: one column that has grown makes no line a new one. */
static struct str squeeze(struct str line, struct buf *out)
{
	buf_clear(out);
	for (size_t i = 0; i < line.len; i++) {
		if (line.ptr[i] != ' ' || (i && line.ptr[i - 1] != ' '))
			buf_add_char(out, line.ptr[i]);
	}
	return buf_str(out);
}

static void note_lines(struct map *lines, struct str text)
{
	struct buf squeezed = {0};
	struct str line;

	map_deinit(lines);
	while (str_next(&text, '\n', &line)) {
		if (line.len)
			map_put(lines, squeeze(line, &squeezed), lines); /* any pointer but NULL */
	}
	buf_deinit(&squeezed);
}

/* The lines of `text` that are not in `before`, with a time above them. */
static void keep_news(const struct map *before, struct str text, struct buf *out)
{
	char time[CLOCK_TEXT_MAX];
	struct buf squeezed = {0};
	struct str line;

	while (str_next(&text, '\n', &line)) {
		if (!line.len || map_get(before, squeeze(line, &squeezed)))
			continue;
		if (!out->len && before->n)
			buf_printf(out, "# %s\n", clock_rfc3339(clock_wall_ms(), time));
		buf_add(out, line);
		buf_add_char(out, '\n');
	}
	buf_deinit(&squeezed);
}

/* Documents of JSON and YAML stay whole. */
static void append_news(struct command_line *line, struct map *before)
{
	struct buf *text = &line->out.text, news = {0};

	keep_news(before, buf_str(text), &news);
	note_lines(before, buf_str(text));
	if (line->out.format == OUTPUT_TABLE || line->out.format == OUTPUT_WIDE || !news.len) {
		buf_clear(text);
		buf_add(text, buf_str(&news));
	}
	buf_deinit(&news);
}

static bool can_watch(const char *verb)
{
	static const char *const verbs[] = {"status", "snapshot", "routes", "backends", "certs", "settings", "problems"};

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verb, verbs[i]) == 0)
			return true;
	}
	return false;
}

int watch_run(struct command_line *line, const struct command *command)
{
	struct map before = {0};
	bool is_first = true;
	int status;

	if (!can_watch(command->verb) || target_is_offline(&line->target))
		return command_fail(EXIT_USAGE, "--watch: what a controller or a proxy says can be watched, by status, snapshot list, "
						"routes, backends, certs, settings and problems");
	for (;; is_first = false) {
		status = command->run(line);
		if (status == EXIT_USAGE || (is_first && status > EXIT_FINDINGS))
			break;
		if (!line->out.is_terminal)
			append_news(line, &before);
		else if (fputs("\033[H\033[2J", stdout) < 0)
			break;
		if (!output_flush(&line->out))
			break;
		sleep(EVERY_S);
	}
	map_deinit(&before);
	return status;
}

#ifndef WATCH_H
#define WATCH_H
/* --watch: a command again and again. */
#include "command.h"

/*
 * Runs the command every two seconds until interrupted. A terminal is drawn anew each time; anywhere else what is new since the time
 * before is appended, under a line with the time. Only a first look that fails ends it; a command that
 * answers the same each time cannot be watched, which is a mistake of usage.
 */
int watch_run(struct command_line *line, const struct command *command);

#endif

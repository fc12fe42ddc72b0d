#ifndef SNAPSHOT_VERBS_H
#define SNAPSHOT_VERBS_H
/* The words after `weirctl snapshot` that have a file of their own. */
#include "command.h"

command_fn snapshot_pin, snapshot_rollback, snapshot_unpin, snapshot_verify, snapshot_blame;

/* A snapshot by id of the target ("" is the newest), or a snapshot file when there is one of that name. As target_snapshot. */
int snapshot_named(struct command_line *line, const char *word, struct view *out);

#endif

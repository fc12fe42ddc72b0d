#ifndef PLACES_H
#define PLACES_H
/*
 * Where lines go by the names that settings have for it: "" or /dev/stdout, /dev/stderr, or the path of a regular file, which
 * is made where there is none. Main thread only.
 */
#include <sys/types.h>

#include "accesslog.h"

struct accesslog_places {
	struct accesslog_sink *sink;
	struct accesslog_place {
		char *path; /* NULL: stdout */
		int fd;     /* its own; -1: none, or one of the process's */
		dev_t device;
		ino_t inode;
	} items[ACCESSLOG_KINDS];
};

/* Keeps `sink`, whose lines go to stdout. */
void accesslog_places_init(struct accesslog_places *places, struct accesslog_sink *sink);
/* After the last line. Of one that is zero too. */
void accesslog_places_deinit(struct accesslog_places *places);
/* While the sink is held. What cannot be opened is told in the process's log, and its lines go to stdout meanwhile. */
void accesslog_places_set(struct accesslog_places *places, enum accesslog_kind kind, struct str path);
/* Whether there is anything to look after. */
bool accesslog_places_has_files(const struct accesslog_places *places);
/*
 * Opens again what is no longer at its path, as after a rotation, and tries once more what could not be opened. Call it once
 * a second, while the sink is not held.
 */
void accesslog_places_check(struct accesslog_places *places);

#endif

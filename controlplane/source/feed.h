#ifndef SOURCE_FEED_H
#define SOURCE_FEED_H
/*
 * What one list-and-watch does next, from how its last call ended. Pure: no I/O, no clock, chance is an argument.
 *
 * A list is read in pages and followed by a watch from the list's version. A watch that ends goes on from the last version
 * seen, and only a version that the server has forgotten leads to a new list. What is known stays known all the while: a
 * list says what is there, and what it does not say is gone once its last page is in.
 */
#include <stdbool.h>
#include <stdint.h>

#include "str.h"

enum feed_outcome {
	FEED_FINE,         /* a page was read, a watch ended as it should */
	FEED_EXPIRED,      /* 410: the version or the continue token is too old */
	FEED_FORBIDDEN,    /* 403 */
	FEED_UNAUTHORIZED, /* 401, with the newest credentials */
	FEED_NOT_FOUND,    /* 404: the server does not know the kind */
	FEED_REFUSED,      /* any other status, and ERROR events */
	FEED_LOST,         /* no answer, or one that was cut */
	FEED_SILENT,       /* no byte for too long */
	FEED_TOO_LARGE,    /* more than is read at once */
	FEED_GARBLED,      /* not what an API server says */
};

/* From a call's end. `code` is that of a Status that came as an event or a body; 0: none. */
enum feed_outcome feed_outcome_of(int error, unsigned status, unsigned code, bool is_garbled);
/* "the API server says 403"; a static text for people. */
const char *feed_outcome_text(enum feed_outcome outcome);

enum feed_step { FEED_LIST, FEED_LIST_ON, FEED_WATCH };

/* Zeroed, with `limit` set, it is a feed that has never asked. */
struct feed_state {
	bool is_listed;      /* everything was in once */
	unsigned limit;      /* objects a page */
	unsigned n_failures; /* in a row */
};
struct feed_end {
	enum feed_step was;
	enum feed_outcome outcome;
	bool is_last_page;
	bool has_lived;         /* of a watch: an event came, or it was open for some time */
	unsigned retry_after_s; /* the server's wish */
};
struct feed_next {
	enum feed_step step;
	unsigned wait_ms; /* before it */
};
struct feed_next feed_advance(struct feed_state *state, const struct feed_end *end, uint32_t chance);
/* Whether an outcome is worth a problem already: a refusal at once, other trouble when it lasts. */
bool feed_is_trouble(const struct feed_state *state, enum feed_outcome outcome);

#endif

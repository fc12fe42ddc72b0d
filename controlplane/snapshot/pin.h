#ifndef PIN_H
#define PIN_H
/*
 * A snapshot that was chosen by hand and is served until it is let go. Endpoints are not what people roll back: pods come and
 * go meanwhile, and requests to the addresses of yesterday would fail. So they stay those of the cluster as it is.
 */
#include "snapshot.h"

struct pin {
	struct content *content; /* owned; NULL: nothing is pinned */
	struct origins *origins; /* where its values came from; owned; NULL: that is not known */
	uint64_t since_ms;       /* wall clock */
	char *by, *reason;       /* owned */
	bool is_rollback;        /* it was not what was served then */
};

void pin_deinit(struct pin *pin);
/*
 * What is served: the pinned set, in which each Backend that `live` or `others` (may be NULL) has too gets its Endpoints from
 * there, be they none. One that neither has keeps those it had when the set was made. Owned.
 */
struct content *pin_content(const struct pin *pin, struct content *live, struct content *others);

#endif

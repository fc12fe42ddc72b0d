#ifndef ROUND_ROBIN_H
#define ROUND_ROBIN_H
/* Strict rotation over the endpoints of one backend (I2). Private to balance. */
#include "balance.h"

/* A zeroed one has not begun. */
struct round_robin {
	struct addr last; /* the endpoint that was chosen last; family 0 before the first choice */
	size_t at;        /* where it was */
};

int round_robin_select(struct round_robin *state, const struct backend *backend, const struct balance_tried *tried,
	uint64_t random);

#endif

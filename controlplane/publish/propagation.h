#ifndef PROPAGATION_H
#define PROPAGATION_H
/* How long a change takes from its first event to where it is wanted, as a histogram. Pure. */
#include <stdint.h>

#include "buf.h"

/* X(ENUM, "label") */
#define PROPAGATION_STAGES(X)                                           \
	X(BUILT, "built") /* the snapshot with it is the newest one */  \
	X(SENT, "sent")   /* it is on its way to a proxy */             \
	X(ACKED, "acked") /* a proxy serves it */
#define PROPAGATION_ENUM(id, label) PROPAGATION_##id,
enum propagation_stage { PROPAGATION_STAGES(PROPAGATION_ENUM) PROPAGATION_COUNT };

enum { PROPAGATION_BUCKETS = 14 };

struct propagation {
	struct {
		uint64_t buckets[PROPAGATION_BUCKETS + 1]; /* the last one is for all above; not summed up */
		uint64_t n, sum_us;
	} stages[PROPAGATION_COUNT];
};

void propagation_note(struct propagation *p, enum propagation_stage stage, uint64_t took_us);
/* Appends weirlock_propagation_seconds in Prometheus text. */
void propagation_metrics(const struct propagation *p, struct buf *out);

#endif

#ifndef ANONYMIZE_H
#define ANONYMIZE_H
/*
 * A snapshot that can be handed to strangers: what each thing is called, where it lies and what it holds is replaced, the same
 * by the same, so that who leads where can still be followed. Numbers, times and what comes from a fixed vocabulary stay.
 */
#include "buf.h"
#include "weirlock/v1/snapshot.pb-c.h"

/*
 * Appends the packed Snapshot (redacted, with its own hashes and id) to `out`. Names are made from a key that is drawn at
 * random and forgotten: two exports do not match. False when a resource cannot be read, or there is no randomness.
 */
bool anonymize_snapshot(const Weirlock__V1__Snapshot *snapshot, struct buf *out);

#endif

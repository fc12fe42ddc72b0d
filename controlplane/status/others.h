#ifndef STATUS_OTHERS_H
#define STATUS_OTHERS_H
/* Whether another controller runs: a pod with our labels (N5). */
#include "kubewrite.h"

struct others;
/* FEED_FINE, or what did not work and the server's words. */
typedef void others_done_fn(void *owner, bool has_others, const struct kubewrite *what, enum feed_outcome outcome, struct str message);
/* `on_done` is called on a later turn, unless cancelled; it is the last thing that happens. Texts are kept. */
struct others *others_find(struct kubeapi *api, struct str namespace_, struct str pod, others_done_fn *on_done, void *owner);
void others_cancel(struct others *others);

#endif

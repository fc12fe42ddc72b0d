#ifndef ADMISSION_REVIEW_H
#define ADMISSION_REVIEW_H
/* AdmissionReview in, AdmissionReview out (admission.k8s.io/v1); no I/O. */
#include "buf.h"
#include "reconcile.h"

enum review_result {
	REVIEW_ALLOWED,
	REVIEW_DENIED,
	REVIEW_BAD, /* the bytes are no AdmissionReview: `out` has a line that says why */
};

/*
 * Appends the answer to what `body` asks, or why there is none. Only an Ingress of ours that is created or updated is judged.
 * On an update only faults that the form before did not have are reasons to deny: who mends one thing need not mend all, and
 * who only takes a finalizer away none. An object on its way out is let pass.
 */
enum review_result review_answer(
	struct store *store, const struct reconcile_options *options, struct str body, struct buf *out);

#endif

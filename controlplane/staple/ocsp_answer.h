#ifndef OCSP_ANSWER_H
#define OCSP_ANSWER_H
/*
 * What is asked of a certificate's OCSP responder, and whether an answer is one: signed by the issuer or by whom it delegated that
 * to, of this certificate, and of now. Does no I/O. Private to the room.
 */
#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "str.h"

struct staple_subject;

/*
 * From a chain as PEM, leaf first. NULL and a static reason for people ("a certificate that names an OCSP responder"): the rule
 * that it breaks; `*is_fault` when its owner should look. Owned.
 */
struct staple_subject *staple_subject_create(struct str chain_pem, const char **rule, bool *is_fault);
void staple_subject_destroy(struct staple_subject *s);
/* Where to ask: the first http or https URL of the certificate. Borrowed. */
const char *staple_subject_url(const struct staple_subject *s);
/* Appends the question, DER. */
void staple_subject_request(const struct staple_subject *s, struct buf *out);

enum staple_verdict { STAPLE_GOOD, STAPLE_REVOKED, STAPLE_UNUSABLE };
/*
 * Of an answer, at `now_s` (Unix time; clocks may differ by five minutes). GOOD: it may be stapled until `*until_s`. UNUSABLE: `*why`
 * says what it is not (static).
 */
enum staple_verdict staple_subject_judge(
	const struct staple_subject *s, struct str answer, int64_t now_s, int64_t *until_s, const char **why);

/* Seconds until a good answer is asked for again: half of what is left of it, between a minute and half a day. */
int64_t staple_refresh_s(int64_t now_s, int64_t until_s);
/* Seconds until the next try after `n_failures` in a row: a minute, then twice as long each time, up to an hour. */
int64_t staple_retry_s(unsigned n_failures);

#endif

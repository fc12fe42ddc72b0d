#ifndef ANNOTATION_H
#define ANNOTATION_H
/*
 * The annotations of an Ingress: one table row each, and the parser that obeys it. Every annotation that ingress-nginx ever
 * had is known by name. A bad value does what its row says: it falls back, it closes the location (M20 b), or it keeps the
 * whole Ingress from being taken (M20 c); what protects a path never fails open.
 */
#include "annotation_table.h"
#include "arena.h"
#include "buf.h"
#include "object.h"
#include "problem.h"
#include "value.h"

/* What an annotation acts on. */
enum annotation_scope { SCOPE_LOCATION, SCOPE_HOST, SCOPE_BACKEND, SCOPE_INGRESS };
/* M21: above the risk level the whole Ingress is refused. */
enum annotation_risk { RISK_LOW, RISK_MEDIUM, RISK_HIGH, RISK_CRITICAL };
enum annotation_on_bad {
	BAD_FALLBACK, /* M20 a: as if it were not there */
	BAD_FALSE,    /* a flag that is then false, whatever the ConfigMap says */
	BAD_STRICT,   /* a choice that protects: its first word, the strict one */
	BAD_DENY,     /* M20 b: the paths of the Ingress answer 503 */
	BAD_REJECT,   /* M20 c: the Ingress is not taken; its last good form keeps serving */
};

/* The prefix of annotations that ingress-nginx never had; --annotations-prefix does not change it. */
#define ANNOTATION_OWN_PREFIX "weirlock.io"

#define ANNOTATION_ENUM(id, name, scope, risk, tier, on_bad, default_, doc, ...) ANNOTATION_##id,
enum annotation_id { ANNOTATIONS(ANNOTATION_ENUM) OWN_ANNOTATIONS(ANNOTATION_ENUM) ANNOTATION_COUNT };

struct annotation_row {
	const char *name; /* without the prefix */
	enum annotation_scope scope;
	enum annotation_risk risk;
	enum value_tier tier;
	enum value_status status;
	enum annotation_on_bad on_bad;
	const char *default_text; /* for documentation: a value, or "ConfigMap" */
	const char *doc;          /* one sentence; for STATUS_NOT_APPLICABLE why */
	struct value_rule rule;   /* of served ones only */
	bool is_own;              /* stands under ANNOTATION_OWN_PREFIX */
};
/* Rows by enum annotation_id first, then the names without effect. */
extern const struct annotation_row annotation_rows[];
size_t annotation_count(void);
/* By name without the prefix, which was our own or that of the options; NULL if unknown. */
const struct annotation_row *annotation_find(struct str name, bool is_own);

struct annotation {
	enum annotation_id id;
	struct value value;
	struct str name;    /* with the prefix; borrowed from the object */
	struct str written; /* as the user wrote it; borrowed from the object */
};
/* What an Ingress says. Texts are borrowed from the object or live in the arena. */
struct annotation_values {
	struct arena arena;
	struct annotation *items; /* those with a good value, in the order of their names */
	size_t n;
	struct str rejected_by;   /* name of the annotation for which the Ingress is not taken; "" if it may be */
	struct str denied_by;     /* name of the annotation for which its paths answer 503; "" if none */
};

struct annotation_options {
	struct str prefix;             /* "nginx.ingress.kubernetes.io"; ANNOTATION_OWN_PREFIX is read as well */
	enum annotation_risk max_risk; /* annotations-risk-level */
	const struct str *blocklist;   /* annotation-value-word-blocklist */
	size_t n_blocklist;
};

/*
 * Reads every annotation of `ingress` under the two prefixes; others are none of ours. Each one that is not obeyed as written
 * gives one problem. `out` is initialised here and must not outlive `ingress`.
 */
void annotation_parse(const struct object *ingress, const struct annotation_options *options, struct annotation_values *out,
	struct problems *problems);
void annotation_values_deinit(struct annotation_values *v);
/* NULL when it is not there with a good value. Borrowed. */
const struct annotation *annotation_get(const struct annotation_values *v, enum annotation_id id);

/* A table of all annotations: name, scope, tier, status, default, what is allowed, bad value, what it does. Markdown. */
void annotation_document(struct buf *out);

#endif

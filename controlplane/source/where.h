#ifndef SOURCE_WHERE_H
#define SOURCE_WHERE_H
/*
 * Where the API server has what: paths of lists and watches, the rules that RBAC needs for them, and what is said when a call
 * does not work. No I/O.
 */
#include "buf.h"
#include "feed.h"
#include "object.h"
#include "problem.h"

/* Which objects: all texts may be "" for any. */
struct scope {
	enum object_kind kind;
	struct str namespace_, name;
	struct str selector; /* of labels */
};
/* "/apis/networking.k8s.io/v1/namespaces/a/ingresses?fieldSelector=…&", ready for more. */
void scope_add_path(const struct scope *scope, struct buf *out);
/* "ingresses.networking.k8s.io in namespace a": as people and messages of the server name it. */
void scope_add_text(const struct scope *scope, struct buf *out);
/* A right as RBAC has it. */
struct rule {
	const char *group, *resource; /* "networking.k8s.io", "ingresses/status" */
	const char *verbs;            /* "\"get\", \"update\"" */
	struct str namespace_;        /* "": of the cluster */
	struct str name;              /* of the only object; "" is any */
};
/* "leases.coordination.k8s.io leader in namespace a" */
void rule_add_object(const struct rule *rule, struct buf *out);
/* "a Role in namespace a with apiGroups [coordination.k8s.io], resources [leases], verbs [get, update]…" */
void rule_add(const struct rule *rule, struct buf *out);
/* "a Role in namespace a with apiGroups [networking.k8s.io], resources [ingresses], verbs [list, watch]" */
void scope_add_rule(const struct scope *scope, struct buf *out);

/* A call of ours that does not work. Texts are borrowed. */
struct trouble {
	struct str field;   /* what it is about */
	const char *does;   /* "list and watch are to work" */
	enum feed_outcome outcome;
	struct str message; /* the server's words; may be empty */
	struct str needs;   /* the rule that is missing, if it is a 403 */
	struct str effect;
};
/* The problem that stands while it is so. */
void trouble_add(const struct trouble *t, struct problems *out);

#endif

#ifndef SOURCE_WHERE_H
#define SOURCE_WHERE_H
/* Where the API server has what: paths of lists and watches, and the rules that RBAC needs for them. No I/O. */
#include "buf.h"
#include "object.h"

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

#endif

#ifndef STORE_INSIDE_H
#define STORE_INSIDE_H
/* What the files of this room share. */
#include "map.h"
#include "order.h"
#include "store.h"

/* An object by kind and name, with what was said of it. */
struct entry {
	struct object *object; /* the last good form, or NULL */
	bool is_refused;
	struct problems refusal;
	struct problems notes;
	uint64_t seq; /* of the last change */
};

/* Something that others refer to: "Host a.example.com", "Service default/web", or what readers named. */
struct node {
	char *key;
	size_t key_len;
	struct order ingresses; /* that name it in their spec, C9 */
	struct order slices;    /* of a Service */
	struct map readers;     /* reader's name → struct reads */
};

/* What one reader noted. */
struct reads {
	char *reader;
	char **keys;
	size_t n;
};

struct store {
	struct map entries; /* object key → struct entry */
	struct map nodes;   /* key → struct node */
	struct map reads;   /* reader → struct reads */
	struct map origins; /* origin → struct problems * */
	struct order lists[KIND_COUNT];
	struct order hosts; /* struct node of every host that is named */
	struct str *host_names;
	size_t host_names_cap;
	unsigned long problems_version;
	uint64_t seq; /* changes of objects so far */
	/* changes */
	bool is_everything;
	struct buf everything_by; /* the key of what touched it; empty: more than one thing, or what nobody reads by key */
	struct map dirty_hosts, dirty_services, dirty_endpoints; /* name → anything */
};

int store_compare_ingresses(const void *a, const void *b); /* C9 */
int store_compare_objects(const void *a, const void *b);
order_compare_fn *store_order_of(enum object_kind kind);

/* Enters or takes out what the object refers to. */
void store_link(struct store *s, const struct object *o);
void store_unlink(struct store *s, const struct object *o);
void store_refs_deinit(struct store *s);
struct node *store_node(const struct store *s, struct str key);

/* Marks all that the object's being there, or its content, decides. */
void store_mark(struct store *s, const struct object *o);

/* Calls back for each key the Ingress refers to, once a key. */
typedef void store_ref_fn(struct store *s, const struct object *ingress, struct str key);
void store_each_ref(struct store *s, const struct object *ingress, store_ref_fn *call);

#define HOST_PREFIX "Host "
#define SERVICE_PREFIX "Service "

#endif

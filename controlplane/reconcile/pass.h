#ifndef RECONCILE_PASS_H
#define RECONCILE_PASS_H
/* What the stages share during one pass; private to the room. */
#include <openssl/ssl.h>

#include "annotation.h"
#include "map.h"
#include "pool.h"
#include "reconcile.h"
#include "tcp.h"
#include "weirlock/v1/snapshot.pb-c.h"

struct trust; /* trust.h */

/* An Ingress as we take it: read once a pass. */
struct view {
	const struct object *object;
	bool is_ours;   /* N8 */
	bool is_rejected; /* a form that must not take the place of a good one (M14, M20 c, M21, C19) */
	bool is_canary; /* the same without paths of its own (I20): is_served is false then */
	bool is_served; /* ours, nothing keeps it out, and it has paths of its own */
	uint64_t pools; /* that it belongs to */
	struct annotation_values annotations;
	struct backend_secret *backend_secret; /* of proxy-ssl-secret; NULL: none, or it is bad */
	struct client_ca *client_ca; /* of auth-tls-secret; NULL: none, or it is bad */
	bool is_host_denied; /* its hosts answer 403 for a Secret of auth-tls-secret that is bad */
	bool is_denied; /* its paths answer 503 for a Secret that is bad */
	struct problems problems;
	unsigned long told_in; /* the result that has the problems already */
};

/* What one part read of the cluster, as keys of store_set_reads. */
struct reads {
	struct arena arena;
	struct str *keys;
	size_t n, cap;
};

struct reconcile {
	/*
	 * Not to be read directly, but for what the store sees by itself (store_set_reads says what that is) and what everything
	 * depends on: a change of anything else must be noted, or it changes nothing.
	 */
	struct store *untracked;
	struct reads *reads;       /* of the part that is being built, or NULL: nobody wants to know */
	struct reads *alias_reads; /* the same for who owns which alias */
	unsigned long result_number; /* counts the results of a pass; who tells something once a result keeps it */
	const struct reconcile_options *options;
	size_t pool;               /* what is built is for this one: Ingresses of others are not there */
	struct setting_values settings;
	struct problems settings_problems;
	struct annotation_options annotations;
	struct map views;        /* object key -> struct view */
	struct map certificates; /* "namespace/secret" -> struct certificate */
	struct map client_cas;   /* "namespace/secret" -> struct client_ca */
	struct map backend_secrets; /* "namespace/secret" -> struct backend_secret */
	struct alias_set *aliases; /* one a pool */
	bool has_alias_reads;    /* alias_reads are of this pass */
	struct tcp_entry *tcp;   /* entries that are good, TCP first, in the order of the ConfigMaps; in `arena` */
	size_t n_tcp;
	struct problems tcp_problems;
	bool has_tcp;            /* those were read */
	SSL_CTX *tls;            /* judges certificates the way proxies do; NULL until one is asked for */
	struct arena arena;      /* lives as long as the pass */
	struct arena scratch;    /* one host or service */
};

/* reads.c: as store_get and the like, noted. */
const struct object *pass_object(struct reconcile *pass, enum object_kind kind, struct str namespace_, struct str name);
struct object_list pass_host(struct reconcile *pass, struct str host);
void pass_note(struct reconcile *pass, struct str key);
void reads_clear(struct reads *r);
void reads_deinit(struct reads *r);
/* Noted by every host that wants an alias: who gets one is decided for all of them together. */
#define ALIASES_KEY STR("Aliases")

/* build.c, for parts.c: notes what all parts depend on; the names of all Services that are used, as keys in `services`. */
void reconcile_note_reads(struct reconcile *pass);
void reconcile_services_of_all(struct reconcile *pass, struct map *services, struct arena *arena);

/* class.c: whether an Ingress is ours (N8, N9). Adds a problem when it is nobody's for want of a class. */
bool class_takes(const struct reconcile *pass, const struct object *ingress, struct problems *problems);
/* What it names, by field or annotation, or "". */
struct str class_named(const struct object *ingress);

/* pools.c: what of the cluster the pool has that the pass is at. */
bool pool_has_view(struct reconcile *pass, const struct view *view);
bool pool_has_namespace(struct reconcile *pass, struct str namespace_);
/* Fills view->pools. */
void pool_read_view(struct reconcile *pass, struct view *view);
/* Tells of one that is in none; noted by pool_note_reads. */
void pool_complain(struct view *view);
/* Notes that what is told of the Ingresses is to be told again when the labels of their namespaces change. */
void pool_note_reads(struct reconcile *pass, struct object_list ingresses);
size_t pool_count(const struct reconcile *pass);
/* "edge"; of a pass without pools: that of the default one. */
const char *pool_name(const struct reconcile *pass);

/* view.c */
struct view *view_of(struct reconcile *pass, const struct object *ingress);
/* One more fault of an annotation of the Ingress. */
void view_complain(struct view *view, const struct annotation *a, const char *rule, const char *fix, const char *effect);
/* Copies the view's problems into the result, once. */
void view_tell(const struct reconcile *pass, struct view *view, struct reconcile_result *result);
/* The served views among `list`, in the same order, in the scratch arena. */
struct view **views_served(struct reconcile *pass, struct object_list list, size_t *n);
/* The same with canaries, or canaries alone. */
struct view **views_with_backends(struct reconcile *pass, struct object_list list, size_t *n);
struct view **views_canary(struct reconcile *pass, struct object_list list, size_t *n);
bool host_is_served(struct reconcile *pass, struct str host);
/* "_" for the empty host, else lower-cased. In `arena`. */
struct str host_name(struct arena *arena, struct str written);
bool view_is_catch_all(const struct view *view);

/* path.c: the routes of one host, in the order in which they are tried. */
struct route_canary {
	struct view *view;
	const struct ingress_backend *backend;
};
struct route {
	struct view *view;                     /* NULL for the default host's own "/" */
	const struct ingress_backend *backend; /* NULL: the default backend */
	struct str path;
	Weirlock__V1__PathType type;
	bool is_own_root;                      /* the "/" that every host has (B9) */
	struct route_canary *canaries;         /* in the scratch arena */
	size_t n_canaries;
	struct str label;                      /* "=/foo": in the names of origins */
	struct view *proxy_ssl;                /* who says how TLS to endpoints is spoken (F11); NULL: nobody */
};
struct routes {
	struct route *items;
	size_t n, cap;
	bool is_regex;
};
/* `items` are in the scratch arena. */
void path_collect(struct reconcile *pass, struct str host, struct view **views, size_t n_views, struct reconcile_result *result,
	struct routes *out);

/* canary.c */
/* I20: hangs the canaries of a host at the routes with their host, path and pathType, oldest first. */
void canary_attach(struct reconcile *pass, struct str host, struct routes *routes, struct reconcile_result *result);
/*
 * I24: whose sessions the requests have that the canary takes for `port` of a Service: the Ingress whose path it shares, where
 * that has any and the canary does not say otherwise; else its own.
 */
const struct view *canary_session_view(
	struct reconcile *pass, const struct view *canary, struct str service, const struct port_ref *port);
void canary_fill(struct reconcile *pass, struct str host, const struct route *route, struct reconcile_result *result,
	Weirlock__V1__Policy *out);

/* backend.c */
/* "namespace/service:port", what a Backend is called. */
struct str backend_name(struct arena *arena, struct str namespace_, const struct ingress_backend *backend);
/* "80" or "http". */
struct str port_text(struct arena *arena, const struct port_ref *port);
/* The default backend's name, or "" where the built-in page answers (D4). */
struct str backend_default(struct reconcile *pass);

/* endpoint.c: one Endpoints resource per slice of a Service, for one port of it. */
struct service_use {
	const struct object *service;    /* NULL: it does not exist */
	struct str namespace_, name;
	struct port_ref port;            /* as the Ingress named it */
	const struct service_port *target; /* the Service's port (H3); NULL: none fits */
	struct str backend;              /* the Backend's name */
	bool uses_cluster_ip;            /* H5 */
	bool has_affinity;               /* endpoints get names for cookies */
};
const struct service_port *endpoint_find_port(const struct service *service, const struct port_ref *port);
/* The number of endpoints put, ready or terminating. */
size_t endpoint_put_all(struct reconcile *pass, const struct service_use *use, struct reconcile_result *result);

/* tcp_build.c: the entries of --tcp-services-configmap and --udp-services-configmap (A50). */
const struct tcp_entry *tcp_entries(struct reconcile *pass, size_t *n);
/* Puts the TcpServices and UdpServices, and what is wrong with the entries. */
void tcp_put_all(struct reconcile *pass, struct reconcile_result *result);
/* Whether the entry leads to this port of this Service. */
bool tcp_leads_to(const struct tcp_entry *e, struct str namespace_, struct str service, const struct port_ref *port);

bool same_port(const struct port_ref *a, const struct port_ref *b);

/* affinity.c */
bool affinity_is_wanted(const struct view *view);
/* What the Ingress says of affinity, for the Backend of this name; nothing when it asks for none. */
void affinity_fill(struct reconcile *pass, struct str backend, const struct view *view, Weirlock__V1__Backend *out);
ProtobufCBinaryData affinity_endpoint_id(struct reconcile *pass, struct str backend, struct str address, uint32_t port);

/* tls.c */
struct host_tls {
	bool has_tls;
	struct str certificate; /* name of a Certificate, "" for the default */
};
struct host_tls tls_of_host(
	struct reconcile *pass, struct str host, struct view **views, size_t n, struct reconcile_result *result);
/* Whether the certificate (by name) is valid for the host. */
bool tls_covers(struct reconcile *pass, struct str certificate, struct str host);
/* Puts the default certificate; its name, or "". */
struct str tls_put_default(struct reconcile *pass, struct reconcile_result *result);
/* What takes the certificates that proxies take. Borrowed. */
SSL_CTX *tls_judge(struct reconcile *pass);
/* Ciphers of a host, from the first Ingress that names some (F1). */
void tls_fill_ciphers(struct reconcile *pass, struct view **views, size_t n, struct reconcile_result *result, Weirlock__V1__Host *out);
/* Whether OpenSSL knows a cipher of the list. */
bool tls_knows_cipher(struct reconcile *pass, struct str list);
void tls_end(struct reconcile *pass);

/* secret.c: Secrets that annotations name. */
/* The Secret, or NULL and what it is not (static): it must be of the Ingress's namespace unless the settings allow others. */
const struct object *secret_of(const struct reconcile *pass, const struct view *view, const struct annotation *a, const char **why);
/* Notes that a host of the Ingresses is to be built again when a Secret that one of them names has changed. */
void secret_note_reads(struct reconcile *pass, struct object_list ingresses);
/* The annotations that name Secrets. NULL after the last. */
const char *secret_annotation(size_t index);

/* passthrough.c: TLS that is handed on (A45 to A47). */
void passthrough_fill(struct reconcile *pass, struct view **views, size_t n, const struct routes *routes,
	struct reconcile_result *result, Weirlock__V1__Host *out);
/* Whether the Ingress has TLS for this Service and port handed on, so that plain requests reach it by TLS too. */
bool passthrough_is_of(const struct reconcile *pass, const struct view *view, struct str service, const struct port_ref *port);

/* tickets.c: puts the keys of TLS session tickets. */
void tickets_put(struct reconcile *pass, struct reconcile_result *result);

/* dh_param.c: ssl-dh-param. */
void dh_param_fill(struct reconcile *pass, struct reconcile_result *result, Weirlock__V1__Settings *out);

/* client_auth.c: certificates of clients (F9). */
/* Reads what the Ingress says of them; its problems are the view's. */
void client_auth_read(struct reconcile *pass, struct view *view);
/* F9: any Ingress of the host with a Secret that is bad closes it. */
bool client_auth_is_denied(struct view **views, size_t n);
/* From the first Ingress that asks. Routes and has_tls of the message are there. */
void client_auth_fill(struct reconcile *pass, struct str host, struct view **views, size_t n, struct reconcile_result *result,
	Weirlock__V1__Host *out);
void client_auth_end(struct reconcile *pass);

/* backend_tls.c: TLS to endpoints (F11). */
/* Reads what the Ingress says of it; its problems are the view's. */
void backend_tls_read(struct reconcile *pass, struct view *view);
/* Which Ingress speaks for each route: its own, or the first of the host that has proxy-ssl-secret. */
void backend_tls_choose(const struct reconcile *pass, struct view **views, size_t n, struct routes *routes);
void backend_tls_fill(struct reconcile *pass, struct str host, const struct route *route, struct reconcile_result *result,
	Weirlock__V1__Policy *out);
void backend_tls_end(struct reconcile *pass);

/* policy.c */
void policy_fill(struct reconcile *pass, struct str host, const struct route *route, struct reconcile_result *result,
	Weirlock__V1__Policy *out);
/* The status a route answers by itself, or 0 (D9, M20 b). `is_host_denied`: F9. */
unsigned policy_status(const struct reconcile *pass, const struct route *route, bool is_host_denied);

/* alias.c: the aliases of a host (B5), sorted; live as long as the pass. */
struct str *alias_of_host(struct reconcile *pass, struct str host, struct reconcile_result *result, size_t *n);
void alias_end(struct reconcile *pass);
/* Bytes that the pattern takes when compiled; 0 for one that is no regular expression, or too large a one. */
size_t regex_cost(struct str pattern);

/* result.c */
void result_put(struct reconcile_result *result, Weirlock__V1__Kind kind, struct str name, const ProtobufCMessage *body);
void result_origin(struct reconcile_result *result, const struct provenance *origin);
void result_problem(struct problems *problems, enum severity severity, struct str object, const char *field, struct str value,
	const char *rule, const char *fix, const char *effect);
/* NUL-terminated and not const, as protobuf-c wants it. */
char *message_text(struct arena *arena, struct str s);
char **message_texts(struct arena *arena, const struct str *items, size_t n);
/* SHA-256 of each certificate; `trust` may be NULL. */
ProtobufCBinaryData *message_fingerprints(struct arena *arena, const struct trust *trust, size_t *n);
Weirlock__V1__Cidr **message_cidrs(struct arena *arena, const struct cidr *cidrs, size_t n);
ProtobufCBinaryData message_bytes(struct arena *arena, struct str s);
struct str arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct str arena_lower(struct arena *arena, struct str s);

#endif

#ifndef RECONCILE_H
#define RECONCILE_H
/*
 * Store in, resources and problems out. Pure: the same store, options and last settings give the same bytes, in whatever
 * order the objects came. One host at a time, in the stages class, host, path, backend, tls, policy; one file each.
 *
 * A pass looks at the store as it now is; it must not change until reconcile_end. Work that follows a change is a pass and
 * the parts that store_take_changes names: reconcile_host for hosts, reconcile_service for services and endpoints; parts.h
 * keeps what comes out of it.
 */
#include "content.h"
#include "problem.h"
#include "settings.h"
#include "snapshot.h"
#include "store.h"
#include "str.h"

struct pools; /* pool.h */

enum { RECONCILE_KEY_BYTES = 32 };

/* The controller's options that decide what is served. Everything is borrowed for the pass; zero is not a default. */
struct reconcile_options {
	struct str ingress_class;            /* --ingress-class */
	struct str controller_class;         /* --controller-class */
	const struct str *watch_namespaces;  /* --watch-namespace; none is all */
	size_t n_watch_namespaces;
	struct str configmap;                /* --configmap, "namespace/name" or "" */
	struct str default_ssl_certificate;  /* --default-ssl-certificate, "namespace/name" or "" */
	struct str default_backend_service;  /* --default-backend-service, "namespace/name" or "" */
	struct str tcp_services_configmap;   /* --tcp-services-configmap, "namespace/name" or "" */
	struct str udp_services_configmap;   /* --udp-services-configmap, "namespace/name" or "" */
	struct str annotations_prefix;       /* --annotations-prefix, without the slash */
	bool ingress_class_by_name;
	bool watch_ingress_without_class;
	bool disable_catch_all;
	bool disable_svc_external_name;
	bool enable_ssl_passthrough;         /* --enable-ssl-passthrough */
	struct str generated_chain_pem, generated_key_pem; /* the default certificate where no other is given (F4), or "" */
	uint8_t affinity_key[RECONCILE_KEY_BYTES];         /* of session cookies; the same for all replicas */
	uint8_t ticket_root[RECONCILE_KEY_BYTES];          /* that ticket keys are made from; the same for all replicas */
	int64_t ticket_now_s;                /* Unix time, to choose them; 0: none are put */
	int64_t now_s;                       /* Unix time, to tell an expired certificate; 0: do not look */
	const struct pools *pools;           /* --pool; NULL: there is one, and it has everything */
	size_t pool;                         /* the one of them that a whole build is for; parts.h builds all */
	const struct setting_values *last_settings; /* those of the pass before, for last good values; or NULL */
};
/* A key of session cookies from a secret of any length that replicas share and that survives a restart. */
void reconcile_affinity_key(struct str secret, uint8_t key[RECONCILE_KEY_BYTES]);
/* The same for ticket keys: nobody who has the one can make the other. */
void reconcile_ticket_root(struct str secret, uint8_t root[RECONCILE_KEY_BYTES]);
/* Unix time in seconds from which on ticket_now_s gives other keys than at `now_s`; 0: never, as the settings are. */
int64_t reconcile_ticket_due_s(const struct setting_values *settings, int64_t now_s);
/* ingress-nginx's defaults (COMPAT flags). */
void reconcile_options_init(struct reconcile_options *options);

/* What came out. Zeroed it is empty. Sorted by reconcile_result_finish. */
struct reconcile_result {
	struct resource **resources; /* as they were put; of two with one name the later one counts */
	size_t n_resources, resources_cap;
	struct arena arena;
	/*
	 * Where values that are not defaults came from. Fields of a route are "routes[/foo].proxy_read_timeout_ms", with "="
	 * before an exact path and "~" before a regular expression. What the ConfigMap says stands once, with the Settings,
	 * and its field is the key: "proxy-read-timeout" is where a route's value came from that has no origin of its own.
	 */
	struct provenance *origins;
	size_t n_origins, origins_cap;
	struct problems problems;
};
void reconcile_result_init(struct reconcile_result *result);
void reconcile_result_deinit(struct reconcile_result *result);
/* What was put last under this name; borrowed, or NULL. */
struct resource *reconcile_result_get(const struct reconcile_result *result, uint32_t kind, struct str name);
/* Puts problems in order. Copies resources and origins into a snapshot: owned, one reference. */
struct snapshot *reconcile_result_finish(struct reconcile_result *result, uint64_t built_ms);

/*
 * Whether an Ingress may replace its form in the store (M14, M20 c, M21, C19). False: `problems` says why, and the last good
 * form is to be kept (store_refuse). Ingresses of other classes are none of our business: they may. When true nothing is
 * added to `problems`; warnings come from the build.
 */
bool reconcile_admit(struct store *store, const struct reconcile_options *options, const struct object *ingress,
	struct problems *problems);

/*
 * What would be said of `ingress` if it took the place of its form in the store, with all others as they are (N10): faults are
 * reasons to refuse it, warnings are to be told. Nothing of the store changes, and the cost is that of the Ingresses that share
 * a host, an alias or a Service with it. Of two that exclude each other the younger one has the problem: who wants to hear of
 * all of them gives an `ingress` that is the youngest. False when it is of another class, and none of our business.
 * What would protect and is not enforced yet, and all that depends on a Secret, is never more than a warning.
 */
bool reconcile_review(struct store *store, const struct reconcile_options *options, const struct object *ingress,
	struct problems *problems);

/*
 * What must be fetched by name because it is referred to: the Secrets of an Ingress of ours (of others: none), and what the
 * settings name. Object keys, in `arena`; how many.
 */
size_t reconcile_ingress_names(struct store *store, const struct reconcile_options *options, const struct object *ingress,
	struct arena *arena, struct str **out);
size_t reconcile_settings_names(struct store *store, const struct reconcile_options *options, struct arena *arena,
	struct str **out);
/* Whether an Ingress is ours, by namespace and class (N8, N9). */
bool reconcile_takes(struct store *store, const struct reconcile_options *options, const struct object *ingress);
/* The pools that an Ingress of ours belongs to, as a set of pool.h; 0: nobody serves it. */
uint64_t reconcile_pools_of_ingress(struct store *store, const struct reconcile_options *options, const struct object *ingress);
/* Those that requests to a Service come from. */
uint64_t reconcile_pools_of_service(
	struct store *store, const struct reconcile_options *options, struct str namespace_, struct str name);
/* Whether Ingresses of the namespace are served (N9). */
bool reconcile_watches(const struct reconcile_options *options, struct str namespace_);

struct reconcile; /* one pass */
struct reconcile *reconcile_begin(struct store *store, const struct reconcile_options *options);
void reconcile_end(struct reconcile *pass);
/* The settings as read; to be given as last_settings to the next pass by moving them out (the pass keeps none). */
void reconcile_take_settings(struct reconcile *pass, struct setting_values *out);

/* Each appends to `result`; what was there under the same names is replaced. */
void reconcile_settings(struct reconcile *pass, struct reconcile_result *result);
/* Nothing is put for a host that no Ingress of ours names; "_" is always there. Certificates of the host come with it. */
void reconcile_host(struct reconcile *pass, struct str host, struct reconcile_result *result);
/*
 * The Endpoints alone of a Backend by its name, whether an Ingress uses it or not; none when there is no such Service or port. For
 * a snapshot that is pinned. `uses_cluster_ip` as it was when the Backend was made (H5).
 */
void reconcile_backend_endpoints(struct reconcile *pass, struct str backend, bool has_affinity, bool uses_cluster_ip,
	struct reconcile_result *result);
/* "namespace/name": its Backends and their Endpoints, as far as some Ingress of ours uses them. */
void reconcile_service(struct reconcile *pass, struct str service, struct reconcile_result *result);
/*
 * Settings, all hosts and all services, and the problems of every Ingress. Tells the store what all of it depends on
 * (STORE_EVERYTHING): the ConfigMaps, the default certificate and the default backend.
 */
void reconcile_everything(struct reconcile *pass, struct reconcile_result *result);

/*
 * A whole build. `problems` gets what was found. `last` (may be NULL) holds the settings of the build before and gets those
 * of this one. Owned, one reference.
 */
struct snapshot *reconcile_build(struct store *store, const struct reconcile_options *options, uint64_t built_ms,
	struct setting_values *last, struct problems *problems);

/*
 * A self-signed certificate for hosts without one (F4), RSA 2048, a year from `now_s`, appended as PEM. Random: make it once
 * and keep it, or every controller has an id of its own. False when OpenSSL refuses.
 */
bool reconcile_make_certificate(int64_t now_s, struct buf *chain_pem, struct buf *key_pem);

#endif

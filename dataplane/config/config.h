#ifndef CONFIG_H
#define CONFIG_H
/*
 * What a proxy serves from: an immutable, counted generation, compiled from the resources of a snapshot. Requests only read
 * it. Compiled hosts, backends, endpoint sets and certificates are counted on their own and shared between generations while
 * their resource (by hash) did not change.
 *
 * Threads: config_compile runs on the main thread. References may be taken and dropped on any thread; whoever drops the last
 * one frees. Everything reachable from a generation is const and may be read from any thread that holds a reference.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "arena.h"
#include "cidrset.h"
#include "content.h"
#include "str.h"

struct tls_certificate;  /* tls.h */
struct tls_auth;         /* tls.h: who may vouch for clients */
struct tls_client;       /* tls.h: how HTTPS endpoints are talked to */
struct tls_contexts;     /* tls.h: server contexts and the certificate by SNI */
struct clientaddr_rules; /* clientaddr.h */
struct path_index;       /* path_index.h: how a host finds a route */
struct hash_ring;        /* hash_ring.h: which endpoint a key leads to */
struct http_expression;  /* expression.h: a text with variables */
struct regex;            /* regex.h: a compiled regular expression with its limits */

struct header {
	struct str name, value;
};

/* Mirrors Weirlock__V1__Settings; see snapshot.proto for meaning and units. Lists of networks are for cidrset_find. */
struct settings {
	uint32_t client_header_timeout_ms, client_body_timeout_ms, keep_alive_ms, keep_alive_requests;
	uint32_t client_header_buffer_bytes, large_client_header_count, large_client_header_bytes;
	bool enable_underscores_in_headers, ignore_invalid_headers, generate_request_id, server_tokens,
		allow_backend_server_header;
	bool use_forwarded_headers, use_proxy_protocol, enable_real_ip, compute_full_forwarded_for,
		proxy_add_original_uri_header, compatibility_ingress_nginx;
	struct str forwarded_for_header, forwarded_host_header;
	struct cidrset proxy_real_ip_cidr;
	uint32_t proxy_protocol_header_timeout_ms;
	struct cidrset proxy_protocol_cidr; /* who must send a PROXY header, and others must not; none: everybody must */
	uint32_t ssl_buffer_size_bytes; /* 0: automatic */
	bool use_http2, enable_ocsp;
	uint32_t http2_max_concurrent_streams, http2_connection_memory_bytes;
	bool hsts, hsts_include_subdomains, hsts_preload;
	uint32_t hsts_max_age_s, http_redirect_code;
	uint32_t upstream_keepalive_connections, upstream_keepalive_timeout_ms, upstream_keepalive_requests,
		upstream_keepalive_time_ms;
	bool enable_access_log, log_format_escape_json;
	struct str log_format_upstream, access_log_path, stream_access_log_path;
	uint64_t max_client_connections, max_worker_connections, max_memory_bytes; /* 0: any; of memory: by the cgroup */
	uint32_t worker_shutdown_timeout_ms, proxy_stream_timeout_ms, stream_connect_timeout_ms;
	uint32_t udp_responses, udp_sessions_max; /* for each datagram of a client; of one worker */
	uint32_t stream_next_upstream_tries, stream_next_upstream_timeout_ms; /* at least 1; 0: none */
	bool enable_stream_log;
	struct str log_format_stream;             /* "": accesslog_stream */
	struct cidrset denylist;
	struct str *hide_headers;
	size_t n_hide_headers;
	struct header *add_headers, *proxy_set_headers;
	size_t n_add_headers, n_proxy_set_headers;
};

/* Sessions by cookie (I10 to I16). */
struct affinity {
	bool is_persistent, change_on_failure, secure, conditional_samesite_none;
	struct str cookie_name;
	struct str backend_id;                    /* in cookies, hex */
	uint32_t expires_s, max_age_s;            /* 0: not written */
	struct str domain, path, samesite;        /* "": not written; of path: the route's */
};

struct endpoint {
	struct addr addr;
	struct str id;         /* in cookies, hex; "" where the backend has no affinity */
	bool is_terminating;
	struct str zone;
	struct str *for_zones; /* hints: where it is meant for; none: for all */
	size_t n_for_zones;
};

/*
 * A backend with its endpoints from all slices, duplicates dropped (H2), sorted by address. `index` is small, stable for the
 * life of the name and unique among the backends of a generation: per-worker state (round robin counters, pools) hangs there.
 */
/* What the proxy asks each endpoint of a backend. */
struct health_check {
	struct str path;
	uint32_t interval_ms, timeout_ms;
	uint32_t failures, successes; /* in a row */
};

struct backend {
	struct str name;         /* "namespace/service:port" */
	unsigned index;
	uint32_t protocol;       /* Weirlock__V1__Protocol */
	uint32_t load_balance;   /* Weirlock__V1__LoadBalance */
	struct str service, port; /* "namespace/name"; the port as the Ingress named it */
	struct str external_name; /* ExternalName (H6): to be resolved; "" for none */
	uint16_t external_port;
	struct endpoint *endpoints; /* ready ones; when none is ready, the terminating ones that still serve */
	size_t n_endpoints;
	uint64_t version;        /* of the list: two that differ have different ones, and later ones are larger */
	const struct http_expression *hash_by; /* I4; NULL: load_balance decides */
	uint32_t hash_subset_size;             /* I5; 0: each key has one endpoint */
	/* Of hash_by and of balanced affinity: nodes are endpoints, or groups of hash_subset_size of them in order; or NULL. */
	const struct hash_ring *ring;
	const struct affinity *affinity;       /* NULL: none */
	uint32_t slow_start_ms;
	uint32_t retry_budget_percent;         /* 0: any number of retries */
	uint32_t eject_after_failures, eject_ms; /* 0: never */
	const struct health_check *health_check; /* NULL: none */
	uint32_t max_connections;              /* requests at once at an endpoint, of one worker; 0: any number */
};

enum path_type { ROUTE_PREFIX, ROUTE_EXACT, ROUTE_REGEX };

/* TLS to endpoints (F11). */
struct proxy_ssl {
	struct str secret;         /* name of its resource; "": none */
	bool verifies, sends_name;
	bool has_tls12, has_tls13; /* neither: both */
	uint32_t verify_depth;
	struct str name, ciphers;
	struct str key;            /* all of the above: two with the same key are the same */
};

struct policy {
	uint32_t proxy_connect_timeout_ms, proxy_send_timeout_ms, proxy_read_timeout_ms;
	bool ssl_redirect, force_ssl_redirect, preserve_trailing_slash, use_port_in_redirects, no_tls_redirect;
	struct str rewrite_target, x_forwarded_prefix, upstream_vhost, connection_proxy_header;
	bool proxy_http_1_0, proxy_buffering, no_request_buffering, disable_access_log, relative_redirects;
	struct cidrset allowlist, denylist;
	bool has_allowlist;
	uint32_t next_upstream, next_upstream_tries, next_upstream_timeout_ms;
	uint64_t proxy_body_size_bytes;
	uint64_t client_body_buffer_bytes, proxy_max_temp_file_bytes;
	uint64_t limit_rate_bytes, limit_rate_after_bytes; /* a second, 0: any; and what goes before */
	uint32_t proxy_buffer_size_bytes, proxy_buffers_number;
	struct str redirect_url;
	uint32_t redirect_code;
	const struct proxy_ssl *proxy_ssl; /* NULL: HTTPS endpoints are neither checked nor shown anything */
	uint32_t send_proxy_protocol; /* version of the header that endpoints get first; 0: none */
	bool sets_session_cookie; /* I14 */
};

enum { BACKEND_NONE = 0x7fffffff };

/* I20 to I22: another backend for a share of a route's requests. */
struct canary {
	unsigned backend_index;
	struct str log_name;
	struct str by_header, by_header_value, by_cookie; /* "": does not decide */
	const struct regex *pattern;                      /* of the header's value; NULL: none */
	uint32_t weight, weight_total;
	bool sets_session_cookie;
};

struct route {
	enum path_type path_type;
	struct str path;
	const struct regex *regex; /* of ROUTE_REGEX and of a rewrite (C14), else NULL; see regex.h */
	struct str backend_name; /* "namespace/service:port"; "" is the default backend */
	struct str log_name;     /* "namespace-service-port", what logs call the backend (N1) */
	unsigned backend_index;  /* stable for the life of the name; BACKEND_NONE for the default backend */
	uint32_t fixed_status;   /* answer this; 0: ask the backend */
	struct str ingress;      /* "namespace/name" */
	struct str namespace_, ingress_name; /* the two halves of it, for logs */
	struct str service, service_port;
	struct policy policy;
	const struct canary *canaries; /* oldest first */
	size_t n_canaries;
};

enum client_verify { CLIENT_VERIFY_ON, CLIENT_VERIFY_OFF, CLIENT_VERIFY_OPTIONAL, CLIENT_VERIFY_OPTIONAL_NO_CA };

/* Certificates of clients (F9, F10). */
struct client_auth {
	struct str secret;            /* name of its resource */
	enum client_verify verify;
	uint32_t verify_depth;
	struct str error_page;        /* "": the 400 page */
	bool passes_certificate;
	struct str match_cn;
	const struct regex *match_cn_regex; /* anywhere in the subject, case counts; NULL: any subject */
	struct str key;               /* what the handshake needs of it: two with the same key ask alike */
};

/* One server name; its routes in the order in which they are tried, plus what config builds to find one quickly. */
struct host {
	struct str name;
	bool has_tls;
	bool is_regex;
	struct str app_root;
	struct str passthrough_name;    /* A47: of the backend that its TLS connections go to as they are; "": none */
	unsigned passthrough_index;
	uint32_t passthrough_proxy_protocol; /* version of the header that endpoints get first; 0: none */
	const struct client_auth *client_auth; /* NULL: no certificate is asked for */
	struct str redirect_to;   /* E11: this host only redirects to that one; "" for none */
	struct route *routes;
	size_t n_routes;
	const struct path_index *index;
};

/* A port whose bytes go to a backend (A50). */
struct tcp_service {
	uint16_t port;
	struct str backend_name;
	unsigned backend_index;
	bool decodes_proxy, encodes_proxy;
};

/* The same for datagrams. */
struct udp_service {
	uint16_t port;
	struct str backend_name;
	unsigned backend_index;
};

struct generation; /* opaque: settings, host tables, backend table, TLS contexts */

/* Why a resource was refused. */
struct config_error {
	uint32_t kind;
	struct str name;    /* owned by the errors' arena */
	struct str reason;
};
/* A zeroed one is empty. At most CONFIG_MAX_ERRORS are kept; n counts those. */
enum { CONFIG_MAX_ERRORS = 64 };
struct config_errors {
	struct arena arena;
	struct config_error *items;
	size_t n, cap;
};
void config_errors_deinit(struct config_errors *errors);

/*
 * Compiles `content` whole beside `before` (NULL for the first). NULL when any resource is bad: `errors` says which and why,
 * and nothing has changed. Returns a generation with one reference. Main thread only.
 */
struct generation *config_compile(
	struct content *content, const struct generation *before, struct config_errors *errors);
/*
 * The same for a proxy that stands in `zone`: a backend whose endpoints all have hints, some of them for the zone, has those
 * alone (H7). Where one hint is missing, or the choice must be the same through every proxy (hash_by), all stay.
 */
struct generation *config_compile_in_zone(
	struct content *content, const struct generation *before, struct str zone, struct config_errors *errors);
/*
 * The same; `from` (may be NULL) is the content that `before` was compiled from, so that only what differs is looked at. A
 * change of Endpoints alone costs the backends that they are of, whatever the size of the rest.
 */
struct generation *config_compile_change(struct content *from, struct content *content, const struct generation *before,
	struct str zone, struct config_errors *errors);
/*
 * The same for people: from a redacted snapshot, whose certificates have no keys. All of the reading below works on it, the
 * choice of a certificate too; serving from it is an assertion (generation_is_for_reading).
 */
struct generation *config_compile_for_reading(struct content *content, struct config_errors *errors);
bool generation_is_for_reading(const struct generation *g);
const struct generation *generation_ref(const struct generation *g);
/* Sets the caller's pointer to NULL. May be called from any thread; the memory is freed by whoever is last. */
void generation_unref(const struct generation **g);
/* Generations not yet freed in this process. */
unsigned generation_live_count(void);

struct content_id generation_id(const struct generation *g);
const struct settings *generation_settings(const struct generation *g);
/* The backend of a route (the default backend for BACKEND_NONE), or NULL when it is not in this generation. */
const struct backend *generation_backend(const struct generation *g, const struct route *r);
/* The backend of this number, or NULL when it is not in this generation. */
const struct backend *generation_backend_at(const struct generation *g, unsigned index);
/* The default backend (D4), or NULL for the built-in page. */
const struct backend *generation_default_backend(const struct generation *g);
/* One more than the largest backend index. */
unsigned generation_backend_bound(const struct generation *g);
/* Walks all backends: start with *cursor = 0; NULL at the end. */
const struct backend *generation_next_backend(const struct generation *g, size_t *cursor);
/* The same of those that have a health check, at next to no cost for all others. */
const struct backend *generation_next_checked_backend(const struct generation *g, unsigned *cursor);
/* The same, but passes over many of those that are the very same in `before` (may be NULL: over none). */
const struct backend *generation_next_changed_backend(
	const struct generation *g, const struct generation *before, size_t *cursor);
const struct host *generation_next_host(const struct generation *g, size_t *cursor);
/* Walks the TCP services in no order of ports; start with *cursor = 0; NULL at the end. */
const struct tcp_service *generation_next_tcp(const struct generation *g, size_t *cursor);
/* The TCP service of a port, or NULL. */
const struct tcp_service *generation_find_tcp(const struct generation *g, uint16_t port);
/* The same for UDP services. */
const struct udp_service *generation_next_udp(const struct generation *g, size_t *cursor);
const struct udp_service *generation_find_udp(const struct generation *g, uint16_t port);
/* Who may vouch for the clients of a host that has client_auth. NULL: its Secret is not there, and nobody may. Borrowed. */
struct tls_auth *generation_tls_auth(const struct generation *g, const struct client_auth *auth);
/*
 * How HTTPS endpoints of a policy are talked to. NULL: not at all, for what was asked of their certificates cannot be checked
 * (a Secret that is missing, or has no authorities). Borrowed.
 */
struct tls_client *generation_tls_client(const struct generation *g, const struct policy *policy);
/* Contexts to accept TLS with; certificate by SNI. */
struct tls_contexts *generation_tls(const struct generation *g);
/*
 * An OCSP answer for the certificate of this fingerprint, good until `expires_s`, to be stapled from now on by this generation and
 * all that follow, while they have enable_ocsp; an empty one takes back the one before. False for sizes that cannot be.
 */
bool generation_put_staple(const struct generation *g, struct str fingerprint, struct str response, int64_t expires_s);
/* Handshakes that had one, of all generations. */
uint64_t generation_n_stapled(const struct generation *g);
/* The name of the resource that a certificate came from: "namespace/secret", "-" for the generated one, "" for none of ours. */
struct str generation_certificate_name(const struct generation *g, const struct tls_certificate *certificate);

/*
 * B3, B4: exact name or alias; alias wildcard of many labels, longest suffix first; one-label wildcard hosts and alias
 * regexes in the order of their hosts' names; the default host "_". Never NULL: without a "_" an empty host stands in.
 */
const struct host *generation_find_host(const struct generation *g, struct str server_name);

/* By what a host was found, in the order in which it is looked for. */
enum host_found {
	HOST_FOUND_EXACT,
	HOST_FOUND_ALIAS,
	HOST_FOUND_ALIAS_WILDCARD, /* any number of labels */
	HOST_FOUND_WILDCARD,       /* one label */
	HOST_FOUND_ALIAS_REGEX,
	HOST_FOUND_DEFAULT,
};
struct host_match {
	const struct host *host;
	enum host_found how;
	struct str by; /* the name; ".example.com" of a wildcard; a pattern; "" for the default */
};
/* The same with its reason. `by` may point into `server_name`. */
struct host_match generation_match_host(const struct generation *g, struct str server_name);

/* For people: every name of the snapshot that could have been meant, whether it takes this one or not. */
enum host_fit {
	HOST_FITS,
	HOST_FITS_NO_LABEL,   /* the wildcard's suffix alone: nothing stands for the "*" */
	HOST_FITS_ONE_LABEL,  /* a host's "*" stands for one label, here are more (B4) */
	HOST_FITS_NOT_LETTER, /* the label holds a byte that "*" does not stand for (B4) */
	HOST_FITS_NOT_REGEX,  /* the alias's regular expression does not match, or gave up */
};
struct host_candidate {
	struct host_match match;
	enum host_fit fit;
};
/* Fills at most `cap`; returns how many there are, the default host last. */
size_t generation_host_candidates(
	const struct generation *g, struct str server_name, struct host_candidate *out, size_t cap);
/*
 * True if a TLS entry names this server name, or the name with its left-most label as "*" (E1, E3), whatever became of the
 * certificate.
 */
bool generation_has_tls(const struct generation *g, struct str server_name);
/* Whether TLS connections of any host are handed on as they are (A47). */
bool generation_has_passthrough(const struct generation *g);
/* The host whose connections with this server name are, or NULL: its own name, in any case, no alias or wildcard. */
const struct host *generation_find_passthrough(const struct generation *g, struct str server_name);
/* For clientaddr; https_port is 0 and for the caller to fill in a copy. */
const struct clientaddr_rules *generation_clientaddr_rules(const struct generation *g);

#endif

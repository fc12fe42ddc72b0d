#ifndef OBJECT_H
#define OBJECT_H
/*
 * One compiled resource: immutable, counted, shared by all generations whose snapshot holds the same bytes for it.
 * Private to config.
 */
#include <stdatomic.h>

#include "arena.h"
#include "clientaddr.h"
#include "config.h"
#include "lineage.h"
#include "tls.h"
#include "trust.h"

/* Weirlock__V1__Settings, and what only config needs of it. */
struct settings_object {
	struct settings settings;
	struct clientaddr_rules rules;
	struct tls_options tls;
	struct str default_certificate;
	struct backend_slot *default_backend; /* NULL: the built-in page */
};

struct certificate_object {
	struct tls_certificate *certificate;
	struct str *names;
	size_t n_names;
};

struct backend_secret_object {
	struct tls_certificate *certificate; /* NULL: none, or for people to read */
	struct trust *trust;                 /* NULL: none */
};

struct ticket_keys_object {
	struct tls_ticket_key *keys; /* wiped with the object */
	size_t n;
};

struct client_ca_object {
	struct trust *trust;
};

struct backend_object {
	struct backend_slot *slot;
	uint32_t protocol, load_balance;
	struct str service, port, external_name;
	uint16_t external_port;
	struct http_expression *hash_by;
	struct affinity *affinity;
	uint32_t hash_subset_size, slow_start_ms, retry_budget_percent, eject_after_failures, eject_ms, max_connections;
	struct health_check *health_check;
};

struct endpoints_object {
	struct backend_slot *slot;
	struct endpoint *items;
	size_t n;
};

struct host_object {
	struct host host;
	struct object *object;      /* that it is of */
	struct str *aliases; /* plain and "*." ones, lower case */
	size_t n_aliases;
	struct regex **alias_regexes;
	struct str *alias_patterns; /* as written, without the ~ */
	size_t n_alias_regexes;
	struct str certificate;
	struct regex **regexes; /* of the routes */
	size_t n_regexes;
	struct backend_slot **slots; /* of the routes */
	size_t n_slots;
	struct str ssl_ciphers; /* "": those of the settings */
	bool is_client_cipher_order;
	struct backend_slot *passthrough; /* NULL: none */
	struct regex *match_cn; /* of its client_auth; NULL: none */
	const struct proxy_ssl **proxy_ssl; /* of the routes, as many as differ */
	size_t n_proxy_ssl;
};

struct tcp_object {
	struct tcp_service service;
	struct backend_slot *slot;
};

struct udp_object {
	struct udp_service service;
	struct backend_slot *slot;
};

struct object {
	atomic_uint refs;
	uint32_t kind;
	struct str name;
	uint8_t hash[32];
	struct arena arena;
	union {
		struct settings_object *settings;
		struct certificate_object *certificate;
		struct backend_object *backend;
		struct endpoints_object *endpoints;
		struct host_object *host;
		struct tcp_object *tcp;
		struct udp_object *udp;
		struct backend_secret_object *backend_secret;
		struct client_ca_object *client_ca;
		struct ticket_keys_object *ticket_keys;
	};
};

/* F1 */
static inline bool host_has_ciphers(const struct host_object *h)
{
	return h->ssl_ciphers.len || h->is_client_cipher_order;
}

/*
 * Compiles a resource. NULL with the reason in `why` when its body does not decode or a value is impossible.
 * Owned, one reference. A kind that this version does not know gives an object without content: a controller may be newer.
 */
struct object *object_compile(const struct resource *r, struct lineage *lineage, struct buf *why);
struct object *compiled_ref(struct object *o);
void compiled_unref(struct object **o);

#endif

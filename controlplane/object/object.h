#ifndef OBJECT_H
#define OBJECT_H
/*
 * The Kubernetes objects that decide what is served, typed. JSON in (jansson), struct out; YAML manifests are made JSON by
 * `source` first. One arena an object: what an object holds dies with it. Objects are immutable once parsed and counted,
 * so that a store can keep the last good one beside a new one.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "buf.h"
#include "problem.h"
#include "str.h"

/* X(ENUM, "Kind", "apiVersion", is_namespaced) */
#define OBJECT_KINDS(X)                                                  \
	X(INGRESS, "Ingress", "networking.k8s.io/v1", true)              \
	X(INGRESS_CLASS, "IngressClass", "networking.k8s.io/v1", false)  \
	X(SERVICE, "Service", "v1", true)                                \
	X(ENDPOINT_SLICE, "EndpointSlice", "discovery.k8s.io/v1", true)  \
	X(SECRET, "Secret", "v1", true)                                  \
	X(CONFIG_MAP, "ConfigMap", "v1", true)                           \
	X(NAMESPACE, "Namespace", "v1", false)
#define OBJECT_KIND_ENUM(id, kind, api, namespaced) KIND_##id,
enum object_kind { OBJECT_KINDS(OBJECT_KIND_ENUM) KIND_COUNT };

/* "Ingress"; and back: KIND_COUNT if unknown. */
struct str object_kind_text(enum object_kind kind);
enum object_kind object_kind_from(struct str kind, struct str api_version);
/* A DNS subdomain, as names of all our kinds are: lower-case letters, digits, '-' and '.', a letter or digit at both ends. */
bool object_is_name(struct str text);
/* "networking.k8s.io/v1" */
struct str object_kind_api(enum object_kind kind);
bool object_kind_is_namespaced(enum object_kind kind);

struct pair {
	struct str name, value; /* values of Secrets are the decoded bytes */
};

/* A port by number or by name; both unset means "not given". */
struct port_ref {
	uint16_t number; /* 0: by name */
	bool is_udp;     /* of a UDP service: no Ingress names such a port */
	struct str name;
};

struct ingress_backend {
	struct str service;   /* empty if `is_resource` or absent */
	struct port_ref port;
	bool is_resource;     /* not a Service (C18) */
	bool is_set;
};

enum ingress_path_type { PATH_IMPLEMENTATION_SPECIFIC, PATH_PREFIX, PATH_EXACT };

struct ingress_path {
	struct str path; /* "" as written when absent */
	enum ingress_path_type type;
	struct ingress_backend backend;
};
struct ingress_rule {
	struct str host; /* as written; "" is the default server (B6) */
	struct ingress_path *paths;
	size_t n_paths;
	bool has_http;   /* `http:` is there, even without paths */
};
struct ingress_tls {
	struct str *hosts;
	size_t n_hosts;
	struct str secret; /* may be empty (E3) */
};
/* A load balancer's address, as a status has it: one of the two. */
struct published {
	struct str ip, hostname;
};
struct ingress {
	struct str class_name; /* spec.ingressClassName */
	bool has_class_name;
	struct ingress_backend default_backend;
	struct ingress_rule *rules;
	size_t n_rules;
	struct ingress_tls *tls;
	size_t n_tls;
	struct published *balancer; /* status.loadBalancer.ingress */
	size_t n_balancer;
};

struct ingress_class {
	struct str controller; /* spec.controller */
	bool is_default;       /* annotation ingressclass.kubernetes.io/is-default-class */
};

enum service_type { SERVICE_CLUSTER_IP, SERVICE_NODE_PORT, SERVICE_LOAD_BALANCER, SERVICE_EXTERNAL_NAME };

struct service_port {
	struct str name;
	struct str protocol; /* "TCP" by default */
	uint16_t port;
	struct port_ref target;
	struct str app_protocol;
};
struct service {
	enum service_type type;
	struct str cluster_ip;    /* "None" for headless */
	struct str external_name;
	struct service_port *ports;
	size_t n_ports;
	struct str *external_ips;   /* spec.externalIPs */
	size_t n_external_ips;
	struct published *balancer; /* status.loadBalancer.ingress */
	size_t n_balancer;
};

struct slice_endpoint {
	struct str *addresses; /* text, as written */
	size_t n_addresses;
	bool is_ready;         /* nil counts as ready (H1) */
	bool is_serving;       /* nil follows ready */
	bool is_terminating;
	struct str zone;
	struct str *for_zones; /* hints */
	size_t n_for_zones;
};
struct slice_port {
	struct str name;
	struct str protocol;
	uint16_t port;
	bool has_port;
};
struct endpoint_slice {
	struct str service; /* label kubernetes.io/service-name */
	struct str address_type; /* "IPv4", "IPv6", "FQDN" */
	struct slice_endpoint *endpoints;
	size_t n_endpoints;
	struct slice_port *ports;
	size_t n_ports;
};

struct secret {
	struct str type;
	struct pair *data; /* sorted by name; decoded; wiped when the object dies */
	size_t n_data;
};
struct config_map {
	struct pair *data; /* sorted by name */
	size_t n_data;
};

struct object {
	struct arena arena;
	unsigned refs;
	enum object_kind kind;
	struct str namespace_, name; /* namespace_ "" for cluster scope */
	struct str key;              /* "Ingress default/web": kind and name, unique, and how texts name it */
	struct str uid, resource_version;
	int64_t created_s;           /* creationTimestamp, Unix time; 0 when absent */
	struct pair *labels;         /* sorted */
	size_t n_labels;
	struct pair *annotations;    /* sorted */
	size_t n_annotations;
	struct str origin;           /* "file a.yaml:12"; "" from the API server */
	union {
		struct ingress ingress;
		struct ingress_class ingress_class;
		struct service service;
		struct endpoint_slice endpoint_slice;
		struct secret secret;
		struct config_map config_map;
	};
};

/*
 * Parses one object. NULL when it is of a kind we do not read (*is_other is set; not a mistake), or when a field that
 * decides what is served is missing or of the wrong type (a problem is added and names it). `origin` goes into
 * object->origin. The object is owned, with one reference; `json` is borrowed.
 * What the API server would refuse is refused: manifests may never have met one. A namespaced object without a namespace is
 * in "default", as with kubectl. The annotation in which kubectl keeps a copy of the object is left out: it holds secrets.
 * Bounds of one object: names and hosts 253 bytes, 1,000 rules, 10,000 paths of 4 KiB, 1,000 endpoints, 1,000 ports,
 * 256 KiB of annotations, 1 MiB of data.
 */
struct object *object_from_json(json_t *json, struct str origin, struct problems *problems, bool *is_other);
/*
 * What a JSON object says it is, as far as that can be read: false when kind or name cannot, or the kind is none of ours.
 * Borrowed from `json`. For naming an object whose newest form object_from_json refused.
 */
struct object_id {
	enum object_kind kind;
	struct str namespace_, name;
};
bool object_identify(json_t *json, struct object_id *out);
struct object *object_ref(struct object *object);
void object_unref(struct object **object);
/* "Ingress default/web"; what object->key holds. `out` is appended to. */
void object_key(enum object_kind kind, struct str namespace_, struct str name, struct buf *out);
/* Back: KIND_COUNT when it is no such key. Borrowed from `key`. */
enum object_kind object_key_read(struct str key, struct str *namespace_, struct str *name);
/* The value of a label, annotation or datum by name, or NULL. */
const struct str *object_annotation(const struct object *object, struct str name);
const struct str *pair_find(const struct pair *pairs, size_t n, struct str name);
/* The same content: all that decides what is served; not uid, resourceVersion, origin, nor what object_addresses_equal looks at. */
bool object_equal(const struct object *a, const struct object *b);
/* The same addresses for the world: the status of an Ingress, status and externalIPs of a Service. */
bool object_addresses_equal(const struct object *a, const struct object *b);

#endif

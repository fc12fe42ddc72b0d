#ifndef RECONCILE_CLUSTER_HISTORY_H
#define RECONCILE_CLUSTER_HISTORY_H
/*
 * A small cluster with a random history, for tests: few names, and of each history a few of those, so that objects meet.
 * Hosts take each other's aliases and "www." redirects, Ingresses share Services and Secrets, classes and ConfigMaps come and go.
 */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "buf.h"
#include "cluster.h"
#include "parts.h"

enum { HISTORY_SLOTS = 64 };

struct history {
	uint32_t state;
	unsigned first_host, first_annotation; /* of the few that this history has */
	bool has_pools;                      /* two classes of ours, two namespaces with labels */
	struct object *slots[HISTORY_SLOTS]; /* what is there now */
	char said[4096];                     /* the last events, for a failure */
	struct buf chain[2], key[2];         /* of two certificates */
};

static inline unsigned history_below(struct history *h, unsigned bound)
{
	h->state = h->state * 1664525u + 1013904223u;
	return (h->state >> 8) % bound;
}

/* For all names under example.com. */
static inline void history_certificate(unsigned serial, struct buf *chain, struct buf *key)
{
	EVP_PKEY *pair = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);
	X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:*.example.com,DNS:*.a.example.com");
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes;
	long len;

	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
	ASN1_TIME_set(X509_getm_notBefore(cert), 1700000000);
	ASN1_TIME_set(X509_getm_notAfter(cert), 4000000000);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
	X509_set_issuer_name(cert, name);
	X509_set_pubkey(cert, pair);
	X509_add_ext(cert, names, -1);
	CHECK(X509_sign(cert, pair, EVP_sha256()) > 0);
	PEM_write_bio_X509(bio, cert);
	len = BIO_get_mem_data(bio, &bytes);
	buf_add(chain, str_of(bytes, (size_t)len));
	(void)BIO_reset(bio);
	PEM_write_bio_PrivateKey(bio, pair, NULL, NULL, 0, NULL, NULL);
	len = BIO_get_mem_data(bio, &bytes);
	buf_add(key, str_of(bytes, (size_t)len));
	BIO_free(bio);
	X509_EXTENSION_free(names);
	X509_free(cert);
	EVP_PKEY_free(pair);
}

static inline void history_init(struct history *h, uint32_t seed)
{
	*h = (struct history){.state = seed};
	for (unsigned i = 0; i < 2; i++)
		history_certificate(i + 1, &h->chain[i], &h->key[i]);
	h->first_host = history_below(h, 1000);
	h->first_annotation = history_below(h, 1000);
}

static inline void history_options(struct history *h, struct reconcile_options *options)
{
	reconcile_options_init(options);
	options->configmap = STR("ingress/controller");
	options->ticket_now_s = 36000;
	options->tcp_services_configmap = STR("ingress/tcp");
	options->udp_services_configmap = STR("ingress/udp");
	options->generated_chain_pem = buf_str(&h->chain[0]);
	options->generated_key_pem = buf_str(&h->key[0]);
	if (history_below(h, 2))
		options->default_backend_service = STR("default/s0");
	if (history_below(h, 2))
		options->default_ssl_certificate = STR("default/t0");
	options->watch_ingress_without_class = history_below(h, 2);
	options->disable_catch_all = history_below(h, 4) == 0;
}

#define HISTORY_PREFIX "nginx.ingress.kubernetes.io/"

static inline const char *history_host(struct history *h)
{
	static const char *const hosts[] = {"a.example.com", "www.a.example.com", "www.www.a.example.com", "b.example.com",
		"www.b.example.com", "*.example.com", "c.example.com", "", "x.example.com", "c-.example.com"};

	return hosts[(h->first_host + history_below(h, 5)) % (sizeof(hosts) / sizeof(hosts[0]))];
}

static inline void history_path(struct history *h, struct buf *text)
{
	static const char *const paths[] = {"/", "/x", "/x/y", "", "/a(b"};
	static const char *const types[] = {"Prefix", "Exact", "ImplementationSpecific"};

	buf_printf(text,
		"{\"path\":\"%s\",\"pathType\":\"%s\",\"backend\":{\"service\":{\"name\":\"s%u\",\"port\":{\"number\":%u}}}}",
		paths[history_below(h, 5)], types[history_below(h, 3)], history_below(h, 4), history_below(h, 5) ? 80 : 81);
}

static inline void history_spec(struct history *h, struct buf *text)
{
	unsigned n_rules = history_below(h, 4);

	if (n_rules == 0 || history_below(h, 5) == 0)
		buf_printf(text, ",\"defaultBackend\":{\"service\":{\"name\":\"s%u\",\"port\":{\"number\":80}}}", history_below(h, 4));
	if (history_below(h, 2))
		buf_printf(text, ",\"tls\":[{\"hosts\":[\"%s\"],\"secretName\":\"t%u\"}]", history_host(h), history_below(h, 3));
	buf_printf(text, ",\"rules\":[");
	for (unsigned i = 0; i < n_rules; i++) {
		buf_printf(text, "%s{\"host\":\"%s\",\"http\":{\"paths\":[", i ? "," : "", history_host(h));
		history_path(h, text);
		if (history_below(h, 2)) {
			buf_add_char(text, ',');
			history_path(h, text);
		}
		buf_printf(text, "]}}");
	}
	buf_printf(text, "]");
}

static inline struct object *history_ingress(struct history *h, unsigned n)
{
	static const char *const annotations[] = {
		"\"" HISTORY_PREFIX "server-alias\":\"b.example.com,x.example.com\"",
		"\"" HISTORY_PREFIX "server-alias\":\"y.example.com,x.example.com,~^z\"",
		"\"" HISTORY_PREFIX "server-alias\":\"c.example.com,y.example.com\"",
		"\"" HISTORY_PREFIX "from-to-www-redirect\":\"true\"",
		"\"" HISTORY_PREFIX "from-to-www-redirect\":\"true\",\"" HISTORY_PREFIX "server-alias\":\"x.example.com\"",
		"\"" HISTORY_PREFIX "canary\":\"true\",\"" HISTORY_PREFIX "canary-weight\":\"30\"",
		"\"" HISTORY_PREFIX "proxy-read-timeout\":\"never\"",
		"\"" HISTORY_PREFIX "proxy-read-timeout\":\"7\",\"" HISTORY_PREFIX "load-balance\":\"ewma\"",
		"\"" HISTORY_PREFIX "affinity\":\"cookie\"",
		"\"" HISTORY_PREFIX "service-upstream\":\"true\"",
		"\"" HISTORY_PREFIX "rewrite-target\":\"/$1\"",
		"\"" HISTORY_PREFIX "configuration-snippet\":\"x\"",
		"\"" HISTORY_PREFIX "auth-tls-secret\":\"default/t1\"",
		"\"" HISTORY_PREFIX "proxy-ssl-secret\":\"default/t2\"",
		"\"" HISTORY_PREFIX "auth-secret\":\"default/t1\"",
		"\"" HISTORY_PREFIX "default-backend\":\"s1\"",
		"\"kubernetes.io/ingress.class\":\"nginx\"",
	};
	static const char *const of_pools[] = {"\"ingressClassName\":\"nginx\"", "\"ingressClassName\":\"nginx\"",
		"\"ingressClassName\":\"edge\"", "\"ingressClassName\":\"edge\"", "\"x\":1"};
	static const char *const classes[] = {"\"ingressClassName\":\"nginx\"", "\"ingressClassName\":\"nginx\"",
		"\"ingressClassName\":\"nginx\"", "\"ingressClassName\":\"other\"", "\"x\":1"};
	struct buf text = {0};
	struct object *o;

	buf_printf(&text,
		"{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"Ingress\",\"metadata\":{\"name\":\"i%u\",\"namespace\":\"%s\","
		"\"creationTimestamp\":\"2026-01-%02uT00:00:00Z\",\"annotations\":{%s}},\"spec\":{%s",
		n, h->has_pools && n % 3 == 0 ? "shop" : "default", 1 + history_below(h, 5),
		history_below(h, 3) ? annotations[(h->first_annotation + history_below(h, 4)) % (sizeof(annotations) / sizeof(annotations[0]))]
				    : "",
		h->has_pools ? of_pools[history_below(h, 5)] : classes[history_below(h, 5)]);
	history_spec(h, &text);
	buf_printf(&text, "}}");
	o = cluster_object(buf_cstr(&text));
	buf_deinit(&text);
	return o;
}

static inline struct object *history_service(struct history *h, unsigned n)
{
	static const char *const specs[] = {
		"\"clusterIP\":\"10.96.0.1\",\"ports\":[{\"port\":80,\"targetPort\":8080}]",
		"\"clusterIP\":\"None\",\"ports\":[{\"port\":80,\"targetPort\":8080},{\"name\":\"b\",\"port\":81}]",
		"\"type\":\"ExternalName\",\"externalName\":\"x.example.com\"",
		"\"clusterIP\":\"10.96.0.2\",\"ports\":[{\"port\":82}]",
	};
	struct buf text = {0};
	struct object *o;

	buf_printf(&text,
		"{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"s%u\",\"namespace\":\"default\"},\"spec\":{%s}}", n,
		specs[history_below(h, 4)]);
	o = cluster_object(buf_cstr(&text));
	buf_deinit(&text);
	return o;
}

static inline struct object *history_slice(struct history *h, unsigned n)
{
	struct buf text = {0};
	struct object *o;

	buf_printf(&text,
		"{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\",\"metadata\":{\"name\":\"e%u\","
		"\"namespace\":\"default\",\"labels\":{\"kubernetes.io/service-name\":\"s%u\"}},\"addressType\":\"%s\","
		"\"ports\":[{\"port\":8080}],\"endpoints\":[{\"addresses\":[\"10.0.0.%u\"],\"conditions\":{\"ready\":%s}}]}",
		n, history_below(h, 4), history_below(h, 8) ? "IPv4" : "FQDN", history_below(h, 5),
		history_below(h, 3) ? "true" : "false");
	o = cluster_object(buf_cstr(&text));
	buf_deinit(&text);
	return o;
}

static inline void history_add_base64(struct buf *text, struct str bytes)
{
	char *room = buf_reserve(text, 4 * (bytes.len / 3 + 1) + 1);

	text->len += (size_t)EVP_EncodeBlock((unsigned char *)room, (const unsigned char *)bytes.ptr, (int)bytes.len);
}

static inline struct object *history_secret(struct history *h, unsigned n)
{
	unsigned which = history_below(h, 3);
	struct buf text = {0};
	struct object *o;

	buf_printf(&text,
		"{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"t%u\",\"namespace\":\"default\"},\"data\":{\"tls.crt\":\"",
		n);
	history_add_base64(&text, which < 2 ? buf_str(&h->chain[which]) : STR("nonsense"));
	buf_printf(&text, "\",\"tls.key\":\"");
	history_add_base64(&text, which < 2 ? buf_str(&h->key[which]) : STR("nonsense"));
	buf_printf(&text, "\"}}");
	o = cluster_object(buf_cstr(&text));
	buf_deinit(&text);
	return o;
}

static inline struct object *history_config_map(struct history *h, unsigned n)
{
	static const char *const names[] = {"controller", "tcp", "udp", "headers"};
	static const char *const data[4][6] = {
		{"", "\"keep-alive\":\"5\",\"add-headers\":\"ingress/headers\"", "\"proxy-read-timeout\":\"60s\"",
			"\"service-upstream\":\"true\",\"keep-alive\":\"soon\",\"annotations-risk-level\":\"Low\"",
			"\"ssl-session-tickets\":\"true\"", "\"ssl-session-tickets\":\"true\",\"ssl-session-timeout\":\"4h\""},
		{"", "\"9000\":\"default/s1:80\"", "\"9000\":\"default/s2:80\",\"9001\":\"default/s1:81\"", "\"80\":\"default/s1:80\""},
		{"", "\"53\":\"default/s1:80\"", "", ""},
		{"", "\"X-A\":\"1\"", "\"X-A\":\"2\"", "\"X-A\":\"$host\""},
	};
	struct buf text = {0};
	struct object *o;

	buf_printf(&text,
		"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"%s\",\"namespace\":\"ingress\"},\"data\":{%s}}",
		names[n], data[n][history_below(h, n ? 4 : 6)]);
	o = cluster_object(buf_cstr(&text));
	buf_deinit(&text);
	return o;
}

static inline struct object *history_class(struct history *h, unsigned n)
{
	struct buf text = {0};
	struct object *o;

	buf_printf(&text,
		"{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"IngressClass\",\"metadata\":{\"name\":\"%s\"},\"spec\":"
		"{\"controller\":\"%s\"}}",
		!n ? "nginx" : h->has_pools ? "edge" : "other", history_below(h, 4) ? (n && !h->has_pools ? "example.com/other" : "k8s.io/ingress-nginx") : "example.com/x");
	o = cluster_object(buf_cstr(&text));
	buf_deinit(&text);
	return o;
}

static inline struct object *history_namespace(struct history *h, unsigned n)
{
	static const char *const labels[] = {"", "\"team\":\"web\"", "\"team\":\"web\",\"edge\":\"\"", "\"team\":\"db\""};
	struct buf text = {0};
	struct object *o;

	buf_printf(&text, "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"%s\",\"labels\":{%s}}}",
		n ? "shop" : "default", labels[history_below(h, 4)]);
	o = cluster_object(buf_cstr(&text));
	buf_deinit(&text);
	return o;
}

/* Which kind of object is in a slot, and its number among those. */
static inline struct object *history_make(struct history *h, unsigned slot)
{
	if (slot < 14)
		return history_ingress(h, slot);
	if (slot < 18)
		return history_service(h, slot - 14);
	if (slot < 26)
		return history_slice(h, slot - 18);
	if (slot < 29)
		return history_secret(h, slot - 26);
	if (slot < 33)
		return history_config_map(h, slot - 29);
	return slot < 35 ? history_class(h, slot - 33) : history_namespace(h, slot - 35);
}

/* One create, change or delete. */
static inline void history_event(struct history *h, struct store *store)
{
	/* classes and ConfigMaps build everything, so they are rarer than what is to be tested */
	unsigned slot = history_below(h, 8) ? history_below(h, 29) : history_below(h, h->has_pools ? 37 : 35);
	if (h->has_pools && history_below(h, 8) == 0)
		slot = 35 + history_below(h, 2);
	struct object *before = h->slots[slot];
	size_t len = strlen(h->said);

	if (len > sizeof(h->said) - 128)
		len = 0;
	if (before && history_below(h, 3) == 0) {
		store_delete(store, before->kind, before->namespace_, before->name);
		h->slots[slot] = NULL;
	} else {
		h->slots[slot] = history_make(h, slot);
		store_put(store, object_ref(h->slots[slot]), NULL);
	}
	snprintf(h->said + len, sizeof(h->said) - len, " %s %.100s;", h->slots[slot] ? "put" : "delete",
		h->slots[slot] ? h->slots[slot]->key.ptr : before->key.ptr);
	object_unref(&before);
}

/* What is there now, in another order. */
static inline void history_fill(struct history *h, struct store *store)
{
	unsigned first = history_below(h, HISTORY_SLOTS);

	for (unsigned i = 0; i < HISTORY_SLOTS; i++) {
		struct object *o = h->slots[(first + i) % HISTORY_SLOTS];

		if (o)
			store_put(store, object_ref(o), NULL);
	}
}

static inline void history_deinit(struct history *h)
{
	for (unsigned i = 0; i < HISTORY_SLOTS; i++)
		object_unref(&h->slots[i]);
	for (int i = 0; i < 2; i++) {
		buf_deinit(&h->chain[i]);
		buf_deinit(&h->key[i]);
	}
}

/* Builds both ways and compares; `last` is what the build from nothing keeps. */
typedef bool history_step_fn(struct history *h, struct parts *parts, const struct reconcile_options *options, struct setting_values *last,
	bool only_endpoints);

/* A history of `n_steps`, each of some events and a `step`. `pools` may be NULL. */
static inline void history_run(uint32_t seed, const struct pools *pools, unsigned n_steps, history_step_fn *step)
{
	struct store *store = store_create();
	struct history h;
	struct reconcile_options options;
	struct setting_values last = {0}, last_anew = {0};
	struct parts *parts;

	history_init(&h, seed);
	h.has_pools = pools != NULL;
	history_options(&h, &options);
	options.pools = pools;
	parts = parts_create(store, &options, &last);
	for (unsigned i = 0; i < n_steps; i++) {
		unsigned n_events = 1 + history_below(&h, 4) * history_below(&h, 3);

		for (unsigned j = 0; j < n_events; j++)
			history_event(&h, store);
		if (!CHECK(step(&h, parts, &options, &last_anew, history_below(&h, 2)))) {
			fprintf(stderr, "history %u, step %u: %s\n", seed, i, h.said);
			break;
		}
	}
	parts_destroy(parts);
	history_deinit(&h);
	settings_deinit(&last);
	settings_deinit(&last_anew);
	store_destroy(store);
}

#endif

/*
 * Shows messages by their descriptors, so that a field that is added shows up by itself. Fields that have the value of an
 * empty cluster are left out.
 */
#include "show.h"

#include <inttypes.h>
#include <stdlib.h>

#include "mem.h"
#include "reconcile.h"
#include "weirlock/v1/snapshot.pb-c.h"

static const void *member(const ProtobufCMessage *m, unsigned offset)
{
	return (const char *)m + offset;
}

static void show_cidr(const Weirlock__V1__Cidr *c, struct buf *out)
{
	struct cidr cidr = {0};

	addr_from_bytes(str_of(c->ip.data, c->ip.len), 0, &cidr.net);
	cidr.prefix = (uint8_t)c->prefix;
	cidr_add_text(out, &cidr);
}

static void show_scalar(const ProtobufCFieldDescriptor *f, const void *value, struct buf *out)
{
	switch (f->type) {
	case PROTOBUF_C_TYPE_BOOL:
		buf_printf(out, "%s", *(const protobuf_c_boolean *)value ? "true" : "false");
		return;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_ENUM:
		buf_printf(out, "%" PRIu32, *(const uint32_t *)value);
		return;
	case PROTOBUF_C_TYPE_UINT64:
		buf_printf(out, "%" PRIu64, *(const uint64_t *)value);
		return;
	case PROTOBUF_C_TYPE_BYTES: {
		const ProtobufCBinaryData *bytes = value;

		buf_add_hex(out, str_of(bytes->data, bytes->len));
		return;
	}
	case PROTOBUF_C_TYPE_STRING:
		buf_add_json(out, str_from(*(char *const *)value));
		return;
	case PROTOBUF_C_TYPE_MESSAGE:
		if (f->descriptor == &weirlock__v1__cidr__descriptor) {
			show_cidr(*(Weirlock__V1__Cidr *const *)value, out);
		} else if (f->descriptor == &weirlock__v1__header__descriptor) {
			const Weirlock__V1__Header *h = *(Weirlock__V1__Header *const *)value;

			buf_printf(out, "%s: %s", h->name, h->value);
		} else {
			buf_printf(out, "{}");
		}
		return;
	default:
		buf_printf(out, "?");
		return;
	}
}

static size_t element_size(const ProtobufCFieldDescriptor *f)
{
	return f->type == PROTOBUF_C_TYPE_STRING || f->type == PROTOBUF_C_TYPE_MESSAGE ? sizeof(void *) : sizeof(uint32_t);
}

static void show_value(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, struct buf *out)
{
	if (f->label == PROTOBUF_C_LABEL_REPEATED) {
		size_t n = *(const size_t *)member(m, f->quantifier_offset);
		const char *items = *(char *const *)member(m, f->offset);

		buf_printf(out, "[");
		for (size_t i = 0; i < n; i++) {
			buf_printf(out, "%s", i ? ", " : "");
			show_scalar(f, items + i * element_size(f), out);
		}
		buf_printf(out, "]");
		return;
	}
	show_scalar(f, member(m, f->offset), out);
}

/* A line for each field of `m` that is not as in `usual`. */
static void show_changed(const ProtobufCMessage *m, const ProtobufCMessage *usual, const char *indent, struct buf *out)
{
	for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
		struct buf now = {0}, then = {0};

		if (strcmp(f->name, "canaries") == 0 || strcmp(f->name, "proxy_ssl") == 0) /* shown one by one */
			continue;
		show_value(m, f, &now);
		show_value(usual, f, &then);
		if (!str_eq(buf_str(&now), buf_str(&then)))
			buf_printf(out, "%s%s %s\n", indent, f->name, buf_cstr(&now));
		buf_deinit(&now);
		buf_deinit(&then);
	}
}

static void *unpack(const ProtobufCMessageDescriptor *d, const struct resource *r)
{
	ProtobufCMessage *m = protobuf_c_message_unpack(d, NULL, r->body.len, (const uint8_t *)r->body.ptr);

	if (!m)
		abort();
	return m;
}

/* What an empty cluster gives: its settings, and the policy of its only route. */
struct usual {
	Weirlock__V1__Settings *settings;
	Weirlock__V1__Host *host;
};

static void usual_init(struct usual *u)
{
	struct store *store = store_create();
	struct reconcile_options options;
	struct problems problems = {0};
	struct snapshot *s;

	reconcile_options_init(&options);
	s = reconcile_build(store, &options, 0, NULL, &problems);
	u->settings = unpack(&weirlock__v1__settings__descriptor,
		content_get(s->content, WEIRLOCK__V1__KIND__KIND_SETTINGS, STR("")));
	u->host = unpack(&weirlock__v1__host__descriptor, content_get(s->content, WEIRLOCK__V1__KIND__KIND_HOST, STR("_")));
	snapshot_unref(&s);
	problems_deinit(&problems);
	store_destroy(store);
}

static void usual_deinit(struct usual *u)
{
	protobuf_c_message_free_unpacked(&u->settings->base, NULL);
	protobuf_c_message_free_unpacked(&u->host->base, NULL);
}

static void show_settings(const struct resource *r, const struct usual *u, struct buf *out)
{
	Weirlock__V1__Settings *m = unpack(&weirlock__v1__settings__descriptor, r);
	size_t before = out->len;

	buf_printf(out, "settings\n");
	show_changed(&m->base, &u->settings->base, "  ", out);
	if (out->len == before + strlen("settings\n"))
		out->len = before;
	protobuf_c_message_free_unpacked(&m->base, NULL);
}

static void show_route(const Weirlock__V1__Route *r, const struct usual *u, struct buf *out)
{
	static const char *const types[] = {"prefix", "exact", "regex"};

	buf_printf(out, "  %s %s -> ", types[r->path_type], r->path);
	if (r->fixed_status)
		buf_printf(out, "%u", r->fixed_status);
	else
		buf_printf(out, "%s", r->backend[0] ? r->backend : "default backend");
	if (r->ingress[0])
		buf_printf(out, " (%s)", r->ingress);
	buf_printf(out, "\n");
	show_changed(&r->policy->base, &u->host->routes[0]->policy->base, "    ", out);
	if (r->policy->proxy_ssl) {
		Weirlock__V1__ProxySsl usual = WEIRLOCK__V1__PROXY_SSL__INIT;

		buf_printf(out, "    proxy-ssl\n");
		show_changed(&r->policy->proxy_ssl->base, &usual.base, "      ", out);
	}
	for (size_t i = 0; i < r->policy->n_canaries; i++) {
		Weirlock__V1__Canary usual = WEIRLOCK__V1__CANARY__INIT;

		buf_printf(out, "    canary %zu\n", i + 1);
		show_changed(&r->policy->canaries[i]->base, &usual.base, "      ", out);
	}
}

static void show_host(const struct resource *r, const struct usual *u, struct buf *out)
{
	Weirlock__V1__Host *m = unpack(&weirlock__v1__host__descriptor, r);
	bool is_bare = str_eq(r->name, STR("_")) && m->n_routes == 1 && m->routes[0]->ingress[0] == '\0';

	if (!is_bare) {
		buf_printf(out, "host %s%s%s", m->name, m->has_tls ? " tls=" : "",
			!m->has_tls ? "" : m->certificate[0] ? m->certificate : "default");
		buf_printf(out, "%s", m->is_regex ? " regex" : "");
		if (m->app_root[0])
			buf_printf(out, " app-root=%s", m->app_root);
		if (m->redirect_to[0])
			buf_printf(out, " redirect-to=%s", m->redirect_to);
		for (size_t i = 0; i < m->n_aliases; i++)
			buf_printf(out, " alias=%s", m->aliases[i]);
		if (m->ssl_ciphers[0])
			buf_printf(out, " ciphers=%s", m->ssl_ciphers);
		if (m->ssl_client_cipher_order)
			buf_printf(out, " client-cipher-order");
		if (m->passthrough_backend[0])
			buf_printf(out, " passthrough=%s", m->passthrough_backend);
		if (m->passthrough_proxy_protocol)
			buf_printf(out, " passthrough-proxy-protocol=%u", m->passthrough_proxy_protocol);
		buf_printf(out, "\n");
		if (m->client_auth) {
			Weirlock__V1__ClientAuth usual = WEIRLOCK__V1__CLIENT_AUTH__INIT;

			buf_printf(out, "  client-auth\n");
			show_changed(&m->client_auth->base, &usual.base, "    ", out);
		}
		for (size_t i = 0; i < m->n_routes; i++)
			show_route(m->routes[i], u, out);
	}
	protobuf_c_message_free_unpacked(&m->base, NULL);
}

static void show_affinity(const Weirlock__V1__Affinity *a, struct buf *out)
{
	Weirlock__V1__Affinity usual = WEIRLOCK__V1__AFFINITY__INIT;
	struct buf fields = {0};
	struct str rest, line;

	show_changed(&a->base, &usual.base, "", &fields);
	buf_printf(out, " affinity(");
	rest = buf_str(&fields);
	for (bool is_first = true; str_next(&rest, '\n', &line); is_first = false)
		buf_printf(out, "%s%.*s", is_first ? "" : ", ", STR_ARG(line));
	buf_printf(out, ")");
	buf_deinit(&fields);
}

static void show_backend(const struct resource *r, struct buf *out)
{
	static const char *const protocols[] = {"", " HTTPS", " AUTO_HTTP", " GRPC", " GRPCS", " FCGI"};
	static const char *const balances[] = {"", " ewma", " least_conn", " random_two"};
	Weirlock__V1__Backend *m = unpack(&weirlock__v1__backend__descriptor, r);

	buf_printf(out, "backend %.*s%s%s", STR_ARG(r->name), protocols[m->protocol], balances[m->load_balance]);
	if (m->hash_by[0])
		buf_printf(out, " hash-by=%s", m->hash_by);
	if (m->hash_subset_size)
		buf_printf(out, " subset=%u", m->hash_subset_size);
	if (m->slow_start_ms)
		buf_printf(out, " slow-start=%ums", m->slow_start_ms);
	if (m->retry_budget_percent)
		buf_printf(out, " retry-budget=%u%%", m->retry_budget_percent);
	if (m->eject_after_failures || m->eject_ms)
		buf_printf(out, " eject=%u/%ums", m->eject_after_failures, m->eject_ms);
	if (m->max_connections)
		buf_printf(out, " max-connections=%u", m->max_connections);
	if (m->affinity)
		show_affinity(m->affinity, out);
	if (m->external_name[0])
		buf_printf(out, " external=%s:%u", m->external_name, m->external_port);
	buf_printf(out, "\n");
	protobuf_c_message_free_unpacked(&m->base, NULL);
}

static void show_endpoints(const struct resource *r, struct buf *out)
{
	Weirlock__V1__Endpoints *m = unpack(&weirlock__v1__endpoints__descriptor, r);

	buf_printf(out, "endpoints %.*s\n", STR_ARG(r->name));
	for (size_t i = 0; i < m->n_endpoints; i++) {
		const Weirlock__V1__Endpoint *e = m->endpoints[i];
		char text[ADDR_TEXT_MAX];
		struct addr a;

		addr_from_bytes(str_of(e->ip.data, e->ip.len), (uint16_t)e->port, &a);
		buf_printf(out, "  %s%s%s%s%s", addr_text(&a, text), e->state ? " terminating" : "",
			e->zone[0] ? " zone=" : "", e->zone, e->id.len ? " id=" : "");
		buf_add_hex(out, str_of(e->id.data, e->id.len));
		buf_printf(out, "\n");
	}
	protobuf_c_message_free_unpacked(&m->base, NULL);
}

static void show_fingerprint(ProtobufCBinaryData bytes, struct buf *out)
{
	buf_add_hex(out, str_of(bytes.data, bytes.len < 6 ? bytes.len : 6));
}

/* Names, dates and fingerprint; never key bytes. */
static void show_certificate(const struct resource *r, struct buf *out)
{
	Weirlock__V1__Certificate *m = unpack(&weirlock__v1__certificate__descriptor, r);

	buf_printf(out, "certificate %.*s %s", STR_ARG(r->name), m->key_type);
	for (size_t i = 0; i < m->n_names; i++)
		buf_printf(out, " %s", m->names[i]);
	buf_printf(out, " until %" PRId64 " fingerprint ", m->not_after_s);
	show_fingerprint(m->fingerprint, out);
	buf_printf(out, "\n");
	protobuf_c_message_free_unpacked(&m->base, NULL);
}

static void show_backend_secret(const struct resource *r, struct buf *out)
{
	Weirlock__V1__BackendSecret *m = unpack(&weirlock__v1__backend_secret__descriptor, r);

	buf_printf(out, "backend-secret %.*s", STR_ARG(r->name));
	if (m->fingerprint.len) {
		buf_printf(out, " certificate until %" PRId64 " fingerprint ", m->not_after_s);
		show_fingerprint(m->fingerprint, out);
	}
	for (size_t i = 0; i < m->n_ca_fingerprints; i++) {
		buf_printf(out, "%s", i ? " " : " authorities ");
		show_fingerprint(m->ca_fingerprints[i], out);
	}
	buf_printf(out, "\n");
	protobuf_c_message_free_unpacked(&m->base, NULL);
}

static void show_client_ca(const struct resource *r, struct buf *out)
{
	Weirlock__V1__ClientCa *m = unpack(&weirlock__v1__client_ca__descriptor, r);

	buf_printf(out, "client-ca %.*s%s", STR_ARG(r->name), m->crl_pem.len ? " with-revocations" : "");
	for (size_t i = 0; i < m->n_fingerprints; i++) {
		buf_printf(out, " ");
		show_fingerprint(m->fingerprints[i], out);
	}
	buf_printf(out, "\n");
	protobuf_c_message_free_unpacked(&m->base, NULL);
}

static void show_tcp_service(const struct resource *r, struct buf *out)
{
	Weirlock__V1__TcpService *m = unpack(&weirlock__v1__tcp_service__descriptor, r);

	buf_printf(out, "tcp-service %.*s port %u -> %s%s%s\n", STR_ARG(r->name), m->port, m->backend,
		m->decodes_proxy ? " decodes-proxy" : "", m->encodes_proxy ? " encodes-proxy" : "");
	protobuf_c_message_free_unpacked(&m->base, NULL);
}

static void show_udp_service(const struct resource *r, struct buf *out)
{
	Weirlock__V1__UdpService *m = unpack(&weirlock__v1__udp_service__descriptor, r);

	buf_printf(out, "udp-service %.*s port %u -> %s\n", STR_ARG(r->name), m->port, m->backend);
	protobuf_c_message_free_unpacked(&m->base, NULL);
}

void show_snapshot(const struct snapshot *s, struct buf *out)
{
	static const Weirlock__V1__Kind order[] = {WEIRLOCK__V1__KIND__KIND_SETTINGS, WEIRLOCK__V1__KIND__KIND_HOST,
		WEIRLOCK__V1__KIND__KIND_BACKEND, WEIRLOCK__V1__KIND__KIND_ENDPOINTS, WEIRLOCK__V1__KIND__KIND_CERTIFICATE,
		WEIRLOCK__V1__KIND__KIND_BACKEND_SECRET, WEIRLOCK__V1__KIND__KIND_CLIENT_CA, WEIRLOCK__V1__KIND__KIND_TCP_SERVICE,
		WEIRLOCK__V1__KIND__KIND_UDP_SERVICE};
	struct usual usual;
	size_t n;
	struct resource *const *all = content_sorted(s->content, &n);

	usual_init(&usual);
	for (size_t k = 0; k < sizeof(order) / sizeof(order[0]); k++) {
		for (size_t i = 0; i < n; i++) {
			if (all[i]->kind != (uint32_t)order[k])
				continue;
			if (order[k] == WEIRLOCK__V1__KIND__KIND_SETTINGS)
				show_settings(all[i], &usual, out);
			else if (order[k] == WEIRLOCK__V1__KIND__KIND_HOST)
				show_host(all[i], &usual, out);
			else if (order[k] == WEIRLOCK__V1__KIND__KIND_BACKEND)
				show_backend(all[i], out);
			else if (order[k] == WEIRLOCK__V1__KIND__KIND_ENDPOINTS)
				show_endpoints(all[i], out);
			else if (order[k] == WEIRLOCK__V1__KIND__KIND_BACKEND_SECRET)
				show_backend_secret(all[i], out);
			else if (order[k] == WEIRLOCK__V1__KIND__KIND_CLIENT_CA)
				show_client_ca(all[i], out);
			else if (order[k] == WEIRLOCK__V1__KIND__KIND_TCP_SERVICE)
				show_tcp_service(all[i], out);
			else if (order[k] == WEIRLOCK__V1__KIND__KIND_UDP_SERVICE)
				show_udp_service(all[i], out);
			else
				show_certificate(all[i], out);
		}
	}
	usual_deinit(&usual);
}

void show_problems(const struct problems *problems, struct buf *out)
{
	for (size_t i = 0; i < problems->n; i++) {
		buf_printf(out, "%s ", problems->items[i].severity == SEVERITY_FAULT ? "fault" : "warn ");
		problem_text(&problems->items[i], out);
		buf_printf(out, "\n");
	}
}

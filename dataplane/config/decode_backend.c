/* Backends, endpoint sets and certificates: small messages that change most. */
#include "decode.h"

#include <stdlib.h>

#include "expression.h"

enum { MAX_PEM = 1024 * 1024, MAX_ZONE = 253, MAX_ZONES = 100 };

enum { MAX_EJECT_MS = 24 * 3600 * 1000, MAX_SLOW_START_MS = 24 * 3600 * 1000 };

enum { MAX_CHECK_MS = 24 * 3600 * 1000 };

enum { MAX_ID = 32 };

static bool decode_id(struct decode *d, const char *field, const ProtobufCBinaryData *in, struct str *out)
{
	struct buf text = {0};

	if (in->len > MAX_ID)
		return decode_refuse(d, field, "too long");
	buf_add_hex(&text, str_of(in->data, in->len));
	*out = arena_str(d->arena, buf_str(&text));
	buf_deinit(&text);
	return true;
}

/* What stands in a Set-Cookie line must not end one of its attributes. */
static bool decode_attribute(struct decode *d, const char *field, const char *in, struct str *out)
{
	if (!decode_text(d, field, in, MAX_NAME * 2, out))
		return false;
	return str_find(*out, ';') == out->len || decode_refuse(d, field, "holds a semicolon");
}

static bool decode_affinity(struct decode *d, const Weirlock__V1__Affinity *in, struct backend_object *out)
{
	struct affinity *a;

	if (!in)
		return true;
	a = out->affinity = arena_zalloc(d->arena, sizeof(*a));
	a->is_persistent = in->is_persistent;
	a->change_on_failure = in->change_on_failure;
	a->secure = in->secure;
	a->conditional_samesite_none = in->conditional_samesite_none;
	a->expires_s = in->expires_s;
	a->max_age_s = in->max_age_s;
	if (!decode_token(d, "affinity.cookie_name", in->cookie_name, &a->cookie_name) ||
		!decode_id(d, "affinity.backend_id", &in->backend_id, &a->backend_id) ||
		!decode_attribute(d, "affinity.domain", in->domain, &a->domain) ||
		!decode_attribute(d, "affinity.path", in->path, &a->path) ||
		!decode_attribute(d, "affinity.samesite", in->samesite, &a->samesite))
		return false;
	if (!a->cookie_name.len)
		a->cookie_name = STR("INGRESSCOOKIE");
	return true;
}

static bool decode_health_check(struct decode *d, const Weirlock__V1__HealthCheck *in, struct backend_object *out)
{
	struct health_check *c;

	if (!in)
		return true;
	c = out->health_check = arena_zalloc(d->arena, sizeof(*c));
	*c = (struct health_check){
		.interval_ms = in->interval_ms, .timeout_ms = in->timeout_ms, .failures = in->failures, .successes = in->successes};
	if (in->path[0] != '/')
		return decode_refuse(d, "health_check.path", "does not begin with /");
	for (const char *p = in->path; *p; p++) {
		if (*p <= ' ' || *p >= 0x7f)
			return decode_refuse(d, "health_check.path", "holds what no path has");
	}
	return decode_text(d, "health_check.path", in->path, MAX_TEXT, &c->path) &&
		decode_range(d, "health_check.interval_ms", in->interval_ms, 100, MAX_CHECK_MS) &&
		decode_range(d, "health_check.timeout_ms", in->timeout_ms, 1, MAX_CHECK_MS) &&
		decode_range(d, "health_check.failures", in->failures, 1, 1000000) &&
		decode_range(d, "health_check.successes", in->successes, 1, 1000000);
}

static bool decode_balance(struct decode *d, const Weirlock__V1__Backend *in, struct backend_object *out)
{
	struct str hash_by;

	out->load_balance = (uint32_t)in->load_balance;
	out->slow_start_ms = in->slow_start_ms;
	out->hash_subset_size = in->hash_subset_size;
	if (!decode_text(d, "hash_by", in->hash_by, MAX_TEXT, &hash_by) ||
		!decode_range(d, "slow_start_ms", in->slow_start_ms, 0, MAX_SLOW_START_MS) ||
		!decode_range(d, "hash_subset_size", in->hash_subset_size, 0, MAX_ENDPOINTS))
		return false;
	out->retry_budget_percent = in->retry_budget_percent;
	out->eject_after_failures = in->eject_after_failures;
	out->eject_ms = in->eject_ms ? in->eject_ms : 10000;
	out->max_connections = in->max_connections;
	if (!decode_range(d, "retry_budget_percent", in->retry_budget_percent, 0, 100) ||
		!decode_range(d, "eject_after_failures", in->eject_after_failures, 0, 1000000) ||
		!decode_range(d, "eject_ms", in->eject_ms, 0, MAX_EJECT_MS))
		return false;
	if (!decode_affinity(d, in->affinity, out) || !decode_health_check(d, in->health_check, out))
		return false;
	if (hash_by.len) {
		out->hash_by = arena_zalloc(d->arena, sizeof(*out->hash_by));
		http_expression_compile(hash_by, d->arena, out->hash_by);
	}
	return true;
}

bool decode_backend(struct decode *d, const Weirlock__V1__Backend *in, struct backend_object *out)
{
	if (!d->name.len || d->name.len > MAX_NAME)
		return decode_refuse(d, "name", "is empty or too long");
	if (!decode_range(d, "protocol", (uint64_t)in->protocol, 0, WEIRLOCK__V1__PROTOCOL__PROTOCOL_FCGI) ||
		!decode_range(d, "load_balance", (uint64_t)in->load_balance, 0,
			WEIRLOCK__V1__LOAD_BALANCE__LOAD_BALANCE_RANDOM_TWO) ||
		!decode_range(d, "external_port", in->external_port, 0, UINT16_MAX))
		return false;
	out->protocol = (uint32_t)in->protocol;
	out->external_port = (uint16_t)in->external_port;
	if (!decode_text(d, "service", in->service, MAX_NAME, &out->service) ||
		!decode_text(d, "port", in->port, MAX_NAME, &out->port) || !decode_balance(d, in, out))
		return false;
	if (in->external_name[0]) {
		if (!decode_server_name(d, "external_name", in->external_name, &out->external_name) ||
			!decode_range(d, "external_port", in->external_port, 1, UINT16_MAX))
			return false;
	}
	out->slot = lineage_take_slot(d->lineage, d->name);
	return true;
}

void decode_drop_backend(struct backend_object *b)
{
	if (b->slot)
		lineage_drop_slot(b->slot);
}

static bool decode_endpoint(struct decode *d, const Weirlock__V1__Endpoint *in, struct endpoint *out)
{
	if (!decode_range(d, "port", in->port, 1, UINT16_MAX) || !decode_ip(d, "ip", &in->ip, in->port, &out->addr) ||
		!decode_range(d, "state", (uint64_t)in->state, 0, WEIRLOCK__V1__ENDPOINT_STATE__ENDPOINT_TERMINATING))
		return false;
	out->is_terminating = in->state == WEIRLOCK__V1__ENDPOINT_STATE__ENDPOINT_TERMINATING;
	if (!decode_id(d, "id", &in->id, &out->id))
		return false;
	if (in->n_for_zones > MAX_ZONES)
		return decode_refuse(d, "for_zones", "too many");
	out->for_zones = in->n_for_zones ? arena_zalloc(d->arena, in->n_for_zones * sizeof(*out->for_zones)) : NULL;
	out->n_for_zones = in->n_for_zones;
	for (size_t i = 0; i < in->n_for_zones; i++) {
		if (!decode_text(d, "for_zones", in->for_zones[i], MAX_ZONE, &out->for_zones[i]))
			return false;
	}
	return decode_text(d, "zone", in->zone, MAX_ZONE, &out->zone);
}

/* The name is "backend/slice", so that a slice that changes its backend is another resource. */
static bool is_named_for(struct str name, struct str backend)
{
	return backend.len && str_starts_with(name, backend) && name.len > backend.len + 1 && name.ptr[backend.len] == '/';
}

bool decode_endpoints(struct decode *d, const Weirlock__V1__Endpoints *in, struct endpoints_object *out)
{
	if (!is_named_for(d->name, str_from(in->backend)) || d->name.len > 2 * MAX_NAME)
		return decode_refuse(d, "backend", "is not what the resource is named for");
	if (in->n_endpoints > MAX_ENDPOINTS)
		return decode_refuse(d, "endpoints", "too many");
	out->items = arena_zalloc(d->arena, in->n_endpoints * sizeof(*out->items));
	for (size_t i = 0; i < in->n_endpoints; i++) {
		decode_enter(d, "endpoints", i);
		if (!decode_endpoint(d, in->endpoints[i], &out->items[i]))
			return false;
	}
	decode_leave(d);
	out->n = in->n_endpoints;
	out->slot = lineage_take_slot(d->lineage, str_from(in->backend));
	return true;
}

void decode_drop_endpoints(struct endpoints_object *e)
{
	if (e->slot)
		lineage_drop_slot(e->slot);
}

/* A generation that is only read gets no keys; one that serves needs them. */
static struct tls_certificate *create_certificate(
	const struct decode *d, const Weirlock__V1__Certificate *in, const char **why)
{
	struct str chain = str_of(in->chain_pem.data, in->chain_pem.len);

	if (lineage_is_for_reading(d->lineage))
		return tls_certificate_create_keyless(chain, why);
	return tls_certificate_create(chain, str_of(in->key_pem.data, in->key_pem.len), why);
}

bool decode_certificate(struct decode *d, const Weirlock__V1__Certificate *in, struct certificate_object *out)
{
	const char *why = "";

	if (!in->chain_pem.len)
		return decode_refuse(d, "chain_pem", "is missing");
	if (!in->key_pem.len && !lineage_is_for_reading(d->lineage))
		return decode_refuse(d, "key_pem", "is missing");
	if (in->chain_pem.len > MAX_PEM || in->key_pem.len > MAX_PEM)
		return decode_refuse(d, "chain_pem", "too long");
	if (in->n_names > MAX_ITEMS)
		return decode_refuse(d, "names", "too many");
	out->names = arena_zalloc(d->arena, in->n_names * sizeof(*out->names));
	for (size_t i = 0; i < in->n_names; i++) {
		if (!decode_text(d, "names", in->names[i], MAX_SERVER_NAME, &out->names[i]))
			return false;
	}
	out->n_names = in->n_names;
	out->certificate = create_certificate(d, in, &why);
	return out->certificate || decode_refuse(d, "chain_pem", why);
}

void decode_drop_certificate(struct certificate_object *c)
{
	if (c->certificate)
		tls_certificate_unref(&c->certificate);
}

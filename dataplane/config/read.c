/* What is read of a generation; see config.h. */
#include <stdio.h>

#include "decode.h"
#include "generation_private.h"
#include "host_candidates.h"
#include "weirlock/v1/snapshot.pb-c.h"

bool generation_is_for_reading(const struct generation *g)
{
	return lineage_is_for_reading(g->lineage);
}

struct content_id generation_id(const struct generation *g)
{
	return g->id;
}

const struct settings *generation_settings(const struct generation *g)
{
	return &g->settings->settings;
}

const struct clientaddr_rules *generation_clientaddr_rules(const struct generation *g)
{
	return &g->settings->rules;
}

const struct backend *generation_backend(const struct generation *g, const struct route *r)
{
	return r->backend_index == BACKEND_NONE ? generation_default_backend(g)
						: backend_table_at(&g->backends, r->backend_index);
}

const struct backend *generation_backend_at(const struct generation *g, unsigned index)
{
	return backend_table_at(&g->backends, index);
}

const struct backend *generation_default_backend(const struct generation *g)
{
	const struct backend_slot *slot = g->settings->default_backend;
	const struct backend *b = slot ? backend_table_at(&g->backends, slot->index) : NULL;

	return b && (b->n_endpoints || b->external_name.len) ? b : NULL; /* D4: endpoints gone, built-in page */
}

unsigned generation_backend_bound(const struct generation *g)
{
	return g->backends.bound;
}

const struct backend *generation_next_backend(const struct generation *g, size_t *cursor)
{
	while (*cursor < g->backends.bound) {
		const struct backend *b = backend_table_at(&g->backends, (unsigned)(*cursor)++);

		if (b)
			return b;
	}
	return NULL;
}

const struct backend *generation_next_checked_backend(const struct generation *g, unsigned *cursor)
{
	return backend_table_next_checked(&g->backends, cursor);
}

const struct backend *generation_next_changed_backend(
	const struct generation *g, const struct generation *before, size_t *cursor)
{
	unsigned next;

	while (before && *cursor < g->backends.bound &&
		backend_table_is_same(&g->backends, &before->backends, (unsigned)*cursor, &next))
		*cursor = next;
	return generation_next_backend(g, cursor);
}

static const struct object *next_object(const struct generation *g, uint32_t kind, size_t *cursor)
{
	return object_list_next(objects_of(&g->objects, kind), cursor);
}

/* Resources that are named for a port. */
static const struct object *find_port(const struct generation *g, uint32_t kind, uint16_t port)
{
	char text[8];
	int len = snprintf(text, sizeof(text), "%u", (unsigned)port);

	return objects_find(&g->objects, kind, str_of(text, (size_t)len));
}

const struct host *generation_next_host(const struct generation *g, size_t *cursor)
{
	const struct object *o = next_object(g, WEIRLOCK__V1__KIND__KIND_HOST, cursor);

	return o ? &o->host->host : NULL;
}

const struct tcp_service *generation_next_tcp(const struct generation *g, size_t *cursor)
{
	const struct object *o = next_object(g, WEIRLOCK__V1__KIND__KIND_TCP_SERVICE, cursor);

	return o ? &o->tcp->service : NULL;
}

const struct tcp_service *generation_find_tcp(const struct generation *g, uint16_t port)
{
	const struct object *o = find_port(g, WEIRLOCK__V1__KIND__KIND_TCP_SERVICE, port);

	return o ? &o->tcp->service : NULL;
}

const struct udp_service *generation_next_udp(const struct generation *g, size_t *cursor)
{
	const struct object *o = next_object(g, WEIRLOCK__V1__KIND__KIND_UDP_SERVICE, cursor);

	return o ? &o->udp->service : NULL;
}

const struct udp_service *generation_find_udp(const struct generation *g, uint16_t port)
{
	const struct object *o = find_port(g, WEIRLOCK__V1__KIND__KIND_UDP_SERVICE, port);

	return o ? &o->udp->service : NULL;
}

struct tls_auth *generation_tls_auth(const struct generation *g, const struct client_auth *auth)
{
	return ways_find(g->clients, auth->key);
}

struct tls_client *generation_tls_client(const struct generation *g, const struct policy *policy)
{
	return policy->proxy_ssl ? ways_find(g->upstreams, policy->proxy_ssl->key) : tls_client_plain();
}

struct tls_contexts *generation_tls(const struct generation *g)
{
	return g->tls;
}

struct str generation_certificate_name(const struct generation *g, const struct tls_certificate *certificate)
{
	size_t cursor = 0;
	const struct object *o;

	while ((o = next_object(g, WEIRLOCK__V1__KIND__KIND_CERTIFICATE, &cursor))) {
		if (o->certificate->certificate == certificate)
			return o->name;
	}
	return STR("");
}

const struct host *generation_find_host(const struct generation *g, struct str server_name)
{
	return host_table_find(g->hosts, server_name);
}

struct host_match generation_match_host(const struct generation *g, struct str server_name)
{
	return host_table_match(g->hosts, server_name);
}

size_t generation_host_candidates(
	const struct generation *g, struct str server_name, struct host_candidate *out, size_t cap)
{
	return host_candidates(objects_of(&g->objects, WEIRLOCK__V1__KIND__KIND_HOST), g->hosts, server_name, out, cap);
}

bool generation_has_passthrough(const struct generation *g)
{
	return host_table_has_passthrough(g->hosts);
}

const struct host *generation_find_passthrough(const struct generation *g, struct str server_name)
{
	char lower[MAX_SERVER_NAME];
	struct host_match match;

	if (!server_name.len || server_name.len > sizeof(lower))
		return NULL;
	for (size_t i = 0; i < server_name.len; i++)
		lower[i] = (char)ascii_lower((unsigned char)server_name.ptr[i]);
	match = host_table_match(g->hosts, str_of(lower, server_name.len));
	return match.how == HOST_FOUND_EXACT && match.host->passthrough_name.len ? match.host : NULL;
}

bool generation_has_tls(const struct generation *g, struct str server_name)
{
	return host_table_has_tls(g->hosts, server_name);
}

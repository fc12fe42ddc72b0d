/* Unpacks the bodies of a snapshot by kind. */
#include "view.h"

#include "addr.h"
#include "map.h"
#include "mem.h"

static struct str body_of(const Weirlock__V1__Resource *r)
{
	return str_of(r->body.data, r->body.len);
}

static size_t count_kind(const Weirlock__V1__Snapshot *s, Weirlock__V1__Kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_resources; i++)
		n += s->resources[i]->kind == kind;
	return n;
}

/* Unpacks one body into the next free place of its kind. */
static bool take(struct view *v, const Weirlock__V1__Resource *r)
{
	struct str body = body_of(r), name = str_from(r->name);
	const uint8_t *bytes = (const uint8_t *)body.ptr;

	switch (r->kind) {
	case WEIRLOCK__V1__KIND__KIND_SETTINGS:
		if (v->settings)
			return false;
		return (v->settings = weirlock__v1__settings__unpack(NULL, body.len, bytes)) != NULL;
	case WEIRLOCK__V1__KIND__KIND_HOST:
		return (v->hosts[v->n_hosts] = weirlock__v1__host__unpack(NULL, body.len, bytes)) != NULL && ++v->n_hosts;
	case WEIRLOCK__V1__KIND__KIND_BACKEND:
		v->backend_names[v->n_backends] = name;
		v->backends[v->n_backends] = weirlock__v1__backend__unpack(NULL, body.len, bytes);
		return v->backends[v->n_backends] != NULL && ++v->n_backends;
	case WEIRLOCK__V1__KIND__KIND_ENDPOINTS:
		v->endpoints_names[v->n_endpoints] = name;
		v->endpoints[v->n_endpoints] = weirlock__v1__endpoints__unpack(NULL, body.len, bytes);
		return v->endpoints[v->n_endpoints] != NULL && ++v->n_endpoints;
	case WEIRLOCK__V1__KIND__KIND_CERTIFICATE:
		v->certificate_names[v->n_certificates] = name;
		v->certificates[v->n_certificates] = weirlock__v1__certificate__unpack(NULL, body.len, bytes);
		return v->certificates[v->n_certificates] != NULL && ++v->n_certificates;
	default:
		return true; /* secrets, and kinds of later versions */
	}
}

bool view_init(struct view *v, Weirlock__V1__Snapshot *snapshot, struct str *bad)
{
	size_t n_hosts = count_kind(snapshot, WEIRLOCK__V1__KIND__KIND_HOST);
	size_t n_backends = count_kind(snapshot, WEIRLOCK__V1__KIND__KIND_BACKEND);
	size_t n_endpoints = count_kind(snapshot, WEIRLOCK__V1__KIND__KIND_ENDPOINTS);
	size_t n_certificates = count_kind(snapshot, WEIRLOCK__V1__KIND__KIND_CERTIFICATE);

	*v = (struct view){.snapshot = snapshot};
	v->hosts = mem_calloc(n_hosts, sizeof(*v->hosts));
	v->backends = mem_calloc(n_backends, sizeof(*v->backends));
	v->backend_names = mem_calloc(n_backends, sizeof(*v->backend_names));
	v->endpoints = mem_calloc(n_endpoints, sizeof(*v->endpoints));
	v->endpoints_names = mem_calloc(n_endpoints, sizeof(*v->endpoints_names));
	v->certificates = mem_calloc(n_certificates, sizeof(*v->certificates));
	v->certificate_names = mem_calloc(n_certificates, sizeof(*v->certificate_names));
	for (size_t i = 0; i < snapshot->n_resources; i++) {
		if (!take(v, snapshot->resources[i])) {
			*bad = str_from(snapshot->resources[i]->name);
			return false;
		}
	}
	return true;
}

void view_deinit(struct view *v)
{
	for (size_t i = 0; i < v->n_hosts; i++)
		weirlock__v1__host__free_unpacked(v->hosts[i], NULL);
	for (size_t i = 0; i < v->n_backends; i++)
		weirlock__v1__backend__free_unpacked(v->backends[i], NULL);
	for (size_t i = 0; i < v->n_endpoints; i++)
		weirlock__v1__endpoints__free_unpacked(v->endpoints[i], NULL);
	for (size_t i = 0; i < v->n_certificates; i++)
		weirlock__v1__certificate__free_unpacked(v->certificates[i], NULL);
	if (v->settings)
		weirlock__v1__settings__free_unpacked(v->settings, NULL);
	mem_free(v->hosts);
	mem_free(v->backends);
	mem_free(v->backend_names);
	mem_free(v->endpoints);
	mem_free(v->endpoints_names);
	mem_free(v->certificates);
	mem_free(v->certificate_names);
	if (v->snapshot)
		weirlock__v1__snapshot__free_unpacked(v->snapshot, NULL);
	*v = (struct view){0};
}

void view_count_endpoints(const struct view *v, struct str backend, size_t *n_ready, size_t *n_terminating)
{
	struct map seen = {0};

	*n_ready = *n_terminating = 0;
	for (size_t i = 0; i < v->n_endpoints; i++) {
		const Weirlock__V1__Endpoints *e = v->endpoints[i];

		if (!str_eq(str_from(e->backend), backend))
			continue;
		for (size_t k = 0; k < e->n_endpoints; k++) {
			const Weirlock__V1__Endpoint *endpoint = e->endpoints[k];
			uint8_t key[20] = {0};
			size_t len = endpoint->ip.len <= 16 ? endpoint->ip.len : 16;

			if (len)
				memcpy(key, endpoint->ip.data, len);
			memcpy(key + 16, &endpoint->port, 4);
			if (map_put(&seen, str_of(key, sizeof(key)), v->endpoints[i]))
				continue;
			if (endpoint->state == WEIRLOCK__V1__ENDPOINT_STATE__ENDPOINT_READY)
				++*n_ready;
			else
				++*n_terminating;
		}
	}
	map_deinit(&seen);
}

const Weirlock__V1__Provenance *view_origin(const struct view *v, int kind, struct str name, struct str field)
{
	for (size_t i = 0; i < v->snapshot->n_origins; i++) {
		const Weirlock__V1__Origin *o = v->snapshot->origins[i];

		if (!o->ref || (int)o->ref->kind != kind || !str_eq(str_from(o->ref->name), name))
			continue;
		for (size_t k = 0; k < o->n_values; k++) {
			if (str_eq(str_from(o->values[k]->field), field))
				return o->values[k];
		}
	}
	return NULL;
}

/* From the bytes of a resource to a counted object, and back to nothing. */
#include "object.h"

#include "decode.h"
#include "mem.h"
#include "proto_arena.h"
#include "proto_kind.h"

/* A first block that fits what most resources of the kind need: there are tens of thousands. */
static size_t first_block(uint32_t kind)
{
	switch (kind) {
	case WEIRLOCK__V1__KIND__KIND_HOST:
		return 1792;
	case WEIRLOCK__V1__KIND__KIND_SETTINGS:
		return 1024;
	default:
		return 256;
	}
}

static bool decode_message(struct decode *d, struct object *o, const void *message)
{
	struct arena *a = &o->arena;

	switch (o->kind) {
	case WEIRLOCK__V1__KIND__KIND_SETTINGS:
		return decode_settings(d, message, o->settings = arena_zalloc(a, sizeof(*o->settings)));
	case WEIRLOCK__V1__KIND__KIND_CERTIFICATE:
		return decode_certificate(d, message, o->certificate = arena_zalloc(a, sizeof(*o->certificate)));
	case WEIRLOCK__V1__KIND__KIND_BACKEND:
		return decode_backend(d, message, o->backend = arena_zalloc(a, sizeof(*o->backend)));
	case WEIRLOCK__V1__KIND__KIND_ENDPOINTS:
		return decode_endpoints(d, message, o->endpoints = arena_zalloc(a, sizeof(*o->endpoints)));
	case WEIRLOCK__V1__KIND__KIND_HOST:
		o->host = arena_zalloc(a, sizeof(*o->host));
		o->host->object = o;
		return decode_host(d, message, o->host);
	case WEIRLOCK__V1__KIND__KIND_TCP_SERVICE:
		return decode_tcp(d, message, o->tcp = arena_zalloc(a, sizeof(*o->tcp)));
	case WEIRLOCK__V1__KIND__KIND_UDP_SERVICE:
		return decode_udp(d, message, o->udp = arena_zalloc(a, sizeof(*o->udp)));
	case WEIRLOCK__V1__KIND__KIND_BACKEND_SECRET:
		return decode_backend_secret(d, message, o->backend_secret = arena_zalloc(a, sizeof(*o->backend_secret)));
	case WEIRLOCK__V1__KIND__KIND_TICKET_KEYS:
		return decode_ticket_keys(d, message, o->ticket_keys = arena_zalloc(a, sizeof(*o->ticket_keys)));
	case WEIRLOCK__V1__KIND__KIND_CLIENT_CA:
		return decode_client_ca(d, message, o->client_ca = arena_zalloc(a, sizeof(*o->client_ca)));
	default:
		return true;
	}
}

static void drop_content(struct object *o)
{
	if (!o->settings) /* any member: nothing was decoded */
		return;
	switch (o->kind) {
	case WEIRLOCK__V1__KIND__KIND_SETTINGS:
		decode_drop_settings(o->settings);
		break;
	case WEIRLOCK__V1__KIND__KIND_CERTIFICATE:
		decode_drop_certificate(o->certificate);
		break;
	case WEIRLOCK__V1__KIND__KIND_BACKEND:
		decode_drop_backend(o->backend);
		break;
	case WEIRLOCK__V1__KIND__KIND_ENDPOINTS:
		decode_drop_endpoints(o->endpoints);
		break;
	case WEIRLOCK__V1__KIND__KIND_HOST:
		decode_drop_host(o->host);
		break;
	case WEIRLOCK__V1__KIND__KIND_TCP_SERVICE:
		decode_drop_tcp(o->tcp);
		break;
	case WEIRLOCK__V1__KIND__KIND_UDP_SERVICE:
		decode_drop_udp(o->udp);
		break;
	case WEIRLOCK__V1__KIND__KIND_BACKEND_SECRET:
		decode_drop_backend_secret(o->backend_secret);
		break;
	case WEIRLOCK__V1__KIND__KIND_TICKET_KEYS:
		decode_drop_ticket_keys(o->ticket_keys);
		break;
	case WEIRLOCK__V1__KIND__KIND_CLIENT_CA:
		trust_unref(&o->client_ca->trust);
		break;
	default:
		break;
	}
}

static bool decode_body(struct object *o, struct str body, struct lineage *lineage, struct buf *why)
{
	const ProtobufCMessageDescriptor *type = proto_kind_body(o->kind);
	struct decode d = {.arena = &o->arena, .lineage = lineage, .name = o->name, .why = why};
	struct proto_arena memory;
	const char *reason = "";
	const void *message;
	bool is_fine;

	if (!type)
		return true;
	proto_arena_init(&memory, proto_arena_cap(body.len));
	message = proto_unpack(type, body, &memory, &reason);
	is_fine = message ? decode_message(&d, o, message) : decode_refuse(&d, "body", reason);
	proto_arena_deinit(&memory);
	return is_fine;
}

struct object *object_compile(const struct resource *r, struct lineage *lineage, struct buf *why)
{
	struct object *o = mem_zalloc(sizeof(*o));

	atomic_init(&o->refs, 1);
	o->kind = r->kind;
	o->arena.block_size = first_block(r->kind);
	o->name = arena_str(&o->arena, r->name);
	memcpy(o->hash, r->hash, sizeof(o->hash));
	if (!decode_body(o, r->body, lineage, why))
		compiled_unref(&o);
	return o;
}

struct object *compiled_ref(struct object *o)
{
	atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
	return o;
}

void compiled_unref(struct object **p)
{
	struct object *o = *p;

	*p = NULL;
	if (!o || atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) > 1)
		return;
	drop_content(o);
	arena_deinit(&o->arena);
	mem_free(o);
}

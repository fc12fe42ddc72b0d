/* What came out of a pass, and the small helpers that fill messages. */
#include <stdarg.h>
#include <stdio.h>

#include "mem.h"
#include "pass.h"
#include "trust.h"

void reconcile_result_init(struct reconcile_result *result)
{
	memset(result, 0, sizeof(*result));
}

void reconcile_result_deinit(struct reconcile_result *result)
{
	for (size_t i = 0; i < result->n_resources; i++)
		resource_unref(&result->resources[i]);
	mem_free(result->resources);
	arena_deinit(&result->arena);
	mem_free(result->origins);
	problems_deinit(&result->problems);
	memset(result, 0, sizeof(*result));
}

struct resource *reconcile_result_get(const struct reconcile_result *result, uint32_t kind, struct str name)
{
	for (size_t i = result->n_resources; i > 0; i--) {
		struct resource *r = result->resources[i - 1];

		if (r->kind == kind && str_eq(r->name, name))
			return r;
	}
	return NULL;
}

struct snapshot *reconcile_result_finish(struct reconcile_result *result, uint64_t built_ms)
{
	struct content *content = content_create();
	struct origins *origins = NULL;
	struct snapshot *s;

	for (size_t i = 0; i < result->n_resources; i++)
		content_put(content, resource_ref(result->resources[i]));
	s = snapshot_create(content, built_ms);
	origins_put(&origins, STR(""), result->origins, result->n_origins);
	snapshot_set_origins(s, origins);
	origins_unref(&origins);
	problems_sort(&result->problems);
	return s;
}

void result_put(struct reconcile_result *result, Weirlock__V1__Kind kind, struct str name, const ProtobufCMessage *body)
{
	size_t size = protobuf_c_message_get_packed_size(body);
	uint8_t *bytes = mem_alloc(size + 1);

	protobuf_c_message_pack(body, bytes);
	result->resources =
		mem_grow(result->resources, &result->resources_cap, result->n_resources + 1, sizeof(struct resource *));
	result->resources[result->n_resources++] = resource_create((uint32_t)kind, name, str_of(bytes, size));
	mem_wipe(bytes, size); /* may hold a private key */
	mem_free(bytes);
}

void result_origin(struct reconcile_result *result, const struct provenance *origin)
{
	struct arena *arena = &result->arena;

	result->origins = mem_grow(result->origins, &result->origins_cap, result->n_origins + 1, sizeof(*result->origins));
	result->origins[result->n_origins++] = (struct provenance){
		.kind = origin->kind,
		.name = arena_str(arena, origin->name),
		.field = arena_str(arena, origin->field),
		.object = arena_str(arena, origin->object),
		.key = arena_str(arena, origin->key),
		.value = arena_str(arena, origin->value),
	};
}

void result_problem(struct problems *problems, enum severity severity, struct str object, const char *field, struct str value,
	const char *rule, const char *fix, const char *effect)
{
	problems_add(problems, &(struct problem){.severity = severity, .object = object, .field = str_from(field),
		.value = value, .rule = str_from(rule), .fix = str_from(fix), .effect = str_from(effect)});
}

char *message_text(struct arena *arena, struct str s)
{
	char *copy = arena_alloc(arena, s.len + 1);

	if (s.len > 0)
		memcpy(copy, s.ptr, s.len);
	copy[s.len] = '\0';
	return copy;
}

char **message_texts(struct arena *arena, const struct str *items, size_t n)
{
	char **texts = arena_alloc(arena, (n + 1) * sizeof(*texts));

	for (size_t i = 0; i < n; i++)
		texts[i] = message_text(arena, items[i]);
	return texts;
}

ProtobufCBinaryData message_bytes(struct arena *arena, struct str s)
{
	return (ProtobufCBinaryData){s.len, (uint8_t *)message_text(arena, s)};
}

ProtobufCBinaryData *message_fingerprints(struct arena *arena, const struct trust *trust, size_t *n)
{
	ProtobufCBinaryData *out;

	*n = trust ? trust_n(trust) : 0;
	out = arena_alloc(arena, (*n + 1) * sizeof(*out));
	for (size_t i = 0; i < *n; i++)
		out[i] = message_bytes(arena, trust_fingerprint(trust, i));
	return out;
}

Weirlock__V1__Cidr **message_cidrs(struct arena *arena, const struct cidr *cidrs, size_t n)
{
	Weirlock__V1__Cidr **out = arena_alloc(arena, (n + 1) * sizeof(*out));

	for (size_t i = 0; i < n; i++) {
		out[i] = arena_alloc(arena, sizeof(*out[i]));
		weirlock__v1__cidr__init(out[i]);
		out[i]->ip = message_bytes(arena, addr_bytes(&cidrs[i].net));
		out[i]->prefix = cidrs[i].prefix;
	}
	return out;
}

struct str arena_printf(struct arena *arena, const char *format, ...)
{
	struct buf text = {0};
	struct str copy;
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	copy = arena_str(arena, buf_str(&text));
	buf_deinit(&text);
	return copy;
}

struct str arena_lower(struct arena *arena, struct str s)
{
	char *copy = message_text(arena, s);

	for (size_t i = 0; i < s.len; i++)
		copy[i] = (char)ascii_lower((unsigned char)copy[i]);
	return (struct str){copy, s.len};
}

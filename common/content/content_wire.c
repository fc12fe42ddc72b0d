/* Sets to messages and back. Nothing that a message claims about itself is believed: hashes and ids are computed again. */
#include "content_wire.h"

#include "mem.h"
#include "proto_arena.h"
#include "proto_data.h"
#include "proto_kind.h"

/* Takes out what people must not see. */
static void wipe_key(uint32_t kind, ProtobufCMessage *message)
{
	if (kind == WEIRLOCK__V1__KIND__KIND_CERTIFICATE)
		((Weirlock__V1__Certificate *)message)->key_pem = (ProtobufCBinaryData){0};
	else
		((Weirlock__V1__BackendSecret *)message)->key_pem = (ProtobufCBinaryData){0};
}

/* Body without keys, in `arena`. One that cannot be decoded is taken out whole. */
static struct str redact(const struct resource *r, struct arena *arena)
{
	ProtobufCMessage *message;
	struct proto_arena decoded;
	struct str out = STR("");
	const char *why;

	if (r->kind == WEIRLOCK__V1__KIND__KIND_SECRET || r->kind == WEIRLOCK__V1__KIND__KIND_TICKET_KEYS)
		return out;
	if (r->kind != WEIRLOCK__V1__KIND__KIND_CERTIFICATE && r->kind != WEIRLOCK__V1__KIND__KIND_BACKEND_SECRET)
		return r->body;
	proto_arena_init(&decoded, proto_arena_cap(r->body.len));
	message = proto_unpack(proto_kind_body(r->kind), r->body, &decoded, &why);
	if (message && !message->n_unknown_fields) {
		wipe_key(r->kind, message);
		out.len = protobuf_c_message_get_packed_size(message);
		uint8_t *packed = arena_alloc(arena, out.len + 1);

		protobuf_c_message_pack(message, packed);
		out.ptr = (const char *)packed;
	}
	proto_arena_deinit(&decoded);
	return out;
}

static Weirlock__V1__Resource *resource_message(const struct resource *r, struct str body, struct arena *arena)
{
	Weirlock__V1__Resource *m = arena_alloc(arena, sizeof(*m));
	union {
		const char *borrowed;
		char *field;
	} name = {.borrowed = arena_cstr(arena, r->name)};

	weirlock__v1__resource__init(m);
	m->kind = (Weirlock__V1__Kind)r->kind;
	m->name = name.field;
	m->hash = proto_data(str_of(r->hash, sizeof(r->hash)));
	m->body = proto_data(body);
	return m;
}

bool content_pack(struct content *c, const struct content_pack_options *options, struct buf *out)
{
	static const struct content_pack_options plain;
	Weirlock__V1__Snapshot snapshot = WEIRLOCK__V1__SNAPSHOT__INIT;
	const struct content_id id = content_id(c);
	struct arena arena = {0};
	struct resource *const *resources = content_sorted(c, &snapshot.n_resources);
	size_t size;
	char *room;

	options = options ? options : &plain;
	snapshot.schema = CONTENT_SCHEMA;
	snapshot.id = proto_data(str_of(id.bytes, sizeof(id.bytes)));
	snapshot.resources = arena_alloc(&arena, (snapshot.n_resources + 1) * sizeof(*snapshot.resources));
	for (size_t i = 0; i < snapshot.n_resources; i++) {
		struct str body = options->is_redacted ? redact(resources[i], &arena) : resources[i]->body;

		snapshot.resources[i] = resource_message(resources[i], body, &arena);
	}
	snapshot.redacted = options->is_redacted;
	snapshot.built_ms = options->built_ms;
	snapshot.origins = options->origins;
	snapshot.n_origins = options->n_origins;
	size = weirlock__v1__snapshot__get_packed_size(&snapshot);
	room = buf_reserve(out, size);
	if (room) {
		weirlock__v1__snapshot__pack(&snapshot, (uint8_t *)room);
		out->len += size;
	}
	arena_deinit(&arena);
	return room != NULL;
}

/* NULL, or what is wrong with it. Puts it into `c`. */
static const char *put_message(struct content *c, const Weirlock__V1__Resource *m)
{
	struct str name = str_from(m->name), body = str_of(m->body.data, m->body.len);
	struct resource *r;

	if (m->kind <= 0)
		return "a resource without a kind";
	if (name.len > CONTENT_NAME_MAX)
		return "a resource's name is too long";
	if (body.len > CONTENT_BODY_MAX)
		return "a resource's body is too large";
	if (m->hash.len && m->hash.len != sizeof(r->hash))
		return "a resource's hash has the wrong size";
	r = resource_create((uint32_t)m->kind, name, body);
	if (m->hash.len && memcmp(m->hash.data, r->hash, sizeof(r->hash)) != 0) {
		resource_unref(&r);
		return "a resource's hash does not fit its body";
	}
	content_put(c, r);
	return NULL;
}

static const char *read_snapshot(const Weirlock__V1__Snapshot *m, struct content *c)
{
	struct content_id claimed, id;
	const char *wrong = NULL;

	if (m->schema != CONTENT_SCHEMA)
		return "another schema";
	if (m->redacted)
		return "redacted: keys were taken out";
	if (m->n_resources > CONTENT_COUNT_MAX)
		return "too many resources";
	if (!content_id_from(str_of(m->id.data, m->id.len), &claimed))
		return "the id has the wrong size";
	for (size_t i = 0; !wrong && i < m->n_resources; i++)
		wrong = put_message(c, m->resources[i]);
	if (wrong)
		return wrong;
	if (content_count(c) != m->n_resources)
		return "a resource is there twice";
	id = content_id(c);
	return content_id_eq(&id, &claimed) ? NULL : "the id does not fit the resources";
}

struct content *content_unpack(struct str packed, const char **why)
{
	struct proto_arena decoded;
	struct content *c = NULL;
	Weirlock__V1__Snapshot *m;

	proto_arena_init(&decoded, proto_arena_cap(packed.len));
	m = proto_unpack(&weirlock__v1__snapshot__descriptor, packed, &decoded, why);
	if (m) {
		c = content_create();
		*why = read_snapshot(m, c);
		if (*why) {
			content_destroy(c);
			c = NULL;
		}
	}
	proto_arena_deinit(&decoded);
	return c;
}

static struct str id_bytes(struct content *c, struct arena *arena)
{
	struct content_id id = content_id(c);

	return arena_str(arena, str_of(id.bytes, sizeof(id.bytes)));
}

Weirlock__V1__Delta *content_delta(struct content *from, struct content *to, struct arena *arena)
{
	Weirlock__V1__Delta *delta = arena_alloc(arena, sizeof(*delta));
	struct content_change change;

	content_diff(from, to, arena, &change);
	weirlock__v1__delta__init(delta);
	delta->schema = CONTENT_SCHEMA;
	if (from)
		delta->from_id = proto_data(id_bytes(from, arena));
	delta->to_id = proto_data(id_bytes(to, arena));
	delta->n_put = change.n_put;
	delta->put = arena_alloc(arena, (change.n_put + 1) * sizeof(*delta->put));
	for (size_t i = 0; i < change.n_put; i++) {
		delta->put[i] = resource_message(change.put[i], change.put[i]->body, arena);
		delta->put[i]->hash = (ProtobufCBinaryData){0}; /* the receiver computes it anyway */
	}
	delta->n_drop = change.n_drop;
	delta->drop = arena_alloc(arena, (change.n_drop + 1) * sizeof(*delta->drop));
	for (size_t i = 0; i < change.n_drop; i++) {
		Weirlock__V1__Resource *m = resource_message(change.drop[i], STR(""), arena);

		delta->drop[i] = arena_alloc(arena, sizeof(**delta->drop));
		weirlock__v1__ref__init(delta->drop[i]);
		delta->drop[i]->kind = m->kind;
		delta->drop[i]->name = m->name;
	}
	return delta;
}

enum content_form content_form_of(const Weirlock__V1__Delta *delta)
{
	if (delta->replaces.len)
		return CONTENT_REPAIR;
	return delta->from_id.len ? CONTENT_DELTA : CONTENT_WHOLE;
}

void content_short_hashes(struct content *c, struct buf *out)
{
	uint8_t hashes[CONTENT_BUCKETS][CONTENT_ID_SIZE];

	content_bucket_hashes(c, hashes);
	for (size_t i = 0; i < CONTENT_BUCKETS; i++)
		buf_add(out, str_of(hashes[i], CONTENT_SHORT_HASH));
}

/* Of `to`, those whose short hashes are others; bit by bit in `replaces`. How many resources are in them. */
static size_t find_different(struct content *to, struct str short_hashes, uint8_t replaces[CONTENT_BUCKETS / 8])
{
	struct buf own = {0};
	size_t n_all = 0, n;
	struct resource *const *items;

	content_short_hashes(to, &own);
	for (unsigned i = 0; i < CONTENT_BUCKETS; i++) {
		size_t at = (size_t)i * CONTENT_SHORT_HASH;

		if (short_hashes.len == own.len && !memcmp(short_hashes.ptr + at, own.ptr + at, CONTENT_SHORT_HASH))
			continue;
		replaces[i / 8] |= (uint8_t)(1u << (i % 8));
		content_bucket(to, i, &items, &n);
		n_all += n;
	}
	buf_deinit(&own);
	return n_all;
}

static bool is_replaced(const uint8_t *replaces, unsigned bucket)
{
	return replaces[bucket / 8] >> (bucket % 8) & 1;
}

Weirlock__V1__Delta *content_repair(struct content *to, struct str short_hashes, struct arena *arena)
{
	Weirlock__V1__Delta *delta = arena_alloc(arena, sizeof(*delta));
	uint8_t *replaces = arena_zalloc(arena, CONTENT_BUCKETS / 8);
	struct resource *const *items;
	size_t n;

	weirlock__v1__delta__init(delta);
	delta->schema = CONTENT_SCHEMA;
	delta->to_id = proto_data(id_bytes(to, arena));
	n = find_different(to, short_hashes, replaces);
	delta->replaces = (ProtobufCBinaryData){.len = CONTENT_BUCKETS / 8, .data = replaces};
	delta->put = arena_alloc(arena, (n + 1) * sizeof(*delta->put));
	for (unsigned i = 0; i < CONTENT_BUCKETS; i++) {
		if (!is_replaced(replaces, i))
			continue;
		content_bucket(to, i, &items, &n);
		for (size_t j = 0; j < n; j++) {
			Weirlock__V1__Resource *m = resource_message(items[j], items[j]->body, arena);

			m->hash = (ProtobufCBinaryData){0};
			delta->put[delta->n_put++] = m;
		}
	}
	return delta;
}

static const char *empty_replaced(struct content *c, const ProtobufCBinaryData *replaces)
{
	if (replaces->len && replaces->len != CONTENT_BUCKETS / 8)
		return "replaces another number of buckets";
	for (unsigned i = 0; replaces->len && i < CONTENT_BUCKETS; i++) {
		if (is_replaced(replaces->data, i))
			content_empty_bucket(c, i);
	}
	return NULL;
}

static const char *apply(struct content *c, const Weirlock__V1__Delta *delta)
{
	struct content_id claimed, id;
	const char *why = empty_replaced(c, &delta->replaces);

	if (why)
		return why;
	for (size_t i = 0; i < delta->n_drop; i++)
		if (!content_drop(c, (uint32_t)delta->drop[i]->kind, str_from(delta->drop[i]->name)))
			return "drops a resource that is not there";
	for (size_t i = 0; i < delta->n_put; i++) {
		const char *wrong = put_message(c, delta->put[i]);

		if (wrong)
			return wrong;
		if (content_count(c) > CONTENT_COUNT_MAX)
			return "too many resources";
	}
	if (!content_id_from(str_of(delta->to_id.data, delta->to_id.len), &claimed))
		return "to_id has the wrong size";
	id = content_id(c);
	return content_id_eq(&id, &claimed) ? NULL : "came out with another id";
}

struct content *content_apply_delta(struct content *from, const Weirlock__V1__Delta *delta, const char **why)
{
	struct content *c;

	*why = NULL;
	if (delta->schema != CONTENT_SCHEMA) {
		*why = "another schema";
		return NULL;
	}
	if (delta->from_id.len) { /* an empty one starts from nothing, or from whatever is served */
		struct content_id claimed, id;

		if (!from || !content_id_from(str_of(delta->from_id.data, delta->from_id.len), &claimed) ||
			(id = content_id(from), !content_id_eq(&id, &claimed))) {
			*why = "starts from another snapshot";
			return NULL;
		}
	}
	c = from && content_form_of(delta) != CONTENT_WHOLE ? content_copy(from) : content_create();
	*why = apply(c, delta);
	if (*why) {
		content_destroy(c);
		return NULL;
	}
	return c;
}

struct content *content_apply_packed(struct content *from, struct str packed, const char **why)
{
	struct content *c = NULL;
	struct proto_arena decoded;
	Weirlock__V1__Delta *delta;

	proto_arena_init(&decoded, proto_arena_cap(packed.len));
	delta = proto_unpack(&weirlock__v1__delta__descriptor, packed, &decoded, why);
	if (delta)
		c = content_apply_delta(from, delta, why);
	proto_arena_deinit(&decoded);
	return c;
}

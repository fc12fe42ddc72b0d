/*
 * What a controller, a file or a disk may hand to a proxy: whatever it is, an error or a set with the id it claims. Hashes
 * stop nearly everything at the door, so a second pass gives the message the ids that it should have had.
 */
#include <stdlib.h>

#include "content_wire.h"
#include "proto_arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ProtobufCBinaryData data_of(struct content_id *id)
{
	return (ProtobufCBinaryData){.len = sizeof(id->bytes), .data = id->bytes};
}

static struct content *base(void)
{
	struct content *c = content_create();

	content_put(c, resource_create(WEIRLOCK__V1__KIND__KIND_SETTINGS, STR(""), STR("x")));
	content_put(c, resource_create(WEIRLOCK__V1__KIND__KIND_HOST, STR("a.example.com"), STR("host")));
	content_put(c, resource_create(WEIRLOCK__V1__KIND__KIND_CERTIFICATE, STR("ns/tls"), STR("key")));
	return c;
}

/* As it is: nearly always an error, with a reason. */
static void take_raw(struct str bytes)
{
	const char *why = NULL;
	struct content *c = content_unpack(bytes, &why), *changed;

	if (!c && !why)
		abort();
	why = NULL;
	changed = content_apply_packed(c, bytes, &why);
	if (!changed && !why)
		abort();
	content_destroy(changed);
	content_destroy(c);
}

/* What its emptied buckets, drops and puts come to, or NULL when one of them cannot be done at all. */
static struct content *expected(const struct content *from, const Weirlock__V1__Delta *delta)
{
	struct content *c = content_copy(from);
	const ProtobufCBinaryData *replaces = &delta->replaces;

	if (replaces->len && replaces->len != CONTENT_BUCKETS / 8)
		goto out;
	for (unsigned i = 0; replaces->len && i < CONTENT_BUCKETS; i++)
		if (replaces->data[i / 8] & (1u << i % 8))
			content_empty_bucket(c, i);
	for (size_t i = 0; i < delta->n_drop; i++)
		if (!content_drop(c, (uint32_t)delta->drop[i]->kind, str_from(delta->drop[i]->name)))
			goto out;
	for (size_t i = 0; i < delta->n_put; i++) {
		const Weirlock__V1__Resource *m = delta->put[i];

		if (m->kind <= 0 || strlen(m->name) > CONTENT_NAME_MAX)
			goto out;
		delta->put[i]->hash = (ProtobufCBinaryData){0};
		content_put(c, resource_create((uint32_t)m->kind, str_from(m->name), str_of(m->body.data, m->body.len)));
	}
	return c;
out:
	content_destroy(c);
	return NULL;
}

/* With its ids put right it must come out as it says, and one that cannot be done must be refused. */
static void take_delta(struct str bytes)
{
	struct content *from = base(), *want = NULL, *got;
	struct content_id from_id = content_id(from), to_id = {{0}};
	struct proto_arena decoded;
	Weirlock__V1__Delta *delta;
	const char *why = NULL;

	proto_arena_init(&decoded, proto_arena_cap(bytes.len));
	delta = proto_unpack(&weirlock__v1__delta__descriptor, bytes, &decoded, &why);
	if (delta) {
		want = expected(from, delta);
		if (want)
			to_id = content_id(want);
		delta->schema = CONTENT_SCHEMA;
		delta->from_id = data_of(&from_id);
		delta->to_id = data_of(&to_id);
		got = content_apply_delta(from, delta, &why);
		if (!got != !want)
			abort();
		content_destroy(got);
	}
	proto_arena_deinit(&decoded);
	content_destroy(want);
	content_destroy(from);
}

/* A set of any resources goes there and back, and shows nothing when redacted. */
static void round_trip(struct str bytes)
{
	const struct content_pack_options redacted = {.is_redacted = true};
	struct content *c = base(), *back;
	struct buf packed = {0};
	const char *why = NULL;
	struct content_id id, again;

	content_put(c, resource_create(WEIRLOCK__V1__KIND__KIND_CERTIFICATE, STR("ns/odd"), bytes));
	content_put(c, resource_create(WEIRLOCK__V1__KIND__KIND_SECRET, STR("ns/secret"), bytes));
	id = content_id(c);
	content_pack(c, NULL, &packed);
	back = content_unpack(buf_str(&packed), &why);
	if (!back)
		abort();
	again = content_id(back);
	if (!content_id_eq(&id, &again))
		abort();
	buf_clear(&packed);
	content_pack(c, &redacted, &packed);
	if (content_unpack(buf_str(&packed), &why))
		abort();
	buf_deinit(&packed);
	content_destroy(back);
	content_destroy(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str bytes = str_of(data, size);

	take_raw(bytes);
	take_delta(bytes);
	round_trip(bytes);
	return 0;
}

#include "mem.h"
#include "proto_data.h"
#include "quarantine.h"
#include "weirlock/v1/operate.pb-c.h"

static Weirlock__V1__QuarantinedResource *pack_one(const struct quarantined *one, struct arena *arena)
{
	Weirlock__V1__QuarantinedResource *m = arena_alloc(arena, sizeof(*m));

	weirlock__v1__quarantined_resource__init(m);
	m->kind = one->kind;
	m->name = proto_data(str_from(one->name));
	m->has_bad = one->bad != NULL;
	if (one->bad)
		m->bad = proto_data(one->bad->body);
	m->has_before = one->before != NULL;
	if (one->before)
		m->before = proto_data(one->before->body);
	m->object = one->object;
	m->why = one->why;
	m->since_ms = one->since_ms;
	m->trial = one->trial;
	return m;
}

bool quarantine_pack(const struct quarantine *q, struct buf *out)
{
	Weirlock__V1__Quarantine m = WEIRLOCK__V1__QUARANTINE__INIT;
	struct arena arena = {0};
	char *room;

	m.resources = arena_alloc(&arena, (q->n + 1) * sizeof(*m.resources));
	for (size_t i = 0; i < q->n; i++)
		m.resources[m.n_resources++] = pack_one(&q->items[i], &arena);
	room = buf_reserve(out, weirlock__v1__quarantine__get_packed_size(&m) + 1);
	if (room)
		out->len += weirlock__v1__quarantine__pack(&m, (uint8_t *)room);
	arena_deinit(&arena);
	return room != NULL;
}

static struct resource *read_resource(const Weirlock__V1__QuarantinedResource *m, bool has, ProtobufCBinaryData body)
{
	return has ? resource_create(m->kind, str_of(m->name.data, m->name.len), str_of(body.data, body.len)) : NULL;
}

static void wipe(ProtobufCBinaryData body)
{
	if (body.len)
		mem_wipe(body.data, body.len);
}

bool quarantine_unpack(struct quarantine *q, struct str packed)
{
	Weirlock__V1__Quarantine *m = weirlock__v1__quarantine__unpack(NULL, packed.len, (const uint8_t *)packed.ptr);

	if (!m)
		return false;
	for (size_t i = 0; i < m->n_resources; i++) {
		const Weirlock__V1__QuarantinedResource *r = m->resources[i];

		quarantine_restore(q, &(struct quarantined){.kind = r->kind, .name = mem_strdup(str_of(r->name.data, r->name.len)),
					      .bad = read_resource(r, r->has_bad, r->bad), .before = read_resource(r, r->has_before, r->before),
					      .object = mem_strdup(str_from(r->object)), .why = mem_strdup(str_from(r->why)),
					      .since_ms = r->since_ms, .trial = r->trial});
		wipe(r->bad);
		wipe(r->before);
	}
	weirlock__v1__quarantine__free_unpacked(m, NULL);
	return true;
}

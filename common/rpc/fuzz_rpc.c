/* What strangers send before and after a handshake: frames, envelopes with every message they may hold, a session in clear. */
#include <stdlib.h>

#include "frame.h"
#include "proto_arena.h"
#include "secure.h"
#include "weirlock/v1/control.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Nothing that was understood may be lost or changed by saying it again. */
static void decode(const ProtobufCMessageDescriptor *type, struct str payload)
{
	struct proto_arena arena;
	const char *why = NULL;
	ProtobufCMessage *m;

	proto_arena_init(&arena, proto_arena_cap(payload.len));
	m = proto_unpack(type, payload, &arena, &why);
	if (!m && !why)
		abort();
	if (m) {
		size_t size = protobuf_c_message_get_packed_size(m);
		uint8_t *packed = malloc(size + 1);

		if (!packed || protobuf_c_message_pack(m, packed) != size)
			abort();
		free(packed);
	}
	proto_arena_deinit(&arena);
}

static void decode_all(const ProtobufCServiceDescriptor *service, struct str payload)
{
	for (unsigned i = 0; i < service->n_methods; i++) {
		decode(service->methods[i].input, payload);
		decode(service->methods[i].output, payload);
	}
}

static void read_envelope(struct str bytes)
{
	struct envelope envelope;
	struct buf again = {0};
	const char *why = NULL;

	if (!envelope_parse(bytes, &envelope, &why)) {
		if (!why)
			abort();
		return;
	}
	envelope_begin(&again, &envelope);
	buf_add(&again, envelope.payload);
	if (!str_eq(buf_str(&again), bytes))
		abort();
	buf_deinit(&again);
	decode_all(&weirlock__v1__control__descriptor, envelope.payload);
	decode_all(&weirlock__v1__inspect__descriptor, envelope.payload);
}

/* A handshake of anything, then anything as data. Only the greeting opens the session, and only then is there a plain text. */
static void talk(bool is_server, struct str bytes)
{
	struct secure *s = secure_create(NULL, is_server, RPC_ROLE_ANY);
	struct buf plain = {0}, out = {0};
	enum secure_state state;

	if (!is_server)
		secure_feed(s, STR(""), &plain, &out);
	state = secure_feed(s, bytes, &plain, &out);
	if (plain.len || (state == SECURE_FAILED && !*secure_reason(s)))
		abort();
	if (secure_feed(s, bytes, &plain, &out) != SECURE_OPEN && plain.len)
		abort();
	if (secure_seal(s, bytes, &out) != (state == SECURE_OPEN))
		abort();
	buf_deinit(&plain);
	buf_deinit(&out);
	secure_destroy(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame frame;
	struct buf again = {0};
	const char *why = NULL;

	if (!frame_parse(str_of(data, size), &frame, &why)) {
		if (!why)
			abort();
		return 0;
	}
	frame_begin(&again, frame.type, frame.session);
	buf_add(&again, frame.bytes);
	if (!str_eq(buf_str(&again), str_of(data, size)))
		abort();
	buf_deinit(&again);
	talk(true, frame.bytes);
	talk(false, frame.bytes);
	read_envelope(frame.bytes);
	return 0;
}

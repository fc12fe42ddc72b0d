/* What strangers send before and after a handshake: frames, envelopes, and a session in clear fed with anything. */
#include <stdlib.h>

#include "frame.h"
#include "proto_arena.h"
#include "secure.h"
#include "weirlock/v1/control.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_envelope(struct str bytes)
{
	struct proto_arena arena;
	struct envelope envelope;
	struct buf again = {0};
	const char *why = NULL;

	if (!envelope_parse(bytes, &envelope, &why))
		return;
	envelope_begin(&again, &envelope);
	buf_add(&again, envelope.payload);
	if (!str_eq(buf_str(&again), bytes))
		abort();
	buf_deinit(&again);
	proto_arena_init(&arena, proto_arena_cap(envelope.payload.len));
	proto_unpack(&weirlock__v1__watch_request__descriptor, envelope.payload, &arena, &why);
	proto_unpack(&weirlock__v1__watch_response__descriptor, envelope.payload, &arena, &why);
	proto_arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct secure *s = secure_create(NULL, true, RPC_ROLE_ANY);
	struct buf plain = {0}, out = {0};
	struct frame frame;
	const char *why = NULL;

	if (frame_parse(str_of(data, size), &frame, &why)) {
		secure_feed(s, frame.bytes, &plain, &out);
		read_envelope(frame.bytes);
	} else if (!why) {
		abort();
	}
	buf_deinit(&plain);
	buf_deinit(&out);
	secure_destroy(s);
	return 0;
}

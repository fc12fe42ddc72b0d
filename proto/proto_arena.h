#ifndef PROTO_ARENA_H
#define PROTO_ARENA_H
/*
 * Decodes a protobuf message that a peer sent, within a hard bound. protobuf-c turns 1 MiB of empty submessages into
 * 45 MiB of structs, and cuts a string at its first NUL without a word; here the first runs into the cap and the second is
 * an error. Everything decoded lives in the arena and is wiped with it, since bodies may hold private keys.
 */
#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

#include "str.h"

struct proto_arena_block;

struct proto_arena {
	ProtobufCAllocator allocator; /* for protobuf-c calls of one's own; its free does nothing */
	struct proto_arena_block *blocks;
	size_t cap_bytes, used_bytes;
	const char *why; /* private */
};

/* At most `cap_bytes` are handed out until deinit. The arena must not be moved afterwards. */
void proto_arena_init(struct proto_arena *a, size_t cap_bytes);
/* Wipes and frees everything that was decoded into it. A zeroed arena is fine. */
void proto_arena_deinit(struct proto_arena *a);

/* A cap that fits the messages we make: room for what `body_len` bytes honestly hold, never above 64 MiB. */
size_t proto_arena_cap(size_t body_len);

/*
 * The message in `body`, or NULL with a static reason: malformed, a string that holds a NUL byte, or more than the cap. The
 * result lives as long as the arena. Cast it to the generated type of `type`.
 *
 *	Weirlock__V1__Host *host = proto_unpack(&weirlock__v1__host__descriptor, body, &arena, &why);
 */
void *proto_unpack(const ProtobufCMessageDescriptor *type, struct str body, struct proto_arena *a, const char **why);

#endif

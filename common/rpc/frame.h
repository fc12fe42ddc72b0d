#ifndef FRAME_H
#define FRAME_H
/*
 * What a nanomsg message holds, big-endian, without I/O.
 *
 * frame:    type u8 | version u8 | flags u16 | session u64 | bytes of TLS records
 * envelope: type u8 | id u64 | number u32 | text length u16 | metadata length u16 | text | metadata | payload
 *
 * `session` is chosen by the client at random and names its TLS session together with the connection it came from. Of a
 * request, `number` is the deadline in ms from now and `text` the method ("weirlock.v1.Control/Watch"); of an answer, the
 * status and its message. Metadata is lines of key=value; there are none yet, and unknown ones are ignored.
 */
#include "buf.h"
#include "str.h"

enum { FRAME_VERSION = 1, FRAME_HEAD_SIZE = 12, ENVELOPE_HEAD_SIZE = 17, HANDSHAKE_MAX = 16 * 1024 };

enum frame_type {
	FRAME_HANDSHAKE = 1,
	FRAME_DATA = 2,
	FRAME_RESET = 3 /* a hint, since anybody may send it: the sender does not know that session */
};

struct frame {
	enum frame_type type;
	uint64_t session;
	struct str bytes; /* borrowed from the message */
};

/* False with a static reason: too short, another version, a type or flag that nobody defined, a handshake too large. */
bool frame_parse(struct str message, struct frame *out, const char **why);
/* Appends the head; the bytes follow. */
void frame_begin(struct buf *out, enum frame_type type, uint64_t session);

enum envelope_type { ENVELOPE_REQUEST = 1, ENVELOPE_ANSWER = 2, ENVELOPE_CANCEL = 3 };

struct envelope {
	enum envelope_type type;
	uint64_t id;
	uint32_t number;
	struct str text, metadata, payload;
};

/* False with a static reason: too short, lengths beyond the end, an unknown type. Borrows from `bytes`. */
bool envelope_parse(struct str bytes, struct envelope *out, const char **why);
/* Appends all but the payload. Text and metadata are cut to 64 KiB - 1. */
void envelope_begin(struct buf *out, const struct envelope *envelope);

#endif

#ifndef RENDER_H
#define RENDER_H
/*
 * Messages of the snapshot as JSON for people: field names as in snapshot.proto, addresses and networks as text, enums by
 * name in lower case, other bytes in hex. Private keys and secrets are left out whatever the message holds.
 */
#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

#include "buf.h"
#include "str.h"
#include "weirlock/v1/control.pb-c.h"

/* Owned. Fields with their zero value are left out unless `has_zeros`. */
json_t *render_message(const ProtobufCMessage *message, bool has_zeros);
/* "KIND_HOST" style enum value to "host" (the prefix is what all values share). Owned text in a static table: borrowed. */
json_t *render_enum(const ProtobufCEnumDescriptor *descriptor, int value);
/* The same with another letter between its words: "invalid_header". */
json_t *render_word(const ProtobufCEnumDescriptor *descriptor, int value, char between);
/* A byte string as JSON text, made valid UTF-8. Owned. */
json_t *render_text(struct str s);
/* Appends "host a.test: too many routes", what a proxy says of a resource that it refuses. */
void render_refusal(const Weirlock__V1__ResourceError *error, struct buf *out);
json_t *render_hex(struct str bytes, size_t most);

#endif

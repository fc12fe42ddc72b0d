#ifndef PROTO_DATA_H
#define PROTO_DATA_H
/* Bytes as a field of a message that is only packed: generated structs have no const. */
#include <protobuf-c/protobuf-c.h>

#include "str.h"

/* Borrowed from `s`. */
static inline ProtobufCBinaryData proto_data(struct str s)
{
	union {
		const char *read;
		uint8_t *field;
	} bytes = {.read = s.ptr};

	return (ProtobufCBinaryData){.len = s.len, .data = s.len ? bytes.field : NULL};
}

#endif

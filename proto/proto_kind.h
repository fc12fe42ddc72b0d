#ifndef PROTO_KIND_H
#define PROTO_KIND_H
/* The kinds of resources of snapshot.proto: what each is called, and the type of its bodies. */
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

/* "host", "backend", …; "?" for a kind of a later version. Static. */
const char *proto_kind_text(uint32_t kind);
/* NULL for secrets, whose bodies have no type yet, and for kinds of a later version. */
const ProtobufCMessageDescriptor *proto_kind_body(uint32_t kind);
/* Its bodies hold keys or secrets, which nobody is shown. */
bool proto_kind_is_secret(uint32_t kind);

#endif

#ifndef PROXYPROTO_H
#define PROXYPROTO_H
/*
 * The PROXY protocol, versions 1 and 2: reads a header from the front of a connection's bytes, and writes one. No I/O.
 * Rules are SEMANTICS A34 to A36. Stricter than ingress-nginx: TLVs must fill their header exactly, and a CRC32C that is
 * there must be right (docs/differences.md).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "parse.h"
#include "str.h"

enum {
	PROXYPROTO_MAX = 4096,      /* bytes of a header, signature and TLVs included */
	PROXYPROTO_WRITE_MAX = 108, /* room that proxyproto_write needs */
};

/*
 * What became of the header of one connection: the word in metrics and log, what is wrong, and what to do about it. Those
 * of connections that may go on come first. The last three are for the reader of the connection, who knows about its end.
 */
#define PROXYPROTO_RESULTS(X)                                                                                             \
	X(PROXYPROTO_V1, "v1", "", "")                                                                                    \
	X(PROXYPROTO_V2, "v2", "", "")                                                                                    \
	X(PROXYPROTO_NONE, "none", "", "") /* LOCAL, UNKNOWN, or a family that is not TCP over IP */                      \
	X(PROXYPROTO_MISSING, "missing", "the connection does not begin with a PROXY header",                             \
		"have the peer send one, or set proxy-protocol-cidr to the networks that do")                             \
	X(PROXYPROTO_BAD_V1, "malformed_v1", "its line is no valid version 1 header", "look at what the peer sends")      \
	X(PROXYPROTO_BAD_V2, "malformed_v2", "its bytes are no valid version 2 header", "look at what the peer sends")    \
	X(PROXYPROTO_BAD_TLV, "malformed_tlv", "its TLVs do not fit into the header", "look at what the peer sends")      \
	X(PROXYPROTO_BAD_CRC, "checksum", "its CRC32C is wrong: something on the way changed it",                         \
		"look for what is between the peer and here")                                                             \
	X(PROXYPROTO_TOO_LONG, "too_long", "it is longer than 4096 bytes", "have the peer send fewer TLVs")               \
	X(PROXYPROTO_CUT_OFF, "cut_off", "the peer closed in the middle of it", "look at why the peer gave up")           \
	X(PROXYPROTO_LATE, "late", "it was not here within proxy-protocol-header-timeout",                                \
		"have the peer send one, set proxy-protocol-cidr to the networks that do, or allow more time")            \
	X(PROXYPROTO_EMPTY, "empty", "the peer closed without a byte, as TCP health checks do", "")

#define PROXYPROTO_ENUM(id, word, what, fix) id,
enum proxyproto_result { PROXYPROTO_RESULTS(PROXYPROTO_ENUM) PROXYPROTO_RESULT_COUNT };

/* Columns of the table. Static. */
const char *proxyproto_word(enum proxyproto_result result);
const char *proxyproto_what(enum proxyproto_result result);
const char *proxyproto_fix(enum proxyproto_result result);

struct proxyproto {
	enum proxyproto_result result; /* V1, V2 or NONE */
	struct addr src, dst;          /* family 0 when there is none; dst.port may be known without its address (A34) */
	struct str tlvs;               /* of version 2, checked: for the functions below; points into what was parsed */
	size_t size;                   /* bytes of the header */
};

struct proxyproto_error {
	enum proxyproto_result kind;   /* MISSING … TOO_LONG */
	const char *reason;            /* static: more exactly */
};

/*
 * Reads a header from the front of `in`; keeps no reference but out->tlvs.
 *
 * PARSE_DONE: `*out` is filled; what follows the header starts at in.ptr + out->size.
 * PARSE_MORE: all of `in` belongs to a header that is valid so far; call again with more of it.
 * PARSE_BAD:  `*error` says why; `*out` is untouched. Told as early as the bytes allow, and never differently for more of them.
 */
enum parse_result proxyproto_parse(struct str in, struct proxyproto *out, struct proxyproto_error *error);

/* TLVs. `tlvs` are those of a parsed header, or a copy of them; values point into it. */
enum proxyproto_type {
	PROXYPROTO_TLV_ALPN = 0x01,
	PROXYPROTO_TLV_AUTHORITY = 0x02, /* the SNI that the sender saw */
	PROXYPROTO_TLV_CRC32C = 0x03,
	PROXYPROTO_TLV_NOOP = 0x04,
	PROXYPROTO_TLV_UNIQUE_ID = 0x05,
	PROXYPROTO_TLV_SSL = 0x20,
	PROXYPROTO_TLV_NETNS = 0x30,
	PROXYPROTO_TLV_AWS = 0xea,
};

/* The next one of `*rest`, which moves past it. False at the end. */
bool proxyproto_next_tlv(struct str *rest, uint8_t *type, struct str *value);
/* The value of the first one of this type; ptr is NULL when there is none (it may be there and be empty). */
struct str proxyproto_tlv(struct str tlvs, enum proxyproto_type type);
/* The VPC endpoint that an AWS balancer names (type 0xEA, subtype 1); ptr is NULL when there is none. */
struct str proxyproto_aws_vpce_id(struct str tlvs);

enum { PROXYPROTO_CLIENT_SSL = 1, PROXYPROTO_CLIENT_CERT_CONN = 2, PROXYPROTO_CLIENT_CERT_SESS = 4 };
/* What the sender says of its client's TLS. Texts are empty when it does not say. */
struct proxyproto_ssl {
	uint8_t client;  /* bits above */
	uint32_t verify; /* 0: the client's certificate was verified */
	struct str version, cn, cipher, sig_alg, key_alg;
};
/* False when there is none; `*out` is then untouched. */
bool proxyproto_ssl(struct str tlvs, struct proxyproto_ssl *out);

/*
 * A header of version 1 or 2. Addresses of two families are both written as IPv6. Where one of them is unknown (family 0),
 * the header says so: UNKNOWN or LOCAL. Returns its size.
 */
size_t proxyproto_write(
	unsigned version, const struct addr *src, const struct addr *dst, char out[PROXYPROTO_WRITE_MAX]);

#endif

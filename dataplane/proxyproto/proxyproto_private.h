#ifndef PROXYPROTO_PRIVATE_H
#define PROXYPROTO_PRIVATE_H
/* Between the files of this room. */
#include "proxyproto.h"

#define PROXYPROTO_SIGNATURE STR("\r\n\r\n\0\r\nQUIT\n")

enum {
	V2_HEAD = 16,    /* signature, version and command, family and transport, length */
	V2_INET = 12,    /* two addresses and two ports */
	V2_INET6 = 36,
	V2_PROXY = 0x21, /* version 2, command PROXY */
	V2_LOCAL = 0x20,
	V2_TCP4 = 0x11,  /* family INET, transport STREAM */
	V2_TCP6 = 0x21,
};

/* 16 bits at `at`, network order. The caller knows that they are there. */
static inline uint16_t proxyproto_u16(struct str s, size_t at)
{
	return (uint16_t)((unsigned char)s.ptr[at] << 8 | (unsigned char)s.ptr[at + 1]);
}

/*
 * tlv.c: whether the TLVs at the end of `header`, from `at` on, fill it to `size` exactly. `header` may be shorter than
 * `size`: then PARSE_MORE, unless it is wrong already. With all of it here its CRC32C is checked as well.
 */
enum parse_result proxyproto_check_tlvs(struct str header, size_t at, size_t size, struct proxyproto_error *error);

#endif

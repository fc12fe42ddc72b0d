#ifndef SEALED_H
#define SEALED_H
/*
 * Bytes for a disk that hold private keys: readable and changeable with a secret alone. AES-256-GCM, a fresh salt, and with it
 * a fresh key, for each time of writing; the head is authenticated too. What is read back is believed in no way.
 *
 * head (76 bytes): "WEIRSEAL" | format u32be | schema u32be | time_ms u64be | salt 16 | key id 16 | nonce 12 | length u64be
 * then the bytes, as many as before, and a tag of 16.
 *
 * The secret comes from whoever has it (rpc_identity_derive: HKDF over the private key of the identity): SEALED_SECRET_SIZE
 * bytes for a salt, of which the first 32 are the key and the rest its id. The id tells "of another key" from "damaged".
 */
#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "str.h"

enum {
	SEALED_FORMAT = 1,
	SEALED_SALT_SIZE = 16,
	SEALED_SECRET_SIZE = 48,
	SEALED_HEAD_SIZE = 76,
	SEALED_TAG_SIZE = 16
};

struct sealed_head {
	uint32_t schema;  /* of what is inside; the caller's */
	uint64_t time_ms; /* wall clock; the caller's */
	uint8_t salt[SEALED_SALT_SIZE];
};

/* A fresh salt for the next sealed_add. False when the system has no randomness to give. */
bool sealed_salt(uint8_t out[SEALED_SALT_SIZE]);
/* Appends `plain`, sealed. Safe from any thread. False when OpenSSL refuses or `out` is full; then `out` is as before. */
bool sealed_add(const struct sealed_head *head, const uint8_t secret[SEALED_SECRET_SIZE], struct str plain, struct buf *out);

/*
 * Reads the head of a sealed file, as far as that can be trusted before the secret is known: so that the secret can be derived
 * for head->salt. False with a static reason: no sealed file, cut off within the head, or of a later format.
 */
bool sealed_head(struct str file, struct sealed_head *head, const char **why);
/* Bytes of the first record of `file` with head and tag (there may be more behind it), or 0 when it is cut off. */
size_t sealed_size(struct str file);
/*
 * Opens the record at the front of `file` (sealed_head was true of it) and appends what is inside to `plain`. False with a
 * static reason, and `plain` as before: sealed with another key, cut off, or damaged.
 */
bool sealed_open(struct str file, const uint8_t secret[SEALED_SECRET_SIZE], struct buf *plain, const char **why);

/* ---------------------------------------------------------------------------------------------------- files (file.c) */

/*
 * Replaces `directory`/`name` by `bytes`: a temporary file beside it (0600), fsync, rename, fsync of the directory. Whoever
 * reads sees the old one or the new one, whatever happens between. Blocks: not for a loop. 0 or a negative errno.
 */
int sealed_write_file(const char *directory, const char *name, struct str bytes);
/* Appends a whole file to `out`. 0 or a negative errno; -EFBIG beyond the cap of `out`, -ENOENT when there is none. */
int sealed_read_file(const char *directory, const char *name, struct buf *out);
/* Makes the directory (0700) when it is not there; 0 or a negative errno when it is none or cannot be written in. */
int sealed_directory(const char *directory);

#endif

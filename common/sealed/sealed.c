/* One record: the head in clear and authenticated, the rest in AES-256-GCM. */
#include "sealed.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

enum { KEY_SIZE = 32, KEY_ID_SIZE = 16, NONCE_SIZE = 12 };
enum { AT_FORMAT = 8, AT_SCHEMA = 12, AT_TIME = 16, AT_SALT = 24, AT_KEY_ID = 40, AT_NONCE = 56, AT_LENGTH = 68 };
#define MAGIC STR("WEIRSEAL")

_Static_assert(KEY_SIZE + KEY_ID_SIZE == SEALED_SECRET_SIZE, "a secret is a key and its id");
_Static_assert(AT_LENGTH + 8 == SEALED_HEAD_SIZE, "the fields fill the head");

static void put_number(uint8_t *out, uint64_t n, size_t size)
{
	for (size_t i = 0; i < size; i++)
		out[i] = (uint8_t)(n >> (8 * (size - 1 - i)));
}

static uint64_t get_number(struct str file, size_t at, size_t size)
{
	uint64_t n = 0;

	for (size_t i = 0; i < size; i++)
		n = n << 8 | (uint8_t)file.ptr[at + i];
	return n;
}

static const uint8_t *bytes_at(struct str s, size_t at)
{
	return (const uint8_t *)s.ptr + at;
}

bool sealed_salt(uint8_t out[SEALED_SALT_SIZE])
{
	return RAND_bytes(out, SEALED_SALT_SIZE) == 1;
}

/* In pieces: OpenSSL counts in int. */
static bool update(EVP_CIPHER_CTX *ctx, bool is_sealing, uint8_t *out, struct str in)
{
	enum { PIECE = 1 << 30 };

	while (in.len) {
		struct str piece = str_first(in, PIECE);
		int n = 0;

		if ((is_sealing ? EVP_EncryptUpdate : EVP_DecryptUpdate)(ctx, out, &n, bytes_at(piece, 0), (int)piece.len) != 1)
			return false;
		out += out ? n : 0;
		in = str_from_index(in, piece.len);
	}
	return true;
}

static bool begin(EVP_CIPHER_CTX *ctx, bool is_sealing, const uint8_t *key, const uint8_t *nonce, struct str head)
{
	int (*init)(EVP_CIPHER_CTX *, const EVP_CIPHER *, ENGINE *, const unsigned char *, const unsigned char *) =
		is_sealing ? EVP_EncryptInit_ex : EVP_DecryptInit_ex;
	int n = 0;

	return init(ctx, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
		(is_sealing ? EVP_EncryptUpdate : EVP_DecryptUpdate)(ctx, NULL, &n, bytes_at(head, 0), (int)head.len) == 1;
}

static void write_head(uint8_t *out, const struct sealed_head *head, const uint8_t *secret, size_t length)
{
	memcpy(out, MAGIC.ptr, MAGIC.len);
	put_number(out + AT_FORMAT, SEALED_FORMAT, 4);
	put_number(out + AT_SCHEMA, head->schema, 4);
	put_number(out + AT_TIME, head->time_ms, 8);
	memcpy(out + AT_SALT, head->salt, SEALED_SALT_SIZE);
	memcpy(out + AT_KEY_ID, secret + KEY_SIZE, KEY_ID_SIZE);
	put_number(out + AT_LENGTH, length, 8);
}

bool sealed_add(const struct sealed_head *head, const uint8_t secret[SEALED_SECRET_SIZE], struct str plain, struct buf *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t *room = (uint8_t *)buf_reserve(out, SEALED_HEAD_SIZE + plain.len + SEALED_TAG_SIZE);
	uint8_t *tag = room ? room + SEALED_HEAD_SIZE + plain.len : NULL;
	bool is_done = false;
	int n = 0;

	if (ctx && room && RAND_bytes(room + AT_NONCE, NONCE_SIZE) == 1) {
		write_head(room, head, secret, plain.len);
		is_done = begin(ctx, true, secret, room + AT_NONCE, str_of(room, SEALED_HEAD_SIZE)) &&
			update(ctx, true, room + SEALED_HEAD_SIZE, plain) && EVP_EncryptFinal_ex(ctx, tag, &n) == 1 &&
			EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, SEALED_TAG_SIZE, tag) == 1;
	}
	if (is_done)
		out->len += SEALED_HEAD_SIZE + plain.len + SEALED_TAG_SIZE;
	EVP_CIPHER_CTX_free(ctx);
	return is_done;
}

bool sealed_head(struct str file, struct sealed_head *head, const char **why)
{
	if (!str_starts_with(file, str_first(MAGIC, file.len)) || !file.len) {
		*why = file.len ? "it is no sealed file" : "it is empty";
		return false;
	}
	if (file.len < SEALED_HEAD_SIZE) {
		*why = "it is cut off within its head";
		return false;
	}
	if (get_number(file, AT_FORMAT, 4) != SEALED_FORMAT) {
		*why = "it is of another format: another version of this program wrote it";
		return false;
	}
	head->schema = (uint32_t)get_number(file, AT_SCHEMA, 4);
	head->time_ms = get_number(file, AT_TIME, 8);
	memcpy(head->salt, file.ptr + AT_SALT, SEALED_SALT_SIZE);
	return true;
}

size_t sealed_size(struct str file)
{
	uint64_t length;

	if (file.len < SEALED_HEAD_SIZE + SEALED_TAG_SIZE)
		return 0;
	length = get_number(file, AT_LENGTH, 8);
	if (length > file.len - SEALED_HEAD_SIZE - SEALED_TAG_SIZE)
		return 0;
	return SEALED_HEAD_SIZE + (size_t)length + SEALED_TAG_SIZE;
}

/* The tag is checked over what stands in `room` already; nobody looks at it before. */
static bool open_record(struct str record, const uint8_t *secret, uint8_t *room)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	struct str inside = str_from_index(str_first(record, record.len - SEALED_TAG_SIZE), SEALED_HEAD_SIZE);
	uint8_t tag[SEALED_TAG_SIZE];
	int n = 0;
	bool is_good;

	memcpy(tag, record.ptr + record.len - SEALED_TAG_SIZE, sizeof(tag));
	is_good = ctx && begin(ctx, false, secret, bytes_at(record, AT_NONCE), str_first(record, SEALED_HEAD_SIZE)) &&
		update(ctx, false, room, inside) &&
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, SEALED_TAG_SIZE, tag) == 1 &&
		EVP_DecryptFinal_ex(ctx, room + inside.len, &n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	if (!is_good)
		OPENSSL_cleanse(room, inside.len);
	return is_good;
}

bool sealed_open(struct str file, const uint8_t secret[SEALED_SECRET_SIZE], struct buf *plain, const char **why)
{
	size_t size = sealed_size(file), length;
	char *room;

	if (CRYPTO_memcmp(file.ptr + AT_KEY_ID, secret + KEY_SIZE, KEY_ID_SIZE) != 0) {
		*why = "it was sealed with another key: the identity's tls.key is not the one it was written with";
		return false;
	}
	if (!size) {
		*why = "it is cut off";
		return false;
	}
	length = size - SEALED_HEAD_SIZE - SEALED_TAG_SIZE;
	room = buf_reserve(plain, length + 1);
	if (!room) {
		*why = "it is too large";
		return false;
	}
	if (!open_record(str_first(file, size), secret, (uint8_t *)room)) {
		*why = "it is damaged: its bytes do not fit their seal";
		return false;
	}
	plain->len += length;
	return true;
}

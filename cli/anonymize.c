/*
 * Messages are walked by their descriptors: every text is replaced word by word but for the fields of one list, so that a field
 * that is added later is hidden until somebody says otherwise.
 */
#include "anonymize.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "blob.h"
#include "content_wire.h"
#include "mem.h"
#include "proto_kind.h"

enum { KEY_SIZE = 16, PSEUDONYM_MAX = 16 };

struct mask {
	uint8_t key[KEY_SIZE];
	struct arena arena;
};

/* Fields whose words come from a vocabulary that everybody knows. */
static const char *const open_fields[] = {"forwarded_for_header", "forwarded_host_header", "ssl_ciphers", "ssl_ecdh_curve",
	"log_format_upstream", "log_format_stream", "access_log_path", "stream_access_log_path", "hide_headers", "ciphers", "connection_proxy_header", "hash_by", "samesite",
	"key_type", "service_port", "port"};
static const char *const open_words[] = {"http", "https", "grpc", "tcp", "udp", "default", "Ingress", "ConfigMap", "Secret", "Service"};

static bool is_one_of(struct str word, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq(word, str_from(list[i])))
			return true;
	}
	return false;
}

static bool is_word_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || (c & 0x80);
}

static bool is_number(struct str word)
{
	uint64_t n;

	return str_to_u64(word, UINT64_MAX, &n);
}

static void digest(const struct mask *m, struct str bytes, uint8_t out[BLOB_ID_SIZE])
{
	struct buf keyed = {0};

	buf_add(&keyed, str_of(m->key, sizeof(m->key)));
	buf_add(&keyed, bytes);
	blob_hash(buf_str(&keyed), out);
	buf_deinit(&keyed);
}

/* "w3f21c09a": fit for a label of DNS, a name of Kubernetes and a segment of a path. */
static void add_pseudonym(const struct mask *m, struct str word, struct buf *out)
{
	uint8_t hash[BLOB_ID_SIZE];

	digest(m, word, hash);
	buf_add_char(out, 'w');
	buf_add_hex(out, str_of(hash, 4));
}

static struct str mask_text(struct mask *m, struct str text)
{
	struct buf out = {0};
	struct str masked;

	for (size_t i = 0, end; i < text.len; i = end) {
		struct str word;

		for (end = i; end < text.len && is_word_byte(text.ptr[end]);)
			end++;
		word = str_of(text.ptr + i, end - i);
		if (end == i)
			buf_add_char(&out, text.ptr[end++]);
		else if (is_number(word) || str_eq(word, STR("_")) || str_eq(word, STR("-")) ||
			is_one_of(word, open_words, sizeof(open_words) / sizeof(open_words[0])))
			buf_add(&out, word);
		else
			add_pseudonym(m, word, &out);
	}
	masked = arena_str(&m->arena, buf_str(&out));
	buf_deinit(&out);
	return masked;
}

/* Addresses become private ones, keys and chains nothing, other bytes others of the same size. */
static void mask_bytes(struct mask *m, const char *field, ProtobufCBinaryData *data)
{
	uint8_t hash[BLOB_ID_SIZE];

	if (str_ends_with(str_from(field), STR("_pem"))) {
		data->len = 0;
		return;
	}
	if (!data->len)
		return;
	digest(m, str_of(data->data, data->len), hash);
	for (size_t i = 0; i < data->len; i++)
		data->data[i] = hash[i % sizeof(hash)];
	if (strcmp(field, "ip") == 0)
		data->data[0] = data->len == 4 ? 10 : 0xfd;
}

static void mask_message(struct mask *m, ProtobufCMessage *message);

/* One value, which may be one of a list. */
static void mask_value(struct mask *m, const ProtobufCFieldDescriptor *field, void *value)
{
	char **text = value;

	if (field->type == PROTOBUF_C_TYPE_STRING && *text && **text &&
		!is_one_of(str_from(field->name), open_fields, sizeof(open_fields) / sizeof(open_fields[0]))) {
		struct str masked = mask_text(m, str_from(*text));

		free(*text); /* the default allocator made it, and frees it */
		*text = strdup(masked.ptr);
	} else if (field->type == PROTOBUF_C_TYPE_BYTES) {
		mask_bytes(m, field->name, value);
	} else if (field->type == PROTOBUF_C_TYPE_MESSAGE && *(ProtobufCMessage **)value) {
		mask_message(m, *(ProtobufCMessage **)value);
	}
}

static size_t size_of(const ProtobufCFieldDescriptor *field)
{
	return field->type == PROTOBUF_C_TYPE_BYTES ? sizeof(ProtobufCBinaryData) : sizeof(void *);
}

/* Messages of ours are not nested in themselves: as deep as the schema. */
static void mask_message(struct mask *m, ProtobufCMessage *message)
{
	for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
		char *place = (char *)message + field->offset;

		if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_BYTES &&
			field->type != PROTOBUF_C_TYPE_MESSAGE)
			continue;
		if (field->label != PROTOBUF_C_LABEL_REPEATED) {
			mask_value(m, field, place);
			continue;
		}
		for (size_t k = 0; k < *(size_t *)(void *)((char *)message + field->quantifier_offset); k++)
			mask_value(m, field, *(char **)(void *)place + k * size_of(field));
	}
}

static bool put(struct mask *m, const Weirlock__V1__Resource *r, struct content *content)
{
	const ProtobufCMessageDescriptor *type = proto_kind_body(r->kind);
	ProtobufCMessage *body = type ? protobuf_c_message_unpack(type, NULL, r->body.len, r->body.data) : NULL;
	struct str name = mask_text(m, str_from(r->name));
	uint8_t *packed;
	size_t size;

	if (type && !body)
		return false;
	if (!body) { /* a secret: nothing of it is here anyway */
		content_put(content, resource_create(r->kind, name, STR("")));
		return true;
	}
	mask_message(m, body);
	packed = mem_alloc(protobuf_c_message_get_packed_size(body) + 1);
	size = protobuf_c_message_pack(body, packed);
	content_put(content, resource_create(r->kind, name, str_of(packed, size)));
	mem_free(packed);
	protobuf_c_message_free_unpacked(body, NULL);
	return true;
}

bool anonymize_snapshot(const Weirlock__V1__Snapshot *snapshot, struct buf *out)
{
	struct content_pack_options options = {.built_ms = snapshot->built_ms, .is_redacted = true};
	struct content *content;
	struct mask m = {0};
	bool is_good = true;

	if (getrandom(m.key, sizeof(m.key), 0) != (ssize_t)sizeof(m.key))
		return false;
	content = content_create();
	for (size_t i = 0; i < snapshot->n_resources && is_good; i++)
		is_good = put(&m, snapshot->resources[i], content);
	is_good = is_good && content_pack(content, &options, out);
	content_destroy(content);
	arena_deinit(&m.arena);
	return is_good;
}

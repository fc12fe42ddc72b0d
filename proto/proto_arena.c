/* An allocator that only grows, up to a cap, and a walk over the wire that finds what protobuf-c would cut off. */
#include "proto_arena.h"

#include <stdint.h>

#include "mem.h"

struct proto_arena_block {
	struct proto_arena_block *next;
	size_t size, used;
	max_align_t bytes[];
};

enum { BLOCK_SIZE = 16 * 1024, SMALLEST_CAP = 64 * 1024, LARGEST_CAP = 64 * 1024 * 1024, CAP_FACTOR = 32 };

static void *allocate(void *data, size_t size)
{
	struct proto_arena *a = data;
	const size_t align = _Alignof(max_align_t);
	struct proto_arena_block *block = a->blocks;

	if (size > a->cap_bytes || a->used_bytes + size + align > a->cap_bytes) {
		a->why = "decodes to more than the limit";
		return NULL;
	}
	size = (size + align - 1) & ~(align - 1);
	if (!block || block->size - block->used < size) {
		size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;

		block = mem_alloc(sizeof(*block) + room);
		*block = (struct proto_arena_block){.next = a->blocks, .size = room};
		a->blocks = block;
	}
	a->used_bytes += size;
	block->used += size;
	return (char *)block->bytes + (block->used - size);
}

static void free_nothing(void *data, void *ptr)
{
	(void)data;
	(void)ptr;
}

void proto_arena_init(struct proto_arena *a, size_t cap_bytes)
{
	*a = (struct proto_arena){.cap_bytes = cap_bytes};
	a->allocator = (ProtobufCAllocator){.alloc = allocate, .free = free_nothing, .allocator_data = a};
}

void proto_arena_deinit(struct proto_arena *a)
{
	while (a->blocks) {
		struct proto_arena_block *next = a->blocks->next;

		mem_wipe(a->blocks->bytes, a->blocks->used);
		mem_free(a->blocks);
		a->blocks = next;
	}
	*a = (struct proto_arena){0};
}

size_t proto_arena_cap(size_t body_len)
{
	if (body_len >= (LARGEST_CAP - SMALLEST_CAP) / CAP_FACTOR)
		return LARGEST_CAP;
	return SMALLEST_CAP + body_len * CAP_FACTOR;
}

/* ---------------------------------------------------------------------------------------------- the wire, read once */

static bool read_varint(struct str *rest, uint64_t *out)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < 10 && i < rest->len; i++) {
		uint8_t byte = (uint8_t)rest->ptr[i];

		n |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte < 0x80) {
			*rest = str_from_index(*rest, i + 1);
			*out = n;
			return true;
		}
	}
	return false;
}

/* What one field holds: `piece` for length-delimited ones, empty for the others. */
static bool read_field(struct str *rest, uint32_t *tag, unsigned *wire_type, struct str *piece)
{
	uint64_t key, n;
	size_t skip = 0;

	if (!read_varint(rest, &key) || key >> 3 == 0 || key > UINT32_MAX)
		return false;
	*tag = (uint32_t)(key >> 3);
	*wire_type = key & 7;
	*piece = STR("");
	switch (*wire_type) {
	case PROTOBUF_C_WIRE_TYPE_VARINT:
		return read_varint(rest, &n);
	case PROTOBUF_C_WIRE_TYPE_64BIT:
		skip = 8;
		break;
	case PROTOBUF_C_WIRE_TYPE_32BIT:
		skip = 4;
		break;
	case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
		if (!read_varint(rest, &n) || n > rest->len)
			return false;
		skip = (size_t)n;
		*piece = str_first(*rest, skip);
		break;
	default:
		return false;
	}
	if (skip > rest->len)
		return false;
	*rest = str_from_index(*rest, skip);
	return true;
}

enum { MAX_DEPTH = 8 }; /* our messages nest four deep and none holds itself */

/* NULL, or what is wrong. An own stack: no recursion over outside bytes. */
static const char *check_wire(const ProtobufCMessageDescriptor *type, struct str body)
{
	struct level {
		const ProtobufCMessageDescriptor *type;
		struct str rest;
	} levels[MAX_DEPTH] = {{type, body}};
	unsigned depth = 1;

	while (depth) {
		struct level *level = &levels[depth - 1];
		const ProtobufCFieldDescriptor *field;
		unsigned wire_type;
		struct str piece;
		uint32_t tag;

		if (!level->rest.len) {
			depth--;
			continue;
		}
		if (!read_field(&level->rest, &tag, &wire_type, &piece))
			return "malformed";
		field = protobuf_c_message_descriptor_get_field(level->type, tag);
		if (!field || wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
			continue;
		if (field->type == PROTOBUF_C_TYPE_STRING && memchr(piece.ptr, 0, piece.len))
			return "a string holds a NUL byte";
		if (field->type == PROTOBUF_C_TYPE_MESSAGE && piece.len) {
			if (depth == MAX_DEPTH)
				return "nested too deep";
			levels[depth++] = (struct level){field->descriptor, piece};
		}
	}
	return NULL;
}

void *proto_unpack(const ProtobufCMessageDescriptor *type, struct str body, struct proto_arena *a, const char **why)
{
	ProtobufCMessage *message;
	const char *wrong = check_wire(type, body);

	a->why = NULL;
	if (wrong) {
		*why = wrong;
		return NULL;
	}
	message = protobuf_c_message_unpack(type, &a->allocator, body.len, (const uint8_t *)body.ptr);
	if (!message)
		*why = a->why ? a->why : "malformed";
	return message;
}

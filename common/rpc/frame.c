#include "frame.h"

#include "rpc.h"

static uint64_t read_number(const char *ptr, size_t size)
{
	uint64_t n = 0;

	for (size_t i = 0; i < size; i++)
		n = n << 8 | (uint8_t)ptr[i];
	return n;
}

static void add_number(struct buf *out, uint64_t n, size_t size)
{
	for (size_t i = size; i-- > 0;)
		buf_add_char(out, (char)(uint8_t)(n >> (8 * i)));
}

bool frame_parse(struct str message, struct frame *out, const char **why)
{
	uint64_t type, flags;

	if (message.len < FRAME_HEAD_SIZE) {
		*why = "shorter than a frame's head";
		return false;
	}
	type = (uint8_t)message.ptr[0];
	flags = read_number(message.ptr + 2, 2);
	if (message.ptr[1] != FRAME_VERSION) {
		*why = "another version of the frame";
		return false;
	}
	if (type < FRAME_HANDSHAKE || type > FRAME_RESET || flags) {
		*why = "an unknown type or flag";
		return false;
	}
	*out = (struct frame){.type = (enum frame_type)type, .session = read_number(message.ptr + 4, 8)};
	out->bytes = str_from_index(message, FRAME_HEAD_SIZE);
	if (out->type == FRAME_HANDSHAKE && out->bytes.len > HANDSHAKE_MAX) {
		*why = "the handshake is too large";
		return false;
	}
	return true;
}

void frame_begin(struct buf *out, enum frame_type type, uint64_t session)
{
	add_number(out, type, 1);
	add_number(out, FRAME_VERSION, 1);
	add_number(out, 0, 2);
	add_number(out, session, 8);
}

bool envelope_parse(struct str bytes, struct envelope *out, const char **why)
{
	size_t text, metadata, type;

	if (bytes.len < ENVELOPE_HEAD_SIZE) {
		*why = "shorter than an envelope's head";
		return false;
	}
	type = (uint8_t)bytes.ptr[0];
	text = (size_t)read_number(bytes.ptr + 13, 2);
	metadata = (size_t)read_number(bytes.ptr + 15, 2);
	if (type < ENVELOPE_REQUEST || type > ENVELOPE_CANCEL) {
		*why = "an unknown type of envelope";
		return false;
	}
	if (text + metadata > bytes.len - ENVELOPE_HEAD_SIZE) {
		*why = "an envelope shorter than its lengths say";
		return false;
	}
	*out = (struct envelope){.type = (enum envelope_type)type, .id = read_number(bytes.ptr + 1, 8)};
	out->number = (uint32_t)read_number(bytes.ptr + 9, 4);
	out->text = str_of(bytes.ptr + ENVELOPE_HEAD_SIZE, text);
	out->metadata = str_of(bytes.ptr + ENVELOPE_HEAD_SIZE + text, metadata);
	out->payload = str_from_index(bytes, ENVELOPE_HEAD_SIZE + text + metadata);
	return true;
}

void envelope_begin(struct buf *out, const struct envelope *envelope)
{
	struct str text = str_first(envelope->text, UINT16_MAX), metadata = str_first(envelope->metadata, UINT16_MAX);

	add_number(out, envelope->type, 1);
	add_number(out, envelope->id, 8);
	add_number(out, envelope->number, 4);
	add_number(out, text.len, 2);
	add_number(out, metadata.len, 2);
	buf_add(out, text);
	buf_add(out, metadata);
}

const char *rpc_status_text(enum rpc_status status)
{
	switch (status) {
	case RPC_OK:
		return "OK";
	case RPC_CANCELLED:
		return "CANCELLED";
	case RPC_UNKNOWN:
		return "UNKNOWN";
	case RPC_INVALID_ARGUMENT:
		return "INVALID_ARGUMENT";
	case RPC_DEADLINE_EXCEEDED:
		return "DEADLINE_EXCEEDED";
	case RPC_NOT_FOUND:
		return "NOT_FOUND";
	case RPC_PERMISSION_DENIED:
		return "PERMISSION_DENIED";
	case RPC_RESOURCE_EXHAUSTED:
		return "RESOURCE_EXHAUSTED";
	case RPC_FAILED_PRECONDITION:
		return "FAILED_PRECONDITION";
	case RPC_UNIMPLEMENTED:
		return "UNIMPLEMENTED";
	case RPC_INTERNAL:
		return "INTERNAL";
	case RPC_UNAVAILABLE:
		return "UNAVAILABLE";
	case RPC_UNAUTHENTICATED:
		return "UNAUTHENTICATED";
	}
	return "UNKNOWN"; /* the number came from a peer */
}

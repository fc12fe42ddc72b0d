/*
 * A few reasons are shown, and a peer may send thousands of empty ones in one message, texts as long as a message, and fields
 * that nobody knows: what is kept is made anew from what is shown.
 */
#include "mem.h"
#include "proxies.h"

/* Owned, with the default allocator. */
static ProtobufCMessage *copy_message(const ProtobufCMessage *m)
{
	size_t size = protobuf_c_message_get_packed_size(m);
	uint8_t *packed = mem_alloc(size + 1);
	ProtobufCMessage *copy;

	protobuf_c_message_pack(m, packed);
	copy = protobuf_c_message_unpack(m->descriptor, NULL, size, packed);
	mem_free(packed);
	return copy;
}

static char *cut(struct arena *arena, const char *text, size_t most)
{
	return arena_text(arena, str_first(str_from(text), most));
}

static Weirlock__V1__ResourceError *cut_error(struct arena *arena, const Weirlock__V1__ResourceError *error)
{
	Weirlock__V1__ResourceError *out = arena_alloc(arena, sizeof(*out));

	weirlock__v1__resource_error__init(out);
	out->reason = cut(arena, error->reason, REASON_KEPT);
	if (error->ref) {
		out->ref = arena_alloc(arena, sizeof(*out->ref));
		weirlock__v1__ref__init(out->ref);
		out->ref->kind = error->ref->kind;
		out->ref->name = cut(arena, error->ref->name, REASON_KEPT);
	}
	return out;
}

Weirlock__V1__WatchRequest *kept_refusal(const Weirlock__V1__WatchRequest *request)
{
	Weirlock__V1__WatchRequest kept = WEIRLOCK__V1__WATCH_REQUEST__INIT, *copy;
	struct arena arena = {0};

	kept.errors = arena_alloc(&arena, ERRORS_KEPT * sizeof(*kept.errors));
	while (kept.n_errors < request->n_errors && kept.n_errors < ERRORS_KEPT) {
		kept.errors[kept.n_errors] = cut_error(&arena, request->errors[kept.n_errors]);
		kept.n_errors++;
	}
	copy = (Weirlock__V1__WatchRequest *)(void *)copy_message(&kept.base);
	arena_deinit(&arena);
	return copy;
}

Weirlock__V1__ReportRequest *kept_report(const Weirlock__V1__ReportRequest *request)
{
	Weirlock__V1__ReportRequest kept = *request, *copy;
	struct arena arena = {0};

	kept.base.n_unknown_fields = 0;
	kept.http = cut(&arena, request->http, TEXT_KEPT);
	kept.https = cut(&arena, request->https, TEXT_KEPT);
	kept.admin = cut(&arena, request->admin, TEXT_KEPT);
	kept.watches = cut(&arena, request->watches, TEXT_KEPT);
	kept.standby = cut(&arena, request->standby, TEXT_KEPT);
	kept.applied_id = (ProtobufCBinaryData){0};
	kept.not_sealed = cut(&arena, request->not_sealed, TEXT_KEPT);
	copy = (Weirlock__V1__ReportRequest *)(void *)copy_message(&kept.base);
	arena_deinit(&arena);
	return copy;
}

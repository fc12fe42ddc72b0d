/* From a request to its handler and from the handler to the answer; a call may wait in between, or be gone before. */
#include <assert.h>

#include "clock.h"
#include "mem.h"
#include "proto_arena.h"
#include "secure.h"
#include "server.h"

enum { LONGEST_TIMEOUT_MS = 3600 * 1000 };

static void unlink_call(struct rpc_call *call)
{
	struct rpc_call **place = &call->peer->calls;

	while (*place != call)
		place = &(*place)->next;
	*place = call->next;
	call->peer->n_calls--;
}

/* After the answer, or instead of one. A call whose handler still runs is freed by whoever runs it. */
static void end_call(struct rpc_call *call)
{
	assert(!call->is_over);
	call->is_over = true;
	unlink_call(call);
	if (!call->is_in_handler)
		mem_free(call);
}

void call_drop(struct rpc_call *call)
{
	void (*on_gone)(void *, struct rpc_call *) = call->on_gone;

	if (call->is_held && on_gone)
		on_gone(call->data, call);
	end_call(call);
}

void rpc_call_answer(struct rpc_call *call, const ProtobufCMessage *response)
{
	const struct envelope answer = {.type = ENVELOPE_ANSWER, .id = call->id};

	assert(!call->is_over && response->descriptor == call->method->output);
	if (protobuf_c_message_get_packed_size(response) > RPC_ANSWER_MAX) {
		rpc_call_fail(call, RPC_RESOURCE_EXHAUSTED, "the answer is larger than %d bytes", RPC_ANSWER_MAX);
		return;
	}
	session_send(call->peer, &answer, response);
	end_call(call);
}

void rpc_call_fail(struct rpc_call *call, enum rpc_status status, const char *format, ...)
{
	struct envelope answer = {.type = ENVELOPE_ANSWER, .id = call->id, .number = status};
	struct buf text;
	va_list args;

	assert(!call->is_over && status != RPC_OK);
	buf_init(&text, 4096);
	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	answer.text = buf_str(&text);
	session_send(call->peer, &answer, NULL);
	end_call(call);
	buf_deinit(&text);
}

static void close_with(const ProtobufCMessage *response, void *closure_data)
{
	struct rpc_call *call = closure_data;

	if (response)
		rpc_call_answer(call, response);
	else
		rpc_call_fail(call, RPC_INTERNAL, "no answer");
}

struct rpc_call *rpc_call_of(void *closure_data)
{
	return closure_data;
}

struct rpc_peer *rpc_call_peer(const struct rpc_call *call)
{
	return call->peer;
}

void rpc_call_hold(struct rpc_call *call, void (*on_gone)(void *data, struct rpc_call *call), void *data)
{
	assert(!call->is_over);
	call->is_held = true;
	call->on_gone = on_gone;
	call->data = data;
}

static struct service *find_service(struct rpc_server *server, struct str name)
{
	for (size_t i = 0; i < server->n_services; i++)
		if (str_eq(str_from(server->services[i].service->descriptor->name), name))
			return &server->services[i];
	return NULL;
}

/* By its whole name; a peer's name may hold anything, so it is compared, not looked up as a C string. */
static unsigned find_method(const ProtobufCServiceDescriptor *service, struct str name)
{
	for (unsigned i = 0; i < service->n_methods; i++)
		if (str_eq(str_from(service->methods[i].name), name))
			return i;
	return service->n_methods;
}

static void refuse(struct rpc_peer *peer, const struct envelope *request, enum rpc_status status, const char *why)
{
	const struct envelope answer = {
		.type = ENVELOPE_ANSWER, .id = request->id, .number = status, .text = str_from(why)};

	session_send(peer, &answer, NULL);
	session_fault(peer);
}

static void run_handler(struct rpc_peer *peer, const struct envelope *request, struct service *service, unsigned index)
{
	const ProtobufCMethodDescriptor *method = &service->service->descriptor->methods[index];
	uint32_t timeout_ms = request->number < LONGEST_TIMEOUT_MS ? request->number : LONGEST_TIMEOUT_MS;
	struct proto_arena decoded;
	struct rpc_call *call;
	const char *why = NULL;
	ProtobufCMessage *input;

	proto_arena_init(&decoded, proto_arena_cap(request->payload.len));
	input = proto_unpack(method->input, request->payload, &decoded, &why);
	if (!input) {
		refuse(peer, request, RPC_INVALID_ARGUMENT, why);
		proto_arena_deinit(&decoded);
		return;
	}
	call = mem_alloc(sizeof(*call));
	*call = (struct rpc_call){.next = peer->calls, .peer = peer, .id = request->id, .method = method};
	call->deadline_ms = clock_mono_ms() + timeout_ms;
	call->is_in_handler = true;
	peer->calls = call;
	peer->n_calls++;
	service->service->invoke(service->service, index, input, close_with, call);
	call->is_in_handler = false;
	if (call->is_over)
		mem_free(call);
	else
		assert(call->is_held); /* a handler answers, fails or holds */
	proto_arena_deinit(&decoded);
}

void call_request(struct rpc_peer *peer, const struct envelope *request)
{
	size_t slash = str_find(request->text, '/');
	struct service *service = find_service(peer->server, str_first(request->text, slash));
	struct str name = str_from_index(request->text, slash + 1);
	unsigned index = service ? find_method(service->service->descriptor, name) : 0;

	peer->server->stats.calls++;
	if (!service || index == service->service->descriptor->n_methods)
		refuse(peer, request, RPC_UNIMPLEMENTED, "there is no such method");
	else if (!(secure_roles(peer->secure) & service->roles))
		refuse(peer, request, RPC_PERMISSION_DENIED, "this identity may not call that service");
	else if (request->payload.len > RPC_REQUEST_MAX)
		refuse(peer, request, RPC_RESOURCE_EXHAUSTED, "the request is too large");
	else if (peer->n_calls >= RPC_HELD_MAX)
		refuse(peer, request, RPC_RESOURCE_EXHAUSTED, "too many calls are waiting");
	else
		run_handler(peer, request, service, index);
}

void call_cancel(struct rpc_peer *peer, uint64_t id)
{
	for (struct rpc_call *call = peer->calls; call; call = call->next) {
		if (call->id != id)
			continue;
		call_drop(call);
		return;
	}
}

void call_sweep(struct rpc_peer *peer, uint64_t now_ms)
{
	for (struct rpc_call *call = peer->calls, *next; call; call = next) {
		next = call->next;
		if (now_ms >= call->deadline_ms)
			call_drop(call);
	}
}

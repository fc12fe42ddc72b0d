/* A sent call dies with its session; one not sent yet waits for the next. */
#include <assert.h>

#include "client.h"
#include "clock.h"
#include "mem.h"
#include "proto_arena.h"

static bool send_sealed(struct rpc_client *c, struct str envelope)
{
	struct buf frame = {0};
	bool fits;

	frame_begin(&frame, FRAME_DATA, c->session);
	fits = secure_seal(c->secure, envelope, &frame);
	if (fits)
		queue_send(c, &frame);
	buf_deinit(&frame);
	return fits;
}

static void free_pending(struct pending *p)
{
	buf_deinit(&p->request);
	mem_free(p);
}

static struct pending *take(struct rpc_client *c, struct pending *wanted)
{
	for (struct pending **place = &c->calls; *place; place = &(*place)->next) {
		struct pending *p = *place;

		if (p != wanted)
			continue;
		*place = p->next;
		c->n_calls--;
		return p;
	}
	return NULL;
}

static struct pending *find(const struct rpc_client *c, uint64_t id)
{
	for (struct pending *p = c->calls; p; p = p->next)
		if (p->id == id)
			return p;
	return NULL;
}

static void finish(struct rpc_client *c, struct pending *p, enum rpc_status status, struct str message,
	const ProtobufCMessage *response)
{
	take(c, p);
	p->answer(p->data, status, message, response);
	free_pending(p);
}

static void tell_server(struct rpc_client *c, uint64_t id)
{
	const struct envelope cancel = {.type = ENVELOPE_CANCEL, .id = id};
	struct buf packed = {0};

	envelope_begin(&packed, &cancel);
	if (c->state == RPC_READY)
		send_sealed(c, buf_str(&packed));
	buf_deinit(&packed);
}

void call_answered(struct rpc_client *c, const struct envelope *answer)
{
	struct pending *p = find(c, answer->id);
	struct proto_arena decoded;
	ProtobufCMessage *response;
	const char *why;

	if (!p || p->is_failed)
		return; /* cancelled, or too late */
	if (answer->number != RPC_OK) {
		finish(c, p, (enum rpc_status)answer->number, answer->text, NULL);
		return;
	}
	proto_arena_init(&decoded, proto_arena_cap(answer->payload.len));
	response = proto_unpack(p->method->output, answer->payload, &decoded, &why);
	finish(c, p, response ? RPC_OK : RPC_INTERNAL, response ? STR("") : str_from(why), response);
	proto_arena_deinit(&decoded);
}

void call_lose_sent(struct rpc_client *c, enum rpc_status status, const char *why)
{
	for (struct pending *p = c->calls; p; p = p->next) {
		if (!p->is_sent || p->is_failed)
			continue;
		p->is_failed = true;
		p->status = status;
		p->why = why;
	}
}

/* Answers may call anything, close included: the list is looked at afresh each time. */
void call_finish_failed(struct rpc_client *c)
{
	for (;;) {
		uint64_t now = clock_mono_ms();
		struct pending *p = c->calls;

		while (p && !p->is_failed && now < p->deadline_ms)
			p = p->next;
		if (!p || c->is_closing)
			return;
		if (p->is_failed) {
			finish(c, p, p->status, str_from(p->why), NULL);
			continue;
		}
		if (p->is_sent)
			tell_server(c, p->id);
		finish(c, p, RPC_DEADLINE_EXCEEDED, p->is_sent ? STR("no answer in time") : STR("no session in time"), NULL);
	}
}

void call_cancel_all(struct rpc_client *c)
{
	while (c->calls)
		finish(c, c->calls, RPC_CANCELLED, STR("closed"), NULL);
}

/* ---------------------------------------------------------------------------------------------------------- calling */

void call_send_waiting(struct rpc_client *c)
{
	for (struct pending *p = c->calls; p && c->state == RPC_READY; p = p->next) {
		bool fits;

		if (p->is_sent || p->is_failed)
			continue;
		p->is_sent = true;
		fits = send_sealed(c, buf_str(&p->request));
		buf_deinit(&p->request);
		if (!fits) {
			client_lose(c, "the session is broken", RPC_UNAVAILABLE);
			return;
		}
	}
}

static bool method_of(const ProtobufCServiceDescriptor *service, const char *name, const ProtobufCMethodDescriptor **out)
{
	*out = NULL;
	for (unsigned i = 0; i < service->n_methods; i++)
		if (str_eq(str_from(service->methods[i].name), str_from(name)))
			*out = &service->methods[i];
	return *out != NULL;
}

/* The envelope with its payload, or the reason why not. */
static const char *pack_request(struct pending *p, const ProtobufCServiceDescriptor *service,
	const ProtobufCMessage *request, uint32_t timeout_ms)
{
	size_t size = protobuf_c_message_get_packed_size(request);
	struct envelope envelope = {.type = ENVELOPE_REQUEST, .id = p->id, .number = timeout_ms};
	struct buf name = {0};

	assert(request->descriptor == p->method->input);
	if (size > RPC_REQUEST_MAX)
		return "the request is too large";
	buf_printf(&name, "%s/%s", service->name, p->method->name);
	envelope.text = buf_str(&name);
	envelope_begin(&p->request, &envelope);
	protobuf_c_message_pack(request, (uint8_t *)buf_reserve(&p->request, size));
	p->request.len += size;
	buf_deinit(&name);
	return NULL;
}

uint64_t rpc_client_call(struct rpc_client *c, const ProtobufCServiceDescriptor *service, const char *method,
	const ProtobufCMessage *request, uint32_t timeout_ms, rpc_answer_fn *answer, void *data)
{
	struct pending *p = mem_zalloc(sizeof(*p)), **place = &c->calls;

	assert(!c->is_closing);
	*p = (struct pending){.id = ++c->last_id, .answer = answer, .data = data};
	p->deadline_ms = clock_mono_ms() + timeout_ms;
	if (!method_of(service, method, &p->method)) {
		p->status = RPC_UNIMPLEMENTED;
		p->why = "there is no such method";
	} else if (c->n_calls >= RPC_PENDING_MAX) {
		p->status = RPC_RESOURCE_EXHAUSTED;
		p->why = "too many calls are waiting";
	} else {
		p->why = pack_request(p, service, request, timeout_ms);
		p->status = RPC_INVALID_ARGUMENT;
	}
	p->is_failed = p->why != NULL;
	while (*place)
		place = &(*place)->next;
	*place = p;
	c->n_calls++;
	call_send_waiting(c);
	return c->last_id;
}

void rpc_client_cancel(struct rpc_client *c, uint64_t id)
{
	struct pending *p = find(c, id);

	if (!p)
		return;
	take(c, p);
	if (p->is_sent && !p->is_failed)
		tell_server(c, id);
	free_pending(p);
}

/* One call at a time on a loop that runs only meanwhile. */
#include "client.h"
#include "mem.h"

enum { ERRORS_ENOUGH = 2 }; /* connections refused in a row: nobody is there */

struct rpc_wait {
	uv_loop_t loop;
	uv_timer_t wake; /* looks at what no callback tells: refused connections */
	struct rpc_client *client;
	char *url;
	uint32_t timeout_ms;
	/* of the call under way */
	bool is_over;
	enum rpc_status status;
	struct buf message;
	ProtobufCMessage *response;
};

static void on_answer(void *data, enum rpc_status status, struct str message, const ProtobufCMessage *response)
{
	struct rpc_wait *w = data;

	w->is_over = true;
	w->status = status;
	buf_clear(&w->message);
	buf_add_escaped(&w->message, message);
	if (response) { /* an own copy: the answer is borrowed */
		size_t size = protobuf_c_message_get_packed_size(response);
		uint8_t *packed = mem_alloc(size + 1);

		protobuf_c_message_pack(response, packed);
		w->response = protobuf_c_message_unpack(response->descriptor, NULL, size, packed);
		mem_wipe(packed, size);
		mem_free(packed);
	}
}

static void on_wake(uv_timer_t *timer)
{
	(void)timer; /* it only ends the turn of the loop */
}

struct rpc_wait *rpc_wait_open(const char *url, const struct rpc_client_options *options, struct buf *error)
{
	struct rpc_wait *w = mem_zalloc(sizeof(*w));
	struct rpc_client_options own = *options;

	own.on_state = NULL;
	uv_loop_init(&w->loop);
	w->client = rpc_client_open(&w->loop, url, &own, error);
	if (!w->client) {
		uv_loop_close(&w->loop);
		mem_free(w);
		return NULL;
	}
	w->url = mem_strdup(str_from(url));
	uv_timer_init(&w->loop, &w->wake);
	uv_timer_start(&w->wake, on_wake, 20, 20);
	return w;
}

/* Nothing will come of waiting on. */
static bool is_hopeless(const struct rpc_wait *w)
{
	if (rpc_client_state(w->client) != RPC_CONNECTING)
		return false;
	return rpc_client_failure(w->client) == RPC_UNAUTHENTICATED || client_connect_errors(w->client) >= ERRORS_ENOUGH;
}

static enum rpc_wait_result no_session(struct rpc_wait *w, struct buf *error)
{
	const char *reason = rpc_client_reason(w->client);

	if (rpc_client_failure(w->client) == RPC_UNAUTHENTICATED) {
		buf_printf(error, "%s: %s", w->url, *reason ? reason : "a certificate was not accepted");
		return RPC_WAIT_BAD_CERTIFICATE;
	}
	buf_printf(error, "%s: cannot connect%s%s", w->url, *reason ? ": " : "", reason);
	return RPC_WAIT_NO_CONNECTION;
}

enum rpc_wait_result rpc_wait_call(struct rpc_wait *w, const ProtobufCServiceDescriptor *service, const char *method,
	const ProtobufCMessage *request, uint32_t timeout_ms, ProtobufCMessage **response, enum rpc_status *status,
	struct buf *error)
{
	uint64_t id;
	bool was_ready = false;

	*response = NULL;
	w->is_over = false;
	w->response = NULL;
	id = rpc_client_call(w->client, service, method, request, timeout_ms, on_answer, w);
	while (!w->is_over && !is_hopeless(w)) {
		uv_run(&w->loop, UV_RUN_ONCE);
		was_ready |= rpc_client_state(w->client) == RPC_READY;
	}
	if (!w->is_over) {
		rpc_client_cancel(w->client, id);
		w->status = rpc_client_failure(w->client);
	}
	if (status)
		*status = w->status;
	if (w->is_over && w->status == RPC_OK) {
		*response = w->response;
		return RPC_WAIT_OK;
	}
	if (!w->is_over || w->status == RPC_UNAUTHENTICATED || (w->status == RPC_DEADLINE_EXCEEDED && !was_ready))
		return no_session(w, error);
	buf_printf(error, "%s: %s: %s", w->url, rpc_status_text(w->status), buf_cstr(&w->message));
	if (w->status == RPC_UNAVAILABLE)
		return RPC_WAIT_NO_CONNECTION;
	return w->status == RPC_DEADLINE_EXCEEDED ? RPC_WAIT_DEADLINE : RPC_WAIT_REFUSED;
}

void rpc_wait_close(struct rpc_wait *w)
{
	if (!w)
		return;
	rpc_client_close(w->client, NULL, NULL);
	uv_close((uv_handle_t *)&w->wake, NULL);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	uv_loop_close(&w->loop);
	buf_deinit(&w->message);
	mem_free(w->url);
	mem_free(w);
}

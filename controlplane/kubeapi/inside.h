#ifndef KUBEAPI_INSIDE_H
#define KUBEAPI_INSIDE_H
/* What client.c (the loop and libcurl) and call.c (one call) share. */
#include <curl/curl.h>

#include "credentials.h"
#include "kubeapi.h"
#include "lines.h"

enum call_state {
	CALL_QUEUED,    /* waits for the next turn */
	CALL_RUNNING,   /* libcurl has it */
	CALL_CANCELLED, /* freed on the next turn */
};

struct kubeapi_call {
	struct kubeapi *api;
	struct kubeapi_call *previous, *next; /* of all calls */
	enum call_state state;
	struct kubeapi_request request; /* its texts are ours */
	struct buf path, sent;
	CURL *easy;
	struct curl_slist *headers;
	char why[CURL_ERROR_SIZE];
	struct buf body;
	struct lines lines;
	bool is_too_large;
	unsigned generation; /* of the credentials it was made with */
	unsigned n_tries;
};

/* One socket of libcurl's. */
struct watched {
	struct pool *pool;
	uv_poll_t poll;
	curl_socket_t fd;
	struct watched *previous, *next;
};

/*
 * Connections, and what libcurl knows of the server. One pool for both ways would not do: once the server has answered by
 * HTTP/1.1 there, libcurl 7.88 lets calls wait for ever that want to share a connection.
 */
struct pool {
	struct kubeapi *api;
	CURLM *multi;
	uv_timer_t timer;        /* libcurl's own */
	struct watched *sockets;
	bool wants_fresh;        /* a connection went silent: the next call makes a new one */
};
enum { POOL_SHARED, POOL_LARGE, N_POOLS };

struct kubeapi {
	uv_loop_t *loop;
	struct pool pools[N_POOLS];
	uv_timer_t work_timer; /* started with 0 when there is something to queue or free */
	struct kubeapi_call *calls;
	struct credentials credentials;
	unsigned generation;     /* of the credentials */
	uint64_t read_ms;        /* when they were last read */
	bool has_read_failed;    /* that was said */
	bool is_closing;
	unsigned n_open; /* handles */
	void (*on_closed)(void *owner);
	void *closed_owner;
};

static inline struct pool *call_pool(const struct kubeapi_call *call)
{
	return &call->api->pools[call->request.is_large ? POOL_LARGE : POOL_SHARED];
}

/* The call as libcurl wants it, with the credentials of now. */
void call_prepare(struct kubeapi_call *call);
/* What libcurl had of it is freed; it may be prepared again. */
void call_unprepare(struct kubeapi_call *call);
void call_free(struct kubeapi_call *call);
/* How it ended. `out` borrows from the call. */
void call_result(struct kubeapi_call *call, CURLcode code, struct kubeapi_result *out);
/* Reads the credentials again, if that was not done within `min_age_ms`. */
void client_reload(struct kubeapi *api, uint64_t min_age_ms);

#endif

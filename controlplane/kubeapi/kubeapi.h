#ifndef KUBEAPI_H
#define KUBEAPI_H
/*
 * The API server: who we are to it, and calls. Everything runs on the loop it was given; no call blocks and no thread is
 * started. Calls with small answers share a connection by HTTP/2, where the server speaks it; those with large ones have one
 * each by HTTP/1.1, for on a shared one libcurl 7.88 may leave the rest of an answer lying. gzip, TLS 1.2 or newer.
 *
 * What a call means is the caller's business: a status of 403 or an event of type ERROR is a result like any other here.
 */
#include <stdbool.h>
#include <uv.h>

#include "buf.h"
#include "str.h"

struct kubeapi;
struct kubeapi_call;

/* Where the API server is and who we are. All texts are borrowed for the call of kubeapi_open. */
struct kubeapi_options {
	const char *kubeconfig; /* a file, or NULL: the ServiceAccount of the pod that we run in */
	const char *context;    /* of the kubeconfig; NULL is its current-context */
};

/* Whether the files and variables of a pod's ServiceAccount are there. */
bool kubeapi_is_in_cluster(void);
/*
 * Reads the credentials; does not connect. Keeps `loop`. False, with a text in `error` that names file, field and fix.
 * Refused: exec and auth-provider plugins, passwords, TLS without verification or no TLS at all except to loopback.
 */
bool kubeapi_open(uv_loop_t *loop, const struct kubeapi_options *options, struct buf *error, struct kubeapi **out);
/* Not from a function of a call. Cancels all calls (their on_done is not called) and closes; `on_closed` (may be NULL) is the last thing that happens. */
void kubeapi_close(struct kubeapi *api, void (*on_closed)(void *owner), void *owner);
/* "https://10.96.0.1:443". Borrowed until kubeapi_close. */
struct str kubeapi_server(const struct kubeapi *api);
/* The namespace of the ServiceAccount or the context; "default" when it has none. Borrowed until kubeapi_close. */
struct str kubeapi_namespace(const struct kubeapi *api);

/* How a call ended. All members are borrowed for the call of on_done. */
struct kubeapi_result {
	int error;           /* 0: the server answered to the end; or a negative errno: what it sent before counts all the same */
	const char *why;     /* text of an error; "" without one */
	unsigned status;     /* HTTP; 0: no answer at all */
	struct str body;     /* whole, or what there was; of a watch only when status is not 200 */
	unsigned retry_after_s; /* the server's wish; 0: none */
};
/* `line` without its end; borrowed. The call may be cancelled from here. */
typedef void kubeapi_line_fn(void *owner, struct str line);
typedef void kubeapi_done_fn(void *owner, const struct kubeapi_result *result);
/* The head of an answer with status 200 is there; the call may not be cancelled from here. */
typedef void kubeapi_open_fn(void *owner);

/* Texts are copied. */
struct kubeapi_request {
	const char *method;       /* NULL is GET */
	struct str path;          /* "/api/v1/services?limit=500" */
	struct str body;          /* sent when content_type is set */
	const char *content_type; /* "application/merge-patch+json", or NULL; kept */
	size_t max_bytes;         /* of the answer, or of one line of it; more is -EMSGSIZE */
	bool is_large;            /* the answer may have more than some KiB: it gets a connection for itself */
	unsigned silence_s;       /* so long without a byte is -ETIMEDOUT; 0 is 30 */
	kubeapi_line_fn *on_line; /* of an answer with status 200: each line as it comes; NULL: the body is kept whole */
	kubeapi_open_fn *on_open; /* may be NULL */
	kubeapi_done_fn *on_done; /* once, unless cancelled; never before kubeapi_start has returned */
	void *owner;
};
/*
 * Starts a call. A 401 makes it read the credentials again, and once more with new ones if they have changed: only a 401 of
 * the newest credentials is a result. Borrowed until on_done or kubeapi_cancel.
 */
struct kubeapi_call *kubeapi_start(struct kubeapi *api, const struct kubeapi_request *request);
/* No function of the call is called any more. */
void kubeapi_cancel(struct kubeapi_call *call);

/* Appends `text` as a part of a path or a query: all but letters, digits and "-._~" as %XX. */
void kubeapi_add_escaped(struct buf *out, struct str text);

#endif

#ifndef CHANNEL_H
#define CHANNEL_H
/*
 * For the tests of the channel: controllers, proxies and plain clients in one program on one loop, over real sockets. Every
 * wait is for a condition, with a deadline; whatever goes wrong is a failed check.
 */
#include "check.h"
#include "publish.h"
#include "subscribe.h"
#include "version.h"

extern uv_loop_t channel_loop;

/* Of two CAs, made by deploy/identity: ours, and a stranger's. */
struct identities {
	char directory[64]; /* a/ and b/ are in it; gone with channel_end */
	struct rpc_identity *controller, *proxy, *operator_, *stranger, *edge; /* of the pool "edge" */
};
/* `script` is the path of deploy/identity. */
void channel_begin(struct identities *ids, const char *script);
/* Closes the loop, which must be empty by then. The exit status. */
int channel_end(struct identities *ids);
/* "DIRECTORY/a/proxy" and so on; owned by the caller. */
char *channel_path(const struct identities *ids, const char *name);
struct rpc_identity *channel_load(const char *directory);
bool channel_run(const char *const argv[]);

/* Runs the loop until `claim` holds; false after `ms`. */
bool wait_for(bool (*claim)(void *data), void *data, uint64_t ms);
void set_flag(void *data); /* a bool; is_set is its claim */
bool is_set(void *data);

struct controller {
	const char *name;             /* NULL: "c1" */
	uint32_t idle_ms, handshake_ms; /* of its server; 0: the defaults */
	size_t history_limit;
	const struct publish_pool *pools; /* NULL: one */
	size_t n_pools;
	uint32_t hold_ms, canary_hold_ms;
	struct version held, seen; /* of the cluster */
	void (*problems)(void *data, struct problems *out);
	struct publish *publish;
	struct rpc_server *server;
	struct buf url;
};
void start_controller(struct controller *c, struct rpc_identity *identity, const char *url);
/* Keeps the url, for another one at the same place. */
void stop_controller(struct controller *c);
/* `n` hosts with bodies of `size` bytes, of which the first begins with `version`. Always another snapshot than the last. */
void publish_hosts(struct controller *c, unsigned n, size_t size, char version);
/* The same in a pool, by index. */
void publish_pool_hosts(struct controller *c, size_t pool, unsigned n, size_t size, char version);

struct proxy {
	struct subscribe *subscribe;
	struct rpc_server *server; /* its own, for Inspect; NULL without serve_inspect */
	struct buf url;            /* of that */
	bool refuses;
	unsigned n_applied, n_refused;
};
/* `second` (may be NULL) is the URL of another controller. */
void start_proxy(struct proxy *p, const char *name, struct rpc_identity *identity, const char *url, const char *second);
void serve_inspect(struct proxy *p, struct rpc_identity *identity);
void stop_proxy(struct proxy *p);

/* Claims about both. */
struct pair {
	struct controller *c;
	struct proxy *p;
};
bool serves_current(void *pair);
bool is_acked(void *pair);
/* A line of the controller's metrics, as "weirlock_controller_pushes_total 3". */
bool controller_says(struct controller *c, const char *line);
bool proxy_says(struct proxy *p, const char *line);

/* A client that asks one thing after the other. */
struct watcher {
	enum rpc_client_state state;
	char reason[512]; /* the last one that was not empty */
};
bool has_reason(void *watcher);
bool is_ready(void *watcher);
/* `w` may be NULL. */
struct rpc_client *open_client(const char *url, struct rpc_identity *identity, unsigned roles, struct watcher *w);
void close_client(struct rpc_client *client);

struct asked {
	bool is_over;
	enum rpc_status status;
	char message[256];
	ProtobufCMessage *answer; /* owned; NULL unless RPC_OK */
};
bool is_answered(void *asked);
/* Without waiting. `request` NULL is Empty. */
void ask_later(struct rpc_client *client, const ProtobufCServiceDescriptor *service, const char *method,
	const ProtobufCMessage *request, struct asked *out);
enum rpc_status ask(struct rpc_client *client, const ProtobufCServiceDescriptor *service, const char *method,
	const ProtobufCMessage *request, struct asked *out);
void asked_deinit(struct asked *a);
/* All pieces of a blob, by Fetch of `service`. */
void fetch_blob(struct rpc_client *client, const ProtobufCServiceDescriptor *service, const Weirlock__V1__Blob *blob,
	struct buf *out);

/* A socket that speaks TCP and the greeting of nanomsg at most: is_greeting says which. The port is that of `url`. */
int connect_raw(const char *url, bool is_greeting);

#endif

#include "channel.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "mem.h"

uv_loop_t channel_loop;
static uv_timer_t wake;

/* ---------------------------------------------------------------------------------------------------------- waiting */

static void on_wake(uv_timer_t *timer)
{
	(void)timer;
}

bool wait_for(bool (*claim)(void *data), void *data, uint64_t ms)
{
	uint64_t end = clock_mono_ms() + ms;

	while (!claim(data)) {
		if (clock_mono_ms() >= end)
			return false;
		uv_run(&channel_loop, UV_RUN_ONCE);
	}
	return true;
}

void set_flag(void *data)
{
	*(bool *)data = true;
}

bool is_set(void *data)
{
	return *(bool *)data;
}

/* ------------------------------------------------------------------------------------------------------- identities */

bool channel_run(const char *const argv[])
{
	pid_t pid = fork();
	int status = -1;

	if (!pid) {
		if (!freopen("/dev/null", "w", stdout))
			_exit(126);
		union {
			const char *const *read;
			char *const *exec;
		} words = {.read = argv};
		execvp(argv[0], words.exec);
		_exit(127);
	}
	return waitpid(pid, &status, 0) == pid && status == 0;
}

struct rpc_identity *channel_load(const char *directory)
{
	struct buf error = {0};
	struct rpc_identity *identity = rpc_identity_load(directory, &error);

	if (!CHECK(identity != NULL))
		fprintf(stderr, "%s\n", buf_cstr(&error));
	buf_deinit(&error);
	return identity;
}

char *channel_path(const struct identities *ids, const char *name)
{
	struct buf path = {0};
	char *out;

	buf_printf(&path, "%s/%s", ids->directory, name);
	out = mem_strdup(buf_str(&path));
	buf_deinit(&path);
	return out;
}

static struct rpc_identity *load_one(const struct identities *ids, const char *name)
{
	char *path = channel_path(ids, name);
	struct rpc_identity *identity = channel_load(path);

	mem_free(path);
	return identity;
}

void channel_begin(struct identities *ids, const char *script)
{
	char *ours, *theirs;

	*ids = (struct identities){.directory = "/tmp/weirlock-test-XXXXXX"};
	if (!mkdtemp(ids->directory))
		abort();
	ours = channel_path(ids, "a");
	theirs = channel_path(ids, "b");
	CHECK(channel_run((const char *const[]){script, "--pool", "edge", ours, NULL}));
	CHECK(channel_run((const char *const[]){script, theirs, NULL}));
	mem_free(ours);
	mem_free(theirs);
	log_set_level(LOG_ERROR);
	uv_loop_init(&channel_loop);
	uv_timer_init(&channel_loop, &wake);
	uv_timer_start(&wake, on_wake, 10, 10);
	ids->controller = load_one(ids, "a/controller");
	ids->proxy = load_one(ids, "a/proxy");
	ids->operator_ = load_one(ids, "a/operator");
	ids->edge = load_one(ids, "a/proxy-edge");
	ids->stranger = load_one(ids, "b/proxy");
}

int channel_end(struct identities *ids)
{
	uv_close((uv_handle_t *)&wake, NULL);
	uv_run(&channel_loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&channel_loop), 0);
	rpc_identity_destroy(ids->controller);
	rpc_identity_destroy(ids->proxy);
	rpc_identity_destroy(ids->operator_);
	rpc_identity_destroy(ids->edge);
	rpc_identity_destroy(ids->stranger);
	CHECK(channel_run((const char *const[]){"rm", "-rf", ids->directory, NULL}));
	return check_done();
}

/* -------------------------------------------------------------------------------------------------------- both ends */

static void tell_version(void *data, struct version *held, struct version *seen)
{
	struct controller *c = data;

	*held = c->held;
	*seen = c->seen;
}

void start_controller(struct controller *c, struct rpc_identity *identity, const char *url)
{
	const struct publish_options options = {.name = c->name ? c->name : "c1", .source = "test", .watch_ttl_ms = 300,
		.history_limit = c->history_limit, .hold_ms = c->hold_ms, .canary_hold_ms = c->canary_hold_ms, .problems = c->problems, .data = c,
		.version = tell_version, .pools = c->pools, .n_pools = c->n_pools};
	struct rpc_server_options server = {.identity = identity, .idle_ms = c->idle_ms, .handshake_ms = c->handshake_ms,
		.on_peer_gone = publish_peer_gone};
	struct buf error = {0};

	c->publish = publish_create(&channel_loop, &options);
	server.data = c->publish;
	c->server = rpc_server_create(&channel_loop, &server);
	publish_attach(c->publish, c->server);
	buf_clear(&c->url);
	if (!CHECK_INT(rpc_server_listen(c->server, url, &c->url, &error), 0))
		fprintf(stderr, "%s\n", buf_cstr(&error));
	buf_cstr(&c->url);
	buf_deinit(&error);
}

void stop_controller(struct controller *c)
{
	bool server = false, publish = false;

	CHECK_INT(rpc_server_stats(c->server).faulty, 0); /* whoever was here is honest */
	rpc_server_close(c->server, set_flag, &server);
	CHECK(wait_for(is_set, &server, 2000));
	publish_close(c->publish, set_flag, &publish);
	CHECK(wait_for(is_set, &publish, 2000));
}

static bool apply(void *data, struct content *content, struct config_errors *errors)
{
	struct proxy *p = data;

	if (!p->refuses) {
		p->n_applied++;
		return true;
	}
	p->n_refused++;
	errors->items = mem_grow(errors->items, &errors->cap, 1, sizeof(*errors->items));
	errors->items[errors->n++] = (struct config_error){.kind = 5,
		.name = arena_str(&errors->arena, STR("bad.example.com")),
		.reason = arena_str(&errors->arena, STR("not today"))};
	CHECK(content_count(content) > 0);
	return false;
}

void start_proxy(struct proxy *p, const char *name, struct rpc_identity *identity, const char *url, const char *second)
{
	const char *urls[] = {url, second};
	const struct subscribe_options options = {.controllers = urls, .n_controllers = second ? 2 : 1,
		.identity = identity, .name = name, .report_ms = 100, .return_ms = 500, .data = p, .apply = apply};
	struct buf error = {0};

	*p = (struct proxy){0};
	p->subscribe = subscribe_open(&channel_loop, &options, &error);
	if (!CHECK(p->subscribe != NULL))
		fprintf(stderr, "%s\n", buf_cstr(&error));
	buf_deinit(&error);
}

void serve_inspect(struct proxy *p, struct rpc_identity *identity)
{
	const struct rpc_server_options options = {.identity = identity};
	struct buf error = {0};

	p->server = rpc_server_create(&channel_loop, &options);
	subscribe_inspect(p->subscribe, p->server);
	CHECK_INT(rpc_server_listen(p->server, "tcp://127.0.0.1:0", &p->url, &error), 0);
	buf_deinit(&error);
}

void stop_proxy(struct proxy *p)
{
	bool is_server_closed = !p->server, is_closed = false;

	if (p->server)
		rpc_server_close(p->server, set_flag, &is_server_closed);
	CHECK(wait_for(is_set, &is_server_closed, 2000));
	subscribe_close(p->subscribe, set_flag, &is_closed);
	CHECK(wait_for(is_set, &is_closed, 2000));
	buf_deinit(&p->url);
}

void publish_pool_hosts(struct controller *c, size_t pool, unsigned n, size_t size, char version)
{
	struct content *content = content_create();
	char *body = mem_alloc(size);
	struct snapshot *s;
	uint32_t state = 7;

	for (unsigned i = 0; i < n; i++) {
		char name[32];

		for (size_t j = 0; j < size; j++)
			body[j] = (char)((state = state * 1664525u + 1013904223u) >> 24);
		body[0] = i ? 'x' : version;
		snprintf(name, sizeof(name), "h%u.example.com", i);
		content_put(content, resource_create(5, str_from(name), str_of(body, size)));
	}
	s = snapshot_create(content, 1);
	CHECK(publish_set_snapshot(c->publish, pool, s));
	CHECK(!publish_set_snapshot(c->publish, pool, s));
	snapshot_unref(&s);
	mem_free(body);
}

void publish_hosts(struct controller *c, unsigned n, size_t size, char version)
{
	publish_pool_hosts(c, 0, n, size, version);
}

bool serves_current(void *data)
{
	struct pair *pair = data;
	struct snapshot *s = publish_current(pair->c->publish, 0);
	struct content *content = subscribe_content(pair->p->subscribe);
	struct content_id id;

	if (!s || !content)
		return false;
	id = content_id(content);
	return content_id_eq(&id, &s->id);
}

bool is_acked(void *data)
{
	return publish_is_acked(((struct pair *)data)->c->publish);
}

static bool has_line(struct buf *metrics, const char *line)
{
	struct buf wanted = {0};
	bool found;

	buf_printf(&wanted, "\n%s\n", line);
	found = str_find_str(buf_str(metrics), buf_str(&wanted)) < metrics->len;
	buf_deinit(&wanted);
	buf_deinit(metrics);
	return found;
}

bool controller_says(struct controller *c, const char *line)
{
	struct buf out = {0};

	publish_metrics(c->publish, &out);
	return has_line(&out, line);
}

bool proxy_says(struct proxy *p, const char *line)
{
	struct buf out = {0};

	subscribe_metrics(p->subscribe, &out);
	return has_line(&out, line);
}

/* --------------------------------------------------------------------------------------------------------- a client */

static void on_state(void *data, enum rpc_client_state state, const char *reason)
{
	struct watcher *w = data;

	w->state = state;
	if (*reason)
		snprintf(w->reason, sizeof(w->reason), "%s", reason);
}

bool has_reason(void *data)
{
	return ((struct watcher *)data)->reason[0] != '\0';
}

bool is_ready(void *data)
{
	return ((struct watcher *)data)->state == RPC_READY;
}

struct rpc_client *open_client(const char *url, struct rpc_identity *identity, unsigned roles, struct watcher *w)
{
	const struct rpc_client_options options = {
		.identity = identity, .roles = roles, .data = w, .on_state = w ? on_state : NULL};
	struct buf error = {0};
	struct rpc_client *client = rpc_client_open(&channel_loop, url, &options, &error);

	if (!CHECK(client != NULL)) {
		fprintf(stderr, "%s\n", buf_cstr(&error));
		abort();
	}
	buf_deinit(&error);
	return client;
}

void close_client(struct rpc_client *client)
{
	bool closed = false;

	rpc_client_close(client, set_flag, &closed);
	CHECK(wait_for(is_set, &closed, 2000));
}

static void on_answer(void *data, enum rpc_status status, struct str message, const ProtobufCMessage *response)
{
	struct asked *a = data;

	a->is_over = true;
	a->status = status;
	snprintf(a->message, sizeof(a->message), "%.*s", STR_ARG(message));
	if (response) {
		size_t size = protobuf_c_message_get_packed_size(response);
		uint8_t *packed = mem_alloc(size + 1);

		protobuf_c_message_pack(response, packed);
		a->answer = protobuf_c_message_unpack(response->descriptor, NULL, size, packed);
		mem_free(packed);
	}
}

bool is_answered(void *data)
{
	return ((struct asked *)data)->is_over;
}

void ask_later(struct rpc_client *client, const ProtobufCServiceDescriptor *service, const char *method,
	const ProtobufCMessage *request, struct asked *out)
{
	Weirlock__V1__Empty empty = WEIRLOCK__V1__EMPTY__INIT;

	*out = (struct asked){0};
	rpc_client_call(client, service, method, request ? request : &empty.base, 3000, on_answer, out);
}

enum rpc_status ask(struct rpc_client *client, const ProtobufCServiceDescriptor *service, const char *method,
	const ProtobufCMessage *request, struct asked *out)
{
	ask_later(client, service, method, request, out);
	CHECK(wait_for(is_answered, out, 5000));
	return out->status;
}

void asked_deinit(struct asked *a)
{
	if (a->answer)
		protobuf_c_message_free_unpacked(a->answer, NULL);
	*a = (struct asked){0};
}

void fetch_blob(struct rpc_client *client, const ProtobufCServiceDescriptor *service, const Weirlock__V1__Blob *blob,
	struct buf *out)
{
	Weirlock__V1__FetchRequest request = WEIRLOCK__V1__FETCH_REQUEST__INIT;

	request.blob_id = blob->blob_id;
	while (out->len < blob->size_bytes) {
		const Weirlock__V1__FetchResponse *piece;
		struct asked asked;

		request.offset = out->len;
		if (!CHECK_INT(ask(client, service, "Fetch", &request.base, &asked), RPC_OK))
			return;
		piece = (const void *)asked.answer;
		CHECK_INT(piece->size_bytes, blob->size_bytes);
		if (CHECK(piece->data.len > 0))
			buf_add(out, str_of(piece->data.data, piece->data.len));
		else
			out->len = blob->size_bytes; /* reported; do not ask for ever */
		asked_deinit(&asked);
	}
}

/* ------------------------------------------------------------------------------------------------------- a stranger */

int connect_raw(const char *url, bool is_greeting)
{
	static const char greeting[8] = {0, 'S', 'P', 0, 0, 0x30, 0, 0}; /* "I am a REQ" */
	struct sockaddr_in sa = {.sin_family = AF_INET};
	struct str text = str_from(url);
	uint64_t port = 0;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(str_to_u64(str_from_index(text, str_rfind(text, ':') + 1), UINT16_MAX, &port));
	sa.sin_port = htons((uint16_t)port);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK_INT(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	if (is_greeting)
		CHECK_INT(send(fd, greeting, sizeof(greeting), MSG_NOSIGNAL), (long long)sizeof(greeting));
	return fd;
}

/*
 * Controller and proxy in one program on one loop, over real sockets: what is pushed arrives and is acknowledged, what is
 * refused is known with its reasons, and what strangers do harms nobody. Every wait is for a condition, with a deadline.
 */
#include <nanomsg/nn.h>
#include <nanomsg/reqrep.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "content_wire.h"
#include "log.h"
#include "mem.h"
#include "publish.h"
#include "subscribe.h"

static uv_loop_t loop;

/* ------------------------------------------------------------------------------------------------- waiting */

static void on_wake(uv_timer_t *timer)
{
	(void)timer;
}

/* Runs the loop until `claim` holds; false after `ms`. */
static bool wait_for(bool (*claim)(void *data), void *data, uint64_t ms)
{
	uint64_t end = clock_mono_ms() + ms;

	while (!claim(data)) {
		if (clock_mono_ms() >= end)
			return false;
		uv_run(&loop, UV_RUN_ONCE);
	}
	return true;
}

static void set_flag(void *data)
{
	*(bool *)data = true;
}

static bool is_set(void *data)
{
	return *(bool *)data;
}

/* --------------------------------------------------------------------------------------------- both ends */

struct controller {
	struct publish *publish;
	struct rpc_server *server;
	struct buf url;
};

static void start_controller(struct controller *c, struct rpc_identity *identity, const char *url)
{
	const struct publish_options options = {.name = "c1", .source = "test", .watch_ttl_ms = 300};
	struct rpc_server_options server = {.identity = identity, .on_peer_gone = publish_peer_gone};
	struct buf error = {0};

	c->publish = publish_create(&loop, &options);
	server.data = c->publish;
	c->server = rpc_server_create(&loop, &server);
	publish_attach(c->publish, c->server);
	buf_clear(&c->url);
	if (!CHECK_INT(rpc_server_listen(c->server, url, &c->url, &error), 0))
		fprintf(stderr, "%s\n", buf_cstr(&error));
	buf_deinit(&error);
}

static void stop_controller(struct controller *c)
{
	bool server = false, publish = false;

	rpc_server_close(c->server, set_flag, &server);
	CHECK(wait_for(is_set, &server, 2000));
	publish_close(c->publish, set_flag, &publish);
	CHECK(wait_for(is_set, &publish, 2000));
}

struct proxy {
	struct subscribe *subscribe;
	bool refuses;
	unsigned n_applied, n_refused;
	size_t n_dropped;
};

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

static void start_proxy(struct proxy *p, const char *name, struct rpc_identity *identity, const char *url)
{
	const char *urls[] = {url};
	const struct subscribe_options options = {.controllers = urls, .n_controllers = 1, .identity = identity,
		.name = name, .report_ms = 100, .data = p, .apply = apply};
	struct buf error = {0};

	*p = (struct proxy){0};
	p->subscribe = subscribe_open(&loop, &options, &error);
	if (!CHECK(p->subscribe != NULL))
		fprintf(stderr, "%s\n", buf_cstr(&error));
	buf_deinit(&error);
}

static void stop_proxy(struct proxy *p)
{
	bool closed = false;

	subscribe_close(p->subscribe, set_flag, &closed);
	CHECK(wait_for(is_set, &closed, 2000));
}

/* `n` hosts with bodies of `size` bytes that begin with `version`. */
static void publish_hosts(struct controller *c, unsigned n, size_t size, char version)
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
	CHECK(publish_set_snapshot(c->publish, s));
	CHECK(!publish_set_snapshot(c->publish, s));
	snapshot_unref(&s);
	mem_free(body);
}

struct pair {
	struct controller *c;
	struct proxy *p;
};

static bool serves_current(void *data)
{
	struct pair *pair = data;
	struct snapshot *s = publish_current(pair->c->publish);
	struct content *content = subscribe_content(pair->p->subscribe);
	struct content_id id;

	if (!s || !content)
		return false;
	id = content_id(content);
	return content_id_eq(&id, &s->id);
}

static bool is_acked(void *data)
{
	return publish_is_acked(((struct pair *)data)->c->publish);
}

static bool has_refused(void *data)
{
	struct buf out = {0};
	bool found;

	publish_metrics(((struct pair *)data)->c->publish, &out);
	found = str_find_str(buf_str(&out), STR("proxies{state=\"refused\"} 1")) < out.len;
	buf_deinit(&out);
	return found;
}

/* ------------------------------------------------------------------------------------------------- a client */

struct asked {
	bool is_over;
	enum rpc_status status;
	char message[256];
	struct buf packed; /* the answer */
};

static void on_answer(void *data, enum rpc_status status, struct str message, const ProtobufCMessage *response)
{
	struct asked *a = data;

	a->is_over = true;
	a->status = status;
	snprintf(a->message, sizeof(a->message), "%.*s", STR_ARG(message));
	if (response) {
		size_t size = protobuf_c_message_get_packed_size(response);

		protobuf_c_message_pack(response, (uint8_t *)buf_reserve(&a->packed, size + 1));
		a->packed.len = size;
	}
}

static bool is_answered(void *data)
{
	return ((struct asked *)data)->is_over;
}

struct watcher {
	enum rpc_client_state state;
	char reason[512];
};

static void on_state(void *data, enum rpc_client_state state, const char *reason)
{
	struct watcher *w = data;

	w->state = state;
	if (*reason)
		snprintf(w->reason, sizeof(w->reason), "%s", reason);
}

static bool has_reason(void *data)
{
	return ((struct watcher *)data)->reason[0] != '\0';
}

static void ask(struct rpc_client *client, const ProtobufCServiceDescriptor *service, const char *method,
	struct asked *out)
{
	Weirlock__V1__Empty empty = WEIRLOCK__V1__EMPTY__INIT;

	*out = (struct asked){0};
	rpc_client_call(client, service, method, &empty.base, 3000, on_answer, out);
	CHECK(wait_for(is_answered, out, 5000));
}

static void close_client(struct rpc_client *client)
{
	bool closed = false;

	rpc_client_close(client, set_flag, &closed);
	CHECK(wait_for(is_set, &closed, 2000));
}

/* ---------------------------------------------------------------------------------------------- the cases */

static struct rpc_identity *load(const char *directory)
{
	struct buf error = {0};
	struct rpc_identity *identity = rpc_identity_load(directory, &error);

	if (!CHECK(identity != NULL))
		fprintf(stderr, "%s\n", buf_cstr(&error));
	buf_deinit(&error);
	return identity;
}

static void test_push(const char *name, struct rpc_identity *controller, struct rpc_identity *operator_,
	struct rpc_identity *proxy, const char *url)
{
	struct controller c = {0};
	struct proxy p, second;
	struct pair pair = {&c, &p}, other = {&c, &second};
	struct asked asked;
	struct rpc_client *client;
	const struct rpc_client_options options = {.identity = operator_};
	Weirlock__V1__StatusResponse *status;
	struct buf error = {0};

	check_case(name);
	start_controller(&c, controller, url);
	start_proxy(&p, "p1", proxy, buf_cstr(&c.url));
	start_proxy(&second, "p2", proxy, buf_cstr(&c.url));
	publish_hosts(&c, 3, 100, 'a');
	CHECK(wait_for(serves_current, &pair, 5000) && wait_for(serves_current, &other, 5000));
	CHECK(wait_for(is_acked, &pair, 2000));
	publish_hosts(&c, 3, 100, 'b');
	CHECK(wait_for(serves_current, &pair, 2000) && wait_for(serves_current, &other, 2000));
	CHECK_INT(p.n_applied, 2);

	check_case("a large one comes in pieces, then a small delta");
	publish_hosts(&c, 60, 20000, 'a');
	CHECK(wait_for(serves_current, &pair, 5000));
	publish_hosts(&c, 60, 20000, 'b');
	CHECK(wait_for(serves_current, &pair, 5000) && wait_for(serves_current, &other, 5000));
	CHECK_INT(p.n_applied, 4);

	check_case("refused, with reasons, and not sent again");
	p.refuses = true;
	publish_hosts(&c, 4, 10, 'c');
	CHECK(wait_for(has_refused, &pair, 5000));
	CHECK_INT(p.n_refused, 1);
	CHECK(wait_for(serves_current, &other, 2000));
	client = rpc_client_open(&loop, buf_cstr(&c.url), &options, &error);
	ask(client, &weirlock__v1__inspect__descriptor, "Status", &asked);
	CHECK_INT(asked.status, RPC_OK);
	status = weirlock__v1__status_response__unpack(NULL, asked.packed.len, (uint8_t *)asked.packed.ptr);
	CHECK(status != NULL);
	CHECK_INT(status->n_proxies, 2);
	for (size_t i = 0; i < status->n_proxies; i++) {
		Weirlock__V1__ProxyStatus *shown = status->proxies[i];

		if (str_eq(str_from(shown->name), STR("p2"))) {
			CHECK_INT(shown->state, WEIRLOCK__V1__PROXY_STATE__PROXY_SYNCED);
			continue;
		}
		CHECK_INT(shown->state, WEIRLOCK__V1__PROXY_STATE__PROXY_REFUSED);
		CHECK_INT(shown->n_errors, 1);
		CHECK_STR(str_from(shown->errors[0]->reason), STR("not today"));
		CHECK_STR(str_from(shown->errors[0]->ref->name), STR("bad.example.com"));
	}
	weirlock__v1__status_response__free_unpacked(status, NULL);
	buf_deinit(&asked.packed);
	close_client(client);
	p.refuses = false;
	publish_hosts(&c, 4, 10, 'd');
	CHECK(wait_for(serves_current, &pair, 2000));
	CHECK_INT(p.n_refused, 1);

	check_case("the controller restarts at the same address");
	stop_controller(&c);
	char *again = mem_strdup(buf_str(&c.url));
	start_controller(&c, controller, again);
	publish_hosts(&c, 4, 10, 'd');
	unsigned before = p.n_applied;
	CHECK(wait_for(is_acked, &pair, 2000)); /* found within 2 s */
	CHECK_INT(p.n_applied, before);         /* the same id is not sent again */
	mem_free(again);
	stop_proxy(&p);
	stop_proxy(&second);
	stop_controller(&c);
	buf_deinit(&c.url);
	buf_deinit(&error);
}

/* Who may not talk: the handshake fails on both sides with a reason. */
static void test_refused_handshake(const char *name, struct rpc_identity *server, struct rpc_identity *client,
	const char *want)
{
	struct controller c = {0};
	struct watcher w = {0};
	const struct rpc_client_options options = {.identity = client, .data = &w, .on_state = on_state};
	struct buf error = {0};
	struct rpc_client *opened;

	check_case(name);
	start_controller(&c, server, "tcp://127.0.0.1:0");
	opened = rpc_client_open(&loop, buf_cstr(&c.url), &options, &error);
	CHECK(wait_for(has_reason, &w, 5000));
	if (!CHECK(str_find_str(str_from(w.reason), str_from(want)) < strlen(w.reason)))
		fprintf(stderr, "reason: %s\n", w.reason);
	CHECK_INT(rpc_client_failure(opened), RPC_UNAUTHENTICATED);
	close_client(opened);
	stop_controller(&c);
	buf_deinit(&c.url);
	buf_deinit(&error);
}

static void test_permissions(struct rpc_identity *controller, struct rpc_identity *operator_, struct rpc_identity *proxy)
{
	struct controller c = {0};
	struct rpc_client_options options = {.identity = operator_};
	struct asked asked;
	struct buf error = {0};
	struct rpc_client *client;

	start_controller(&c, controller, "tcp://127.0.0.1:0");
	check_case("an operator may not call Control");
	client = rpc_client_open(&loop, buf_cstr(&c.url), &options, &error);
	ask(client, &weirlock__v1__control__descriptor, "Goodbye", &asked);
	CHECK_INT(asked.status, RPC_PERMISSION_DENIED);
	close_client(client);
	check_case("a proxy may not call Inspect");
	options.identity = proxy;
	client = rpc_client_open(&loop, buf_cstr(&c.url), &options, &error);
	ask(client, &weirlock__v1__inspect__descriptor, "Status", &asked);
	CHECK_INT(asked.status, RPC_PERMISSION_DENIED);
	check_case("Hello comes first");
	ask(client, &weirlock__v1__control__descriptor, "Goodbye", &asked);
	CHECK_INT(asked.status, RPC_FAILED_PRECONDITION);
	close_client(client);
	stop_controller(&c);
	buf_deinit(&c.url);
	buf_deinit(&error);
}

struct counted {
	struct controller *c;
	uint64_t want;
};

static bool has_garbage(void *data)
{
	struct counted *counted = data;

	return rpc_server_stats(counted->c->server).garbage >= counted->want;
}

static bool is_cut_off(void *data)
{
	return nn_get_statistic(*(int *)data, NN_STAT_BROKEN_CONNECTIONS) > 0;
}

static void test_garbage(struct rpc_identity *controller, struct rpc_identity *proxy)
{
	static const char huge[300 * 1024];
	struct controller c = {0};
	struct proxy p;
	struct pair pair = {&c, &p};
	int fd = nn_socket(AF_SP, NN_REQ), again = nn_socket(AF_SP, NN_REQ);

	check_case("garbage and oversize frames beside a proxy");
	start_controller(&c, controller, "tcp://127.0.0.1:0");
	start_proxy(&p, "p1", proxy, buf_cstr(&c.url));
	publish_hosts(&c, 3, 100, 'a');
	CHECK(wait_for(serves_current, &pair, 5000));
	nn_connect(fd, buf_cstr(&c.url));
	nn_connect(again, buf_cstr(&c.url));
	for (uint64_t i = 1; i <= 3; i++) { /* one after the other: a new request takes the place of one not sent yet */
		nn_send(fd, "GET / HTTP/1.1\r\n\r\n", 18, 0);
		CHECK(wait_for(has_garbage, &(struct counted){&c, i}, 5000));
	}
	nn_send(again, huge, sizeof(huge), 0);
	CHECK(wait_for(is_cut_off, &again, 5000));
	publish_hosts(&c, 3, 100, 'b');
	CHECK(wait_for(serves_current, &pair, 2000));
	nn_close(fd);
	nn_close(again);
	stop_proxy(&p);
	stop_controller(&c);
	buf_deinit(&c.url);
}

static bool run(const char *const argv[])
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

int main(int argc, char **argv)
{
	char directory[] = "/tmp/weirlock-test-XXXXXX", path[128], ours[64], theirs[64], url[128];
	struct rpc_identity *controller, *proxy, *operator_, *stranger;
	uv_timer_t wake;

	if (argc < 2 || !mkdtemp(directory)) {
		fprintf(stderr, "usage: test_channel PATH-OF-deploy/identity\n");
		return 2;
	}
	snprintf(ours, sizeof(ours), "%s/a", directory);
	snprintf(theirs, sizeof(theirs), "%s/b", directory);
	CHECK(run((const char *const[]){argv[1], ours, NULL}) && run((const char *const[]){argv[1], theirs, NULL}));
	log_set_level(LOG_ERROR);
	uv_loop_init(&loop);
	uv_timer_init(&loop, &wake);
	uv_timer_start(&wake, on_wake, 10, 10);
	snprintf(path, sizeof(path), "%s/controller", ours);
	controller = load(path);
	snprintf(path, sizeof(path), "%s/proxy", ours);
	proxy = load(path);
	snprintf(path, sizeof(path), "%s/operator", ours);
	operator_ = load(path);
	snprintf(path, sizeof(path), "%s/proxy", theirs);
	stranger = load(path);

	snprintf(url, sizeof(url), "ipc://%s/socket", directory);
	test_push("in clear over ipc", NULL, NULL, NULL, url);
	test_push("TLS over tcp", controller, operator_, proxy, "tcp://127.0.0.1:0");
	test_refused_handshake("another CA", controller, stranger, "the peer's certificate is not accepted");
	test_refused_handshake("a server that is no controller", proxy, proxy, "which may not be the other end here");
	test_refused_handshake("in clear to a server with TLS", controller, NULL, "TLS");
	test_refused_handshake("TLS to a server in clear", NULL, proxy, "TLS");
	test_permissions(controller, operator_, proxy);
	test_garbage(controller, proxy);

	uv_close((uv_handle_t *)&wake, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&loop), 0);
	rpc_identity_destroy(controller);
	rpc_identity_destroy(proxy);
	rpc_identity_destroy(operator_);
	rpc_identity_destroy(stranger);
	CHECK(run((const char *const[]){"rm", "-rf", directory, NULL}));
	return check_done();
}

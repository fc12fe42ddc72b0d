/* Who may not talk, and what they send instead: refused with a reason, and nobody else is harmed. */
#include <nanomsg/nn.h>
#include <nanomsg/reqrep.h>
#include <stdio.h>

#include "channel.h"

/* Who may not talk: the handshake fails on both sides with a reason. */
static void test_refused_handshake(const char *name, struct rpc_identity *server, struct rpc_identity *client,
	const char *want)
{
	struct controller c = {0};
	struct watcher w = {0};
	struct rpc_client *opened;

	check_case(name);
	start_controller(&c, server, "tcp://127.0.0.1:0");
	opened = open_client(buf_cstr(&c.url), client, 0, &w);
	CHECK(wait_for(has_reason, &w, 5000));
	if (!CHECK(str_find_str(str_from(w.reason), str_from(want)) < strlen(w.reason)))
		fprintf(stderr, "reason: %s\n", w.reason);
	CHECK_INT(rpc_client_failure(opened), RPC_UNAUTHENTICATED);
	close_client(opened);
	stop_controller(&c);
	buf_deinit(&c.url);
}

static void check_status(struct rpc_client *client, const ProtobufCServiceDescriptor *service, const char *method,
	enum rpc_status want)
{
	struct asked asked;

	CHECK_INT(ask(client, service, method, NULL, &asked), want);
	asked_deinit(&asked);
}

static void test_permissions(struct rpc_identity *controller, struct rpc_identity *operator_, struct rpc_identity *proxy)
{
	struct controller c = {0};
	struct rpc_client *client;

	start_controller(&c, controller, "tcp://127.0.0.1:0");
	check_case("an operator may not call Control");
	client = open_client(buf_cstr(&c.url), operator_, 0, NULL);
	check_status(client, &weirlock__v1__control__descriptor, "Goodbye", RPC_PERMISSION_DENIED);
	close_client(client);
	check_case("a proxy may not call Inspect");
	client = open_client(buf_cstr(&c.url), proxy, 0, NULL);
	check_status(client, &weirlock__v1__inspect__descriptor, "Status", RPC_PERMISSION_DENIED);
	check_case("Hello comes first");
	check_status(client, &weirlock__v1__control__descriptor, "Goodbye", RPC_FAILED_PRECONDITION);
	close_client(client);
	stop_controller(&c);
	buf_deinit(&c.url);
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
	start_proxy(&p, "p1", proxy, buf_cstr(&c.url), NULL);
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

int main(int argc, char **argv)
{
	struct identities ids;

	if (argc < 2) {
		fprintf(stderr, "usage: test_channel_strangers PATH-OF-deploy/identity\n");
		return 2;
	}
	channel_begin(&ids, argv[1]);
	test_refused_handshake("another CA", ids.controller, ids.stranger, "the peer's certificate is not accepted");
	test_refused_handshake("a server that is no controller", ids.proxy, ids.proxy, "which may not be the other end here");
	test_refused_handshake("in clear to a server with TLS", ids.controller, NULL, "TLS");
	test_refused_handshake("TLS to a server in clear", NULL, ids.proxy, "TLS");
	test_permissions(ids.controller, ids.operator_, ids.proxy);
	test_garbage(ids.controller, ids.proxy);
	return channel_end(&ids);
}

/*
 * Bytes as a client, over a fake upstream: one path leads to an endpoint of HTTP/1.1, one to an endpoint of gRPC, both of which answer
 * whatever they get. Never a crash, and after the client is gone nothing is left: no exchange, no call, no generation. The first byte
 * says whether HTTP/2 is spoken (its preface is then sent) and in which pieces the rest comes.
 */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn.h"
#include "content.h"
#include "mem.h"
#include "weirlock/v1/snapshot.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ENDPOINTS = 2, MAX_ACCEPTED = 64, MAX_ROUNDS = 400 };

struct accepted {
	int fd;
	bool is_http2;
	uint8_t next_id;
};

static uv_loop_t loop;
static int listeners[ENDPOINTS];
static int ports[ENDPOINTS];
static struct accepted accepted[MAX_ACCEPTED];
static size_t n_accepted;
static struct content *content;

/* --------------------------------------------------------------------------------------------------------- configuration */

static void put_message(Weirlock__V1__Kind kind, const char *name, const ProtobufCMessage *message)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *bytes = mem_alloc(size + 1);

	protobuf_c_message_pack(message, bytes);
	content_put(content, resource_create((uint32_t)kind, str_from(name), str_of(bytes, size)));
	mem_free(bytes);
}

static void put_settings(void)
{
	Weirlock__V1__Settings s = WEIRLOCK__V1__SETTINGS__INIT;
	static char forwarded_for[] = "X-Forwarded-For", forwarded_host[] = "X-Forwarded-Host";

	s.client_header_timeout_ms = s.client_body_timeout_ms = s.keep_alive_ms = 60000;
	s.keep_alive_requests = 1000;
	s.client_header_buffer_bytes = 1024;
	s.large_client_header_count = 4;
	s.large_client_header_bytes = 8192;
	s.ignore_invalid_headers = s.use_http2 = true;
	s.http2_max_concurrent_streams = 8;
	s.http2_connection_memory_bytes = 512 * 1024;
	s.forwarded_for_header = forwarded_for;
	s.forwarded_host_header = forwarded_host;
	s.ssl_protocol_tls12 = s.ssl_protocol_tls13 = true;
	s.ssl_buffer_size_bytes = 4096;
	s.http_redirect_code = 308;
	s.upstream_keepalive_connections = 8;
	s.upstream_keepalive_timeout_ms = 60000;
	s.upstream_keepalive_requests = 100;
	put_message(WEIRLOCK__V1__KIND__KIND_SETTINGS, "", &s.base);
}

static void put_backend(char *name, Weirlock__V1__Protocol protocol, int port)
{
	Weirlock__V1__Backend backend = WEIRLOCK__V1__BACKEND__INIT;
	Weirlock__V1__Endpoints set = WEIRLOCK__V1__ENDPOINTS__INIT;
	Weirlock__V1__Endpoint one = WEIRLOCK__V1__ENDPOINT__INIT, *pointer = &one;
	static uint8_t loopback[4] = {127, 0, 0, 1};
	static char service[] = "default/web", port_name[] = "80";
	char slice[64];

	backend.service = service;
	backend.port = port_name;
	backend.protocol = protocol;
	put_message(WEIRLOCK__V1__KIND__KIND_BACKEND, name, &backend.base);
	one.ip = (ProtobufCBinaryData){4, loopback};
	one.port = (uint32_t)port;
	set.backend = name;
	set.endpoints = &pointer;
	set.n_endpoints = 1;
	snprintf(slice, sizeof(slice), "%s/slice", name);
	put_message(WEIRLOCK__V1__KIND__KIND_ENDPOINTS, slice, &set.base);
}

static void put_host(char *backends[ENDPOINTS])
{
	static char paths[ENDPOINTS][3] = {"/", "/g"}, ingress[] = "default/web", name[] = "_";
	Weirlock__V1__Host host = WEIRLOCK__V1__HOST__INIT;
	Weirlock__V1__Policy policy = WEIRLOCK__V1__POLICY__INIT;
	Weirlock__V1__Route routes[ENDPOINTS], *pointers[ENDPOINTS];

	policy.proxy_connect_timeout_ms = policy.proxy_send_timeout_ms = policy.proxy_read_timeout_ms = 60000;
	policy.next_upstream = WEIRLOCK__V1__NEXT_UPSTREAM__NEXT_UPSTREAM_ERROR;
	policy.next_upstream_tries = 3;
	policy.proxy_body_size_bytes = 1024 * 1024;
	policy.proxy_buffer_size_bytes = 4096;
	policy.proxy_buffers_number = 4;
	for (size_t i = 0; i < ENDPOINTS; i++) {
		weirlock__v1__route__init(&routes[i]);
		routes[i].path = paths[i];
		routes[i].backend = backends[i];
		routes[i].ingress = ingress;
		routes[i].policy = &policy;
		pointers[i] = &routes[i];
	}
	host.name = name;
	host.routes = pointers;
	host.n_routes = ENDPOINTS;
	put_message(WEIRLOCK__V1__KIND__KIND_HOST, name, &host.base);
}

static void listen_on(size_t i)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);

	listeners[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (listeners[i] < 0 || bind(listeners[i], (struct sockaddr *)&at, len) != 0 || listen(listeners[i], 64) != 0 ||
		getsockname(listeners[i], (struct sockaddr *)&at, &len) != 0)
		abort();
	ports[i] = ntohs(at.sin_port);
}

static void prepare(void)
{
	static char plain[] = "ns/plain:80", grpc[] = "ns/grpc:80";
	char *backends[ENDPOINTS] = {plain, grpc};

	if (content)
		return;
	signal(SIGPIPE, SIG_IGN);
	uv_loop_init(&loop);
	for (size_t i = 0; i < ENDPOINTS; i++)
		listen_on(i);
	content = content_create();
	put_settings();
	put_backend(plain, WEIRLOCK__V1__PROTOCOL__PROTOCOL_HTTP, ports[0]);
	put_backend(grpc, WEIRLOCK__V1__PROTOCOL__PROTOCOL_GRPC, ports[1]);
	put_host(backends);
}

/* ------------------------------------------------------------------------------------------------------ the fake upstream */

static void say(const struct accepted *a, const void *bytes, size_t n)
{
	(void)!send(a->fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* 200 (indexed), a message, and trailers: grpc-status: 0. */
static void answer_http2(struct accepted *a)
{
	uint8_t id = a->next_id;
	const uint8_t frames[] = {0, 0, 1, 1, 4, 0, 0, 0, id, 0x88, 0, 0, 5, 0, 0, 0, 0, 0, id, 'h', 'e', 'l', 'l', 'o', 0, 0, 15, 1, 5, 0, 0, 0, id, 0,
		11, 'g', 'r', 'p', 'c', '-', 's', 't', 'a', 't', 'u', 's', 1, '0'};

	say(a, frames, sizeof(frames));
	a->next_id = (uint8_t)(id + 2);
}

static void accept_new(void)
{
	static const uint8_t settings[] = {0, 0, 0, 4, 0, 0, 0, 0, 0};

	for (size_t i = 0; i < ENDPOINTS; i++) {
		int fd;

		while (n_accepted < MAX_ACCEPTED && (fd = accept(listeners[i], NULL, NULL)) >= 0) {
			accepted[n_accepted] = (struct accepted){.fd = fd, .is_http2 = i == 1, .next_id = 1};
			if (i == 1)
				say(&accepted[n_accepted], settings, sizeof(settings));
			n_accepted++;
		}
	}
}

/* A request that wants to upgrade gets its wish, and the first bytes of a tunnel. */
static void answer_http1(const struct accepted *a, struct str came)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
	static const char upgraded[] = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x02hi";

	if (str_find_str(came, STR("\r\nUpgrade: websocket\r\n")) < came.len)
		say(a, upgraded, sizeof(upgraded) - 1);
	else
		say(a, text, sizeof(text) - 1);
}

/* True when anything came. */
static bool answer_all(void)
{
	char space[65536];
	bool came = false;

	accept_new();
	for (size_t i = 0; i < n_accepted; i++) {
		ssize_t n = recv(accepted[i].fd, space, sizeof(space), MSG_DONTWAIT);

		if (n <= 0)
			continue;
		came = true;
		if (accepted[i].is_http2)
			answer_http2(&accepted[i]);
		else
			answer_http1(&accepted[i], str_of(space, (size_t)n));
	}
	return came;
}

/* ------------------------------------------------------------------------------------------------------------- the client */

/* Until nothing more happens. */
static void settle(struct exchange_env *env, int fd)
{
	char space[65536];

	for (int quiet = 0, rounds = 0; quiet < 2 && rounds < MAX_ROUNDS; quiet++, rounds++) {
		laters_run(&env->laters);
		uv_run(&loop, UV_RUN_NOWAIT);
		if (fd >= 0 && recv(fd, space, sizeof(space), MSG_DONTWAIT) > 0)
			quiet = 0;
		if (answer_all())
			quiet = 0;
	}
	laters_run(&env->laters);
}

static void feed(struct exchange_env *env, int fd, const uint8_t *data, size_t size, size_t piece)
{
	while (size) {
		ssize_t sent = send(fd, data, size < piece ? size : piece, MSG_NOSIGNAL | MSG_DONTWAIT);

		settle(env, fd);
		if (sent <= 0)
			return;
		data += sent;
		size -= (size_t)sent;
	}
}

static void close_all(struct exchange_env *env, struct conn_set *set)
{
	conn_cut(set);
	upstream_pool_close(env->pool);
	for (size_t i = 0; i < n_accepted; i++)
		close(accepted[i].fd);
	n_accepted = 0;
	while (set->n_open || upstream_n_open(env->pool)) {
		laters_run(&env->laters);
		uv_run(&loop, UV_RUN_NOWAIT);
	}
	conn_set_deinit(set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";
	static const size_t pieces[] = {4096, 65536, 64, 7};
	struct exchange_env *env = mem_zalloc(sizeof(*env));
	struct conn_set set = {0};
	struct config_errors errors = {0};
	struct addr peer = {.family = 4, .port = 9, .ip = {127, 0, 0, 1}};
	const struct generation *generation;
	uint8_t what = size ? data[0] : 0;
	int pair[2];

	prepare();
	env_init(env, &loop, 1, NULL);
	generation = config_compile(content, NULL, &errors);
	for (size_t i = 0; i < errors.n; i++)
		fprintf(stderr, "%.*s: %.*s\n", STR_ARG(errors.items[i].name), STR_ARG(errors.items[i].reason));
	if (!generation)
		abort();
	env_set_generation(env, generation);
	config_errors_deinit(&errors);
	conn_set_init(&set, env);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0)
		abort();
	conn_open(&set, pair[0], NULL, &peer, &peer);
	if (what & 1)
		feed(env, pair[1], (const uint8_t *)preface, sizeof(preface) - 1, 4096); /* the input begins with the last byte of SETTINGS */
	if (size > 1)
		feed(env, pair[1], data + 1, size - 1, pieces[what >> 1 & 3]);
	close(pair[1]);
	settle(env, -1);
	close_all(env, &set);
	if (upstream_n_calls(env->pool) || env->tunnels)
		abort();
	env_deinit(env);
	mem_free(env);
	if (generation_live_count())
		abort();
	return 0;
}

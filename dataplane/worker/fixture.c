/* The scripted ends of a proxy under test. */
#include "fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"
#include "spill.h"

static void must(bool claim, const char *what)
{
	if (claim)
		return;
	fprintf(stderr, "fixture: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ----------------------------------------------------------------------------------------------------------- the proxy */

static void on_served(void *data)
{
	struct fixture *f = data;

	f->n_served++;
}

static void on_drained(void *data)
{
	struct fixture *f = data;

	f->is_drained = true;
}

static void default_settings(Weirlock__V1__Settings *s)
{
	static char forwarded_for[] = "X-Forwarded-For", forwarded_host[] = "X-Forwarded-Host";

	weirlock__v1__settings__init(s);
	s->client_header_timeout_ms = s->client_body_timeout_ms = 60000;
	s->keep_alive_ms = 75000;
	s->keep_alive_requests = 1000;
	s->client_header_buffer_bytes = 1024;
	s->large_client_header_count = 4;
	s->large_client_header_bytes = 8192;
	s->enable_underscores_in_headers = s->ignore_invalid_headers = s->generate_request_id = true;
	s->forwarded_for_header = forwarded_for;
	s->forwarded_host_header = forwarded_host;
	s->ssl_protocol_tls12 = s->ssl_protocol_tls13 = true;
	s->ssl_buffer_size_bytes = 4096;
	s->http_redirect_code = 308;
	s->upstream_keepalive_connections = 320;
	s->upstream_keepalive_timeout_ms = 60000;
	s->upstream_keepalive_requests = 10000;
	s->upstream_keepalive_time_ms = 3600000;
	s->enable_access_log = true;
	s->worker_shutdown_timeout_ms = 240000;
}

void fixture_start(struct fixture *f, unsigned n_workers)
{
	struct addr any = {.family = 4, .ip = {127, 0, 0, 1}};
	struct buf error = {0};
	struct workers_options options = {
		.n_workers = n_workers,
		.http = &any,
		.n_http = 1,
		.https = &any,
		.n_https = 1,
		.body_directory_fd = spill_open_directory("/tmp"),
		.body_bytes = FIXTURE_BODY_ROOM,
		.data = f,
		.on_served = on_served,
		.on_drained = on_drained,
	};

	signal(SIGPIPE, SIG_IGN);
	memset(f, 0, sizeof(*f));
	uv_loop_init(&f->loop);
	must(pipe2(f->log_pipe, O_NONBLOCK | O_CLOEXEC) == 0, "pipe");
	accesslog_sink_init(&f->sink, f->log_pipe[1]);
	options.sink = &f->sink;
	f->workers = workers_create(&f->loop, &options, &error);
	if (!f->workers)
		fprintf(stderr, "%s\n", buf_cstr(&error));
	must(f->workers != NULL, "workers_create");
	f->http = *workers_http(f->workers, 0);
	f->https = *workers_https(f->workers, 0);
	f->content = content_create();
	default_settings(&f->settings);
	fixture_put_settings(f);
}

void fixture_stop(struct fixture *f)
{
	workers_destroy(f->workers);
	if (f->generation)
		generation_unref(&f->generation);
	content_destroy(f->content);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&f->loop), 0);
	CHECK_INT(generation_live_count(), 0);
	close(f->log_pipe[0]);
	close(f->log_pipe[1]);
}

static void put_message(struct fixture *f, Weirlock__V1__Kind kind, const char *name, const ProtobufCMessage *message)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *bytes = mem_alloc(size + 1);

	protobuf_c_message_pack(message, bytes);
	content_put(f->content, resource_create((uint32_t)kind, str_from(name), str_of(bytes, size)));
	mem_free(bytes);
}

void fixture_put_settings(struct fixture *f)
{
	put_message(f, WEIRLOCK__V1__KIND__KIND_SETTINGS, "", &f->settings.base);
}

void fixture_put_backend(struct fixture *f, const char *name, const int *ports, size_t n)
{
	Weirlock__V1__Backend backend = WEIRLOCK__V1__BACKEND__INIT;
	Weirlock__V1__Endpoints set = WEIRLOCK__V1__ENDPOINTS__INIT;
	Weirlock__V1__Endpoint items[16], *pointers[16];
	static uint8_t loopback[4] = {127, 0, 0, 1};
	char slice[256], *backend_name = mem_strdup(str_from(name));
	static char service[] = "default/web", port[] = "80";

	backend.service = service;
	backend.port = port;
	backend.protocol = f->protocol;
	put_message(f, WEIRLOCK__V1__KIND__KIND_BACKEND, name, &backend.base);
	for (size_t i = 0; i < n; i++) {
		weirlock__v1__endpoint__init(&items[i]);
		items[i].ip.data = loopback;
		items[i].ip.len = 4;
		items[i].port = (uint32_t)ports[i];
		pointers[i] = &items[i];
	}
	set.backend = backend_name;
	set.endpoints = pointers;
	set.n_endpoints = n;
	snprintf(slice, sizeof(slice), "%s/slice", name);
	put_message(f, WEIRLOCK__V1__KIND__KIND_ENDPOINTS, slice, &set.base);
	mem_free(backend_name);
}

void fixture_policy(Weirlock__V1__Policy *p)
{
	weirlock__v1__policy__init(p);
	p->proxy_connect_timeout_ms = 5000;
	p->proxy_send_timeout_ms = p->proxy_read_timeout_ms = 60000;
	p->ssl_redirect = true;
	p->next_upstream = WEIRLOCK__V1__NEXT_UPSTREAM__NEXT_UPSTREAM_ERROR |
		WEIRLOCK__V1__NEXT_UPSTREAM__NEXT_UPSTREAM_TIMEOUT;
	p->next_upstream_tries = 3;
	p->proxy_body_size_bytes = FIXTURE_BODY_SIZE;
	p->proxy_buffer_size_bytes = 4096;
	p->client_body_buffer_bytes = 8192;
	p->proxy_buffers_number = 4;
}

void fixture_put_host(struct fixture *f, Weirlock__V1__Host *host)
{
	put_message(f, WEIRLOCK__V1__KIND__KIND_HOST, host->name, &host->base);
}

void fixture_put_simple_host(struct fixture *f, const char *name, const char *backend, Weirlock__V1__Policy *policy)
{
	Weirlock__V1__Host host = WEIRLOCK__V1__HOST__INIT;
	Weirlock__V1__Route route = WEIRLOCK__V1__ROUTE__INIT, *routes = &route;
	Weirlock__V1__Policy defaults;
	char *host_name = mem_strdup(str_from(name)), *backend_name = mem_strdup(str_from(backend));
	static char root[] = "/", ingress[] = "default/web";

	fixture_policy(&defaults);
	route.path = root;
	route.backend = backend_name;
	route.ingress = ingress;
	route.policy = policy ? policy : &defaults;
	host.name = host_name;
	host.routes = &routes;
	host.n_routes = 1;
	fixture_put_host(f, &host);
	mem_free(host_name);
	mem_free(backend_name);
}

static void make_certificate(const char *dns_name, EVP_PKEY **out_key, X509 **out)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_NAME_add_entry_by_txt(
		X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)dns_name, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	X509_set_pubkey(x, key);
	X509_sign(x, key, EVP_sha256());
	*out_key = key;
	*out = x;
}

SSL_CTX *backend_tls(void)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key;
	X509 *x;

	make_certificate("backend", &key, &x);
	SSL_CTX_use_certificate(context, x);
	SSL_CTX_use_PrivateKey(context, key);
	X509_free(x);
	EVP_PKEY_free(key);
	return context;
}

/* Makes a key and a certificate on the spot. */
void fixture_put_certificate(struct fixture *f, const char *name, const char *dns_name)
{
	Weirlock__V1__Certificate message = WEIRLOCK__V1__CERTIFICATE__INIT;
	EVP_PKEY *key;
	X509 *x;
	BIO *chain = BIO_new(BIO_s_mem()), *pem = BIO_new(BIO_s_mem());
	char *dns = mem_strdup(str_from(dns_name)), *bytes;

	make_certificate(dns_name, &key, &x);
	PEM_write_bio_X509(chain, x);
	PEM_write_bio_PrivateKey(pem, key, NULL, NULL, 0, NULL, NULL);
	message.chain_pem.len = (size_t)BIO_get_mem_data(chain, &bytes);
	message.chain_pem.data = (uint8_t *)bytes;
	message.key_pem.len = (size_t)BIO_get_mem_data(pem, &bytes);
	message.key_pem.data = (uint8_t *)bytes;
	message.names = &dns;
	message.n_names = 1;
	put_message(f, WEIRLOCK__V1__KIND__KIND_CERTIFICATE, name, &message.base);
	BIO_free(chain);
	BIO_free(pem);
	X509_free(x);
	EVP_PKEY_free(key);
	mem_free(dns);
}

void fixture_apply(struct fixture *f)
{
	struct config_errors errors = {0};
	struct generation *g = config_compile(f->content, f->generation, &errors);
	unsigned want = f->n_served + 1;
	uint64_t until = clock_mono_ms() + FIXTURE_WAIT_MS;

	for (size_t i = 0; i < errors.n; i++)
		fprintf(stderr, "refused: %.*s: %.*s\n", STR_ARG(errors.items[i].name), STR_ARG(errors.items[i].reason));
	must(g != NULL, "config_compile");
	config_errors_deinit(&errors);
	if (f->generation)
		generation_unref(&f->generation);
	f->generation = generation_ref(g);
	workers_apply(f->workers, g);
	while (f->n_served < want && clock_mono_ms() < until)
		uv_run(&f->loop, UV_RUN_ONCE);
	must(f->n_served == want, "every worker serves the generation");
}

void fixture_wait(struct fixture *f, const bool *done)
{
	uint64_t until = clock_mono_ms() + FIXTURE_WAIT_MS;

	while (!*done && clock_mono_ms() < until)
		uv_run(&f->loop, UV_RUN_NOWAIT);
	CHECK(*done);
}

bool fixture_wait_metric(struct fixture *f, size_t offset_in_metrics, uint64_t want)
{
	uint64_t until = clock_mono_ms() + FIXTURE_WAIT_MS, sum;

	do {
		size_t n;
		const struct metrics *const *all = workers_metrics(f->workers, &n);

		sum = 0;
		for (size_t i = 0; i < n; i++)
			sum += metrics_read((const metric *)(const void *)((const char *)all[i] + offset_in_metrics));
		if (sum == want)
			return true;
		poll(NULL, 0, 1);
	} while (clock_mono_ms() < until);
	return CHECK_INT(sum, want);
}

/* ------------------------------------------------------------------------------------------------------------- sockets */

static bool wait_readable(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, ms) == 1;
}

int backend_listen(int *port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(to);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(bind(fd, (struct sockaddr *)&to, size) == 0 && listen(fd, 64) == 0, "backend");
	getsockname(fd, (struct sockaddr *)&to, &size);
	*port = ntohs(to.sin_port);
	return fd;
}

int backend_accept(int listener)
{
	return wait_readable(listener, FIXTURE_WAIT_MS) ? accept4(listener, NULL, NULL, SOCK_CLOEXEC) : -1;
}

bool backend_is_asked(int listener, int ms)
{
	return wait_readable(listener, ms);
}

int client_connect(const struct addr *to)
{
	struct sockaddr_storage sa;
	socklen_t size = addr_to_sockaddr(to, &sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(connect(fd, (struct sockaddr *)&sa, size) == 0, "connect");
	return fd;
}

void put_bytes(int fd, const void *bytes, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = send(fd, (const char *)bytes + done, len - done, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		done += (size_t)n;
	}
}

void put(int fd, const char *text)
{
	put_bytes(fd, text, strlen(text));
}

static char taken[4 * 1024 * 1024];

static size_t take_some(int fd, size_t have, size_t want)
{
	ssize_t n;

	if (!wait_readable(fd, FIXTURE_WAIT_MS))
		return 0;
	n = recv(fd, taken + have, want, 0);
	return n > 0 ? (size_t)n : 0;
}

const char *take_until(int fd, const char *end)
{
	size_t have = 0;

	taken[0] = '\0';
	while (have < sizeof(taken) - 1 && !strstr(taken, end)) {
		size_t n = take_some(fd, have, 1);

		if (!n)
			return "";
		have += n;
		taken[have] = '\0';
	}
	return taken;
}

const char *take(int fd, size_t n)
{
	size_t have = 0, more = 1;

	while (have < n && more) {
		more = take_some(fd, have, n - have);
		have += more;
	}
	taken[have] = '\0';
	return taken;
}

const char *take_all(int fd)
{
	size_t have = 0, more = 1;

	while (have < sizeof(taken) - 1 && more) {
		more = take_some(fd, have, sizeof(taken) - 1 - have);
		have += more;
	}
	taken[have] = '\0';
	return taken;
}

bool is_closed(int fd)
{
	char byte;

	return wait_readable(fd, FIXTURE_WAIT_MS) && recv(fd, &byte, 1, 0) <= 0;
}

bool is_quiet(int fd, int ms)
{
	return !wait_readable(fd, ms);
}

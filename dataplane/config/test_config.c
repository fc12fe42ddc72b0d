/* What is refused and why, what is shared between generations, how endpoints are merged (H2), which numbers backends get. */
#include "config.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>

#include "check.h"
#include "clientaddr.h"
#include "clock.h"
#include "test_content.h"
#include "tls.h"

#define KIND(x) WEIRLOCK__V1__KIND__KIND_##x

static const struct generation *compile(struct content *c, const struct generation *before)
{
	struct config_errors errors = {0};
	const struct generation *g = config_compile(c, before, &errors);

	for (size_t i = 0; i < errors.n; i++)
		fprintf(stderr, "%.*s: %.*s\n", STR_ARG(errors.items[i].name), STR_ARG(errors.items[i].reason));
	CHECK(g != NULL);
	config_errors_deinit(&errors);
	return g;
}

static void put_backend(struct content *c, const char *name)
{
	Weirlock__V1__Backend b = WEIRLOCK__V1__BACKEND__INIT;

	put_message(c, KIND(BACKEND), name, &b);
}

/* "1 2! 3": last address bytes; '!' marks terminating ones. */
static void put_endpoints(struct content *c, const char *name, char *backend, const char *list)
{
	Weirlock__V1__Endpoints e = WEIRLOCK__V1__ENDPOINTS__INIT;
	Weirlock__V1__Endpoint endpoints[16], *items[16];
	uint8_t ips[16][4];
	struct str rest = str_from(list), piece;

	e.backend = backend;
	e.endpoints = items;
	while (str_next(&rest, ' ', &piece)) {
		size_t i = e.n_endpoints++;
		bool is_terminating = str_ends_with(piece, STR("!"));
		uint64_t last = 0;

		CHECK(str_to_u64(str_first(piece, piece.len - is_terminating), 255, &last));
		memcpy(ips[i], (uint8_t[]){10, 0, 0, (uint8_t)last}, 4);
		weirlock__v1__endpoint__init(&endpoints[i]);
		endpoints[i].ip = (ProtobufCBinaryData){4, ips[i]};
		endpoints[i].port = 80;
		endpoints[i].state = is_terminating;
		items[i] = &endpoints[i];
	}
	put_message(c, KIND(ENDPOINTS), name, &e);
}

static const struct backend *find_backend(const struct generation *g, const char *name)
{
	size_t cursor = 0;
	const struct backend *b;

	while ((b = generation_next_backend(g, &cursor))) {
		if (str_eq(b->name, str_from(name)))
			return b;
	}
	return NULL;
}

/* ---------------------------------------------------------------------------------------------------------- TCP services */

static void refuse_tcp(const char *name, uint32_t port, char *backend, const char *reason);

/* A50: found by port, its backend by number, whether that is there or not. */
static void test_tcp_services(void)
{
	Weirlock__V1__TcpService t = WEIRLOCK__V1__TCP_SERVICE__INIT;
	struct content *c = content_create();
	const struct generation *g;
	const struct tcp_service *found;
	size_t cursor = 0, n = 0;

	put_settings(c);
	put_backend(c, "a/db:1");
	put_endpoints(c, "a/db:1/x", (char[]){"a/db:1"}, "1");
	t.backend = (char[]){"a/db:1"};
	t.port = 5432;
	t.decodes_proxy = true;
	put_message(c, KIND(TCP_SERVICE), "5432", &t);
	t.backend = (char[]){"a/gone:1"};
	t.port = 65535;
	put_message(c, KIND(TCP_SERVICE), "65535", &t);
	g = compile(c, NULL);
	found = generation_find_tcp(g, 5432);
	CHECK(found && found->decodes_proxy && !found->encodes_proxy);
	CHECK(generation_backend_at(g, found->backend_index) == find_backend(g, "a/db:1"));
	found = generation_find_tcp(g, 65535);
	CHECK(found && !generation_backend_at(g, found->backend_index));
	CHECK(!generation_find_tcp(g, 5433) && !generation_find_tcp(g, 0));
	while (generation_next_tcp(g, &cursor))
		n++;
	CHECK(n == 2);
	generation_unref(&g);
	content_destroy(c);
	refuse_tcp("5432", 5433, (char[]){"a/db:1"}, "port: is not what the resource is named for");
	refuse_tcp("05432", 5432, (char[]){"a/db:1"}, "port: is not what the resource is named for");
	refuse_tcp("0", 0, (char[]){"a/db:1"}, "port: 0 is not within 1 to 65535");
	refuse_tcp("65536", 65536, (char[]){"a/db:1"}, "port: 65536 is not within 1 to 65535");
	refuse_tcp("5432", 5432, (char[]){""}, "backend: is empty");
}

/* --------------------------------------------------------------------------------------------------------- zones */

/* "a,b": zones of endpoint 1, 2, …, a letter each, "-" for none; those of `zone` that stay. */
static void expect_near(const char *name, char *hash_by, const char *hints, const char *zone, const char *want)
{
	Weirlock__V1__Endpoints e = WEIRLOCK__V1__ENDPOINTS__INIT;
	Weirlock__V1__Endpoint endpoints[8], *items[8];
	Weirlock__V1__Backend b = WEIRLOCK__V1__BACKEND__INIT;
	struct content *c = content_create();
	struct config_errors errors = {0};
	char zones[8][2] = {{0}}, *for_zones[8], backend[] = "a/b:80";
	uint8_t ips[8][4];
	const struct generation *g;
	struct buf got = {0};

	check_case(name);
	for (size_t i = 0; hints[i]; i++) {
		zones[i][0] = hints[i];
		for_zones[i] = zones[i];
		memcpy(ips[i], (uint8_t[]){10, 0, 0, (uint8_t)(i + 1)}, 4);
		weirlock__v1__endpoint__init(&endpoints[i]);
		endpoints[i].ip = (ProtobufCBinaryData){4, ips[i]};
		endpoints[i].port = 80;
		endpoints[i].for_zones = &for_zones[i];
		endpoints[i].n_for_zones = hints[i] != '-';
		items[i] = &endpoints[i];
		e.n_endpoints++;
	}
	e.backend = backend;
	e.endpoints = items;
	b.hash_by = hash_by;
	put_settings(c);
	put_message(c, KIND(BACKEND), backend, &b);
	put_message(c, KIND(ENDPOINTS), "a/b:80/x", &e);
	g = config_compile_in_zone(c, NULL, str_from(zone), &errors);
	if (CHECK(g)) {
		const struct backend *found = find_backend(g, backend);

		for (size_t i = 0; i < found->n_endpoints; i++)
			buf_printf(&got, "%u", found->endpoints[i].addr.ip[3]);
		CHECK_STR(buf_str(&got), str_from(want));
		generation_unref(&g);
	}
	buf_deinit(&got);
	content_destroy(c);
}

static void test_zones(void)
{
	char none[] = "", uri[] = "$uri";

	expect_near("H7: those for the zone", none, "abab", "a", "13");
	expect_near("H7: one without a hint, and all stay", none, "ab-b", "a", "1234");
	expect_near("none for the zone: all", none, "bbb", "a", "123");
	expect_near("a proxy without a zone: all", none, "abab", "", "1234");
	expect_near("what must be chosen alike everywhere: all", uri, "abab", "a", "1234");
}

/* -------------------------------------------------------------------------------------------------------- refusals */

static void expect_refusal(struct content *c, uint32_t kind, const char *name, const char *reason)
{
	struct config_errors errors = {0};

	CHECK(!config_compile(c, NULL, &errors));
	if (CHECK(errors.n >= 1)) {
		CHECK_INT(errors.items[0].kind, kind);
		CHECK_STR(errors.items[0].name, str_from(name));
		if (!CHECK(str_find_str(errors.items[0].reason, str_from(reason)) < errors.items[0].reason.len))
			fprintf(stderr, "got: %.*s\n", STR_ARG(errors.items[0].reason));
	}
	config_errors_deinit(&errors);
	content_destroy(c);
	CHECK_INT(generation_live_count(), 0);
}

static void refuse_tcp(const char *name, uint32_t port, char *backend, const char *reason)
{
	Weirlock__V1__TcpService t = WEIRLOCK__V1__TCP_SERVICE__INIT;
	struct content *c = content_create();

	t.port = port;
	t.backend = backend;
	put_settings(c);
	put_message(c, KIND(TCP_SERVICE), name, &t);
	expect_refusal(c, KIND(TCP_SERVICE), name, reason);
}

static void refuse_settings(const char *reason, Weirlock__V1__Settings *s)
{
	struct content *c = content_create();

	check_case(reason);
	put_message(c, KIND(SETTINGS), "", s);
	expect_refusal(c, KIND(SETTINGS), "", reason);
}

static void test_bad_settings(void)
{
	uint8_t ip[16] = {10, 0, 0, 1}, v6[16] = {0x20, 1, 0xd, 0xb8};
	Weirlock__V1__Cidr cidr = WEIRLOCK__V1__CIDR__INIT, *cidrs[] = {&cidr};
	Weirlock__V1__Header header = WEIRLOCK__V1__HEADER__INIT, *headers[] = {&header};
	char text[][32] = {"a b", "X-A", "v\r\nEvil: 1", "content-length", "bad:name", ""};
	static const struct {
		const char *reason;
		unsigned len, prefix;
	} networks[] = {{"neither 4 nor 16", 5, 8}, {"is not within 0 to 32", 4, 33}, {"bits set", 4, 8}};

	for (size_t i = 0; i < CHECK_COUNT(networks); i++) {
		Weirlock__V1__Settings s = WEIRLOCK__V1__SETTINGS__INIT;

		cidr.ip = (ProtobufCBinaryData){networks[i].len, ip};
		cidr.prefix = networks[i].prefix;
		s.proxy_real_ip_cidr = cidrs;
		s.n_proxy_real_ip_cidr = 1;
		refuse_settings(networks[i].reason, &s);
	}
	(void)v6;
#define BAD(reason, field, value)                                             \
	do {                                                                  \
		Weirlock__V1__Settings s = WEIRLOCK__V1__SETTINGS__INIT;      \
		s.field = (value);                                            \
		refuse_settings(reason, &s);                                  \
	} while (0)
	BAD("forwarded_for_header: is not a field name", forwarded_for_header, text[0]);
	BAD("http_redirect_code: is not 301", http_redirect_code, 305);
	BAD("ssl_buffer_size_bytes: 100 is not within", ssl_buffer_size_bytes, 100);
	BAD("large_client_header_count", large_client_header_count, 100000);
	BAD("access_log_path: holds a control byte", access_log_path, text[2]);
	BAD("stream_access_log_path: holds a control byte", stream_access_log_path, text[2]);
#undef BAD
	for (unsigned i = 0; i < 4; i++) {
		static const char *const reasons[] = {"add_headers[0].value: holds a control byte",
			"add_headers[0].name: is a field that the proxy", "add_headers[0].name: is not a field name",
			"add_headers[0].name: is empty"};
		Weirlock__V1__Settings s = WEIRLOCK__V1__SETTINGS__INIT;

		header.name = text[i == 0 ? 1 : i == 1 ? 3 : i == 2 ? 4 : 5];
		header.value = text[i == 0 ? 2 : 1];
		s.add_headers = headers;
		s.n_add_headers = 1;
		refuse_settings(reasons[i], &s);
	}
}

static void refuse_host(const char *reason, Weirlock__V1__Host *h)
{
	struct content *c = content_create();

	check_case(reason);
	put_settings(c);
	put_message(c, KIND(HOST), "h", h);
	expect_refusal(c, KIND(HOST), "h", reason);
}

static void refuse_route(const char *reason, Weirlock__V1__Route *r)
{
	Weirlock__V1__Host h = WEIRLOCK__V1__HOST__INIT;
	Weirlock__V1__Route ok = WEIRLOCK__V1__ROUTE__INIT, *routes[] = {&ok, r};
	char name[] = "h", slash[] = "/";

	ok.path = slash;
	h.name = name;
	h.routes = routes;
	h.n_routes = 2;
	refuse_host(reason, &h);
}

static void test_bad_hosts(void)
{
	char name[] = "h", other[] = "i", slash[] = "/", relative[] = "foo", bad_regex[] = "/(", bad_alias[] = "~(", *aliases[] = {bad_alias};
	char evil[] = "http://x/\r\nEvil: 1", upgrade[] = "upgrade", spaced[] = "a b", *spaced_aliases[] = {spaced};
	Weirlock__V1__Host h;
	Weirlock__V1__Route r;
	Weirlock__V1__Policy p = WEIRLOCK__V1__POLICY__INIT;

#define HOST(reason, ...)                                \
	do {                                             \
		weirlock__v1__host__init(&h);            \
		h.name = name;                           \
		__VA_ARGS__;                             \
		refuse_host(reason, &h);                 \
	} while (0)
	HOST("name: is not that of the resource", h.name = other);
	HOST("app_root: does not begin with a slash", h.app_root = relative);
	HOST("aliases[0].alias: bad regular expression", h.aliases = aliases; h.n_aliases = 1);
	HOST("aliases[0].alias: is not a server name", h.aliases = spaced_aliases; h.n_aliases = 1);
#undef HOST
#define ROUTE(reason, ...)                               \
	do {                                             \
		weirlock__v1__route__init(&r);           \
		weirlock__v1__policy__init(&p);          \
		r.path = slash;                          \
		r.policy = &p;                           \
		__VA_ARGS__;                             \
		refuse_route(reason, &r);                \
	} while (0)
	ROUTE("routes[1].path: does not begin with a slash", r.path = relative);
	ROUTE("routes[1].path_type: is unknown", r.path_type = 9);
	ROUTE("routes[1].path: bad regular expression", r.path = bad_regex; r.path_type = WEIRLOCK__V1__PATH_TYPE__PATH_TYPE_REGEX);
	ROUTE("routes[1].fixed_status: 200 is not within", r.fixed_status = 200);
	ROUTE("routes[1].policy.redirect_url: holds a control byte", p.redirect_url = evil);
	ROUTE("routes[1].policy.redirect_code: 200 is not within", p.redirect_code = 200);
	ROUTE("routes[1].policy.send_proxy_protocol: 3 is not within", p.send_proxy_protocol = 3);
	ROUTE("routes[1].policy.rewrite_target: holds a control byte", p.rewrite_target = evil);
	ROUTE("routes[1].policy.connection_proxy_header", p.connection_proxy_header = upgrade);
#undef ROUTE
}

static void test_bad_others(void)
{
	struct content *c = content_create();
	Weirlock__V1__Backend b = WEIRLOCK__V1__BACKEND__INIT;
	char other[] = "other";

	check_case("no Settings");
	expect_refusal(c, KIND(SETTINGS), "", "is missing");
	check_case("a body that does not decode");
	c = content_create();
	put_settings(c);
	content_put(c, resource_create(KIND(BACKEND), STR("b"), str_of("\x0a\x05x", 3)));
	expect_refusal(c, KIND(BACKEND), "b", "body: malformed");
	check_case("a string with NUL");
	c = content_create();
	put_settings(c);
	content_put(c, resource_create(KIND(BACKEND), STR("b"), str_of("\x0a\x02x\0", 4)));
	expect_refusal(c, KIND(BACKEND), "b", "body: a string holds a NUL byte");
	check_case("an enum out of range");
	c = content_create();
	put_settings(c);
	b.protocol = 77;
	put_message(c, KIND(BACKEND), "b", &b);
	expect_refusal(c, KIND(BACKEND), "b", "protocol: 77");
	check_case("endpoints of another name");
	c = content_create();
	put_settings(c);
	put_endpoints(c, "b/slice", other, "1");
	expect_refusal(c, KIND(ENDPOINTS), "b/slice", "backend: is not what");
	check_case("no kind");
	c = content_create();
	put_settings(c);
	content_put(c, resource_create(0, STR("x"), STR("")));
	expect_refusal(c, 0, "x", "without a kind");
	check_case("at most so many errors");
	c = content_create();
	put_settings(c);
	for (unsigned i = 0; i < 200; i++) {
		char name[16];

		content_put(c, resource_create(KIND(BACKEND), str_of(name, (size_t)snprintf(name, sizeof(name), "b%u", i)), STR("\x0a")));
	}
	expect_refusal(c, KIND(BACKEND), "b0", "malformed");
}

/* ------------------------------------------------------------------------------------------------------- endpoints */

static void test_endpoints(void)
{
	static const struct {
		const char *name, *one, *two, *want;
	} cases[] = {
		{"H2 merged and sorted", "3 1", "2", "1 2 3"},
		{"H2 duplicates", "1 2", "2 3", "1 2 3"},
		{"ready ones alone", "1 2!", "3!", "1"},
		{"terminating when none is ready", "1! 2!", "3!", "1! 2! 3!"},
		{"ready wins over terminating", "1!", "1", "1"},
		{"none", "", "", ""},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct content *c = content_create();
		char name[] = "b";
		const struct generation *g;
		const struct backend *b;
		struct buf got;

		check_case(cases[i].name);
		buf_init(&got, 0);
		put_settings(c);
		put_backend(c, "b");
		put_endpoints(c, "b/1", name, cases[i].one);
		put_endpoints(c, "b/2", name, cases[i].two);
		g = compile(c, NULL);
		b = find_backend(g, "b");
		for (size_t k = 0; b && k < b->n_endpoints; k++)
			buf_printf(&got, "%s%u%s", k ? " " : "", b->endpoints[k].addr.ip[3], b->endpoints[k].is_terminating ? "!" : "");
		CHECK_STR(buf_str(&got), str_from(cases[i].want));
		buf_deinit(&got);
		generation_unref(&g);
		content_destroy(c);
	}
}

/* ----------------------------------------------------------------------------------------- sharing, numbers, absence */

static void test_sharing(void)
{
	struct content *c = content_create();
	char one[] = "one", host[] = "h", slash[] = "/", *root[] = {slash};
	const struct generation *g, *next;
	const struct host *h;
	const struct backend *b, *other;
	unsigned index;

	check_case("what did not change is the same object");
	put_settings(c);
	put_host(c, host, root, 1, NULL, 0, one);
	put_backend(c, "one");
	put_backend(c, "two");
	put_endpoints(c, "one/1", one, "1 2");
	g = compile(c, NULL);
	h = generation_find_host(g, STR("h"));
	b = generation_backend(g, &h->routes[0]);
	other = find_backend(g, "two");
	CHECK(b && b->n_endpoints == 2 && str_eq(b->name, STR("one")));
	index = b->index;
	put_endpoints(c, "one/1", one, "1 2 3");
	next = compile(c, g);
	CHECK(generation_find_host(next, STR("h")) == h);
	CHECK(generation_backend(next, &h->routes[0]) != b);
	CHECK_INT(generation_backend(next, &h->routes[0])->n_endpoints, 3);
	CHECK_INT(generation_backend(next, &h->routes[0])->index, index);
	CHECK_INT(b->n_endpoints, 2);
	CHECK(find_backend(next, "two") == other);
	CHECK(generation_tls(next) == generation_tls(g));
	CHECK_INT(generation_live_count(), 2);
	generation_unref(&g);
	CHECK(!g);

	check_case("a backend that is gone is a 503, not a refusal, and its number comes back with it");
	content_drop(c, KIND(BACKEND), STR("one"));
	g = next;
	next = compile(c, g);
	generation_unref(&g);
	CHECK(!generation_backend(next, &generation_find_host(next, STR("h"))->routes[0]));
	put_backend(c, "one");
	put_backend(c, "three");
	g = next;
	next = compile(c, g);
	generation_unref(&g);
	CHECK_INT(find_backend(next, "one")->index, index);
	CHECK(find_backend(next, "three")->index != index);

	check_case("a free number is used again");
	index = find_backend(next, "three")->index;
	content_drop(c, KIND(BACKEND), STR("three"));
	g = next;
	next = compile(c, g);
	generation_unref(&g);
	put_backend(c, "four");
	g = next;
	next = compile(c, g);
	generation_unref(&g);
	CHECK_INT(find_backend(next, "four")->index, index);

	check_case("a refused generation changes nothing");
	content_put(c, resource_create(KIND(BACKEND), STR("bad"), STR("\x0a")));
	{
		struct config_errors errors = {0};

		CHECK(!config_compile(c, next, &errors));
		config_errors_deinit(&errors);
	}
	CHECK_INT(generation_live_count(), 1);
	CHECK(find_backend(next, "four") != NULL);
	generation_unref(&next);
	content_destroy(c);
	CHECK_INT(generation_live_count(), 0);
}

static void test_settings(void)
{
	struct content *c = content_create();
	Weirlock__V1__Settings s = WEIRLOCK__V1__SETTINGS__INIT;
	uint8_t ip[] = {10, 0, 0, 0};
	Weirlock__V1__Cidr cidr = WEIRLOCK__V1__CIDR__INIT, *cidrs[] = {&cidr, &cidr};
	char header[] = "CF-Connecting-IP", backend[] = "d";
	const struct generation *g;

	check_case("settings and trust rules arrive");
	cidr.ip = (ProtobufCBinaryData){4, ip};
	cidr.prefix = 8;
	s.proxy_real_ip_cidr = cidrs;
	s.n_proxy_real_ip_cidr = 2;
	s.forwarded_for_header = header;
	s.use_forwarded_headers = true;
	s.keep_alive_ms = 0;
	s.worker_no_shutdown_timeout = true;
	s.default_backend = backend;
	put_message(c, KIND(SETTINGS), "", &s);
	put_backend(c, "d");
	put_endpoints(c, "d/1", backend, "1");
	g = compile(c, NULL);
	CHECK_INT(generation_clientaddr_rules(g)->trusted->n, 1); /* duplicates are gone */
	CHECK(generation_clientaddr_rules(g)->use_forwarded_headers);
	CHECK_STR(generation_clientaddr_rules(g)->forwarded_for_header, STR("CF-Connecting-IP"));
	CHECK_INT(generation_settings(g)->client_header_timeout_ms, 60000);
	CHECK_INT(generation_settings(g)->keep_alive_ms, 0);
	CHECK_INT(generation_settings(g)->worker_shutdown_timeout_ms, 0);
	CHECK_INT(generation_settings(g)->http_redirect_code, 308);
	CHECK(generation_default_backend(g) == find_backend(g, "d"));
	generation_unref(&g);
	check_case("D4 endpoints of the default backend are gone: the built-in page");
	content_drop(c, KIND(ENDPOINTS), STR("d/1"));
	g = compile(c, NULL);
	CHECK(!generation_default_backend(g));
	generation_unref(&g);
	content_destroy(c);
}

/* ----------------------------------------------------------------------------------------------------- certificates */

static ProtobufCBinaryData take_pem(BIO *bio)
{
	char *data;
	size_t len = (size_t)BIO_get_mem_data(bio, &data);
	ProtobufCBinaryData out = {len, mem_alloc(len + 1)};

	memcpy(out.data, data, len);
	BIO_free(bio);
	return out;
}

static void put_certificate_with(struct content *c, const char *name, bool has_key)
{
	Weirlock__V1__Certificate m = WEIRLOCK__V1__CERTIFICATE__INIT;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	BIO *chain_bio = BIO_new(BIO_s_mem()), *key_bio = BIO_new(BIO_s_mem());

	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	X509_sign(x, key, EVP_sha256());
	PEM_write_bio_X509(chain_bio, x);
	PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL);
	m.chain_pem = take_pem(chain_bio);
	m.key_pem = take_pem(key_bio);
	if (!has_key)
		m.key_pem.len = 0;
	put_message(c, KIND(CERTIFICATE), name, &m);
	mem_free(m.chain_pem.data);
	mem_free(m.key_pem.data);
	X509_free(x);
	EVP_PKEY_free(key);
}

static void put_certificate(struct content *c, const char *name)
{
	put_certificate_with(c, name, true);
}

/* What people get has no keys: it can be read, and a proxy refuses it. */
static void test_reading(void)
{
	struct content *c = content_create();
	Weirlock__V1__Host h = WEIRLOCK__V1__HOST__INIT;
	char name[] = "a.example.com", certificate[] = "ns/tls";
	struct config_errors errors = {0};
	const struct generation *g;
	struct tls_certificate *found;
	enum tls_found how;

	check_case("a redacted snapshot is for reading");
	put_settings(c);
	put_certificate_with(c, "-", false);
	put_certificate_with(c, certificate, false);
	h.name = name;
	h.has_tls = true;
	h.certificate = certificate;
	put_message(c, KIND(HOST), name, &h);
	g = config_compile_for_reading(c, &errors);
	if (CHECK(g != NULL && errors.n == 0)) {
		CHECK(generation_is_for_reading(g));
		CHECK_STR(generation_find_host(g, STR("a.example.com"))->name, STR("a.example.com"));
		found = tls_contexts_look(generation_tls(g), STR("A.example.com."), &how);
		CHECK(how == TLS_FOUND_EXACT);
		CHECK_STR(generation_certificate_name(g, found), STR("ns/tls"));
		found = tls_contexts_look(generation_tls(g), STR("b.example.com"), &how);
		CHECK(how == TLS_FOUND_DEFAULT);
		CHECK_STR(generation_certificate_name(g, found), STR("-"));
		generation_unref(&g);
	}
	config_errors_deinit(&errors);
	check_case("and never for serving");
	expect_refusal(c, KIND(CERTIFICATE), "-", "key_pem: is missing");
}

static void test_tls(void)
{
	struct content *c = content_create();
	Weirlock__V1__Host h = WEIRLOCK__V1__HOST__INIT;
	char name[] = "*.example.com", certificate[] = "ns/missing", plain[] = "a.example.com";
	const struct generation *g, *next;

	put_settings(c);
	put_certificate(c, "-");
	h.name = name;
	h.has_tls = true;
	h.certificate = certificate;
	put_message(c, KIND(HOST), name, &h);
	put_host(c, plain, NULL, 0, NULL, 0, certificate);
	g = compile(c, NULL);
	check_case("E3 a missing certificate is the default one, and the host still counts as TLS");
	CHECK(generation_has_tls(g, STR("x.example.com")));
	check_case("E3 a host without an entry, under a wildcard that has one");
	CHECK(generation_has_tls(g, STR("a.example.com")));
	CHECK(!generation_has_tls(g, STR("example.com")));
	CHECK(!generation_has_tls(g, STR("a.b.example.com")));
	check_case("contexts are made anew when a certificate comes");
	put_certificate(c, "ns/missing");
	next = compile(c, g);
	CHECK(generation_tls(next) != generation_tls(g));
	generation_unref(&g);
	generation_unref(&next);
	check_case("a certificate that does not parse");
	{
		Weirlock__V1__Certificate m = WEIRLOCK__V1__CERTIFICATE__INIT;
		uint8_t junk[] = "bad";

		m.chain_pem = m.key_pem = (ProtobufCBinaryData){3, junk};
		put_message(c, KIND(CERTIFICATE), "ns/bad", &m);
		expect_refusal(c, KIND(CERTIFICATE), "ns/bad", "chain_pem: ");
	}
}

/* --------------------------------------------------------------------------------------------------------- the cost */

/* Counted, not timed: what is the same object was not compiled again. The time is printed for the reader alone. */
static void test_cost(void)
{
	enum { N = 10000 };
	struct content *c = content_create();
	char slash[] = "/", *root[] = {slash}, changed[] = "ns-app-77-80";
	const struct generation *g, *next;
	unsigned hosts_made = 0, backends_made = 0;
	const struct backend *b;
	uint64_t start, full, change;

	check_case("one endpoint set among 10,000 hosts");
	put_settings(c);
	for (unsigned i = 0; i < N; i++) {
		char name[32], slice[40];

		snprintf(name, sizeof(name), "ns-app-%u-80", i);
		snprintf(slice, sizeof(slice), "%s/s", name);
		put_host(c, name, root, 1, NULL, 0, name);
		put_backend(c, name);
		put_endpoints(c, slice, name, "1 2 3");
	}
	content_id(c);
	start = clock_mono_us();
	g = compile(c, NULL);
	full = clock_mono_us() - start;
	put_endpoints(c, "ns-app-77-80/s", changed, "1 2 3 4");
	content_id(c);
	start = clock_mono_us();
	next = compile(c, g);
	change = clock_mono_us() - start;
	printf("full %llu us, change %llu us\n", (unsigned long long)full, (unsigned long long)change);
	for (unsigned i = 0; i < N; i++) {
		char name[32];

		snprintf(name, sizeof(name), "ns-app-%u-80", i);
		hosts_made += generation_find_host(next, str_from(name)) != generation_find_host(g, str_from(name));
	}
	for (size_t at = 0, at_next = 0; (b = generation_next_backend(g, &at));)
		backends_made += generation_next_backend(next, &at_next) != b;
	CHECK_INT(hosts_made, 0);
	CHECK_INT(backends_made, 1);
	CHECK_INT(find_backend(next, changed)->n_endpoints, 4);
	CHECK(generation_tls(next) == generation_tls(g));
	generation_unref(&g);
	generation_unref(&next);
	content_destroy(c);
}

int main(void)
{
	test_zones();
	test_tcp_services();
	test_bad_settings();
	test_bad_hosts();
	test_bad_others();
	test_endpoints();
	test_sharing();
	test_settings();
	test_tls();
	test_reading();
	test_cost();
	CHECK_INT(generation_live_count(), 0);
	return check_done();
}

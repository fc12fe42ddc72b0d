/* What changes for requests: a row a host, path, value, backend's endpoints or certificate, and who meets it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "diff_requests.h"
#include "mem.h"

enum { MOST = 16 };

/* A snapshot under construction; resources are to be put in their order. */
static Weirlock__V1__Snapshot *begin(void)
{
	Weirlock__V1__Snapshot *s = malloc(sizeof(*s));

	weirlock__v1__snapshot__init(s);
	s->resources = calloc(MOST, sizeof(*s->resources));
	return s;
}

static void put(Weirlock__V1__Snapshot *s, Weirlock__V1__Kind kind, const char *name, const ProtobufCMessage *body)
{
	Weirlock__V1__Resource *r = malloc(sizeof(*r));
	size_t size = protobuf_c_message_get_packed_size(body);

	weirlock__v1__resource__init(r);
	r->kind = kind;
	r->name = mem_strdup(str_from(name));
	r->body.data = malloc(size + 1);
	r->body.len = protobuf_c_message_pack(body, r->body.data);
	r->hash.data = malloc(8); /* one that differs with the body is enough here */
	r->hash.len = 8;
	memset(r->hash.data, 0, 8);
	for (size_t i = 0; i < r->body.len; i++)
		r->hash.data[i % 8] = (uint8_t)(r->hash.data[i % 8] * 31 + r->body.data[i]);
	s->resources[s->n_resources++] = r;
}

static void put_endpoints(Weirlock__V1__Snapshot *s, char *backend, const char *slice, uint8_t last, uint32_t port)
{
	Weirlock__V1__Endpoints m = WEIRLOCK__V1__ENDPOINTS__INIT;
	Weirlock__V1__Endpoint e = WEIRLOCK__V1__ENDPOINT__INIT, *list[] = {&e};
	uint8_t ip[] = {10, 0, 0, last};

	e.ip = (ProtobufCBinaryData){4, ip};
	e.port = port;
	e.state = WEIRLOCK__V1__ENDPOINT_STATE__ENDPOINT_READY;
	m.backend = backend;
	m.endpoints = list;
	m.n_endpoints = 1;
	put(s, WEIRLOCK__V1__KIND__KIND_ENDPOINTS, slice, &m.base);
}

static void put_host(Weirlock__V1__Snapshot *s, char *name, char *path, char *backend, uint32_t read_ms, char *certificate)
{
	Weirlock__V1__Host host = WEIRLOCK__V1__HOST__INIT;
	Weirlock__V1__Route root = WEIRLOCK__V1__ROUTE__INIT, more = WEIRLOCK__V1__ROUTE__INIT, *routes[] = {&root, &more};
	Weirlock__V1__Policy policy = WEIRLOCK__V1__POLICY__INIT;
	char slash[] = "/", web[] = "ns/web:80";

	policy.proxy_read_timeout_ms = read_ms;
	root.path = slash;
	root.backend = backend;
	root.policy = &policy;
	more.path = path;
	more.backend = web;
	host.name = name;
	host.certificate = certificate;
	host.routes = routes;
	host.n_routes = path[0] ? 2 : 1;
	put(s, WEIRLOCK__V1__KIND__KIND_HOST, name, &host.base);
}

static void put_certificate(Weirlock__V1__Snapshot *s, char *name, uint8_t fingerprint, char chain)
{
	Weirlock__V1__Certificate m = WEIRLOCK__V1__CERTIFICATE__INIT;
	uint8_t bytes[] = {fingerprint}, pem[] = {(uint8_t)chain};

	m.fingerprint = (ProtobufCBinaryData){1, bytes};
	m.chain_pem = (ProtobufCBinaryData){1, pem};
	put(s, WEIRLOCK__V1__KIND__KIND_CERTIFICATE, name, &m.base);
}

static void put_backend(Weirlock__V1__Snapshot *s, const char *name, uint32_t protocol)
{
	Weirlock__V1__Backend m = WEIRLOCK__V1__BACKEND__INIT;

	m.protocol = (Weirlock__V1__Protocol)protocol;
	put(s, WEIRLOCK__V1__KIND__KIND_BACKEND, name, &m.base);
}

static bool has_row(json_t *rows, const char *want)
{
	json_t *wanted = json_loads(want, 0, NULL), *row;
	size_t i;
	bool is_there = false;

	CHECK(wanted != NULL);
	json_array_foreach(rows, i, row) is_there = is_there || json_equal(row, wanted);
	json_decref(wanted);
	if (!CHECK(is_there)) {
		char *all = json_dumps(rows, JSON_INDENT(1));

		fprintf(stderr, "no row %s in %s\n", want, all);
		free(all);
	}
	return is_there;
}

static json_t *compare(Weirlock__V1__Snapshot *a, Weirlock__V1__Snapshot *b)
{
	struct view before, after;
	struct str bad;
	json_t *rows;

	CHECK(view_init(&before, a, &bad));
	CHECK(view_init(&after, b, &bad));
	rows = diff_requests(&before, &after);
	view_deinit(&before);
	view_deinit(&after);
	return rows;
}

static Weirlock__V1__Snapshot *sample(bool is_after)
{
	char web[] = "ns/web:80", other[] = "ns/other:80", a[] = "a.test", b[] = "b.test", c[] = "c.test", none[] = "", p[] = "/p",
	     q[] = "/q", tls[] = "ns/tls";
	Weirlock__V1__Snapshot *s = begin();

	put_certificate(s, tls, is_after ? 2 : 1, is_after ? 'x' : 'y');
	put_backend(s, other, 0);
	put_backend(s, web, is_after ? 1 : 0);
	put_endpoints(s, web, "ns/web:80/s1", is_after ? 2 : 1, 80);
	put_endpoints(s, web, "ns/web:80/s2", 9, 80);
	put_host(s, a, is_after ? q : p, is_after ? other : web, is_after ? 60000 : 90000, tls);
	put_host(s, is_after ? c : b, none, web, 60000, none);
	return s;
}

int main(void)
{
	json_t *rows;

	check_case("nothing");
	rows = compare(sample(false), sample(false));
	CHECK_INT(json_array_size(rows), 0);
	json_decref(rows);
	check_case("everything");
	rows = compare(sample(false), sample(true));
	has_row(rows, "{\"change\":\"changed\",\"what\":\"path\",\"where\":\"a.test/ prefix\",\"field\":\"backend\","
		      "\"before\":\"ns/web:80\",\"after\":\"ns/other:80\"}");
	has_row(rows, "{\"change\":\"changed\",\"what\":\"path\",\"where\":\"a.test/ prefix\",\"field\":\"proxy-read-timeout\","
		      "\"before\":\"90s\",\"after\":\"60s\"}");
	has_row(rows, "{\"change\":\"removed\",\"what\":\"path\",\"where\":\"a.test/p prefix\",\"before\":\"ns/web:80\"}");
	has_row(rows, "{\"change\":\"added\",\"what\":\"path\",\"where\":\"a.test/q prefix\",\"after\":\"ns/web:80\"}");
	has_row(rows, "{\"change\":\"removed\",\"what\":\"host\",\"where\":\"b.test\"}");
	has_row(rows, "{\"change\":\"added\",\"what\":\"host\",\"where\":\"c.test\"}");
	has_row(rows, "{\"change\":\"changed\",\"what\":\"certificate\",\"where\":\"ns/tls\",\"field\":\"fingerprint\",\"before\":\"01\","
		      "\"after\":\"02\",\"hosts\":[\"a.test\"]}");
	has_row(rows, "{\"change\":\"changed\",\"what\":\"endpoints\",\"where\":\"ns/web:80\",\"before\":[\"10.0.0.1:80\"],"
		      "\"after\":[\"10.0.0.2:80\"],\"hosts\":[\"a.test\",\"c.test\"]}");
	json_decref(rows);
	return check_done();
}

/* How HTTPS endpoints of a policy are talked to (F11): which policies share a way, what keeps it, and what closes it. */
#include "check.h"
#include "test_content.h"
#include "test_pem.h"
#include "tls.h"

static struct test_authority first, second;
static struct test_pem pair;

struct say {
	const char *secret, *name;
	bool verify;
};

static void put_route(struct content *c, char *host, const struct say *say)
{
	Weirlock__V1__Host h = WEIRLOCK__V1__HOST__INIT;
	Weirlock__V1__Route route = WEIRLOCK__V1__ROUTE__INIT, *routes[] = {&route};
	Weirlock__V1__Policy policy = WEIRLOCK__V1__POLICY__INIT;
	Weirlock__V1__ProxySsl ssl = WEIRLOCK__V1__PROXY_SSL__INIT;

	ssl.secret = mem_strdup(str_from(say->secret));
	ssl.name = mem_strdup(str_from(say->name));
	ssl.verify = say->verify;
	route.path = (char[]){"/"};
	policy.proxy_ssl = &ssl;
	route.policy = &policy;
	h.name = host;
	h.routes = routes;
	h.n_routes = 1;
	put_message(c, WEIRLOCK__V1__KIND__KIND_HOST, host, &h);
	mem_free(ssl.secret);
	mem_free(ssl.name);
}

static void put_secret(struct content *c, const char *name, const struct test_authority *ca, const struct test_pem *pem)
{
	Weirlock__V1__BackendSecret s = WEIRLOCK__V1__BACKEND_SECRET__INIT;

	if (ca)
		s.ca_pem = (ProtobufCBinaryData){ca->pem_len, (uint8_t *)(uintptr_t)ca->pem};
	if (pem) {
		s.chain_pem = (ProtobufCBinaryData){pem->chain_len, (uint8_t *)(uintptr_t)pem->chain};
		s.key_pem = (ProtobufCBinaryData){pem->key_len, (uint8_t *)(uintptr_t)pem->key};
	}
	put_message(c, WEIRLOCK__V1__KIND__KIND_BACKEND_SECRET, name, &s);
}

static struct tls_client *of(const struct generation *g, const char *host)
{
	return generation_tls_client(g, &generation_find_host(g, str_from(host))->routes[0].policy);
}

/* Two hosts that say the same, and one for each thing that can be wrong. */
static const struct generation *compile(const struct test_authority *ca, const struct generation *before)
{
	struct content *c = content_create();
	struct config_errors errors = {0};
	const struct generation *g;

	put_settings(c);
	if (ca)
		put_secret(c, "ns/ca", ca, NULL);
	put_secret(c, "ns/pair", NULL, &pair);
	put_route(c, (char[]){"a.test"}, &(struct say){"ns/ca", "up", true});
	put_route(c, (char[]){"b.test"}, &(struct say){"ns/ca", "up", true});
	put_route(c, (char[]){"other.test"}, &(struct say){"ns/ca", "other", true});
	put_route(c, (char[]){"unchecked.test"}, &(struct say){"ns/ca", "up", false});
	put_route(c, (char[]){"no-ca.test"}, &(struct say){"ns/pair", "up", true});
	put_route(c, (char[]){"no-name.test"}, &(struct say){"ns/ca", "", true});
	put_route(c, (char[]){"no-secret.test"}, &(struct say){"", "up", true});
	put_route(c, (char[]){"pair.test"}, &(struct say){"ns/pair", "", false});
	put_route(c, (char[]){"sni.test"}, &(struct say){"", "up", false});
	g = config_compile(c, before, &errors);
	CHECK(g != NULL);
	for (size_t i = 0; i < errors.n; i++)
		check_case(errors.items[i].reason.ptr);
	config_errors_deinit(&errors);
	content_destroy(c);
	return g;
}

static void test_ways(void)
{
	const struct generation *g = compile(&first, NULL), *same, *changed, *gone;
	uint64_t number;

	check_case("who shares, and who does not");
	CHECK(of(g, "a.test") && of(g, "a.test") == of(g, "b.test"));
	CHECK(of(g, "other.test") && of(g, "other.test") != of(g, "a.test"));
	CHECK(of(g, "unchecked.test") && of(g, "unchecked.test") != of(g, "a.test"));
	CHECK(of(g, "pair.test") && of(g, "sni.test"));
	check_case("a check that cannot be made is no way at all");
	CHECK(!of(g, "no-ca.test") && !of(g, "no-name.test") && !of(g, "no-secret.test"));
	number = tls_client_number(of(g, "a.test"));
	check_case("what did not change keeps its sessions and connections");
	same = compile(&first, g);
	CHECK(tls_client_number(of(same, "a.test")) == number);
	check_case("another authority is another way: no connection that the old one vouched for is used");
	changed = compile(&second, same);
	CHECK(of(changed, "a.test") && tls_client_number(of(changed, "a.test")) != number);
	CHECK(tls_client_number(of(changed, "pair.test")) == tls_client_number(of(same, "pair.test")));
	check_case("the Secret is gone: nobody is asked, checked or not");
	gone = compile(NULL, changed);
	CHECK(!of(gone, "a.test") && !of(gone, "unchecked.test"));
	CHECK(of(gone, "pair.test") != NULL);
	generation_unref(&g);
	generation_unref(&same);
	generation_unref(&changed);
	generation_unref(&gone);
}

static void test_refused(void)
{
	const struct {
		const char *name;
		struct test_authority ca;
		struct test_pem pem;
		const char *why;
	} cases[] = {
		{"authorities that are none", {.pem = "hello", .pem_len = 5}, {{0}, {0}, 0, 0}, "ca_pem: holds no certificate"},
		{"a pair that is none", {.pem_len = 0}, {.chain = "hello", .chain_len = 5, .key = "x", .key_len = 1},
			"chain_pem: no certificate in the PEM text"},
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct content *c = content_create();
		struct config_errors errors = {0};

		check_case(cases[i].name);
		put_settings(c);
		put_secret(c, "ns/bad", &cases[i].ca, &cases[i].pem);
		CHECK(!config_compile(c, NULL, &errors));
		CHECK_INT(errors.n, 1);
		CHECK_STR(errors.items[0].reason, str_from(cases[i].why));
		config_errors_deinit(&errors);
		content_destroy(c);
	}
}

int main(void)
{
	test_authority_make(&first, "first", NULL);
	test_authority_make(&second, "second", NULL);
	test_pem_issue(&pair, &first, "proxy");
	test_ways();
	test_refused();
	CHECK_INT(generation_live_count(), 0);
	test_authority_drop(&first);
	test_authority_drop(&second);
	return check_done();
}

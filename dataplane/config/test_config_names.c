/*
 * Names of hosts that come and go, claimed by several of them, with certificates, ciphers, authorities for clients and ways to
 * HTTPS endpoints: after every step of a random history a request and a handshake get the answers that a generation from nothing
 * gives.
 */
#include "generation_private.h"
#include "host_candidates.h"
#include "server_names.h"
#include "test_history.h"
#include "test_pem.h"

#define KIND(x) WEIRLOCK__V1__KIND__KIND_##x

enum { NAMES = 6, SECRETS = 3, ALIASES_MAX = 3 };

static const char *const host_names[NAMES] = {"a.test", "b.a.test", "*.a.test", "*.b.a.test", "c.test", "_"};
static const char *const alias_names[] = {"a.test", "b.a.test", "x.test", "*.a.test", "*.test", "~^r[0-9]+\\.", "~^(r|s)1", "_", "d.test"};
/* What is asked for. */
static const char *const probes[] = {"a.test", "b.a.test", "z.a.test", "z.b.a.test", "z.y.a.test", "c.test", "d.test", "x.test", "r1.test",
	"s1.example", "r2.a.test", "*.a.test", "_", "nobody", ".a.test", "!.a.test"};

static struct test_pem pems[SECRETS];
static struct test_authority authorities[SECRETS];

static ProtobufCBinaryData data(const char *bytes, size_t len)
{
	return (ProtobufCBinaryData){len, (uint8_t *)(uintptr_t)bytes};
}

static char *secret_name(char room[16], uint32_t *state)
{
	snprintf(room, 16, "ns/s%u", below(state, SECRETS));
	return room;
}

static void change_host(struct content *c, uint32_t *state)
{
	static char cipher[] = "ECDHE-RSA-AES256-GCM-SHA384", path[] = "/", target[] = "b1";
	Weirlock__V1__Host h = WEIRLOCK__V1__HOST__INIT;
	Weirlock__V1__ClientAuth auth = WEIRLOCK__V1__CLIENT_AUTH__INIT;
	Weirlock__V1__Route routes[2], *items[2];
	Weirlock__V1__Policy policies[2];
	Weirlock__V1__ProxySsl ssl[2];
	char *aliases[ALIASES_MAX], secrets[4][16];
	const char *name = host_names[below(state, NAMES)];

	if (below(state, 4) == 0) {
		content_drop(c, KIND(HOST), str_from(name));
		return;
	}
	h.name = (char *)(uintptr_t)name;
	h.has_tls = below(state, 2) == 0;
	h.aliases = aliases;
	for (unsigned n = below(state, ALIASES_MAX + 1); h.n_aliases < n;)
		aliases[h.n_aliases++] = (char *)(uintptr_t)alias_names[below(state, CHECK_COUNT(alias_names))];
	if (below(state, 2))
		h.certificate = secret_name(secrets[0], state);
	if (below(state, 3) == 0)
		h.ssl_ciphers = cipher;
	h.ssl_client_cipher_order = below(state, 5) == 0;
	if (below(state, 4) == 0)
		h.passthrough_backend = target;
	weirlock__v1__client_auth__init(&auth);
	auth.secret = secret_name(secrets[1], state);
	auth.verify_depth = below(state, 2);
	auth.verify = (Weirlock__V1__VerifyClient)below(state, 2);
	if (below(state, 2))
		h.client_auth = &auth;
	h.routes = items;
	for (unsigned i = 0; i < 2; i++) {
		weirlock__v1__route__init(&routes[i]);
		weirlock__v1__policy__init(&policies[i]);
		weirlock__v1__proxy_ssl__init(&ssl[i]);
		ssl[i].secret = secret_name(secrets[2 + i], state);
		ssl[i].verify_depth = below(state, 2);
		routes[i].path = path;
		routes[i].policy = &policies[i];
		if (below(state, 2))
			policies[i].proxy_ssl = &ssl[i];
		items[h.n_routes++] = &routes[i];
	}
	put_message(c, KIND(HOST), name, &h);
}

/* One of three, its bytes those of any of three. */
static void change_secret(struct content *c, uint32_t *state)
{
	static char covered[] = "*.a.test", other[] = "x.test", *names[] = {covered, other};
	static const uint32_t kinds[] = {KIND(CERTIFICATE), KIND(CLIENT_CA), KIND(BACKEND_SECRET)};
	Weirlock__V1__Certificate certificate = WEIRLOCK__V1__CERTIFICATE__INIT;
	Weirlock__V1__ClientCa ca = WEIRLOCK__V1__CLIENT_CA__INIT;
	Weirlock__V1__BackendSecret secret = WEIRLOCK__V1__BACKEND_SECRET__INIT;
	unsigned which = below(state, 3), bytes = below(state, SECRETS);
	const struct test_pem *pem = &pems[bytes];
	char name[16];

	secret_name(name, state);
	if (below(state, 3) == 0) {
		content_drop(c, kinds[which], str_from(name));
		return;
	}
	certificate.chain_pem = secret.chain_pem = data(pem->chain, pem->chain_len);
	certificate.key_pem = secret.key_pem = data(pem->key, pem->key_len);
	ca.ca_pem = secret.ca_pem = data(authorities[bytes].pem, authorities[bytes].pem_len);
	certificate.names = names;
	certificate.n_names = below(state, 3);
	put_message(c, kinds[which], name, which == 0 ? (void *)&certificate : which == 1 ? (void *)&ca : (void *)&secret);
}

static void change(struct content *c, uint32_t *state)
{
	if (below(state, 3) == 0)
		change_secret(c, state);
	else
		change_host(c, state);
}

/* ----------------------------------------------------------------------------------------------------------- described */

static void describe_match(const struct generation *g, struct str name, struct buf *out)
{
	struct host_match m = generation_match_host(g, name);
	struct host_candidate all[32];
	size_t n = generation_host_candidates(g, name, all, CHECK_COUNT(all));

	buf_printf(out, "%.*s: %.*s %d %.*s tls=%d pass=%d of %zu:", STR_ARG(name), STR_ARG(m.host->name), (int)m.how, STR_ARG(m.by),
		generation_has_tls(g, name), generation_find_passthrough(g, name) != NULL, n);
	for (size_t i = 0; i < n && i < CHECK_COUNT(all); i++)
		buf_printf(out, " %.*s", STR_ARG(all[i].match.host->name));
}

static void describe_handshake(const struct generation *g, const struct tls_names *names, struct str name, struct buf *out)
{
	enum tls_found how;
	struct tls_certificate *certificate = tls_contexts_look(generation_tls(g), name, &how);
	struct tls_ciphers ciphers = {0};
	bool has_ciphers = names->ciphers && names->ciphers(names->owner, name, &ciphers);

	buf_printf(out, " | %.*s %d", STR_ARG(generation_certificate_name(g, certificate)), (int)how);
	buf_printf(out, " ciphers=%d %.*s %d", has_ciphers, STR_ARG(ciphers.list), ciphers.is_client_order);
	buf_printf(out, " auth=%d", names->auth && names->auth(names->owner, name));
}

/* Which routes of the hosts share a way, whatever its number is. */
static void describe_ways(const struct generation *g, struct buf *out)
{
	uint64_t seen[2 * NAMES];
	size_t n = 0, cursor = 0;
	const struct host *h;

	while ((h = generation_next_host(g, &cursor))) {
		buf_printf(out, "%.*s asks=%d ways", STR_ARG(h->name), h->client_auth && generation_tls_auth(g, h->client_auth));
		for (size_t i = 0; i < h->n_routes; i++) {
			const struct tls_client *client = generation_tls_client(g, &h->routes[i].policy);
			size_t at = 0;

			seen[n] = client ? tls_client_number(client) : 0;
			while (seen[at] != seen[n])
				at++;
			buf_printf(out, " %d", client && h->routes[i].policy.proxy_ssl ? (int)at : -1);
			n++;
		}
		buf_add_char(out, '\n');
	}
}

static struct str describe(const struct generation *g, struct arena *arena)
{
	struct tls_names names = server_names(g->hosts, objects_of(&g->objects, KIND(CERTIFICATE)), g->clients);
	struct buf all = {0};
	struct str text;

	for (size_t i = 0; i < CHECK_COUNT(probes); i++) {
		describe_match(g, str_from(probes[i]), &all);
		describe_handshake(g, &names, str_from(probes[i]), &all);
		buf_add_char(&all, '\n');
	}
	buf_printf(&all, "passthrough=%d\n", generation_has_passthrough(g));
	describe_ways(g, &all);
	text = arena_str(arena, buf_str(&all));
	buf_deinit(&all);
	names.release(names.owner);
	return text;
}

/* -------------------------------------------------------------------------------------------------------------- shared */

static struct tls_client *client_of(const struct generation *g, const char *host)
{
	return generation_tls_client(g, &generation_find_host(g, str_from(host))->routes[0].policy);
}

static void put_way(struct content *c, const char *name, const char *alias)
{
	Weirlock__V1__Host h = WEIRLOCK__V1__HOST__INIT;
	Weirlock__V1__Route route = WEIRLOCK__V1__ROUTE__INIT, *routes[] = {&route};
	Weirlock__V1__Policy policy = WEIRLOCK__V1__POLICY__INIT;
	Weirlock__V1__ProxySsl ssl = WEIRLOCK__V1__PROXY_SSL__INIT;
	char path[] = "/", *aliases[] = {(char *)(uintptr_t)alias};

	route.path = path;
	route.policy = &policy;
	policy.proxy_ssl = &ssl;
	h.name = (char *)(uintptr_t)name;
	h.routes = routes;
	h.n_routes = 1;
	h.aliases = aliases;
	h.n_aliases = 1;
	put_message(c, KIND(HOST), name, &h);
}

/* A name goes to the next that claims it, and a way outlives the host that named it first. */
static void test_heirs(void)
{
	struct content *c = content_create(), *to;
	const struct generation *g, *next;
	uint64_t number;

	check_case("B5 who has an alias leaves it to the next one");
	put_settings(c);
	put_way(c, "a.test", "x.test");
	put_way(c, "b.test", "x.test");
	g = compile_change(NULL, c, NULL);
	CHECK_STR(generation_find_host(g, STR("x.test"))->name, STR("a.test"));
	number = tls_client_number(client_of(g, "a.test"));
	to = content_copy(c);
	content_drop(to, KIND(HOST), STR("a.test"));
	next = compile_change(c, to, g);
	generation_unref(&g);
	CHECK_STR(generation_find_host(next, STR("x.test"))->name, STR("b.test"));
	CHECK(tls_client_number(client_of(next, "b.test")) == number);
	check_case("B5 an alias never takes a host's own name, whichever sorts first");
	put_way(to, "a.test", "b.test");
	put_way(to, "c.test", "b.test");
	g = compile_change(NULL, to, next);
	CHECK_STR(generation_find_host(g, STR("b.test"))->name, STR("b.test"));
	generation_unref(&next);
	next = g;
	check_case("contexts stay as long as no name, certificate or setting changes");
	put_message(to, KIND(BACKEND), "b1", &(Weirlock__V1__Backend)WEIRLOCK__V1__BACKEND__INIT);
	g = compile_change(NULL, to, next);
	CHECK(generation_tls(g) == generation_tls(next));
	CHECK(generation_find_host(g, STR("b.test")) == generation_find_host(next, STR("b.test")));
	generation_unref(&g);
	generation_unref(&next);
	content_destroy(c);
	content_destroy(to);
}

int main(void)
{
	for (unsigned i = 0; i < SECRETS; i++) {
		test_pem_make(&pems[i], "a.test");
		test_authority_make(&authorities[i], "ca", NULL);
	}
	check_case("from a change, from a walk and from nothing");
	for (uint32_t seed = 1; seed <= 4; seed++) {
		struct content *c = content_create();

		put_settings(c);
		test_history(&(struct history){change, describe}, c, seed, 100);
	}
	test_heirs();
	for (unsigned i = 0; i < SECRETS; i++)
		test_authority_drop(&authorities[i]);
	return check_done();
}

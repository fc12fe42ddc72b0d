/* What becomes a certificate and what is refused, and why; lookup by name (F3). */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "test_names.h"
#include "test_pem.h"
#include "tls.h"

static struct test_pem ec, other, rsa, weak, both;

static void check_create(const char *name, struct str chain, struct str key, const char *want)
{
	const char *why = "untouched";
	struct tls_certificate *c = tls_certificate_create(chain, key, &why);

	check_case(name);
	CHECK_STR(str_from(why), str_from(want));
	CHECK((c != NULL) == (want == NULL));
	tls_certificate_unref(&c);
	CHECK(c == NULL);
}

static struct str joined(struct str a, struct str b)
{
	static char text[65536];

	memcpy(text, a.ptr, a.len);
	memcpy(text + a.len, b.ptr, b.len);
	return str_of(text, a.len + b.len);
}

static struct str seventeen(void)
{
	static struct test_pem many;

	memset(&many, 0, sizeof(many));
	for (int i = 0; i < 17; i++) {
		memcpy(many.chain + many.chain_len, ec.chain, ec.chain_len);
		many.chain_len += ec.chain_len;
	}
	return test_pem_chain(&many);
}

static struct str encrypted_key(void)
{
	static char text[4096];
	BIO *bio = BIO_new(BIO_s_mem());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	char password[] = "secret";
	size_t len;

	PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_128_cbc(), password, 6, NULL, NULL);
	len = test_pem_drain(bio, text, sizeof(text));
	EVP_PKEY_free(key);
	return str_of(text, len);
}

static void test_create(void)
{
	struct str chain = test_pem_chain(&ec), key = test_pem_key(&ec);
	static char truncated[16384], damaged[16384];

	memcpy(truncated, chain.ptr, chain.len);
	memcpy(damaged, chain.ptr, chain.len);
	memcpy(damaged + 60, "////////", 8);
	check_create("EC", chain, key, NULL);
	check_create("RSA", test_pem_chain(&rsa), test_pem_key(&rsa), NULL);
	check_create("chain of two", test_pem_chain(&both), test_pem_key(&both), NULL);
	check_create("certificate and key in one text", joined(key, chain), joined(chain, key), NULL);
	check_create("other key", chain, test_pem_key(&other), "the private key does not belong to the certificate");
	check_create("key of another kind", chain, test_pem_key(&rsa), "the private key does not belong to the certificate");
	check_create("weak", test_pem_chain(&weak), test_pem_key(&weak),
		"the certificate or its key is too weak for OpenSSL, or of a kind that TLS does not use");
	check_create("nothing", STR(""), key, "no certificate in the PEM text");
	check_create("text", STR("hello"), key, "no certificate in the PEM text");
	check_create("cut off", str_of(truncated, chain.len - 40), key, "the certificate is not PEM");
	check_create("damaged", str_of(damaged, chain.len), key, "the certificate does not parse");
	check_create("no key", chain, STR(""), "no private key in the PEM text");
	check_create("key is a certificate", chain, chain, "no private key in the PEM text");
	check_create("encrypted key", chain, encrypted_key(), "the private key is not PEM, or is encrypted");
	check_create("bad key", chain, STR("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
		"the private key does not parse");
	check_create("long chain", seventeen(), key, "the chain has more than 16 certificates");
}

static void test_lookup(void)
{
	static const struct {
		const char *name;
		char want; /* e exact, w wildcard, d default */
	} cases[] = {
		{"a.example", 'e'},
		{"A.Example", 'e'},
		{"a.example.", 'e'},
		{"a.example..", 'd'},
		{"x.w.example", 'w'},
		{"X.W.EXAMPLE.", 'w'},
		{"x.y.w.example", 'd'},
		{"w.example", 'd'},
		{".w.example", 'd'},
		{"*.w.example", 'w'},
		{"b.example", 'd'},
		{"", 'd'},
		{".", 'd'},
	};
	const struct tls_options options = {.has_tls13 = true};
	struct tls_session_keys *keys = tls_session_keys_create();
	struct tls_contexts *t;
	struct tls_certificate *exact, *wildcard, *fallback;
	const char *why;
	char overlong[300];
	enum tls_found none;

	exact = tls_certificate_create(test_pem_chain(&ec), test_pem_key(&ec), &why);
	wildcard = tls_certificate_create(test_pem_chain(&other), test_pem_key(&other), &why);
	fallback = tls_certificate_create(test_pem_chain(&rsa), test_pem_key(&rsa), &why);
	t = tls_contexts_create(&options, keys, &why);
	check_case("lookup without default");
	CHECK(tls_contexts_look(t, STR("a.example"), &none) == NULL && none == TLS_FOUND_NONE);
	test_names_set(t, &(struct test_names){(struct test_name[]){{STR("a.example"), exact}, {STR("*.w.example"), wildcard}}, 2});
	tls_contexts_set_default(t, fallback);
	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct tls_certificate *got = tls_contexts_find(t, str_from(cases[i].name));
		enum tls_found how;

		check_case(cases[i].name);
		CHECK_INT(got == exact ? 'e' : got == wildcard ? 'w' : got == fallback ? 'd' : '?', cases[i].want);
		CHECK(tls_contexts_look(t, str_from(cases[i].name), &how) == got);
		CHECK(how == (got == fallback			? TLS_FOUND_DEFAULT
				: got == exact || cases[i].name[0] == '*' ? TLS_FOUND_EXACT
									  : TLS_FOUND_WILDCARD));
	}
	check_case("overlong name");
	memset(overlong, 'a', sizeof(overlong));
	CHECK(tls_contexts_find(t, str_of(overlong, sizeof(overlong))) == fallback);
	tls_certificate_unref(&fallback);
	CHECK(tls_contexts_find(t, STR("b.example")) != NULL);
	tls_contexts_unref(&t);
	tls_certificate_unref(&exact);
	tls_certificate_unref(&wildcard);
	tls_session_keys_destroy(keys);
}

/* ssl-reject-handshake: who has no certificate of his own gets none. */
static void test_refusal(void)
{
	const struct tls_options options = {.has_tls13 = true, .rejects_unknown_names = true};
	struct tls_session_keys *keys = tls_session_keys_create();
	const char *why;
	struct tls_certificate *c = tls_certificate_create(test_pem_chain(&ec), test_pem_key(&ec), &why);
	struct tls_contexts *t = tls_contexts_create(&options, keys, &why);
	enum tls_found how;

	test_names_set(t, &(struct test_names){&(struct test_name){STR("a.example"), c}, 1});
	tls_contexts_set_default(t, c);
	check_case("ssl-reject-handshake");
	CHECK(tls_contexts_look(t, STR("a.example"), &how) == c && how == TLS_FOUND_EXACT);
	CHECK(tls_contexts_look(t, STR("b.example"), &how) == NULL && how == TLS_FOUND_REFUSED);
	tls_contexts_unref(&t);
	tls_certificate_unref(&c);
	tls_session_keys_destroy(keys);
}

/* The signal that accepting with `t` ends in, 0 for none. */
static int accept_in_child(struct tls_contexts *t)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		SSL *ssl;

		fclose(stderr);
		ssl = tls_accept_new(t);
		_exit(ssl ? 0 : 1);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void test_keyless(void)
{
	const struct tls_options options = {.has_tls13 = true};
	struct tls_session_keys *keys = tls_session_keys_create();
	const char *why = "untouched";
	struct tls_certificate *c = tls_certificate_create_keyless(test_pem_chain(&ec), &why);
	struct tls_contexts *t = tls_contexts_create(&options, keys, &why);
	enum tls_found how;

	check_case("a certificate without a key");
	CHECK(c != NULL && tls_certificate_create_keyless(test_pem_key(&ec), &why) == NULL);
	CHECK_STR(str_from(why), STR("no certificate in the PEM text"));
	CHECK_INT(accept_in_child(t), 0);
	test_names_set(t, &(struct test_names){&(struct test_name){STR("a.example"), c}, 1});
	tls_contexts_set_for_reading(t);
	CHECK(tls_contexts_look(t, STR("a.example"), &how) == c && how == TLS_FOUND_EXACT);
	check_case("never accepts");
	CHECK_INT(accept_in_child(t), SIGABRT);
	tls_contexts_unref(&t);
	tls_certificate_unref(&c);
	tls_session_keys_destroy(keys);
}

static void test_options(void)
{
	static const struct {
		const char *name;
		struct tls_options options;
		const char *want;
	} cases[] = {
		{"no version", {0}, "neither TLS 1.2 nor TLS 1.3 is on"},
		{"unknown cipher", {.has_tls12 = true, .ciphers = {"NOPE", 4}}, "no cipher of the list is known to OpenSSL"},
		{"unknown curve", {.has_tls12 = true, .curves = {"P-7", 3}}, "a curve of the list is not known to OpenSSL"},
		{"auto", {.has_tls12 = true, .curves = {"auto", 4}}, NULL},
		{"list", {.has_tls12 = true, .curves = {"X25519:P-256", 12}}, NULL},
	};
	struct tls_session_keys *keys = tls_session_keys_create();

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		const char *why = NULL;
		struct tls_contexts *t = tls_contexts_create(&cases[i].options, keys, &why);

		check_case(cases[i].name);
		CHECK((t == NULL) == (cases[i].want != NULL));
		CHECK_STR(str_from(why), str_from(cases[i].want));
		tls_contexts_unref(&t);
	}
	tls_session_keys_destroy(keys);
}

int main(void)
{
	test_pem_make(&ec, "a.example");
	test_pem_make(&other, "w.example");
	test_pem_make_rsa(&rsa, "default.example", 2048);
	test_pem_make_rsa(&weak, "weak.example", 512);
	both = ec;
	memcpy(both.chain + both.chain_len, rsa.chain, rsa.chain_len);
	both.chain_len += rsa.chain_len;
	test_create();
	test_lookup();
	test_refusal();
	test_keyless();
	test_options();
	return check_done();
}

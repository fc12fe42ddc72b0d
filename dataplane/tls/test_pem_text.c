/* Whatever is done to PEM text, it is read as OpenSSL alone reads it. */
#include <openssl/err.h>

#include "check.h"
#include "mem.h"
#include "pem.h"
#include "test_pem.h"

enum { TEXT_MAX = 16384 };

/* What OpenSSL makes of the next block; the same rules as pem.h. */
static enum pem_block next_by_openssl(BIO *in, struct der *out)
{
	char *label = NULL, *header = NULL;
	enum pem_block kind = PEM_OTHER;

	*out = (struct der){0};
	if (PEM_read_bio(in, &label, &header, &out->ptr, &out->len) != 1) {
		bool is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;

		ERR_clear_error();
		return is_end ? PEM_END : PEM_BAD;
	}
	if (!strcmp(label, "CERTIFICATE") || !strcmp(label, "X509 CERTIFICATE"))
		kind = PEM_CERTIFICATE;
	else if (str_ends_with(str_from(label), STR("PRIVATE KEY")))
		kind = *header || !strncmp(label, "ENCRYPTED", 9) ? PEM_BAD : PEM_KEY;
	OPENSSL_free(label);
	OPENSSL_free(header);
	return kind;
}

static bool is_same(struct str text)
{
	BIO *in = BIO_new_mem_buf(text.ptr, (int)text.len);
	enum pem_block want, got;
	bool is = true;

	do {
		struct der by_openssl, ours;

		want = next_by_openssl(in, &by_openssl);
		got = pem_next(&text, &ours);
		is = want == got && ((got != PEM_CERTIFICATE && got != PEM_KEY) || str_eq(der_str(&by_openssl), der_str(&ours)));
		der_free(&by_openssl);
		der_free(&ours);
	} while (is && want != PEM_END && want != PEM_BAD);
	BIO_free(in);
	return is;
}

static void test_forms(const char *pem)
{
	static const struct {
		const char *name, *format; /* %s: the text */
	} cases[] = {
		{"alone", "%s"},
		{"twice", "%1$s%1$s"},
		{"with a line between", "%1$s\n%1$s"},
		{"text before", "subject=CN\n%s"},
		{"text behind", "%sbye"},
		{"another block", "-----BEGIN THING-----\naGVsbG8=\n-----END THING-----\n%s"},
		{"encrypted", "-----BEGIN ENCRYPTED PRIVATE KEY-----\naGVsbG8=\n-----END ENCRYPTED PRIVATE KEY-----\n%s"},
		{"a header", "-----BEGIN PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: x\n\naGVsbG8=\n-----END PRIVATE KEY-----\n"},
		{"a wrong end", "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END PRIVATE KEY-----\n%s"},
		{"no end", "-----BEGIN CERTIFICATE-----\naGVsbG8=\n%s"},
		{"nothing in it", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n%s"},
		{"padding alone", "-----BEGIN CERTIFICATE-----\n====\n-----END CERTIFICATE-----\n%s"},
		{"padding within", "-----BEGIN CERTIFICATE-----\naGU=bG8=\n-----END CERTIFICATE-----\n%s"},
		{"one of a quartet", "-----BEGIN CERTIFICATE-----\naGVsb\n-----END CERTIFICATE-----\n%s"},
		{"no line end", "-----BEGIN CERTIFICATE-----\naGVsbG8=-----END CERTIFICATE-----\n%s"},
		{"no last line end", "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----"},
		{"lines of CR LF", "-----BEGIN CERTIFICATE-----\r\naGVsbG8=\r\n-----END CERTIFICATE-----\r\n%s"},
		{"blanks behind", "-----BEGIN CERTIFICATE-----  \naGVsbG8=  \n-----END CERTIFICATE-----  \n%s"},
		{"blanks before", "  -----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n%s"},
		{"short lines", "-----BEGIN CERTIFICATE-----\naGVs\nbG8=\n-----END CERTIFICATE-----\n%s"},
		{"a long line", "-----BEGIN CERTIFICATE-----\naGVsbG8haGVsbG8haGVsbG8haGVsbG8haGVsbG8haGVsbG8haGVsbG8haGVsbG8haGVsbG8h\n"
			"-----END CERTIFICATE-----\n%s"},
		{"nothing", ""},
	};
	char text[TEXT_MAX];

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		const char *format = cases[i].format, *at = text;
		size_t len = 0;

		for (const char *p = format; *p; p++) { /* %s and %1$s alike */
			if (*p != '%') {
				text[len++] = *p;
				continue;
			}
			p = strchr(p, 's');
			memcpy(text + len, pem, strlen(pem));
			len += strlen(pem);
		}
		check_case(cases[i].name);
		CHECK(is_same(str_of(at, len)));
	}
}

/* One byte is another, comes in, or goes, at every place. */
static void test_damage(const struct test_pem *pem)
{
	static const char bytes[] = {'\n', '\r', '-', '=', 'A', ' ', '\0', '!', ':'};
	char text[TEXT_MAX];
	struct str chain = str_of(pem->chain, pem->chain_len);

	check_case("damage");
	for (size_t i = 0; i < chain.len; i++) {
		memcpy(text, chain.ptr, i);
		memcpy(text + i, chain.ptr + i + 1, chain.len - i - 1);
		CHECK(is_same(str_of(text, chain.len - 1)));
		CHECK(is_same(str_first(chain, i)));
		for (size_t j = 0; j < sizeof(bytes); j++) {
			memcpy(text, chain.ptr, chain.len);
			text[i] = bytes[j];
			CHECK(is_same(str_of(text, chain.len)));
			memcpy(text + i + 1, chain.ptr + i, chain.len - i);
			CHECK(is_same(str_of(text, chain.len + 1)));
		}
	}
}

int main(void)
{
	static struct test_pem ec, rsa;
	EVP_PKEY *key = EVP_EC_gen("P-256");

	test_pem_make(&ec, "a.test");
	test_pem_add(&ec, key, "a name that is longer, so that the last line has another length");
	EVP_PKEY_free(key);
	test_pem_make_rsa(&rsa, "a.test", 1024);
	ec.chain[ec.chain_len] = rsa.key[rsa.key_len] = '\0';
	test_forms(ec.chain);
	test_forms(rsa.key);
	test_damage(&ec);
	return check_done();
}

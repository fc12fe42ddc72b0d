/* Lines as people copy them from openssl, and what is none. */
#include "deny.h"

#include <openssl/evp.h>

#include "check.h"

static X509 *certificate(const char *serial_hex)
{
	X509 *x = X509_new();
	BIGNUM *n = NULL;

	BN_hex2bn(&n, serial_hex);
	BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
	BN_free(n);
	return x;
}

int main(void)
{
	static const struct {
		const char *text, *serial;
		bool is_good, is_denied;
	} cases[] = {
		{"", "0A1B", true, false},
		{"0A1B", "0A1B", true, true},
		{"a1b", "0A1B", true, true},
		{"0a:1b\n", "0A1B", true, true},
		{"# the stolen one\n\n  0A:1B  # of node 7\r\n", "0A1B", true, true},
		{"0A1B0", "0A1B", true, false},
		{"00", "00", true, true},
		{"serial=0A1B", "0A1B", false, false},
		{"0A1B\nzz\n", "0A1B", false, false},
		{"::", "0A1B", false, false},
		{"11112233445566778899aabbccddeeff001122334", "0A1B", false, false}, /* longer than a serial, shorter than a fingerprint */
	};

	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct deny d = {0};
		struct buf error = {0};
		X509 *x = certificate(cases[i].serial);

		check_case(cases[i].text);
		CHECK_INT(deny_read(&d, str_from(cases[i].text), &error), cases[i].is_good);
		CHECK_INT(error.len == 0, cases[i].is_good);
		CHECK_INT(deny_has(&d, x), cases[i].is_denied);
		X509_free(x);
		buf_deinit(&error);
		deny_deinit(&d);
	}
	check_case("a list that is bad leaves the one before");
	{
		struct deny d = {0};
		struct buf error = {0};
		X509 *x = certificate("0A1B");

		CHECK(deny_read(&d, STR("0a1b"), &error));
		CHECK(!deny_read(&d, STR("nonsense"), &error));
		CHECK(deny_has(&d, x));
		CHECK(deny_read(&d, STR(""), &error));
		CHECK(!deny_has(&d, x));
		X509_free(x);
		buf_deinit(&error);
		deny_deinit(&d);
	}
	return check_done();
}

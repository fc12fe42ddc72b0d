/* Bytes as an OCSP answer, and as a chain: nothing that a stranger sends is good. */
#include <stdlib.h>

#include "ocsp_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A certificate and its issuer, whose key is gone. */
static const char chain[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBlDCCATmgAwIBAgIUT4tN5bWq8hXDpJbnGlaKMffLXwUwCgYIKoZIzj0EAwIw\n"
	"DzENMAsGA1UEAwwEZnV6ejAgFw0yNjEyMDEwMTE2MzlaGA8yMDUxMDcyMzAxMTYz\n"
	"OVowDzENMAsGA1UEAwwEbGVhZjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABA65\n"
	"J5c8LV+ozLjeG9hWZafJjNdU47cL87hVF0g9NogxGAe9HyVn5C+5EXDYmH45FzMm\n"
	"gL+Y/ddfmQ7pS2STb36jcTBvMC0GCCsGAQUFBwEBBCEwHzAdBggrBgEFBQcwAYYR\n"
	"aHR0cDovL28uZXhhbXBsZS8wHQYDVR0OBBYEFOeVUAEpMfX1bzqhB0GpylPECbCW\n"
	"MB8GA1UdIwQYMBaAFGNo81jSvxEsdtUuQGiwtXo1SnSvMAoGCCqGSM49BAMCA0kA\n"
	"MEYCIQD/3BvC9w7aZME8i8NvIP6JQQBhZs2o5O2bbwfj8EdGtgIhAP7E91IY3yyN\n"
	"/lLPQaU3s7wtbNCloeRcQ1A1HinPXCHM\n"
	"-----END CERTIFICATE-----\n"
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBpjCCAUygAwIBAgIUDDlYB3jf5VxJ7fAZbPWCiltfpC4wCgYIKoZIzj0EAwIw\n"
	"DzENMAsGA1UEAwwEZnV6ejAgFw0yNjEyMDEwMTE2MzlaGA8yMDUxMDcyMzAxMTYz\n"
	"OVowDzENMAsGA1UEAwwEZnV6ejBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABDkY\n"
	"dGfZEpFwdYrXIG4BORr0vG0gzcU0kp0/AjoVYKqYm6WEDojT7Ah6V+9kgpD0/TAX\n"
	"R6Qt4jCC3LDy1yFuty2jgYMwgYAwHQYDVR0OBBYEFGNo81jSvxEsdtUuQGiwtXo1\n"
	"SnSvMB8GA1UdIwQYMBaAFGNo81jSvxEsdtUuQGiwtXo1SnSvMA8GA1UdEwEB/wQF\n"
	"MAMBAf8wLQYIKwYBBQUHAQEEITAfMB0GCCsGAQUFBzABhhFodHRwOi8vby5leGFt\n"
	"cGxlLzAKBggqhkjOPQQDAgNIADBFAiBSUC/gih9TJ/NWKyprE8CqkLoaJNnVkN4w\n"
	"0x64UUh9QwIhALUfd+kr5z14x7TUZNhCnwC2Y257KspVNy1oJf3i95nm\n"
	"-----END CERTIFICATE-----\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct staple_subject *subject;
	struct staple_subject *other;
	const char *why;
	int64_t until_s;
	bool is_fault;

	if (!subject)
		subject = staple_subject_create(STR(chain), &why, &is_fault);
	if (!subject || staple_subject_judge(subject, str_of((const char *)data, size), 1800000000, &until_s, &why) != STAPLE_UNUSABLE)
		abort();
	other = staple_subject_create(str_of((const char *)data, size), &why, &is_fault);
	if ((other == NULL) != (why != NULL))
		abort();
	staple_subject_destroy(other);
	return 0;
}

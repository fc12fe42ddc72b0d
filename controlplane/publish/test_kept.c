/* What is kept of a message is bounded, whatever a peer put into it. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mem.h"
#include "proxies.h"

static void test_refusal(void)
{
	enum { N = 1000, LONG = 5000 };
	Weirlock__V1__WatchRequest request = WEIRLOCK__V1__WATCH_REQUEST__INIT, *kept;
	Weirlock__V1__ResourceError error = WEIRLOCK__V1__RESOURCE_ERROR__INIT, *errors[N];
	Weirlock__V1__Ref ref = WEIRLOCK__V1__REF__INIT;
	char text[LONG + 1], name[] = "a.test";

	check_case("a refusal with a thousand long reasons");
	memset(text, 'x', LONG);
	text[LONG] = '\0';
	ref.name = name;
	error.ref = &ref;
	error.reason = text;
	for (size_t i = 0; i < N; i++)
		errors[i] = &error;
	request.errors = errors;
	request.n_errors = N;
	kept = kept_refusal(&request);
	CHECK_INT(kept->n_errors, ERRORS_KEPT);
	CHECK_INT(strlen(kept->errors[0]->reason), REASON_KEPT);
	CHECK_STR(str_from(kept->errors[ERRORS_KEPT - 1]->ref->name), STR("a.test"));
	weirlock__v1__watch_request__free_unpacked(kept, NULL);
	check_case("a reason without a resource");
	error.ref = NULL;
	request.n_errors = 1;
	kept = kept_refusal(&request);
	CHECK_INT(kept->n_errors, 1);
	CHECK(!kept->errors[0]->ref);
	weirlock__v1__watch_request__free_unpacked(kept, NULL);
}

static void test_report(void)
{
	static const uint8_t packed[] = {0x08, 0x07, 0xf8, 0x07, 0x01, 0xf8, 0x07, 0x02}; /* connections, and two of field 127 */
	Weirlock__V1__ReportRequest *report = weirlock__v1__report_request__unpack(NULL, sizeof(packed), packed), *kept;

	check_case("a report with fields that nobody knows, and a long text");
	CHECK_INT(report->base.n_unknown_fields, 2);
	report->not_sealed = malloc(3001);
	memset(report->not_sealed, 'y', 3000);
	report->not_sealed[3000] = '\0';
	kept = kept_report(report);
	CHECK_INT(kept->connections, 7);
	CHECK_INT(kept->base.n_unknown_fields, 0);
	CHECK_INT(strlen(kept->not_sealed), TEXT_KEPT);
	weirlock__v1__report_request__free_unpacked(kept, NULL);
	weirlock__v1__report_request__free_unpacked(report, NULL);
}

int main(void)
{
	test_refusal();
	test_report();
	return check_done();
}

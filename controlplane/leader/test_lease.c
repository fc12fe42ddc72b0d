/* The Lease's JSON, read and written as client-go does (N6). */
#include "lease.h"

#include <stdlib.h>

#include "check.h"

#define META "\"metadata\":{\"labels\":{\"a\":\"b\"},\"name\":\"l\",\"namespace\":\"n\",\"resourceVersion\":\"7\"}"
#define HEAD "{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\"," META
#define OLD "2026-01-01T00:00:00.000000Z"
#define NOW "2026-11-24T10:00:00.123000Z"

static const struct {
	const char *name, *in;
	bool is_lease;
	struct lease want;
} reads[] = {
	{"whole", HEAD ",\"spec\":{\"holderIdentity\":\"me\",\"leaseDurationSeconds\":30}}", true, {{"me", 2}, {"7", 1}, 30000}},
	{"released", HEAD ",\"spec\":{\"holderIdentity\":\"\",\"leaseDurationSeconds\":1}}", true, {{"", 0}, {"7", 1}, 1000}},
	{"made by hand", HEAD "}", true, {{"", 0}, {"7", 1}, 0}},
	{"a duration of no use", HEAD ",\"spec\":{\"leaseDurationSeconds\":-3}}", true, {{"", 0}, {"7", 1}, 0}},
	{"something else", "{\"kind\":\"Status\"," META "}", false, {{"", 0}, {"", 0}, 0}},
	{"without a version", "{\"kind\":\"Lease\",\"metadata\":{}}", false, {{"", 0}, {"", 0}, 0}},
};

#define SPEC(holder, seconds, acquired, renewed, transitions)                                                             \
	",\"spec\":{\"acquireTime\":\"" acquired "\",\"holderIdentity\":\"" holder "\",\"leaseDurationSeconds\":" seconds \
	",\"leaseTransitions\":" transitions ",\"renewTime\":\"" renewed "\"}}"

static const struct {
	const char *name, *in;
	enum election_step step;
	const char *want;
} writes[] = {
	{"made", NULL, ELECTION_CREATE,
		"{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\",\"metadata\":{\"name\":\"l\",\"namespace\":\"n\"}" SPEC(
			"me", "30", NOW, NOW, "0")},
	{"renewed: who and since when stay", HEAD SPEC("me", "30", OLD, OLD, "4"), ELECTION_RENEW, HEAD SPEC("me", "30", OLD, NOW, "4")},
	{"taken: one transition more", HEAD SPEC("you", "15", OLD, OLD, "4"), ELECTION_TAKE, HEAD SPEC("me", "30", NOW, NOW, "5")},
	{"taken though it is empty", HEAD "}", ELECTION_TAKE, HEAD SPEC("me", "30", NOW, NOW, "1")},
	{"released: nobody's, for a second", HEAD SPEC("me", "30", OLD, OLD, "4"), ELECTION_RELEASE, HEAD SPEC("", "1", NOW, NOW, "4")},
};

static void test_reads(void)
{
	for (size_t i = 0; i < CHECK_COUNT(reads); i++) {
		json_t *json = json_loads(reads[i].in, 0, NULL);
		struct lease got = {0};

		check_case(reads[i].name);
		if (CHECK_INT(lease_read(json, &got), reads[i].is_lease) && reads[i].is_lease) {
			CHECK_STR(got.holder, reads[i].want.holder);
			CHECK_STR(got.version, reads[i].want.version);
			CHECK_INT(got.duration_ms, reads[i].want.duration_ms);
		}
		json_decref(json);
	}
	CHECK(!lease_read(NULL, &(struct lease){0}));
}

static void test_writes(void)
{
	const struct lease_wish wish = {STR("n"), STR("l"), STR("me"), 30000, 1795514400123};

	for (size_t i = 0; i < CHECK_COUNT(writes); i++) {
		json_t *seen = writes[i].in ? json_loads(writes[i].in, 0, NULL) : NULL;
		json_t *made = lease_make(seen, writes[i].step, &wish);
		char *text = json_dumps(made, JSON_COMPACT | JSON_SORT_KEYS);

		check_case(writes[i].name);
		CHECK_STR(str_from(text), str_from(writes[i].want));
		free(text);
		json_decref(made);
		json_decref(seen);
	}
}

int main(void)
{
	test_reads();
	test_writes();
	return check_done();
}

/* How calls end, and what is said of it. */
#include "kubewrite.h"

#include <errno.h>

#include "check.h"

static const struct {
	const char *name;
	int error;
	unsigned status;
	const char *body;
	enum feed_outcome want;
	const char *message;
} ends[] = {
	{"written", 0, 200, "{}", FEED_FINE, ""},
	{"made", 0, 201, "{}", FEED_FINE, ""},
	{"forbidden", 0, 403, "{\"kind\":\"Status\",\"code\":403,\"message\":\"you may not\"}", FEED_FORBIDDEN, "you may not"},
	{"a conflict", 0, 409, "{\"kind\":\"Status\",\"code\":409,\"message\":\"changed\"}", FEED_REFUSED, "changed"},
	{"a proxy's words", 0, 502, "<html>", FEED_REFUSED, ""},
	{"nobody there", -ECONNREFUSED, 0, "", FEED_LOST, "no route"},
	{"cut after the head", -ECONNRESET, 200, "{", FEED_LOST, "no route"},
};

int main(void)
{
	struct problems problems = {0};
	struct buf text = {0};

	for (size_t i = 0; i < CHECK_COUNT(ends); i++) {
		const struct kubeapi_result result = {
			.error = ends[i].error, .status = ends[i].status, .body = str_from(ends[i].body), .why = "no route"};

		check_case(ends[i].name);
		buf_clear(&text);
		CHECK_INT(kubewrite_outcome(&result, &text), ends[i].want);
		CHECK_STR(buf_str(&text), str_from(ends[i].message));
	}
	check_case("the missing rule is named");
	kubewrite_problem(&(struct kubewrite){{"a.k8s.io", "things/status", "\"patch\"", STR("n"), STR("")}, "it is to be written", "nothing is", false},
		FEED_FORBIDDEN, STR("you may not"), &problems);
	buf_clear(&text);
	problem_text(&problems.items[0], &text);
	CHECK_STR(buf_str(&text),
		STR("Kubernetes API: things/status.a.k8s.io in namespace n: it is to be written, but it is forbidden (403): you may not; it "
		    "needs a Role in namespace n with apiGroups [\"a.k8s.io\"], resources [\"things/status\"], verbs [\"patch\"], bound to the "
		    "controller's ServiceAccount; nothing is; it is tried again"));
	problems_deinit(&problems);
	buf_deinit(&text);
	return check_done();
}

/* Which pods count (N5). */
#include "pods.h"

#include "check.h"

#define POD(name, more, status) "{\"metadata\":{\"name\":\"" name "\"" more "},\"spec\":{\"nodeName\":\"n1\"},\"status\":{" status "}}"
#define READY(is) "\"phase\":\"Running\",\"conditions\":[{\"type\":\"Initialized\",\"status\":\"True\"},{\"type\":\"Ready\",\"status\":\"" is "\"}]"
#define GOING ",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\""

static const struct {
	const char *name, *in, *node;
	bool is_another;
} pods[] = {
	{"ready", POD("a", "", READY("True")), "n1", true},
	{"not ready", POD("a", "", READY("False")), "", true},
	{"about to go", POD("a", GOING, READY("True")), "", false},
	{"not begun", POD("a", "", "\"phase\":\"Pending\""), "", true},
	{"over", POD("a", "", "\"phase\":\"Failed\""), "", false},
	{"over without a mistake", POD("a", "", "\"phase\":\"Succeeded\""), "", false},
	{"ourselves", POD("me", "", READY("True")), "n1", false},
	{"nothing", "{}", "", true},
};

int main(void)
{
	json_t *pod = json_loads("{\"metadata\":{\"labels\":{\"app\":\"w\",\"pod-template-hash\":\"1\",\"tier\":\"c\"}}}", 0, NULL);
	struct buf out = {0};

	for (size_t i = 0; i < CHECK_COUNT(pods); i++) {
		json_t *json = json_loads(pods[i].in, 0, NULL);

		check_case(pods[i].name);
		CHECK_STR(pod_ready_node(json), str_from(pods[i].node));
		CHECK_INT(pod_is_another(json, STR("me")), pods[i].is_another);
		json_decref(json);
	}
	check_case("a selector");
	pod_add_selector(pod, &out);
	CHECK_STR(buf_str(&out), STR("app=w,tier=c"));
	json_decref(pod);
	check_case("a path");
	buf_clear(&out);
	pods_add_path(STR("ns"), STR("a.b/c=d,e=f"), &out);
	CHECK_STR(buf_str(&out), STR("/api/v1/namespaces/ns/pods?labelSelector=a.b%2Fc%3Dd%2Ce%3Df"));
	buf_deinit(&out);
	return check_done();
}

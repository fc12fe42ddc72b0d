/* Who wrote a field last. */
#include "check.h"
#include "managed.h"

static const char sample[] =
	"[{\"manager\":\"helm\",\"operation\":\"Apply\",\"time\":\"2026-01-01T00:00:00Z\",\"fieldsV1\":{\"f:metadata\":{\"f:annotations\":"
	"{\".\":{},\"f:nginx.ingress.kubernetes.io/rewrite-target\":{},\"f:nginx.ingress.kubernetes.io/proxy-read-timeout\":{}}},"
	"\"f:spec\":{\"f:rules\":{},\"f:tls\":{}}}},"
	"{\"manager\":\"kubectl-edit\",\"operation\":\"Update\",\"time\":\"2026-02-01T00:00:00Z\",\"fieldsV1\":{\"f:metadata\":"
	"{\"f:annotations\":{\"f:nginx.ingress.kubernetes.io/proxy-read-timeout\":{}}}}},"
	"{\"manager\":\"controller\",\"operation\":\"Update\",\"subresource\":\"status\",\"time\":\"2026-03-01T00:00:00Z\","
	"\"fieldsV1\":{\"f:status\":{},\"f:spec\":{\"f:rules\":{}}}},"
	"{\"manager\":\"gitops\",\"operation\":\"Apply\",\"time\":\"2026-02-02T00:00:00Z\",\"fieldsV1\":{\"f:data\":{\"f:keep-alive\":{}}}}]";

int main(void)
{
	static const struct {
		const char *key, *want;
	} cases[] = {
		{"", "helm"},
		{"rewrite-target", "helm"},
		{"proxy-read-timeout", "kubectl-edit"}, /* the newer of two */
		{"read-timeout", "gitops"},             /* nobody: the newest of all, but for the status */
		{"keep-alive", "gitops"},
		{"tls", "helm"},
		{"nginx.ingress.kubernetes.io/rewrite-target", "helm"},
	};
	json_t *managed = json_loads(sample, 0, NULL), *odd = json_loads("[1, {}, {\"fieldsV1\": 3, \"time\": 4}]", 0, NULL);

	CHECK(managed != NULL);
	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		check_case(cases[i].key);
		CHECK_STR(str_from(json_string_value(json_object_get(managed_owner(managed, str_from(cases[i].key)), "manager"))),
			str_from(cases[i].want));
	}
	check_case("nothing, and nonsense");
	CHECK(!managed_owner(NULL, STR("x")));
	managed_owner(odd, STR("x"));
	json_decref(odd);
	json_decref(managed);
	return check_done();
}

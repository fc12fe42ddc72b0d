/* AdmissionReviews in, answers out (N10): what is asked, what is let pass, what a change may leave as it was. */
#include "cluster.h"
#include "mem.h"
#include "review.h"

#define KIND "\"kind\":{\"group\":\"networking.k8s.io\",\"version\":\"v1\",\"kind\":\"Ingress\"}"
#define INGRESS(meta, class, host, path)                                                                                        \
	"{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"Ingress\",\"metadata\":{\"name\":\"web\",\"namespace\":\"default\"" meta "}," \
	"\"spec\":{\"ingressClassName\":\"" class "\",\"rules\":[{\"host\":\"" host "\",\"http\":{\"paths\":[{\"path\":\"" path "\","  \
	"\"pathType\":\"Prefix\",\"backend\":{\"service\":{\"name\":\"one\",\"port\":{\"number\":80}}}}]}}]}}"
#define NOTES(members) ",\"annotations\":{" members "}"
#define BAD "\"nginx.ingress.kubernetes.io/load-balance\":\"x\""
#define WORSE "\"nginx.ingress.kubernetes.io/app-root\":\"x y\""
#define REVIEW(request) "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u-1\"," request "}}"
#define CREATE(object) REVIEW(KIND ",\"operation\":\"CREATE\",\"object\":" object ",\"oldObject\":null")
#define UPDATE(before, object) REVIEW(KIND ",\"operation\":\"UPDATE\",\"object\":" object ",\"oldObject\":" before)
#define ANSWER(rest) "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"response\":{\"uid\":\"u-1\"," rest "}}\n"
#define YES ANSWER("\"allowed\":true")

static const struct {
	const char *name, *body;
	const char *want; /* whole when it ends in a newline, else a part */
	enum review_result result;
} cases[] = {
	{"nothing", "", "the body is no JSON\n", REVIEW_BAD},
	{"no JSON", "{", "the body is no JSON\n", REVIEW_BAD},
	{"more than JSON", YES "x", "the body is no JSON\n", REVIEW_BAD},
	{"another kind", "{}", "this is no AdmissionReview of admission.k8s.io/v1 (admissionReviewVersions: [v1])\n", REVIEW_BAD},
	{"an old version", "{\"apiVersion\":\"admission.k8s.io/v1beta1\",\"kind\":\"AdmissionReview\",\"request\":{}}",
		"this is no AdmissionReview of admission.k8s.io/v1 (admissionReviewVersions: [v1])\n", REVIEW_BAD},
	{"no request", "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\"}", "the AdmissionReview has no request\n",
		REVIEW_BAD},
	{"no uid", "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{}}",
		"the request's uid is needed, of at most 128 bytes\n", REVIEW_BAD},
	{"a request that says nothing", REVIEW("\"a\":1"), YES, REVIEW_ALLOWED},
	{"another kind of object", REVIEW("\"kind\":{\"group\":\"\",\"version\":\"v1\",\"kind\":\"Pod\"},\"operation\":\"CREATE\",\"object\":{}"),
		YES, REVIEW_ALLOWED},
	{"it goes", REVIEW(KIND ",\"operation\":\"DELETE\",\"object\":null,\"oldObject\":" INGRESS(NOTES(BAD), "nginx", "new.test", "/")),
		YES, REVIEW_ALLOWED},
	{"its status", REVIEW(KIND ",\"subResource\":\"status\",\"operation\":\"UPDATE\",\"object\":" INGRESS(
				      NOTES(BAD), "nginx", "new.test", "/")),
		YES, REVIEW_ALLOWED},
	{"a good one", CREATE(INGRESS("", "nginx", "new.test", "/")), YES, REVIEW_ALLOWED},
	{"a bad one",
		CREATE(INGRESS(NOTES(BAD), "nginx", "new.test", "/")),
		ANSWER("\"allowed\":false,\"status\":{\"code\":400,\"reason\":\"BadRequest\",\"message\":\"Ingress default/web: "
		       "nginx.ingress.kubernetes.io/load-balance: 'x' is not round_robin, ewma, chash, chashsubset, sticky_balanced or "
		       "sticky_persistent; write one of these words\"}"),
		REVIEW_DENIED},
	{"a path that another has (C9)", CREATE(INGRESS("", "nginx", "old.test", "/")),
		"\"message\":\"Ingress default/web: spec.rules[0].http.paths[0]: host old.test has path / from Ingress default/old already (C9); "
		"take the path out of one of them\"}",
		REVIEW_DENIED},
	{"an older one asks for it: the time of its making is no excuse",
		CREATE(INGRESS(",\"creationTimestamp\":\"2001-01-01T00:00:00Z\"", "nginx", "old.test", "/")), "from Ingress default/old already",
		REVIEW_DENIED},
	{"two faults", CREATE(INGRESS(NOTES(BAD "," WORSE), "nginx", "new.test", "/")), "; write one of these words\"}", REVIEW_DENIED},
	{"a warning", CREATE(INGRESS(NOTES("\"nginx.ingress.kubernetes.io/aap-root\":\"/x\""), "nginx", "new.test", "/")),
		ANSWER("\"allowed\":true,\"warnings\":[\"Ingress default/web: nginx.ingress.kubernetes.io/aap-root: no such annotation; did you "
		       "mean app-root?; it has no effect\"]"),
		REVIEW_ALLOWED},
	{"another's class (N8)", CREATE(INGRESS(NOTES(BAD), "other", "old.test", "/")), YES, REVIEW_ALLOWED},
	{"another's class, in a form that we could not read",
		CREATE("{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"Ingress\",\"metadata\":{\"name\":\"web\",\"namespace\":\"default\"},"
		       "\"spec\":{\"ingressClassName\":\"other\",\"rules\":[{\"host\":7}]}}"),
		YES, REVIEW_ALLOWED},
	{"ours, in a form that we cannot read",
		CREATE("{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"Ingress\",\"metadata\":{\"name\":\"web\",\"namespace\":\"default\"},"
		       "\"spec\":{\"ingressClassName\":\"nginx\",\"rules\":[{\"host\":7}]}}"),
		"spec.rules[0].host", REVIEW_DENIED},
	{"no object", CREATE("null"), YES, REVIEW_ALLOWED},
	{"an object that is a list", CREATE("[]"), YES, REVIEW_ALLOWED},

	/* what a change may leave as it was */
	{"good becomes bad", UPDATE(INGRESS("", "nginx", "new.test", "/"), INGRESS(NOTES(BAD), "nginx", "new.test", "/")),
		"load-balance: 'x' is not", REVIEW_DENIED},
	{"bad becomes good", UPDATE(INGRESS(NOTES(BAD), "nginx", "new.test", "/"), INGRESS("", "nginx", "new.test", "/")), YES,
		REVIEW_ALLOWED},
	{"bad stays bad, and something else changes",
		UPDATE(INGRESS(NOTES(BAD), "nginx", "new.test", "/"), INGRESS(NOTES(BAD), "nginx", "new.test", "/more")),
		"\"allowed\":true,\"warnings\":[\"Ingress default/web: nginx.ingress.kubernetes.io/load-balance: 'x' is not", REVIEW_ALLOWED},
	{"bad becomes worse", UPDATE(INGRESS(NOTES(BAD), "nginx", "new.test", "/"), INGRESS(NOTES(BAD "," WORSE), "nginx", "new.test", "/")),
		"\"message\":\"Ingress default/web: nginx.ingress.kubernetes.io/app-root", REVIEW_DENIED},
	{"a conflict that stands", UPDATE(INGRESS("", "nginx", "old.test", "/"), INGRESS(NOTES("\"a\":\"b\""), "nginx", "old.test", "/")),
		"\"allowed\":true,\"warnings\":[", REVIEW_ALLOWED},
	{"into a conflict", UPDATE(INGRESS("", "nginx", "new.test", "/"), INGRESS("", "nginx", "old.test", "/")),
		"from Ingress default/old already", REVIEW_DENIED},
	{"from another's class into ours (N8)", UPDATE(INGRESS(NOTES(BAD), "other", "new.test", "/"), INGRESS(NOTES(BAD), "nginx", "new.test", "/")),
		"load-balance: 'x' is not", REVIEW_DENIED},
	{"a form before that cannot be read", UPDATE("[]", INGRESS(NOTES(BAD), "nginx", "new.test", "/")), "load-balance: 'x' is not",
		REVIEW_DENIED},
	{"on its way out, and its finalizer goes",
		UPDATE(INGRESS(NOTES(BAD), "nginx", "new.test", "/"),
			INGRESS(",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"" NOTES(BAD "," WORSE), "nginx", "new.test", "/")),
		YES, REVIEW_ALLOWED},
};

int main(void)
{
	struct store *store = store_create();
	struct reconcile_options options;

	reconcile_options_init(&options);
	store_put(store, cluster_class(), NULL);
	store_put(store, cluster_service("one"), NULL);
	store_put(store, cluster_ingress("old", 1, "", "old.test", "/", "one"), NULL);
	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		struct str want = str_from(cases[i].want);
		struct buf got = {0};

		check_case(cases[i].name);
		CHECK_INT(review_answer(store, &options, str_from(cases[i].body), &got), cases[i].result);
		if (str_ends_with(want, STR("\n")))
			CHECK_STR(buf_str(&got), want);
		else if (!CHECK(str_find_str(buf_str(&got), want) < got.len))
			CHECK_STR(buf_str(&got), want);
		buf_deinit(&got);
	}
	store_destroy(store);
	return check_done();
}

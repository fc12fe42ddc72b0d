/* Any bytes as an AdmissionReview, asked in a small cluster; whatever is not bad is answered in JSON that says yes or no. */
#include <stdint.h>

#include "cluster.h"
#include "review.h"

static struct store *make_store(void)
{
	struct store *store = store_create();

	store_put(store, cluster_class(), NULL);
	store_put(store, cluster_service("one"), NULL);
	store_put(store, cluster_ingress("old", 1, "", "old.test", "/", "one"), NULL);
	store_put(store, cluster_ingress("other", 1, "\"nginx.ingress.kubernetes.io/use-regex\":\"true\"", "re.test", "/a", "one"), NULL);
	return store;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct store *store;
	static struct reconcile_options options;
	struct buf out = {0};
	enum review_result result;
	json_error_t error;
	json_t *answer;

	if (!store) {
		reconcile_options_init(&options);
		store = make_store();
	}
	result = review_answer(store, &options, str_of(data, size), &out);
	answer = result == REVIEW_BAD ? NULL : json_loadb(out.ptr, out.len, 0, &error);
	if (result != REVIEW_BAD &&
		json_is_true(json_object_get(json_object_get(answer, "response"), "allowed")) != (result == REVIEW_ALLOWED))
		abort();
	if (!out.len)
		abort();
	json_decref(answer);
	buf_deinit(&out);
	return 0;
}

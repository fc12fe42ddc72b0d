/* Backends that a pinned snapshot has and the cluster's present state has not: their endpoints still come and go. */
#include "endpoints.h"

#include "weirlock/v1/snapshot.pb-c.h"

static void build_pinned(struct reconcile *pass, struct content *pinned, struct resource *backend, struct reconcile_result *result)
{
	Weirlock__V1__Backend *message =
		weirlock__v1__backend__unpack(NULL, backend->body.len, (const uint8_t *)backend->body.ptr);
	struct buf cluster_ip = {0};

	if (!message)
		return;
	buf_printf(&cluster_ip, "%.*s/-", STR_ARG(backend->name));
	reconcile_backend_endpoints(pass, backend->name, message->affinity != NULL,
		content_get(pinned, WEIRLOCK__V1__KIND__KIND_ENDPOINTS, buf_str(&cluster_ip)) != NULL, result);
	buf_deinit(&cluster_ip);
	weirlock__v1__backend__free_unpacked(message, NULL);
}

struct content *endpoints_of_pinned(struct store *store, const struct reconcile_options *options, struct content *pinned,
	struct content *live)
{
	struct reconcile *pass = reconcile_begin(store, options);
	struct reconcile_result result;
	struct content *out = content_create();
	size_t n;
	struct resource *const *items = content_sorted(pinned, &n);

	reconcile_result_init(&result);
	for (size_t i = 0; i < n; i++) {
		if (items[i]->kind != WEIRLOCK__V1__KIND__KIND_BACKEND || content_get(live, items[i]->kind, items[i]->name))
			continue;
		build_pinned(pass, pinned, items[i], &result);
		content_put(out, resource_ref(items[i]));
	}
	reconcile_end(pass);
	for (size_t i = 0; i < result.n_resources; i++)
		content_put(out, resource_ref(result.resources[i]));
	reconcile_result_deinit(&result);
	return out;
}

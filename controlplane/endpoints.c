/*
 * A Service's Backends and Endpoints are built alone, then laid over a copy of the set before, from which the Endpoints of
 * these Backends are taken first: a slice that is gone has none any more.
 */
#include "endpoints.h"

#include "weirlock/v1/snapshot.pb-c.h"

#include "mem.h"

static int compare(const struct resource *r, uint32_t kind, struct str name)
{
	if (r->kind != kind)
		return r->kind < kind ? -1 : 1;
	return str_cmp(r->name, name);
}

/* The first resource at or after (kind, name). */
static size_t find_place(struct resource *const *items, size_t n, uint32_t kind, struct str name)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(items[middle], kind, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Drops "BACKEND/…" from `to`. `from` has the same resources and stays as it is. */
static void drop_endpoints(struct content *from, struct content *to, struct str backend)
{
	const uint32_t kind = WEIRLOCK__V1__KIND__KIND_ENDPOINTS;
	struct buf prefix = {0};
	size_t n;
	struct resource *const *items = content_sorted(from, &n);

	buf_add(&prefix, backend);
	buf_add_char(&prefix, '/');
	for (size_t i = find_place(items, n, kind, buf_str(&prefix)); i < n; i++) {
		if (items[i]->kind != kind || !str_starts_with(items[i]->name, buf_str(&prefix)))
			break;
		content_drop(to, kind, items[i]->name);
	}
	buf_deinit(&prefix);
}

static void lay_over(struct content *from, struct content *to, struct content *news)
{
	size_t n;
	struct resource *const *items = content_sorted(news, &n);

	for (size_t i = 0; i < n; i++) {
		if (items[i]->kind == WEIRLOCK__V1__KIND__KIND_BACKEND)
			drop_endpoints(from, to, items[i]->name);
	}
	for (size_t i = 0; i < n; i++)
		content_put(to, resource_ref(items[i]));
}

struct snapshot *endpoints_build(struct store *store, const struct reconcile_options *options, struct snapshot *current,
	const struct str *services, size_t n_services, uint64_t built_ms)
{
	struct content *content = content_copy(current->content);
	struct reconcile *pass = reconcile_begin(store, options);
	struct reconcile_result result;
	struct snapshot *s;

	reconcile_result_init(&result);
	for (size_t i = 0; i < n_services; i++)
		reconcile_service(pass, services[i], &result);
	reconcile_end(pass);
	lay_over(current->content, content, result.content);
	reconcile_result_deinit(&result);
	s = snapshot_create(content, built_ms);
	for (size_t i = 0; i < current->n_origins; i++)
		snapshot_add_origin(s, &current->origins[i]);
	snapshot_sort_origins(s);
	return s;
}

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
	content_put(result->content, resource_ref(backend));
	buf_deinit(&cluster_ip);
	weirlock__v1__backend__free_unpacked(message, NULL);
}

struct content *endpoints_of_pinned(struct store *store, const struct reconcile_options *options, struct content *pinned,
	struct content *live)
{
	struct reconcile *pass = reconcile_begin(store, options);
	struct reconcile_result result;
	struct content *out;
	size_t n;
	struct resource *const *items = content_sorted(pinned, &n);

	reconcile_result_init(&result);
	for (size_t i = 0; i < n; i++) {
		if (items[i]->kind == WEIRLOCK__V1__KIND__KIND_BACKEND && !content_get(live, items[i]->kind, items[i]->name))
			build_pinned(pass, pinned, items[i], &result);
	}
	reconcile_end(pass);
	out = result.content;
	result.content = NULL;
	reconcile_result_deinit(&result);
	return out;
}

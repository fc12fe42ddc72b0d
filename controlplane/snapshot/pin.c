/* Endpoints are named "BACKEND/SLICE", and a slice's name has no slash. */
#include "pin.h"

#include "mem.h"
#include "weirlock/v1/snapshot.pb-c.h"

enum { BACKEND = WEIRLOCK__V1__KIND__KIND_BACKEND, ENDPOINTS = WEIRLOCK__V1__KIND__KIND_ENDPOINTS };

void pin_deinit(struct pin *pin)
{
	content_destroy(pin->content);
	origins_unref(&pin->origins);
	mem_free(pin->by);
	mem_free(pin->reason);
	*pin = (struct pin){0};
}

static bool is_known(const struct resource *endpoints, const struct content *c)
{
	return c && content_get(c, BACKEND, str_first(endpoints->name, str_rfind(endpoints->name, '/')));
}

static void lay_over(struct content *out, const struct content *pinned, struct content *news)
{
	size_t n;
	struct resource *const *items = content_sorted(news, &n);

	for (size_t i = 0; i < n; i++) {
		if (items[i]->kind == ENDPOINTS && is_known(items[i], pinned))
			content_put(out, resource_ref(items[i]));
	}
}

struct content *pin_content(const struct pin *pin, struct content *live, struct content *others)
{
	struct content *out = content_copy(pin->content);
	size_t n;
	struct resource *const *items = content_sorted(pin->content, &n);

	for (size_t i = 0; i < n; i++) {
		if (items[i]->kind == ENDPOINTS && (is_known(items[i], live) || is_known(items[i], others)))
			content_drop(out, ENDPOINTS, items[i]->name);
	}
	lay_over(out, pin->content, live);
	if (others)
		lay_over(out, pin->content, others);
	return out;
}

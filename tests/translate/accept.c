/* The contract between the planes: whatever a cluster holds, what comes out of it compiles in a proxy. */
#include "accept.h"

#include "config.h"

bool accept_snapshot(const struct snapshot *s, struct buf *out)
{
	struct config_errors errors = {0};
	const struct generation *g = config_compile(s->content, NULL, &errors);
	bool is_taken = g != NULL;

	for (size_t i = 0; i < errors.n; i++)
		buf_printf(out, "refused by the proxy: kind %u name '%.*s': %.*s\n", errors.items[i].kind,
			STR_ARG(errors.items[i].name), STR_ARG(errors.items[i].reason));
	if (g)
		generation_unref(&g);
	config_errors_deinit(&errors);
	return is_taken;
}

/* Resources go into a set of their own: hashes are computed anew, for a redacted body does not fit the one it came with. */
#include "reading.h"

#include "command.h"
#include "content.h"
#include "mem.h"
#include "proto_kind.h"

static void put_settings(struct content *c, const Weirlock__V1__Settings *settings)
{
	size_t size = weirlock__v1__settings__get_packed_size(settings);
	uint8_t *packed = mem_alloc(size + 1);

	weirlock__v1__settings__pack(settings, packed);
	content_put(c, resource_create(WEIRLOCK__V1__KIND__KIND_SETTINGS, STR(""), str_of(packed, size)));
	mem_free(packed);
}

int reading_compile_with(
	const struct view *v, const Weirlock__V1__Settings *settings, const struct generation **out)
{
	struct content *c = content_create();
	struct config_errors errors = {0};
	int status = 0;

	for (size_t i = 0; i < v->snapshot->n_resources; i++) {
		const Weirlock__V1__Resource *r = v->snapshot->resources[i];

		content_put(c, resource_create((uint32_t)r->kind, str_from(r->name), str_of(r->body.data, r->body.len)));
	}
	if (settings)
		put_settings(c, settings);
	*out = config_compile_for_reading(c, &errors);
	if (!*out)
		status = command_fail(EXIT_BAD_INPUT,
			"a proxy would refuse this snapshot: %s %.*s: %.*s (weirctl status says what is served instead)",
			proto_kind_text(errors.items[0].kind), STR_ARG(errors.items[0].name), STR_ARG(errors.items[0].reason));
	config_errors_deinit(&errors);
	content_destroy(c);
	return status;
}

int reading_compile(const struct view *v, const struct generation **out)
{
	return reading_compile_with(v, NULL, out);
}

#ifndef TEST_CONTENT_H
#define TEST_CONTENT_H
/* Resources for tests of the rooms that read a generation. */
#include "config.h"
#include "content.h"
#include "mem.h"
#include "weirlock/v1/snapshot.pb-c.h"

static inline void put_message(struct content *c, uint32_t kind, const char *name, const void *message)
{
	size_t len = protobuf_c_message_get_packed_size(message);
	uint8_t *body = mem_alloc(len + 1);

	protobuf_c_message_pack(message, body);
	content_put(c, resource_create(kind, str_from(name), str_of(body, len)));
	mem_free(body);
}

static inline void put_settings(struct content *c)
{
	Weirlock__V1__Settings s = WEIRLOCK__V1__SETTINGS__INIT;

	put_message(c, WEIRLOCK__V1__KIND__KIND_SETTINGS, "", &s);
}

/* "/foo" is a prefix, "=/foo" exact, "~/foo" a regular expression. All routes go to `backend`. */
static inline void put_host(struct content *c, char *name, char **paths, size_t n_paths, char **aliases, size_t n_aliases,
	char *backend)
{
	Weirlock__V1__Host h = WEIRLOCK__V1__HOST__INIT;
	Weirlock__V1__Route *routes = mem_calloc(n_paths + 1, sizeof(*routes)), **items = mem_calloc(n_paths + 1, sizeof(*items));

	for (size_t i = 0; i < n_paths; i++) {
		weirlock__v1__route__init(&routes[i]);
		routes[i].path = paths[i];
		if (paths[i][0] == '=' || paths[i][0] == '~') {
			routes[i].path_type = paths[i][0] == '=' ? WEIRLOCK__V1__PATH_TYPE__PATH_TYPE_EXACT
								 : WEIRLOCK__V1__PATH_TYPE__PATH_TYPE_REGEX;
			routes[i].path++;
		}
		routes[i].backend = backend;
		items[i] = &routes[i];
	}
	h.name = name;
	h.routes = items;
	h.n_routes = n_paths;
	h.aliases = aliases;
	h.n_aliases = n_aliases;
	put_message(c, WEIRLOCK__V1__KIND__KIND_HOST, name, &h);
	mem_free(routes);
	mem_free(items);
}

#endif

/* Each effective value of a route and of its backend: annotation, else ConfigMap, else default. */
#include <string.h>

#include "origin.h"
#include "render.h"
#include "story.h"

/* The route's place in the snapshot: compiled routes stand in the order of the message's. */
static const Weirlock__V1__Route *message_of(const struct story *s, const Weirlock__V1__Host **host)
{
	const struct route_match *m = &s->judgement.rule.match;
	size_t at = (size_t)(m->route - m->host->routes);

	for (size_t i = 0; i < s->view->n_hosts; i++) {
		*host = s->view->hosts[i];
		if (str_eq_nocase(str_from((*host)->name), m->host->name) && at < (*host)->n_routes)
			return (*host)->routes[at];
	}
	return NULL;
}

static const Weirlock__V1__Provenance *origin_of(
	const struct story *s, const char *host, const char *label, const char *field, struct str key)
{
	const Weirlock__V1__Provenance *origin;
	struct buf place = {0};

	buf_printf(&place, "routes[%s].%s", label, field);
	origin = view_origin(s->view, WEIRLOCK__V1__KIND__KIND_HOST, str_from(host), buf_str(&place));
	buf_deinit(&place);
	return origin ? origin : view_origin(s->view, WEIRLOCK__V1__KIND__KIND_SETTINGS, STR(""), key);
}

/* Fields that say nothing by themselves: what an empty allow list means, the status of a redirect that is not there. */
static bool is_part(const json_t *all, const char *field)
{
	if (strcmp(field, "has_allowlist") == 0)
		return !json_is_true(json_object_get(all, field)) || json_array_size(json_object_get(all, "allowlist"));
	return strcmp(field, "redirect_code") == 0 && !json_string_length(json_object_get(all, "redirect_url"));
}

static void add_policy(const struct story *s, const Weirlock__V1__Host *host, const Weirlock__V1__Route *route, json_t *rows)
{
	static const char *const marks[] = {"", "=", "~"};
	json_t *all, *value;
	struct buf label = {0};
	const char *field;

	if (!route->policy)
		return;
	buf_printf(&label, "%s%s", marks[route->path_type], route->path);
	all = render_message(&route->policy->base, true);
	json_object_foreach(all, field, value)
	{
		struct buf key = {0};

		if (is_part(all, field))
			continue;
		origin_policy_key(field, &key);
		json_array_append_new(rows, origin_row(s->view, field, buf_str(&key), value,
			origin_of(s, host->name, buf_cstr(&label), field, buf_str(&key))));
		buf_deinit(&key);
	}
	json_decref(all);
	buf_deinit(&label);
}

/* What says which backend it is, and not how it is asked. */
static bool is_name(const char *field)
{
	static const char *const names[] = {"service", "port", "external_name", "external_port"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(field, names[i]) == 0)
			return true;
	}
	return false;
}

static json_t *backend_row(const struct story *s, struct str backend, const char *field, json_t *value)
{
	const Weirlock__V1__Provenance *origin;
	struct buf key = {0};
	json_t *row;

	origin_backend_key(field, &key);
	origin = view_origin(s->view, WEIRLOCK__V1__KIND__KIND_BACKEND, backend, str_from(field));
	if (!origin)
		origin = view_origin(s->view, WEIRLOCK__V1__KIND__KIND_SETTINGS, STR(""), buf_str(&key));
	row = origin_row(s->view, field, buf_str(&key), value, origin);
	buf_deinit(&key);
	return row;
}

static void add_backend(const struct story *s, const Weirlock__V1__Route *route, json_t *rows)
{
	for (size_t i = 0; i < s->view->n_backends; i++) {
		json_t *all, *value;
		const char *field;

		if (!str_eq(s->view->backend_names[i], str_from(route->backend)))
			continue;
		all = render_message(&s->view->backends[i]->base, true);
		json_object_foreach(all, field, value)
		{
			if (!is_name(field))
				json_array_append_new(rows, backend_row(s, s->view->backend_names[i], field, value));
		}
		json_decref(all);
	}
}

json_t *story_settings(const struct story *s)
{
	json_t *rows = json_array();
	const Weirlock__V1__Host *host = NULL;
	const Weirlock__V1__Route *route = s->judgement.rule.match.route ? message_of(s, &host) : NULL;

	if (!route)
		return rows;
	add_policy(s, host, route, rows);
	add_backend(s, route, rows);
	return rows;
}

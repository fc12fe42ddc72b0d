/* weirctl explain request for people: the tables of what explain_request.c found. */
#include "explain.h"
#include "route.h"
#include "story.h"

enum { MANY_PATHS = 40 };

static const struct column step_columns[] = {{"STEP", "step", false}, {"RESULT", "result", false}, {"WHY", "why", false}, {0}};
static const struct column host_columns[] = {
	{"HOST", "host", false}, {"BY", "by", false}, {"NAME", "pattern", false}, {"RESULT", "result", false}, {0}};
static const struct column path_columns[] = {{"PATH", "path", false}, {"TYPE", "path_type", false},
	{"BACKEND", "backend", false}, {"INGRESS", "ingress", false}, {"RESULT", "result", false}, {0}};
static const struct column setting_columns[] = {{"SETTING", "setting", false}, {"VALUE", "shown", false},
	{"FROM", "from", false}, {"KEY", "key", true}, {"WRITTEN", "written", true}, {0}};

/* Of a host with very many paths, those that come near. Owned. */
static json_t *near_paths(const struct output *out, json_t *paths, size_t *n_hidden)
{
	json_t *near = json_array(), *row;
	bool has_many = json_array_size(paths) > MANY_PATHS && out->format == OUTPUT_TABLE;
	size_t i;

	*n_hidden = 0;
	json_array_foreach(paths, i, row)
	{
		const char *result = json_string_value(json_object_get(row, "result"));
		bool is_far = str_eq(str_from(result), str_from(route_fate_doc(ROUTE_NOT_PREFIX))) ||
			str_eq(str_from(result), str_from(route_fate_doc(ROUTE_NOT_EXACT)));

		if (has_many && is_far)
			++*n_hidden;
		else
			json_array_append(near, row);
	}
	return near;
}

static void print_paths(struct output *out, json_t *paths)
{
	size_t n_hidden;
	json_t *near = near_paths(out, paths, &n_hidden);

	explain_table(out, "Paths of the host, in their order:", near, path_columns);
	if (n_hidden)
		output_note(out, "(and %zu more that are other paths: -o wide shows all)", n_hidden);
	json_decref(near);
}

static const struct column choice_columns[] = {{"ENDPOINT", "address", false}, {"SHARE", "weight", false},
	{"SCORE", "score", false}, {"STATE", "state", false}, {"RESULT", "result", false}, {0}};

static void print_choice(struct output *out, json_t *choice)
{
	if (!choice)
		return;
	explain_table(out, "Endpoints, as the algorithm sees them:", json_object_get(choice, "endpoints"), choice_columns);
}

static void print_backend_request(struct output *out, json_t *request)
{
	size_t i;
	json_t *field;

	if (!request)
		return;
	output_note(out, "\nThe backend gets:\n  %s", json_string_value(json_object_get(request, "line")));
	json_array_foreach(json_object_get(request, "fields"), i, field)
		output_note(out, "  %s: %s", json_string_value(json_object_get(field, "name")),
			json_string_value(json_object_get(field, "value")));
}

/* Empty texts and lists say nothing; -o wide has them. */
static void print_settings(struct output *out, const char *title, json_t *settings)
{
	json_t *rows = json_array(), *row;
	size_t i;

	json_array_foreach(settings, i, row)
	{
		json_t *shown = json_object_get(row, "shown");
		bool is_empty = (json_is_string(shown) && !json_string_length(shown)) || (json_is_array(shown) && !json_array_size(shown));

		if (!is_empty || out->format == OUTPUT_WIDE)
			json_array_append(rows, row);
	}
	explain_table(out, title, rows, setting_columns);
	json_decref(rows);
}

void explain_print_request(struct output *out, const struct view *v, json_t *root)
{
	if (out->format != OUTPUT_TABLE && out->format != OUTPUT_WIDE) {
		output_rows(out, root, NULL);
		return;
	}
	output_rows(out, json_object_get(root, "steps"), step_columns);
	explain_print_proxy_header(out, root);
	explain_table(out, "Names that come near:", json_object_get(root, "hosts"), host_columns);
	print_paths(out, json_object_get(root, "paths"));
	print_choice(out, json_object_get(root, "choice"));
	print_backend_request(out, json_object_get(root, "backend_request"));
	print_settings(out, "What holds for this path:", json_object_get(root, "settings"));
	print_settings(out, "What holds for every connection and request:", json_object_get(root, "proxy_settings"));
	if (!v->snapshot->built_ms)
		output_note(out, "(a proxy does not know where values came from: ask its controller)");
}

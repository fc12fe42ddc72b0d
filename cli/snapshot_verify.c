/*
 * weirctl snapshot verify [ID|FILE]: does the id say what is in it? Keys and secrets are not in what people get, so the hash of a
 * resource that holds some is taken as it stands; the id is computed from all hashes, and every other hash from its body.
 */
#include "snapshot_verbs.h"

#include <string.h>

#include "content.h"
#include "proto_kind.h"
#include "render.h"

static const struct column columns[] = {
	{"KIND", "kind", false},
	{"NAME", "name", false},
	{"SAID", "said", false},
	{"FOUND", "found", false},
	{0},
};

static void add_row(json_t *rows, const char *kind, struct str name, struct str said, const uint8_t *found)
{
	json_t *row = json_object();

	json_object_set_new(row, "kind", json_string(kind));
	json_object_set_new(row, "name", render_text(name));
	json_object_set_new(row, "said", render_hex(said, 32));
	json_object_set_new(row, "found", render_hex(str_of(found, 32), 32));
	json_array_append_new(rows, row);
}

/* The resource with the hash that is said of it; a hash that the body belies is a row. */
static struct resource *take(const Weirlock__V1__Resource *m, bool is_redacted, json_t *rows, size_t *n_believed)
{
	struct resource *r = resource_create(m->kind, str_from(m->name), str_of(m->body.data, m->body.len));
	struct str said = str_of(m->hash.data, m->hash.len);

	if (str_eq(said, str_of(r->hash, sizeof(r->hash))))
		return r;
	if (is_redacted && proto_kind_is_secret(m->kind))
		++*n_believed;
	else
		add_row(rows, proto_kind_text(m->kind), str_from(m->name), said, r->hash);
	if (said.len == sizeof(r->hash))
		memcpy(r->hash, said.ptr, sizeof(r->hash));
	return r;
}

int snapshot_verify(struct command_line *line)
{
	struct content *content;
	struct content_id id;
	struct view v;
	size_t n_believed = 0;
	json_t *rows;
	int status;

	if (line->args.n > 2)
		return command_fail(EXIT_USAGE, "usage: weirctl snapshot verify [ID|FILE]");
	status = snapshot_named(line, line->args.n > 1 ? line->args.items[1] : "", &v);
	if (status != 0)
		return status;
	rows = json_array();
	content = content_create();
	for (size_t i = 0; i < v.snapshot->n_resources; i++)
		content_put(content, take(v.snapshot->resources[i], v.snapshot->redacted, rows, &n_believed));
	id = content_id(content);
	if (!str_eq(str_of(v.snapshot->id.data, v.snapshot->id.len), str_of(id.bytes, sizeof(id.bytes))))
		add_row(rows, "snapshot", STR(""), str_of(v.snapshot->id.data, v.snapshot->id.len), id.bytes);
	status = json_array_size(rows) ? EXIT_FINDINGS : EXIT_FINE;
	if (status == EXIT_FINE)
		output_note(&line->out, "good: the id and %zu resources; of %zu with keys or secrets, which are left out here, the hash is believed",
			v.snapshot->n_resources, n_believed);
	if (status != EXIT_FINE || line->out.format == OUTPUT_JSON || line->out.format == OUTPUT_YAML)
		output_rows(&line->out, rows, columns);
	json_decref(rows);
	content_destroy(content);
	view_deinit(&v);
	return status;
}

/* weirctl snapshot list|show|diff|export; the other words have files of their own. */
#include "snapshot_verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "anonymize.h"
#include "clock.h"
#include "diff.h"
#include "diff_requests.h"
#include "proto_kind.h"
#include "render.h"

static const struct column list_columns[] = {
	{"SNAPSHOT", "snapshot", false},
	{"POOL", "pool", false},
	{"BUILT", "built", false},
	{"RESOURCES", "resources", false},
	{"PUT", "put", false},
	{"DROPPED", "dropped", false},
	{"SIZE", "size_bytes", false},
	{"CHANGED", "changed", false},
	{"PROXIES", "proxies", false},
	{"PINNED", "pinned", false},
	{"ID", "id", true},
	{0},
};
static const struct column show_columns[] = {
	{"KIND", "kind", false},
	{"NAME", "name", false},
	{"SIZE", "size_bytes", false},
	{"HASH", "short_hash", false},
	{0},
};

static int list(struct command_line *line)
{
	Weirlock__V1__SnapshotsResponse *history;
	json_t *rows;
	int status = target_history(&line->target, &history);

	if (status != 0)
		return status;
	rows = json_array();
	for (size_t i = 0; i < history->n_snapshots; i++) {
		const Weirlock__V1__SnapshotInfo *s = history->snapshots[i];
		json_t *row = json_object();
		char time[CLOCK_TEXT_MAX];

		json_object_set_new(row, "snapshot", render_hex(str_of(s->id.data, s->id.len), 6));
		json_object_set_new(row, "id", render_hex(str_of(s->id.data, s->id.len), 32));
		if (s->pool[0])
			json_object_set_new(row, "pool", render_text(str_from(s->pool)));
		json_object_set_new(row, "built", json_string(clock_rfc3339(s->built_ms, time)));
		json_object_set_new(row, "resources", json_integer(s->n_resources));
		json_object_set_new(row, "put", json_integer(s->n_put));
		json_object_set_new(row, "dropped", json_integer(s->n_drop));
		json_object_set_new(row, "size_bytes", json_integer((json_int_t)s->size_bytes));
		json_object_set_new(row, "changed", json_string(s->is_structural ? "structure" : "endpoints"));
		json_object_set_new(row, "proxies", json_integer(s->n_proxies));
		if (s->is_pinned)
			json_object_set_new(row, "pinned", json_true());
		json_array_append_new(rows, row);
	}
	output_rows(&line->out, rows, list_columns);
	json_decref(rows);
	weirlock__v1__snapshots_response__free_unpacked(history, NULL);
	return 0;
}

/* The typed body of a resource as JSON, without secrets; NULL for kinds that are not shown. */
static json_t *body_json(const Weirlock__V1__Resource *r)
{
	const ProtobufCMessageDescriptor *descriptor = proto_kind_body(r->kind);
	ProtobufCMessage *message;
	json_t *json;

	if (!descriptor)
		return NULL;
	message = protobuf_c_message_unpack(descriptor, NULL, r->body.len, r->body.data);
	if (!message)
		return NULL;
	json = render_message(message, false);
	protobuf_c_message_free_unpacked(message, NULL);
	return json;
}

static int show(struct command_line *line)
{
	const char *id = line->args.n > 1 ? line->args.items[1] : "";
	struct view v;
	json_t *rows;
	int status = target_snapshot(&line->target, id, &v);

	if (status != 0)
		return status;
	rows = json_array();
	for (size_t i = 0; i < v.snapshot->n_resources; i++) {
		const Weirlock__V1__Resource *r = v.snapshot->resources[i];
		json_t *row = json_object(), *body = body_json(r);

		json_object_set_new(row, "kind", json_string(proto_kind_text(r->kind)));
		json_object_set_new(row, "name", render_text(str_from(r->name)));
		json_object_set_new(row, "size_bytes", json_integer((json_int_t)r->body.len));
		json_object_set_new(row, "short_hash", render_hex(str_of(r->hash.data, r->hash.len), 6));
		json_object_set_new(row, "hash", render_hex(str_of(r->hash.data, r->hash.len), 32));
		if (body)
			json_object_set_new(row, "body", body);
		json_array_append_new(rows, row);
	}
	if (line->out.format == OUTPUT_TABLE || line->out.format == OUTPUT_WIDE) {
		json_t *short_id = render_hex(str_of(v.snapshot->id.data, v.snapshot->id.len), 32);

		output_note(&line->out, "snapshot %s, %zu resources", json_string_value(short_id),
			v.snapshot->n_resources);
		json_decref(short_id);
	}
	output_rows(&line->out, rows, show_columns);
	json_decref(rows);
	view_deinit(&v);
	return 0;
}

int snapshot_named(struct command_line *line, const char *word, struct view *out)
{
	struct target file = {.file = word};
	struct stat st;

	if (word[0] && stat(word, &st) == 0 && S_ISREG(st.st_mode))
		return target_snapshot(&file, "", out);
	return target_snapshot(&line->target, word, out);
}

static int diff(struct command_line *line)
{
	struct view before, after;
	int status;
	json_t *rows;

	if (line->args.n < 2 || line->args.n > 3)
		return command_fail(EXIT_USAGE, "usage: weirctl snapshot diff A [B] (ids, prefixes or files; B is the current one)");
	status = snapshot_named(line, line->args.items[1], &before);
	if (status != 0)
		return status;
	if (line->args.n == 2 && !line->target.pool && line->target.found_pool[0])
		line->target.pool = line->target.found_pool; /* the newest of the same one */
	status = snapshot_named(line, line->args.n > 2 ? line->args.items[2] : "", &after);
	if (status != 0) {
		view_deinit(&before);
		return status;
	}
	rows = line->is_raw ? diff_snapshots(before.snapshot, after.snapshot) : diff_requests(&before, &after);
	status = json_array_size(rows) ? EXIT_FINDINGS : EXIT_FINE;
	if (status == EXIT_FINE)
		output_note(&line->out, "no difference");
	if (status != EXIT_FINE || line->out.format == OUTPUT_JSON || line->out.format == OUTPUT_YAML)
		output_rows(&line->out, rows, line->is_raw ? diff_columns : diff_request_columns);
	json_decref(rows);
	view_deinit(&before);
	view_deinit(&after);
	return status;
}

/* As it is, or with all names replaced. False when it cannot be. */
static bool pack(const struct command_line *line, const Weirlock__V1__Snapshot *snapshot, struct buf *out)
{
	char *room;

	if (line->is_anonymous)
		return anonymize_snapshot(snapshot, out);
	room = buf_reserve(out, weirlock__v1__snapshot__get_packed_size(snapshot) + 1);
	out->len += weirlock__v1__snapshot__pack(snapshot, (uint8_t *)room);
	return true;
}

static int export_file(struct command_line *line)
{
	struct buf packed = {0};
	struct view v;
	int status;

	if (line->args.n < 2 || line->args.n > 3)
		return command_fail(EXIT_USAGE, "usage: weirctl snapshot export FILE [ID] [--anonymize]");
	status = target_snapshot(&line->target, line->args.n > 2 ? line->args.items[2] : "", &v);
	if (status != 0)
		return status;
	if (pack(line, v.snapshot, &packed))
		status = target_write_file(line->args.items[1], buf_str(&packed));
	else
		status = command_fail(EXIT_BAD_INPUT, "a resource cannot be read: nothing is written");
	if (status == 0)
		output_note(&line->out, "wrote %s (without private keys%s)", line->args.items[1],
			line->is_anonymous ? ", names and addresses replaced" : "");
	buf_deinit(&packed);
	view_deinit(&v);
	return status;
}

static int list_only(struct command_line *line)
{
	return line->args.n > 1 ? command_fail(EXIT_USAGE, "usage: weirctl snapshot list") : list(line);
}

static int show_one(struct command_line *line)
{
	return line->args.n > 2 ? command_fail(EXIT_USAGE, "usage: weirctl snapshot show [ID]") : show(line);
}

int command_snapshot(struct command_line *line)
{
	static const struct {
		const char *word;
		command_fn *run;
	} verbs[] = {{"list", list_only}, {"show", show_one}, {"diff", diff}, {"export", export_file}, {"verify", snapshot_verify},
		{"pin", snapshot_pin}, {"rollback", snapshot_rollback}, {"unpin", snapshot_unpin}, {"blame", snapshot_blame}};
	enum { N = sizeof(verbs) / sizeof(verbs[0]) };
	const char *word = line->args.n ? line->args.items[0] : "list";
	const char *words[N + 1] = {NULL}, *near;

	for (size_t i = 0; i < N; i++) {
		words[i] = verbs[i].word;
		if (strcmp(word, verbs[i].word) == 0)
			return verbs[i].run(line);
	}
	near = opt_nearest(word, words);
	return command_fail(EXIT_USAGE, "snapshot has no '%s'%s%s%s; it has list, show, diff, export, verify, pin, rollback, unpin and blame", word,
		near ? "; did you mean '" : "", near ? near : "", near ? "'" : "");
}

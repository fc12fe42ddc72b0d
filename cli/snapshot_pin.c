/* weirctl snapshot pin [ID], rollback ID, unpin: what proxies serve is chosen by hand, and let go again. */
#include "snapshot_verbs.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"
#include "render.h"
#include "weirlock/v1/operate.pb-c.h"

enum { ANSWER_MS = 30 * 1000 }; /* a large snapshot is written to disk before the answer */

/* "ada@build-7", or "root for ada@build-7": a hint for who reads it later, not proof. */
static void add_name(struct buf *out)
{
	const char *behind = getenv("SUDO_USER");
	const struct passwd *user = getpwuid(geteuid());
	char host[256] = "";

	buf_add(out, user ? str_from(user->pw_name) : STR("?"));
	if (behind && behind[0])
		buf_printf(out, " for %s", behind);
	if (gethostname(host, sizeof(host) - 1) == 0)
		buf_printf(out, "@%s", host);
}

static const struct column columns[] = {
	{"POOL", "pool", false},
	{"PINNED", "pinned", false},
	{"SERVED", "served", false},
	{"NOT-KEPT", "not_kept", false},
	{0},
};

static json_t *pool_row(const Weirlock__V1__PinnedPool *p)
{
	json_t *row = json_object();

	json_object_set_new(row, "pool", render_text(str_from(p->pool)));
	if (p->pinned_id.len)
		json_object_set_new(row, "pinned", render_hex(str_of(p->pinned_id.data, p->pinned_id.len), 32));
	if (p->served_id.len)
		json_object_set_new(row, "served", render_hex(str_of(p->served_id.data, p->served_id.len), 32));
	if (p->not_kept[0])
		json_object_set_new(row, "not_kept", render_text(str_from(p->not_kept)));
	return row;
}

/* A line a pool that was changed. */
static void print(struct command_line *line, const Weirlock__V1__PinResponse *r)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < r->n_pools; i++)
		json_array_append_new(rows, pool_row(r->pools[i]));
	output_rows(&line->out, rows, columns);
	json_decref(rows);
}

/* Partly done when it holds, but not beyond a restart of the controller. */
static int ask(struct command_line *line, const char *method, const char *id, const char *reason)
{
	Weirlock__V1__PinRequest request = WEIRLOCK__V1__PIN_REQUEST__INIT;
	char none[] = "";
	uint8_t bytes[32];
	ProtobufCMessage *answer = NULL;
	struct buf by = {0}, why = {0};
	int status = 0;

	request.id.data = bytes;
	request.pool = target_pool(&line->target);
	if (id[0])
		status = target_parse_id(id, bytes, &request.id.len);
	if (status != 0)
		return status;
	add_name(&by);
	buf_cstr(&by);
	request.by = by.len ? by.ptr : none;
	buf_add(&why, str_from(reason));
	buf_cstr(&why);
	request.reason = why.len ? why.ptr : none;
	status = target_operate(&line->target, method, &request.base, ANSWER_MS, &answer);
	if (status == 0) {
		const Weirlock__V1__PinResponse *r = (const Weirlock__V1__PinResponse *)answer;

		print(line, r);
		if (r->not_kept[0])
			status = command_fail(EXIT_PARTLY, "it holds, but is lost when the controller restarts: %s", r->not_kept);
		protobuf_c_message_free_unpacked(answer, NULL);
	}
	buf_deinit(&by);
	buf_deinit(&why);
	return status;
}

int snapshot_pin(struct command_line *line)
{
	if (line->args.n > 2)
		return command_fail(EXIT_USAGE, "usage: weirctl snapshot pin [ID] [--reason TEXT] (without ID: the newest one)");
	return ask(line, "Pin", line->args.n > 1 ? line->args.items[1] : "", line->reason ? line->reason : "");
}

int snapshot_rollback(struct command_line *line)
{
	if (line->args.n != 2)
		return command_fail(EXIT_USAGE, "usage: weirctl snapshot rollback ID [--reason TEXT] (weirctl snapshot list has the ids)");
	return ask(line, "Pin", line->args.items[1], line->reason ? line->reason : "");
}

int snapshot_unpin(struct command_line *line)
{
	if (line->args.n != 1)
		return command_fail(EXIT_USAGE, "usage: weirctl snapshot unpin");
	return ask(line, "Unpin", "", "");
}

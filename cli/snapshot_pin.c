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
	{"CONTROLLER", "controller", false},
	{"POOL", "pool", false},
	{"PINNED", "pinned", false},
	{"SERVED", "served", false},
	{"NOT-KEPT", "not_kept", false},
	{0},
};

/* One that tells one controller after the other. */
struct telling {
	struct command_line *line;
	const char *method;
	Weirlock__V1__PinRequest request;
	uint8_t id[32];
	json_t *rows; /* a line a pool that was changed */
	size_t n_controllers;
	int status;   /* the worst so far */
};

static void add_row(struct telling *t, const Weirlock__V1__PinnedPool *p)
{
	json_t *row = json_object();

	if (t->n_controllers > 1)
		json_object_set_new(row, "controller", render_text(str_from(t->line->target.controller)));
	json_object_set_new(row, "pool", render_text(str_from(p->pool)));
	if (p->pinned_id.len)
		json_object_set_new(row, "pinned", render_hex(str_of(p->pinned_id.data, p->pinned_id.len), 32));
	if (p->served_id.len)
		json_object_set_new(row, "served", render_hex(str_of(p->served_id.data, p->served_id.len), 32));
	if (p->not_kept[0])
		json_object_set_new(row, "not_kept", render_text(str_from(p->not_kept)));
	json_array_append_new(t->rows, row);
}

/* Partly done when it holds, but not beyond a restart of the controller. Owned, or NULL. */
static Weirlock__V1__PinResponse *tell(struct telling *t)
{
	ProtobufCMessage *answer = NULL;
	Weirlock__V1__PinResponse *r;
	int status = target_operate(&t->line->target, t->method, &t->request.base, ANSWER_MS, &answer);

	if (status != 0) {
		t->status = status;
		return NULL;
	}
	r = (Weirlock__V1__PinResponse *)answer;
	for (size_t i = 0; i < r->n_pools; i++)
		add_row(t, r->pools[i]);
	if (r->not_kept[0])
		t->status = command_fail(EXIT_PARTLY, "it holds, but is lost when the controller restarts: %s", r->not_kept);
	return r;
}

static void free_answer(Weirlock__V1__PinResponse *r)
{
	if (r)
		weirlock__v1__pin_response__free_unpacked(r, NULL);
}

/* The others get what the first one said that it has: "the newest" may be another one there by now. */
static void tell_another(struct telling *t, const Weirlock__V1__PinResponse *first)
{
	if (t->request.id.len || strcmp(t->method, "Pin") != 0) {
		free_answer(tell(t));
		return;
	}
	for (size_t i = 0; i < first->n_pools; i++) {
		struct telling one = *t;

		one.request.pool = first->pools[i]->pool;
		one.request.id = first->pools[i]->pinned_id;
		free_answer(tell(&one));
		t->status = one.status;
	}
}

static void tell_all(struct telling *t)
{
	struct target *target = &t->line->target;
	Weirlock__V1__PinResponse *first = tell(t);

	for (size_t i = 1; first && i < t->n_controllers; i++) {
		target->controller = target->controllers.items[i];
		tell_another(t, first);
	}
	if (first && t->n_controllers > 1 && t->status != 0)
		t->status = command_fail(EXIT_PARTLY, "not all controllers have done it: their proxies do not serve the same until they have");
	free_answer(first);
}

static int ask(struct command_line *line, const char *method, const char *id, const char *reason)
{
	struct telling t = {.line = line, .method = method, .request = WEIRLOCK__V1__PIN_REQUEST__INIT, .rows = json_array()};
	char none[] = "";
	struct buf by = {0}, why = {0};

	t.n_controllers = line->target.controllers.n ? line->target.controllers.n : 1;
	t.request.id.data = t.id;
	t.request.pool = target_pool(&line->target);
	if (id[0])
		t.status = target_parse_id(id, t.id, &t.request.id.len);
	if (t.status == 0) {
		add_name(&by);
		buf_cstr(&by);
		t.request.by = by.len ? by.ptr : none;
		buf_add(&why, str_from(reason));
		buf_cstr(&why);
		t.request.reason = why.len ? why.ptr : none;
		tell_all(&t);
	}
	if (json_array_size(t.rows))
		output_rows(&line->out, t.rows, columns);
	json_decref(t.rows);
	buf_deinit(&by);
	buf_deinit(&why);
	return t.status;
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

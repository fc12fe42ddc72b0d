/*
 * weirctl wait --acked KIND/NS/NAME …: until proxies serve what the controller last saw of an object. The controller holds the
 * call and answers when it is so, or now and then; asking again is ours.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "command.h"
#include "object_name.h"
#include "problem.h"
#include "render.h"
#include "weirlock/v1/operate.pb-c.h"

enum { DEFAULT_TIMEOUT_S = 30, HOLD_MS = 2000, ANSWER_MS = 5000 };

/* "all" (or NULL) is 0, otherwise a number from 1. */
static bool parse_proxies(const char *word, uint32_t *out)
{
	uint64_t n = 0;

	*out = 0;
	if (!word || strcmp(word, "all") == 0)
		return true;
	if (!str_to_u64(str_from(word), 4096, &n) || n == 0)
		return false;
	*out = (uint32_t)n;
	return true;
}

/* ------------------------------------------------------------------------------------------------------- the answer */

/* "proxy-2 behind", "proxy-3 refused: Host a.test: too many routes". */
static void add_behind(struct buf *out, const Weirlock__V1__ProxyStatus *p)
{
	json_t *state = render_enum(&weirlock__v1__proxy_state__descriptor, (int)p->state);

	buf_add_escaped(out, str_from(p->name));
	buf_printf(out, " %s", json_string_value(state));
	if (p->state == WEIRLOCK__V1__PROXY_STATE__PROXY_REFUSED && p->n_errors) {
		buf_add(out, STR(": "));
		render_refusal(p->errors[0], out);
	}
	json_decref(state);
}

static void explain_late(const Weirlock__V1__WaitRequest *request, const Weirlock__V1__WaitResponse *r, unsigned timeout_s)
{
	struct buf text = {0};

	if (r->n_connected == 0)
		buf_add(&text, STR("no proxy is connected"));
	else if (request->n_proxies > r->n_connected)
		buf_printf(&text, "%u proxies are connected, %u wanted", r->n_connected, request->n_proxies);
	for (size_t i = 0; i < r->n_behind; i++) {
		if (text.len)
			buf_add(&text, STR("; "));
		add_behind(&text, r->behind[i]);
	}
	command_fail(EXIT_PARTLY, "%s: after %u s, %u of %u proxies %s it: %s", request->object, timeout_s, r->n_serving,
		request->n_proxies ? request->n_proxies : r->n_connected, request->is_deleted ? "have dropped" : "serve",
		buf_cstr(&text));
	buf_deinit(&text);
}

static void print_problems(const Weirlock__V1__WaitResponse *r)
{
	for (size_t i = 0; i < r->n_problems; i++) {
		const Weirlock__V1__Problem *p = r->problems[i];
		const struct problem problem = {.severity = SEVERITY_FAULT, .object = str_from(p->object), .field = str_from(p->field),
			.value = str_from(p->value), .rule = str_from(p->rule), .fix = str_from(p->fix), .effect = str_from(p->effect)};
		struct buf text = {0};

		problem_text(&problem, &text);
		command_fail(EXIT_FINDINGS, "%s", buf_cstr(&text));
		buf_deinit(&text);
	}
}

/* The state of one object for `-o json` and for eyes. */
static void add_row(json_t *rows, const Weirlock__V1__WaitRequest *request, const Weirlock__V1__WaitResponse *r, uint64_t took_ms)
{
	json_t *row = json_object(), *behind = json_array();

	for (size_t i = 0; i < r->n_behind; i++)
		json_array_append_new(behind, render_text(str_from(r->behind[i]->name)));
	json_object_set_new(row, "object", render_text(str_from(request->object)));
	json_object_set_new(row, "state", render_word(&weirlock__v1__wait_state__descriptor, (int)r->state, '-'));
	json_object_set_new(row, "serving", json_integer(r->n_serving));
	json_object_set_new(row, "connected", json_integer(r->n_connected));
	json_object_set_new(row, "behind", behind);
	json_object_set_new(row, "problems", json_integer((json_int_t)r->n_problems));
	json_object_set_new(row, "waited_ms", json_integer((json_int_t)took_ms));
	json_array_append_new(rows, row);
}

static int conclude(const Weirlock__V1__WaitRequest *request, const Weirlock__V1__WaitResponse *r, unsigned timeout_s)
{
	switch (r->state) {
	case WEIRLOCK__V1__WAIT_STATE__WAIT_ACKED:
		if (request->is_deleted)
			return EXIT_FINE;
		print_problems(r);
		if (r->n_problems)
			return EXIT_FINDINGS;
		return r->is_unused ? command_fail(EXIT_FINDINGS,
					      "%s: the controller has seen it and does not serve it: by its class it is another's, or "
					      "it has none, or it belongs to no pool",
					      request->object)
				    : EXIT_FINE;
	case WEIRLOCK__V1__WAIT_STATE__WAIT_SET_ASIDE:
		command_fail(EXIT_FINDINGS, "%s: its newest version is set aside, the one before (if there was one) keeps serving",
			request->object);
		print_problems(r);
		return EXIT_FINDINGS;
	case WEIRLOCK__V1__WAIT_STATE__WAIT_PINNED:
		return command_fail(EXIT_FINDINGS,
			"%s: a snapshot from before this change is pinned, so that it does not reach the proxies (weirctl status; weirctl "
			"snapshot unpin)",
			request->object);
	case WEIRLOCK__V1__WAIT_STATE__WAIT_UNKNOWN:
		if (request->is_deleted)
			return command_fail(EXIT_PARTLY, "%s: after %u s it is still there", request->object, timeout_s);
		return command_fail(EXIT_FINDINGS,
			"%s: after %u s the controller has not seen it (is the name right, and its namespace watched?)", request->object,
			timeout_s);
	default:
		explain_late(request, r, timeout_s);
		return EXIT_PARTLY;
	}
}

/* ---------------------------------------------------------------------------------------------------------- waiting */

static bool is_over(const Weirlock__V1__WaitResponse *r)
{
	return r->state == WEIRLOCK__V1__WAIT_STATE__WAIT_ACKED || r->state == WEIRLOCK__V1__WAIT_STATE__WAIT_SET_ASIDE ||
		r->state == WEIRLOCK__V1__WAIT_STATE__WAIT_PINNED;
}

static int wait_one(struct command_line *line, Weirlock__V1__WaitRequest *request, uint64_t begun_ms, json_t *rows)
{
	unsigned timeout_s = line->target.timeout_s ? line->target.timeout_s : DEFAULT_TIMEOUT_S;
	uint64_t due_ms = begun_ms + (uint64_t)timeout_s * 1000;

	for (;;) {
		uint64_t now = clock_mono_ms(), left = due_ms > now ? due_ms - now : 0;
		ProtobufCMessage *answer = NULL;
		Weirlock__V1__WaitResponse *r;
		int status;

		request->hold_ms = left < HOLD_MS ? (uint32_t)left : HOLD_MS;
		status = target_operate(&line->target, "Wait", &request->base, request->hold_ms + ANSWER_MS, &answer);
		if (status != 0)
			return status;
		r = (Weirlock__V1__WaitResponse *)answer;
		if (is_over(r) || clock_mono_ms() >= due_ms) {
			status = conclude(request, r, timeout_s);
			add_row(rows, request, r, clock_mono_ms() - begun_ms);
			protobuf_c_message_free_unpacked(answer, NULL);
			return status;
		}
		protobuf_c_message_free_unpacked(answer, NULL);
	}
}

static const struct column columns[] = {
	{"OBJECT", "object", false},
	{"STATE", "state", false},
	{"SERVING", "serving", false},
	{"CONNECTED", "connected", false},
	{"BEHIND", "behind", false},
	{"WAITED-MS", "waited_ms", true},
	{0},
};

/* All of one option, in their order. The worst status: what cannot be is told before what is not yet. */
static int wait_all(struct command_line *line, const struct opt_list *words, bool is_deleted, uint64_t begun_ms, json_t *rows)
{
	Weirlock__V1__WaitRequest request = WEIRLOCK__V1__WAIT_REQUEST__INIT;
	int worst = EXIT_FINE;

	request.is_deleted = is_deleted;
	if (!parse_proxies(line->proxies, &request.n_proxies))
		return command_fail(EXIT_USAGE, "--proxies: '%s' is neither a number from 1 nor all", line->proxies);
	for (size_t i = 0; i < words->n && worst != EXIT_USAGE && worst != EXIT_NO_CONNECTION; i++) {
		struct buf object = {0}, error = {0};
		int status;

		if (object_name_parse(words->items[i], line->namespace_, &object, &error)) {
			buf_cstr(&object);
			request.object = object.ptr;
			status = wait_one(line, &request, begun_ms, rows);
		} else {
			status = command_fail(EXIT_USAGE, "%s", buf_cstr(&error));
		}
		if (status == EXIT_USAGE || status == EXIT_NO_CONNECTION || worst == EXIT_FINE || status == EXIT_FINDINGS)
			worst = status != EXIT_FINE ? status : worst;
		buf_deinit(&object);
		buf_deinit(&error);
	}
	return worst;
}

int command_wait(struct command_line *line)
{
	uint64_t begun_ms = clock_mono_ms();
	json_t *rows;
	int status, gone;

	if (line->args.n || (!line->acked.n && !line->deleted.n))
		return command_fail(EXIT_USAGE, "usage: weirctl wait --acked KIND/NS/NAME [--deleted KIND/NS/NAME] [--proxies N|all] "
						"[--timeout 30s]");
	rows = json_array();
	status = wait_all(line, &line->acked, false, begun_ms, rows);
	gone = status == EXIT_USAGE || status == EXIT_NO_CONNECTION ? status : wait_all(line, &line->deleted, true, begun_ms, rows);
	if (json_array_size(rows))
		output_rows(&line->out, rows, columns);
	json_decref(rows);
	return status != EXIT_FINE ? status : gone;
}

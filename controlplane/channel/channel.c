/*
 * One look: the Secrets are read one after the other (by those that do not lead, their own alone), the plan is made, and what
 * it changed is written, the CA first, each with the version that was read: two that both believe to lead do not undo each
 * other's work. Whatever ends half way is found and finished by the next look, of whoever leads then.
 */
#include "channel.h"

#include <string.h>
#include <stdlib.h>

#include "clock.h"
#include "kubewrite.h"
#include "log.h"
#include "mem.h"
#include "sealed.h"
#include "secret.h"

enum { SECRET_BYTES = 2 * 1024 * 1024, LOOK_MS = 30 * 1000, RETRY_MS = 1000, SILENCE_S = 10 };

struct channel {
	uv_loop_t *loop;
	struct kubeapi *api;
	struct channel_options options;
	struct channel_hooks hooks;
	uv_timer_t timer;
	struct kubeapi_call *call;
	size_t at;            /* which is read or written */
	bool is_writing, is_leading; /* in this look */
	json_t *seen[PLAN_SECRETS_MAX];
	struct plan_content contents[PLAN_SECRETS_MAX];
	struct buf message, trouble; /* of the last call; that was told */
	bool is_closing;
	void (*on_closed)(void *owner);
	void *closed_owner;
};

static void on_timer(uv_timer_t *timer);

static size_t n_secrets(const struct channel *c)
{
	return plan_n_secrets(c->options.pools);
}

static void name_of(const struct channel *c, size_t which, struct buf *out)
{
	buf_printf(out, "%.*s-", STR_ARG(c->options.prefix));
	plan_add_name(c->options.pools, which, out);
}

static void clear(struct channel *c)
{
	for (size_t i = 0; i < n_secrets(c); i++) {
		json_decref(c->seen[i]);
		c->seen[i] = NULL;
		plan_content_deinit(&c->contents[i]);
	}
}

/* Never longer than a tenth of what an identity lives, so that none ends unseen. */
static uint64_t look_ms(const struct channel *c)
{
	uint64_t tenth_ms = (uint64_t)c->options.times.identity_s * 100;

	return tenth_ms < LOOK_MS ? tenth_ms : LOOK_MS;
}

static void end_look(struct channel *c, uint64_t wait_ms)
{
	clear(c);
	uv_timer_start(&c->timer, on_timer, wait_ms, 0);
}

/* --------------------------------------------------------------------------------------------------------- telling */

static void send_problems(struct channel *c, const struct problems *problems)
{
	c->hooks.on_problems(c->hooks.owner, STR("Kubernetes API channel secrets"), problems);
}

static void tell_good(struct channel *c)
{
	static const struct problems none;

	if (c->trouble.len)
		send_problems(c, &none);
	buf_clear(&c->trouble);
}

static void tell(struct channel *c, const struct problems *problems)
{
	struct buf text = {0};

	problem_text(&problems->items[0], &text);
	if (!str_eq(buf_str(&text), buf_str(&c->trouble))) {
		buf_clear(&c->trouble);
		buf_add(&c->trouble, buf_str(&text));
		send_problems(c, problems);
	}
	buf_deinit(&text);
}

static void tell_call(struct channel *c, enum feed_outcome outcome, const char *verbs)
{
	struct problems problems = {0};
	struct buf name = {0};

	name_of(c, c->at, &name);
	kubewrite_problem(
		&(struct kubewrite){
			.rule = {"", "secrets", verbs, c->options.namespace_, strstr(verbs, "create") ? STR("") : buf_str(&name)},
			.does = "the identities of the control channel are to be kept there",
			.effect = "those that are there are used as long as they live",
		},
		outcome, buf_str(&c->message), &problems);
	tell(c, &problems);
	problems_deinit(&problems);
	buf_deinit(&name);
}

static void tell_secret(struct channel *c, size_t which, const char *why, const char *effect)
{
	struct problems problems = {0};
	struct buf object = {0};

	buf_printf(&object, "Secret %.*s/", STR_ARG(c->options.namespace_));
	name_of(c, which, &object);
	problems_add(&problems,
		&(struct problem){.severity = SEVERITY_FAULT, .object = buf_str(&object), .rule = STR("it is an identity of the control channel"),
			.fix = str_from(why), .effect = str_from(effect)});
	tell(c, &problems);
	problems_deinit(&problems);
	buf_deinit(&object);
}

/* ----------------------------------------------------------------------------------------------------------- files */

static bool write_if_new(const char *directory, enum plan_field field, const struct buf *value, int *result)
{
	struct buf old = {0};
	bool is_new = sealed_read_file(directory, plan_field_name(field), &old) != 0 || !str_eq(buf_str(&old), buf_str(value));

	*result = is_new ? sealed_write_file(directory, plan_field_name(field), buf_str(value)) : 0;
	if (old.ptr)
		mem_wipe(old.ptr, old.len);
	buf_deinit(&old);
	return is_new;
}

/* Trust before the identity: whoever has the new one is known by then. False: there is nothing to take, or no place for it. */
static bool take_files(struct channel *c)
{
	static const enum plan_field fields[] = {PLAN_SESSION_KEY, PLAN_CA_CRT, PLAN_TLS_KEY, PLAN_TLS_CRT};
	const struct plan_content *own = &c->contents[PLAN_CONTROLLER];
	bool is_new = false;
	int result = 0;

	if (!own->fields[PLAN_TLS_CRT].len || !own->fields[PLAN_TLS_KEY].len || !own->fields[PLAN_CA_CRT].len)
		return false;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]) && !result; i++) {
		if (own->fields[fields[i]].len)
			is_new = write_if_new(c->options.directory, fields[i], &own->fields[fields[i]], &result) || is_new;
	}
	if (result) {
		struct buf effect = {0};

		buf_printf(&effect, "--identity %s cannot be written: %s", c->options.directory, strerror(-result));
		tell_secret(c, PLAN_CONTROLLER, "give --identity a directory that this program may write to", buf_cstr(&effect));
		buf_deinit(&effect);
		return false;
	}
	if (is_new)
		log_info("channel", "identity taken from a Secret directory=%s", c->options.directory);
	return true;
}

/* ----------------------------------------------------------------------------------------------------------- calls */

static void add_path(const struct channel *c, bool is_create, struct buf *path)
{
	buf_add(path, STR("/api/v1/namespaces/"));
	kubeapi_add_escaped(path, c->options.namespace_);
	buf_add(path, STR("/secrets"));
	if (is_create)
		return;
	buf_add_char(path, '/');
	name_of(c, c->at, path);
}

static void finish(struct channel *c)
{
	if (!take_files(c)) {
		end_look(c, RETRY_MS);
		return;
	}
	tell_good(c);
	end_look(c, look_ms(c));
	if (c->hooks.on_files)
		c->hooks.on_files(c->hooks.owner);
}

static void write_next(struct channel *c);

static void on_written(void *owner, const struct kubeapi_result *r)
{
	struct channel *c = owner;
	enum feed_outcome outcome;
	struct buf name = {0};

	c->call = NULL;
	buf_clear(&c->message);
	outcome = kubewrite_outcome(r, &c->message);
	if (r->status == 409) { /* another was quicker: what it made is looked at */
		end_look(c, RETRY_MS);
		return;
	}
	if (outcome != FEED_FINE) {
		tell_call(c, outcome, c->seen[c->at] ? "\"get\", \"update\"" : "\"create\"");
		end_look(c, RETRY_MS * 5);
		return;
	}
	name_of(c, c->at, &name);
	log_info("channel", "%s %s", c->seen[c->at] ? "renewed" : "made", buf_cstr(&name));
	buf_deinit(&name);
	c->contents[c->at].is_dirty = false;
	write_next(c);
}

static void write_one(struct channel *c)
{
	struct buf path = {0}, name = {0};
	json_t *json;
	char *text;

	name_of(c, c->at, &name);
	json = secret_make(c->seen[c->at], c->options.namespace_, buf_str(&name), &c->contents[c->at]);
	text = json_dumps(json, JSON_COMPACT);
	add_path(c, !c->seen[c->at], &path);
	c->call = kubeapi_start(c->api,
		&(struct kubeapi_request){.method = c->seen[c->at] ? "PUT" : "POST", .path = buf_str(&path), .body = str_from(text),
			.content_type = "application/json", .max_bytes = SECRET_BYTES, .silence_s = SILENCE_S, .on_done = on_written, .owner = c});
	json_decref(json);
	mem_wipe(text, strlen(text));
	free(text);
	buf_deinit(&path);
	buf_deinit(&name);
}

static void write_next(struct channel *c)
{
	for (c->at = PLAN_CA; c->at < n_secrets(c); c->at++) {
		if (!c->contents[c->at].is_dirty)
			continue;
		if (c->hooks.leads(c->hooks.owner))
			write_one(c);
		else
			end_look(c, RETRY_MS);
		return;
	}
	finish(c);
}

static void read_next(struct channel *c);

/* All that this look needs is read. */
static void decide(struct channel *c)
{
	int64_t now_s = (int64_t)(clock_wall_ms() / 1000);
	size_t where;
	const char *why;

	if (!c->is_leading)
		finish(c);
	else if (plan_make(c->contents, c->options.pools, &c->options.times, now_s, &where, &why))
		write_next(c);
	else {
		tell_secret(c, where, why, "those that are there are used as long as they live");
		end_look(c, RETRY_MS * 5);
	}
}

static void on_read(void *owner, const struct kubeapi_result *r)
{
	struct channel *c = owner;
	enum feed_outcome outcome;
	json_error_t error;

	c->call = NULL;
	buf_clear(&c->message);
	outcome = kubewrite_outcome(r, &c->message);
	if (outcome == FEED_FINE) {
		c->seen[c->at] = json_loadb(r->body.ptr, r->body.len, 0, &error);
		outcome = secret_read(c->seen[c->at], &c->contents[c->at]) ? FEED_FINE : FEED_GARBLED;
	}
	if (outcome != FEED_FINE && outcome != FEED_NOT_FOUND) {
		tell_call(c, outcome, "\"get\"");
		end_look(c, RETRY_MS * 5);
		return;
	}
	c->at++;
	if (c->is_leading && c->at < n_secrets(c))
		read_next(c);
	else
		decide(c);
}

static void read_next(struct channel *c)
{
	struct buf path = {0};

	add_path(c, false, &path);
	c->call = kubeapi_start(c->api,
		&(struct kubeapi_request){.path = buf_str(&path), .max_bytes = SECRET_BYTES, .silence_s = SILENCE_S, .on_done = on_read, .owner = c});
	buf_deinit(&path);
}

static void on_timer(uv_timer_t *timer)
{
	struct channel *c = container_of(timer, struct channel, timer);

	c->is_leading = c->hooks.leads(c->hooks.owner);
	c->at = c->is_leading ? PLAN_CA : PLAN_CONTROLLER;
	read_next(c);
}

/* -------------------------------------------------------------------------------------------------- open and close */

struct channel *channel_open(uv_loop_t *loop, struct kubeapi *api, const struct channel_options *options, const struct channel_hooks *hooks)
{
	struct channel *c = mem_zalloc(sizeof(*c));

	c->loop = loop;
	c->api = api;
	c->options = *options;
	c->hooks = *hooks;
	uv_timer_init(loop, &c->timer);
	uv_timer_start(&c->timer, on_timer, 0, 0);
	return c;
}

void channel_lead(struct channel *c)
{
	if (!c->call && !c->is_closing)
		uv_timer_start(&c->timer, on_timer, 0, 0);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct channel *c = container_of((uv_timer_t *)handle, struct channel, timer);
	void (*on_closed)(void *) = c->on_closed;
	void *owner = c->closed_owner;

	clear(c);
	buf_deinit(&c->message);
	buf_deinit(&c->trouble);
	mem_free(c);
	if (on_closed)
		on_closed(owner);
}

void channel_close(struct channel *c, void (*on_closed)(void *owner), void *owner)
{
	c->is_closing = true;
	c->on_closed = on_closed;
	c->closed_owner = owner;
	if (c->call)
		kubeapi_cancel(c->call);
	uv_close((uv_handle_t *)&c->timer, on_timer_closed);
}

/*
 * Two controllers are kept at hand: one is watched, the other has a session that is ready, so that turning to it costs one call
 * and no bytes of configuration. Which two, and which of them, is candidates.h's; who does not answer is passed over. What fell
 * back to another goes back to its own when that has been well for a while.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "state.h"

enum {
	TRY_NEXT_MS = 2000,       /* without a session at one URL, then the next one */
	PREFER_MS = 150,          /* at the start: so long the best one is waited for */
	DUPLICATE_MS = 10 * 1000,
	NAMES_MS = 10 * 1000,     /* names are asked again, */
	NAMES_SOON_MS = 1000,     /* and sooner when somebody is missing */
	GOODBYE_MS = 500
};

const struct member *members_standby(const struct subscribe *s)
{
	for (size_t i = 0; i < MEMBERS; i++) {
		if (&s->members[i] != s->active && s->members[i].step == MEMBER_READY)
			return &s->members[i];
	}
	return NULL;
}

static struct member *other_of(struct member *m)
{
	return m == &m->s->members[0] ? &m->s->members[1] : &m->s->members[0];
}

/* -------------------------------------------------------------------------------------------------- who is watched */

static bool can_watch(const struct member *m, uint64_t now)
{
	return m->step == MEMBER_READY && now >= m->unfit_until_ms;
}

static void activate(struct subscribe *s, struct member *m)
{
	bool is_other = s->last_url && strcmp(s->last_url, m->url) != 0;

	s->active = m;
	s->watch_ttl_ms = m->watch_ttl_ms;
	s->wish = WISH_DELTA;
	s->tells_version = true;
	s->n_failovers += is_other;
	subscribe_report_now(s);
	candidates_well(&s->candidates, m->url);
	if (is_other)
		log_info("subscribe", "watching another controller url=%s name=%s", m->url, member_name(m));
	mem_free(s->last_url);
	s->last_url = mem_strdup(str_from(m->url));
	update_watch(s);
}

/* At the start the best one may be a few milliseconds behind. */
static bool is_worth_waiting(struct subscribe *s, struct member *m, uint64_t now)
{
	struct member *other = other_of(m);

	return !s->content && other->client && other->step != MEMBER_READY &&
		candidates_is_better(&s->candidates, other->url, m->url) && now - m->ready_ms < PREFER_MS;
}

static struct member *best_member(struct subscribe *s, uint64_t now)
{
	struct member *best = NULL;

	for (size_t i = 0; i < MEMBERS; i++) {
		struct member *m = &s->members[i];

		if (can_watch(m, now) && (!best || candidates_is_better(&s->candidates, m->url, best->url)))
			best = m;
	}
	return best;
}

/* Home again, each at a time of its own: a controller that restarts is not to get all its proxies in one moment. */
static uint64_t return_ms(const struct subscribe *s)
{
	return s->options.return_ms + s->candidates.items[0].score % s->options.return_ms;
}

static void choose(struct subscribe *s)
{
	uint64_t now = clock_mono_ms();
	struct member *best = best_member(s, now);

	if (!best || best == s->active || now < s->not_before_ms)
		return;
	if (s->active && now - best->ready_ms < return_ms(s))
		return;
	if (!s->active && is_worth_waiting(s, best, now))
		return;
	if (s->active) {
		log_info("subscribe", "going back to the controller that is its own url=%s", best->url);
		update_stop(s);
	}
	activate(s, best);
}

void members_leave(struct subscribe *s, uint32_t unfit_ms)
{
	struct member *m = s->active;

	update_stop(s);
	s->active = NULL;
	m->ready_ms = clock_mono_ms(); /* from now on it must be well for a while, to be gone back to */
	m->unfit_until_ms = m->ready_ms + unfit_ms;
	m->wants_report = true;
	choose(s);
}

void members_pause(struct subscribe *s, uint32_t ms)
{
	struct member *m = s->active;

	m->step = MEMBER_PAUSE;
	m->retry_ms = clock_mono_ms() + ms;
	members_leave(s, 0);
}

/* ------------------------------------------------------------------------------------------------------- sessions */

static void log_lost(struct member *m, const char *reason)
{
	struct buf text = {0};

	buf_printf(&text, "controller lost url=%s: %s", m->url, reason);
	subscribe_warn(m->s, buf_cstr(&text));
	buf_deinit(&text);
}

/* Found, and perhaps to be told at once that our certificate is not accepted: that is not news the second time. */
static void log_found(const struct member *m)
{
	if (m->s->said_ms && rpc_client_failure(m->client) == RPC_UNAUTHENTICATED)
		log_debug("subscribe", "controller found url=%s", m->url);
	else
		log_info("subscribe", "controller found url=%s", m->url);
}

static void lost(struct member *m, const char *reason)
{
	bool was_there = m->step != MEMBER_OFFLINE;

	m->opened_ms = clock_mono_ms();
	m->step = MEMBER_OFFLINE;
	m->unfit_until_ms = 0;
	m->s->names_due_ms = 0; /* others may be there by now */
	if (was_there)
		log_lost(m, reason);
	if (m == m->s->active)
		members_leave(m->s, 0);
}

static void hello(struct member *m);

static void on_state(void *data, enum rpc_client_state state, const char *reason)
{
	struct member *m = data;

	if (m->s->is_closing)
		return;
	switch (state) {
	case RPC_CONNECTING:
		lost(m, reason);
		return;
	case RPC_CONNECTED:
		return;
	case RPC_READY:
		log_found(m);
		hello(m);
		return;
	}
	abort();
}

static void close_member(struct member *m)
{
	struct rpc_client *client = m->client;

	m->client = NULL;
	m->step = MEMBER_CLOSED;
	if (client)
		rpc_client_close(client, NULL, NULL);
	mem_free(m->url);
	mem_free(m->name);
	m->url = m->name = NULL;
	m->is_reporting = false;
}

/* To the best one that is not held already. False: there is none. */
static bool open_member(struct member *m, uint64_t now)
{
	struct subscribe *s = m->s;
	const char *held[MEMBERS] = {s->members[0].url, s->members[1].url};
	const struct candidate *next = candidates_next(&s->candidates, held, MEMBERS, now);
	struct rpc_client_options options = {.identity = s->options.identity, .roles = RPC_ROLE_CONTROLLER, .data = m, .on_state = on_state};
	struct buf error = {0};

	if (!next)
		return false;
	close_member(m);
	m->url = mem_strdup(str_from(next->url));
	m->opened_ms = now;
	m->unfit_until_ms = 0;
	m->step = MEMBER_OFFLINE;
	m->client = rpc_client_open(s->loop, m->url, &options, &error);
	if (!m->client) {
		subscribe_warn(s, buf_cstr(&error));
		candidates_failed(&s->candidates, m->url, now);
		close_member(m);
		m->retry_ms = now + RETRY_MS;
	}
	buf_deinit(&error);
	return m->client != NULL;
}

/* ----------------------------------------------------------------------------------------------------------- Hello */

void member_pause(struct member *m, uint32_t ms)
{
	m->step = MEMBER_PAUSE;
	m->retry_ms = clock_mono_ms() + ms;
}

/* Another URL of one that we have: of no use, and it is not to be told twice who we are. */
static bool is_duplicate(struct member *m)
{
	struct member *other = other_of(m);

	return m->instance && other->step == MEMBER_READY && other->instance == m->instance;
}

static void greeted(struct member *m, const Weirlock__V1__HelloResponse *answer)
{
	struct subscribe *s = m->s;

	m->watch_ttl_ms = answer->watch_ttl_ms < 100 ? 100 : answer->watch_ttl_ms > 60000 ? 60000 : answer->watch_ttl_ms;
	m->features = answer->features & CONTENT_FEATURE_REPAIR;
	m->instance = answer->instance;
	mem_free(m->name);
	m->name = mem_strdup(str_first(str_from(answer->name), 253));
	if (is_duplicate(m)) {
		log_debug("subscribe", "the same controller by another URL url=%s name=%s", m->url, m->name);
		candidates_failed(&s->candidates, m->url, clock_mono_ms());
		close_member(m);
		m->retry_ms = clock_mono_ms() + DUPLICATE_MS;
		return;
	}
	m->step = MEMBER_READY;
	m->ready_ms = clock_mono_ms();
	subscribe_report_now(s);
	if (s->said_ms && rpc_client_failure(m->client) == RPC_UNAUTHENTICATED)
		log_info("subscribe", "accepted by the controller url=%s", m->url);
	s->said_ms = 0;
	choose(s);
}

static void on_hello(void *data, enum rpc_status status, struct str message, const ProtobufCMessage *response)
{
	struct member *m = data;
	const Weirlock__V1__HelloResponse *answer = (const void *)response;
	struct buf text = {0};

	if (m->s->is_closing || m->step != MEMBER_HELLO)
		return;
	if (status == RPC_OK && answer->schema == CONTENT_SCHEMA) {
		greeted(m, answer);
		return;
	}
	if ((status == RPC_UNAVAILABLE && rpc_client_state(m->client) != RPC_READY) || status == RPC_UNAUTHENTICATED)
		return; /* the next session begins anew */
	if (status == RPC_OK)
		buf_printf(&text, "the controller sends schema %u, this proxy reads %d", answer->schema, CONTENT_SCHEMA);
	else
		buf_printf(&text, "Hello failed status=%s: ", rpc_status_text(status));
	buf_add_escaped(&text, str_first(message, 256));
	subscribe_warn(m->s, buf_cstr(&text));
	buf_deinit(&text);
	if (status == RPC_DEADLINE_EXCEEDED)
		rpc_client_reconnect(m->client, "the controller is silent");
	else
		member_pause(m, status == RPC_OK ? HELLO_MS : RETRY_MS);
}

/* As one that watches another; the first Watch says otherwise. */
static void hello(struct member *m)
{
	Weirlock__V1__HelloRequest request = WEIRLOCK__V1__HELLO_REQUEST__INIT;
	struct subscribe *s = m->s;
	struct content_id id = {{0}};
	char version[] = WEIRLOCK_VERSION;

	request.schema_min = request.schema_max = CONTENT_SCHEMA;
	request.name = s->name;
	request.version = version;
	request.pid = (uint32_t)getpid();
	request.features = CONTENT_FEATURE_REPAIR;
	request.is_standby = true;
	request.instance = s->instance;
	if (s->content) {
		id = content_id(s->content);
		request.have_id = data_of(str_of(id.bytes, sizeof(id.bytes)));
	}
	m->step = MEMBER_HELLO;
	rpc_client_call(m->client, &weirlock__v1__control__descriptor, "Hello", &request.base, HELLO_MS, on_hello, m);
}

/* ------------------------------------------------------------------------------------------------------------ time */

/* A session that does not come about, or one to a controller that is not there any more, makes room for another. */
static void look_for_better(struct member *m, uint64_t now)
{
	struct subscribe *s = m->s;
	const char *held[MEMBERS] = {s->members[0].url, s->members[1].url};
	const struct candidate *next = candidates_next(&s->candidates, held, MEMBERS, now);
	bool is_gone = !candidates_has(&s->candidates, m->url);

	if (!next || m == s->active)
		return;
	if (m->step != MEMBER_READY && (is_gone || now - m->opened_ms > TRY_NEXT_MS)) {
		candidates_failed(&s->candidates, m->url, now);
		open_member(m, now);
	} else if (m->step == MEMBER_READY && now - m->ready_ms > return_ms(s) &&
		(!next->failed_ms || now - next->failed_ms > CANDIDATE_AGAIN_MS) &&
		candidates_is_better(&s->candidates, next->url, m->url)) {
		open_member(m, now);
	}
}

static void tick(struct member *m, uint64_t now)
{
	switch (m->step) {
	case MEMBER_CLOSED:
		if (now >= m->retry_ms)
			open_member(m, now);
		return;
	case MEMBER_OFFLINE:
	case MEMBER_HELLO:
		look_for_better(m, now);
		return;
	case MEMBER_PAUSE:
		if (now >= m->retry_ms)
			hello(m);
		return;
	case MEMBER_READY:
		if (!m->is_reporting && (m->wants_report || now >= m->report_due_ms))
			member_report(m, now);
		look_for_better(m, now);
		return;
	}
	abort();
}

static void on_names(void *owner, size_t place, const char *const *urls, size_t n, const char *why)
{
	struct subscribe *s = owner;
	struct buf text = {0};

	if (s->is_closing)
		return;
	if (!why) {
		candidates_set(&s->candidates, s->name, place, urls, n);
		for (size_t i = 0; i < MEMBERS; i++) {
			if (s->members[i].step == MEMBER_CLOSED)
				tick(&s->members[i], clock_mono_ms());
		}
		return;
	}
	buf_printf(&text, "no controller by the name in %s: %s", s->urls[place], why); /* those that were there stay */
	subscribe_warn(s, buf_cstr(&text));
	buf_deinit(&text);
}

static void ask_names(struct subscribe *s, uint64_t now)
{
	bool is_complete = s->active && members_standby(s);

	if (now < s->names_due_ms)
		return;
	s->names_due_ms = now + (is_complete ? NAMES_MS : NAMES_SOON_MS);
	for (size_t i = 0; i < s->n_urls; i++) {
		if (names_is_one(s->urls[i]))
			names_ask(s->names, i, s->urls[i]);
	}
}

void members_tick(struct subscribe *s, uint64_t now)
{
	ask_names(s, now);
	for (size_t i = 0; i < MEMBERS; i++)
		tick(&s->members[i], now);
	choose(s);
}

void members_open(struct subscribe *s)
{
	uint64_t now = clock_mono_ms();

	s->names = names_open(s->loop, on_names, s);
	if (getrandom(&s->instance, sizeof(s->instance), 0) != (ssize_t)sizeof(s->instance) || !s->instance)
		s->instance = (clock_wall_ms() << 20 ^ (uint64_t)getpid()) | 1;
	for (size_t i = 0; i < MEMBERS; i++)
		s->members[i].s = s;
	ask_names(s, now);
	for (size_t i = 0; i < MEMBERS; i++)
		open_member(&s->members[i], now);
}

/* ---------------------------------------------------------------------------------------------------------- ending */

static void on_client_closed(void *data)
{
	struct subscribe *s = data;

	if (--s->n_clients == 0)
		s->release(s);
}

static void on_goodbye(void *data, enum rpc_status status, struct str message, const ProtobufCMessage *response)
{
	struct member *m = data;

	(void)status;
	(void)message;
	(void)response;
	if (m->has_left)
		return;
	m->has_left = true;
	rpc_client_close(m->client, on_client_closed, m->s);
}

void members_close(struct subscribe *s, void (*release)(struct subscribe *s))
{
	Weirlock__V1__Empty empty = WEIRLOCK__V1__EMPTY__INIT;

	s->release = release;
	s->n_clients = 1;
	for (size_t i = 0; i < MEMBERS; i++) {
		struct member *m = &s->members[i];

		if (!m->client)
			continue;
		s->n_clients++;
		if (m->step == MEMBER_READY)
			rpc_client_call(m->client, &weirlock__v1__control__descriptor, "Goodbye", &empty.base, GOODBYE_MS, on_goodbye, m);
		else
			on_goodbye(m, RPC_OK, STR(""), NULL);
	}
	on_client_closed(s);
}

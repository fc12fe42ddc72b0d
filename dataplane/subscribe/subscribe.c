/* Which controller, whether it is there, and what the proxy says of itself; update.c has the conversation. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "state.h"

enum {
	TICK_MS = 100,
	DEFAULT_REPORT_MS = 2000,
	DEFAULT_TTL_MS = 5000,  /* until a controller says otherwise */
	TRY_NEXT_MS = 2000,     /* without a session at one URL, then the next one */
	REPORT_TIMEOUT_MS = 5000,
	GOODBYE_MS = 500,
	LOG_EVERY_MS = 30 * 1000
};

void subscribe_warn(struct subscribe *s, const char *text)
{
	uint64_t now = clock_mono_ms();

	if (s->said_ms && now - s->said_ms < LOG_EVERY_MS && strncmp(s->said, text, sizeof(s->said) - 1) == 0) {
		s->n_said++;
		return;
	}
	log_warn("subscribe", "%s not_logged=%u", text, s->n_said);
	snprintf(s->said, sizeof(s->said), "%s", text);
	s->said_ms = s->logged_ms = now;
	s->n_said = 0;
}

static void log_lost(struct subscribe *s, const char *reason)
{
	struct buf text = {0};

	buf_printf(&text, "controller lost url=%s: %s", s->urls[s->at], reason);
	subscribe_warn(s, buf_cstr(&text));
	buf_deinit(&text);
}

/* Found, and perhaps to be told at once that our certificate is not accepted: that is not news the second time. */
static void log_found(const struct subscribe *s)
{
	if (s->said_ms && rpc_client_failure(s->client) == RPC_UNAUTHENTICATED)
		log_debug("subscribe", "controller found url=%s", s->urls[s->at]);
	else
		log_info("subscribe", "controller found url=%s", s->urls[s->at]);
}

static void on_state(void *data, enum rpc_client_state state, const char *reason)
{
	struct subscribe *s = data;

	if (s->is_closing)
		return;
	switch (state) {
	case RPC_CONNECTING:
		if (s->step != STEP_OFFLINE)
			log_lost(s, reason);
		s->step = STEP_OFFLINE;
		s->opened_ms = clock_mono_ms();
		return;
	case RPC_CONNECTED:
		return;
	case RPC_READY:
		log_found(s);
		update_hello(s);
		return;
	}
	abort();
}

static bool open_client(struct subscribe *s, struct buf *error)
{
	struct rpc_client_options options = {
		.identity = s->options.identity, .roles = RPC_ROLE_CONTROLLER, .data = s, .on_state = on_state};

	s->opened_ms = clock_mono_ms();
	s->step = STEP_OFFLINE;
	s->client = rpc_client_open(s->loop, s->urls[s->at], &options, error);
	return s->client != NULL;
}

/* The answers of the old client's calls come while it is closed; they must find nothing to go on with. */
static void try_next(struct subscribe *s)
{
	struct buf error = {0};
	size_t before = s->at;

	s->step = STEP_OFFLINE;
	s->wants_next = false;
	rpc_client_close(s->client, NULL, NULL);
	s->is_reporting = false;
	s->at = (s->at + 1) % s->n_urls;
	if (!open_client(s, &error)) {
		log_warn("subscribe", "%s", buf_cstr(&error));
		s->at = before;
		open_client(s, &error); /* it could be opened once */
		assert(s->client);
	}
	buf_deinit(&error);
}

void fill_report(struct subscribe *s, Weirlock__V1__ReportRequest *out)
{
	weirlock__v1__report_request__init(out);
	out->uptime_ms = clock_mono_ms() - s->started_ms;
	if (s->options.report)
		s->options.report(s->options.data, out);
	out->is_stale = subscribe_is_stale(s, &out->confirmed_age_ms) && s->content;
	out->is_from_disk = s->is_seeded;
}

static void on_reported(void *data, enum rpc_status status, struct str message, const ProtobufCMessage *response)
{
	struct subscribe *s = data;

	(void)status; /* the next one is due anyway */
	(void)message;
	(void)response;
	s->is_reporting = false;
}

static void report(struct subscribe *s)
{
	Weirlock__V1__ReportRequest request;

	fill_report(s, &request);
	s->is_reporting = true;
	s->wants_report = false;
	s->report_due_ms = clock_mono_ms() + s->options.report_ms;
	rpc_client_call(s->client, &weirlock__v1__control__descriptor, "Report", &request.base, REPORT_TIMEOUT_MS,
		on_reported, s);
}

/* Once at first, then every half minute. */
static void log_waiting(struct subscribe *s, uint64_t now)
{
	const char *reason = rpc_client_reason(s->client);
	char age[CLOCK_TEXT_MAX];
	uint64_t age_ms;

	if (s->logged_ms ? now - s->logged_ms < LOG_EVERY_MS : now - s->started_ms < RETRY_MS)
		return;
	s->logged_ms = now;
	if (s->content && subscribe_is_stale(s, &age_ms))
		log_warn("subscribe", "stale: waiting for a controller url=%s, serving the last snapshot%s, confirmed %s ago%s%s",
			s->urls[s->at], s->is_seeded ? " from disk" : "", clock_age(age_ms, age), *reason ? ": " : "", reason);
	else
		log_warn("subscribe", "waiting for a controller url=%s serving=%s%s%s", s->urls[s->at],
			s->content ? "the last snapshot" : "nothing", *reason ? ": " : "", reason);
}

static void on_tick(uv_timer_t *timer)
{
	struct subscribe *s = container_of(timer, struct subscribe, timer);
	uint64_t now = clock_mono_ms();

	if (s->is_closing)
		return;
	if (s->wants_next && now >= s->retry_ms) {
		try_next(s);
		return;
	}
	if (s->step == STEP_OFFLINE) {
		log_waiting(s, now);
		if (s->n_urls > 1 && now - s->opened_ms > TRY_NEXT_MS)
			try_next(s);
		return;
	}
	if (s->step == STEP_PAUSE && now >= s->retry_ms)
		update_hello(s);
	else if ((s->step == STEP_WATCH || s->step == STEP_FETCH) && !s->is_reporting &&
		(s->wants_report || now >= s->report_due_ms))
		report(s);
}

struct subscribe *subscribe_open(uv_loop_t *loop, const struct subscribe_options *options, struct buf *error)
{
	struct subscribe *s = mem_zalloc(sizeof(*s));

	assert(options->n_controllers > 0 && options->apply);
	s->options = *options;
	if (!s->options.report_ms)
		s->options.report_ms = DEFAULT_REPORT_MS;
	s->loop = loop;
	s->name = mem_strdup(str_from(options->name));
	s->n_urls = options->n_controllers;
	s->urls = mem_calloc(s->n_urls, sizeof(*s->urls));
	for (size_t i = 0; i < s->n_urls; i++)
		s->urls[i] = mem_strdup(str_from(options->controllers[i]));
	s->watch_ttl_ms = DEFAULT_TTL_MS;
	s->started_ms = s->confirmed_ms = clock_mono_ms();
	s->views = blobs_create(2, 64 * 1024 * 1024);
	proxy_inspect_init(s);
	uv_timer_init(loop, &s->timer);
	if (!open_client(s, error)) {
		subscribe_close(s, NULL, NULL);
		return NULL;
	}
	uv_timer_start(&s->timer, on_tick, TICK_MS, TICK_MS);
	return s;
}

struct content *subscribe_content(struct subscribe *s)
{
	return s->content;
}

bool subscribe_seed(struct subscribe *s, struct content *content, uint64_t age_ms)
{
	bool is_good = !s->content && update_take(s, content_copy(content));

	s->has_refused = false; /* no controller asked for it */
	if (is_good) {
		s->is_seeded = true;
		s->seed_age_ms = age_ms;
		s->confirmed_ms = clock_mono_ms();
	}
	return is_good;
}

bool subscribe_is_seeded(const struct subscribe *s)
{
	return s->is_seeded;
}

bool subscribe_is_ready(const struct subscribe *s)
{
	return s->content != NULL;
}

bool subscribe_is_stale(const struct subscribe *s, uint64_t *age_ms)
{
	uint64_t age = clock_mono_ms() - s->confirmed_ms + s->seed_age_ms;

	if (age_ms)
		*age_ms = age;
	return s->is_seeded || age > s->watch_ttl_ms + GRACE_MS;
}

void subscribe_report_now(struct subscribe *s)
{
	s->wants_report = true;
}

static void add_received(const struct subscribe *s, struct buf *out)
{
	static const char *const forms[CONTENT_FORMS] = {"delta", "repair", "whole"};

	buf_add(out, STR("# HELP weirlock_snapshots_received_total What controllers sent, by form.\n"
			 "# TYPE weirlock_snapshots_received_total counter\n"));
	for (size_t i = 0; i < CONTENT_FORMS; i++)
		buf_printf(out, "weirlock_snapshots_received_total{form=\"%s\"} %llu\n", forms[i],
			(unsigned long long)s->n_received[i]);
	buf_add(out, STR("# TYPE weirlock_snapshot_received_bytes_total counter\n"));
	for (size_t i = 0; i < CONTENT_FORMS; i++)
		buf_printf(out, "weirlock_snapshot_received_bytes_total{form=\"%s\"} %llu\n", forms[i],
			(unsigned long long)s->bytes_received[i]);
}

void subscribe_metrics(const struct subscribe *s, struct buf *out)
{
	uint64_t age;
	bool is_stale = subscribe_is_stale(s, &age);
	char id[16] = "";

	if (s->content) {
		struct content_id current = content_id(s->content);

		buf_printf(out, "# TYPE weirlock_snapshot_info gauge\nweirlock_snapshot_info{id=\"%s\"} 1\n",
			content_id_text(&current, id));
	}
	buf_printf(out, "# TYPE weirlock_snapshots_applied_total counter\nweirlock_snapshots_applied_total %llu\n",
		(unsigned long long)s->n_applied);
	buf_printf(out, "# TYPE weirlock_snapshots_refused_total counter\nweirlock_snapshots_refused_total %llu\n",
		(unsigned long long)s->n_refused);
	buf_printf(out, "# TYPE weirlock_snapshot_repairs_total counter\nweirlock_snapshot_repairs_total %llu\n",
		(unsigned long long)s->n_repairs);
	add_received(s, out);
	buf_printf(out, "# TYPE weirlock_snapshot_stale gauge\nweirlock_snapshot_stale %d\n", is_stale);
	buf_printf(out, "# TYPE weirlock_snapshot_from_disk gauge\nweirlock_snapshot_from_disk %d\n", s->is_seeded);
	buf_printf(out, "# TYPE weirlock_snapshot_confirmed_age_seconds gauge\nweirlock_snapshot_confirmed_age_seconds %llu\n",
		(unsigned long long)(age / 1000));
}

/* ------------------------------------------------------------------------------------------------------------- ending */

static void on_timer_closed(uv_handle_t *handle)
{
	struct subscribe *s = container_of((uv_timer_t *)handle, struct subscribe, timer);

	if (s->on_closed)
		s->on_closed(s->closed_data);
	mem_free(s);
}

static void release(struct subscribe *s)
{
	for (size_t i = 0; i < s->n_urls; i++)
		mem_free(s->urls[i]);
	mem_free(s->urls);
	mem_free(s->name);
	content_destroy(s->content);
	config_errors_deinit(&s->errors);
	if (s->fetch.bytes.ptr)
		mem_wipe(s->fetch.bytes.ptr, s->fetch.bytes.len);
	buf_deinit(&s->fetch.bytes);
	blobs_destroy(s->views);
	uv_close((uv_handle_t *)&s->timer, on_timer_closed);
}

static void on_client_closed(void *data)
{
	release(data);
}

static void on_goodbye(void *data, enum rpc_status status, struct str message, const ProtobufCMessage *response)
{
	struct subscribe *s = data;

	(void)status;
	(void)message;
	(void)response;
	if (!s->has_left) {
		s->has_left = true;
		rpc_client_close(s->client, on_client_closed, s);
	}
}

void subscribe_close(struct subscribe *s, void (*on_closed)(void *data), void *data)
{
	Weirlock__V1__Empty empty = WEIRLOCK__V1__EMPTY__INIT;

	assert(!s->is_closing);
	s->is_closing = true;
	s->on_closed = on_closed;
	s->closed_data = data;
	uv_timer_stop(&s->timer);
	if (!s->client) {
		release(s);
		return;
	}
	if (s->step == STEP_OFFLINE) {
		s->has_left = true;
		rpc_client_close(s->client, on_client_closed, s);
		return;
	}
	rpc_client_call(
		s->client, &weirlock__v1__control__descriptor, "Goodbye", &empty.base, GOODBYE_MS, on_goodbye, s);
}

/* Opens, closes, and what is said of it all; member.c has the sessions, update.c the conversation. */
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
	DEFAULT_RETURN_MS = 30 * 1000,
	DEFAULT_TTL_MS = 5000,  /* until a controller says otherwise */
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

void fill_report(struct subscribe *s, Weirlock__V1__ReportRequest *out)
{
	weirlock__v1__report_request__init(out);
	out->uptime_ms = clock_mono_ms() - s->started_ms;
	if (s->options.report)
		s->options.report(s->options.data, out);
	out->is_stale = subscribe_is_stale(s, &out->confirmed_age_ms) && s->content;
	out->is_from_disk = s->is_seeded;
	out->n_failovers = s->n_failovers;
}

/* Once at first, then every half minute. */
static void log_waiting(struct subscribe *s, uint64_t now)
{
	const struct member *m = &s->members[0];
	const char *reason = m->client ? rpc_client_reason(m->client) : "", *url = m->url ? m->url : s->urls[0];
	char age[CLOCK_TEXT_MAX];
	uint64_t age_ms;

	if (s->logged_ms ? now - s->logged_ms < LOG_EVERY_MS : now - s->started_ms < RETRY_MS)
		return;
	s->logged_ms = now;
	if (s->content && subscribe_is_stale(s, &age_ms))
		log_warn("subscribe", "stale: waiting for a controller url=%s, serving the last snapshot%s, confirmed %s ago%s%s",
			url, s->is_seeded ? " from disk" : "", clock_age(age_ms, age), *reason ? ": " : "", reason);
	else
		log_warn("subscribe", "waiting for a controller url=%s serving=%s%s%s", url,
			s->content ? "the last snapshot" : "nothing", *reason ? ": " : "", reason);
}

static bool is_anybody_there(const struct subscribe *s)
{
	for (size_t i = 0; i < MEMBERS; i++) {
		if (s->members[i].step > MEMBER_OFFLINE)
			return true;
	}
	return false;
}

static void on_tick(uv_timer_t *timer)
{
	struct subscribe *s = container_of(timer, struct subscribe, timer);
	uint64_t now = clock_mono_ms();

	if (s->is_closing)
		return;
	if (!is_anybody_there(s))
		log_waiting(s, now);
	members_tick(s, now);
	staples_look(s, now);
}

/* A name is asked about; an address is what it is. */
static bool add_candidates(struct subscribe *s, struct buf *error)
{
	const char *why;

	for (size_t i = 0; i < s->n_urls; i++) {
		const char *url = s->urls[i];

		if (!rpc_url_is_valid(url, &why) || (!s->options.identity && !rpc_url_is_local(url, &why))) {
			buf_printf(error, "%s: %s", url, why);
			return false;
		}
		if (!names_is_one(url))
			candidates_set(&s->candidates, s->name, i, &url, 1);
	}
	return true;
}

struct subscribe *subscribe_open(uv_loop_t *loop, const struct subscribe_options *options, struct buf *error)
{
	struct subscribe *s = mem_zalloc(sizeof(*s));

	assert(options->n_controllers > 0 && options->apply);
	s->options = *options;
	if (!s->options.report_ms)
		s->options.report_ms = DEFAULT_REPORT_MS;
	if (!s->options.return_ms)
		s->options.return_ms = DEFAULT_RETURN_MS;
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
	if (!add_candidates(s, error)) {
		subscribe_close(s, NULL, NULL);
		return NULL;
	}
	members_open(s);
	uv_timer_start(&s->timer, on_tick, TICK_MS, TICK_MS);
	return s;
}

struct content *subscribe_content(struct subscribe *s)
{
	return s->content;
}

bool subscribe_seed(struct subscribe *s, struct content *content, const struct version *version, uint64_t age_ms)
{
	bool is_good = !s->content && update_take(s, content_copy(content));

	s->has_refused = false; /* no controller asked for it */
	if (is_good) {
		s->is_seeded = true;
		s->version = *version;
		s->tells_version = true;
		s->seed_age_ms = age_ms;
		s->confirmed_ms = clock_mono_ms();
	}
	return is_good;
}

void subscribe_version(const struct subscribe *s, struct version *out)
{
	*out = s->version;
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
	for (size_t i = 0; i < MEMBERS; i++)
		s->members[i].wants_report = true;
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

static void add_sessions(const struct subscribe *s, struct buf *out)
{
	buf_add(out, STR("# HELP weirlock_controller_session A session to a controller; one is watched.\n"
			 "# TYPE weirlock_controller_session gauge\n"));
	for (size_t i = 0; i < MEMBERS; i++) {
		const struct member *m = &s->members[i];

		if (m->step == MEMBER_READY)
			buf_printf(out, "weirlock_controller_session{url=\"%s\",state=\"%s\"} 1\n", m->url,
				m == s->active ? "watched" : "standby");
	}
	buf_printf(out, "# TYPE weirlock_controller_failovers_total counter\nweirlock_controller_failovers_total %llu\n",
		(unsigned long long)s->n_failovers);
	buf_printf(out, "# HELP weirlock_controller_unfit_total Controllers that had not caught up with what is served here, and were left.\n"
			"# TYPE weirlock_controller_unfit_total counter\nweirlock_controller_unfit_total %llu\n",
		(unsigned long long)s->n_unfit);
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
	add_sessions(s, out);
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
	for (size_t i = 0; i < MEMBERS; i++) {
		mem_free(s->members[i].url);
		mem_free(s->members[i].name);
	}
	mem_free(s->last_url);
	blobs_destroy(s->views);
	candidates_deinit(&s->candidates);
	names_close(s->names);
	uv_close((uv_handle_t *)&s->timer, on_timer_closed);
}

void subscribe_close(struct subscribe *s, void (*on_closed)(void *data), void *data)
{
	assert(!s->is_closing);
	s->is_closing = true;
	s->on_closed = on_closed;
	s->closed_data = data;
	uv_timer_stop(&s->timer);
	members_close(s, release);
}

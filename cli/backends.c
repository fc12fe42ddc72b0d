/* weirctl backends: one line a backend with its endpoints. */
#include "command.h"

#include <stdarg.h>
#include <stdio.h>

#include "addr.h"
#include "render.h"

static const struct column columns[] = {
	{"BACKEND", "name", false},
	{"SERVICE", "service", true},
	{"PORT", "port", true},
	{"PROTOCOL", "protocol", false},
	{"BALANCE", "load_balance", true},
	{"READY", "ready", false},
	{"TERMINATING", "terminating", false},
	{"ENDPOINTS", "endpoints", false},
	{0},
};

/* Of a proxy: what its workers know as well. */
static const struct column live_columns[] = {
	{"BACKEND", "name", false},
	{"BALANCE", "load_balance", false},
	{"READY", "ready", false},
	{"TERMINATING", "terminating", false},
	{"ENDPOINTS", "endpoints", true},
	{"REQUESTS", "in_flight", false},
	{"CANARY", "canary_requests", true},
	{"STATE", "state", false},
	{0},
};

/* ----------------------------------------------------------------------------------------------- what a proxy knows */

static void add_part(struct buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add_part(struct buf *out, const char *format, ...)
{
	char text[128];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	buf_printf(out, "%s%s", out->len ? ", " : "", text);
}

static double seconds(uint64_t ms)
{
	return (double)ms / 1000;
}

/* "" when nothing is the matter. */
static void describe(const Weirlock__V1__LiveEndpoint *e, struct buf *out)
{
	if (e->n_ejected)
		add_part(out, "ejected for %.1f s more by %u of %u workers (%u failures in a row)", seconds(e->ejected_ms), e->n_ejected,
			e->n_workers, e->n_failures);
	if (e->n_on_trial)
		add_part(out, "on trial at %u of %u workers: one request at a time", e->n_on_trial, e->n_workers);
	if (e->is_failing_check)
		add_part(out, "fails its health check: %s", e->check_reason[0] ? e->check_reason : "good again, but not often enough");
	if (e->n_full)
		add_part(out, "full at %u of %u workers (max-connections %u)", e->n_full, e->n_workers, e->max_connections);
	if (e->is_terminating)
		add_part(out, "terminating");
	if (e->slow_start_ms)
		add_part(out, "slow start for %.1f s more", seconds(e->slow_start_ms));
}

static const Weirlock__V1__LiveBackend *find_live(const Weirlock__V1__LiveResponse *live, struct str name)
{
	for (size_t i = 0; live && i < live->n_backends; i++) {
		if (str_eq(str_from(live->backends[i]->name), name))
			return live->backends[i];
	}
	return NULL;
}

static json_t *live_row(const Weirlock__V1__LiveEndpoint *e, struct str state)
{
	json_t *row = json_object();

	json_object_set_new(row, "address", json_string(e->address));
	json_object_set_new(row, "state", render_text(state.len ? state : STR("well")));
	json_object_set_new(row, "in_flight", json_integer(e->in_flight));
	json_object_set_new(row, "workers", json_integer(e->n_workers));
	json_object_set_new(row, "ejected_by", json_integer(e->n_ejected));
	json_object_set_new(row, "ejected_ms", json_integer((json_int_t)e->ejected_ms));
	json_object_set_new(row, "on_trial_at", json_integer(e->n_on_trial));
	json_object_set_new(row, "full_at", json_integer(e->n_full));
	json_object_set_new(row, "slow_start_ms", json_integer((json_int_t)e->slow_start_ms));
	json_object_set_new(row, "terminating", json_boolean(e->is_terminating));
	json_object_set_new(row, "failing_check", json_boolean(e->is_failing_check));
	json_object_set_new(row, "check_reason", json_string(e->check_reason));
	json_object_set_new(row, "failures", json_integer(e->n_failures));
	json_object_set_new(row, "ewma_us", json_integer((json_int_t)e->ewma_us));
	return row;
}

static void add_live(json_t *row, const Weirlock__V1__LiveBackend *b)
{
	json_t *list = json_array();
	struct buf state = {0};
	uint32_t in_flight = 0;

	for (size_t i = 0; b && i < b->n_endpoints; i++) {
		struct buf of_one = {0};

		describe(b->endpoints[i], &of_one);
		in_flight += b->endpoints[i]->in_flight;
		if (of_one.len)
			buf_printf(&state, "%s%s %s", state.len ? "; " : "", b->endpoints[i]->address, buf_cstr(&of_one));
		json_array_append_new(list, live_row(b->endpoints[i], buf_str(&of_one)));
		buf_deinit(&of_one);
	}
	json_object_set_new(row, "in_flight", json_integer(in_flight));
	json_object_set_new(row, "canary_requests", json_integer(b ? (json_int_t)b->canary_requests : 0));
	json_object_set_new(row, "state", render_text(!b ? STR("not asked so far") : state.len ? buf_str(&state) : STR("well")));
	json_object_set_new(row, "live", list);
	buf_deinit(&state);
}

/* ------------------------------------------------------------------------------------------------ what the snapshot says */

static json_t *endpoint_list(const struct view *v, struct str backend)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->n_endpoints; i++) {
		const Weirlock__V1__Endpoints *e = v->endpoints[i];

		if (!str_eq(str_from(e->backend), backend))
			continue;
		for (size_t k = 0; k < e->n_endpoints; k++) {
			char text[ADDR_TEXT_MAX];
			struct addr a = {0};

			addr_from_bytes(str_of(e->endpoints[k]->ip.data, e->endpoints[k]->ip.len),
				(uint16_t)e->endpoints[k]->port, &a);
			json_array_append_new(list, json_string(addr_text(&a, text)));
		}
	}
	return list;
}

static void add_number(json_t *row, const char *key, uint32_t value)
{
	if (value)
		json_object_set_new(row, key, json_integer((json_int_t)value));
}

/* I1: a session decides before a hash, a hash before the algorithm. */
static void add_balance(json_t *row, const Weirlock__V1__Backend *b)
{
	if (b->affinity) {
		json_object_set_new(row, "load_balance",
			json_string(b->affinity->is_persistent ? "sticky_persistent" : "sticky_balanced"));
		json_object_set_new(row, "session_cookie",
			json_string(b->affinity->cookie_name[0] ? b->affinity->cookie_name : "INGRESSCOOKIE"));
	} else if (!b->hash_by[0])
		json_object_set_new(
			row, "load_balance", render_enum(&weirlock__v1__load_balance__descriptor, (int)b->load_balance));
	else
		json_object_set_new(row, "load_balance", json_string(b->hash_subset_size ? "chashsubset" : "chash"));
	if (b->hash_by[0])
		json_object_set_new(row, "hash_by", render_text(str_from(b->hash_by)));
	add_number(row, "hash_subset_size", b->hash_subset_size);
	add_number(row, "slow_start_ms", b->slow_start_ms);
	add_number(row, "retry_budget_percent", b->retry_budget_percent);
	add_number(row, "eject_after_failures", b->eject_after_failures);
	add_number(row, "eject_ms", b->eject_ms);
	add_number(row, "max_connections", b->max_connections);
	if (!b->health_check)
		return;
	json_object_set_new(row, "health_check_path", render_text(str_from(b->health_check->path)));
	add_number(row, "health_check_interval_ms", b->health_check->interval_ms);
	add_number(row, "health_check_timeout_ms", b->health_check->timeout_ms);
	add_number(row, "health_check_failures", b->health_check->failures);
	add_number(row, "health_check_successes", b->health_check->successes);
}

int command_backends(struct command_line *line)
{
	struct view v;
	Weirlock__V1__LiveResponse *live = NULL;
	json_t *rows;
	int status = command_at_most(line, 1, "backends [NAME]");

	if (status == 0)
		status = target_snapshot(&line->target, "", &v);
	if (status != 0)
		return status;
	if (line->target.proxy) {
		status = target_live(&line->target, &live);
		if (status != 0) {
			view_deinit(&v);
			return status;
		}
	}
	rows = json_array();
	for (size_t i = 0; i < v.n_backends; i++) {
		const Weirlock__V1__Backend *b = v.backends[i];
		struct str service = str_from(b->service);
		json_t *row;
		size_t n_ready, n_terminating;

		if (line->args.n && !str_eq(v.backend_names[i], str_from(line->args.items[0])))
			continue;
		if (line->namespace_ && !str_eq(str_first(service, str_find(service, '/')), str_from(line->namespace_)))
			continue;
		view_count_endpoints(&v, v.backend_names[i], &n_ready, &n_terminating);
		row = json_object();
		json_object_set_new(row, "name", render_text(v.backend_names[i]));
		json_object_set_new(row, "service", render_text(service));
		json_object_set_new(row, "port", render_text(str_from(b->port)));
		json_object_set_new(row, "protocol", render_enum(&weirlock__v1__protocol__descriptor, (int)b->protocol));
		add_balance(row, b);
		json_object_set_new(row, "ready", json_integer((json_int_t)n_ready));
		json_object_set_new(row, "terminating", json_integer((json_int_t)n_terminating));
		json_object_set_new(row, "endpoints", endpoint_list(&v, v.backend_names[i]));
		if (b->external_name[0])
			json_object_set_new(row, "external_name", render_text(str_from(b->external_name)));
		if (live)
			add_live(row, find_live(live, v.backend_names[i]));
		json_array_append_new(rows, row);
	}
	output_rows(&line->out, rows, live ? live_columns : columns);
	if (line->args.n && json_array_size(rows) == 0)
		status = command_fail(EXIT_FINDINGS, "no backend '%s' in this snapshot", line->args.items[0]);
	json_decref(rows);
	if (live)
		weirlock__v1__live_response__free_unpacked(live, NULL);
	view_deinit(&v);
	return status;
}

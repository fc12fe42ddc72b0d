/*
 * crowd: many proxies' sessions in one process, told what to do on stdin, one command a line:
 *
 *	open N RATE     N sessions more, RATE of them a second (0: at once)
 *	again RATE      all connect again and say what they serve
 *	cold RATE       all connect again and serve nothing
 *	status
 *
 * and one line of JSON on stdout for each thing that happened: all sessions watch and serve the same; all serve another snapshot,
 * with when the first, the median, 99 of 100 and the last began to (µs of the monotonic clock); and what status asked for.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "addr.h"
#include "clock.h"
#include "crowd.h"
#include "log.h"
#include "mem.h"
#include "opt.h"

enum { TICK_MS = 10, EVENTS = 256, COMMAND_MAX = 256, REPORT_MS = 5000 };

struct arguments {
	const char *identity;
	struct opt_list to;
	unsigned garbage, connections, seed;
	struct opt_common common;
};

/* -------------------------------------------------------------------------------------------------------------- news */

static const char *id_text(const struct version *v, char text[16])
{
	return v ? content_id_text(&v->id, text) : "";
}

static void tell_watching(struct crowd *c, uint64_t now_us)
{
	char id[16];
	const struct version *v = c->n ? c->sessions[0]->serves : NULL;

	if (c->is_told_watching || !c->n || c->n_watching < c->n || !v || v->n_sessions < c->n)
		return;
	c->is_told_watching = true;
	printf("{\"event\":\"watching\",\"id\":\"%s\",\"n\":%zu,\"at_us\":%llu,\"took_us\":%llu}\n", id_text(v, id), c->n,
		(unsigned long long)now_us, (unsigned long long)(now_us - c->begun_us));
	fflush(stdout);
}

static void tell_applied(struct crowd *c)
{
	struct version *v = c->n ? c->sessions[0]->serves : NULL;
	const uint64_t *at;
	char id[16];

	if (!v || v == c->told || v->n_sessions < c->n)
		return;
	c->told = v;
	at = v->at_us + (v->n_at - c->n); /* the last to begin, each once */
	printf("{\"event\":\"applied\",\"id\":\"%s\",\"n\":%zu,\"first_us\":%llu,\"p50_us\":%llu,\"p99_us\":%llu,\"last_us\":%llu}\n",
		id_text(v, id), c->n, (unsigned long long)at[0], (unsigned long long)at[c->n / 2],
		(unsigned long long)at[c->n * 99 / 100], (unsigned long long)at[c->n - 1]);
	fflush(stdout);
}

static void tell_status(const struct crowd *c)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	printf("{\"event\":\"status\",\"n\":%zu,\"watching\":%zu,\"lost\":%llu,\"refused\":%llu,\"failed\":%llu,\"reports\":%llu,"
	       "\"news\":%llu,\"config_bytes\":%llu,\"bytes_in\":%llu,\"bytes_out\":%llu,\"worked_out\":%llu,\"cpu_us\":%llu}\n",
		c->n, c->n_watching, (unsigned long long)c->n_lost, (unsigned long long)c->n_refused, (unsigned long long)c->n_failed,
		(unsigned long long)c->n_reports, (unsigned long long)c->n_news, (unsigned long long)c->config_bytes,
		(unsigned long long)c->bytes_in, (unsigned long long)c->bytes_out, (unsigned long long)c->known.n_applied,
		(unsigned long long)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000u +
			(unsigned long long)(used.ru_utime.tv_usec + used.ru_stime.tv_usec));
	fflush(stdout);
}

/* ---------------------------------------------------------------------------------------------------------- commands */

static uint64_t due_of(uint64_t now_us, size_t i, unsigned long rate)
{
	return now_us + (rate ? i * 1000000u / rate : 0);
}

static void open_sessions(struct crowd *c, size_t n, unsigned long rate)
{
	for (size_t i = 0; i < n; i++) {
		c->sessions = mem_grow(c->sessions, &c->room, c->n + 1, sizeof(struct session *));
		c->sessions[c->n] = session_create(c, (unsigned)c->n, due_of(c->begun_us, i, rate));
		c->n++;
	}
	c->is_told_watching = false;
}

static void obey(struct crowd *c, char *line)
{
	char word[16] = "";
	unsigned long first = 0, second = 0;

	if (sscanf(line, "%15s %lu %lu", word, &first, &second) < 1) // NOLINT(cert-err34-c): of the benchmark, not of a peer
		return;
	if (str_eq(str_from(word), STR("status"))) {
		tell_status(c);
		return;
	}
	c->begun_us = clock_mono_us();
	if (str_eq(str_from(word), STR("open")))
		open_sessions(c, first, second);
	for (size_t i = 0; str_eq(str_from(word), STR("again")) && i < c->n; i++)
		session_restart(c->sessions[i], due_of(c->begun_us, i, first), false);
	for (size_t i = 0; str_eq(str_from(word), STR("cold")) && i < c->n; i++)
		session_restart(c->sessions[i], due_of(c->begun_us, i, first), true);
	if (str_eq(str_from(word), STR("cold")))
		c->told = NULL;
}

/* False at the end of stdin. */
static bool read_commands(struct crowd *c, struct buf *in)
{
	char *room = buf_reserve(in, COMMAND_MAX);
	ssize_t n = read(STDIN_FILENO, room, COMMAND_MAX);
	size_t end;

	if (n <= 0)
		return false;
	in->len += (size_t)n;
	while ((end = str_find(buf_str(in), '\n')) < in->len) {
		in->ptr[end] = '\0';
		obey(c, in->ptr);
		buf_consume(in, end + 1);
	}
	return true;
}

static void run(struct crowd *c)
{
	struct epoll_event events[EVENTS], commands = {.events = EPOLLIN};
	uint64_t ticked_us = 0;
	struct buf in = {0};
	bool goes_on = true;

	epoll_ctl(c->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &commands);
	while (goes_on) {
		int n = epoll_wait(c->epoll, events, EVENTS, TICK_MS);
		uint64_t now_us = clock_mono_us();

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr)
				session_ready(events[i].data.ptr, events[i].events);
			else
				goes_on = read_commands(c, &in);
		}
		for (size_t i = 0; now_us - ticked_us >= TICK_MS * 1000u && i < c->n; i++)
			session_tick(c->sessions[i], now_us);
		if (now_us - ticked_us >= TICK_MS * 1000u)
			ticked_us = now_us;
		tell_applied(c);
		tell_watching(c, clock_mono_us());
	}
	buf_deinit(&in);
}

/* ------------------------------------------------------------------------------------------------------------ options */

static bool read_addresses(struct crowd *c, const struct opt_list *to, struct buf *error)
{
	for (size_t i = 0; i < to->n && i < ADDRESSES_MAX; i++) {
		struct addr addr;

		if (!addr_parse_host_port(str_from(to->items[i]), &addr)) {
			buf_printf(error, "--to: '%s' is not ADDR:PORT", to->items[i]);
			return false;
		}
		addr_to_sockaddr(&addr, &c->addresses[c->n_addresses++]);
	}
	if (!c->n_addresses)
		buf_add(error, STR("--to ADDR:PORT is needed: where the controller is"));
	return c->n_addresses > 0;
}

static bool set_up(struct crowd *c, const struct arguments *a, struct buf *error)
{
	if (!read_addresses(c, &a->to, error))
		return false;
	if (!a->identity) {
		buf_add(error, STR("--identity DIR is needed: that of a proxy"));
		return false;
	}
	c->identity = rpc_identity_load(a->identity, error);
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	c->in = mem_alloc(IN_BYTES);
	c->report_ms = REPORT_MS;
	c->random = a->seed;
	return c->identity != NULL;
}

static void tear_down(struct crowd *c)
{
	for (size_t i = 0; i < c->n; i++)
		session_destroy(c->sessions[i]);
	mem_free(c->sessions);
	known_deinit(&c->known);
	rpc_identity_destroy(c->identity);
	buf_deinit(&c->plain);
	buf_deinit(&c->frame);
	buf_deinit(&c->packed);
	mem_free(c->in);
}

int main(int argc, char **argv)
{
	struct arguments a = {.seed = 1, .connections = 64};
	const struct opt rows[] = {
		{"to", 0, OPT_LIST, &a.to, "ADDR:PORT", "A controller; repeatable: the next one is tried when one is lost", 0, 0},
		{"identity", 0, OPT_TEXT, &a.identity, "DIR", "tls.crt, tls.key and ca.crt of a proxy", 0, 0},
		{"garbage", 0, OPT_UINT, &a.garbage, "N", "No crowd: send N messages that no proxy would send, and end", 0, 100000000},
		{"connections", 0, OPT_UINT, &a.connections, "N", "Over so many connections", 1, 1000},
		{"seed", 0, OPT_UINT, &a.seed, "N", "Other garbage, other pauses", 0, 1000000000},
		OPT_COMMON(&a.common),
		{0},
	};
	const struct opt_program program = {"crowd", "the sessions of many proxies at once, for tests and benchmarks",
		"crowd --to ADDR:PORT --identity DIR [OPTIONS]", NULL, rows};
	struct crowd c = {0};
	struct opt_list words = {0};
	struct buf error = {0};
	int status = EXIT_FINE;

	switch (opt_begin(&program, &a.common, argc, argv, &words, &error)) {
	case OPT_SAID_ALL:
		return EXIT_FINE;
	case OPT_WRONG:
		fprintf(stderr, "crowd: %s\n", buf_cstr(&error));
		return EXIT_USAGE;
	case OPT_GO_ON:
		break;
	}
	if (!set_up(&c, &a, &error)) {
		fprintf(stderr, "crowd: %s\n", buf_cstr(&error));
		status = EXIT_USAGE;
	} else if (a.garbage) {
		status = garbage_run(&(struct garbage_options){
			c.addresses[0], c.identity, a.garbage, a.connections, a.seed});
	} else {
		run(&c);
	}
	tear_down(&c);
	buf_deinit(&error);
	return status;
}

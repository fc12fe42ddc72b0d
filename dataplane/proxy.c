/*
 * A snapshot becomes a generation, the generation goes to every worker, and once all of them serve the first one the ready
 * line is printed. Nothing listens for clients before that.
 */
#include "proxy.h"

#include <stdio.h>
#include <unistd.h>

#include "admin.h"
#include "caps.h"
#include "clock.h"
#include "places.h"
#include "probe.h"
#include "config.h"
#include "lastgood.h"
#include "live.h"
#include "log.h"
#include "mem.h"
#include "metrics.h"
#include "process.h"
#include "rpc.h"
#include "spill.h"
#include "subscribe.h"
#include "worker.h"

/* A controller that is there has answered by then; one that is not need not be waited for any longer. */
enum { SEED_AFTER_MS = 400, PLACES_EVERY_MS = 1000 };

struct proxy {
	uv_loop_t *loop;
	const struct proxy_options *options;
	struct rpc_identity *identity;
	struct rpc_server *inspect;
	struct subscribe *subscribe;
	struct lastgood *lastgood;  /* NULL without --state-dir or without an identity */
	struct content *seed;       /* what was on disk, until it is clear whether a controller answers */
	uint64_t seed_confirmed_ms; /* wall clock */
	struct version seed_version;
	uv_timer_t seed_timer;
	uv_timer_t grace_timer;
	bool has_timer, has_grace_timer, has_places_timer;
	struct admin *admin;
	int body_directory_fd;      /* -1 or less: none */
	struct workers *workers;
	struct probes *probes;
	struct accesslog_sink sink;
	struct accesslog_places places;
	uv_timer_t places_timer;
	const struct generation *generation; /* the newest */
	const struct generation *former;     /* the one before, until no worker takes it: its end is not theirs to wait for */
	struct metrics_process process;
	char http[ADDR_TEXT_MAX], https[ADDR_TEXT_MAX], admin_text[ADDR_TEXT_MAX]; /* of reports */
	bool is_ready, is_draining, is_ending;
};

/* ----------------------------------------------------------------------------------------------------------- snapshots */

static bool apply(void *data, struct content *content, struct config_errors *errors)
{
	struct proxy *p = data;
	uint64_t began_us = clock_mono_us();
	const struct generation *g;
	struct content_id id;
	char text[16];

	if (p->is_ending) /* it came while the channel was being closed: nobody is served any more */
		return true;
	g = config_compile_change(subscribe_content(p->subscribe), content, p->generation, str_from(p->options->zone), errors);
	if (!g) {
		p->process.snapshots_refused++;
		return false;
	}
	generation_unref(&p->former);
	p->former = p->generation;
	p->generation = generation_ref(g);
	p->process.generation++;
	p->process.snapshots_applied++;
	p->process.snapshot_ms = clock_wall_ms();
	id = generation_id(g);
	log_info("proxy", "snapshot compiled id=%s resources=%zu us=%llu", content_id_text(&id, text),
		content_count(content), (unsigned long long)(clock_mono_us() - began_us));
	workers_apply(p->workers, g);
	probes_apply(p->probes, p->generation);
	if (p->lastgood)
		lastgood_keep(p->lastgood, content);
	return true;
}

/* ------------------------------------------------------------------------------------------- the last good one on disk */

static uint64_t confirmed_ms(void *data)
{
	struct proxy *p = data;
	uint64_t age_ms;

	subscribe_is_stale(p->subscribe, &age_ms);
	return clock_wall_ms() - age_ms;
}

static void served_version(void *data, struct version *out)
{
	subscribe_version(((struct proxy *)data)->subscribe, out);
}

static void start_from_disk(struct proxy *p)
{
	uint64_t now = clock_wall_ms(), age_ms = now > p->seed_confirmed_ms ? now - p->seed_confirmed_ms : 0;
	struct content_id id = content_id(p->seed);
	char text[16], age[CLOCK_TEXT_MAX];

	if (subscribe_seed(p->subscribe, p->seed, &p->seed_version, age_ms))
		log_warn("proxy", "stale: no controller answers, starting from the last good snapshot on disk id=%s, confirmed %s ago",
			content_id_text(&id, text), clock_age(age_ms, age));
	else
		log_error("proxy", "the last good snapshot on disk cannot be served by this version id=%s",
			content_id_text(&id, text));
}

static void on_seed_timer(uv_timer_t *timer)
{
	struct proxy *p = container_of(timer, struct proxy, seed_timer);

	if (!subscribe_is_ready(p->subscribe) && !p->is_draining)
		start_from_disk(p);
	content_destroy(p->seed);
	p->seed = NULL;
}

static int open_lastgood(struct proxy *p, struct buf *error)
{
	const struct lastgood_options options = {
		.directory = p->options->state_dir,
		.identity = p->identity,
		.data = p,
		.confirmed_ms = confirmed_ms,
		.version = served_version,
	};

	if (!p->options->state_dir || !p->identity)
		return EXIT_FINE;
	p->lastgood = lastgood_open(p->loop, &options, error);
	if (!p->lastgood)
		return EXIT_BAD_INPUT;
	p->seed = lastgood_load(p->lastgood, &p->seed_confirmed_ms, &p->seed_version);
	if (!p->seed)
		return EXIT_FINE;
	uv_timer_init(p->loop, &p->seed_timer);
	p->has_timer = true;
	uv_timer_start(&p->seed_timer, on_seed_timer, SEED_AFTER_MS, 0);
	return EXIT_FINE;
}

static void add_addrs(const struct proxy *p, struct buf *line)
{
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < p->options->n_http; i++)
		buf_printf(line, " http=%s", addr_text(workers_http(p->workers, i), text));
	for (size_t i = 0; i < p->options->n_https; i++)
		buf_printf(line, " https=%s", addr_text(workers_https(p->workers, i), text));
	buf_printf(line, " admin=%s", addr_text(admin_bound(p->admin), text));
}

static void on_places_timer(uv_timer_t *timer)
{
	accesslog_places_check(&container_of(timer, struct proxy, places_timer)->places);
}

/* While the sink is held: what the newest generation says. */
static void set_places(struct proxy *p)
{
	const struct settings *s = generation_settings(p->generation);

	accesslog_places_set(&p->places, ACCESSLOG_REQUESTS, s->access_log_path);
	accesslog_places_set(&p->places, ACCESSLOG_SESSIONS, s->stream_access_log_path);
	if (!accesslog_places_has_files(&p->places))
		uv_timer_stop(&p->places_timer);
	else if (!uv_is_active((uv_handle_t *)&p->places_timer))
		uv_timer_start(&p->places_timer, on_places_timer, PLACES_EVERY_MS, PLACES_EVERY_MS);
}

static void on_served(void *data)
{
	struct proxy *p = data;
	struct buf line = {0};

	generation_unref(&p->former);
	if (p->is_ready) {
		accesslog_sink_hold(&p->sink);
		set_places(p);
		accesslog_sink_release(&p->sink);
	}
	if (p->is_ready || p->is_draining)
		return;
	p->is_ready = true;
	set_places(p); /* it is held since the beginning */
	add_addrs(p, &line);
	printf("ready%s\n", buf_cstr(&line));
	fflush(stdout);
	buf_deinit(&line);
	accesslog_sink_release(&p->sink); /* from now on stdout is the log's */
}

/* ----------------------------------------------------------------------------------------------------------- reporting */

static void sum_metrics(const struct proxy *p, struct metrics *sum)
{
	size_t n;
	const struct metrics *const *all = workers_metrics(p->workers, &n);

	for (size_t i = 0; i < n; i++)
		metrics_sum(sum, all[i]);
}

static void report(void *data, Weirlock__V1__ReportRequest *out)
{
	struct proxy *p = data;
	static struct metrics sum; /* too large for the stack; main thread only */

	if (!p->workers)
		return;
	memset(&sum, 0, sizeof(sum));
	sum_metrics(p, &sum);
	out->connections = metrics_read(&sum.connections_active);
	out->requests = metrics_read(&sum.requests_started);
	for (size_t i = 0; i < METRICS_METHODS; i++)
		out->n_errors += metrics_read(&sum.requests[i][5]);
	out->tunnels = metrics_read(&sum.tunnels_open);
	out->rss_bytes = process_rss_bytes();
	out->uptime_ms = clock_wall_ms() - p->process.started_ms;
	out->generations = generation_live_count();
	out->is_draining = p->is_draining;
	out->http = p->http;
	out->https = p->https;
	out->admin = p->admin_text;
	if (p->lastgood) {
		lastgood_age_ms(p->lastgood, &out->sealed_age_ms);
		out->not_sealed = lastgood_trouble(p->lastgood);
	}
}

static bool wants_staples(void *data)
{
	const struct proxy *p = data;

	return p->generation && generation_settings(p->generation)->enable_ocsp;
}

static void take_staple(void *data, struct str fingerprint, struct str response, int64_t expires_s)
{
	const struct proxy *p = data;

	if (p->generation && !generation_put_staple(p->generation, fingerprint, response, expires_s))
		log_warn("proxy", "an OCSP answer of a size that cannot be bytes=%zu", response.len);
}

static bool collect_live(void *data, struct arena *arena, Weirlock__V1__LiveResponse *out)
{
	struct proxy *p = data;

	if (p->workers)
		live_collect(p->workers, p->probes, arena, out);
	return p->workers != NULL;
}

static void on_check(void *data, unsigned backend_index, const struct addr *addr, bool is_failing)
{
	struct proxy *p = data;

	workers_note_check(p->workers, backend_index, addr, is_failing);
}

/* Ready for as long as anything is served; that it is stale is said, and is no reason to send clients elsewhere. */
static void say_stale(const struct proxy *p, struct buf *reason)
{
	char age[CLOCK_TEXT_MAX];
	uint64_t age_ms;

	if (subscribe_is_stale(p->subscribe, &age_ms))
		buf_printf(reason, "stale: serving the last good snapshot%s, confirmed by a controller %s ago",
			subscribe_is_seeded(p->subscribe) ? " from disk" : "", clock_age(age_ms, age));
}

static bool is_ready(void *owner, struct buf *reason)
{
	const struct proxy *p = owner;

	if (p->is_draining)
		buf_add(reason, STR("draining"));
	else if (!p->is_ready)
		buf_add(reason, STR("no snapshot so far"));
	else
		say_stale(p, reason);
	return p->is_ready && !p->is_draining;
}

static void add_metrics(void *owner, struct buf *out)
{
	struct proxy *p = owner;
	struct metrics_process process = p->process;
	const struct caps *caps = workers_caps(p->workers);
	size_t n;
	const struct metrics *const *all = workers_metrics(p->workers, &n);

	process.version = WEIRLOCK_VERSION;
	process.now_ms = clock_wall_ms();
	process.generations_alive = generation_live_count();
	process.is_connected = subscribe_is_ready(p->subscribe) && !subscribe_is_stale(p->subscribe, NULL);
	process.connections_max = caps->connections;
	process.worker_connections_max = caps->worker_connections;
	process.memory_max_bytes = caps->memory_bytes;
	metrics_read_process(&process);
	metrics_render(out, all, n, &process);
	workers_add_metrics(p->workers, out);
	live_metrics(p->workers, p->probes, out);
	subscribe_metrics(p->subscribe, out);
	if (p->generation)
		buf_printf(out,
			"# HELP weirlock_tls_stapled_total TLS handshakes with an OCSP answer\n# TYPE weirlock_tls_stapled_total counter\n"
			"weirlock_tls_stapled_total %llu\n",
			(unsigned long long)generation_n_stapled(p->generation));
	if (p->lastgood)
		lastgood_metrics(p->lastgood, out);
}

/* ------------------------------------------------------------------------------------------------------------- leaving */

/* Connections are gone or have had their time: everything that holds the loop is closed. */
static void end(struct proxy *p)
{
	if (p->is_ending)
		return;
	p->is_ending = true;
	probes_close(p->probes);
	p->probes = NULL;
	workers_destroy(p->workers);
	p->workers = NULL;
	if (p->admin)
		admin_close(p->admin, NULL);
	if (p->inspect)
		rpc_server_close(p->inspect, NULL, NULL);
	if (p->has_timer)
		uv_close((uv_handle_t *)&p->seed_timer, NULL);
	if (p->has_places_timer)
		uv_close((uv_handle_t *)&p->places_timer, NULL);
	if (p->has_grace_timer)
		uv_close((uv_handle_t *)&p->grace_timer, NULL);
	if (p->lastgood)
		lastgood_close(p->lastgood); /* asks subscribe for an age, at once if at all */
	p->lastgood = NULL;
	if (p->subscribe)
		subscribe_close(p->subscribe, NULL, NULL);
	if (p->is_draining)
		log_info("proxy", "stopped");
}

static void on_drained(void *data)
{
	end(data);
}

static void drain(struct proxy *p)
{
	log_info("proxy", "draining");
	workers_drain(p->workers);
}

static void on_grace_over(uv_timer_t *timer)
{
	drain(container_of(timer, struct proxy, grace_timer));
}

/* Balancers need a while until they send nobody here: so long it is not ready, and answers. */
static void leave(struct proxy *p)
{
	log_info("proxy", "leaving: not ready, serving for another %u s", p->options->shutdown_grace_s);
	workers_leave(p->workers);
	uv_timer_init(p->loop, &p->grace_timer);
	p->has_grace_timer = true;
	uv_timer_start(&p->grace_timer, on_grace_over, p->options->shutdown_grace_s * 1000ull, 0);
}

void proxy_stop(struct proxy *p)
{
	if (p->is_draining) {
		end(p);
		return;
	}
	p->is_draining = true;
	subscribe_report_now(p->subscribe);
	if (p->is_ready && p->options->shutdown_grace_s)
		leave(p);
	else
		drain(p);
}

void proxy_destroy(struct proxy *p)
{
	if (!p)
		return;
	generation_unref(&p->former);
	generation_unref(&p->generation);
	accesslog_places_deinit(&p->places);
	if (p->body_directory_fd >= 0)
		close(p->body_directory_fd);
	content_destroy(p->seed);
	rpc_identity_destroy(p->identity);
	mem_free(p);
}

/* ------------------------------------------------------------------------------------------------------------- opening */

/* Its own or none: a proxy that cannot keep bodies streams them, and says so once, here. EXIT_FINE, or an exit status. */
static int open_body_directory(struct proxy *p, struct buf *error)
{
	const struct proxy_options *o = p->options;
	const char *path = o->body_dir ? o->body_dir : "/tmp";

	p->body_directory_fd = spill_open_directory(path);
	if (p->body_directory_fd >= 0)
		return EXIT_FINE;
	if (o->body_dir) {
		buf_printf(error, "--body-dir: cannot write in %s: %s", path, uv_strerror(p->body_directory_fd));
		return EXIT_BAD_INPUT;
	}
	log_warn("proxy", "request bodies that are too large for memory are streamed: cannot write directory=%s error=\"%s\"; name one with --body-dir",
		path, uv_strerror(p->body_directory_fd));
	return EXIT_FINE;
}

static int open_workers(struct proxy *p, struct buf *error)
{
	const struct proxy_options *o = p->options;
	const struct workers_options options = {
		.n_workers = o->n_workers,
		.http = o->http,
		.n_http = o->n_http,
		.https = o->https,
		.n_https = o->n_https,
		.tcp = o->tcp,
		.n_tcp = o->n_tcp,
		.body_directory_fd = p->body_directory_fd,
		.body_bytes = (uint64_t)o->body_mib << 20,
		.sink = &p->sink,
		.logs_json = o->logs_json,
		.data = p,
		.on_served = on_served,
		.on_drained = on_drained,
	};

	accesslog_places_init(&p->places, &p->sink);
	accesslog_sink_hold(&p->sink); /* the ready line comes first */
	uv_timer_init(p->loop, &p->places_timer);
	p->has_places_timer = true;
	p->workers = workers_create(p->loop, &options, error);
	if (!p->workers)
		return EXIT_NO_CONNECTION;
	p->probes = probes_create(p->loop, &(struct probes_options){.data = p, .on_change = on_check});
	if (o->n_http)
		addr_text(workers_http(p->workers, 0), p->http);
	if (o->n_https)
		addr_text(workers_https(p->workers, 0), p->https);
	return EXIT_FINE;
}

static int open_admin(struct proxy *p, struct buf *error)
{
	const struct admin_hooks hooks = {.owner = p, .is_ready = is_ready, .add_metrics = add_metrics};
	int result = admin_open(p->loop, &p->options->admin, &hooks, &p->admin);
	char text[ADDR_TEXT_MAX];

	if (result) {
		buf_printf(error, "--admin: cannot listen on %s: %s", addr_text(&p->options->admin, text), uv_strerror(result));
		return EXIT_NO_CONNECTION;
	}
	addr_text(admin_bound(p->admin), p->admin_text);
	return EXIT_FINE;
}

static int open_channel(struct proxy *p, struct buf *error)
{
	const struct subscribe_options options = {
		.controllers = p->options->controllers.items,
		.n_controllers = p->options->controllers.n,
		.identity = p->identity,
		.name = p->options->name,
		.data = p,
		.apply = apply,
		.report = report,
		.wants_staples = wants_staples,
		.staple = take_staple,
		.live = collect_live,
	};

	p->subscribe = subscribe_open(p->loop, &options, error);
	return p->subscribe ? EXIT_FINE : EXIT_USAGE;
}

static int open_inspect(struct proxy *p, struct buf *error)
{
	const struct rpc_server_options options = {.identity = p->identity};

	if (!p->options->inspect)
		return EXIT_FINE;
	p->inspect = rpc_server_create(p->loop, &options);
	if (!p->inspect) {
		buf_add(error, STR("--inspect: no socket could be made"));
		return EXIT_NO_CONNECTION;
	}
	subscribe_inspect(p->subscribe, p->inspect);
	return rpc_server_listen(p->inspect, p->options->inspect, NULL, error) == 0 ? EXIT_FINE : EXIT_NO_CONNECTION;
}

static int open_all(struct proxy *p, struct buf *error)
{
	int result;

	if (p->options->identity) {
		p->identity = rpc_identity_load(p->options->identity, error);
		if (!p->identity)
			return EXIT_BAD_INPUT;
	}
	result = open_body_directory(p, error);
	if (result == EXIT_FINE)
		result = open_workers(p, error);
	if (result == EXIT_FINE)
		result = open_admin(p, error);
	if (result == EXIT_FINE)
		result = open_channel(p, error);
	if (result == EXIT_FINE)
		result = open_lastgood(p, error);
	if (result == EXIT_FINE)
		result = open_inspect(p, error);
	return result;
}

int proxy_open(uv_loop_t *loop, const struct proxy_options *options, struct buf *error, struct proxy **out)
{
	struct proxy *p = mem_zalloc(sizeof(*p));
	int result;

	p->loop = loop;
	p->options = options;
	p->body_directory_fd = -1;
	p->process.started_ms = clock_wall_ms();
	result = open_all(p, error);
	if (result == EXIT_FINE) {
		*out = p;
		return result;
	}
	end(p);
	uv_run(loop, UV_RUN_DEFAULT);
	proxy_destroy(p);
	return result;
}

/* Sums as Prometheus text, and the few numbers of the process. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "mem.h"
#include "metrics.h"

static const char *const bound_texts[METRICS_BUCKETS + 1] = {
	"0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"};

static void add_family(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_row(struct buf *out, const char *name, const char *labels, uint64_t value)
{
	if (*labels)
		buf_printf(out, "%s{%s} %" PRIu64 "\n", name, labels, value);
	else
		buf_printf(out, "%s %" PRIu64 "\n", name, value);
}

static void add_histogram(struct buf *out, const char *name, const char *help, const struct metrics_histogram *h)
{
	uint64_t sum_us = metrics_read(&h->sum_us);
	uint64_t count = 0;

	add_family(out, name, "histogram", help);
	for (size_t i = 0; i <= METRICS_BUCKETS; i++) {
		count += metrics_read(&h->buckets[i]);
		buf_printf(out, "%s_bucket{le=\"%s\"} %" PRIu64 "\n", name, bound_texts[i], count);
	}
	buf_printf(out, "%s_sum %" PRIu64 ".%06" PRIu64 "\n", name, sum_us / 1000000, sum_us % 1000000);
	buf_printf(out, "%s_count %" PRIu64 "\n", name, count);
}

#define COUNTER_ROW(field, type, name, labels, help) {name, #type, labels, help, offsetof(struct metrics, field)},

static void add_counters(struct buf *out, const struct metrics *sum)
{
	static const struct {
		const char *name, *type, *labels, *help;
		size_t offset;
	} rows[] = {METRICS(COUNTER_ROW)};
	const char *family = "";

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const metric *value = (const metric *)(const void *)((const char *)sum + rows[i].offset);

		if (strcmp(family, rows[i].name) != 0)
			add_family(out, rows[i].name, rows[i].type, rows[i].help);
		family = rows[i].name;
		add_row(out, rows[i].name, rows[i].labels, metrics_read(value));
	}
}

static void add_requests(struct buf *out, const struct metrics *sum)
{
	static const char name[] = "nginx_ingress_controller_requests";
	char labels[64];

	add_family(out, name, "counter", "Finished requests by method and class of status; 000 is no answer");
	for (size_t method = 0; method < METRICS_METHODS; method++) {
		struct str text = http_method_text((enum http_method)method);

		if (method == HTTP_METHOD_OTHER)
			text = STR("invalid_method");
		for (size_t class = 0; class < METRICS_CLASSES; class++) {
			uint64_t value = metrics_read(&sum->requests[method][class]);

			/* a pair that never occurred is left out: most never do */
			if (value == 0)
				continue;
			snprintf(labels, sizeof(labels), "method=\"%.*s\",status=\"%zu%s\"", STR_ARG(text), class,
				class ? "xx" : "00");
			add_row(out, name, labels, value);
		}
	}
}

static void add_ends(struct buf *out, const struct metrics *sum)
{
	static const char name[] = "weirlock_ends_total";
	char labels[96];

	add_family(out, name, "counter", "Ends of requests, connections and tunnels, by the reason in the access log");
	for (size_t i = 0; i < END_COUNT; i++) {
		struct str word = end_word((enum end_reason)i);

		snprintf(labels, sizeof(labels), "reason=\"%.*s\",fault=\"%d\"", STR_ARG(word),
			end_is_fault((enum end_reason)i));
		add_row(out, name, labels, metrics_read(&sum->ends[i]));
	}
}

static void add_proxy_headers(struct buf *out, const struct metrics *sum)
{
	static const char name[] = "weirlock_proxy_headers_total";
	char labels[64];

	add_family(out, name, "counter", "Connections that had to begin with a PROXY header, by what came");
	for (size_t i = 0; i < PROXYPROTO_RESULT_COUNT; i++) {
		snprintf(labels, sizeof(labels), "result=\"%s\"", proxyproto_word((enum proxyproto_result)i));
		add_row(out, name, labels, metrics_read(&sum->proxy_headers[i]));
	}
}

static void add_one(struct buf *out, const char *name, const char *type, const char *help, uint64_t value)
{
	add_family(out, name, type, help);
	add_row(out, name, "", value);
}

static double seconds_since(uint64_t then_ms, uint64_t now_ms)
{
	return now_ms > then_ms ? (double)(now_ms - then_ms) / 1000 : 0;
}

static void add_bounds(
	struct buf *out, const char *name, const char *help, uint64_t proxy, uint64_t worker, bool has_proxy, bool has_worker)
{
	if (!has_proxy && !has_worker)
		return;
	add_family(out, name, "gauge", help);
	if (has_proxy)
		add_row(out, name, "of=\"proxy\"", proxy);
	if (has_worker)
		add_row(out, name, "of=\"worker\"", worker);
}

/* Use and cap beside each other. A cap that is not set has no row: 0 would look full. */
static void add_caps(
	struct buf *out, const struct metrics *const *workers, size_t n_workers, const struct metrics_process *p)
{
	uint64_t all = 0, most = 0;

	for (size_t i = 0; i < n_workers; i++) {
		uint64_t n = metrics_client_connections(workers[i]);

		all += n;
		most = n > most ? n : most;
	}
	add_bounds(out, "weirlock_client_connections", "Client connections and sessions of TCP and UDP services: all, and those of "
		"the worker that has most", all, most, true, true);
	add_bounds(out, "weirlock_client_connections_max", "How many of them there may be: max-client-connections, "
		"max-worker-connections", p->connections_max, p->worker_connections_max, p->connections_max, p->worker_connections_max);
	if (p->memory_max_bytes)
		add_one(out, "weirlock_memory_max_bytes", "gauge", "Resident memory above which the proxy takes nothing new: "
			"max-memory", p->memory_max_bytes);
}

static void add_process(struct buf *out, const struct metrics_process *p)
{
	add_family(out, "weirlock_build_info", "gauge", "Always 1");
	buf_printf(out, "weirlock_build_info{version=\"%s\"} 1\n", p->version ? p->version : "");
	add_one(out, METRICS_NGINX "resident_memory_bytes", "gauge", "Resident memory", p->resident_bytes);
	add_one(out, METRICS_NGINX "virtual_memory_bytes", "gauge", "Virtual memory", p->virtual_bytes);
	add_one(out, METRICS_NGINX "oldest_start_time_seconds", "gauge", "Start, Unix time", p->started_ms / 1000);
	add_family(out, METRICS_NGINX "cpu_seconds_total", "counter", "CPU time, user and system");
	buf_printf(out, METRICS_NGINX "cpu_seconds_total %.3f\n", p->cpu_s);
	add_one(out, "weirlock_open_files", "gauge", "Open descriptors", p->n_open_files);
	add_family(out, "weirlock_uptime_seconds", "gauge", "Time since the start");
	buf_printf(out, "weirlock_uptime_seconds %.3f\n", seconds_since(p->started_ms, p->now_ms));
	add_one(out, "weirlock_controller_connected", "gauge", "1 while a controller answers", p->is_connected);
	add_one(out, "weirlock_generation", "gauge", "Number of the configuration that is served", p->generation);
	add_one(out, "weirlock_generations_alive", "gauge", "Configurations in memory: the served one and those that "
		"requests still hold", p->generations_alive);
	add_family(out, "weirlock_snapshots_total", "counter", "Snapshots that came, by what became of them");
	add_row(out, "weirlock_snapshots_total", "result=\"applied\"", p->snapshots_applied);
	add_row(out, "weirlock_snapshots_total", "result=\"refused\"", p->snapshots_refused);
	/* absent without a snapshot: an age of 0 would look fine */
	if (p->snapshot_ms) {
		add_family(out, "weirlock_snapshot_age_seconds", "gauge", "Time since the served snapshot was built");
		buf_printf(out, "weirlock_snapshot_age_seconds %.3f\n", seconds_since(p->snapshot_ms, p->now_ms));
	}
}

#define ADD_HISTOGRAM(field, name, help) add_histogram(out, name, help, &sum->field);

bool metrics_render(
	struct buf *out, const struct metrics *const *workers, size_t n_workers, const struct metrics_process *process)
{
	struct metrics *sum = mem_zalloc(sizeof(*sum));

	for (size_t i = 0; i < n_workers; i++)
		metrics_sum(sum, workers[i]);
	add_requests(out, sum);
	add_ends(out, sum);
	add_proxy_headers(out, sum);
	METRICS_HISTOGRAMS(ADD_HISTOGRAM)
	add_counters(out, sum);
	add_process(out, process);
	add_caps(out, workers, n_workers, process);
	mem_free(sum);
	return !out->is_over;
}

static uint64_t count_open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (!dir)
		return 0;
	for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n ? n - 1 : 0; /* less the one that reads the directory */
}

static double seconds_of(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

void metrics_read_process(struct metrics_process *p)
{
	uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	FILE *file = fopen("/proc/self/statm", "re");
	char line[128] = "";
	struct rusage usage;
	struct str rest, piece;
	uint64_t pages = 0;

	if (file) {
		if (!fgets(line, sizeof(line), file))
			line[0] = '\0';
		fclose(file);
	}
	rest = str_from(line);
	if (str_next(&rest, ' ', &piece) && str_to_u64(piece, UINT64_MAX / page_bytes, &pages))
		p->virtual_bytes = pages * page_bytes;
	if (str_next(&rest, ' ', &piece) && str_to_u64(piece, UINT64_MAX / page_bytes, &pages))
		p->resident_bytes = pages * page_bytes;
	if (getrusage(RUSAGE_SELF, &usage) == 0)
		p->cpu_s = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
	p->n_open_files = count_open_files();
}

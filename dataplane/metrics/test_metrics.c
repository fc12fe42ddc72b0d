/* Counters of several workers come out as one bounded Prometheus text. */
#include <pthread.h>
#include <stdio.h>

#include "check.h"
#include "metrics.h"

static bool has_line(const struct buf *text, const char *line)
{
	struct str rest = buf_str(text), piece;

	while (str_next(&rest, '\n', &piece)) {
		if (str_eq(piece, str_from(line)))
			return true;
	}
	fprintf(stderr, "no line: %s\n", line);
	return false;
}

/* Every line is a comment or a sample of the family announced before it; no family is announced twice. */
static void check_shape(const struct buf *text)
{
	struct str rest = buf_str(text), line, family = STR("");
	struct str seen[128];
	size_t n_seen = 0;

	while (str_next(&rest, '\n', &line)) {
		if (str_starts_with(line, STR("# TYPE "))) {
			struct str words = str_from_index(line, 7);

			CHECK(str_next(&words, ' ', &family));
			for (size_t i = 0; i < n_seen; i++)
				CHECK(!str_eq(seen[i], family));
			if (CHECK(n_seen < CHECK_COUNT(seen)))
				seen[n_seen++] = family;
		} else if (!str_starts_with(line, STR("# HELP "))) {
			CHECK(str_starts_with(line, family));
			CHECK(str_rfind(line, ' ') + 1 < line.len);
		} else {
			CHECK(line.len > sizeof("# HELP ") + 10);
		}
	}
}

static void test_ends(void)
{
	check_case("end reasons");
	CHECK_STR(end_word(END_DONE), STR("done"));
	CHECK_STR(end_word(END_TUNNEL_CLIENT), STR("tunnel_closed_by_client"));
	CHECK(!end_is_fault(END_CLIENT_GONE));
	CHECK(end_is_fault(END_NO_ENDPOINTS));
	CHECK_STR(end_limit(END_TUNNEL_IDLE), STR("proxy-read-timeout"));
	CHECK_STR(end_limit(END_DONE), STR(""));
	for (int i = 0; i < END_COUNT; i++) {
		struct str word = end_word((enum end_reason)i);

		for (size_t c = 0; c < word.len; c++)
			CHECK((word.ptr[c] >= 'a' && word.ptr[c] <= 'z') || word.ptr[c] == '_' ||
				(c && word.ptr[c] >= '0' && word.ptr[c] <= '9'));
		CHECK(*end_doc((enum end_reason)i) != '\0');
		CHECK(!str_ends_with(word, STR("_timeout")) || end_limit((enum end_reason)i).len);
		for (int other = 0; other < i; other++)
			CHECK(!str_eq(word, end_word((enum end_reason)other)));
	}
}

static const struct {
	enum end_reason reason;
	const char *key;
} limits[] = {
	{END_DONE, ""}, {END_LIMITED, ""}, {END_TOO_LARGE, "proxy-body-size"}, {END_ENDPOINTS_FULL, "max-connections"},
	{END_CLIENT_GONE, ""}, {END_CLIENT_HEADER_TIMEOUT, "client-header-timeout"},
	{END_CLIENT_BODY_TIMEOUT, "client-body-timeout"}, {END_CLIENT_SEND_TIMEOUT, "proxy-send-timeout"},
	{END_UPSTREAM_CONNECT_FAILED, ""}, {END_UPSTREAM_CONNECT_TIMEOUT, "proxy-connect-timeout"},
	{END_UPSTREAM_SEND_TIMEOUT, "proxy-send-timeout"}, {END_UPSTREAM_READ_TIMEOUT, "proxy-read-timeout"},
	{END_UPSTREAM_CLOSED, ""}, {END_TUNNEL_CLIENT, ""}, {END_TUNNEL_IDLE, "proxy-read-timeout"},
	{END_TUNNEL_SEND_TIMEOUT, "proxy-send-timeout"}, {END_IDLE, "keep-alive"}, {END_LAST_REQUEST, ""},
	{END_ROUTE_REMOVED, ""}, {END_DRAINING, ""}, {END_SHUTDOWN_TIMEOUT, "worker-shutdown-timeout"},
};

static void test_limits(void)
{
	check_case("G2 to G5, G11, G12: the key whose limit an end is");
	for (size_t i = 0; i < CHECK_COUNT(limits); i++)
		CHECK_STR(end_limit(limits[i].reason), str_from(limits[i].key));
}

static void test_render(void)
{
	static struct metrics a, b;
	const struct metrics *const both[] = {&a, &b};
	struct metrics_process process = {.version = "1.2", .now_ms = 20500, .started_ms = 10000, .snapshot_ms = 20000,
		.generation = 7, .generations_alive = 2, .snapshots_applied = 3, .is_connected = true};
	struct buf text = {0};

	check_case("render");
	metrics_add(&a.connections_active, 5);
	metrics_sub(&a.connections_active, 2);
	metrics_add(&b.connections_active, 4);
	metrics_count_request(&a, HTTP_GET, 200, END_DONE, 5000);
	metrics_count_request(&b, HTTP_GET, 204, END_DONE, 5001);
	metrics_count_request(&b, HTTP_METHOD_OTHER, 502, END_UPSTREAM_CLOSED, 60000000);
	metrics_count_request(&b, (enum http_method)200, 0, END_CLIENT_GONE, 0);
	metrics_count_request(&b, HTTP_GET, 999, END_DONE, 0);
	metrics_count_end(&b, END_IDLE);
	metrics_count_proxy_header(&a, PROXYPROTO_V2);
	metrics_count_proxy_header(&b, PROXYPROTO_V2);
	metrics_count_proxy_header(&b, PROXYPROTO_LATE);
	metrics_read_process(&process);
	CHECK(metrics_render(&text, both, 2, &process));
	check_shape(&text);
	CHECK(has_line(&text, "nginx_ingress_controller_nginx_process_connections{state=\"active\"} 7"));
	CHECK(has_line(&text, "nginx_ingress_controller_requests{method=\"GET\",status=\"2xx\"} 2"));
	CHECK(has_line(&text, "nginx_ingress_controller_requests{method=\"GET\",status=\"000\"} 1"));
	CHECK(has_line(&text, "nginx_ingress_controller_requests{method=\"invalid_method\",status=\"5xx\"} 1"));
	CHECK(has_line(&text, "nginx_ingress_controller_requests{method=\"invalid_method\",status=\"000\"} 1"));
	CHECK(has_line(&text, "weirlock_ends_total{reason=\"idle_timeout\",fault=\"0\"} 1"));
	CHECK(has_line(&text, "weirlock_proxy_headers_total{result=\"v2\"} 2"));
	CHECK(has_line(&text, "weirlock_proxy_headers_total{result=\"late\"} 1"));
	CHECK(has_line(&text, "weirlock_proxy_headers_total{result=\"malformed_tlv\"} 0"));
	CHECK(has_line(&text, "weirlock_ends_total{reason=\"upstream_closed\",fault=\"1\"} 1"));
	CHECK(has_line(&text, "nginx_ingress_controller_request_duration_seconds_bucket{le=\"0.005\"} 3"));
	CHECK(has_line(&text, "nginx_ingress_controller_request_duration_seconds_bucket{le=\"0.01\"} 4"));
	CHECK(has_line(&text, "nginx_ingress_controller_request_duration_seconds_bucket{le=\"10\"} 4"));
	CHECK(has_line(&text, "nginx_ingress_controller_request_duration_seconds_bucket{le=\"+Inf\"} 5"));
	CHECK(has_line(&text, "nginx_ingress_controller_request_duration_seconds_sum 60.010001"));
	CHECK(has_line(&text, "nginx_ingress_controller_request_duration_seconds_count 5"));
	CHECK(has_line(&text, "weirlock_snapshot_age_seconds 0.500"));
	CHECK(has_line(&text, "weirlock_uptime_seconds 10.500"));
	CHECK(has_line(&text, "weirlock_generation 7"));
	CHECK(process.resident_bytes > 100000);
	CHECK(process.virtual_bytes >= process.resident_bytes);
	CHECK(process.n_open_files >= 3 && process.n_open_files < 1000);
	buf_deinit(&text);

	check_case("no snapshot yet: no age");
	process.snapshot_ms = 0;
	CHECK(metrics_render(&text, both, 0, &process));
	CHECK_INT(str_find_str(buf_str(&text), STR("snapshot_age")), text.len);
	buf_deinit(&text);

	check_case("over the cap");
	buf_init(&text, 1000);
	CHECK(!metrics_render(&text, both, 2, &process));
	CHECK(text.len <= 1000);
	buf_deinit(&text);
}

enum { N_COUNTED = 100000 };

static void *count_much(void *arg)
{
	struct metrics *m = arg;

	for (int i = 0; i < N_COUNTED; i++)
		metrics_count_request(m, HTTP_POST, 200, END_DONE, 1);
	return NULL;
}

/* For TSan: one thread writes while another reads. */
static void test_threads(void)
{
	static struct metrics m;
	const struct metrics *const one[] = {&m};
	struct metrics_process process = {0};
	struct buf text = {0};
	pthread_t thread;

	check_case("read while it is written");
	CHECK_INT(pthread_create(&thread, NULL, count_much, &m), 0);
	for (int i = 0; i < 20; i++) {
		buf_clear(&text);
		CHECK(metrics_render(&text, one, 1, &process));
	}
	pthread_join(thread, NULL);
	CHECK_INT(metrics_read(&m.requests[HTTP_POST][2]), N_COUNTED);
	buf_deinit(&text);
}

/* A cap that is not set has no row; use stands beside it. */
static void test_caps(void)
{
	static struct metrics a, b;
	const struct metrics *const both[] = {&a, &b};
	struct metrics_process process = {.connections_max = 100, .memory_max_bytes = 4096};
	struct buf text = {0};

	check_case("caps beside use");
	metrics_add(&a.connections_active, 3);
	metrics_add(&a.tcp_sessions_open, 4);
	metrics_add(&b.udp_sessions_open, 5);
	CHECK(metrics_render(&text, both, 2, &process));
	CHECK(str_find_str(buf_str(&text), STR("\nweirlock_client_connections{of=\"proxy\"} 12\n")) < text.len);
	CHECK(str_find_str(buf_str(&text), STR("\nweirlock_client_connections{of=\"worker\"} 7\n")) < text.len);
	CHECK(str_find_str(buf_str(&text), STR("\nweirlock_client_connections_max{of=\"proxy\"} 100\n")) < text.len);
	CHECK(str_find_str(buf_str(&text), STR("_max{of=\"worker\"}")) >= text.len);
	CHECK(str_find_str(buf_str(&text), STR("\nweirlock_memory_max_bytes 4096\n")) < text.len);
	buf_deinit(&text);
}

int main(void)
{
	test_ends();
	test_limits();
	test_render();
	test_caps();
	test_threads();
	return check_done();
}

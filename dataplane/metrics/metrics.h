#ifndef METRICS_H
#define METRICS_H
/*
 * Counters of one worker, and all workers' counters as Prometheus text. Each counter is written by its worker alone and
 * read by anyone: relaxed atomics, no lock, no read-modify-write. A zeroed struct metrics is ready for use.
 *
 * The number of series is bounded by the tables here, whatever clients send: methods are normalised, statuses are classes.
 * Labels per host and Ingress (SEMANTICS N2) are not there yet.
 */
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "end.h"
#include "http.h"
#include "proxyproto.h"

typedef _Atomic uint64_t metric;

/*
 * X(field, type, "name", "labels", "help"). Rows of one name stand together. A counter only grows; a gauge is what is open
 * now: add one when it opens, sub one when it closes.
 */
#define METRICS_NGINX "nginx_ingress_controller_nginx_process_"
#define METRICS(X)                                                                                                        \
	X(connections_active, gauge, METRICS_NGINX "connections", "state=\"active\"", "Open client connections")          \
	X(connections_reading, gauge, METRICS_NGINX "connections", "state=\"reading\"", "")                               \
	X(connections_writing, gauge, METRICS_NGINX "connections", "state=\"writing\"", "")                               \
	X(connections_waiting, gauge, METRICS_NGINX "connections", "state=\"waiting\"", "")                               \
	X(connections_accepted, counter, METRICS_NGINX "connections_total", "state=\"accepted\"", "Client connections")   \
	X(connections_handled, counter, METRICS_NGINX "connections_total", "state=\"handled\"", "")                       \
	X(requests_started, counter, METRICS_NGINX "requests_total", "", "Request heads read")                            \
	X(client_bytes_in, counter, "weirlock_bytes_total", "side=\"client\",direction=\"in\"",                           \
		"Bytes on the wire, without TLS")                                                                         \
	X(client_bytes_out, counter, "weirlock_bytes_total", "side=\"client\",direction=\"out\"", "")                     \
	X(upstream_bytes_in, counter, "weirlock_bytes_total", "side=\"upstream\",direction=\"in\"", "")                   \
	X(upstream_bytes_out, counter, "weirlock_bytes_total", "side=\"upstream\",direction=\"out\"", "")                 \
	X(client_ahead, gauge, "weirlock_client_ahead_bytes", "",                                                         \
		"Bytes in memory that HTTP/1 clients sent ahead of their turn: heads in part, requests behind one that runs") \
	X(tunnels_open, gauge, "weirlock_tunnels_open", "", "WebSockets and other tunnels that are open")                 \
	X(tunnels_opened, counter, "weirlock_tunnels_total", "", "Tunnels ever opened")                                   \
	X(tcp_sessions_open, gauge, "weirlock_tcp_sessions_open", "", "Sessions of TCP services that are open")           \
	X(tcp_sessions_opened, counter, "weirlock_tcp_sessions_total", "", "Sessions of TCP services ever opened")        \
	X(upstream_open, gauge, "weirlock_upstream_connections", "state=\"open\"", "Connections to endpoints, by state")  \
	X(upstream_idle, gauge, "weirlock_upstream_connections", "state=\"idle\"", "")                                    \
	X(upstream_http2, gauge, "weirlock_upstream_http2_connections", "", "Connections to endpoints that speak HTTP/2") \
	X(upstream_streams, gauge, "weirlock_upstream_http2_streams", "", "Requests that are streams of such connections") \
	X(upstream_opened, counter, "weirlock_upstream_connections_total", "", "Connections to endpoints ever opened")    \
	X(upstream_reused, counter, "weirlock_upstream_reused_total", "", "Requests that went over a kept connection")    \
	X(upstream_retries, counter, "weirlock_upstream_retries_total", "", "Requests tried again at another endpoint")   \
	X(upstream_retries_denied, counter, "weirlock_upstream_retries_denied_total", "",                                 \
		"Retries that weirlock.io/retry-budget did not allow")                                                    \
	X(udp_sessions_open, gauge, "weirlock_udp_sessions_open", "", "Sessions of UDP services")                          \
	X(udp_sessions_opened, counter, "weirlock_udp_sessions_total", "", "Sessions of UDP services ever begun")         \
	X(udp_from_clients, counter, "weirlock_udp_datagrams_total", "direction=\"from_client\"",                         \
		"Datagrams of UDP services, by where they went")                                                          \
	X(udp_to_endpoints, counter, "weirlock_udp_datagrams_total", "direction=\"to_endpoint\"", "")                    \
	X(udp_to_clients, counter, "weirlock_udp_datagrams_total", "direction=\"to_client\"", "")                        \
	X(udp_dropped_denied, counter, "weirlock_udp_dropped_total", "reason=\"denied\"",                                \
		"Datagrams of UDP services that went nowhere, by reason")                                                 \
	X(udp_dropped_full, counter, "weirlock_udp_dropped_total", "reason=\"full\"", "")                                \
	X(udp_dropped_endpoint, counter, "weirlock_udp_dropped_total", "reason=\"endpoint\"", "")                        \
	X(udp_dropped_client, counter, "weirlock_udp_dropped_total", "reason=\"client\"", "")                            \
	X(udp_dropped_draining, counter, "weirlock_udp_dropped_total", "reason=\"draining\"", "")                        \
	X(body_file_bytes, gauge, "weirlock_body_file_bytes", "", "Bytes of bodies that are kept in files now")           \
	X(bodies_not_kept, counter, "weirlock_bodies_not_kept_total", "",                                                 \
		"Request bodies that were streamed for want of room, though they were to be read whole")                  \
	X(canary_requests, counter, "weirlock_canary_requests_total", "", "Requests that a canary took")                  \
	X(endpoints_ejected, counter, "weirlock_endpoint_ejections_total", "",                                            \
		"Times a worker left an endpoint alone for its failures")                                                 \
	X(tls_full, counter, "weirlock_tls_handshakes_total", "result=\"full\"", "TLS handshakes with clients, by result") \
	X(tls_resumed, counter, "weirlock_tls_handshakes_total", "result=\"resumed\"", "")                                \
	X(tls_failed, counter, "weirlock_tls_handshakes_total", "result=\"failed\"", "")                                  \
	X(http2_connections, gauge, "weirlock_http2_connections", "", "Open client connections that speak HTTP/2")        \
	X(http2_opened, counter, "weirlock_http2_connections_total", "", "Client connections that ever spoke HTTP/2")     \
	X(http2_streams, gauge, "weirlock_http2_streams", "", "HTTP/2 streams whose work goes on")                        \
	X(http2_memory, gauge, "weirlock_http2_memory_bytes", "", "Memory of HTTP/2 connections, without TLS")            \
	X(http2_refused_streams, counter, "weirlock_http2_refused_total", "reason=\"streams\"",                           \
		"HTTP/2 streams refused because a bound of their connection was reached")                                 \
	X(http2_refused_memory, counter, "weirlock_http2_refused_total", "reason=\"memory\"", "")                         \
	X(http2_resets, counter, "weirlock_http2_frames_total", "kind=\"reset\"",                                         \
		"HTTP/2 frames that count against a client's budget, by kind")                                            \
	X(http2_controls, counter, "weirlock_http2_frames_total", "kind=\"control\"", "")                                 \
	X(log_lines_dropped, counter, "weirlock_access_log_dropped_total", "",                                            \
		"Access log lines lost because their reader did not keep up")

/* Seconds; X(field, "name", "help"). Buckets as in SEMANTICS N2. */
#define METRICS_HISTOGRAMS(X)                                                                                             \
	X(request_us, "nginx_ingress_controller_request_duration_seconds", "First byte of the request to the last sent")  \
	X(connect_us, "nginx_ingress_controller_connect_duration_seconds", "Time to connect to the endpoint")             \
	X(header_us, "nginx_ingress_controller_header_duration_seconds", "Time to the endpoint's response head")          \
	X(response_us, "nginx_ingress_controller_response_duration_seconds", "Time to the endpoint's whole response")

enum { METRICS_BUCKETS = 11, METRICS_METHODS = HTTP_LOCK + 1, METRICS_CLASSES = 6 };

struct metrics_histogram {
	metric buckets[METRICS_BUCKETS + 1]; /* not cumulative; the last one is +Inf */
	metric sum_us;
};

#define METRICS_FIELD(field, type, name, labels, help) metric field;
#define METRICS_HISTOGRAM_FIELD(field, name, help) struct metrics_histogram field;
struct metrics {
	METRICS(METRICS_FIELD)
	METRICS_HISTOGRAMS(METRICS_HISTOGRAM_FIELD)
	metric requests[METRICS_METHODS][METRICS_CLASSES]; /* class 0: no response, else status / 100 */
	metric ends[END_COUNT];
	metric proxy_headers[PROXYPROTO_RESULT_COUNT];
};

static inline uint64_t metrics_read(const metric *m)
{
	return atomic_load_explicit(m, memory_order_relaxed);
}

/* By the owning worker only. */
static inline void metrics_add(metric *m, uint64_t n)
{
	atomic_store_explicit(m, metrics_read(m) + n, memory_order_relaxed);
}

static inline void metrics_sub(metric *m, uint64_t n)
{
	atomic_store_explicit(m, metrics_read(m) - n, memory_order_relaxed);
}

static inline void metrics_set(metric *m, uint64_t value)
{
	atomic_store_explicit(m, value, memory_order_relaxed);
}

/* One finished exchange or tunnel. `status` is what the client was sent, 0 for nothing. */
void metrics_count_request(
	struct metrics *m, enum http_method method, unsigned status, enum end_reason reason, uint64_t duration_us);
/* The end of a connection that had no request in progress: the reason alone. */
void metrics_count_end(struct metrics *m, enum end_reason reason);
/* A connection that had to begin with a PROXY header. */
void metrics_count_proxy_header(struct metrics *m, enum proxyproto_result result);
void metrics_observe(struct metrics_histogram *h, uint64_t us);
/* What caps on client connections count: the connections, and the sessions of TCP and UDP services. */
static inline uint64_t metrics_client_connections(const struct metrics *m)
{
	return metrics_read(&m->connections_active) + metrics_read(&m->tcp_sessions_open) + metrics_read(&m->udp_sessions_open);
}

/* Adds every counter of `from` to `to`, which nobody else touches. */
void metrics_sum(struct metrics *to, const struct metrics *from);

/* What belongs to the process, not to a worker. */
struct metrics_process {
	const char *version;            /* borrowed for the call */
	uint64_t now_ms;                /* Unix time */
	uint64_t started_ms;            /* Unix time */
	uint64_t snapshot_ms;           /* Unix time at which the served snapshot was built; 0: none yet */
	uint64_t generation;            /* number of the generation that is served */
	uint64_t generations_alive;     /* the served one and those that exchanges still hold */
	uint64_t snapshots_applied;
	uint64_t snapshots_refused;
	bool is_connected;              /* to a controller */
	uint64_t connections_max;       /* client connections and sessions of the proxy, of a worker; 0: any number */
	uint64_t worker_connections_max;
	uint64_t memory_max_bytes;      /* 0: any */
	/* metrics_read_process fills these */
	uint64_t resident_bytes;
	uint64_t virtual_bytes;
	double cpu_s;
	uint64_t n_open_files;
};

/* Reads the second part of `p` from /proc/self and getrusage; what cannot be read stays 0. */
void metrics_read_process(struct metrics_process *p);
/* Appends the Prometheus text (version 0.0.4) of the sum of `n_workers` workers. False: over the cap of `out`. */
bool metrics_render(
	struct buf *out, const struct metrics *const *workers, size_t n_workers, const struct metrics_process *process);

#endif

/* weirlock-proxy: options, signals, and the main loop. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "process.h"
#include "proxy.h"
#include "rpc.h"
#include "worker.h"

struct arguments {
	struct proxy_options options;
	struct opt_list http, https, tcp;
	const char *admin;
	struct opt_common common;
	struct opt rows[28];
	struct opt_program program;
};

static const char details[] =
	"Signals: SIGTERM and SIGINT fail /readyz, go on serving for --shutdown-grace-period, stop accepting, let requests\n"
	"finish and give WebSockets worker-shutdown-timeout; then the process ends with status 0. A second one ends it at once.\n"
	"Exit status: 0 fine, 2 usage, 4 an address cannot be bound, 5 invalid identity or state directory.\n"
	"stdout gets one line once the first snapshot is served, ready http=ADDR:PORT https=ADDR:PORT admin=ADDR:PORT,\n"
	"and after it the access log. stderr gets the log.";

static void make_rows(struct arguments *a)
{
	struct proxy_options *o = &a->options;
	const struct opt rows[] = {
		{"controller", 0, OPT_LIST, &o->controllers, "URL",
			"A controller, tcp://HOST:PORT or ipc://PATH; repeatable. A name stands for all its addresses. One is watched, one more held ready", 0, 0},
		{"identity", 0, OPT_TEXT, &o->identity, "DIR", "tls.crt, tls.key and ca.crt of the control channel", 0, 0},
		{"insecure", 0, OPT_FLAG, &o->is_insecure, NULL, "No TLS on the control channel; ipc:// and loopback only", 0, 0},
		{"name", 0, OPT_TEXT, &o->name, "NAME", "What this proxy is called; default the host's name", 0, 0},
		{"http", 0, OPT_LIST, &a->http, "ADDR:PORT", "Listen for HTTP; repeatable, port 0 takes a free one; default :8080", 0,
			0},
		{"https", 0, OPT_LIST, &a->https, "ADDR:PORT", "Listen for HTTPS; repeatable; default :8443", 0, 0},
		{"tcp-address", 0, OPT_LIST, &a->tcp, "ADDR",
			"Where the ports of TCP services are; repeatable; default the addresses of --http, else of --https", 0, 0},
		{"admin", 0, OPT_TEXT, &a->admin, "ADDR:PORT", "Where /healthz, /readyz and /metrics are; default 127.0.0.1:10255", 0,
			0},
		{"inspect", 0, OPT_TEXT, &o->inspect, "URL", "Where weirctl may look at this proxy, tcp:// or ipc://; default nowhere",
			0, 0},
		{"state-dir", 0, OPT_TEXT, &o->state_dir, "DIR",
			"Where the last good snapshot is kept, sealed for the identity, to start from without a controller", 0, 0},
		{"shutdown-grace-period", 0, OPT_UINT, &o->shutdown_grace_s, "SECONDS",
			"Go on serving for so long after SIGTERM, not ready, until balancers have noticed; default 0", 0, 3600},
		{"body-dir", 0, OPT_TEXT, &o->body_dir, "DIR",
			"Where bodies are kept that are too large for memory; default /tmp", 0, 0},
		{"body-mib", 0, OPT_UINT, &o->body_mib, "MIB",
			"Most that may lie there; what does not fit is streamed; default 1024, 0 keeps none", 0, PROXY_BODY_MIB_MAX},
		{"workers", 0, OPT_UINT, &o->n_workers, "N", "Threads that serve; default one for each CPU", 1, WORKERS_MAX},
		{"zone", 0, OPT_TEXT, &o->zone, "ZONE",
			"Where this proxy stands (topology.kubernetes.io/zone); it then obeys topology hints of EndpointSlices", 0, 0},
		OPT_COMMON(&a->common),
		{0},
	};

	_Static_assert(sizeof(rows) <= sizeof(a->rows), "room for all rows");
	memcpy(a->rows, rows, sizeof(rows));
	a->program = (struct opt_program){"weirlock-proxy", "carries the traffic that a Weirlock controller describes",
		"weirlock-proxy --controller URL --identity DIR [OPTIONS]", details, a->rows};
}

static bool read_addrs(const char *option, const struct opt_list *texts, struct addr *out, size_t *n, struct buf *error)
{
	if (texts->n > PROXY_ADDRS_MAX) {
		buf_printf(error, "--%s: given more than %d times", option, PROXY_ADDRS_MAX);
		return false;
	}
	for (*n = 0; *n < texts->n; (*n)++) {
		if (!addr_parse_host_port(str_from(texts->items[*n]), &out[*n])) {
			buf_printf(error, "--%s: '%s' is not ADDR:PORT", option, texts->items[*n]);
			return false;
		}
	}
	return true;
}

static bool check_channel(const struct proxy_options *o, struct buf *error)
{
	const char *const *urls = o->controllers.items;
	size_t n_inspect = o->inspect != NULL;

	if (!rpc_check_urls("controller", urls, o->controllers.n, error) ||
		!rpc_check_urls("inspect", &o->inspect, n_inspect, error))
		return false;
	if (!o->controllers.n) {
		buf_add(error, STR("--controller URL is needed"));
		return false;
	}
	return rpc_check_trust(o->identity, o->is_insecure, error) &&
		(!o->is_insecure || (rpc_check_local("controller", urls, o->controllers.n, error) &&
					    rpc_check_local("inspect", &o->inspect, n_inspect, error)));
}

/* Each address once. */
static void add_tcp_addr(struct proxy_options *o, const struct addr *a)
{
	for (size_t i = 0; i < o->n_tcp; i++) {
		if (addr_eq_ip(&o->tcp[i], a))
			return;
	}
	o->tcp[o->n_tcp++] = *a;
}

static bool read_tcp_addrs(const struct arguments *a, struct proxy_options *o, struct buf *error)
{
	const struct addr *usual = o->n_http ? o->http : o->https;
	size_t n_usual = o->n_http ? o->n_http : o->n_https;

	if (a->tcp.n > PROXY_ADDRS_MAX) {
		buf_printf(error, "--tcp-address: given more than %d times", PROXY_ADDRS_MAX);
		return false;
	}
	for (size_t i = 0; i < a->tcp.n; i++) {
		struct addr one;

		if (!addr_parse_ip(str_from(a->tcp.items[i]), &one)) {
			buf_printf(error, "--tcp-address: '%s' is not an IP address without a port", a->tcp.items[i]);
			return false;
		}
		add_tcp_addr(o, &one);
	}
	for (size_t i = 0; !a->tcp.n && i < n_usual; i++)
		add_tcp_addr(o, &usual[i]);
	return true;
}

static bool check(struct arguments *a, struct buf *error)
{
	struct proxy_options *o = &a->options;

	if (!a->http.n && !a->https.n) {
		a->http.items[a->http.n++] = ":8080";
		a->https.items[a->https.n++] = ":8443";
	}
	if (!check_channel(o, error) || !read_addrs("http", &a->http, o->http, &o->n_http, error) ||
		!read_addrs("https", &a->https, o->https, &o->n_https, error) || !read_tcp_addrs(a, o, error))
		return false;
	if (!addr_parse_host_port(str_from(a->admin), &o->admin)) {
		buf_printf(error, "--admin: '%s' is not ADDR:PORT", a->admin);
		return false;
	}
	return true;
}

static void set_logs(struct arguments *a)
{
	a->options.logs_json = a->common.log_format && strcmp(a->common.log_format, "json") == 0;
	if (a->options.state_dir && a->options.is_insecure)
		log_warn("proxy", "--state-dir has no effect with --insecure: there is no identity to seal the last good snapshot for");
}

/* EXIT_FINE, or the exit status; -1 when everything was said and done. */
static int read_arguments(struct arguments *a, int argc, char **argv, struct buf *error)
{
	enum opt_begun begun;

	make_rows(a);
	begun = opt_begin(&a->program, &a->common, argc, argv, NULL, error);
	if (begun != OPT_GO_ON)
		return begun == OPT_WRONG ? EXIT_USAGE : -1;
	if (!check(a, error))
		return EXIT_USAGE;
	set_logs(a);
	return EXIT_FINE;
}

/* ------------------------------------------------------------------------------------------------------------- signals */

struct signals {
	uv_signal_t term, interrupt;
	struct proxy *proxy;
};

static void on_signal(uv_signal_t *handle, int number)
{
	struct signals *s = handle->data;

	(void)number;
	proxy_stop(s->proxy);
}

/* Unreferenced: they keep nothing alive once all else is closed. */
static void watch_signals(uv_loop_t *loop, struct signals *s)
{
	uv_signal_init(loop, &s->term);
	uv_signal_init(loop, &s->interrupt);
	s->term.data = s->interrupt.data = s;
	uv_signal_start(&s->term, on_signal, SIGTERM);
	uv_signal_start(&s->interrupt, on_signal, SIGINT);
	uv_unref((uv_handle_t *)&s->term);
	uv_unref((uv_handle_t *)&s->interrupt);
}

static int run(const struct proxy_options *options, struct buf *error)
{
	static struct signals signals; /* these two live as long as the process, also when opening failed half way */
	static uv_loop_t loop;
	int result;

	uv_loop_init(&loop);
	result = proxy_open(&loop, options, error, &signals.proxy);
	if (result != EXIT_FINE)
		return result;
	watch_signals(&loop, &signals);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&signals.term, NULL);
	uv_close((uv_handle_t *)&signals.interrupt, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	proxy_destroy(signals.proxy);
	uv_loop_close(&loop);
	return EXIT_FINE;
}

int main(int argc, char **argv)
{
	static struct arguments a; /* what it points to lives as long as the process */
	static char host_name[256];
	struct buf error = {0};
	int result;

	process_prepare();
	a.admin = "127.0.0.1:10255";
	a.options.body_mib = 1024;
	a.options.n_workers = uv_available_parallelism();
	if (a.options.n_workers > WORKERS_MAX)
		a.options.n_workers = WORKERS_MAX;
	if (gethostname(host_name, sizeof(host_name) - 1) != 0 || !host_name[0])
		host_name[0] = '-';
	a.options.name = host_name;
	result = read_arguments(&a, argc, argv, &error);
	if (result == EXIT_FINE)
		result = run(&a.options, &error);
	if (result > 0)
		fprintf(stderr, "weirlock-proxy: %s\n", buf_cstr(&error));
	buf_deinit(&error);
	return result > 0 ? result : EXIT_FINE;
}

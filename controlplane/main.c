/* weirlock-controller: options, signals, and the loop that everything else lives on. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "controller.h"
#include "kubeapi.h"
#include "obtain.h"
#include "process.h"
#include "rpc.h"

struct arguments {
	struct controller_options options;
	const char *admin, *admission;
	const char *configmap, *tcp_services, *udp_services, *ingress_class, *controller_class, *annotations_prefix, *namespace_selector;
	struct opt_list namespaces, pools;
	struct str watched[64]; /* the texts of `namespaces` */
	const char *default_ssl_certificate, *default_backend_service;
	bool completes_chains; /* accepted, and of no effect */
	struct opt_common common;
	struct opt rows[64];
	struct opt_program program;
};

static const char details[] =
	"Signals: SIGTERM and SIGINT fail /readyz, answer the webhook for --shutdown-grace-period, tell the proxies to look for another\n"
	"controller and end the process with status 0; a second one ends the grace.\n"
	"Exit status: 0 fine, 2 usage, 4 an address cannot be bound, 5 invalid input.\n"
	"stdout gets one line once it is ready: ready control=URL admin=ADDR:PORT, and admission=ADDR:PORT where there is such. "
	"stderr gets the log.";

static void make_rows(struct arguments *a)
{
	struct controller_options *o = &a->options;
	struct reconcile_options *r = &o->reconcile;
	struct writes_options *w = &o->writes;
	const struct opt rows[] = {
		{"manifests", 0, OPT_LIST, &o->manifests, "PATH",
			"Objects from a file or a directory of YAML and JSON, watched; repeatable", 0, 0},
		{"kubeconfig", 0, OPT_TEXT, &o->kubeconfig, "FILE",
			"Objects from the API server that this file names; without it and --manifests: that of the pod we run in", 0, 0},
		{"context", 0, OPT_TEXT, &o->context, "NAME", "Of the kubeconfig; default its current-context", 0, 0},
		{"listen", 0, OPT_LIST, &o->listen, "URL",
			"Where proxies and weirctl find this controller, tcp:// or ipc://; repeatable; default tcp://127.0.0.1:7443", 0,
			0},
		{"identity", 0, OPT_TEXT, &o->identity, "DIR", "tls.crt, tls.key and ca.crt of the control channel", 0, 0},
		{"insecure", 0, OPT_FLAG, &o->is_insecure, NULL, "No TLS on the control channel; ipc:// and loopback only", 0, 0},
		{"admin", 0, OPT_TEXT, &a->admin, "ADDR:PORT", "Where /healthz, /readyz and /metrics are; default 127.0.0.1:10254", 0,
			0},
		{"admission", 0, OPT_TEXT, &a->admission, "ADDR:PORT",
			"Where the API server may ask about an Ingress before it stores it (a validating webhook); default nowhere", 0, 0},
		{"validating-webhook", 0, OPT_TEXT, &a->admission, "ADDR:PORT", "The same as --admission", 0, 0},
		{"validating-webhook-certificate", 0, OPT_TEXT, &o->admission_certificate, "FILE",
			"Its certificate chain, PEM; read again when it changes", 0, 0},
		{"validating-webhook-key", 0, OPT_TEXT, &o->admission_key, "FILE", "Its key, PEM; read again when it changes", 0, 0},
		{"admission-client-ca", 0, OPT_TEXT, &o->admission_client_ca, "FILE",
			"Hear only clients with a certificate of these CAs, PEM; default everybody is heard", 0, 0},
		{"shutdown-grace-period", 0, OPT_UINT, &o->shutdown_grace_s, "SECONDS",
			"With --admission: answer on for so long after SIGTERM, not ready, until the API server asks another; default 0", 0, 3600},
		{"name", 0, OPT_TEXT, &o->name, "NAME", "What this controller is called; default the host's name", 0, 0},
		{"state-dir", 0, OPT_TEXT, &o->state_dir, "DIR",
			"Where the history of snapshots, what is pinned and the generated default certificate are kept; without it the last one is in "
			"the directory of --identity", 0, 0},
		{"rollout", 0, OPT_CHOICE, &o->rollout, "all|canary",
			"canary: a change goes to one proxy of a pool first, and to the others when that one was well for --rollout-hold; "
			"endpoints go to all at once; default all", 0, 0},
		{"rollout-hold", 0, OPT_UINT, &o->rollout_hold_s, "SECONDS", "How long the first one must be well; default 5", 1, 3600},
		{"epoch", 0, OPT_UINT, &o->epoch, "N",
			"Larger after the cluster was restored from a backup, the same for all controllers: proxies may then go back to an older "
			"state; default 0", 0, 1000000000},
		{"ingress-class", 0, OPT_TEXT, &a->ingress_class, "NAME",
			"The class that the annotation kubernetes.io/ingress.class must name; default nginx", 0, 0},
		{"controller-class", 0, OPT_TEXT, &a->controller_class, "NAME",
			"spec.controller of our IngressClasses; default k8s.io/ingress-nginx", 0, 0},
		{"ingress-class-by-name", 0, OPT_FLAG, &r->ingress_class_by_name, NULL,
			"Also take the IngressClass that is named as --ingress-class", 0, 0},
		{"watch-ingress-without-class", 0, OPT_FLAG, &r->watch_ingress_without_class, NULL,
			"Also serve Ingresses without a class", 0, 0},
		{"watch-namespace", 0, OPT_LIST, &a->namespaces, "NAMESPACE",
			"Serve the Ingresses of this namespace, and of no other that is not named so; repeatable; default all", 0, 0},
		{"watch-namespace-selector", 0, OPT_TEXT, &a->namespace_selector, "LABELS",
			"Serve the namespaces with these labels; from the API server alone", 0, 0},
		{"pool", 0, OPT_LIST, &a->pools, "NAME=WHAT",
			"What proxies serve whose certificate names this pool: class:CLASS,... of Ingresses, namespaces:LABELS, or all; "
			"repeatable; the pool default has all unless something else is said of it, as default=none",
			0, 0},
		{"configmap", 0, OPT_TEXT, &a->configmap, "NS/NAME", "The ConfigMap with the settings", 0, 0},
		{"tcp-services-configmap", 0, OPT_TEXT, &a->tcp_services, "NS/NAME",
			"The ConfigMap with the TCP services, PORT: NAMESPACE/SERVICE:PORT[:PROXY][:PROXY]", 0, 0},
		{"udp-services-configmap", 0, OPT_TEXT, &a->udp_services, "NS/NAME",
			"The ConfigMap with the UDP services, PORT: NAMESPACE/SERVICE:PORT", 0, 0},
		{"default-ssl-certificate", 0, OPT_TEXT, &a->default_ssl_certificate, "NS/NAME",
			"The Secret for hosts without a certificate; default a generated one", 0, 0},
		{"default-backend-service", 0, OPT_TEXT, &a->default_backend_service, "NS/NAME",
			"The Service for what no rule matches; default a 404 page", 0, 0},
		{"disable-catch-all", 0, OPT_FLAG, &r->disable_catch_all, NULL, "Pass over Ingresses with a default backend", 0, 0},
		{"enable-ssl-chain-completion", 0, OPT_FLAG, &a->completes_chains, NULL,
			"Accepted: nothing is fetched, and a certificate whose issuer is missing in tls.crt is a problem", 0, 0},
		{"enable-ssl-passthrough", 0, OPT_FLAG, &r->enable_ssl_passthrough, NULL,
			"Let ssl-passthrough hand TLS connections to endpoints as they are", 0, 0},
		{"disable-svc-external-name", 0, OPT_FLAG, &r->disable_svc_external_name, NULL,
			"No endpoints for Services of type ExternalName", 0, 0},
		{"annotations-prefix", 0, OPT_TEXT, &a->annotations_prefix, "PREFIX", "Default nginx.ingress.kubernetes.io", 0, 0},
		{"publish-service", 0, OPT_LIST, &w->publish_service, "NS/NAME",
			"The Service whose address is written into the status of Ingresses; default the Nodes of the proxies. This and the next two: "
			"of the first pool; POOL=NS/NAME of another, repeatable",
			0, 0},
		{"publish-status-address", 0, OPT_LIST, &w->publish_status_address, "LIST",
			"Addresses and host names, split by commas, that are written there instead", 0, 0},
		{"proxy-selector", 0, OPT_LIST, &w->proxy_selector, "LABELS",
			"The proxies' pods, in the namespace of --pod-namespace, for their Nodes; default "
			"app.kubernetes.io/name=weirlock,app.kubernetes.io/component=proxy",
			0, 0},
		{"report-node-internal-ip-address", 0, OPT_FLAG, &w->report_node_internal_ip_address, NULL,
			"Of a Node, the internal address rather than the external one", 0, 0},
		{"update-status", 0, OPT_FLAG, &w->update_status, NULL,
			"Write the status of Ingresses, the default; --update-status=false beside a controller that does", 0, 0},
		{"disable-sync-events", 0, OPT_FLAG, &w->disable_sync_events, NULL, "No Event for each change of an Ingress", 0, 0},
		{"update-status-on-shutdown", 0, OPT_FLAG, &w->update_status_on_shutdown, NULL,
			"Clear it at the end, when one address is published and no other controller runs; default true", 0, 0},
		{"election-id", 0, OPT_TEXT, &w->election_id, "NAME",
			"The Lease by which one controller of all leads; default ingress-controller-leader", 0, 0},
		{"election-ttl", 0, OPT_TEXT, &w->election_ttl, "DURATION",
			"How long a leader that is gone without a word is waited for; default 30s", 0, 0},
		{"disable-leader-election", 0, OPT_FLAG, &w->disable_leader_election, NULL,
			"Never lead: nothing is written to the cluster", 0, 0},
		{"channel-secrets", 0, OPT_TEXT, &w->channel_secrets, "NAME",
			"The leader makes the identities of the channel and renews them, in Secrets NAME-ca, NAME-controller, NAME-operator, "
			"NAME-proxy and NAME-proxy-POOL of --pod-namespace; the directory of --identity gets this controller's", 0, 0},
		{"channel-identity-life", 0, OPT_TEXT, &w->channel_identity_life, "DURATION",
			"How long they live; renewed when a third is left; default 2160h", 0, 0},
		{"channel-ca-life", 0, OPT_TEXT, &w->channel_ca_life, "DURATION",
			"How long their CA lives; the next one is trusted a day before it signs; default 26280h", 0, 0},
		{"pod-namespace", 0, OPT_TEXT, &w->pod_namespace, "NAMESPACE",
			"Where the Lease is; default POD_NAMESPACE of the environment, or the ServiceAccount's", 0, 0},
		OPT_COMMON(&a->common),
		{0},
	};

	_Static_assert(sizeof(rows) <= sizeof(a->rows), "room for all rows");
	memcpy(a->rows, rows, sizeof(rows));
	a->program = (struct opt_program){"weirlock-controller", "turns Kubernetes objects into what Weirlock's proxies serve",
		"weirlock-controller [--manifests PATH | --kubeconfig FILE] --identity DIR [OPTIONS]", details, a->rows};
}

static bool is_path(const char *option, const char *text, struct buf *error)
{
	struct str s = str_from(text);
	size_t slash = str_find(s, '/');

	if (!text || (slash > 0 && slash + 1 < s.len && str_find(str_from_index(s, slash + 1), '/') == s.len - slash - 1))
		return true;
	buf_printf(error, "--%s: '%s' is not NAMESPACE/NAME", option, text);
	return false;
}

static bool check_channel(const struct controller_options *o, struct buf *error)
{
	const char *const *urls = o->listen.items;

	if (o->writes.channel_secrets && !o->identity) {
		buf_add(error, STR("--channel-secrets: give --identity DIR too, a directory that this controller may write its identity to"));
		return false;
	}
	return rpc_check_urls("listen", urls, o->listen.n, error) && rpc_check_trust(o->identity, o->is_insecure, error) &&
		(!o->is_insecure || rpc_check_local("listen", urls, o->listen.n, error));
}

/* Where objects come from: exactly one place. */
static bool check_source(const struct arguments *a, struct buf *error)
{
	const struct controller_options *o = &a->options;

	if (o->manifests.n && o->kubeconfig)
		buf_add(error, STR("--manifests and --kubeconfig: objects come from one of them; leave the other out"));
	else if (!o->manifests.n && !o->kubeconfig && !kubeapi_is_in_cluster())
		buf_add(error, STR("where do objects come from? Give --manifests PATH (a directory or file), or --kubeconfig FILE, or run "
				   "this in a pod with a ServiceAccount (--help tells more)"));
	else if (o->context && !o->kubeconfig)
		buf_add(error, STR("--context: is of a kubeconfig; give --kubeconfig FILE"));
	else if (a->namespace_selector && a->namespaces.n)
		buf_add(error, STR("--watch-namespace and --watch-namespace-selector: give one of them"));
	else if (a->namespace_selector && o->manifests.n)
		buf_add(error, STR("--watch-namespace-selector: with --manifests, name the namespaces by --watch-namespace"));
	else
		return true;
	return false;
}

static bool check_admission(const struct arguments *a, struct controller_options *o, struct buf *error)
{
	o->has_admission = a->admission && a->admission[0]; /* an empty one is ingress-nginx's default */
	if (o->has_admission && !addr_parse_host_port(str_from(a->admission), &o->admission))
		buf_printf(error, "--admission: '%s' is not ADDR:PORT", a->admission);
	else if (o->has_admission && (!o->admission_certificate || !o->admission_key))
		buf_add(error, STR("--admission: the API server asks by TLS alone; give --validating-webhook-certificate FILE and "
				   "--validating-webhook-key FILE"));
	else if (!o->has_admission && o->admission_client_ca)
		buf_add(error, STR("--admission-client-ca: is of --admission; give that too"));
	else
		return true;
	return false;
}

static bool read_pools(struct arguments *a, struct buf *error)
{
	struct pools *pools = &a->options.pools;

	for (size_t i = 0; i < a->pools.n; i++) {
		if (!pools_add(pools, str_from(a->pools.items[i]), error))
			return false;
	}
	return pools_finish(pools, error);
}

static bool check(struct arguments *a, struct buf *error)
{
	if (!read_pools(a, error))
		return false;
	if (!is_path("configmap", a->configmap, error) ||
		!is_path("tcp-services-configmap", a->tcp_services, error) ||
		!is_path("udp-services-configmap", a->udp_services, error) ||
		!is_path("default-ssl-certificate", a->default_ssl_certificate, error) ||
		!is_path("default-backend-service", a->default_backend_service, error))
		return false;
	if (!check_source(a, error) || !check_channel(&a->options, error) || !check_admission(a, &a->options, error))
		return false;
	if (!writes_check(&a->options.writes, &a->options.pools, a->options.manifests.n == 0, error))
		return false;
	if (!addr_parse_host_port(str_from(a->admin), &a->options.admin)) {
		buf_printf(error, "--admin: '%s' is not ADDR:PORT", a->admin);
		return false;
	}
	return true;
}

static void set_text(struct str *out, const char *value)
{
	if (value)
		*out = str_from(value);
}

static void set_options(struct arguments *a)
{
	struct reconcile_options *r = &a->options.reconcile;

	a->options.writes.name = a->options.name;
	set_text(&r->ingress_class, a->ingress_class);
	set_text(&r->controller_class, a->controller_class);
	set_text(&a->options.namespace_selector, a->namespace_selector);
	for (size_t i = 0; i < a->namespaces.n; i++) {
		if (a->namespaces.items[i][0]) /* an empty one is what charts pass for all */
			a->watched[r->n_watch_namespaces++] = str_from(a->namespaces.items[i]);
	}
	r->watch_namespaces = a->watched;
	set_text(&r->configmap, a->configmap);
	set_text(&r->tcp_services_configmap, a->tcp_services);
	set_text(&r->udp_services_configmap, a->udp_services);
	set_text(&r->default_ssl_certificate, a->default_ssl_certificate);
	set_text(&r->default_backend_service, a->default_backend_service);
	set_text(&r->annotations_prefix, a->annotations_prefix);
}

/* What a pod is told by its manifest. An empty variable is none. */
static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] ? value : NULL;
}

/* EXIT_FINE, or the exit status; -1 when everything was said and done. */
static int read_arguments(struct arguments *a, int argc, char **argv, struct buf *error)
{
	enum opt_begun begun;

	make_rows(a);
	begun = opt_begin(&a->program, &a->common, argc, argv, NULL, error);
	if (begun != OPT_GO_ON)
		return begun == OPT_WRONG ? EXIT_USAGE : -1;
	if (a->options.listen.n == 0)
		a->options.listen.items[a->options.listen.n++] = "tcp://127.0.0.1:7443";
	if (!check(a, error))
		return EXIT_USAGE;
	set_options(a);
	return EXIT_FINE;
}

/* ---------------------------------------------------------------------------------------------------------- signals */

struct signals {
	uv_signal_t term, interrupt;
	struct controller *controller;
	int status; /* of the process */
	struct buf error;
};

static void end_signals(struct signals *s)
{
	if (uv_is_closing((uv_handle_t *)&s->term))
		return;
	uv_close((uv_handle_t *)&s->term, NULL);
	uv_close((uv_handle_t *)&s->interrupt, NULL);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct signals *s = handle->data;

	(void)number;
	if (controller_leave(s->controller))
		end_signals(s);
}

static void on_controller_ready(void *owner, struct controller *c, int status, const struct buf *error)
{
	struct signals *s = owner;
	struct buf line = {0};

	if (status == EXIT_FINE) {
		controller_ready_line(c, &line);
		puts(buf_cstr(&line));
		fflush(stdout);
		buf_deinit(&line);
		return;
	}
	s->status = status;
	buf_add(&s->error, buf_str(error));
	if (s->controller) { /* else it is being opened, and the end of the process is near */
		controller_stop(c);
		end_signals(s);
	}
}

static void watch_signals(uv_loop_t *loop, struct signals *s)
{
	uv_signal_init(loop, &s->term);
	uv_signal_init(loop, &s->interrupt);
	s->term.data = s->interrupt.data = s;
	uv_signal_start(&s->term, on_signal, SIGTERM);
	uv_signal_start(&s->interrupt, on_signal, SIGINT);
	uv_unref((uv_handle_t *)&s->term); /* the controller keeps the loop */
	uv_unref((uv_handle_t *)&s->interrupt);
}

static int run(struct controller_options *options, struct buf *error)
{
	static struct signals signals; /* these two live as long as the process, also when opening failed half way */
	static uv_loop_t loop;
	struct controller *controller;
	bool is_stopped = false;
	int result;

	uv_loop_init(&loop);
	options->on_ready = on_controller_ready;
	options->owner = &signals;
	result = obtain_identity(options, &is_stopped, error);
	if (result != EXIT_FINE || is_stopped)
		return result;
	result = controller_open(&loop, options, error, &controller);
	if (result == EXIT_FINE && signals.status != EXIT_FINE)
		buf_add(error, buf_str(&signals.error));
	if (result != EXIT_FINE || signals.status != EXIT_FINE) {
		buf_deinit(&signals.error);
		return result != EXIT_FINE ? result : signals.status;
	}
	signals.controller = controller;
	watch_signals(&loop, &signals);
	uv_run(&loop, UV_RUN_DEFAULT);
	end_signals(&signals);
	uv_run(&loop, UV_RUN_DEFAULT);
	controller_destroy(controller);
	uv_loop_close(&loop);
	buf_add(error, buf_str(&signals.error));
	buf_deinit(&signals.error);
	return signals.status;
}

int main(int argc, char **argv)
{
	static struct arguments a; /* what it points to lives as long as the process */
	static char host_name[256];
	struct buf error = {0};
	int result;

	process_prepare();
	a.admin = "127.0.0.1:10254";
	if (gethostname(host_name, sizeof(host_name) - 1) != 0 || !host_name[0])
		host_name[0] = '-';
	a.options.name = host_name;
	a.options.rollout = "all";
	a.options.rollout_hold_s = 5;
	a.options.writes.update_status = a.options.writes.update_status_on_shutdown = true;
	a.options.writes.pod_namespace = variable("POD_NAMESPACE");
	a.options.writes.pod_name = variable("POD_NAME");
	reconcile_options_init(&a.options.reconcile);
	result = read_arguments(&a, argc, argv, &error);
	if (result == EXIT_FINE)
		result = run(&a.options, &error);
	if (result > 0)
		fprintf(stderr, "weirlock-controller: %s\n", buf_cstr(&error));
	buf_deinit(&error);
	return result > 0 ? result : EXIT_FINE;
}

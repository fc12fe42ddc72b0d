/* weirctl: options, then one command from the table. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "command.h"
#include "log.h"
#include "watch.h"

const struct command commands[] = {
	{"status", "", "the controller and its proxies: snapshot, age, in step or refusing and why, connections, memory",
		command_status},
	{"snapshot", "list|show|diff|export|verify|pin|rollback|unpin|blame",
		"the snapshots a controller keeps, what is in one, what changes between two; which one is served; who wrote what a host does",
		command_snapshot},
	{"routes", "[HOST]", "hosts and paths in the order in which they are tried, with backend and certificate",
		command_routes},
	{"backends", "[NAME]", "backends with their endpoints; of a proxy, how each is and why", command_backends},
	{"certs", "", "certificates with hosts, expiry and fingerprint, never a key", command_certs},
	{"settings", "", "global settings with value and where each came from", command_settings},
	{"problems", "", "what is wrong with which object and how to mend it", command_problems},
	{"check", "PATH [PATH …]", "compile manifests offline, without a cluster; problems are findings", command_check},
	{"explain", "request URL|client-ip", "what a proxy does with one request, step by step; who the client is, hop by hop",
		command_explain},
	{"wait", "--acked KIND/NS/NAME", "until proxies serve what the controller last saw of an object, for pipelines", command_wait},
	{"rollout", "release [KIND/NS/NAME]", "what a canary was not well with is tried again", command_rollout},
	{"completion", "bash|zsh|fish", "a completion script for a shell", command_completion},
	{"document", "settings|annotations", "every ConfigMap key or annotation with default, values and meaning (Markdown)",
		command_document},
	{0},
};

static struct command_line line;
static const char *format_word = "table";
static const char *color_word = "auto";
static const char *timeout_word;
static struct opt_common common;

static const struct opt opts[] = {
	{"controller", 'c', OPT_LIST, &line.target.controllers, "URL",
		"Ask this controller: tcp://HOST:PORT or ipc://PATH (repeatable with snapshot pin, rollback and unpin: each is told)", 0, 0},
	{"proxy", 'p', OPT_TEXT, &line.target.proxy, "URL", "Ask this proxy (its --inspect URL)", 0, 0},
	{"file", 'f', OPT_TEXT, &line.target.file, "SNAPSHOT", "Read a file that `snapshot export` wrote", 0, 0},
	{"manifests", 'm', OPT_LIST, &line.target.manifests, "PATH",
		"Compile these manifests offline (repeatable; directory or file)", 0, 0},
	{"identity", 0, OPT_TEXT, &line.target.identity, "DIR", "Operator identity: tls.crt, tls.key, ca.crt", 0, 0},
	{"insecure", 0, OPT_FLAG, &line.target.is_insecure, NULL, "No TLS: for ipc:// and loopback only", 0, 0},
	{"output", 'o', OPT_CHOICE, &format_word, "table|wide|json|yaml", "How to print", 0, 0},
	{"namespace", 'n', OPT_TEXT, &line.namespace_, "NS", "Only objects of this namespace", 0, 0},
	{"pool", 0, OPT_TEXT, &line.target.pool, "NAME",
		"Of a controller with pools: only this one; without it the first that has what is asked for, or all", 0, 0},
	{"configmap", 0, OPT_TEXT, &line.target.configmap, "NS/NAME", "With --manifests and check: the ConfigMap with the settings", 0, 0},
	{"tcp-services-configmap", 0, OPT_TEXT, &line.target.tcp_services, "NS/NAME",
		"With --manifests and check: as the controller's option", 0, 0},
	{"udp-services-configmap", 0, OPT_TEXT, &line.target.udp_services, "NS/NAME",
		"With --manifests and check: as the controller's option", 0, 0},
	{"enable-ssl-passthrough", 0, OPT_FLAG, &line.target.enable_ssl_passthrough, NULL,
		"With --manifests and check: as the controller's option", 0, 0},
	{"ingress-class", 0, OPT_TEXT, &line.target.ingress_class, "NAME", "With --manifests and check: as the controller's option", 0, 0},
	{"header", 'H', OPT_LIST, &line.asked.headers, "FIELD", "With explain: a field of the request, 'Name: value' (repeatable)", 0, 0},
	{"method", 'X', OPT_TEXT, &line.asked.method, "METHOD", "With explain: the method (default GET)", 0, 0},
	{"peer", 0, OPT_TEXT, &line.asked.peer, "ADDR[:PORT]", "With explain: the TCP peer (default 192.0.2.1, a stranger)", 0, 0},
	{"listener", 0, OPT_TEXT, &line.asked.listener, "http|https[:PORT]", "With explain: where it arrives (default by the URL)", 0, 0},
	{"sni", 0, OPT_TEXT, &line.asked.sni, "NAME", "With explain: the TLS server name (default the URL's host)", 0, 0},
	{"proxy-header", 0, OPT_TEXT, &line.asked.proxy_header, "SRC:PORT-DST:PORT|LOCAL|hex:…",
		"With explain: the PROXY header before the request; also as a line of version 1", 0, 0},
	{"draw", 0, OPT_TEXT, &line.asked.draw, "N", "With explain request: the Nth throw of the dice, for weights and endpoints", 0, 0},
	{"tls", 0, OPT_FLAG, &line.asked.is_tls, NULL, "With explain client-ip: over TLS", 0, 0},
	{"http1.0", 0, OPT_FLAG, &line.asked.is_1_0, NULL, "With explain: an HTTP/1.0 request", 0, 0},
	{"compare", 0, OPT_FLAG, &line.asked.compares, NULL, "With explain client-ip: beside ours, what ingress-nginx would say", 0, 0},
	{"watch", 'w', OPT_FLAG, &line.is_watching, NULL,
		"Look again every 2 s until interrupted: draws a terminal anew, appends what is new elsewhere", 0, 0},
	{"acked", 0, OPT_LIST, &line.acked, "KIND/NS/NAME",
		"With wait: until proxies serve the newest version that the controller has seen (repeatable)", 0, 0},
	{"deleted", 0, OPT_LIST, &line.deleted, "KIND/NS/NAME", "With wait: until it is gone, and proxies serve without it", 0, 0},
	{"proxies", 0, OPT_TEXT, &line.proxies, "N|all", "With wait: how many must (default all that are connected)", 0, 0},
	{"reason", 0, OPT_TEXT, &line.reason, "TEXT", "With snapshot pin and rollback: why, for who reads it later", 0, 0},
	{"anonymize", 0, OPT_FLAG, &line.is_anonymous, NULL, "With snapshot export: hosts, names, paths and addresses are replaced", 0, 0},
	{"raw", 0, OPT_FLAG, &line.is_raw, NULL, "With snapshot diff: what changes in which resource, not for which requests", 0, 0},
	{"timeout", 0, OPT_TEXT, &timeout_word, "TIME", "How long to wait: 30, 30s, 5m (default 5s for an answer, 30s with wait)", 0, 0},
	{"color", 0, OPT_CHOICE, &color_word, "auto|always|never", "Colours (NO_COLOR is obeyed)", 0, 0},
	OPT_COMMON(&common),
	{0},
};
static struct opt_program program = {"weirctl", "look into Weirlock's controllers, proxies and manifests",
	"weirctl [OPTIONS] VERB [ARG …]", NULL, opts};

const struct opt *command_options(void)
{
	return opts;
}

int command_fail(int status, const char *format, ...)
{
	va_list args;

	fputs("weirctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return status;
}

int command_at_most(const struct command_line *l, size_t most, const char *usage)
{
	if (l->args.n <= most)
		return 0;
	return command_fail(EXIT_USAGE, "unexpected word '%s'; usage: weirctl %s", l->args.items[most], usage);
}

/* The part of --help and the man page after the options. */
static void add_details(struct buf *b)
{
	buf_add(b, STR("Verbs:\n"));
	for (const struct command *c = commands; c->verb; c++) {
		struct buf left = {0};

		buf_printf(&left, "%s%s%s", c->verb, c->args[0] ? " " : "", c->args);
		buf_printf(b, "  %-31s%s\n", buf_cstr(&left), c->summary);
		buf_deinit(&left);
	}
	buf_add(b, STR("\nWithout --controller, --proxy, --file or --manifests the environment variable WEIRLOCK_CONTROLLER names "
		       "the\ncontroller, and WEIRLOCK_IDENTITY the identity.\n\n"
		       "Exit status: 0 fine, 1 findings or differences, 2 usage, 3 partly done, 4 cannot connect, 5 invalid input.\n\n"
		       "Examples:\n"
		       "  weirctl -c tcp://127.0.0.1:7443 --identity ./identity/operator status\n"
		       "  weirctl -m ./manifests routes -o wide\n"
		       "  weirctl check ./manifests\n"
		       "  weirctl snapshot diff 4f1c20b7\n"
		       "  weirctl snapshot rollback 4f1c20b7 --reason 'checkout answers 502'\n"
		       "  weirctl wait --acked ingress/shop/web --proxies all --timeout 30s\n"
		       "  weirctl -m ./manifests explain request https://shop.example.com/cart -H 'X-Forwarded-Proto: https' --peer 10.0.0.2\n"
		       "  weirctl -p ipc:///run/weirlock/inspect explain client-ip --peer 10.0.0.2 -H 'X-Forwarded-For: 203.0.113.9' --compare"));
}

static const struct command *find_command(const char *verb)
{
	for (const struct command *c = commands; c->verb; c++) {
		if (strcmp(c->verb, verb) == 0)
			return c;
	}
	return NULL;
}

static int unknown_verb(const char *verb)
{
	const char *verbs[32];
	const char *near;
	size_t n = 0;

	for (const struct command *c = commands; c->verb; c++)
		verbs[n++] = c->verb;
	verbs[n] = NULL;
	near = opt_nearest(verb, verbs);
	if (near)
		return command_fail(EXIT_USAGE, "unknown verb '%s'; did you mean '%s'? (--help lists all)", verb, near);
	return command_fail(EXIT_USAGE, "unknown verb '%s' (--help lists all)", verb);
}

static bool wants_color(void)
{
	const char *no_color = getenv("NO_COLOR");

	if (strcmp(color_word, "auto") != 0)
		return strcmp(color_word, "always") == 0;
	return isatty(STDOUT_FILENO) && !(no_color && no_color[0]);
}

/* One place to look at, or the environment's. 0 or an exit status. */
static int choose_target(struct target *t)
{
	int n;

	if (t->controllers.n)
		t->controller = t->controllers.items[0];
	n = (t->controller != NULL) + (t->proxy != NULL) + (t->file != NULL) + (t->manifests.n != 0);

	if (n > 1)
		return command_fail(EXIT_USAGE, "give one of --controller, --proxy, --file and --manifests");
	if (n == 0)
		t->controller = getenv("WEIRLOCK_CONTROLLER");
	if (!t->identity)
		t->identity = getenv("WEIRLOCK_IDENTITY");
	return 0;
}

/* 30, 30s or 5m; at most ten hours. */
static bool read_timeout(const char *word, unsigned *out)
{
	struct str digits = str_from(word);
	uint64_t n = 0, unit = 1;

	if (str_ends_with(digits, STR("m")))
		unit = 60;
	if (unit == 60 || str_ends_with(digits, STR("s")))
		digits = str_first(digits, digits.len - 1);
	if (!str_to_u64(digits, 36000 / unit, &n) || n == 0)
		return false;
	*out = (unsigned)(n * unit);
	return true;
}

static int run(const struct opt_list *words)
{
	const struct command *command = find_command(words->items[0]);
	int status;

	if (!command)
		return unknown_verb(words->items[0]);
	for (size_t i = 1; i < words->n; i++)
		line.args.items[line.args.n++] = words->items[i];
	if (timeout_word && !read_timeout(timeout_word, &line.target.timeout_s))
		return command_fail(EXIT_USAGE, "--timeout: '%s' is no time as 30, 30s or 5m, at most 10 hours", timeout_word);
	output_format_parse(str_from(format_word), &line.out.format);
	line.out.is_terminal = isatty(STDOUT_FILENO);
	line.out.has_color = wants_color() && line.out.format <= OUTPUT_WIDE;
	status = choose_target(&line.target);
	if (status == 0)
		status = line.is_watching ? watch_run(&line, command) : command->run(&line);
	return status;
}

int main(int argc, char **argv)
{
	struct opt_list words = {0};
	struct buf error = {0}, details = {0};
	int status = EXIT_FINE;

	signal(SIGPIPE, SIG_IGN);
	log_set_level(LOG_WARN);
	add_details(&details);
	program.details = buf_cstr(&details);
	switch (opt_begin(&program, &common, argc, argv, &words, &error)) {
	case OPT_WRONG:
		status = command_fail(EXIT_USAGE, "%s", buf_cstr(&error));
		break;
	case OPT_SAID_ALL:
		break;
	case OPT_GO_ON:
		status = words.n ? run(&words)
				 : command_fail(EXIT_USAGE, "give a verb: status, snapshot, routes, backends, certs, settings, "
							    "problems, check (--help tells more)");
		break;
	}
	if (!output_flush(&line.out) && status == EXIT_FINE)
		status = EXIT_PARTLY;
	output_deinit(&line.out);
	buf_deinit(&error);
	buf_deinit(&details);
	return status;
}

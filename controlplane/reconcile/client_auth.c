/*
 * Certificates of clients (SEMANTICS F9): the first Ingress of a host that asks for them speaks for the host; any Ingress of it
 * whose Secret is bad closes the host as a whole.
 */
#include "mem.h"
#include "pass.h"
#include "trust.h"

struct client_ca {
	struct str name;
	const char *why; /* what it is not (in the pass's arena); NULL: it is good */
	struct str ca_pem, crl_pem;
	struct trust *trust;
	unsigned long told_in;
};

/* ------------------------------------------------------------------------------------------------------ the Secret */

static void read_secret(struct reconcile *pass, const struct object *secret, struct client_ca *out)
{
	const struct str *ca = pair_find(secret->secret.data, secret->secret.n_data, STR("ca.crt"));
	const struct str *crl = pair_find(secret->secret.data, secret->secret.n_data, STR("ca.crl"));
	const char *why = NULL;

	if (!ca) {
		out->why = "a Secret with ca.crt";
		return;
	}
	out->ca_pem = *ca;
	out->crl_pem = crl ? *crl : STR("");
	out->trust = trust_create(out->ca_pem, out->crl_pem, &why);
	if (!out->trust)
		out->why = arena_printf(&pass->arena, "a Secret whose ca.crt (and ca.crl) can be read (it %s)", why).ptr;
}

static struct client_ca *client_ca_of(struct reconcile *pass, const struct object *secret)
{
	struct str name = arena_printf(&pass->arena, "%.*s/%.*s", STR_ARG(secret->namespace_), STR_ARG(secret->name));
	struct client_ca *ca = map_get(&pass->client_cas, name);

	if (ca)
		return ca;
	ca = arena_zalloc(&pass->arena, sizeof(*ca));
	ca->name = name;
	read_secret(pass, secret, ca);
	map_put(&pass->client_cas, name, ca);
	return ca;
}

void client_auth_end(struct reconcile *pass)
{
	size_t cursor = 0;
	void *value;

	while (map_next(&pass->client_cas, &cursor, NULL, &value)) {
		struct client_ca *ca = value;

		trust_unref(&ca->trust);
	}
	map_deinit(&pass->client_cas);
}

static void put_ca(struct reconcile *pass, struct client_ca *ca, struct reconcile_result *result)
{
	Weirlock__V1__ClientCa message = WEIRLOCK__V1__CLIENT_CA__INIT;

	if (ca->told_in == pass->result_number)
		return;
	ca->told_in = pass->result_number;
	message.ca_pem = message_bytes(&pass->scratch, ca->ca_pem);
	message.crl_pem = message_bytes(&pass->scratch, ca->crl_pem);
	message.fingerprints = message_fingerprints(&pass->scratch, ca->trust, &message.n_fingerprints);
	result_put(result, WEIRLOCK__V1__KIND__KIND_CLIENT_CA, ca->name, &message.base);
}

/* ----------------------------------------------------------------------------------------------------- the Ingress */

static const struct annotation *find(const struct view *view, enum annotation_id id)
{
	return annotation_get(&view->annotations, id);
}

static void read_named_secret(struct reconcile *pass, struct view *view)
{
	const struct annotation *a = find(view, ANNOTATION_AUTH_TLS_SECRET);
	const struct object *secret;
	const char *why;

	if (!a)
		return;
	secret = secret_of(pass, view, a, &why);
	view->client_ca = secret ? client_ca_of(pass, secret) : NULL;
	if (view->client_ca)
		why = view->client_ca->why;
	if (!why)
		return;
	view->client_ca = NULL;
	view->is_host_denied = true;
	view_complain(view, a, why, "put the authorities of the clients in ca.crt, as PEM", "the hosts of the Ingress answer 403 (F9)");
}

/* M20 c: what is no such pattern keeps the Ingress out. */
static void check_match_cn(struct view *view)
{
	const struct annotation *a = find(view, ANNOTATION_AUTH_TLS_MATCH_CN);

	if (!a || (str_starts_with(a->value.text, STR("CN=")) && regex_cost(a->value.text) > 0))
		return;
	view_complain(view, a, "CN= and a regular expression", "write such as CN=(alice|bob)",
		"the Ingress is not taken; its last good form, if there is one, keeps serving");
	if (!view->annotations.rejected_by.len)
		view->annotations.rejected_by = a->name;
}

/* "" where the 400 page is to be shown. */
static struct str error_page(const struct view *view)
{
	const struct annotation *a = find(view, ANNOTATION_AUTH_TLS_ERROR_PAGE);
	struct str url = a ? a->value.text : STR("");
	bool is_url = str_starts_with(url, STR("http://")) || str_starts_with(url, STR("https://"));

	return is_url ? url : STR("");
}

static void check_error_page(struct view *view)
{
	const struct annotation *a = find(view, ANNOTATION_AUTH_TLS_ERROR_PAGE);

	if (a && !error_page(view).len)
		view_complain(view, a, "an URL that begins with http:// or https://: a path of the host would be behind the same door",
			"write an URL of another host", "the 400 page is shown");
}

void client_auth_read(struct reconcile *pass, struct view *view)
{
	read_named_secret(pass, view);
	check_match_cn(view);
	check_error_page(view);
}

/* -------------------------------------------------------------------------------------------------------- the host */

bool client_auth_is_denied(struct view **views, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (views[i]->is_host_denied)
			return true;
	}
	return false;
}

static struct view *first_that_asks(struct view **views, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (find(views[i], ANNOTATION_AUTH_TLS_SECRET))
			return views[i];
	}
	return NULL;
}

static void fill_message(struct reconcile *pass, const struct view *view, Weirlock__V1__ClientAuth *out)
{
	const struct annotation *verify = find(view, ANNOTATION_AUTH_TLS_VERIFY_CLIENT);
	const struct annotation *depth = find(view, ANNOTATION_AUTH_TLS_VERIFY_DEPTH);
	const struct annotation *pass_on = find(view, ANNOTATION_AUTH_TLS_PASS_CERTIFICATE);
	const struct annotation *match_cn = find(view, ANNOTATION_AUTH_TLS_MATCH_CN);

	/* the table has the words in the message's order */
	out->verify = verify ? (Weirlock__V1__VerifyClient)verify->value.number : WEIRLOCK__V1__VERIFY_CLIENT__VERIFY_CLIENT_ON;
	out->verify_depth = depth && depth->value.number ? (uint32_t)depth->value.number : 1;
	out->error_page = message_text(&pass->scratch, error_page(view));
	out->pass_certificate = pass_on && pass_on->value.flag;
	out->match_cn = message_text(&pass->scratch, match_cn ? match_cn->value.text : STR(""));
}

/* What the first Ingress says, and the field it becomes. */
static const struct {
	enum annotation_id id;
	const char *field;
} fields[] = {
	{ANNOTATION_AUTH_TLS_SECRET, "client_auth.secret"},
	{ANNOTATION_AUTH_TLS_VERIFY_CLIENT, "client_auth.verify"},
	{ANNOTATION_AUTH_TLS_VERIFY_DEPTH, "client_auth.verify_depth"},
	{ANNOTATION_AUTH_TLS_ERROR_PAGE, "client_auth.error_page"},
	{ANNOTATION_AUTH_TLS_PASS_CERTIFICATE, "client_auth.pass_certificate"},
	{ANNOTATION_AUTH_TLS_MATCH_CN, "client_auth.match_cn"},
};

static void add_origins(struct str host, const struct view *view, struct reconcile_result *result)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const struct annotation *a = find(view, fields[i].id);

		if (a)
			result_origin(result, &(struct provenance){.kind = WEIRLOCK__V1__KIND__KIND_HOST, .name = host,
				.field = str_from(fields[i].field), .object = view->object->key, .key = a->name, .value = a->written});
	}
}

/* C10: another Ingress of the host that asks for something else is not heard. */
static void complain_others(const struct view *first, struct view **views, size_t n, struct reconcile *pass,
	struct reconcile_result *result)
{
	const struct annotation *kept = find(first, ANNOTATION_AUTH_TLS_SECRET);

	for (size_t i = 0; i < n; i++) {
		const struct annotation *a = find(views[i], ANNOTATION_AUTH_TLS_SECRET);

		if (!a || views[i] == first || str_eq(a->value.text, kept->value.text))
			continue;
		problems_add(&result->problems, &(struct problem){.severity = SEVERITY_WARN, .object = views[i]->object->key,
			.field = a->name, .value = a->written, .rule = arena_printf(&pass->scratch,
				"what the oldest Ingress of the host says, which decides for the host: %.*s (C10)", STR_ARG(first->object->key)),
			.fix = STR("write the same annotations on both Ingresses"), .effect = STR("this one has no effect")});
	}
}

/* F9: whoever comes without TLS is not checked; the redirect to https is what keeps them out. */
static void warn_of_plain(const struct view *view, const Weirlock__V1__Host *host, struct str name, struct reconcile_result *result)
{
	const struct annotation *a = find(view, ANNOTATION_AUTH_TLS_SECRET);

	for (size_t i = 0; i < host->n_routes; i++) {
		const Weirlock__V1__Policy *p = host->routes[i]->policy;

		if (p->force_ssl_redirect || (p->ssl_redirect && host->has_tls && !p->no_tls_redirect) || host->routes[i]->fixed_status)
			continue;
		problems_add(&result->problems, &(struct problem){.severity = SEVERITY_WARN, .object = view->object->key,
			.field = a->name, .value = name, .rule = STR("a host whose paths all redirect to https: plain http is not checked (F9)"),
			.fix = STR("give the host a tls entry, and leave ssl-redirect on, or write force-ssl-redirect"),
			.effect = STR("over plain http backends get requests without a certificate, and without ssl-client-verify")});
		return;
	}
}

void client_auth_fill(struct reconcile *pass, struct str host, struct view **views, size_t n, struct reconcile_result *result,
	Weirlock__V1__Host *out)
{
	bool is_denied = client_auth_is_denied(views, n);
	const struct view *view = first_that_asks(views, n);

	if (!view)
		return;
	out->client_auth = arena_alloc(&pass->scratch, sizeof(*out->client_auth));
	weirlock__v1__client_auth__init(out->client_auth);
	out->client_auth->secret = message_text(&pass->scratch, is_denied ? STR("-") : view->client_ca->name);
	fill_message(pass, view, out->client_auth);
	add_origins(host, view, result);
	complain_others(view, views, n, pass, result);
	if (is_denied)
		return;
	put_ca(pass, view->client_ca, result);
	if (out->client_auth->verify != WEIRLOCK__V1__VERIFY_CLIENT__VERIFY_CLIENT_OFF)
		warn_of_plain(view, out, host, result);
}

/*
 * TLS to endpoints (SEMANTICS F11): what an Ingress says of it, and the Secret. A Secret that is bad closes the paths of the
 * Ingress that names it (503). Where another Ingress's paths would have inherited it, proxies find that the resource is not
 * there and answer 503 for endpoints that speak TLS: nobody is asked unchecked where a check was asked for.
 */
#include "certificate.h"
#include "mem.h"
#include "pass.h"
#include "trust.h"

struct backend_secret {
	struct str name;
	const char *why; /* what it is not (static, or in the pass's arena); NULL: it is good */
	struct certificate pair; /* without a chain: none */
	struct str ca_pem;
	struct trust *trust;
	unsigned long told_in;
};

/* ------------------------------------------------------------------------------------------------------ the Secret */

static void read_pair(struct reconcile *pass, const struct object *secret, struct backend_secret *out)
{
	const struct str *chain = pair_find(secret->secret.data, secret->secret.n_data, STR("tls.crt"));
	const struct str *key = pair_find(secret->secret.data, secret->secret.n_data, STR("tls.key"));

	if (!chain && !key)
		return;
	if (!chain || !key)
		out->why = "a Secret with tls.crt and tls.key, or with neither";
	else
		certificate_read_pem(&pass->arena, tls_judge(pass), *chain, *key, &out->pair);
	if (!out->why)
		out->why = out->pair.why;
}

static void read_authorities(struct reconcile *pass, const struct object *secret, struct backend_secret *out)
{
	const struct str *ca = pair_find(secret->secret.data, secret->secret.n_data, STR("ca.crt"));
	const char *why = NULL;

	if (!ca)
		return;
	out->ca_pem = *ca;
	out->trust = trust_create(*ca, STR(""), &why);
	if (!out->trust)
		out->why = arena_printf(&pass->arena, "a Secret whose ca.crt can be read (it %s)", why).ptr;
}

static void read_secret(struct reconcile *pass, const struct object *secret, struct backend_secret *out)
{
	read_pair(pass, secret, out);
	if (!out->why)
		read_authorities(pass, secret, out);
	if (!out->why && !out->pair.chain_pem.len && !out->trust)
		out->why = "a Secret with ca.crt, or with tls.crt and tls.key";
}

static struct backend_secret *backend_secret_of(struct reconcile *pass, const struct object *secret)
{
	struct str name = arena_printf(&pass->arena, "%.*s/%.*s", STR_ARG(secret->namespace_), STR_ARG(secret->name));
	struct backend_secret *s = map_get(&pass->backend_secrets, name);

	if (s)
		return s;
	s = arena_zalloc(&pass->arena, sizeof(*s));
	s->name = name;
	read_secret(pass, secret, s);
	map_put(&pass->backend_secrets, name, s);
	return s;
}

void backend_tls_end(struct reconcile *pass)
{
	size_t cursor = 0;
	void *value;

	while (map_next(&pass->backend_secrets, &cursor, NULL, &value)) {
		struct backend_secret *s = value;

		trust_unref(&s->trust);
	}
	map_deinit(&pass->backend_secrets);
}

static void put_secret(struct reconcile *pass, struct backend_secret *s, struct reconcile_result *result)
{
	Weirlock__V1__BackendSecret message = WEIRLOCK__V1__BACKEND_SECRET__INIT;

	if (s->told_in == pass->result_number)
		return;
	s->told_in = pass->result_number;
	message.chain_pem = (ProtobufCBinaryData){s->pair.chain_pem.len, mem_alloc(s->pair.chain_pem.len + 1)};
	message.key_pem = (ProtobufCBinaryData){s->pair.key_pem.len, mem_alloc(s->pair.key_pem.len + 1)};
	if (s->pair.chain_pem.len) {
		memcpy(message.chain_pem.data, s->pair.chain_pem.ptr, s->pair.chain_pem.len);
		memcpy(message.key_pem.data, s->pair.key_pem.ptr, s->pair.key_pem.len);
	}
	message.ca_pem = message_bytes(&pass->scratch, s->ca_pem);
	message.fingerprint = message_bytes(&pass->scratch, s->pair.fingerprint);
	message.not_after_s = s->pair.not_after_s;
	message.ca_fingerprints = message_fingerprints(&pass->scratch, s->trust, &message.n_ca_fingerprints);
	result_put(result, WEIRLOCK__V1__KIND__KIND_BACKEND_SECRET, s->name, &message.base);
	mem_wipe(message.key_pem.data, message.key_pem.len);
	mem_free(message.key_pem.data);
	mem_free(message.chain_pem.data);
}

/* ----------------------------------------------------------------------------------------------------- the Ingress */

static const struct annotation *find(const struct view *view, enum annotation_id id)
{
	return view ? annotation_get(&view->annotations, id) : NULL;
}

static bool is_on(const struct annotation *a, const char *word)
{
	return a && str_eq(a->value.text, str_from(word));
}

/* Also for a value that is not understood: it counts as "on" and has no text. */
static bool verifies(const struct view *view)
{
	const struct annotation *a = find(view, ANNOTATION_PROXY_SSL_VERIFY);

	return a && !is_on(a, "off");
}

static void read_named_secret(struct reconcile *pass, struct view *view)
{
	const struct annotation *a = find(view, ANNOTATION_PROXY_SSL_SECRET);
	const struct object *secret;
	const char *why;

	if (!a)
		return;
	secret = secret_of(pass, view, a, &why);
	view->backend_secret = secret ? backend_secret_of(pass, secret) : NULL;
	if (view->backend_secret)
		why = view->backend_secret->why;
	if (!why)
		return;
	view->backend_secret = NULL;
	view->is_denied = true;
	view_complain(view, a, why, "put authorities in ca.crt, or a certificate in tls.crt and its key in tls.key, as PEM",
		"the paths of the Ingress answer 503");
}

static void check_verify(struct view *view)
{
	const struct annotation *a = find(view, ANNOTATION_PROXY_SSL_VERIFY);
	const struct annotation *name = find(view, ANNOTATION_PROXY_SSL_NAME);
	static const char closed[] = "HTTPS endpoints are not asked: requests to them get 503";

	if (!verifies(view) || view->is_denied)
		return;
	if (!view->backend_secret || !view->backend_secret->trust)
		view_complain(view, a, "a check that can be made: proxy-ssl-secret with ca.crt says who may vouch for endpoints (F11)",
			"name a Secret with ca.crt, or write off", closed);
	else if (!name || !name->value.text.len)
		view_complain(view, a, "a check that can be made: proxy-ssl-name says what the certificate must be for (F11)",
			"write the name that the certificates of the endpoints hold", closed);
}

/* What is taken of proxy-ssl-ciphers; "" for OpenSSL's own. */
static struct str ciphers_of(struct reconcile *pass, const struct view *view)
{
	const struct annotation *a = find(view, ANNOTATION_PROXY_SSL_CIPHERS);

	return a && tls_knows_cipher(pass, a->value.text) ? a->value.text : STR("");
}

void backend_tls_read(struct reconcile *pass, struct view *view)
{
	const struct annotation *ciphers = find(view, ANNOTATION_PROXY_SSL_CIPHERS);

	read_named_secret(pass, view);
	check_verify(view);
	if (ciphers && !tls_knows_cipher(pass, ciphers->value.text))
		view_complain(view, ciphers, "a list with a cipher that OpenSSL knows", "write names as `openssl ciphers` prints them",
			"the default 'DEFAULT' is used");
}

/* -------------------------------------------------------------------------------------------------------- routes */

void backend_tls_choose(const struct reconcile *pass, struct view **views, size_t n, struct routes *routes)
{
	struct view *of_host = NULL;

	for (size_t i = 0; i < n && !of_host && !pass->settings.items[SETTING_PROXY_SSL_LOCATION_ONLY].value.flag; i++) {
		if (find(views[i], ANNOTATION_PROXY_SSL_SECRET))
			of_host = views[i];
	}
	for (size_t i = 0; i < routes->n; i++) {
		struct route *r = &routes->items[i];

		r->proxy_ssl = find(r->view, ANNOTATION_PROXY_SSL_SECRET) || !of_host ? r->view : of_host;
	}
}

/* Without proxy-ssl-secret only what makes things stricter, or a name, says anything. */
static bool says_anything(const struct view *view)
{
	return find(view, ANNOTATION_PROXY_SSL_SECRET) || verifies(view) ||
		(is_on(find(view, ANNOTATION_PROXY_SSL_SERVER_NAME), "on") && find(view, ANNOTATION_PROXY_SSL_NAME));
}

static void fill_message(struct reconcile *pass, const struct view *view, Weirlock__V1__ProxySsl *out)
{
	const struct annotation *secret = find(view, ANNOTATION_PROXY_SSL_SECRET);
	const struct annotation *depth = find(view, ANNOTATION_PROXY_SSL_VERIFY_DEPTH);
	const struct annotation *name = find(view, ANNOTATION_PROXY_SSL_NAME);
	const struct annotation *protocols = find(view, ANNOTATION_PROXY_SSL_PROTOCOLS);

	out->secret = message_text(&pass->scratch, secret ? secret->value.text : STR(""));
	out->verify = verifies(view);
	out->verify_depth = depth && depth->value.number ? (uint32_t)depth->value.number : 1;
	out->name = message_text(&pass->scratch, name ? name->value.text : STR(""));
	out->server_name = is_on(find(view, ANNOTATION_PROXY_SSL_SERVER_NAME), "on");
	out->protocol_tls12 = protocols ? protocols->value.number & 1 : secret != NULL;
	out->protocol_tls13 = protocols && protocols->value.number & 2;
	out->ciphers = message_text(&pass->scratch, ciphers_of(pass, view));
}

/* What one route gets, and the field it becomes. */
static const struct {
	enum annotation_id id;
	const char *field;
} fields[] = {
	{ANNOTATION_PROXY_SSL_SECRET, "proxy_ssl.secret"},
	{ANNOTATION_PROXY_SSL_VERIFY, "proxy_ssl.verify"},
	{ANNOTATION_PROXY_SSL_VERIFY_DEPTH, "proxy_ssl.verify_depth"},
	{ANNOTATION_PROXY_SSL_NAME, "proxy_ssl.name"},
	{ANNOTATION_PROXY_SSL_SERVER_NAME, "proxy_ssl.server_name"},
	{ANNOTATION_PROXY_SSL_PROTOCOLS, "proxy_ssl.protocols"},
	{ANNOTATION_PROXY_SSL_CIPHERS, "proxy_ssl.ciphers"},
};

static void add_origins(struct reconcile *pass, struct str host, const struct route *route, struct reconcile_result *result)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const struct annotation *a = find(route->proxy_ssl, fields[i].id);

		if (a)
			result_origin(result, &(struct provenance){.kind = WEIRLOCK__V1__KIND__KIND_HOST, .name = host,
				.field = arena_printf(&pass->scratch, "routes[%.*s].%s", STR_ARG(route->label), fields[i].field),
				.object = route->proxy_ssl->object->key, .key = a->name, .value = a->written});
	}
}

void backend_tls_fill(struct reconcile *pass, struct str host, const struct route *route, struct reconcile_result *result,
	Weirlock__V1__Policy *out)
{
	const struct view *view = route->proxy_ssl;

	if (!says_anything(view))
		return;
	out->proxy_ssl = arena_alloc(&pass->scratch, sizeof(*out->proxy_ssl));
	weirlock__v1__proxy_ssl__init(out->proxy_ssl);
	fill_message(pass, view, out->proxy_ssl);
	if (view->backend_secret)
		put_secret(pass, view->backend_secret, result);
	add_origins(pass, host, route, result);
}

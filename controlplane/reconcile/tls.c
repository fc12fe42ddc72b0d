/* Stage 5: which certificate a host gets (F3 to F7), from Secrets that are parsed once a pass. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "certificate.h"
#include "mem.h"
#include "pass.h"

/* Made when the first certificate is: most passes that admit one Ingress see none. */
SSL_CTX *tls_judge(struct reconcile *pass)
{
	if (!pass->tls)
		pass->tls = SSL_CTX_new(TLS_server_method());
	return pass->tls;
}

static struct certificate *certificate_of(struct reconcile *pass, struct str namespace_, struct str name)
{
	struct str key = arena_printf(&pass->scratch, "%.*s/%.*s", STR_ARG(namespace_), STR_ARG(name));
	struct certificate *c = map_get(&pass->certificates, key);
	const struct object *secret = pass_object(pass, KIND_SECRET, namespace_, name); /* noted by each that asks */

	if (c)
		return c;
	c = arena_zalloc(&pass->arena, sizeof(*c));
	c->name = arena_str(&pass->arena, key);
	if (!secret)
		c->why = "a Secret that exists";
	else
		certificate_read(&pass->arena, tls_judge(pass), secret, c);
	map_put(&pass->certificates, key, c);
	return c;
}

/* F3: exact, or the left-most label replaced by "*". */
static bool name_covers(struct str name, struct str host)
{
	size_t dot = str_find(host, '.');

	if (str_eq_nocase(name, host))
		return true;
	return str_starts_with(name, STR("*.")) && dot > 0 && dot < host.len &&
	       str_eq_nocase(str_from_index(name, 1), str_from_index(host, dot));
}

static bool covers(const struct certificate *c, struct str host)
{
	for (size_t i = 0; i < c->n_names; i++) {
		if (name_covers(c->names[i], host))
			return true;
	}
	return false;
}

bool tls_covers(struct reconcile *pass, struct str certificate, struct str host)
{
	const struct certificate *c = certificate.len ? map_get(&pass->certificates, certificate) : NULL;

	return c && !c->why && covers(c, host);
}

static void put_certificate(struct reconcile *pass, struct certificate *c, struct reconcile_result *result)
{
	if (c->told_in == pass->result_number)
		return;
	c->told_in = pass->result_number;
	certificate_put(&pass->scratch, c, result);
	if (c->lacks_issuer)
		result_problem(&result->problems, SEVERITY_WARN, arena_printf(&pass->scratch, "Secret %.*s", STR_ARG(c->name)),
			"tls.crt", STR(""), "a whole chain: the certificate of its issuer is missing",
			"put the intermediate certificates behind it", "it is served all the same, and clients that have no copy of them refuse it");
	if (pass->options->now_s > 0 && c->not_after_s < pass->options->now_s)
		result_problem(&result->problems, SEVERITY_WARN, arena_printf(&pass->scratch, "Secret %.*s", STR_ARG(c->name)),
			"tls.crt", STR(""), "the certificate has expired (F8)", "renew it", "it is served all the same");
}

/* One tls entry of the Ingress that decides for the host. */
struct choice {
	struct reconcile *pass;
	struct reconcile_result *result;
	struct str host;
	const struct view *view;
};

static void complain(const struct choice *c, size_t index, struct str secret, const char *rule, const char *fix)
{
	struct str field = arena_printf(&c->pass->scratch, "spec.tls[%zu].secretName", index);

	result_problem(&c->result->problems, SEVERITY_FAULT, c->view->object->key, field.ptr, secret, rule, fix,
		"the default certificate is served");
}

/* F6: name of the certificate, or "" and a problem. */
static struct str take_secret(const struct choice *c, size_t index)
{
	struct str secret = c->view->object->ingress.tls[index].secret;
	struct certificate *found;

	if (secret.len == 0)
		return STR("");
	found = certificate_of(c->pass, c->view->object->namespace_, secret);
	if (found->why) {
		complain(c, index, secret, found->why, "put a certificate chain in tls.crt and its key in tls.key, as PEM");
		return STR("");
	}
	if (!covers(found, c->host)) {
		complain(c, index, secret,
			arena_printf(&c->pass->scratch, "a certificate for %.*s (F6)", STR_ARG(c->host)).ptr,
			"issue it for this name too");
		return STR("");
	}
	put_certificate(c->pass, found, c->result);
	return found->name;
}

static bool lists_host(const struct ingress_tls *tls, struct str host)
{
	for (size_t i = 0; i < tls->n_hosts; i++) {
		if (str_eq_nocase(tls->hosts[i], host))
			return true;
	}
	return false;
}

/* F5: the entry that lists the host, else any entry whose certificate covers it. */
static struct host_tls choose(const struct choice *c)
{
	const struct ingress *ingress = &c->view->object->ingress;

	for (size_t i = 0; i < ingress->n_tls; i++) {
		if (lists_host(&ingress->tls[i], c->host))
			return (struct host_tls){true, take_secret(c, i)};
	}
	for (size_t i = 0; i < ingress->n_tls; i++) {
		struct certificate *found = ingress->tls[i].secret.len
						    ? certificate_of(c->pass, c->view->object->namespace_, ingress->tls[i].secret)
						    : NULL;

		if (!found || found->why || !covers(found, c->host))
			continue;
		put_certificate(c->pass, found, c->result);
		return (struct host_tls){true, found->name};
	}
	return (struct host_tls){false, STR("")};
}

struct host_tls tls_of_host(
	struct reconcile *pass, struct str host, struct view **views, size_t n, struct reconcile_result *result)
{
	for (size_t i = 0; i < n && !str_eq(host, STR("_")); i++) {
		struct choice c = {pass, result, host, views[i]};

		if (views[i]->object->ingress.n_tls > 0)
			return choose(&c);
	}
	return (struct host_tls){false, STR("")};
}

static struct str put_generated(struct reconcile *pass, struct reconcile_result *result)
{
	struct certificate c = {.name = STR("-")};

	if (pass->options->generated_chain_pem.len == 0)
		return STR("");
	certificate_read_pem(
		&pass->arena, tls_judge(pass), pass->options->generated_chain_pem, pass->options->generated_key_pem, &c);
	if (c.why)
		return STR("");
	certificate_put(&pass->scratch, &c, result);
	return c.name;
}

struct str tls_put_default(struct reconcile *pass, struct reconcile_result *result)
{
	struct str path = pass->options->default_ssl_certificate;
	struct str namespace_, name;
	struct certificate *c;

	if (path.len == 0)
		return put_generated(pass, result);
	if (!value_ref(path, &namespace_, &name)) {
		result_problem(&result->problems, SEVERITY_FAULT, STR("--default-ssl-certificate"), "", path, "namespace/name",
			"name a Secret so", "the generated certificate is served");
		return put_generated(pass, result);
	}
	c = certificate_of(pass, namespace_, name);
	if (c->why) {
		result_problem(&result->problems, SEVERITY_FAULT, STR("--default-ssl-certificate"), "", path, c->why,
			"put a certificate chain in tls.crt and its key in tls.key, as PEM", "the generated certificate is served");
		return put_generated(pass, result);
	}
	put_certificate(pass, c, result);
	return c->name;
}

bool tls_knows_cipher(struct reconcile *pass, struct str list)
{
	SSL *ssl = SSL_new(tls_judge(pass));
	bool is_known = ssl && SSL_set_cipher_list(ssl, message_text(&pass->scratch, list)) == 1;

	SSL_free(ssl);
	ERR_clear_error();
	return is_known;
}

static const struct annotation *first_of(struct view **views, size_t n, enum annotation_id id, const struct view **view)
{
	const struct annotation *a = NULL;

	for (size_t i = 0; i < n && !a; i++) {
		*view = views[i];
		a = annotation_get(&views[i]->annotations, id);
	}
	return a;
}

static void add_cipher_origin(struct reconcile_result *result, const Weirlock__V1__Host *host, const char *field,
	const struct view *view, const struct annotation *a)
{
	result_origin(result, &(struct provenance){.kind = WEIRLOCK__V1__KIND__KIND_HOST, .name = str_from(host->name),
		.field = str_from(field), .object = view->object->key, .key = a->name, .value = a->written});
}

void tls_fill_ciphers(struct reconcile *pass, struct view **views, size_t n, struct reconcile_result *result, Weirlock__V1__Host *out)
{
	const struct view *view = NULL;
	const struct annotation *ciphers = first_of(views, n, ANNOTATION_SSL_CIPHERS, &view), *order;

	if (ciphers && tls_knows_cipher(pass, ciphers->value.text)) {
		out->ssl_ciphers = message_text(&pass->scratch, ciphers->value.text);
		add_cipher_origin(result, out, "ssl_ciphers", view, ciphers);
	} else if (ciphers) {
		problems_add(&result->problems, &(struct problem){.severity = SEVERITY_FAULT, .object = view->object->key,
			.field = ciphers->name, .value = ciphers->written, .rule = STR("a list with a cipher that OpenSSL knows"),
			.fix = STR("write names as `openssl ciphers` prints them"), .effect = STR("the list of the ConfigMap is used")});
	}
	order = first_of(views, n, ANNOTATION_SSL_PREFER_SERVER_CIPHERS, &view);
	if (!order || order->value.flag)
		return;
	out->ssl_client_cipher_order = true;
	add_cipher_origin(result, out, "ssl_client_cipher_order", view, order);
}

void tls_end(struct reconcile *pass)
{
	map_deinit(&pass->certificates);
	SSL_CTX_free(pass->tls);
}

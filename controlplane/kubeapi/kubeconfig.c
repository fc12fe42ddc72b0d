/*
 * A kubeconfig is three lists (clusters, users, contexts) and the name of the context in use. Only what Weirlock can honour
 * is taken: a plugin that would have to be run, or a check that would be left out, is refused by its name.
 */
#include "credentials.h"

#include "base64.h"
#include "document.h"
#include "mem.h"

struct reading {
	struct buf *error;
	const char *file;
	json_t *root;   /* the first document */
	size_t n_documents;
};

static bool fail(struct reading *r, const char *field, const char *rule)
{
	buf_printf(r->error, "kubeconfig %s: %s: %s", r->file, field, rule);
	return false;
}

static struct str text_of(json_t *json, const char *name)
{
	json_t *member = json_object_get(json, name);

	return json_is_string(member) ? str_of(json_string_value(member), json_string_length(member)) : STR("");
}

/* The entry of that name in one of the three lists, and in it the member that holds it all. */
static json_t *find_entry(struct reading *r, const char *list, const char *member, struct str name)
{
	json_t *items = json_object_get(r->root, list), *item;
	size_t i;

	json_array_foreach(items, i, item) {
		if (str_eq(text_of(item, "name"), name) && json_is_object(json_object_get(item, member)))
			return json_object_get(item, member);
	}
	buf_printf(r->error, "kubeconfig %s: %s: no entry is named '%.*s'", r->file, list, STR_ARG(name));
	return NULL;
}

static void set_path(struct reading *r, struct str path, struct buf *out)
{
	struct str file = str_from(r->file);
	size_t slash = str_rfind(file, '/');

	if (path.ptr[0] != '/' && slash < file.len)
		buf_add(out, str_first(file, slash + 1));
	buf_add(out, path);
}

/* `field` names a file; `field`-data, if there, holds the same in base64 and wins, as with kubectl. */
static bool take_pem(struct reading *r, json_t *json, const char *field, struct credential *out)
{
	struct buf data_name = {0};
	struct str data, path = text_of(json, field);
	bool is_good = true;

	buf_printf(&data_name, "%s-data", field);
	data = text_of(json, buf_cstr(&data_name));
	if (data.len) {
		char *room = buf_reserve(&out->value, BASE64_ROOM(data.len));

		is_good = base64_decode(data, room, &out->value.len) || fail(r, buf_cstr(&data_name), "is not base64");
	} else if (path.len) {
		set_path(r, path, &out->file);
	}
	buf_deinit(&data_name);
	return is_good;
}

static bool take_cluster(struct reading *r, json_t *cluster, struct credentials *out)
{
	struct str server = text_of(cluster, "server");

	while (str_ends_with(server, STR("/")))
		server.len--;
	if (!server.len)
		return fail(r, "cluster.server", "is needed, as https://HOST:PORT");
	if (text_of(cluster, "tls-server-name").len)
		return fail(r, "cluster.tls-server-name", "is not supported; name the server as its certificate does");
	if (text_of(cluster, "proxy-url").len)
		return fail(r, "cluster.proxy-url", "is not supported; set https_proxy in the environment");
	buf_add(&out->server, server);
	out->is_insecure = json_is_true(json_object_get(cluster, "insecure-skip-tls-verify"));
	return take_pem(r, cluster, "certificate-authority", &out->ca);
}

static bool refuse_user(struct reading *r, json_t *user)
{
	if (json_object_get(user, "exec"))
		return fail(r, "user.exec", "Weirlock runs no programs: use a token, a tokenFile or a client certificate");
	if (json_object_get(user, "auth-provider"))
		return fail(r, "user.auth-provider", "is not supported: use a token, a tokenFile or a client certificate");
	if (json_object_get(user, "username") || json_object_get(user, "password"))
		return fail(r, "user.username", "Kubernetes takes no passwords any more: use a token or a client certificate");
	if (json_object_get(user, "as") || json_object_get(user, "as-groups"))
		return fail(r, "user.as", "impersonation is not supported: use credentials of the account itself");
	return true;
}

static bool take_user(struct reading *r, json_t *user, struct credentials *out)
{
	struct str token = text_of(user, "token"), token_file = text_of(user, "tokenFile");

	if (!refuse_user(r, user))
		return false;
	if (token_file.len) /* wins, as with kubectl: it may rotate */
		set_path(r, token_file, &out->token.file);
	else
		buf_add(&out->token.value, token);
	return take_pem(r, user, "client-certificate", &out->certificate) && take_pem(r, user, "client-key", &out->key);
}

static bool take_context(struct reading *r, const char *wanted, struct credentials *out)
{
	struct str name = wanted ? str_from(wanted) : text_of(r->root, "current-context");
	json_t *context, *cluster, *user = NULL;

	if (!name.len)
		return fail(r, "current-context", "is not set; set it, or give --context");
	context = find_entry(r, "contexts", "context", name);
	if (!context)
		return false;
	cluster = find_entry(r, "clusters", "cluster", text_of(context, "cluster"));
	if (!cluster || !take_cluster(r, cluster, out))
		return false;
	if (text_of(context, "user").len) {
		user = find_entry(r, "users", "user", text_of(context, "user"));
		if (!user)
			return false;
	}
	buf_add(&out->namespace_, text_of(context, "namespace"));
	return !user || take_user(r, user, out);
}

static void on_document(void *owner, json_t *json, size_t line, const size_t *item_lines, size_t n_item_lines)
{
	struct reading *r = owner;

	(void)line;
	(void)item_lines;
	(void)n_item_lines;
	if (r->n_documents++ == 0)
		r->root = json_incref(json);
}

bool kubeconfig_read(struct str text, const char *file, const char *context, struct credentials *out, struct buf *error)
{
	struct reading r = {.error = error, .file = file};
	size_t line = 1;
	const char *why = "";
	bool is_good;

	if (!yaml_read(text, 1, on_document, &r, &line, &why)) {
		buf_printf(error, "kubeconfig %s:%zu: %s", file, line, why);
		is_good = false;
	} else if (!json_is_object(r.root)) {
		is_good = fail(&r, "the file", "holds no kubeconfig");
	} else {
		is_good = take_context(&r, context, out);
	}
	json_decref(r.root);
	return is_good;
}

/* What is taken from a kubeconfig, and what is refused by its name. */
#include "credentials.h"

#include "check.h"

#define HEAD \
	"apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts:\n- name: c\n  context: {cluster: k, user: u, namespace: ns}\n" \
	"- name: other\n  context: {cluster: plain, user: u}\n- name: lost\n  context: {cluster: k, user: nobody}\n"
#define CLUSTERS \
	"clusters:\n- name: plain\n  cluster: {server: 'http://10.0.0.1:8080'}\n- name: k\n" \
	"  cluster: {server: 'https://10.0.0.1:6443/', certificate-authority-data: Q0E=}\n"
#define USER(members) HEAD CLUSTERS "users:\n- name: u\n  user: {" members "}\n"
#define CLUSTER(members) HEAD "clusters:\n- name: k\n  cluster: {" members "}\nusers:\n- name: u\n  user: {token: t}\n"

/* `want`: what was read, or a part of the error. */
static const struct {
	const char *name, *text, *context, *want;
} cases[] = {
	{"token", USER("token: secret"), NULL, "https://10.0.0.1:6443 ns ca=CA cert= key= token=secret"},
	{"certificate in place", USER("client-certificate-data: Q0VSVA==, client-key-data: S0VZ"), NULL,
		"https://10.0.0.1:6443 ns ca=CA cert=CERT key=KEY token="},
	{"files are relative to the kubeconfig", USER("client-certificate: c.crt, client-key: /abs.key, tokenFile: t"), NULL,
		"https://10.0.0.1:6443 ns ca=CA cert=@/etc/k/c.crt key=@/abs.key token=@/etc/k/t"},
	{"tokenFile wins", USER("token: old, tokenFile: t"), NULL, "https://10.0.0.1:6443 ns ca=CA cert= key= token=@/etc/k/t"},
	{"JSON", "{\"current-context\":\"c\",\"contexts\":[{\"name\":\"c\",\"context\":{\"cluster\":\"k\"}}],"
		 "\"clusters\":[{\"name\":\"k\",\"cluster\":{\"server\":\"https://h\"}}]}",
		NULL, "https://h  ca= cert= key= token="},
	{"another context", USER("token: t"), "other", "without TLS only a server on loopback"},
	{"no such context", USER("token: t"), "nope", "contexts: no entry is named 'nope'"},
	{"no such user", USER("token: t"), "lost", "users: no entry is named 'nobody'"},
	{"exec", USER("exec: {command: aws}"), NULL, "user.exec: Weirlock runs no programs"},
	{"auth-provider", USER("auth-provider: {name: oidc}"), NULL, "user.auth-provider: is not supported"},
	{"password", USER("username: a, password: b"), NULL, "user.username: Kubernetes takes no passwords"},
	{"impersonation", USER("token: t, as: root"), NULL, "user.as: impersonation"},
	{"no base64", USER("client-key-data: '#'"), NULL, "client-key-data: is not base64"},
	{"no verification", CLUSTER("server: 'https://10.0.0.1', insecure-skip-tls-verify: true"), NULL,
		"insecure-skip-tls-verify would hand"},
	{"no verification on loopback", CLUSTER("server: 'https://127.0.0.1:1', insecure-skip-tls-verify: true"), NULL,
		"https://127.0.0.1:1 ns ca= cert= key= token=t insecure"},
	{"no TLS on loopback", CLUSTER("server: 'http://[::1]:1'"), NULL, "http://[::1]:1 ns ca= cert= key= token=t"},
	{"a name that starts like loopback", CLUSTER("server: 'http://127.0.0.1.example.com'"), NULL, "without TLS only"},
	{"another host behind a user's name", CLUSTER("server: 'http://127.0.0.1:80@example.com'"), NULL, "is not https://HOST:PORT"},
	{"no scheme", CLUSTER("server: 'example.com'"), NULL, "is not https://HOST:PORT"},
	{"no server", CLUSTER("certificate-authority: a"), NULL, "cluster.server: is needed"},
	{"empty", "", NULL, "holds no kubeconfig"},
	{"no context", "kind: Config", NULL, "current-context: is not set"},
	{"no YAML", "a: [", NULL, "kubeconfig /etc/k/config:"},
};

static void add(struct buf *out, const char *name, const struct credential *c)
{
	if (c->file.len)
		buf_printf(out, " %s=@%.*s", name, STR_ARG(buf_str(&c->file)));
	else
		buf_printf(out, " %s=%.*s", name, STR_ARG(buf_str(&c->value)));
}

static void run(size_t i)
{
	struct credentials c = {0};
	struct buf text = {0};

	if (kubeconfig_read(str_from(cases[i].text), "/etc/k/config", cases[i].context, &c, &text) && credentials_check(&c, &text)) {
		buf_printf(&text, "%s %s", buf_cstr(&c.server), buf_cstr(&c.namespace_));
		add(&text, "ca", &c.ca);
		add(&text, "cert", &c.certificate);
		add(&text, "key", &c.key);
		add(&text, "token", &c.token);
		buf_add(&text, c.is_insecure ? STR(" insecure") : STR(""));
	}
	if (str_find_str(buf_str(&text), str_from(cases[i].want)) == text.len)
		CHECK_STR(buf_str(&text), str_from(cases[i].want));
	else
		CHECK(true);
	buf_deinit(&text);
	credentials_deinit(&c);
}

int main(void)
{
	for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
		check_case(cases[i].name);
		run(i);
	}
	return check_done();
}

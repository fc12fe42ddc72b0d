/* One row a kind; the rest is slashes. */
#include "object_name.h"

#include <stddef.h>
#include <string.h>

/* What people type for a kind, as kubectl takes it. */
static const struct {
	const char *words; /* between blanks */
	const char *kind;
	bool is_namespaced;
} kinds[] = {
	{" ingress ingresses ing ", "Ingress", true},
	{" ingressclass ingressclasses ", "IngressClass", false},
	{" service services svc ", "Service", true},
	{" endpointslice endpointslices ", "EndpointSlice", true},
	{" secret secrets ", "Secret", true},
	{" configmap configmaps cm ", "ConfigMap", true},
	{" namespace namespaces ns ", "Namespace", false},
};

static const size_t n_kinds = sizeof(kinds) / sizeof(kinds[0]);

static size_t find_kind(struct str word)
{
	struct buf needle = {0};
	size_t i = 0;

	if (str_find(word, ' ') < word.len)
		return n_kinds;
	buf_add_char(&needle, ' ');
	for (size_t k = 0; k < word.len; k++)
		buf_add_char(&needle, (char)ascii_lower((unsigned char)word.ptr[k]));
	buf_add_char(&needle, ' ');
	while (i < n_kinds && str_find_str(str_from(kinds[i].words), buf_str(&needle)) == strlen(kinds[i].words))
		i++;
	buf_deinit(&needle);
	return i;
}

bool object_name_parse(const char *word, const char *namespace_, struct buf *out, struct buf *error)
{
	struct str rest = str_from(word), parts[4];
	size_t n = 0, kind, most;

	while (n < 4 && str_next(&rest, '/', &parts[n]))
		n++;
	kind = n ? find_kind(parts[0]) : n_kinds;
	if (kind == n_kinds) {
		buf_printf(error, "'%s' begins with no kind: ingress, service, endpointslice, secret, configmap, ingressclass, namespace",
			word);
		return false;
	}
	most = kinds[kind].is_namespaced ? 3 : 2;
	if (n < 2 || n > most || !parts[n - 1].len || !parts[1].len || str_ends_with(str_from(word), STR("/"))) {
		buf_printf(error, "'%s' is not KIND/%sNAME", word, kinds[kind].is_namespaced ? "NAMESPACE/" : "");
		return false;
	}
	buf_printf(out, "%s ", kinds[kind].kind);
	if (most == 3 && n == 2)
		buf_printf(out, "%s/", namespace_ ? namespace_ : "default");
	buf_printf(out, "%.*s", STR_ARG(parts[1]));
	if (n == 3)
		buf_printf(out, "/%.*s", STR_ARG(parts[2]));
	return true;
}

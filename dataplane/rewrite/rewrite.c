/* What a backend gets and what a client gets: target, Host, and the fields that rules and settings add, replace or hide. */
#include "rewrite.h"

#include "substitute.h"

static bool add_as_received(const struct http_head *head, struct buf *out)
{
	buf_add(out, head->path.len ? head->path : STR("/"));
	if (head->has_query) {
		buf_add_char(out, '?');
		buf_add(out, head->query);
	}
	return !out->is_over;
}

/* The last look at a target that was put together: nothing in it may end the target or the line. */
static bool is_one_word(struct str target)
{
	return http_is_field_value(target) && str_find(target, ' ') == target.len && str_find(target, '\t') == target.len;
}

/* Makes the path that routes would see of what is in `out`, in place: it never writes more than it has read. */
static bool normalise(struct buf *out)
{
	return !out->is_over && http_normalise_path(buf_str(out), out->ptr, &out->len);
}

/*
 * A capture may begin or end within a segment: "/a(.*)" to "/files/$1" makes "/files/../x" of "/a../x". What the rule writes
 * before its first reference stays before all of it, whoever resolves the dots.
 */
static bool stays_below(struct str rule, struct str target)
{
	struct str path = str_first(target, str_find(target, '?')), fixed = str_first(rule, str_find(rule, '?'));
	struct buf seen = {0}, root = {0};
	bool is_fine;

	if (str_find_str(path, STR("..")) == path.len && str_find_str(path, STR("%2e")) == path.len &&
		str_find_str(path, STR("%2E")) == path.len)
		return true;
	buf_add(&seen, path);
	buf_add_char(&root, '/');
	substitute_escape(&root, str_first(fixed, str_find(fixed, '$')));
	is_fine = normalise(&seen) && normalise(&root) && str_starts_with(buf_str(&seen), buf_str(&root));
	buf_deinit(&seen);
	buf_deinit(&root);
	return is_fine;
}

bool rewrite_target(const struct rewrite_request *r, struct buf *out)
{
	const struct route *route = r->match.route;
	struct regex_groups groups;
	struct str target;
	size_t start;

	if (!substitute_is_active(route) || substitute_is_url(route))
		return add_as_received(r->head, out);
	switch (regex_find(route->regex, r->path, &groups)) {
	case REGEX_GAVE_UP:
		return false;
	case REGEX_NO_MATCH:
		return add_as_received(r->head, out);
	case REGEX_MATCH:
		break;
	}
	start = out->len;
	if (!substitute_target(r, route->policy.rewrite_target, &groups, out))
		return false;
	target = str_from_index(buf_str(out), start);
	return is_one_word(target) && stays_below(route->policy.rewrite_target, target);
}

/* ------------------------------------------------------------------------------------------------- request fields */

static const struct header *find_header(const struct header *items, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq_nocase(items[i].name, name))
			return &items[i];
	}
	return NULL;
}

struct str rewrite_host(const struct rewrite_request *r)
{
	const struct settings *s = generation_settings(r->generation);
	const struct header *set = find_header(s->proxy_set_headers, s->n_proxy_set_headers, STR("host"));

	if (r->match.route->policy.upstream_vhost.len)
		return r->match.route->policy.upstream_vhost;
	return set && set->value.len ? set->value : r->who->host;
}

static struct str forwarded_prefix(const struct rewrite_request *r)
{
	return substitute_is_active(r->match.route) ? r->match.route->policy.x_forwarded_prefix : STR("");
}

/* F10: where the proxy says who the client is, nobody else does, by whatever name a backend may take for it. */
static bool is_ssl_client(struct str name)
{
	static const struct str prefix = {"ssl-client-", 11};

	if (name.len < prefix.len)
		return false;
	for (size_t i = 0; i < prefix.len; i++) {
		char c = name.ptr[i] == '_' ? '-' : (char)ascii_lower((unsigned char)name.ptr[i]);

		if (c != prefix.ptr[i])
			return false;
	}
	return true;
}

bool rewrite_drops_request_field(const struct rewrite_request *r, const struct http_field *field)
{
	const struct settings *s = generation_settings(r->generation);

	if (field->id == FIELD_X_FORWARDED_PREFIX && forwarded_prefix(r).len)
		return true;
	if (r->match.host->client_auth && is_ssl_client(field->name))
		return true;
	return find_header(s->proxy_set_headers, s->n_proxy_set_headers, field->name) != NULL;
}

/* An empty value only takes the client's field away, as in nginx. */
static void write_field(struct buf *out, struct str name, struct str value)
{
	if (!value.len || !http_is_field_value(value))
		return;
	buf_add(out, name);
	buf_add(out, STR(": "));
	buf_add(out, value);
	buf_add(out, STR("\r\n"));
}

bool rewrite_write_request_fields(const struct rewrite_request *r, struct buf *out)
{
	const struct settings *s = generation_settings(r->generation);
	const struct rewrite_certificate *c = r->certificate;

	write_field(out, STR("X-Forwarded-Prefix"), forwarded_prefix(r));
	if (c) {
		write_field(out, STR("ssl-client-verify"), c->verify);
		write_field(out, STR("ssl-client-subject-dn"), c->subject);
		write_field(out, STR("ssl-client-issuer-dn"), c->issuer);
		write_field(out, STR("ssl-client-cert"), c->cert);
	}
	for (size_t i = 0; i < s->n_proxy_set_headers; i++) {
		if (!str_eq_nocase(s->proxy_set_headers[i].name, STR("host"))) /* rewrite_host */
			write_field(out, s->proxy_set_headers[i].name, s->proxy_set_headers[i].value);
	}
	return !out->is_over;
}

/* ------------------------------------------------------------------------------------------------ response fields */

static bool is_x_accel(struct str name)
{
	return name.len >= 8 && str_eq_nocase(str_first(name, 8), STR("x-accel-"));
}

static bool is_hidden(const struct settings *s, struct str name)
{
	for (size_t i = 0; i < s->n_hide_headers; i++) {
		if (str_eq_nocase(s->hide_headers[i], name))
			return true;
	}
	return find_header(s->add_headers, s->n_add_headers, name) != NULL;
}

bool rewrite_drops_response_field(const struct settings *s, bool is_tls, const struct http_field *field)
{
	switch (field->id) {
	case FIELD_DATE:
	case FIELD_X_ACCEL_BUFFERING:
	case FIELD_X_ACCEL_CHARSET:
	case FIELD_X_ACCEL_EXPIRES:
	case FIELD_X_ACCEL_LIMIT_RATE:
	case FIELD_X_ACCEL_REDIRECT:
		return true;
	case FIELD_SERVER:
		return !s->allow_backend_server_header || is_hidden(s, field->name);
	case FIELD_STRICT_TRANSPORT_SECURITY:
		return (is_tls && s->hsts) || is_hidden(s, field->name);
	case FIELD_OTHER:
		if (is_x_accel(field->name) || str_eq_nocase(field->name, STR("x-pad")))
			return true;
		return is_hidden(s, field->name);
	default:
		return is_hidden(s, field->name);
	}
}

static void write_hsts(const struct settings *s, struct buf *out)
{
	buf_add(out, STR("Strict-Transport-Security: max-age="));
	buf_add_u64(out, s->hsts_max_age_s);
	if (s->hsts_include_subdomains)
		buf_add(out, STR("; includeSubDomains"));
	if (s->hsts_preload)
		buf_add(out, STR("; preload"));
	buf_add(out, STR("\r\n"));
}

bool rewrite_write_response_fields(const struct settings *s, bool is_tls, struct buf *out)
{
	if (is_tls && s->hsts && !find_header(s->add_headers, s->n_add_headers, STR("strict-transport-security")))
		write_hsts(s, out);
	for (size_t i = 0; i < s->n_add_headers; i++)
		write_field(out, s->add_headers[i].name, s->add_headers[i].value);
	return !out->is_over;
}

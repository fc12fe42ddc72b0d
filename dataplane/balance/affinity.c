/*
 * A value is "KEY|BACKEND". Persistent: KEY is the endpoint's name, which the controller made with a secret. Balanced: KEY is
 * anything, and its place on the ring of endpoints decides, as in ingress-nginx, whose cookies so keep their endpoints; what
 * we make is random and begins at an endpoint that the algorithm chose.
 */
#include "affinity.h"

#include <inttypes.h>

#include "choice.h"
#include "clock.h"
#include "hash_ring.h"

enum { DRAWS_EACH = 20, DRAWS_LEAST = 1000, DRAWS_MOST = 100000 };

static struct str key_of(struct str value)
{
	return str_first(value, str_rfind(value, '|'));
}

static uint32_t node_of(const struct backend *backend, struct str key)
{
	return backend->ring->points[hash_ring_find(backend->ring, hash_ring_key(key))].node;
}

static int find_by_id(const struct backend *backend, struct str id)
{
	for (size_t i = 0; id.len && i < backend->n_endpoints; i++) {
		if (str_eq(backend->endpoints[i].id, id))
			return (int)i;
	}
	return -1;
}

int affinity_find(const struct backend *backend, struct str value)
{
	if (!backend->n_endpoints || !value.len)
		return -1;
	if (backend->affinity->is_persistent)
		return find_by_id(backend, key_of(value));
	return (int)node_of(backend, key_of(value));
}

bool affinity_is_of(const struct backend *backend, struct str value)
{
	size_t bar = str_rfind(value, '|');

	return bar < value.len && str_eq(str_from_index(value, bar + 1), backend->affinity->backend_id);
}

static void add_random_hex(struct buf *out, uint64_t x)
{
	buf_printf(out, "%016" PRIx64, x);
}

/*
 * Draws until the ring agrees, which takes as many as there are endpoints on average; twenty times as many fail once in 500
 * million. Then the session begins at another endpoint of the backend, which does no harm.
 */
static void add_balanced_key(const struct backend *backend, unsigned endpoint, uint64_t random, struct buf *out)
{
	size_t begun = out->len, most = backend->n_endpoints * DRAWS_EACH;

	most = most < DRAWS_LEAST ? DRAWS_LEAST : most > DRAWS_MOST ? DRAWS_MOST : most;
	for (size_t i = 0; i < most; i++) {
		out->len = begun;
		add_random_hex(out, choice_more_random(&random));
		if (node_of(backend, str_from_index(buf_str(out), begun)) == endpoint)
			return;
	}
}

void affinity_write_value(const struct backend *backend, unsigned endpoint, uint64_t random, struct buf *out)
{
	if (backend->affinity->is_persistent)
		buf_add(out, backend->endpoints[endpoint].id);
	else
		add_balanced_key(backend, endpoint, random, out);
	buf_add_char(out, '|');
	buf_add(out, backend->affinity->backend_id);
}

/* ------------------------------------------------------------------------------------------------------------ attributes */

static bool has(struct str text, struct str part)
{
	return str_find_str(text, part) < text.len;
}

/* "Chrome/63" … : the number behind `name` is within the bounds. */
static bool has_version(struct str agent, struct str name, unsigned from, unsigned to)
{
	size_t at = str_find_str(agent, name);
	struct str digits = str_from_index(agent, at + name.len);
	size_t n = 0;
	uint64_t version;

	while (n < digits.len && digits.ptr[n] >= '0' && digits.ptr[n] <= '9')
		n++;
	return at < agent.len && str_to_u64(str_first(digits, n), 10000, &version) && version >= from && version <= to;
}

/* Browsers that take SameSite=None for Strict, or refuse the cookie. */
static bool mistakes_none(struct str agent)
{
	if (has(agent, STR("iPhone; CPU iPhone OS 12_")) || has(agent, STR("iPad; CPU OS 12_")))
		return true;
	if (has(agent, STR("OS X 10_14_")) && has(agent, STR("Version/")) && has(agent, STR("Safari")))
		return true;
	return has_version(agent, STR("Chrome/"), 51, 66) || has_version(agent, STR("Chromium/"), 51, 66);
}

static void add_expiry(const struct affinity *a, uint64_t unix_s, struct buf *out)
{
	char date[CLOCK_TEXT_MAX];

	if (a->expires_s) {
		clock_http_date(unix_s + a->expires_s, date);
		date[7] = date[11] = '-'; /* I15: "Wdy, DD-Mon-YYYY HH:MM:SS GMT", less two digits of the year */
		buf_printf(out, "; Expires=%.12s%s", date, date + 14);
	}
	if (a->max_age_s)
		buf_printf(out, "; Max-Age=%" PRIu32, a->max_age_s);
}

/* A semicolon would begin an attribute: the cookie is then for the folder before it, which holds the route. */
static struct str path_attribute(struct str path)
{
	size_t semicolon = str_find(path, ';');

	return semicolon == path.len ? path : str_first(path, str_rfind(str_first(path, semicolon), '/') + 1);
}

void affinity_write_cookie(const struct backend *backend, const struct affinity_cookie *cookie, struct buf *out)
{
	const struct affinity *a = backend->affinity;
	struct str path = a->path.len ? a->path : path_attribute(cookie->route_path);

	buf_printf(out, "Set-Cookie: %.*s=%.*s", STR_ARG(a->cookie_name), STR_ARG(cookie->value));
	add_expiry(a, cookie->unix_s, out);
	if (a->domain.len)
		buf_printf(out, "; Domain=%.*s", STR_ARG(a->domain));
	buf_printf(out, "; Path=%.*s", STR_ARG(path));
	if (a->secure || cookie->is_tls)
		buf_add(out, STR("; Secure"));
	buf_add(out, STR("; HttpOnly"));
	if (a->samesite.len && !(a->conditional_samesite_none && str_eq(a->samesite, STR("None")) &&
				       mistakes_none(cookie->user_agent)))
		buf_printf(out, "; SameSite=%.*s", STR_ARG(a->samesite));
	buf_add(out, STR("\r\n"));
}

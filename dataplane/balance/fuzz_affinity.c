/*
 * Cookies of a client (SEMANTICS I10 to I15, I22): "options, name LF route's path LF User-Agent LF Cookie fields, a line each". Whatever
 * they are, they lead to an endpoint of the backend or to none, to a canary or not, always to the same; and what we set is one field
 * line whose cookie, sent back behind all the others, leads where it was meant to.
 */
#include <stdlib.h>

#include "affinity.h"
#include "canary.h"
#include "expression.h"
#include "test_content.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KIND(x) WEIRLOCK__V1__KIND__KIND_##x
enum { N_ENDPOINTS = 5, N_FIELDS = 8, ID_LEN = 12 };

static const struct generation *generation;
static struct affinity affinity;
static struct backend backend; /* the generation's, but for its affinity */

static void must(bool is_so)
{
	if (!is_so)
		abort();
}

static const struct generation *make_generation(void)
{
	static char name[] = "ns/main:80", slice[] = "ns/main:80/1", cookie_name[] = "route";
	static uint8_t ips[N_ENDPOINTS][4], ids[N_ENDPOINTS][ID_LEN], backend_id[ID_LEN] = {0xb0};
	Weirlock__V1__Affinity a = WEIRLOCK__V1__AFFINITY__INIT;
	Weirlock__V1__Backend b = WEIRLOCK__V1__BACKEND__INIT;
	Weirlock__V1__Endpoints set = WEIRLOCK__V1__ENDPOINTS__INIT;
	Weirlock__V1__Endpoint all[N_ENDPOINTS], *items[N_ENDPOINTS];
	struct content *c = content_create();
	struct config_errors errors = {0};
	const struct generation *g;

	put_settings(c);
	a.cookie_name = cookie_name;
	a.backend_id = (ProtobufCBinaryData){ID_LEN, backend_id};
	b.affinity = &a;
	put_message(c, KIND(BACKEND), name, &b);
	for (unsigned i = 0; i < N_ENDPOINTS; i++) {
		weirlock__v1__endpoint__init(&all[i]);
		ips[i][0] = 10;
		ips[i][3] = ids[i][0] = (uint8_t)(i + 1);
		all[i].ip = (ProtobufCBinaryData){4, ips[i]};
		all[i].id = (ProtobufCBinaryData){ID_LEN, ids[i]};
		all[i].port = 80;
		items[i] = &all[i];
	}
	set.backend = name;
	set.endpoints = items;
	set.n_endpoints = N_ENDPOINTS;
	put_message(c, KIND(ENDPOINTS), slice, &set);
	g = config_compile(c, NULL, &errors);
	must(g && !errors.n);
	content_destroy(c);
	return g;
}

static void prepare(uint8_t options)
{
	size_t cursor = 0;

	if (!generation) {
		generation = make_generation();
		backend = *generation_next_backend(generation, &cursor);
		must(backend.n_endpoints == N_ENDPOINTS && backend.affinity);
		affinity = *backend.affinity;
		backend.affinity = &affinity;
	}
	affinity.is_persistent = options & 1;
	affinity.secure = options & 2;
	affinity.conditional_samesite_none = options & 4;
	affinity.expires_s = options & 8 ? 3600 : 0;
	affinity.max_age_s = options & 8 ? 60 : 0;
	affinity.samesite = options & 16 ? STR("None") : STR("");
}

/* What the parsers let through. */
static size_t read_fields(struct str rest, struct http_field *fields)
{
	struct str line;
	size_t n = 0;

	while (n < N_FIELDS && str_next(&rest, '\n', &line)) {
		if (http_is_field_value(line))
			fields[n++] = (struct http_field){.name = STR("Cookie"), .value = str_trim(line), .id = FIELD_COOKIE};
	}
	return n;
}

static void check_value(struct str value)
{
	int at = affinity_find(&backend, value);
	size_t bar = str_rfind(value, '|');
	struct str key = str_first(value, bar);

	must(at >= -1 && at < N_ENDPOINTS && at == affinity_find(&backend, value));
	must(str_find(value, ';') == value.len && str_eq(value, str_trim(value)) && http_is_field_value(value));
	must(affinity_is_of(&backend, value) == (bar < value.len && str_eq(str_from_index(value, bar + 1), affinity.backend_id)));
	if (affinity.is_persistent)
		must(at < 0 || str_eq(backend.endpoints[at].id, key));
	else
		must((at < 0) == (value.len == 0));
}

/* Sessions, then the cookie, then the draw (I22, I23). */
static void check_canary(const struct http_head *head, struct str name, uint64_t draw)
{
	struct canary canary = {.by_cookie = name, .weight = 50, .weight_total = 100};
	struct route route = {.canaries = &canary, .n_canaries = 1};
	struct backend plain = {.n_endpoints = 1};
	bool is_taken = draw >> 32 < UINT32_MAX / 2 + 1ull;
	struct str value;

	canary.backend_index = backend.index;
	if (http_cookie(head, affinity.cookie_name, &value) && affinity_is_of(&backend, value))
		is_taken = true;
	else if (name.len && http_cookie(head, name, &value))
		is_taken = str_eq(value, STR("always")) || (is_taken && !str_eq(value, STR("never")));
	must(canary_choose(generation, &route, &plain, head, draw) == (is_taken ? &canary : NULL));
	canary.backend_index = BACKEND_NONE;
	must(canary_choose(generation, &route, &plain, head, draw) == NULL);
}

/* One line, of the form that we write, with nothing of the client's in it. */
static void check_line(struct str line, struct str value, struct str path)
{
	struct str rest, piece;
	size_t n = 0;

	must(str_starts_with(line, STR("Set-Cookie: route=")) && str_ends_with(line, STR("\r\n")));
	rest = str_first(line, line.len - 2);
	must(http_is_field_value(rest));
	rest = str_from_index(rest, sizeof("Set-Cookie: route=") - 1);
	while (str_next(&rest, ';', &piece)) {
		if (n++ == 0) {
			must(str_eq(piece, value));
		} else if (str_starts_with(piece, STR(" Path="))) {
			piece = str_from_index(piece, 6);
			must(str_starts_with(path, piece) && (str_eq(path, piece) || str_ends_with(piece, STR("/"))));
		} else {
			must(str_starts_with(piece, STR(" Expires=")) || str_eq(piece, STR(" Max-Age=60")) || str_eq(piece, STR(" Secure")) ||
				str_eq(piece, STR(" HttpOnly")) || str_eq(piece, STR(" SameSite=None")));
		}
	}
}

static void check_set(struct http_head *head, const struct affinity_cookie *asked, unsigned endpoint, uint64_t random)
{
	struct affinity_cookie cookie = *asked;
	struct buf value = {0}, line = {0}, back = {0};
	struct str found;
	bool has_one = http_cookie(head, affinity.cookie_name, &found);

	affinity_write_value(&backend, endpoint, random, &value);
	cookie.value = buf_str(&value);
	check_value(cookie.value);
	must(affinity_find(&backend, cookie.value) == (int)endpoint && affinity_is_of(&backend, cookie.value));
	affinity_write_cookie(&backend, &cookie, &line);
	check_line(buf_str(&line), cookie.value, cookie.route_path);
	buf_printf(&back, "x=y; %.*s=%.*s", STR_ARG(affinity.cookie_name), STR_ARG(cookie.value));
	head->fields[head->n_fields++] = (struct http_field){.name = STR("Cookie"), .value = buf_str(&back), .id = FIELD_COOKIE};
	must(has_one || (http_cookie(head, affinity.cookie_name, &found) && str_eq(found, cookie.value)));
	head->n_fields--;
	buf_deinit(&back);
	buf_deinit(&line);
	buf_deinit(&value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_field fields[N_FIELDS + 1];
	struct http_head head = {.fields = fields};
	struct str rest = str_of(data, size), name = {0}, path = {0}, agent = {0}, value;
	uint64_t random = 0;

	if (size < 2 || size > 4096)
		return 0;
	prepare(data[0]);
	rest = str_from_index(rest, 1);
	str_next(&rest, '\n', &name);
	str_next(&rest, '\n', &path);
	str_next(&rest, '\n', &agent);
	for (size_t i = 0; i < size; i++)
		random = random * 31 + data[i];
	head.n_fields = read_fields(rest, fields);
	if (http_cookie(&head, affinity.cookie_name, &value))
		check_value(value);
	if (http_cookie(&head, name, &value))
		check_value(value);
	check_canary(&head, name, random);
	if (path.len && path.ptr[0] == '/' && http_is_field_value(path) && http_is_field_value(agent)) {
		struct affinity_cookie cookie = {.route_path = path, .user_agent = agent, .is_tls = size % 2, .unix_s = 1445412480};

		check_set(&head, &cookie, (unsigned)(random % N_ENDPOINTS), random);
	}
	return 0;
}

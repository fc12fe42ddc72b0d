/* From what there is and the time, to what there should be. */
#include "plan.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "issue.h"
#include "mem.h"

enum { DAY_S = 86400, SESSION_BYTES = 32 };

size_t plan_n_secrets(const struct pools *pools)
{
	return PLAN_PROXY + pools->n;
}

static const char *who_of(size_t which)
{
	static const char *const names[] = {"ca", "controller", "operator", "proxy"};

	return names[which < PLAN_PROXY ? which : PLAN_PROXY];
}

static const char *pool_of(const struct pools *pools, size_t which)
{
	return which < PLAN_PROXY ? NULL : pools->items[which - PLAN_PROXY].name;
}

void plan_add_name(const struct pools *pools, size_t which, struct buf *out)
{
	const char *pool = pool_of(pools, which);

	buf_add(out, str_from(who_of(which)));
	if (pool && strcmp(pool, POOL_DEFAULT) != 0)
		buf_printf(out, "-%s", pool);
}

const char *plan_field_name(enum plan_field field)
{
	static const char *const names[PLAN_FIELDS] = {"tls.crt", "tls.key", "ca.crt", "next.crt", "next.key", "session.key"};

	return names[field];
}

static void wipe(struct buf *b)
{
	if (b->ptr)
		mem_wipe(b->ptr, b->len);
	buf_deinit(b);
}

void plan_content_deinit(struct plan_content *c)
{
	for (size_t i = 0; i < PLAN_FIELDS; i++)
		wipe(&c->fields[i]);
	*c = (struct plan_content){0};
}

int64_t plan_overlap_s(int64_t ca_s)
{
	return ca_s / 10 < DAY_S ? ca_s / 10 : DAY_S;
}

/* A certificate that cannot be read is due as well. */
static bool is_due(const struct buf *crt, int64_t now_s)
{
	int64_t made_s, ends_s;

	return !issue_times(buf_str(crt), &made_s, &ends_s) || now_s >= ends_s - (ends_s - made_s) / 3;
}

static bool has_ended(const struct buf *crt, int64_t now_s)
{
	int64_t made_s, ends_s;

	return !issue_times(buf_str(crt), &made_s, &ends_s) || now_s >= ends_s;
}

static void set(struct plan_content *c, enum plan_field field, struct buf *value)
{
	wipe(&c->fields[field]);
	c->fields[field] = *value;
	*value = (struct buf){0};
	c->is_dirty = true;
}

static void make_ca(struct plan_content *ca, enum plan_field crt_field, enum plan_field key_field, const struct plan_times *times, int64_t now_s)
{
	struct buf crt = {0}, key = {0};

	if (!issue_ca(now_s, times->ca_s, &crt, &key))
		abort(); /* no randomness, or no memory */
	set(ca, crt_field, &crt);
	set(ca, key_field, &key);
}

/* It has been trusted for long enough to sign. */
static bool is_trusted_by_all(const struct plan_content *ca, const struct plan_times *times, int64_t now_s)
{
	int64_t made_s, ends_s;

	return issue_times(buf_str(&ca->fields[PLAN_NEXT_CRT]), &made_s, &ends_s) && now_s >= made_s + times->overlap_s;
}

static void plan_ca(struct plan_content *ca, const struct plan_times *times, int64_t now_s)
{
	struct buf *fields = ca->fields;

	if (has_ended(&fields[PLAN_TLS_CRT], now_s) && !fields[PLAN_NEXT_CRT].len)
		make_ca(ca, PLAN_TLS_CRT, PLAN_TLS_KEY, times, now_s);
	else if (!fields[PLAN_NEXT_CRT].len && is_due(&fields[PLAN_TLS_CRT], now_s))
		make_ca(ca, PLAN_NEXT_CRT, PLAN_NEXT_KEY, times, now_s);
	else if (fields[PLAN_NEXT_CRT].len && is_trusted_by_all(ca, times, now_s)) {
		set(ca, PLAN_TLS_CRT, &fields[PLAN_NEXT_CRT]);
		set(ca, PLAN_TLS_KEY, &fields[PLAN_NEXT_KEY]);
	}
	ca->is_there = ca->is_ours = true;
}

/* `trusted`: what identities without a CA of ours trusted before. */
static void plan_bundle(struct plan_content *ca, struct str trusted, int64_t now_s)
{
	struct buf bundle = {0};

	issue_bundle(buf_str(&ca->fields[PLAN_TLS_CRT]), now_s, &bundle);
	issue_bundle(buf_str(&ca->fields[PLAN_NEXT_CRT]), now_s, &bundle);
	issue_bundle(buf_str(&ca->fields[PLAN_CA_CRT]), now_s, &bundle);
	issue_bundle(trusted, now_s, &bundle);
	if (!str_eq(buf_str(&bundle), buf_str(&ca->fields[PLAN_CA_CRT])))
		set(ca, PLAN_CA_CRT, &bundle);
	buf_deinit(&bundle);
}

static bool plan_identity(struct plan_content *c, const char *who, const char *pool, const struct plan_content *ca, const struct plan_times *times,
	int64_t now_s)
{
	struct str ca_crt = buf_str(&ca->fields[PLAN_TLS_CRT]), ca_key = buf_str(&ca->fields[PLAN_TLS_KEY]);
	struct buf crt = {0}, key = {0}, bundle = {0};

	if (is_due(&c->fields[PLAN_TLS_CRT], now_s) || !issue_is_by(buf_str(&c->fields[PLAN_TLS_CRT]), ca_crt)) {
		if (!issue_identity(who, pool, ca_crt, ca_key, now_s, times->identity_s, &crt, &key))
			return false;
		set(c, PLAN_TLS_CRT, &crt);
		set(c, PLAN_TLS_KEY, &key);
	}
	if (!str_eq(buf_str(&c->fields[PLAN_CA_CRT]), buf_str(&ca->fields[PLAN_CA_CRT]))) {
		buf_add(&bundle, buf_str(&ca->fields[PLAN_CA_CRT]));
		set(c, PLAN_CA_CRT, &bundle);
	}
	c->is_there = c->is_ours = true;
	return true;
}

static void plan_session_key(struct plan_content *controller)
{
	unsigned char random[SESSION_BYTES];
	struct buf key = {0};

	if (controller->fields[PLAN_SESSION_KEY].len)
		return;
	if (RAND_bytes(random, sizeof(random)) != 1)
		abort();
	buf_add_hex(&key, str_of(random, sizeof(random)));
	mem_wipe(random, sizeof(random));
	set(controller, PLAN_SESSION_KEY, &key);
}

bool plan_make(struct plan_content *secrets, const struct pools *pools, const struct plan_times *times, int64_t now_s, size_t *where, const char **why)
{
	struct plan_content *ca = &secrets[PLAN_CA];

	for (size_t i = 0; i < plan_n_secrets(pools); i++) {
		*where = i;
		*why = "no controller made it, and so none changes it: delete it, or leave --channel-secrets out";
		if (secrets[i].is_there && !secrets[i].is_ours)
			return false;
	}
	plan_ca(ca, times, now_s);
	plan_bundle(ca, buf_str(&secrets[PLAN_CONTROLLER].fields[PLAN_CA_CRT]), now_s);
	plan_session_key(&secrets[PLAN_CONTROLLER]);
	for (size_t i = PLAN_CONTROLLER; i < plan_n_secrets(pools); i++) {
		if (!plan_identity(&secrets[i], who_of(i), pool_of(pools, i), ca, times, now_s)) {
			*where = PLAN_CA;
			*why = "its certificate and key do not fit: delete it, and a new one is made";
			return false;
		}
	}
	return true;
}

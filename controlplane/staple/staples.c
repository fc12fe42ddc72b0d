/*
 * One entry a certificate, by its fingerprint, however many Secrets and pools have it. The entry that is due first is asked for
 * first, at most two at a time, each in a thread of the pool; the answer is judged on the loop. Proxies are told of what has a
 * greater version than the one they have seen.
 */
#include "staples.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>

#include "ocsp_answer.h"
#include "ocsp_ask.h"
#include "clock.h"
#include "log.h"
#include "map.h"
#include "mem.h"
#include "weirlock/v1/snapshot.pb-c.h"

enum { IN_FLIGHT_MAX = 2, FINGERPRINT_BYTES = 32, ANSWER_BYTES = 128 * 1024, TELL_AFTER_FAILURES = 2, HOUR_S = 3600 };

enum entry_state { ENTRY_WAITING, ENTRY_GOOD, ENTRY_REVOKED, ENTRY_FAILED, ENTRY_UNASKED };
static const char *const state_words[] = {"waiting", "good", "revoked", "failed", "not_asked"};

struct entry {
	uint8_t fingerprint[FINGERPRINT_BYTES];
	struct staple_subject *subject; /* NULL: it cannot be asked for */
	struct str secret;              /* "namespace/name" of one that has it, for people; owned */
	const char *rule;               /* what is wrong (static) */
	bool is_fault;                  /* and its owner should know */
	enum entry_state state;
	unsigned *uses;                 /* by Secrets of each pool */
	unsigned n_uses, n_failures;
	bool is_asked;                  /* a question is on its way */
	uint64_t due_ms;
	struct buf answer;              /* good until then; empty: none */
	int64_t until_s;
	uint64_t version;               /* of `answer`; 0: there never was one */
};

struct pool {
	struct content *content; /* that the entries are of; NULL: none */
	struct map names;        /* "namespace/secret" -> struct entry */
	struct resource *settings; /* as last read; or NULL */
	bool is_on;              /* they say */
};

struct question {
	uv_work_t work;
	struct staples *owner;
	uint8_t fingerprint[FINGERPRINT_BYTES];
	char *url;
	struct buf body, answer;
	struct cidr *allowed;
	size_t n_allowed;
	const char *why;
};

struct staples {
	uv_loop_t *loop;
	uv_timer_t timer;
	struct map entries; /* by fingerprint */
	struct pool *pools;
	size_t n_pools;
	struct cidr *allowed; /* ocsp-responder-cidr */
	size_t n_allowed;
	uint64_t epoch, version;
	unsigned n_in_flight;
	atomic_bool is_over;
	bool is_closed;       /* its handle is */
	uint64_t n_asked, n_good, n_failed;
};

static struct str key_of(const uint8_t fingerprint[FINGERPRINT_BYTES])
{
	return str_of((const char *)fingerprint, FINGERPRINT_BYTES);
}

/* ------------------------------------------------------------------------------------------------------------- asking */

static void look(struct staples *s);

/* For as many as possible in one direction, so that replicas and proxies do not all ask at once. */
static uint64_t spread(uint64_t wait_ms)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return wait_ms;
	return wait_ms - wait_ms / 10 * (random % 1024) / 1024;
}

static void set_due(struct entry *e, int64_t wait_s)
{
	e->due_ms = clock_mono_ms() + spread((uint64_t)wait_s * 1000);
}

static void drop_answer(struct staples *s, struct entry *e)
{
	if (!e->answer.len)
		return;
	buf_deinit(&e->answer);
	e->version = ++s->version;
}

static void note_good(struct staples *s, struct entry *e, struct str answer, int64_t now_s, int64_t until_s)
{
	s->n_good++;
	if (e->state != ENTRY_GOOD)
		log_info("staple", "answer of the OCSP responder is good secret=%.*s", STR_ARG(e->secret));
	e->state = ENTRY_GOOD;
	e->rule = NULL;
	e->n_failures = 0;
	buf_deinit(&e->answer);
	buf_add(&e->answer, answer);
	e->until_s = until_s;
	e->version = ++s->version;
	set_due(e, staple_refresh_s(now_s, until_s));
}

static void note_revoked(struct staples *s, struct entry *e)
{
	if (e->state != ENTRY_REVOKED) {
		log_warn("staple", "certificate is revoked secret=%.*s", STR_ARG(e->secret));
		e->version = ++s->version; /* a proxy may have a good one, from whoever asked before */
	}
	e->state = ENTRY_REVOKED;
	e->n_failures = 0;
	drop_answer(s, e);
	set_due(e, HOUR_S);
}

static void note_failed(struct staples *s, struct entry *e, const char *why, int64_t now_s)
{
	s->n_failed++;
	if (!e->n_failures++)
		log_warn("staple", "no good answer of the OCSP responder secret=%.*s url=%s: it is not %s", STR_ARG(e->secret),
			staple_subject_url(e->subject), why);
	e->rule = why;
	if (e->answer.len && e->until_s <= now_s)
		drop_answer(s, e);
	if (!e->answer.len && e->state != ENTRY_REVOKED)
		e->state = ENTRY_FAILED;
	set_due(e, staple_retry_s(e->n_failures));
}

static void take(struct staples *s, struct entry *e, const struct question *q)
{
	int64_t now_s = (int64_t)(clock_wall_ms() / 1000), until_s;
	const char *why = q->why;

	e->is_asked = false;
	if (why) {
		note_failed(s, e, why, now_s);
		return;
	}
	switch (staple_subject_judge(e->subject, buf_str(&q->answer), now_s, &until_s, &why)) {
	case STAPLE_GOOD:
		note_good(s, e, buf_str(&q->answer), now_s, until_s);
		return;
	case STAPLE_REVOKED:
		note_revoked(s, e);
		return;
	case STAPLE_UNUSABLE:
		note_failed(s, e, why, now_s);
		return;
	}
	abort();
}

static void free_question(struct question *q)
{
	buf_deinit(&q->body);
	buf_deinit(&q->answer);
	mem_free(q->url);
	mem_free(q->allowed);
	mem_free(q);
}

static void free_all(struct staples *s)
{
	if (s->n_in_flight || !s->is_closed)
		return;
	curl_global_cleanup();
	mem_free(s->pools);
	mem_free(s->allowed);
	mem_free(s);
}

static void do_ask(uv_work_t *work)
{
	struct question *q = container_of(work, struct question, work);
	const struct ask a = {q->url, buf_str(&q->body), q->allowed, q->n_allowed, &q->owner->is_over};

	q->why = ask(&a, &q->answer);
}

static void on_asked(uv_work_t *work, int status)
{
	struct question *q = container_of(work, struct question, work);
	struct staples *s = q->owner;
	struct entry *e = map_get(&s->entries, key_of(q->fingerprint));

	s->n_in_flight--;
	if (e && !status && !atomic_load(&s->is_over))
		take(s, e, q);
	free_question(q);
	if (atomic_load(&s->is_over))
		free_all(s);
	else
		look(s);
}

static void ask_for(struct staples *s, struct entry *e)
{
	struct question *q = mem_zalloc(sizeof(*q));

	q->owner = s;
	memcpy(q->fingerprint, e->fingerprint, sizeof(q->fingerprint));
	q->url = mem_strdup(str_from(staple_subject_url(e->subject)));
	staple_subject_request(e->subject, &q->body);
	buf_init(&q->answer, ASK_ANSWER_MAX);
	q->allowed = mem_calloc(s->n_allowed ? s->n_allowed : 1, sizeof(*q->allowed));
	q->n_allowed = s->n_allowed;
	for (size_t i = 0; i < s->n_allowed; i++)
		q->allowed[i] = s->allowed[i];
	s->n_asked++;
	s->n_in_flight++;
	e->is_asked = true;
	if (!uv_queue_work(s->loop, &q->work, do_ask, on_asked))
		return;
	s->n_in_flight--;
	e->is_asked = false;
	set_due(e, staple_retry_s(1));
	free_question(q);
}

/* Which is due first; NULL: none waits. */
static struct entry *first_due(const struct staples *s)
{
	struct entry *first = NULL;
	size_t cursor = 0;
	void *value;

	while (map_next(&s->entries, &cursor, NULL, &value)) {
		struct entry *e = value;

		if (e->subject && !e->is_asked && (!first || e->due_ms < first->due_ms))
			first = e;
	}
	return first;
}

static void on_timer(uv_timer_t *timer)
{
	look(container_of(timer, struct staples, timer));
}

static void look(struct staples *s)
{
	uint64_t now_ms = clock_mono_ms();
	struct entry *e = first_due(s);

	uv_timer_stop(&s->timer);
	while (e && e->due_ms <= now_ms && s->n_in_flight < IN_FLIGHT_MAX) {
		ask_for(s, e);
		e = first_due(s);
	}
	if (e && s->n_in_flight < IN_FLIGHT_MAX)
		uv_timer_start(&s->timer, on_timer, e->due_ms - now_ms, 0);
}

/* -------------------------------------------------------------------------------------------------------- certificates */

static void free_entry(struct entry *e)
{
	staple_subject_destroy(e->subject);
	buf_deinit(&e->answer);
	mem_free((char *)(uintptr_t)e->secret.ptr);
	mem_free(e->uses);
	mem_free(e);
}

static struct entry *make_entry(struct staples *s, struct str secret, const Weirlock__V1__Certificate *m)
{
	struct entry *e = mem_zalloc(sizeof(*e));

	memcpy(e->fingerprint, m->fingerprint.data, FINGERPRINT_BYTES);
	e->subject = staple_subject_create(str_of((const char *)m->chain_pem.data, m->chain_pem.len), &e->rule, &e->is_fault);
	e->state = e->subject ? ENTRY_WAITING : ENTRY_UNASKED;
	e->secret = str_of(mem_strdup(secret), secret.len);
	e->uses = mem_calloc(s->n_pools, sizeof(*e->uses));
	map_put(&s->entries, key_of(e->fingerprint), e);
	return e;
}

static void forget(struct staples *s, size_t pool, struct str name)
{
	struct entry *e = map_del(&s->pools[pool].names, name);

	if (!e)
		return;
	e->uses[pool]--;
	if (--e->n_uses)
		return;
	map_del(&s->entries, key_of(e->fingerprint));
	free_entry(e);
}

static void add(struct staples *s, size_t pool, const struct resource *r)
{
	Weirlock__V1__Certificate *m = weirlock__v1__certificate__unpack(NULL, r->body.len, (const uint8_t *)r->body.ptr);
	struct entry *e;

	if (m && m->fingerprint.len == FINGERPRINT_BYTES) {
		e = map_get(&s->entries, key_of(m->fingerprint.data));
		if (!e)
			e = make_entry(s, r->name, m);
		e->uses[pool]++;
		e->n_uses++;
		if (e->uses[pool] == 1 && e->answer.len)
			e->version = ++s->version; /* this pool has not heard of it */
		map_put(&s->pools[pool].names, r->name, e);
	}
	if (m && m->key_pem.len)
		mem_wipe(m->key_pem.data, m->key_pem.len);
	if (m)
		weirlock__v1__certificate__free_unpacked(m, NULL);
}

static void take_allowed(struct staples *s, const Weirlock__V1__Settings *m)
{
	mem_free(s->allowed);
	s->allowed = mem_calloc(m->n_ocsp_responder_cidr ? m->n_ocsp_responder_cidr : 1, sizeof(*s->allowed));
	s->n_allowed = 0;
	for (size_t i = 0; i < m->n_ocsp_responder_cidr; i++) {
		const Weirlock__V1__Cidr *in = m->ocsp_responder_cidr[i];
		struct cidr *out = &s->allowed[s->n_allowed];

		out->prefix = (uint8_t)in->prefix;
		s->n_allowed += addr_from_bytes(str_of((const char *)in->ip.data, in->ip.len), 0, &out->net);
	}
}

/* What failed is tried again: the reason may be gone. */
static void hurry(struct staples *s)
{
	size_t cursor = 0;
	void *value;

	while (map_next(&s->entries, &cursor, NULL, &value)) {
		struct entry *e = value;

		if (e->n_failures)
			e->due_ms = 0;
	}
}

/* Looks again where they are others than before. */
static bool is_on(struct staples *s, struct pool *p, struct content *content)
{
	struct resource *r = content ? content_get(content, WEIRLOCK__V1__KIND__KIND_SETTINGS, STR("")) : NULL;
	Weirlock__V1__Settings *m;

	if (r == p->settings)
		return p->is_on;
	if (p->settings)
		resource_unref(&p->settings);
	p->settings = r ? resource_ref(r) : NULL;
	m = r ? weirlock__v1__settings__unpack(NULL, r->body.len, (const uint8_t *)r->body.ptr) : NULL;
	p->is_on = m && m->enable_ocsp;
	if (p->is_on) {
		take_allowed(s, m);
		hurry(s);
	}
	if (m)
		weirlock__v1__settings__free_unpacked(m, NULL);
	return p->is_on;
}

void staples_apply(struct staples *s, size_t pool, struct content *content)
{
	struct pool *p = &s->pools[pool];
	struct content *to = is_on(s, p, content) ? content_copy(content) : NULL;
	struct content_change change;
	struct arena arena = {0};

	if (!p->content && !to)
		return;
	content_diff(p->content, to, &arena, &change);
	for (size_t i = 0; i < change.n_drop; i++) {
		if (change.drop[i]->kind == WEIRLOCK__V1__KIND__KIND_CERTIFICATE)
			forget(s, pool, change.drop[i]->name);
	}
	for (size_t i = 0; i < change.n_put; i++) {
		if (change.put[i]->kind != WEIRLOCK__V1__KIND__KIND_CERTIFICATE)
			continue;
		forget(s, pool, change.put[i]->name);
		add(s, pool, change.put[i]);
	}
	arena_deinit(&arena);
	content_destroy(p->content);
	p->content = to;
	look(s);
}

/* ------------------------------------------------------------------------------------------------------------- proxies */

static int by_version(const void *a, const void *b)
{
	const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;

	return x->version < y->version ? -1 : x->version > y->version;
}

/* Those of the pool that are newer, in the order of their versions; an array in `arena`. */
static struct entry **newer(const struct staples *s, size_t pool, uint64_t version, struct arena *arena, size_t *n)
{
	struct entry **all = arena_alloc(arena, (s->entries.n + 1) * sizeof(struct entry *));
	size_t cursor = 0;
	void *value;

	*n = 0;
	while (map_next(&s->entries, &cursor, NULL, &value)) {
		struct entry *e = value;

		if (e->uses[pool] && e->version > version)
			all[(*n)++] = e;
	}
	if (*n > 1)
		qsort(all, *n, sizeof(struct entry *), by_version);
	return all;
}

static Weirlock__V1__Staple *message_of(struct entry *e, struct arena *arena)
{
	Weirlock__V1__Staple *m = arena_alloc(arena, sizeof(*m));

	weirlock__v1__staple__init(m);
	m->fingerprint = (ProtobufCBinaryData){FINGERPRINT_BYTES, e->fingerprint};
	m->response = (ProtobufCBinaryData){e->answer.len, (uint8_t *)e->answer.ptr};
	m->expires_s = e->until_s;
	return m;
}

void staples_answer(struct staples *s, size_t pool, const Weirlock__V1__StaplesRequest *request, struct arena *arena,
	Weirlock__V1__StaplesResponse *out)
{
	uint64_t version = request->epoch == s->epoch ? request->version : 0;
	size_t n, bytes = 0;
	struct entry **all = newer(s, pool, version, arena, &n);

	out->epoch = s->epoch;
	out->version = s->version;
	out->staples = arena_alloc(arena, (n + 1) * sizeof(struct Weirlock__V1__Staple *));
	for (size_t i = 0; i < n; i++) {
		if (bytes > ANSWER_BYTES) {
			out->has_more = true;
			out->version = all[i - 1]->version;
			return;
		}
		out->staples[out->n_staples++] = message_of(all[i], arena);
		bytes += all[i]->answer.len + FINGERPRINT_BYTES;
	}
}

/* -------------------------------------------------------------------------------------------------------------- people */

static void add_problem(const struct entry *e, struct problems *out)
{
	struct buf object = {0}, rule = {0};
	struct problem p = {.field = STR("tls.crt")};

	buf_printf(&object, "Secret %.*s", STR_ARG(e->secret));
	p.object = buf_str(&object);
	if (e->state == ENTRY_REVOKED) {
		p.severity = SEVERITY_FAULT;
		p.rule = STR("a certificate that its authority has not revoked");
		p.fix = STR("have a new one issued");
		p.effect = STR("it is served, and clients that ask the authority refuse it");
	} else if (e->state == ENTRY_UNASKED) {
		p.severity = SEVERITY_WARN;
		p.rule = str_from(e->rule);
		p.fix = STR("put the certificate of the issuer behind it, into tls.crt");
		p.effect = STR("it is served without a staple, whatever enable-ocsp says");
	} else {
		buf_printf(&rule, "with an OCSP responder that can be asked: it is not %s", e->rule);
		p.severity = SEVERITY_WARN;
		p.value = str_from(staple_subject_url(e->subject));
		p.rule = buf_str(&rule);
		p.fix = STR("let the controller reach it; a responder of a private network is asked where ocsp-responder-cidr names it");
		p.effect = e->answer.len ? STR("the last answer is stapled until it expires") : STR("it is served without a staple");
	}
	problems_add(out, &p);
	buf_deinit(&object);
	buf_deinit(&rule);
}

void staples_problems(const struct staples *s, struct problems *out)
{
	size_t cursor = 0;
	void *value;

	while (map_next(&s->entries, &cursor, NULL, &value)) {
		const struct entry *e = value;

		if (e->state == ENTRY_REVOKED || (e->state == ENTRY_UNASKED && e->is_fault) || e->n_failures >= TELL_AFTER_FAILURES)
			add_problem(e, out);
	}
}

void staples_metrics(const struct staples *s, struct buf *out)
{
	unsigned counts[sizeof(state_words) / sizeof(state_words[0])] = {0};
	size_t cursor = 0;
	void *value;

	while (map_next(&s->entries, &cursor, NULL, &value))
		counts[((const struct entry *)value)->state]++;
	buf_add(out, STR("# HELP weirlock_controller_ocsp_certificates Certificates that enable-ocsp is on for, by what the responder says\n"
			 "# TYPE weirlock_controller_ocsp_certificates gauge\n"));
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		buf_printf(out, "weirlock_controller_ocsp_certificates{state=\"%s\"} %u\n", state_words[i], counts[i]);
	buf_printf(out,
		"# HELP weirlock_controller_ocsp_questions_total Questions to OCSP responders, by what came of them\n"
		"# TYPE weirlock_controller_ocsp_questions_total counter\n"
		"weirlock_controller_ocsp_questions_total{result=\"asked\"} %llu\n"
		"weirlock_controller_ocsp_questions_total{result=\"good\"} %llu\n"
		"weirlock_controller_ocsp_questions_total{result=\"failed\"} %llu\n",
		(unsigned long long)s->n_asked, (unsigned long long)s->n_good, (unsigned long long)s->n_failed);
}

/* ---------------------------------------------------------------------------------------------------------------- life */

struct staples *staples_create(uv_loop_t *loop, size_t n_pools)
{
	struct staples *s = mem_zalloc(sizeof(*s));

	curl_global_init(CURL_GLOBAL_DEFAULT);
	s->loop = loop;
	s->n_pools = n_pools;
	s->pools = mem_calloc(n_pools, sizeof(*s->pools));
	if (getrandom(&s->epoch, sizeof(s->epoch), 0) != (ssize_t)sizeof(s->epoch))
		abort();
	s->epoch |= 1; /* 0 is that of a proxy that has heard of none */
	uv_timer_init(loop, &s->timer);
	return s;
}

static void on_closed(uv_handle_t *handle)
{
	struct staples *s = container_of((uv_timer_t *)handle, struct staples, timer);

	s->is_closed = true;
	free_all(s);
}

void staples_close(struct staples *s)
{
	atomic_store(&s->is_over, true);
	for (size_t i = 0; i < s->n_pools; i++) {
		size_t cursor = 0;
		struct str name;
		void *value;

		while (map_next(&s->pools[i].names, &cursor, &name, &value)) {
			struct entry *e = value;

			e->n_uses--;
			if (!e->n_uses) {
				map_del(&s->entries, key_of(e->fingerprint));
				free_entry(e);
			}
		}
		map_deinit(&s->pools[i].names);
		content_destroy(s->pools[i].content);
		if (s->pools[i].settings)
			resource_unref(&s->pools[i].settings);
	}
	map_deinit(&s->entries);
	uv_close((uv_handle_t *)&s->timer, on_closed);
}

/* What belongs to a worker and all its exchanges. */
#include "env.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>

#include "exchange_private.h"
#include "log.h"
#include "mem.h"

void env_init(struct exchange_env *env, uv_loop_t *loop, uint64_t seed, struct accesslog_sink *sink)
{
	env->loop = loop;
	deadlines_init(&env->deadlines, uv_now(loop));
	laters_init(&env->laters);
	env->space = mem_alloc(ENV_READ_SIZE);
	buf_init(&env->heads, ENV_READ_SIZE);
	buf_init(&env->lines, ENV_READ_SIZE);
	env->pool = upstream_pool_create(loop, &env->deadlines, &env->laters);
	env->balance = balance_create(seed);
	accesslog_init(&env->log, sink, ACCESSLOG_REQUESTS);
	accesslog_init(&env->stream_log, sink, ACCESSLOG_SESSIONS);
}

static void drop_format(struct env_format *f)
{
	accesslog_format_destroy(f->format);
	mem_free((char *)(uintptr_t)f->text.ptr);
	*f = (struct env_format){0};
}

void env_deinit(struct exchange_env *env)
{
	while (env->spare) {
		struct exchange *next = env->spare->next;

		arena_deinit(&env->spare->arena);
		mem_free(env->spare);
		env->spare = next;
	}
	if (env->current)
		env_release(&env->current);
	while (env->n_spare_pipes)
		splice_close(&env->pipes[--env->n_spare_pipes]);
	accesslog_deinit(&env->log);
	accesslog_deinit(&env->stream_log);
	drop_format(&env->format);
	drop_format(&env->stream_format);
	upstream_pool_destroy(env->pool);
	balance_destroy(env->balance);
	buf_deinit(&env->heads);
	buf_deinit(&env->lines);
	mem_free(env->space);
	env->space = NULL;
}

static void set_pool_limits(struct exchange_env *env, const struct settings *s)
{
	const struct upstream_limits limits = {
		.max_idle = env->is_draining ? 0 : s->upstream_keepalive_connections,
		.max_requests = s->upstream_keepalive_requests,
		.idle_ms = s->upstream_keepalive_timeout_ms,
		.max_age_ms = s->upstream_keepalive_time_ms,
	};

	upstream_set_limits(env->pool, &limits);
}

/* Whether an endpoint of `old` is not in `new_`; both are sorted by address. */
static bool has_lost_one(const struct backend *old, const struct backend *new_)
{
	size_t at = 0, n = new_ ? new_->n_endpoints : 0;

	for (size_t i = 0; i < old->n_endpoints; i++) {
		while (at < n && addr_cmp(&new_->endpoints[at].addr, &old->endpoints[i].addr) < 0)
			at++;
		if (at == n || addr_cmp(&new_->endpoints[at].addr, &old->endpoints[i].addr) != 0)
			return true;
	}
	return false;
}

/* Looks at the backends that changed alone. */
static bool has_lost_endpoints(const struct generation *g, const struct generation *before)
{
	const struct backend *old;
	size_t cursor = 0;

	while (before && (old = generation_next_changed_backend(before, g, &cursor))) {
		const struct backend *new_ = generation_backend_at(g, old->index);

		if (new_ != old && has_lost_one(old, new_))
			return true;
	}
	return false;
}

static void drop_removed_endpoints(struct exchange_env *env, const struct generation *g, const struct generation *before)
{
	const struct backend *backend;
	size_t cursor = 0;

	if (!upstream_n_idle(env->pool) || !has_lost_endpoints(g, before))
		return;
	upstream_mark_begin(env->pool);
	while ((backend = generation_next_backend(g, &cursor))) {
		for (size_t i = 0; i < backend->n_endpoints; i++)
			upstream_mark(env->pool, &backend->endpoints[i].addr);
	}
	upstream_mark_end(env->pool);
}

/*
 * The format of the log belongs to the worker: it changes seldom, and its lines are not bound to a generation. `create_json`:
 * makes what is written instead; or NULL.
 */
static void set_format(struct env_format *f, struct str text, bool escapes_json, struct accesslog_format *(*create_json)(void))
{
	if (f->format && f->escapes_json == escapes_json && str_eq(text, f->text))
		return;
	drop_format(f);
	f->text = str_of(mem_strdup(text), text.len);
	f->escapes_json = escapes_json;
	f->format = create_json ? create_json() :
		accesslog_format_create(text, escapes_json ? ACCESSLOG_ESCAPE_JSON : ACCESSLOG_ESCAPE_TEXT, NULL);
}

static void set_formats(struct exchange_env *env, const struct settings *s)
{
	struct str requests = s->log_format_upstream.len ? s->log_format_upstream : str_from(accesslog_upstreaminfo);
	struct str sessions = s->log_format_stream.len ? s->log_format_stream : str_from(accesslog_stream);

	set_format(&env->format, requests, s->log_format_escape_json, env->logs_json ? accesslog_format_create_json : NULL);
	set_format(&env->stream_format, sessions, s->log_format_escape_json,
		env->logs_json ? accesslog_format_create_stream_json : NULL);
}

void env_set_generation(struct exchange_env *env, const struct generation *g)
{
	struct env_generation *held = mem_zalloc(sizeof(*held)), *former = env->current;
	const struct generation *before = former ? former->generation : NULL;

	assert(!generation_is_for_reading(g));
	held->generation = g;
	held->rules = *generation_clientaddr_rules(g);
	held->rules.https_port = env->https_port;
	held->n_users = 1;
	env->current = held;
	set_pool_limits(env, generation_settings(g));
	set_formats(env, generation_settings(g));
	drop_removed_endpoints(env, g, before);
	balance_apply(env->balance, g, before, uv_now(env->loop));
	if (former)
		env_release(&former);
}

struct env_generation *env_hold(struct exchange_env *env)
{
	env->current->n_users++;
	return env->current;
}

void env_release(struct env_generation **held)
{
	struct env_generation *h = *held;

	*held = NULL;
	if (!h || --h->n_users)
		return;
	generation_unref(&h->generation);
	mem_free(h);
}

const struct settings *env_settings(const struct exchange_env *env)
{
	return env->current ? generation_settings(env->current->generation) : NULL;
}

bool env_take_pipe(struct exchange_env *env, struct splice_pipe *out)
{
	if (env->n_spare_pipes) {
		*out = env->pipes[--env->n_spare_pipes];
		return true;
	}
	if (env->n_pipes == ENV_PIPES || splice_open(out) != 0)
		return false;
	env->n_pipes++;
	return true;
}

/* One with bytes in it is of no use to anybody else. */
void env_give_pipe(struct exchange_env *env, struct splice_pipe *pipe)
{
	if (!pipe->len && env->n_spare_pipes < ENV_SPARE_PIPES && !env->is_draining) {
		env->pipes[env->n_spare_pipes++] = *pipe;
		return;
	}
	splice_close(pipe);
	env->n_pipes--;
}

uint64_t env_now_us(const struct exchange_env *env)
{
	return uv_now(env->loop) * 1000;
}

struct str env_date(struct exchange_env *env)
{
	uint64_t now_ms = uv_now(env->loop);

	if (now_ms >= env->date_until_ms) {
		uint64_t wall_ms = clock_wall_ms();

		clock_http_date(wall_ms / 1000, env->date);
		env->date_until_ms = now_ms + (1000 - wall_ms % 1000);
	}
	return str_of(env->date, 29);
}

static void refill(struct env_random *random)
{
	size_t have = 0;

	while (have < sizeof(random->bytes)) {
		ssize_t n = getrandom(random->bytes + have, sizeof(random->bytes) - have, 0);

		if (n > 0)
			have += (size_t)n;
		else
			abort(); /* without randomness ids could repeat; Linux always has it once booted */
	}
	random->left = sizeof(random->bytes);
}

void env_random_bytes(struct exchange_env *env, unsigned char *out, size_t n)
{
	struct env_random *random = &env->random;

	assert(n <= 256);
	if (random->left < n)
		refill(random);
	memcpy(out, random->bytes + sizeof(random->bytes) - random->left, n);
	random->left -= n;
}

/* Four random bytes as eight digits: a half of a byte in each byte of a word, then '0' and for those above 9 the way to 'a'. */
static void put_hex(char *to, const unsigned char *from)
{
	const uint64_t ones = 0x0101010101010101u;
	uint32_t bytes;
	uint64_t halves, letters;

	memcpy(&bytes, from, sizeof(bytes));
	halves = (bytes & 0x0f0f0f0fu) | (uint64_t)(bytes >> 4 & 0x0f0f0f0fu) << 32;
	letters = (halves + ones * 6) >> 4 & ones;
	halves += ones * '0' + letters * ('a' - '0' - 10);
	memcpy(to, &halves, sizeof(halves));
}

void env_request_id(struct exchange_env *env, char id[32])
{
	unsigned char bytes[16];

	env_random_bytes(env, bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i += 4)
		put_hex(id + 2 * i, bytes + i);
}

/* As nginx numbers the ends of streams. */
static unsigned session_status(enum end_reason why)
{
	switch ((unsigned)why) {
	case END_BAD_PROXY_HEADER:
		return 400;
	case END_DENIED:
		return 403;
	case END_INTERNAL:
		return 500;
	case END_UPSTREAM_CONNECT_FAILED:
	case END_UPSTREAM_CONNECT_TIMEOUT:
		return 502;
	case END_NO_ENDPOINTS:
	case END_ENDPOINTS_FULL:
	case END_OVERLOADED:
		return 503;
	default:
		return 200;
	}
}

void env_log_session(struct exchange_env *env, struct accesslog_record *record)
{
	if (!env->stream_log.sink || !env_settings(env)->enable_stream_log)
		return;
	record->unix_ms = clock_wall_ms();
	record->status = session_status(record->reason);
	record->limit = end_limit(record->reason);
	accesslog_write(&env->stream_log, env->stream_format.format, record);
}

struct str env_log_name(struct str backend)
{
	char *text = mem_strdup(backend);

	for (size_t i = 0; i < backend.len; i++) {
		if (text[i] == '/' || text[i] == ':')
			text[i] = '-';
	}
	return str_of(text, backend.len);
}

void env_note_files(struct exchange_env *env)
{
	metrics_set(&env->metrics.body_file_bytes, env->spill_space.used_bytes);
}

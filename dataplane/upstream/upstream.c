/* Idle connections sit in two lists: of their group, to be found, and of the pool, to be evicted oldest first. */
#include "upstream.h"

#include <assert.h>

#include "map.h"
#include "mem.h"
#include "tls.h"

enum { NAME_MAX_BYTES = 255, KEY_MAX = 20 + NAME_MAX_BYTES };

/* All connections that lead to one place share one. Lives while it has connections, idle or in use. */
struct upstream_group {
	struct upstream_conn *idle; /* newest first */
	unsigned n_conns;
	struct addr addr;
	size_t key_len;
	char key[KEY_MAX];
};

struct upstream_pool {
	uv_loop_t *loop;
	struct deadlines *all;
	struct upstream_limits limits;
	struct map groups;
	struct map unmarked;           /* while marking: addresses of idle connections that are no endpoints so far */
	struct upstream_conn *newest, *oldest;
	unsigned n_idle, n_open;
};

static size_t make_key(const struct upstream_target *target, char key[KEY_MAX])
{
	struct str name = str_first(target->server_name, NAME_MAX_BYTES);

	key[0] = (char)target->addr.family;
	key[1] = target->is_tls ? 1 : 0;
	key[2] = (char)(target->addr.port >> 8);
	key[3] = (char)(target->addr.port & 0xff);
	memcpy(key + 4, target->addr.ip, 16);
	if (!target->is_tls || !name.len)
		return 20;
	memcpy(key + 20, name.ptr, name.len);
	return 20 + name.len;
}

struct upstream_pool *upstream_pool_create(uv_loop_t *loop, struct deadlines *all)
{
	struct upstream_pool *pool = mem_zalloc(sizeof(*pool));

	pool->loop = loop;
	pool->all = all;
	return pool;
}

/* ------------------------------------------------------------------------------------------------------ idle lists */

static void leave_idle(struct upstream_conn *conn)
{
	struct upstream_pool *pool = conn->pool;

	*(conn->prev ? &conn->prev->next : &conn->group->idle) = conn->next;
	if (conn->next)
		conn->next->prev = conn->prev;
	*(conn->lru_prev ? &conn->lru_prev->lru_next : &pool->newest) = conn->lru_next;
	*(conn->lru_next ? &conn->lru_next->lru_prev : &pool->oldest) = conn->lru_prev;
	conn->next = conn->prev = conn->lru_next = conn->lru_prev = NULL;
	deadline_clear(&conn->idle);
	pool->n_idle--;
}

static void enter_idle(struct upstream_conn *conn)
{
	struct upstream_pool *pool = conn->pool;

	conn->user = NULL;
	conn->prev = NULL;
	conn->next = conn->group->idle;
	if (conn->next)
		conn->next->prev = conn;
	conn->group->idle = conn;
	conn->lru_prev = NULL;
	conn->lru_next = pool->newest;
	*(conn->lru_next ? &conn->lru_next->lru_prev : &pool->oldest) = conn;
	pool->newest = conn;
	deadline_set(pool->all, &conn->idle, pool->limits.idle_ms);
	pool->n_idle++;
}

static void close_idle(struct upstream_conn *conn)
{
	leave_idle(conn);
	upstream_close(conn, false);
}

static void on_idle_expired(struct deadline *d)
{
	close_idle(container_of(d, struct upstream_conn, idle));
}

/* ------------------------------------------------------------------------------------------------------------ groups */

static struct upstream_group *find_or_make_group(struct upstream_pool *pool, const struct upstream_target *target)
{
	char key[KEY_MAX];
	size_t len = make_key(target, key);
	struct upstream_group *group = map_get(&pool->groups, str_of(key, len));

	if (group)
		return group;
	group = mem_zalloc(sizeof(*group));
	group->addr = target->addr;
	group->key_len = len;
	memcpy(group->key, key, len);
	map_put(&pool->groups, str_of(key, len), group);
	return group;
}

static void leave_group(struct upstream_conn *conn)
{
	struct upstream_group *group = conn->group;

	conn->group = NULL;
	if (--group->n_conns)
		return;
	map_del(&conn->pool->groups, str_of(group->key, group->key_len));
	mem_free(group);
}

/* ------------------------------------------------------------------------------------------------------- connections */

static void on_event(struct stream *s, unsigned events)
{
	struct upstream_conn *conn = container_of(s, struct upstream_conn, stream);

	conn->pool->all->now_ms = uv_now(conn->pool->loop);
	if (conn->user)
		conn->user->on_event(conn->user, events);
	else
		close_idle(conn); /* a close, an error, or bytes that no request asked for */
}

static void on_closed(uv_handle_t *handle)
{
	struct upstream_conn *conn = container_of((uv_poll_t *)handle, struct upstream_conn, stream.poll);

	conn->pool->n_open--;
	mem_free(conn);
}

struct upstream_conn *upstream_take(
	struct upstream_pool *pool, const struct upstream_target *target, struct upstream_user *user)
{
	char key[KEY_MAX];
	struct upstream_group *group;
	struct upstream_conn *conn;

	if (!pool->n_idle)
		return NULL;
	group = map_get(&pool->groups, str_of(key, make_key(target, key)));
	if (!group || !group->idle)
		return NULL;
	conn = group->idle;
	leave_idle(conn);
	conn->user = user;
	conn->n_requests++;
	return conn;
}

struct upstream_conn *upstream_connect(struct upstream_pool *pool, const struct upstream_target *target,
	struct upstream_user *user, int *error)
{
	struct upstream_conn *conn = mem_zalloc(sizeof(*conn));
	SSL *ssl = target->is_tls ? tls_connect_new(target->server_name) : NULL;

	*error = stream_connect(&conn->stream, pool->loop, &target->addr, ssl, on_event);
	if (*error) {
		mem_free(conn);
		return NULL;
	}
	conn->pool = pool;
	conn->group = find_or_make_group(pool, target);
	conn->group->n_conns++;
	conn->user = user;
	conn->idle.on_expired = on_idle_expired;
	conn->born_ms = pool->all->now_ms;
	conn->n_requests = 1;
	pool->n_open++;
	return conn;
}

void upstream_give_back(struct upstream_conn *conn)
{
	struct upstream_pool *pool = conn->pool;
	const struct upstream_limits *limits = &pool->limits;

	if (!limits->max_idle || conn->n_requests >= limits->max_requests || !limits->idle_ms ||
		(limits->max_age_ms && pool->all->now_ms - conn->born_ms >= limits->max_age_ms) ||
		stream_has_pending(&conn->stream)) {
		upstream_close(conn, false);
		return;
	}
	stream_want_read(&conn->stream, true);
	enter_idle(conn);
	while (pool->n_idle > limits->max_idle)
		close_idle(pool->oldest);
}

void upstream_close(struct upstream_conn *conn, bool is_reset)
{
	conn->user = NULL;
	deadline_stop(conn->pool->all, &conn->idle);
	leave_group(conn);
	stream_close(&conn->stream, is_reset, on_closed);
}

/* -------------------------------------------------------------------------------------------------------------- pool */

void upstream_set_limits(struct upstream_pool *pool, const struct upstream_limits *limits)
{
	pool->limits = *limits;
	while (pool->n_idle > limits->max_idle)
		close_idle(pool->oldest);
}

static struct str addr_key(const struct addr *addr, char key[KEY_MAX])
{
	const struct upstream_target target = {.addr = *addr};

	return str_of(key, make_key(&target, key));
}

void upstream_mark_begin(struct upstream_pool *pool)
{
	char key[KEY_MAX];

	for (struct upstream_conn *conn = pool->newest; conn; conn = conn->lru_next)
		map_put(&pool->unmarked, addr_key(&conn->group->addr, key), conn->group);
}

void upstream_mark(struct upstream_pool *pool, const struct addr *addr)
{
	char key[KEY_MAX];

	if (pool->unmarked.n)
		map_del(&pool->unmarked, addr_key(addr, key));
}

void upstream_mark_end(struct upstream_pool *pool)
{
	struct upstream_conn *conn = pool->newest;

	while (conn) {
		struct upstream_conn *next = conn->lru_next;
		char key[KEY_MAX];

		if (map_get(&pool->unmarked, addr_key(&conn->group->addr, key)))
			close_idle(conn);
		conn = next;
	}
	map_deinit(&pool->unmarked);
}

unsigned upstream_n_idle(const struct upstream_pool *pool)
{
	return pool->n_idle;
}

unsigned upstream_n_open(const struct upstream_pool *pool)
{
	return pool->n_open;
}

void upstream_pool_close(struct upstream_pool *pool)
{
	pool->limits = (struct upstream_limits){0};
	while (pool->oldest)
		close_idle(pool->oldest);
}

void upstream_pool_destroy(struct upstream_pool *pool)
{
	if (!pool)
		return;
	assert(!pool->n_open);
	map_deinit(&pool->groups);
	map_deinit(&pool->unmarked);
	mem_free(pool);
}

/*
 * Idle connections sit in two lists: of their group, to be found, and of the pool, to be evicted oldest first. The pool has a
 * list of its own for those that began with a PROXY header: they serve one client each, and many of them must not push out
 * those that serve everybody.
 */
#include "upstream_private.h"

#include <assert.h>

#include "tls.h"

enum { CLOSING_MS = 1000 };

static size_t make_key(const struct upstream_target *target, char key[KEY_MAX])
{
	uint64_t tls = target->tls ? tls_client_number(target->tls) : 0;
	struct str header = target->proxy_header;

	assert(header.len <= UPSTREAM_PROXY_HEADER_MAX);

	key[0] = (char)target->addr.family;
	key[1] = (char)(target->addr.port >> 8);
	key[2] = (char)(target->addr.port & 0xff);
	memcpy(key + 3, target->addr.ip, 16);
	memcpy(key + 19, &tls, sizeof(tls));
	key[27] = target->is_http2 ? 1 : 0;
	key[28] = (char)header.len;
	if (header.len)
		memcpy(key + PLACE_BYTES, header.ptr, header.len);
	return PLACE_BYTES + header.len;
}

/* Where its PROXY header stands, empty for none. */
static struct str header_of(const struct upstream_group *group)
{
	return str_of(group->key + PLACE_BYTES, group->header_len);
}

static struct idle_list *list_of(const struct upstream_conn *conn)
{
	return &conn->pool->lists[conn->group->header_len ? LIST_OF_ONE_CLIENT : LIST_SHARED];
}

struct upstream_pool *upstream_pool_create(uv_loop_t *loop, struct deadlines *all, struct laters *laters)
{
	struct upstream_pool *pool = mem_zalloc(sizeof(*pool));

	pool->loop = loop;
	pool->all = all;
	pool->laters = laters;
	return pool;
}

/* ------------------------------------------------------------------------------------------------------ idle lists */

void upstream_leave_idle(struct upstream_conn *conn)
{
	struct idle_list *list = list_of(conn);

	*(conn->prev ? &conn->prev->next : &conn->group->idle) = conn->next;
	if (conn->next)
		conn->next->prev = conn->prev;
	*(conn->lru_prev ? &conn->lru_prev->lru_next : &list->newest) = conn->lru_next;
	*(conn->lru_next ? &conn->lru_next->lru_prev : &list->oldest) = conn->lru_prev;
	conn->next = conn->prev = conn->lru_next = conn->lru_prev = NULL;
	deadline_clear(&conn->idle);
	list->n--;
}

void upstream_enter_idle(struct upstream_conn *conn)
{
	struct upstream_pool *pool = conn->pool;
	struct idle_list *list = list_of(conn);

	conn->user = NULL;
	conn->prev = NULL;
	conn->next = conn->group->idle;
	if (conn->next)
		conn->next->prev = conn;
	conn->group->idle = conn;
	conn->lru_prev = NULL;
	conn->lru_next = list->newest;
	*(conn->lru_next ? &conn->lru_next->lru_prev : &list->oldest) = conn;
	list->newest = conn;
	deadline_set(pool->all, &conn->idle, pool->limits.idle_ms);
	list->n++;
}

static void close_idle(struct upstream_conn *conn)
{
	upstream_leave_idle(conn);
	upstream_close(conn, false);
}

static void on_idle_expired(struct deadline *d)
{
	close_idle(container_of(d, struct upstream_conn, idle));
}

/* ------------------------------------------------------------------------------------------------------------ groups */

struct upstream_group *upstream_find_group(const struct upstream_pool *pool, const struct upstream_target *target)
{
	char key[KEY_MAX];

	return map_get(&pool->groups, str_of(key, make_key(target, key)));
}

static struct upstream_group *find_or_make_group(struct upstream_pool *pool, const struct upstream_target *target)
{
	char key[KEY_MAX];
	size_t len = make_key(target, key);
	struct upstream_group *group = map_get(&pool->groups, str_of(key, len));

	if (group)
		return group;
	group = mem_zalloc(sizeof(*group));
	group->addr = target->addr;
	group->header_len = target->proxy_header.len;
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

/*
 * TCP is there: the PROXY header goes out before anything else. What the user is to be told. A fresh socket has room for all
 * of it; one that has not is of no use.
 */
static unsigned send_header(struct upstream_conn *conn, unsigned events)
{
	struct str header = header_of(conn->group);
	struct iovec piece = {.iov_base = (void *)(uintptr_t)header.ptr, .iov_len = header.len};
	SSL *ssl = conn->held_ssl;

	conn->owes_header = false;
	if (stream_writev(&conn->stream, &piece, 1) != (ssize_t)header.len)
		return STREAM_FAILED;
	if (!ssl)
		return events;
	conn->held_ssl = NULL;
	return stream_begin_tls(&conn->stream, ssl);
}

/* A close, an error, or bytes that no request asked for. */
static void lose_idle(struct upstream_conn *conn)
{
	conn->group->closed_ms = conn->pool->all->now_ms;
	close_idle(conn);
}

static void on_event(struct stream *s, unsigned events)
{
	struct upstream_conn *conn = container_of(s, struct upstream_conn, stream);

	conn->pool->all->now_ms = uv_now(conn->pool->loop);
	if (conn->owes_header && (events & STREAM_CONNECTED))
		events = send_header(conn, events);
	if (!events)
		return;
	if (conn->session)
		upstream_session_on_event(conn->session, events);
	else if (conn->user)
		conn->user->on_event(conn->user, events);
	else if (events != STREAM_READABLE || !stream_is_quiet(s)) /* or it is old news, of bytes that were read before it was given back */
		lose_idle(conn);
}

static void on_closed(struct stream *stream)
{
	struct upstream_conn *conn = container_of(stream, struct upstream_conn, stream);

	conn->pool->n_open--;
	mem_free(conn);
}

struct upstream_conn *upstream_take(
	struct upstream_pool *pool, const struct upstream_target *target, struct upstream_user *user)
{
	struct upstream_group *group;
	struct upstream_conn *conn;

	if (!upstream_n_idle(pool))
		return NULL;
	group = upstream_find_group(pool, target);
	if (!group || !group->idle)
		return NULL;
	conn = group->idle;
	upstream_leave_idle(conn);
	conn->user = user;
	conn->n_requests++;
	return conn;
}

bool upstream_is_closing(const struct upstream_pool *pool, const struct upstream_target *target)
{
	char key[KEY_MAX];
	const struct upstream_group *group = map_get(&pool->groups, str_of(key, make_key(target, key)));

	return group && group->closed_ms && pool->all->now_ms - group->closed_ms < CLOSING_MS;
}

struct upstream_conn *upstream_connect(struct upstream_pool *pool, const struct upstream_target *target,
	struct upstream_user *user, int *error)
{
	struct upstream_conn *conn = mem_zalloc(sizeof(*conn));
	SSL *ssl = target->tls ? tls_connect_new(target->tls, &target->addr) : NULL;

	if (ssl && target->is_http2 && SSL_set_alpn_protos(ssl, (const unsigned char *)"\2h2", 3) != 0)
		abort();
	conn->owes_header = target->proxy_header.len > 0;
	conn->held_ssl = conn->owes_header ? ssl : NULL;
	*error = stream_connect(&conn->stream, pool->loop, &target->addr, conn->owes_header ? NULL : ssl, on_event);
	if (*error) {
		SSL_free(conn->held_ssl);
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
	struct idle_list *list = list_of(conn);

	assert(!conn->session);
	if (!limits->max_idle || conn->n_requests >= limits->max_requests || !limits->idle_ms ||
		(limits->max_age_ms && pool->all->now_ms - conn->born_ms >= limits->max_age_ms) ||
		stream_has_pending(&conn->stream)) {
		upstream_close(conn, false);
		return;
	}
	stream_want_read(&conn->stream, true);
	upstream_enter_idle(conn);
	while (list->n > limits->max_idle)
		close_idle(list->oldest);
}

void upstream_close(struct upstream_conn *conn, bool is_reset)
{
	conn->user = NULL;
	if (conn->session)
		upstream_session_free(conn->session);
	SSL_free(conn->held_ssl);
	conn->held_ssl = NULL;
	deadline_stop(conn->pool->all, &conn->idle);
	leave_group(conn);
	stream_close(&conn->stream, is_reset, on_closed);
}

/* -------------------------------------------------------------------------------------------------------------- pool */

void upstream_set_limits(struct upstream_pool *pool, const struct upstream_limits *limits)
{
	pool->limits = *limits;
	for (size_t i = 0; i < N_LISTS; i++) {
		while (pool->lists[i].n > limits->max_idle)
			close_idle(pool->lists[i].oldest);
	}
}

static struct str addr_key(const struct addr *addr, char key[KEY_MAX])
{
	const struct upstream_target target = {.addr = *addr};

	return str_of(key, make_key(&target, key));
}

void upstream_mark_begin(struct upstream_pool *pool)
{
	char key[KEY_MAX];

	for (size_t i = 0; i < N_LISTS; i++) {
		for (struct upstream_conn *conn = pool->lists[i].newest; conn; conn = conn->lru_next)
			map_put(&pool->unmarked, addr_key(&conn->group->addr, key), conn->group);
	}
}

void upstream_mark(struct upstream_pool *pool, const struct addr *addr)
{
	char key[KEY_MAX];

	if (pool->unmarked.n)
		map_del(&pool->unmarked, addr_key(addr, key));
}

static void close_unmarked(struct upstream_pool *pool, struct upstream_conn *conn)
{
	while (conn) {
		struct upstream_conn *next = conn->lru_next;
		char key[KEY_MAX];

		if (map_get(&pool->unmarked, addr_key(&conn->group->addr, key)))
			close_idle(conn);
		conn = next;
	}
}

void upstream_mark_end(struct upstream_pool *pool)
{
	for (size_t i = 0; i < N_LISTS; i++)
		close_unmarked(pool, pool->lists[i].newest);
	map_deinit(&pool->unmarked);
}

unsigned upstream_n_idle(const struct upstream_pool *pool)
{
	return pool->lists[LIST_SHARED].n + pool->lists[LIST_OF_ONE_CLIENT].n;
}

unsigned upstream_n_sessions(const struct upstream_pool *pool)
{
	return pool->http2.n_sessions;
}

unsigned upstream_n_calls(const struct upstream_pool *pool)
{
	return pool->http2.n_calls;
}

unsigned upstream_n_open(const struct upstream_pool *pool)
{
	return pool->n_open;
}

void upstream_pool_close(struct upstream_pool *pool)
{
	const struct upstream_limits none = {0};

	upstream_set_limits(pool, &none);
}

void upstream_pool_destroy(struct upstream_pool *pool)
{
	if (!pool)
		return;
	assert(!pool->n_open);
	upstream_http2_deinit(pool);
	map_deinit(&pool->groups);
	map_deinit(&pool->unmarked);
	mem_free(pool);
}

/*
 * libcurl on the loop. libcurl says which sockets it waits for and for how long; the loop says when it is time. Calls are
 * added and taken out on a turn of their own, because libcurl allows neither from within its callbacks, and whoever gets an
 * event may want both.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "inside.h"
#include "log.h"
#include "mem.h"

enum { RELOAD_MS = 10 * 1000, MAX_TRIES = 3 };

#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"

static void on_work(uv_timer_t *timer);

static void work_soon(struct kubeapi *api)
{
	if (!api->is_closing)
		uv_timer_start(&api->work_timer, on_work, 0, 0);
}

/* ------------------------------------------------------------------------------------------------------------- calls */

static void unlink_call(struct kubeapi_call *call)
{
	if (call->previous)
		call->previous->next = call->next;
	else
		call->api->calls = call->next;
	if (call->next)
		call->next->previous = call->previous;
	call->previous = call->next = NULL;
}

static void drop_call(struct kubeapi_call *call)
{
	if (call->easy)
		curl_multi_remove_handle(call_pool(call)->multi, call->easy);
	unlink_call(call);
	call_free(call);
}

void client_reload(struct kubeapi *api, uint64_t min_age_ms)
{
	uint64_t now_ms = clock_mono_ms();
	struct buf error = {0};
	bool is_changed, is_good;

	if (api->read_ms && now_ms - api->read_ms < min_age_ms)
		return;
	api->read_ms = now_ms;
	is_good = credentials_reload(&api->credentials, &is_changed, &error);
	if (!is_good && !api->has_read_failed)
		log_warn("kubeapi", "credentials cannot be read again, those in use stay: %s", buf_cstr(&error));
	api->has_read_failed = !is_good;
	if (is_changed) {
		api->generation++;
		log_info("kubeapi", "credentials have changed and were read again");
	}
	buf_deinit(&error);
}

static void run_call(struct kubeapi *api, struct kubeapi_call *call)
{
	client_reload(api, RELOAD_MS);
	call->state = CALL_RUNNING;
	call_prepare(call);
	if (curl_multi_add_handle(call_pool(call)->multi, call->easy) != CURLM_OK)
		abort();
}

static void on_work(uv_timer_t *timer)
{
	struct kubeapi *api = container_of(timer, struct kubeapi, work_timer);

	for (struct kubeapi_call *call = api->calls, *next; call; call = next) {
		next = call->next;
		if (call->state == CALL_CANCELLED)
			drop_call(call);
		else if (call->state == CALL_QUEUED)
			run_call(api, call);
	}
}

/* Whether there is something better to send than what was refused. */
static bool has_better_credentials(struct kubeapi_call *call)
{
	struct kubeapi *api = call->api;

	if (call->generation == api->generation)
		client_reload(api, 0);
	return call->generation != api->generation && call->n_tries < MAX_TRIES;
}

static void end_call(struct kubeapi_call *call, CURLcode code)
{
	struct kubeapi *api = call->api;
	struct kubeapi_result result;

	curl_multi_remove_handle(call_pool(call)->multi, call->easy);
	if (call->state == CALL_CANCELLED)
		return; /* freed soon */
	call_result(call, code, &result);
	if (result.status == 401 && !result.error && has_better_credentials(call)) {
		call_unprepare(call);
		call->state = CALL_QUEUED;
		work_soon(api);
		return;
	}
	call_pool(call)->wants_fresh = call_pool(call)->wants_fresh || result.error == -ETIMEDOUT;
	call->state = CALL_CANCELLED; /* on_done may cancel it: too late to matter */
	call->request.on_done(call->request.owner, &result);
	work_soon(api);
}

static void take_ended(struct pool *pool)
{
	CURLMsg *message;
	int n;

	while (!pool->api->is_closing && (message = curl_multi_info_read(pool->multi, &n))) {
		char *call = NULL;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
		end_call((struct kubeapi_call *)(void *)call, code);
	}
}

struct kubeapi_call *kubeapi_start(struct kubeapi *api, const struct kubeapi_request *request)
{
	struct kubeapi_call *call = mem_zalloc(sizeof(*call));

	call->api = api;
	call->request = *request;
	buf_add(&call->path, request->path);
	buf_add(&call->sent, request->body);
	call->next = api->calls;
	if (api->calls)
		api->calls->previous = call;
	api->calls = call;
	work_soon(api);
	return call;
}

void kubeapi_cancel(struct kubeapi_call *call)
{
	call->state = CALL_CANCELLED;
	work_soon(call->api);
}

/* ---------------------------------------------------------------------------------------------- sockets and timers */

static void on_handle_closed(struct kubeapi *api)
{
	void (*on_closed)(void *) = api->on_closed;
	void *owner = api->closed_owner;

	if (--api->n_open > 0)
		return;
	credentials_deinit(&api->credentials);
	mem_free(api);
	curl_global_cleanup();
	if (on_closed)
		on_closed(owner);
}

static void on_poll_closed(uv_handle_t *handle)
{
	struct watched *w = handle->data;
	struct kubeapi *api = w->pool->api;

	mem_free(w);
	on_handle_closed(api);
}

static void on_timer_closed(uv_handle_t *handle)
{
	on_handle_closed(handle->data);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct watched *w = container_of(poll, struct watched, poll);
	struct pool *pool = w->pool;
	int flags = 0, n;

	if (status < 0)
		flags = CURL_CSELECT_ERR;
	if (events & UV_READABLE)
		flags |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		flags |= CURL_CSELECT_OUT;
	curl_multi_socket_action(pool->multi, w->fd, flags, &n);
	take_ended(pool);
}

static struct watched *add_socket(struct pool *pool, curl_socket_t fd)
{
	struct watched *w = mem_zalloc(sizeof(*w));

	w->pool = pool;
	w->fd = fd;
	if (uv_poll_init_socket(pool->api->loop, &w->poll, fd) < 0)
		abort();
	w->poll.data = w;
	w->next = pool->sockets;
	if (w->next)
		w->next->previous = w;
	pool->sockets = w;
	pool->api->n_open++;
	curl_multi_assign(pool->multi, fd, w);
	return w;
}

static void drop_socket(struct watched *w)
{
	if (w->previous)
		w->previous->next = w->next;
	else
		w->pool->sockets = w->next;
	if (w->next)
		w->next->previous = w->previous;
	uv_close((uv_handle_t *)&w->poll, on_poll_closed);
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *owner, void *known)
{
	struct pool *pool = owner;
	struct watched *w = known;
	int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (w)
			drop_socket(w);
		curl_multi_assign(pool->multi, fd, NULL);
		return 0;
	}
	if (!w)
		w = add_socket(pool, fd);
	uv_poll_start(&w->poll, events, on_ready);
	return 0;
}

static void on_curl_timeout(uv_timer_t *timer)
{
	struct pool *pool = container_of(timer, struct pool, timer);
	int n;

	curl_multi_socket_action(pool->multi, CURL_SOCKET_TIMEOUT, 0, &n);
	take_ended(pool);
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *owner)
{
	struct pool *pool = owner;

	(void)multi;
	if (timeout_ms < 0)
		uv_timer_stop(&pool->timer);
	else
		uv_timer_start(&pool->timer, on_curl_timeout, (uint64_t)timeout_ms, 0);
	return 0;
}

/* ---------------------------------------------------------------------------------------------------- open and close */

static struct str variable(const char *name)
{
	return str_from(getenv(name));
}

bool kubeapi_is_in_cluster(void)
{
	return variable("KUBERNETES_SERVICE_HOST").len && variable("KUBERNETES_SERVICE_PORT").len &&
		access(SERVICE_ACCOUNT "/token", R_OK) == 0;
}

static bool find_credentials(const struct kubeapi_options *options, struct credentials *out, struct buf *error)
{
	struct buf text = {0};
	bool is_good;
	int result;

	if (!options->kubeconfig) {
		if (!kubeapi_is_in_cluster()) {
			buf_add(error, STR("this is no pod with a ServiceAccount: KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT and "
					   SERVICE_ACCOUNT "/token are needed"));
			return false;
		}
		credentials_in_cluster(SERVICE_ACCOUNT, variable("KUBERNETES_SERVICE_HOST"), variable("KUBERNETES_SERVICE_PORT"), out);
		return true;
	}
	result = credentials_read_file(options->kubeconfig, &text);
	is_good = result == 0;
	if (!is_good)
		buf_printf(error, "kubeconfig %s: %s", options->kubeconfig, strerror(-result));
	else
		is_good = kubeconfig_read(buf_str(&text), options->kubeconfig, options->context, out, error);
	if (text.ptr)
		mem_wipe(text.ptr, text.len);
	buf_deinit(&text);
	return is_good;
}

static void open_pool(struct kubeapi *api, struct pool *pool)
{
	pool->api = api;
	uv_timer_init(api->loop, &pool->timer);
	pool->timer.data = api;
	api->n_open++;
	pool->multi = curl_multi_init();
	if (!pool->multi)
		abort();
	curl_multi_setopt(pool->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	curl_multi_setopt(pool->multi, CURLMOPT_SOCKETDATA, pool);
	curl_multi_setopt(pool->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	curl_multi_setopt(pool->multi, CURLMOPT_TIMERDATA, pool);
}

static void close_pool(struct pool *pool)
{
	curl_multi_cleanup(pool->multi);
	while (pool->sockets)
		drop_socket(pool->sockets);
	uv_close((uv_handle_t *)&pool->timer, on_timer_closed);
}

static struct kubeapi *create(uv_loop_t *loop, const struct credentials *credentials)
{
	struct kubeapi *api = mem_zalloc(sizeof(*api));

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
	api->loop = loop;
	api->credentials = *credentials;
	api->read_ms = clock_mono_ms();
	uv_timer_init(loop, &api->work_timer);
	api->work_timer.data = api;
	api->n_open = 1;
	for (size_t i = 0; i < N_POOLS; i++)
		open_pool(api, &api->pools[i]);
	return api;
}

bool kubeapi_open(uv_loop_t *loop, const struct kubeapi_options *options, struct buf *error, struct kubeapi **out)
{
	struct credentials credentials = {0};
	bool is_changed;

	if (!find_credentials(options, &credentials, error) || !credentials_reload(&credentials, &is_changed, error) ||
		!credentials_check(&credentials, error)) {
		credentials_deinit(&credentials);
		return false;
	}
	*out = create(loop, &credentials);
	return true;
}

void kubeapi_close(struct kubeapi *api, void (*on_closed)(void *owner), void *owner)
{
	api->is_closing = true;
	api->on_closed = on_closed;
	api->closed_owner = owner;
	while (api->calls)
		drop_call(api->calls);
	for (size_t i = 0; i < N_POOLS; i++)
		close_pool(&api->pools[i]);
	uv_close((uv_handle_t *)&api->work_timer, on_timer_closed);
}

struct str kubeapi_server(const struct kubeapi *api)
{
	return buf_str(&api->credentials.server);
}

struct str kubeapi_namespace(const struct kubeapi *api)
{
	struct str name = str_trim(buf_str(&api->credentials.namespace_));

	return name.len ? name : STR("default");
}

void kubeapi_add_escaped(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("-._~", c));

		if (is_plain)
			buf_add_char(out, (char)c);
		else
			buf_printf(out, "%%%02X", c);
	}
}

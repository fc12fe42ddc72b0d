/* One call: what is asked, and what becomes of the bytes that come. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "inside.h"
#include "mem.h"

enum { CONNECT_S = 10, SILENCE_S = 30, KEEP_ALIVE_S = 20, UNACKED_MS = 30000, ERROR_BYTES = 64 * 1024 };

static bool on_line(void *owner, struct str line)
{
	struct kubeapi_call *call = owner;

	call->request.on_line(call->request.owner, line);
	return call->state == CALL_RUNNING;
}

static bool is_streamed(struct kubeapi_call *call)
{
	long status = 0;

	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	return call->request.on_line && status == 200;
}

/* The last line of the head is empty. */
static size_t on_head_line(char *bytes, size_t one, size_t size, void *owner)
{
	struct kubeapi_call *call = owner;
	long status = 0;

	(void)one;
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status == 200 && call->state == CALL_RUNNING && str_trim(str_of(bytes, size)).len == 0)
		call->request.on_open(call->request.owner);
	return size;
}

/* Anything but `size` ends the call. */
static size_t on_bytes(char *bytes, size_t one, size_t size, void *owner)
{
	struct kubeapi_call *call = owner;

	(void)one;
	if (call->state != CALL_RUNNING)
		return 0;
	if (!is_streamed(call)) {
		call->is_too_large = !buf_add(&call->body, str_of(bytes, size));
		return call->is_too_large ? 0 : size;
	}
	switch (lines_take(&call->lines, str_of(bytes, size), on_line, call)) {
	case LINES_MORE:
		return size;
	case LINES_STOPPED:
		return 0;
	case LINES_TOO_LONG:
		call->is_too_large = true;
		return 0;
	}
	abort();
}

/* A peer that is gone without a word is noticed by the kernel. */
static int on_socket(void *owner, curl_socket_t fd, curlsocktype purpose)
{
	const int unacked_ms = UNACKED_MS;

	(void)owner;
	(void)purpose;
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacked_ms, sizeof(unacked_ms));
	return CURL_SOCKOPT_OK;
}

static void add_header(struct kubeapi_call *call, const char *name, struct str value)
{
	struct buf line = {0};

	buf_printf(&line, "%s: %.*s", name, STR_ARG(value));
	call->headers = curl_slist_append(call->headers, buf_cstr(&line));
	mem_wipe(line.ptr, line.len);
	buf_deinit(&line);
}

static void add_token(struct kubeapi_call *call)
{
	struct buf value = {0};

	if (!call->api->credentials.token.value.len)
		return;
	buf_printf(&value, "Bearer %.*s", STR_ARG(buf_str(&call->api->credentials.token.value)));
	add_header(call, "Authorization", buf_str(&value));
	mem_wipe(value.ptr, value.len);
	buf_deinit(&value);
}

static void set_blob(CURL *easy, CURLoption option, const struct buf *pem)
{
	struct curl_blob blob = {pem->ptr, pem->len, CURL_BLOB_COPY};

	if (pem->len)
		curl_easy_setopt(easy, option, &blob);
}

static void set_trust(CURL *easy, const struct credentials *c)
{
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, c->is_insecure ? 0L : 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, c->is_insecure ? 0L : 2L);
	set_blob(easy, CURLOPT_CAINFO_BLOB, &c->ca.value);
	set_blob(easy, CURLOPT_SSLCERT_BLOB, &c->certificate.value);
	set_blob(easy, CURLOPT_SSLKEY_BLOB, &c->key.value);
}

static void set_limits(struct kubeapi_call *call)
{
	CURL *easy = call->easy;

	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)(call->request.silence_s ? call->request.silence_s : SILENCE_S));
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEP_ALIVE_S);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEP_ALIVE_S / 4);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
}

static void set_request(struct kubeapi_call *call)
{
	CURL *easy = call->easy;
	struct buf url = {0};

	buf_add(&url, buf_str(&call->api->credentials.server));
	buf_add(&url, buf_str(&call->path));
	curl_easy_setopt(easy, CURLOPT_URL, buf_cstr(&url));
	buf_deinit(&url);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, call->request.is_large ? (long)CURL_HTTP_VERSION_1_1 : (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_PIPEWAIT, call->request.is_large ? 0L : 1L);
	curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "weirlock-controller/" WEIRLOCK_VERSION);
	add_header(call, "Accept", STR("application/json"));
	add_token(call);
	if (call->request.content_type) {
		add_header(call, "Content-Type", str_from(call->request.content_type));
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)call->sent.len);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->sent.len ? call->sent.ptr : "");
	}
	if (call->request.method)
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->request.method);
}

void call_prepare(struct kubeapi_call *call)
{
	struct kubeapi *api = call->api;
	struct pool *pool = call_pool(call);

	call->easy = curl_easy_init();
	if (!call->easy)
		abort();
	call->generation = api->generation;
	call->n_tries++;
	call->is_too_large = false;
	call->why[0] = '\0';
	lines_init(&call->lines, call->request.max_bytes);
	buf_init(&call->body, call->request.on_line ? ERROR_BYTES : call->request.max_bytes);
	set_request(call);
	set_limits(call);
	set_trust(call->easy, &api->credentials);
	curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
	curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
	if (call->request.on_open) {
		curl_easy_setopt(call->easy, CURLOPT_HEADERFUNCTION, on_head_line);
		curl_easy_setopt(call->easy, CURLOPT_HEADERDATA, call);
	}
	curl_easy_setopt(call->easy, CURLOPT_ERRORBUFFER, call->why);
	curl_easy_setopt(call->easy, CURLOPT_PRIVATE, call);
	if (pool->wants_fresh)
		curl_easy_setopt(call->easy, CURLOPT_FRESH_CONNECT, 1L);
	pool->wants_fresh = false;
}

void call_unprepare(struct kubeapi_call *call)
{
	curl_easy_cleanup(call->easy);
	call->easy = NULL;
	curl_slist_free_all(call->headers);
	call->headers = NULL;
	lines_deinit(&call->lines);
	if (call->body.ptr)
		mem_wipe(call->body.ptr, call->body.len); /* it may be a Secret's */
	buf_deinit(&call->body);
}

void call_free(struct kubeapi_call *call)
{
	if (call->easy)
		call_unprepare(call);
	buf_deinit(&call->path);
	if (call->sent.ptr)
		mem_wipe(call->sent.ptr, call->sent.len);
	buf_deinit(&call->sent);
	mem_free(call);
}

static int error_of(const struct kubeapi_call *call, CURLcode code)
{
	if (call->is_too_large)
		return -EMSGSIZE;
	switch ((int)code) {
	case CURLE_OK:
		return 0;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_COULDNT_CONNECT:
		return -ECONNREFUSED;
	case CURLE_COULDNT_RESOLVE_HOST:
		return -EHOSTUNREACH;
	case CURLE_PARTIAL_FILE:
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return -ECONNRESET;
	case CURLE_PEER_FAILED_VERIFICATION:
		return -EPERM;
	default:
		return -EIO;
	}
}

void call_result(struct kubeapi_call *call, CURLcode code, struct kubeapi_result *out)
{
	curl_off_t retry_after_s = 0;
	long status = 0;

	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
	*out = (struct kubeapi_result){
		.error = error_of(call, code),
		.status = status > 0 ? (unsigned)status : 0,
		.body = buf_str(&call->body),
		.retry_after_s = retry_after_s > 0 && retry_after_s < 3600 ? (unsigned)retry_after_s : 0,
		.why = "",
	};
	if (out->error == -EMSGSIZE)
		out->why = "the answer is larger than it may be";
	else if (out->error)
		out->why = call->why[0] ? call->why : curl_easy_strerror(code);
}

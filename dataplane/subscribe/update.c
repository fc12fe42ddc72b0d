/*
 * Watch after Watch; each says what became of the answer before it. An answer is a delta, or names a blob to
 * fetch. What comes out of it is checked by its id before anybody sees it; if that fails, the buckets that differ are asked
 * for, and if that fails too, the whole.
 */
#include "clock.h"
#include "content_wire.h"
#include "log.h"
#include "mem.h"
#include "proto_arena.h"
#include "state.h"

ProtobufCBinaryData data_of(struct str s)
{
	union {
		const char *read;
		uint8_t *field; /* packing only reads */
	} bytes = {.read = s.ptr};

	return (ProtobufCBinaryData){.len = s.len, .data = s.len ? bytes.field : NULL};
}

/* Of the controller that is watched. */
static void ask(struct subscribe *s, const char *method, const ProtobufCMessage *request, uint32_t timeout_ms, rpc_answer_fn *answer)
{
	s->call = rpc_client_call(s->active->client, &weirlock__v1__control__descriptor, method, request, timeout_ms, answer, s);
}

static void forget_pieces(struct fetch *f)
{
	if (f->bytes.ptr)
		mem_wipe(f->bytes.ptr, f->bytes.len);
	buf_deinit(&f->bytes);
}

void update_stop(struct subscribe *s)
{
	if (s->call && s->active->client)
		rpc_client_cancel(s->active->client, s->call);
	s->call = 0;
	forget_pieces(&s->fetch);
}

static void log_failure(struct subscribe *s, const char *what, enum rpc_status status, struct str message)
{
	struct buf text = {0};

	buf_printf(&text, "%s failed status=%s: ", what, rpc_status_text(status));
	buf_add_escaped(&text, str_first(message, 256));
	subscribe_warn(s, buf_cstr(&text));
	buf_deinit(&text);
}

/* It has not caught up with what is served here. */
static void unfit(struct subscribe *s)
{
	s->n_unfit++;
	members_leave(s, UNFIT_MS);
}

/* What a call that did not succeed means for the conversation. */
static void recover(struct subscribe *s, const char *what, enum rpc_status status, struct str message)
{
	s->call = 0;
	if (s->is_closing || status == RPC_UNAUTHENTICATED)
		return;
	if (status == RPC_UNAVAILABLE && rpc_client_state(s->active->client) != RPC_READY)
		return; /* the session is lost, and that is heard of otherwise */
	if (status != RPC_CANCELLED)
		log_failure(s, what, status, message);
	if (status == RPC_DEADLINE_EXCEEDED)
		rpc_client_reconnect(s->active->client, "the controller is silent");
	else if (status == RPC_UNAVAILABLE)
		unfit(s);
	else
		members_pause(s, RETRY_MS);
}

/* ------------------------------------------------------------------------------------------------- what was received */

void update_confirm(struct subscribe *s)
{
	uint64_t age_ms;
	char age[CLOCK_TEXT_MAX];

	if (subscribe_is_stale(s, &age_ms) && s->content)
		log_info("subscribe", "in step again after %s", clock_age(age_ms, age));
	s->confirmed_ms = clock_mono_ms();
	s->is_seeded = false;
	s->seed_age_ms = 0;
}

bool update_take(struct subscribe *s, struct content *content)
{
	struct content_id id = content_id(content);
	uint64_t begun_us = clock_mono_us();
	struct config_errors errors = {0};
	bool is_good = s->options.apply(s->options.data, content, &errors);
	char text[16];

	s->apply_us = clock_mono_us() - begun_us;
	config_errors_deinit(&s->errors);
	s->errors = (struct config_errors){0};
	subscribe_report_now(s);
	s->has_refused = !is_good;
	if (is_good) {
		config_errors_deinit(&errors);
		content_destroy(s->content);
		s->content = content;
		s->applied_ms = clock_mono_ms();
		s->n_applied++;
		log_info("subscribe", "snapshot applied id=%s resources=%zu took_us=%llu", content_id_text(&id, text),
			content_count(content), (unsigned long long)s->apply_us);
		return true;
	}
	s->refused = id;
	s->errors = errors;
	s->n_refused++;
	log_warn("subscribe", "snapshot refused, the one before stays id=%s errors=%zu", content_id_text(&id, text), errors.n);
	content_destroy(content);
	return false;
}

/* `content` is NULL when what came cannot be used; then `why`. */
static void received(struct subscribe *s, struct content *content, const char *why)
{
	if (!content) {
		bool is_repairable = s->wish == WISH_DELTA && s->content && s->active->features & CONTENT_FEATURE_REPAIR;

		s->wish = is_repairable ? WISH_REPAIR : WISH_WHOLE;
		log_warn("subscribe", "what the controller sent is not used, asking for %s: %s",
			is_repairable ? "what differs" : "the whole", why);
		s->n_repairs++;
	} else {
		s->wish = WISH_DELTA;
		if (update_take(s, content)) {
			version_take(&s->version, &s->news);
			update_confirm(s);
		}
	}
	if (!s->is_closing && s->active)
		update_watch(s);
}

/* NULL with the reason. `size_bytes` is as it came. */
static struct content *take_delta(struct subscribe *s, const Weirlock__V1__Delta *delta, size_t size_bytes, const char **why)
{
	enum content_form form = content_form_of(delta);

	s->n_received[form]++;
	s->bytes_received[form] += size_bytes;
	return content_apply_delta(s->content, delta, why);
}

static struct content *take_packed(struct subscribe *s, struct str packed, const char **why)
{
	struct content *content = NULL;
	struct proto_arena decoded;
	Weirlock__V1__Delta *delta;

	proto_arena_init(&decoded, proto_arena_cap(packed.len));
	delta = proto_unpack(&weirlock__v1__delta__descriptor, packed, &decoded, why);
	if (delta)
		content = take_delta(s, delta, packed.len, why);
	proto_arena_deinit(&decoded);
	return content;
}

static void ask_piece(struct subscribe *s);

static void fetched(struct subscribe *s)
{
	struct fetch *f = &s->fetch;
	uint8_t hash[BLOB_ID_SIZE];
	struct content *content = NULL;
	const char *why = "the blob does not fit its hash";

	blob_hash(buf_str(&f->bytes), hash);
	if (!memcmp(hash, f->blob_id, sizeof(hash)))
		content = f->content == WEIRLOCK__V1__BLOB_CONTENT__BLOB_SNAPSHOT ?
			content_unpack(buf_str(&f->bytes), &why) :
			take_packed(s, buf_str(&f->bytes), &why);
	forget_pieces(f);
	received(s, content, why);
}

static void on_piece(void *data, enum rpc_status status, struct str message, const ProtobufCMessage *response)
{
	struct subscribe *s = data;
	const Weirlock__V1__FetchResponse *piece = (const void *)response;
	struct fetch *f = &s->fetch;

	if (status != RPC_OK) {
		forget_pieces(f);
		recover(s, "Fetch", status, message);
		return;
	}
	if (!piece->data.len || piece->data.len > f->size_bytes - f->bytes.len) {
		received(s, NULL, "a piece of the wrong size");
		return;
	}
	buf_add(&f->bytes, str_of(piece->data.data, piece->data.len));
	if (f->bytes.len < f->size_bytes)
		ask_piece(s);
	else
		fetched(s);
}

static void ask_piece(struct subscribe *s)
{
	Weirlock__V1__FetchRequest request = WEIRLOCK__V1__FETCH_REQUEST__INIT;

	request.blob_id = data_of(str_of(s->fetch.blob_id, sizeof(s->fetch.blob_id)));
	request.offset = s->fetch.bytes.len;
	ask(s, "Fetch", &request.base, FETCH_MS, on_piece);
}

static void begin_fetch(struct subscribe *s, const Weirlock__V1__Blob *blob)
{
	struct fetch *f = &s->fetch;

	if (blob->blob_id.len != sizeof(f->blob_id) || !blob->size_bytes || blob->size_bytes > BLOB_MAX_BYTES) {
		received(s, NULL, "a blob without an id, empty or too large");
		return;
	}
	memcpy(f->blob_id, blob->blob_id.data, sizeof(f->blob_id));
	f->size_bytes = blob->size_bytes;
	f->content = blob->content;
	buf_deinit(&f->bytes);
	buf_init(&f->bytes, BLOB_MAX_BYTES);
	/* All at once below a bound: growing would leave copies of keys behind. Beyond it, only what really comes. */
	buf_reserve(&f->bytes, blob->size_bytes < 16 * 1024 * 1024 ? (size_t)blob->size_bytes : 16 * 1024 * 1024);
	ask_piece(s);
}

/* ------------------------------------------------------------------------------------------------------------ Watch */

static void heartbeat(struct subscribe *s, const Weirlock__V1__Heartbeat *same)
{
	struct content_id id, own;

	if (!content_id_from(str_of(same->id.data, same->id.len), &id)) {
		update_watch(s); /* the controller has no snapshot yet */
		return;
	}
	if (s->content) {
		own = content_id(s->content);
		if (content_id_eq(&id, &own))
			version_take(&s->version, &s->news);
		if (content_id_eq(&id, &own) || (s->has_refused && content_id_eq(&id, &s->refused)))
			update_confirm(s);
	}
	update_watch(s);
}

/* It leaves. All its proxies were told in the same moment, so each waits a little while of its own. */
static void redirected(struct subscribe *s, const Weirlock__V1__Redirect *redirect)
{
	uint32_t after_ms = redirect->after_ms < REDIRECT_MAX_MS ? redirect->after_ms + 1 : REDIRECT_MAX_MS;
	struct buf to = {0};

	buf_add_escaped(&to, str_first(str_from(redirect->to), 256));
	log_info("subscribe", "the controller is leaving url=%s to=%s after_ms=%u", s->active->url, buf_cstr(&to), after_ms);
	buf_deinit(&to);
	s->not_before_ms = clock_mono_ms() + after_ms;
	members_leave(s, UNFIT_MS);
}

static void on_watch(void *data, enum rpc_status status, struct str message, const ProtobufCMessage *response)
{
	struct subscribe *s = data;
	const Weirlock__V1__WatchResponse *answer = (const void *)response;
	const char *why = NULL;

	if (status != RPC_OK) {
		recover(s, "Watch", status, message);
		return;
	}
	s->tells_version = false;
	version_read(answer->version, &s->news);
	switch (answer->what_case) {
	case WEIRLOCK__V1__WATCH_RESPONSE__WHAT_DELTA: {
		struct content *content =
			take_delta(s, answer->delta, weirlock__v1__delta__get_packed_size(answer->delta), &why);

		received(s, content, why);
		return;
	}
	case WEIRLOCK__V1__WATCH_RESPONSE__WHAT_BLOB:
		begin_fetch(s, answer->blob);
		return;
	case WEIRLOCK__V1__WATCH_RESPONSE__WHAT_SAME:
		heartbeat(s, answer->same);
		return;
	case WEIRLOCK__V1__WATCH_RESPONSE__WHAT_REDIRECT:
		redirected(s, answer->redirect);
		return;
	case WEIRLOCK__V1__WATCH_RESPONSE__WHAT_WANTS_BUCKETS:
		s->wish = s->wish == WISH_DELTA ? WISH_REPAIR : WISH_WHOLE;
		update_watch(s);
		return;
	case WEIRLOCK__V1__WATCH_RESPONSE__WHAT__NOT_SET:
	default: /* generated code adds a value of its own */
		log_warn("subscribe", "an answer that this version does not know");
		members_pause(s, RETRY_MS);
	}
}

Weirlock__V1__ResourceError **error_messages(const struct subscribe *s, struct arena *arena, size_t *n)
{
	Weirlock__V1__ResourceError **out = arena_alloc(arena, (ERRORS_MAX + 1) * sizeof(*out));

	*n = 0;
	for (size_t i = 0; i < s->errors.n && i < ERRORS_MAX; i++) {
		const struct config_error *error = &s->errors.items[i];
		Weirlock__V1__ResourceError *m = arena_alloc(arena, sizeof(*m));

		weirlock__v1__resource_error__init(m);
		m->ref = arena_alloc(arena, sizeof(*m->ref));
		weirlock__v1__ref__init(m->ref);
		m->ref->kind = (Weirlock__V1__Kind)error->kind;
		m->ref->name = arena_text(arena, str_first(error->name, CONTENT_NAME_MAX));
		m->reason = arena_text(arena, str_first(error->reason, 512));
		out[(*n)++] = m;
	}
	if (s->has_refused && !*n) {
		Weirlock__V1__ResourceError *m = arena_alloc(arena, sizeof(*m));

		weirlock__v1__resource_error__init(m);
		m->reason = arena_text(arena, STR("refused without a reason"));
		out[(*n)++] = m;
	}
	return out;
}

void update_watch(struct subscribe *s)
{
	Weirlock__V1__WatchRequest request = WEIRLOCK__V1__WATCH_REQUEST__INIT;
	struct content_id id = {{0}};
	struct arena arena = {0};
	struct buf hashes = {0};

	if (s->content && s->wish != WISH_WHOLE) {
		id = content_id(s->content);
		request.applied_id = data_of(str_of(id.bytes, sizeof(id.bytes)));
	}
	if (s->content && s->wish == WISH_REPAIR) {
		content_short_hashes(s->content, &hashes);
		request.bucket_hashes = data_of(buf_str(&hashes));
	}
	if (s->has_refused) {
		request.rejected_id = data_of(str_of(s->refused.bytes, sizeof(s->refused.bytes)));
		request.errors = error_messages(s, &arena, &request.n_errors);
	}
	if (s->tells_version && s->content)
		request.version = version_news(&s->version, &(struct version){0}, &arena);
	request.apply_us = s->apply_us;
	request.max_inline_bytes = INLINE_BYTES;
	ask(s, "Watch", &request.base, s->watch_ttl_ms + GRACE_MS, on_watch);
	buf_deinit(&hashes);
	arena_deinit(&arena);
}

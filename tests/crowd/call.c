/* What a proxy says: Hello, then Watch and what its answer asks for, again and again; now and then a Report. */
#include <unistd.h>

#include "clock.h"
#include "content_wire.h"
#include "crowd.h"
#include "proto_data.h"
#include "weirlock/v1/control.pb-c.h"

enum { HELLO_MS = 5000, FETCH_MS = 5000, REPORT_MS = 5000, INLINE_BYTES = 64 * 1024 };

static struct str bytes_of(ProtobufCBinaryData d)
{
	return str_of(d.data, d.len);
}

static uint64_t call(struct session *s, struct str method, const ProtobufCMessage *request, uint32_t timeout_ms)
{
	struct buf *packed = &s->crowd->packed;
	size_t size = protobuf_c_message_get_packed_size(request);
	const struct envelope envelope = {.type = ENVELOPE_REQUEST, .id = ++s->n_calls, .number = timeout_ms, .text = method};

	buf_clear(packed);
	envelope_begin(packed, &envelope);
	packed->len += protobuf_c_message_pack(request, (uint8_t *)buf_reserve(packed, size));
	session_send(s);
	return s->n_calls;
}

/* One thing at a time is asked; what takes longer than it may is a silent controller. */
static void ask(struct session *s, enum asked what, struct str method, const ProtobufCMessage *request, uint32_t timeout_ms)
{
	s->asked = what;
	s->due_us = clock_mono_us() + timeout_ms * 1000u;
	s->call = call(s, method, request, timeout_ms);
}

static struct str served_id(const struct session *s)
{
	return s->serves ? str_of(s->serves->id.bytes, sizeof(s->serves->id.bytes)) : STR("");
}

void call_hello(struct session *s)
{
	Weirlock__V1__HelloRequest request = WEIRLOCK__V1__HELLO_REQUEST__INIT;
	char name[32], version[] = "crowd";

	snprintf(name, sizeof(name), "crowd-%u", s->number);
	request.schema_min = request.schema_max = CONTENT_SCHEMA;
	request.name = name;
	request.version = version;
	request.pid = (uint32_t)getpid() + s->number;
	request.features = CONTENT_FEATURE_REPAIR;
	request.have_id = proto_data(served_id(s));
	ask(s, ASKED_HELLO, STR("weirlock.v1.Control/Hello"), &request.base, HELLO_MS);
}

static void watch(struct session *s)
{
	Weirlock__V1__WatchRequest request = WEIRLOCK__V1__WATCH_REQUEST__INIT;

	request.applied_id = proto_data(served_id(s));
	request.apply_us = 50;
	request.max_inline_bytes = INLINE_BYTES;
	ask(s, ASKED_WATCH, STR("weirlock.v1.Control/Watch"), &request.base, s->watch_ttl_ms + WATCH_GRACE_MS);
	s->crowd->n_watching += !s->is_watching;
	s->is_watching = true;
}

static void fetch(struct session *s)
{
	Weirlock__V1__FetchRequest request = WEIRLOCK__V1__FETCH_REQUEST__INIT;

	request.blob_id = proto_data(str_of(s->store->id, sizeof(s->store->id)));
	request.offset = s->offset;
	ask(s, ASKED_FETCH, STR("weirlock.v1.Control/Fetch"), &request.base, FETCH_MS);
}

void call_report(struct session *s)
{
	Weirlock__V1__ReportRequest request = WEIRLOCK__V1__REPORT_REQUEST__INIT;
	char http[] = "127.0.0.1:80", https[] = "127.0.0.1:443", admin[] = "127.0.0.1:10254";

	request.connections = 100 + s->number;
	request.requests = clock_mono_ms();
	request.rss_bytes = 64 * 1024 * 1024;
	request.uptime_ms = clock_mono_ms();
	request.generations = 1;
	request.http = http;
	request.https = https;
	request.admin = admin;
	s->crowd->n_reports++;
	call(s, STR("weirlock.v1.Control/Report"), &request.base, REPORT_MS);
}

/* ------------------------------------------------------------------------------------------------------------ answers */

static void take(struct session *s, struct version *v, const char *why)
{
	if (!v) {
		session_fail(s, why);
		return;
	}
	session_serve(s, v, clock_mono_us());
	watch(s);
}

static void on_delta(struct session *s, struct str answer)
{
	const char *why = "";

	s->crowd->n_news++;
	s->crowd->config_bytes += answer.len;
	take(s, known_step(&s->crowd->known, s->serves, answer, &why), why);
}

static void on_blob(struct session *s, const Weirlock__V1__Blob *blob)
{
	if (blob->blob_id.len != BLOB_ID_SIZE || !blob->size_bytes) {
		session_fail(s, "a blob without an id, or empty");
		return;
	}
	s->crowd->n_news++;
	s->store = known_store(&s->crowd->known, bytes_of(blob->blob_id), blob->size_bytes, s->serves);
	s->offset = 0;
	fetch(s);
}

/* Of a field whose tag has `n_tag` bytes: its length, and `*s` begins with its bytes. False: they are not all there. */
static bool read_length(struct str *s, size_t n_tag, size_t *len)
{
	*len = 0;
	for (size_t at = n_tag, shift = 0; at < s->len && shift < 32; shift += 7) {
		uint8_t byte = (uint8_t)s->ptr[at++];

		*len |= (size_t)(byte & 0x7f) << shift;
		if (byte >= 0x80)
			continue;
		*s = str_from_index(*s, at);
		return *len <= s->len;
	}
	return false;
}

/* The first field of a FetchResponse, where it stands: a thousand times nine megabytes are not copied once more. */
static struct str piece_of(struct str answer)
{
	size_t len;

	if (!answer.len || answer.ptr[0] != (1 << 3 | 2) || !read_length(&answer, 1, &len))
		return STR("");
	return str_first(answer, len);
}

static void on_piece(struct session *s, struct str answer)
{
	struct str piece = piece_of(answer);
	const char *why = "";

	if (!known_piece(s->store, s->offset, piece, &why)) {
		session_fail(s, why);
		return;
	}
	s->crowd->config_bytes += piece.len;
	s->offset += piece.len;
	if (s->offset < s->store->size)
		fetch(s);
	else
		take(s, known_whole(&s->crowd->known, s->store, &why), why);
}

/* What follows the marks of the snapshot (field 210), which are packed first and are another controller's own. */
static struct str after_version(struct str answer)
{
	struct str rest = answer;
	size_t len;

	if (!str_starts_with(answer, STR("\x92\x0d")) || !read_length(&rest, 2, &len))
		return answer;
	return str_from_index(rest, len);
}

/* An answer with a delta is not taken apart here: known.c compares its bytes first. */
static void on_watch(struct session *s, struct str answer)
{
	Weirlock__V1__WatchResponse *m;

	answer = after_version(answer);
	if (answer.len && answer.ptr[0] == (1 << 3 | 2)) {
		on_delta(s, answer);
		return;
	}
	m = weirlock__v1__watch_response__unpack(NULL, answer.len, (const uint8_t *)answer.ptr);
	if (m && m->what_case == WEIRLOCK__V1__WATCH_RESPONSE__WHAT_BLOB)
		on_blob(s, m->blob);
	else if (m && m->what_case == WEIRLOCK__V1__WATCH_RESPONSE__WHAT_SAME)
		watch(s);
	else if (m && m->what_case == WEIRLOCK__V1__WATCH_RESPONSE__WHAT_REDIRECT)
		session_restart(s, clock_mono_us() + m->redirect->after_ms * 1000u, false);
	else if (m && m->what_case == WEIRLOCK__V1__WATCH_RESPONSE__WHAT_WANTS_BUCKETS)
		session_restart(s, clock_mono_us(), true); /* it was away for too long for this crowd: anew */
	else
		session_fail(s, "an answer to Watch that is none");
	if (m)
		weirlock__v1__watch_response__free_unpacked(m, NULL);
}

static void on_hello(struct session *s, struct str answer)
{
	Weirlock__V1__HelloResponse *m =
		weirlock__v1__hello_response__unpack(NULL, answer.len, (const uint8_t *)answer.ptr);

	if (!m || m->schema != CONTENT_SCHEMA) {
		session_fail(s, "an answer to Hello that is none");
	} else {
		s->watch_ttl_ms = m->watch_ttl_ms;
		watch(s);
	}
	if (m)
		weirlock__v1__hello_response__free_unpacked(m, NULL);
}

void call_answered(struct session *s, struct str plain)
{
	struct envelope e;
	const char *why;

	if (!envelope_parse(plain, &e, &why) || e.type != ENVELOPE_ANSWER) {
		session_fail(s, "the controller sent something that is no answer");
		return;
	}
	if (e.id != s->call)
		return; /* of a Report */
	if (e.number != RPC_OK) {
		struct buf text = {0};

		buf_printf(&text, "%s: ", rpc_status_text((enum rpc_status)e.number));
		buf_add_escaped(&text, e.text);
		session_fail(s, buf_cstr(&text));
		buf_deinit(&text);
	} else if (s->asked == ASKED_HELLO) {
		on_hello(s, e.payload);
	} else if (s->asked == ASKED_WATCH) {
		on_watch(s, e.payload);
	} else if (s->asked == ASKED_FETCH) {
		on_piece(s, e.payload);
	}
}

/* Encodes a way once. A small one goes within the answer, packed already; a large one as a blob that is fetched in pieces. */
#include "way.h"

#include "content_wire.h"
#include "mem.h"
#include "proxies.h"

enum { DELTA_FIELD = 1 }; /* WatchResponse.delta */

static struct snapshot *start_of(const struct proxy *proxy)
{
	return history_find(proxy->lane->history, str_of(proxy->applied.bytes, CONTENT_ID_SIZE));
}

enum way_form way_form_for(const struct proxy *proxy)
{
	if (!proxy->has_applied)
		return WAY_WHOLE;
	if (proxy->bucket_hashes.len)
		return WAY_REPAIR;
	if (start_of(proxy))
		return WAY_DELTA;
	return proxy->features & CONTENT_FEATURE_REPAIR ? WAY_ASK : WAY_WHOLE;
}

static void make_key(const struct proxy *proxy, enum way_form form, uint8_t key[BLOB_ID_SIZE])
{
	memset(key, 0, BLOB_ID_SIZE);
	if (form == WAY_DELTA)
		memcpy(key, proxy->applied.bytes, CONTENT_ID_SIZE);
	else if (form == WAY_REPAIR)
		blob_hash(buf_str(&proxy->bucket_hashes), key);
}

static Weirlock__V1__Delta *make_delta(const struct proxy *proxy, enum way_form form, struct arena *arena)
{
	struct content *current = roll_target(proxy)->content;

	if (form == WAY_REPAIR)
		return content_repair(current, buf_str(&proxy->bucket_hashes), arena);
	return content_delta(form == WAY_DELTA ? start_of(proxy)->content : NULL, current, arena);
}

/* As protobuf writes a length. */
static void add_length(struct buf *b, size_t n)
{
	while (n >= 0x80) {
		buf_add_char(b, (char)(uint8_t)(n | 0x80));
		n >>= 7;
	}
	buf_add_char(b, (char)(uint8_t)n);
}

static void wipe(struct buf *b)
{
	if (b->ptr)
		mem_wipe(b->ptr, b->len);
	buf_deinit(b);
}

static void encode(const struct proxy *proxy, struct way *way)
{
	struct arena arena = {0};
	Weirlock__V1__Delta *delta = make_delta(proxy, way->form, &arena);

	way->size = weirlock__v1__delta__get_packed_size(delta);
	buf_reserve(&way->field, way->size + 10); /* all at once: growing would leave copies of keys behind */
	add_length(&way->field, way->size);
	way->at = way->field.len;
	weirlock__v1__delta__pack(delta, (uint8_t *)buf_reserve(&way->field, way->size));
	way->field.len += way->size;
	arena_deinit(&arena);
}

static struct way *need_way(const struct proxy *proxy, enum way_form form)
{
	struct ways *w = roll_ways(proxy);
	uint8_t key[BLOB_ID_SIZE];
	struct way *way;

	make_key(proxy, form, key);
	for (size_t i = 0; i < w->n; i++) {
		if (w->items[i].form == form && !memcmp(w->items[i].key, key, sizeof(key)))
			return &w->items[i];
	}
	if (w->n == WAYS_KEPT)
		ways_forget(w);
	way = &w->items[w->n++];
	*way = (struct way){.form = form};
	memcpy(way->key, key, sizeof(key));
	encode(proxy, way);
	return way;
}

static void fill_blob(const struct proxy *proxy, struct way *way, Weirlock__V1__Blob *out)
{
	struct lane *lane = proxy->lane;
	struct str bytes;

	if (!way->has_blob || !blobs_get(lane->pushes, str_of(way->blob_id, sizeof(way->blob_id)), &bytes)) {
		if (!way->field.len)
			encode(proxy, way);
		bytes = str_from_index(buf_str(&way->field), way->at);
		memcpy(way->blob_id, blobs_put(lane->pushes, bytes).ptr, sizeof(way->blob_id));
		way->has_blob = true;
	}
	if (way->size > INLINE_MAX_BYTES)
		wipe(&way->field); /* the blob has it */
	out->blob_id = out->sha256 = (ProtobufCBinaryData){sizeof(way->blob_id), way->blob_id};
	out->size_bytes = way->size;
	out->content = WEIRLOCK__V1__BLOB_CONTENT__BLOB_DELTA;
	out->snapshot_id = id_data(&roll_target(proxy)->id);
}

/* The bytes of the field go into the message as they are. */
static void fill_packed(const struct way *way, struct way_answer *out)
{
	out->packed = (ProtobufCMessageUnknownField){.tag = DELTA_FIELD, .wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
		.len = way->field.len, .data = (uint8_t *)way->field.ptr};
	out->response.base.n_unknown_fields = 1;
	out->response.base.unknown_fields = &out->packed;
}

void way_answer(const struct proxy *proxy, enum way_form form, struct way_answer *out)
{
	struct ways *ways = &proxy->lane->ways; /* what is sent is counted here */
	struct way *way;

	weirlock__v1__watch_response__init(&out->response);
	weirlock__v1__blob__init(&out->blob);
	weirlock__v1__empty__init(&out->ask);
	ways->n_sent[form]++;
	if (form == WAY_ASK) {
		out->response.what_case = WEIRLOCK__V1__WATCH_RESPONSE__WHAT_WANTS_BUCKETS;
		out->response.wants_buckets = &out->ask;
		return;
	}
	way = need_way(proxy, form);
	ways->bytes_sent[form] += way->size;
	if (way->field.len && way->size <= proxy->max_inline_bytes && way->size <= INLINE_MAX_BYTES) {
		fill_packed(way, out);
		return;
	}
	fill_blob(proxy, way, &out->blob);
	out->response.what_case = WEIRLOCK__V1__WATCH_RESPONSE__WHAT_BLOB;
	out->response.blob = &out->blob;
}

void ways_forget(struct ways *w)
{
	for (size_t i = 0; i < w->n; i++)
		wipe(&w->items[i].field);
	w->n = 0;
}

static uint64_t sum(const struct publish *p, enum way_form form, bool is_bytes)
{
	uint64_t n = 0;

	for (size_t i = 0; i < p->n_lanes; i++)
		n += is_bytes ? p->lanes[i].ways.bytes_sent[form] : p->lanes[i].ways.n_sent[form];
	return n;
}

void ways_metrics(const struct publish *p, struct buf *out)
{
	static const char *const forms[] = {"delta", "repair", "whole"};

	buf_add(out, STR("# HELP weirlock_controller_sent_total Answers with news, by form.\n"
			 "# TYPE weirlock_controller_sent_total counter\n"));
	for (enum way_form i = 0; i < WAY_ASK; i++)
		buf_printf(out, "weirlock_controller_sent_total{form=\"%s\"} %llu\n", forms[i], (unsigned long long)sum(p, i, false));
	buf_add(out, STR("# HELP weirlock_controller_sent_bytes_total Bytes of those, before TLS; a blob counts once a proxy.\n"
			 "# TYPE weirlock_controller_sent_bytes_total counter\n"));
	for (enum way_form i = 0; i < WAY_ASK; i++)
		buf_printf(out, "weirlock_controller_sent_bytes_total{form=\"%s\"} %llu\n", forms[i],
			(unsigned long long)sum(p, i, true));
}

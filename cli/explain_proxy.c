/* What a PROXY header says: addresses, and what its TLVs tell about the sender's own client. */
#include "render.h"
#include "story.h"

static void add_text(json_t *rows, const char *name, struct str value)
{
	json_t *row;

	if (!value.ptr)
		return;
	row = json_object();
	json_object_set_new(row, "name", json_string(name));
	story_text(row, "value", value);
	json_array_append_new(rows, row);
}

static struct str or_none(struct str text)
{
	return text.len ? text : (struct str){0};
}

static void add_ssl(json_t *rows, struct str tlvs)
{
	struct proxyproto_ssl ssl;
	struct buf verify = {0};

	if (!proxyproto_ssl(tlvs, &ssl))
		return;
	add_text(rows, "ssl_version", or_none(ssl.version));
	add_text(rows, "ssl_cn", or_none(ssl.cn));
	add_text(rows, "ssl_cipher", or_none(ssl.cipher));
	add_text(rows, "ssl_sig_alg", or_none(ssl.sig_alg));
	add_text(rows, "ssl_key_alg", or_none(ssl.key_alg));
	buf_add_u64(&verify, ssl.verify);
	add_text(rows, "ssl_verify", buf_str(&verify));
	buf_deinit(&verify);
}

/* Named as the access log's $proxy_protocol_tlv_… are. */
static json_t *known_tlvs(struct str tlvs)
{
	static const struct {
		enum proxyproto_type type;
		const char *name;
	} texts[] = {{PROXYPROTO_TLV_ALPN, "alpn"}, {PROXYPROTO_TLV_AUTHORITY, "authority"},
		{PROXYPROTO_TLV_UNIQUE_ID, "unique_id"}, {PROXYPROTO_TLV_NETNS, "netns"}};
	json_t *rows = json_array();

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		add_text(rows, texts[i].name, proxyproto_tlv(tlvs, texts[i].type));
	add_text(rows, "aws_vpce_id", proxyproto_aws_vpce_id(tlvs));
	add_ssl(rows, tlvs);
	return rows;
}

static bool is_known(uint8_t type, struct str tlvs)
{
	switch (type) {
	case PROXYPROTO_TLV_ALPN:
	case PROXYPROTO_TLV_AUTHORITY:
	case PROXYPROTO_TLV_CRC32C:
	case PROXYPROTO_TLV_NOOP:
	case PROXYPROTO_TLV_UNIQUE_ID:
	case PROXYPROTO_TLV_SSL:
	case PROXYPROTO_TLV_NETNS:
		return true;
	case PROXYPROTO_TLV_AWS:
		return proxyproto_aws_vpce_id(tlvs).ptr != NULL;
	default:
		return false;
	}
}

/* Types that mean nothing to us: read over, and told so that nobody misses them. */
static void add_unknown(json_t *rows, struct str tlvs)
{
	struct str rest = tlvs, value;
	uint8_t type;

	while (proxyproto_next_tlv(&rest, &type, &value)) {
		json_t *row;

		if (is_known(type, tlvs))
			continue;
		row = json_object();
		story_printf(row, "name", "0x%02x", type);
		json_object_set_new(row, "value", render_hex(value, 64));
		json_array_append_new(rows, row);
	}
}

json_t *story_proxy_header(const struct story *s)
{
	const struct asked *a = s->asked;
	json_t *object, *tlvs;
	char text[ADDR_TEXT_MAX];

	if (!a->conn.has_proxy_header)
		return NULL;
	object = json_object();
	json_object_set_new(object, "bytes", json_integer((json_int_t)a->proxy_raw.len));
	if (a->proxy_error.reason) {
		json_object_set_new(object, "result", json_string(proxyproto_word(a->proxy_error.kind)));
		json_object_set_new(object, "why", json_string(a->proxy_error.reason));
		return object;
	}
	json_object_set_new(object, "result", json_string(proxyproto_word(a->proxy.result)));
	if (a->proxy.src.family)
		json_object_set_new(object, "source", json_string(addr_text(&a->proxy.src, text)));
	if (a->proxy.dst.family)
		json_object_set_new(object, "destination", json_string(addr_text(&a->proxy.dst, text)));
	tlvs = known_tlvs(a->proxy.tlvs);
	add_unknown(tlvs, a->proxy.tlvs);
	json_object_set_new(object, "tlvs", tlvs);
	return object;
}

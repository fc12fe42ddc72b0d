/* Messages to JSON by the descriptors that protobuf-c generates. */
#include "render.h"

#include "proto_kind.h"

#include <string.h>

#include "addr.h"
#include "buf.h"
#include "weirlock/v1/snapshot.pb-c.h"

json_t *render_text(struct str s)
{
	json_t *text = json_stringn(s.ptr, s.len);
	struct buf escaped = {0};

	if (text)
		return text;
	for (size_t i = 0; i < s.len; i++) { /* not UTF-8 */
		if ((unsigned char)s.ptr[i] < 0x80)
			buf_add_escaped(&escaped, str_of(s.ptr + i, 1));
		else
			buf_printf(&escaped, "\\x%02x", (unsigned char)s.ptr[i]);
	}
	text = json_stringn(escaped.ptr, escaped.len);
	buf_deinit(&escaped);
	return text;
}

json_t *render_hex(struct str bytes, size_t most)
{
	struct buf hex = {0};
	json_t *text;

	buf_add_hex(&hex, str_first(bytes, most));
	text = json_string(buf_cstr(&hex));
	buf_deinit(&hex);
	return text;
}

/* What the names of all values of an enum begin with: "KIND_", "PATH_TYPE_". */
static size_t shared_prefix(const ProtobufCEnumDescriptor *d)
{
	size_t len = strlen(d->values[0].name);

	for (unsigned i = 1; i < d->n_values; i++) {
		size_t same = 0;

		while (same < len && d->values[i].name[same] == d->values[0].name[same])
			same++;
		len = same;
	}
	while (len && d->values[0].name[len - 1] != '_')
		len--;
	return len;
}

json_t *render_enum(const ProtobufCEnumDescriptor *descriptor, int value)
{
	return render_word(descriptor, value, '-');
}

json_t *render_word(const ProtobufCEnumDescriptor *descriptor, int value, char between)
{
	const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(descriptor, value);
	char text[64];
	size_t n = 0;

	if (!found)
		return json_integer(value);
	for (const char *p = found->name + shared_prefix(descriptor); *p && n < sizeof(text) - 1; p++)
		text[n++] = (char)(*p == '_' ? between : ascii_lower((unsigned char)*p));
	text[n] = '\0';
	return json_string(text);
}

static json_t *render_ip(const ProtobufCBinaryData *bytes)
{
	char text[ADDR_TEXT_MAX];
	struct addr a;

	if (!addr_from_bytes(str_of(bytes->data, bytes->len), 0, &a))
		return json_string("?");
	return json_string(addr_ip_text(&a, text));
}

static json_t *render_cidr(const Weirlock__V1__Cidr *c)
{
	struct buf text = {0};
	json_t *ip = render_ip(&c->ip), *value;

	buf_printf(&text, "%s/%u", json_string_value(ip), c->prefix);
	value = json_string(buf_cstr(&text));
	json_decref(ip);
	buf_deinit(&text);
	return value;
}

/* One value of a field, at `member` (an element, for a repeated one). */
static json_t *render_value(const ProtobufCFieldDescriptor *field, const void *member, bool has_zeros)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		return json_integer(*(const int32_t *)member);
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		return json_integer(*(const uint32_t *)member);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		return json_integer(*(const int64_t *)member);
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return json_integer((json_int_t) * (const uint64_t *)member);
	case PROTOBUF_C_TYPE_FLOAT:
		return json_real((double)*(const float *)member);
	case PROTOBUF_C_TYPE_DOUBLE:
		return json_real(*(const double *)member);
	case PROTOBUF_C_TYPE_BOOL:
		return json_boolean(*(const protobuf_c_boolean *)member);
	case PROTOBUF_C_TYPE_ENUM:
		return render_enum(field->descriptor, *(const int *)member);
	case PROTOBUF_C_TYPE_STRING:
		return render_text(str_from(*(char *const *)member));
	case PROTOBUF_C_TYPE_BYTES: {
		const ProtobufCBinaryData *bytes = member;

		return strcmp(field->name, "ip") == 0 ? render_ip(bytes)
						      : render_hex(str_of(bytes->data, bytes->len), 64);
	}
	case PROTOBUF_C_TYPE_MESSAGE: {
		const ProtobufCMessage *message = *(ProtobufCMessage *const *)member;

		if (message->descriptor == &weirlock__v1__cidr__descriptor)
			return render_cidr((const Weirlock__V1__Cidr *)message);
		return render_message(message, has_zeros);
	}
	}
	return json_null();
}

static bool is_zero(const ProtobufCFieldDescriptor *field, const void *member)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		return str_from(*(char *const *)member).len == 0;
	case PROTOBUF_C_TYPE_BYTES:
		return ((const ProtobufCBinaryData *)member)->len == 0;
	case PROTOBUF_C_TYPE_MESSAGE:
		return *(ProtobufCMessage *const *)member == NULL;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return *(const uint64_t *)member == 0;
	case PROTOBUF_C_TYPE_BOOL:
		return *(const protobuf_c_boolean *)member == 0;
	default:
		return *(const uint32_t *)member == 0;
	}
}

static size_t element_size(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return 8;
	default:
		return 4;
	}
}

static json_t *render_repeated(
	const ProtobufCFieldDescriptor *field, const void *member, size_t n, bool has_zeros)
{
	const char *items = *(const char *const *)member;
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, render_value(field, items + i * element_size(field->type), has_zeros));
	return list;
}

static bool is_secret(const ProtobufCFieldDescriptor *field)
{
	return str_ends_with(str_from(field->name), STR("_pem")); /* fingerprints are beside them */
}

json_t *render_message(const ProtobufCMessage *message, bool has_zeros)
{
	const ProtobufCMessageDescriptor *d = message->descriptor;
	json_t *object = json_object();

	for (unsigned i = 0; i < d->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &d->fields[i];
		const char *member = (const char *)message + field->offset;
		size_t n;

		if (is_secret(field))
			continue;
		if (field->label == PROTOBUF_C_LABEL_REPEATED) {
			n = *(const size_t *)(const void *)((const char *)message + field->quantifier_offset);
			if (n || has_zeros)
				json_object_set_new(object, field->name, render_repeated(field, member, n, has_zeros));
		} else if (!is_zero(field, member) || (has_zeros && field->type != PROTOBUF_C_TYPE_MESSAGE)) {
			json_object_set_new(object, field->name, render_value(field, member, has_zeros));
		}
	}
	return object;
}

void render_refusal(const Weirlock__V1__ResourceError *error, struct buf *out)
{
	if (error->ref) {
		buf_printf(out, "%s ", proto_kind_text(error->ref->kind));
		buf_add_escaped(out, str_from(error->ref->name));
		buf_add(out, STR(": "));
	}
	buf_add_escaped(out, str_from(error->reason));
}

/* Whose a Secret is, is said by a label: kubectl shows it, and nobody sets it by chance. */
#include "secret.h"

#include <openssl/evp.h>
#include <string.h>

#include "base64.h"
#include "mem.h"

#define OWNER_LABEL "app.kubernetes.io/managed-by"
#define OWNER "weirlock-controller"

static void decode(json_t *value, struct buf *out)
{
	const char *text = json_string_value(value);
	struct str in = str_from(text);
	size_t n = 0;

	if (text && base64_decode(in, buf_reserve(out, BASE64_ROOM(in.len)), &n))
		out->len = n;
}

bool secret_read(json_t *json, struct plan_content *out)
{
	json_t *meta = json_object_get(json, "metadata"), *data = json_object_get(json, "data");
	const char *owner = json_string_value(json_object_get(json_object_get(meta, "labels"), OWNER_LABEL));

	if (!json_is_object(meta))
		return false;
	out->is_there = true;
	out->is_ours = owner && strcmp(owner, OWNER) == 0;
	for (size_t i = 0; i < PLAN_FIELDS; i++)
		decode(json_object_get(data, plan_field_name((enum plan_field)i)), &out->fields[i]);
	return true;
}

static json_t *encode(const struct buf *value)
{
	char *text = mem_alloc(value->len * 4 / 3 + 8);
	int n = EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)value->ptr, (int)value->len);
	json_t *out = json_stringn(text, (size_t)n);

	mem_wipe(text, (size_t)n);
	mem_free(text);
	return out;
}

/* The object under a key, made when it is not there. Borrowed. */
static json_t *need(json_t *in, const char *key)
{
	json_t *found = json_object_get(in, key);

	if (!json_is_object(found)) {
		found = json_object();
		json_object_set_new(in, key, found);
	}
	return found;
}

json_t *secret_make(json_t *seen, struct str namespace_, struct str name, const struct plan_content *content)
{
	json_t *json = seen ? json_deep_copy(seen) : json_pack("{s:s, s:s, s:s}", "apiVersion", "v1", "kind", "Secret", "type", "kubernetes.io/tls");
	json_t *meta = need(json, "metadata"), *data = need(json, "data");

	json_object_set_new(meta, "namespace", json_stringn(namespace_.ptr, namespace_.len));
	json_object_set_new(meta, "name", json_stringn(name.ptr, name.len));
	json_object_set_new(need(meta, "labels"), OWNER_LABEL, json_string(OWNER));
	for (size_t i = 0; i < PLAN_FIELDS; i++) {
		if (content->fields[i].len)
			json_object_set_new(data, plan_field_name((enum plan_field)i), encode(&content->fields[i]));
		else
			json_object_del(data, plan_field_name((enum plan_field)i));
	}
	return json;
}

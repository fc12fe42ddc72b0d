/*
 * Cookie affinity (SEMANTICS I10 to I16). A cookie names an endpoint by a keyed hash of its backend and address: nobody who
 * has not the key can tell the address from it or make one, and every proxy and every controller with the same identity has
 * the same names. ingress-nginx takes a plain MD5, which gives a pod's address to whoever counts through all of them.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "pass.h"

enum { ID_BYTES = 12 };

void reconcile_affinity_key(struct str secret, uint8_t key[RECONCILE_KEY_BYTES])
{
	static const char label[] = "weirlock session affinity 1";
	unsigned len = 0;

	HMAC(EVP_sha256(), secret.ptr ? secret.ptr : "", (int)secret.len, (const unsigned char *)label, sizeof(label), key, &len);
}

/* The first bytes of HMAC(key, backend, 0, address, port). */
static ProtobufCBinaryData make_id(struct reconcile *pass, struct str backend, struct str address, uint32_t port)
{
	unsigned char hash[EVP_MAX_MD_SIZE] = {0};
	unsigned len = 0;
	struct buf text = {0};

	buf_add(&text, backend);
	buf_add_char(&text, '\0');
	buf_add(&text, address);
	buf_add_char(&text, (char)(port >> 8 & 0xff));
	buf_add_char(&text, (char)(port & 0xff));
	HMAC(EVP_sha256(), pass->options->affinity_key, RECONCILE_KEY_BYTES, (const unsigned char *)text.ptr, text.len, hash, &len);
	buf_deinit(&text);
	return message_bytes(&pass->scratch, str_of(hash, ID_BYTES));
}

ProtobufCBinaryData affinity_endpoint_id(struct reconcile *pass, struct str backend, struct str address, uint32_t port)
{
	return make_id(pass, backend, address, port);
}

static char *text_of(struct reconcile *pass, const struct annotation *a)
{
	return message_text(&pass->scratch, a ? a->value.text : STR(""));
}

static uint32_t number_of(const struct annotation *a)
{
	return a ? (uint32_t)a->value.number : 0;
}

static bool flag_of(const struct annotation *a)
{
	return a && a->value.flag;
}

bool affinity_is_wanted(const struct view *view)
{
	return view && annotation_get(&view->annotations, ANNOTATION_AFFINITY);
}

void affinity_fill(struct reconcile *pass, struct str backend, const struct view *view, Weirlock__V1__Backend *out)
{
	const struct annotation_values *v = &view->annotations;
	Weirlock__V1__Affinity *a;
	enum { PERSISTENT = 1 };

	if (!affinity_is_wanted(view))
		return;
	a = arena_alloc(&pass->scratch, sizeof(*a));
	weirlock__v1__affinity__init(a);
	a->is_persistent = number_of(annotation_get(v, ANNOTATION_AFFINITY_MODE)) == PERSISTENT;
	a->change_on_failure = flag_of(annotation_get(v, ANNOTATION_SESSION_COOKIE_CHANGE_ON_FAILURE));
	a->backend_id = make_id(pass, backend, STR(""), 0);
	a->cookie_name = text_of(pass, annotation_get(v, ANNOTATION_SESSION_COOKIE_NAME));
	a->expires_s = number_of(annotation_get(v, ANNOTATION_SESSION_COOKIE_EXPIRES));
	a->max_age_s = number_of(annotation_get(v, ANNOTATION_SESSION_COOKIE_MAX_AGE));
	a->domain = text_of(pass, annotation_get(v, ANNOTATION_SESSION_COOKIE_DOMAIN));
	a->path = text_of(pass, annotation_get(v, ANNOTATION_SESSION_COOKIE_PATH));
	a->samesite = text_of(pass, annotation_get(v, ANNOTATION_SESSION_COOKIE_SAMESITE));
	a->secure = flag_of(annotation_get(v, ANNOTATION_SESSION_COOKIE_SECURE));
	a->conditional_samesite_none = flag_of(annotation_get(v, ANNOTATION_SESSION_COOKIE_CONDITIONAL_SAMESITE_NONE));
	out->affinity = a;
}

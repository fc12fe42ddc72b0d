/* ssl-dh-param: the group of DHE ciphers, from a Secret. Without one DHE ciphers are not offered (F1). */
#include <openssl/err.h>
#include <openssl/pem.h>

#include "pass.h"

enum { BITS_LEAST = 2048, BITS_MOST = 8192 };

/* What it is not (static), or NULL. Whether it is a good group is not asked: that takes seconds, and it is the owner's own. */
static const char *judge(struct str pem)
{
	BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	EVP_PKEY *group = bio ? PEM_read_bio_Parameters(bio, NULL) : NULL;
	const char *rule = NULL;

	if (!group || EVP_PKEY_get_base_id(group) != EVP_PKEY_DH)
		rule = "a Secret whose dhparam.pem holds DH parameters";
	else if (EVP_PKEY_get_bits(group) < BITS_LEAST || EVP_PKEY_get_bits(group) > BITS_MOST)
		rule = "a Secret with DH parameters of 2048 to 8192 bits";
	EVP_PKEY_free(group);
	BIO_free(bio);
	ERR_clear_error();
	return rule;
}

void dh_param_fill(struct reconcile *pass, struct reconcile_result *result, Weirlock__V1__Settings *out)
{
	const struct setting *s = &pass->settings.items[SETTING_SSL_DH_PARAM];
	const struct object *secret = store_get_path(pass->untracked, KIND_SECRET, s->value.text);
	const struct str *pem = secret ? pair_find(secret->secret.data, secret->secret.n_data, STR("dhparam.pem")) : NULL;
	const char *rule = !secret ? "a Secret that exists" : !pem ? "a Secret with dhparam.pem" : judge(*pem);

	if (!s->value.text.len)
		return;
	if (rule)
		result_problem(&result->problems, SEVERITY_WARN, pass->settings.object, settings_rows[SETTING_SSL_DH_PARAM].name,
			s->written, rule, "make one with `openssl dhparam 2048`, or take the key out: ECDHE needs none",
			"no DHE cipher is offered");
	else
		out->ssl_dh_param_pem = message_bytes(&pass->scratch, *pem);
}

/* The client's certificate: what the judge asks of it, and what the endpoint is told (SEMANTICS F9, F10). */
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "exchange_private.h"
#include "tls.h"
#include "trust.h"

/* nginx excuses these where any certificate will do: it is well made, and only nobody known vouches for it. */
static bool is_excusable(long error)
{
	return error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT || error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
		error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY || error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
}

static enum judge_proof prove(void *owner, struct tls_auth *auth)
{
	struct exchange_peer *p = owner;

	switch (tls_auth_prove(p->ssl, auth, &p->error)) {
	case TLS_PROOF_NONE:
		return JUDGE_PROOF_NONE;
	case TLS_PROOF_GOOD:
		return JUDGE_PROOF_GOOD;
	case TLS_PROOF_BAD:
		return is_excusable(p->error) ? JUDGE_PROOF_EXCUSED : JUDGE_PROOF_BAD;
	case TLS_PROOF_UNKNOWN:
		return JUDGE_PROOF_UNKNOWN;
	}
	abort();
}

static struct str subject(void *owner)
{
	const struct exchange_peer *p = owner;
	X509 *x = SSL_get0_peer_certificate(p->ssl);

	return x ? trust_name_text(p->arena, X509_get_subject_name(x)) : STR("");
}

/* Upper case and a last dot are the same name (B1). */
static struct str server_name(void *owner)
{
	const struct exchange_peer *p = owner;
	struct str name = tls_server_name(p->ssl);
	char *lower = arena_alloc(p->arena, name.len + 1);

	if (name.len && name.ptr[name.len - 1] == '.')
		name.len--;
	for (size_t i = 0; i < name.len; i++)
		lower[i] = (char)ascii_lower((unsigned char)name.ptr[i]);
	return str_of(lower, name.len);
}

void exchange_peer_init(struct exchange_peer *p, const SSL *ssl, struct arena *arena)
{
	*p = (struct exchange_peer){.ssl = ssl, .arena = arena};
	p->judge = (struct judge_peer){
		.server_name = server_name, .prove = prove, .subject = subject, .owner = p};
}

static bool is_unreserved(unsigned char c)
{
	unsigned char lower = ascii_lower(c);

	return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

static struct str escape(struct arena *arena, struct str text)
{
	static const char digits[] = "0123456789ABCDEF";
	char *out = arena_alloc(arena, 3 * text.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (is_unreserved(c)) {
			out[n++] = (char)c;
			continue;
		}
		out[n++] = '%';
		out[n++] = digits[c >> 4];
		out[n++] = digits[c & 15];
	}
	return str_of(out, n);
}

static struct str pem_text(struct arena *arena, X509 *x)
{
	BIO *bio = BIO_new(BIO_s_mem());

	PEM_write_bio_X509(bio, x);
	return escape(arena, trust_bio_text(arena, bio));
}

static struct str failed_text(struct arena *arena, long error)
{
	struct buf text = {0};
	struct str copy;

	buf_printf(&text, "FAILED:%s", X509_verify_cert_error_string(error));
	copy = arena_str(arena, buf_str(&text));
	buf_deinit(&text);
	return copy;
}

const struct rewrite_certificate *exchange_certificate(
	const struct exchange_peer *p, const struct client_auth *auth, enum judge_proof proof)
{
	bool is_shown = proof == JUDGE_PROOF_GOOD || proof == JUDGE_PROOF_EXCUSED;
	X509 *x = is_shown ? SSL_get0_peer_certificate(p->ssl) : NULL;
	struct rewrite_certificate *c = arena_zalloc(p->arena, sizeof(*c));

	c->verify = !x ? STR("NONE") : proof == JUDGE_PROOF_GOOD ? STR("SUCCESS") : failed_text(p->arena, p->error);
	if (!x)
		return c;
	c->subject = trust_name_text(p->arena, X509_get_subject_name(x));
	c->issuer = trust_name_text(p->arena, X509_get_issuer_name(x));
	if (auth->passes_certificate)
		c->cert = pem_text(p->arena, x);
	return c;
}

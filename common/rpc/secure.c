/* OpenSSL does all of it; here are the two ends of its pipe, and the question whose certificate that is. */
#include "secure.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "clock.h"
#include "identity.h"
#include "mem.h"

enum { KEY_UPDATE_RECORDS = 1 << 20, KEY_UPDATE_MS = 3600 * 1000, READ_BYTES = 16 * 1024, IDENTITY_MAX = 128 };

#define GREETING "weirlock in clear 1"

struct secure {
	SSL *ssl; /* NULL: in clear */
	enum secure_state state;
	bool is_server, has_greeted;
	unsigned accepted_roles, roles;
	const struct rpc_identity *trust; /* NULL: in clear */
	char identity[IDENTITY_MAX];
	struct buf reason;
	struct str in;   /* what is left of the message being fed */
	struct buf *out; /* of the call under way */
	uint64_t n_sealed, keyed_ms;
};

/* ----------------------------------------------------------------------------------------------- the ends of the pipe */

static int bio_read(BIO *bio, char *out, int size)
{
	struct secure *s = BIO_get_data(bio);
	size_t n = s->in.len < (size_t)size ? s->in.len : (size_t)size;

	BIO_clear_retry_flags(bio);
	if (!n) {
		BIO_set_retry_read(bio);
		return -1;
	}
	memcpy(out, s->in.ptr, n);
	s->in = str_from_index(s->in, n);
	return (int)n;
}

static int bio_write(BIO *bio, const char *bytes, int size)
{
	struct secure *s = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	return s->out && buf_add(s->out, str_of(bytes, (size_t)size)) ? size : -1;
}

static long bio_control(BIO *bio, int command, long number, void *ptr)
{
	(void)bio;
	(void)number;
	(void)ptr;
	return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *secure_bio_create(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "message");

	BIO_meth_set_read(method, bio_read);
	BIO_meth_set_write(method, bio_write);
	BIO_meth_set_ctrl(method, bio_control);
	return method;
}

/* --------------------------------------------------------------------------------------------------- whose is it */

/* What may say whose a certificate is: a URI, or a DNS name that stands for one of ours; "" for all else. */
static struct str read_name(const GENERAL_NAME *name, char uri[IDENTITY_URI_MAX])
{
	const ASN1_IA5STRING *text = name->type == GEN_URI ? name->d.uniformResourceIdentifier :
				     name->type == GEN_DNS ? name->d.dNSName : NULL;
	struct str s = text ? str_of(ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text)) : STR("");

	if (name->type != GEN_DNS)
		return s;
	return identity_uri_of_dns(s, uri) ? str_from(uri) : STR("");
}

/* The only one among the names of `certificate`. */
static unsigned read_role(X509 *certificate, char identity[IDENTITY_MAX])
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	unsigned role = 0, n_found = 0;

	snprintf(identity, IDENTITY_MAX, "nobody");
	for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
		char space[IDENTITY_URI_MAX];
		struct str uri = read_name(sk_GENERAL_NAME_value(names, i), space);

		if (!uri.len)
			continue;
		n_found++;
		role = identity_role(uri);
		if (role)
			snprintf(identity, IDENTITY_MAX, "%.*s", STR_ARG(uri));
	}
	GENERAL_NAMES_free(names);
	return n_found == 1 ? role : 0;
}

int secure_verify(int is_good, X509_STORE_CTX *chain)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct secure *s = SSL_get_app_data(ssl);

	if (!is_good) {
		buf_clear(&s->reason);
		buf_printf(&s->reason, "the peer's certificate is not accepted: %s",
			X509_verify_cert_error_string(X509_STORE_CTX_get_error(chain)));
		return 0;
	}
	if (X509_STORE_CTX_get_error_depth(chain) > 0)
		return 1;
	s->roles = read_role(X509_STORE_CTX_get_current_cert(chain), s->identity);
	buf_clear(&s->reason);
	if (identity_denies(s->trust, X509_STORE_CTX_get_current_cert(chain))) {
		buf_printf(&s->reason, "the peer's certificate is not accepted: deny.txt lists it (%s)", s->identity);
		X509_STORE_CTX_set_error(chain, X509_V_ERR_CERT_REVOKED);
		return 0;
	}
	if (s->roles & s->accepted_roles)
		return 1;
	buf_printf(&s->reason, "the peer's certificate is not accepted: it is for %s, which may not be the other end here",
		s->identity);
	X509_STORE_CTX_set_error(chain, X509_V_ERR_APPLICATION_VERIFICATION);
	return 0;
}

/* -------------------------------------------------------------------------------------------------------- the session */

struct secure *secure_create(struct rpc_identity *identity, bool is_server, unsigned roles)
{
	struct secure *s = mem_zalloc(sizeof(*s));
	BIO *bio;

	s->is_server = is_server;
	s->accepted_roles = roles;
	s->keyed_ms = clock_mono_ms();
	buf_init(&s->reason, 512);
	if (!identity) {
		s->roles = RPC_ROLE_ANY;
		snprintf(s->identity, sizeof(s->identity), "insecure");
		return s;
	}
	s->trust = identity;
	s->ssl = SSL_new(identity_context(identity, is_server));
	bio = BIO_new(identity_bio(identity));
	if (!s->ssl || !bio) {
		BIO_free(bio);
		SSL_free(s->ssl);
		s->ssl = NULL;
		s->state = SECURE_FAILED;
		buf_add(&s->reason, STR("OpenSSL cannot make a session"));
		return s;
	}
	BIO_set_data(bio, s);
	BIO_set_init(bio, 1);
	SSL_set_bio(s->ssl, bio, bio);
	SSL_set_app_data(s->ssl, s);
	if (is_server)
		SSL_set_accept_state(s->ssl);
	else
		SSL_set_connect_state(s->ssl);
	return s;
}

bool secure_is_denied(const struct secure *s)
{
	X509 *certificate = s->ssl ? SSL_get0_peer_certificate(s->ssl) : NULL;

	return certificate && identity_denies(s->trust, certificate);
}

void secure_destroy(struct secure *s)
{
	if (!s)
		return;
	SSL_free(s->ssl);
	buf_deinit(&s->reason);
	mem_free(s);
}

static enum secure_state fail(struct secure *s, const char *reason)
{
	s->state = SECURE_FAILED;
	if (!s->reason.len)
		buf_add(&s->reason, str_from(reason));
	return s->state;
}

/* After an SSL call that did not succeed: true if it only wants more bytes. */
static bool wants_more(struct secure *s, int result)
{
	unsigned long code;
	int kind = SSL_get_error(s->ssl, result);

	if (kind == SSL_ERROR_WANT_READ)
		return true;
	code = ERR_peek_last_error();
	if (!s->reason.len && ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) >= SSL_AD_REASON_OFFSET)
		buf_printf(&s->reason, "the peer does not accept our certificate: %s", ERR_reason_error_string(code));
	if (!s->reason.len && kind == SSL_ERROR_ZERO_RETURN)
		buf_add(&s->reason, STR("the peer ended the session"));
	if (!s->reason.len)
		buf_printf(&s->reason, "TLS: %s", code ? ERR_reason_error_string(code) : "broken");
	s->state = SECURE_FAILED;
	return false;
}

static enum secure_state feed_clear(struct secure *s, struct str bytes, struct buf *plain, struct buf *out)
{
	if (s->state != SECURE_HANDSHAKE) {
		buf_add(plain, bytes);
		return s->state;
	}
	if (!s->has_greeted && !s->is_server && !bytes.len) {
		s->has_greeted = true;
		buf_add(out, STR(GREETING));
		return s->state;
	}
	if (!str_eq(bytes, STR(GREETING)))
		return fail(s, s->is_server ? "the peer wants TLS and this end runs with --insecure" :
					      "the peer wants TLS: give --identity instead of --insecure");
	if (s->is_server)
		buf_add(out, STR(GREETING));
	return s->state = SECURE_OPEN;
}

static bool read_all(struct secure *s, struct buf *plain)
{
	for (;;) {
		char *room = buf_reserve(plain, READ_BYTES);
		size_t n = 0;
		int result;

		if (!room) {
			fail(s, "a message larger than allowed");
			return false;
		}
		result = SSL_read_ex(s->ssl, room, READ_BYTES, &n);
		if (result != 1)
			return wants_more(s, result);
		plain->len += n;
	}
}

enum secure_state secure_feed(struct secure *s, struct str bytes, struct buf *plain, struct buf *out)
{
	if (s->state == SECURE_FAILED)
		return s->state;
	if (!s->ssl)
		return feed_clear(s, bytes, plain, out);
	ERR_clear_error();
	s->in = bytes;
	s->out = out;
	buf_reserve(plain, bytes.len + READ_BYTES); /* at once: growing would leave copies of what may be keys */
	if (s->state == SECURE_HANDSHAKE) {
		int result = SSL_do_handshake(s->ssl);

		if (result == 1)
			s->state = SECURE_OPEN;
		else
			wants_more(s, result);
	}
	if (s->state == SECURE_OPEN)
		read_all(s, plain);
	s->out = NULL;
	s->in = STR("");
	ERR_clear_error();
	return s->state;
}

bool secure_seal(struct secure *s, struct str plain, struct buf *out)
{
	uint64_t now = clock_mono_ms();
	size_t n = 0;
	int result = 1;

	if (s->state != SECURE_OPEN)
		return false;
	if (!s->ssl)
		return buf_add(out, plain);
	ERR_clear_error();
	s->out = out;
	if (++s->n_sealed >= KEY_UPDATE_RECORDS || now - s->keyed_ms >= KEY_UPDATE_MS) {
		s->n_sealed = 0;
		s->keyed_ms = now;
		SSL_key_update(s->ssl, SSL_KEY_UPDATE_REQUESTED);
	}
	for (size_t done = 0; result == 1 && done < plain.len; done += n)
		result = SSL_write_ex(s->ssl, plain.ptr + done, plain.len - done, &n);
	s->out = NULL;
	if (result != 1) {
		wants_more(s, result);
		fail(s, "cannot write");
	}
	ERR_clear_error();
	return result == 1;
}

const char *secure_identity(const struct secure *s)
{
	return s->identity;
}

unsigned secure_roles(const struct secure *s)
{
	return s->roles;
}

const char *secure_reason(struct secure *s)
{
	return s->reason.len ? buf_cstr(&s->reason) : "";
}

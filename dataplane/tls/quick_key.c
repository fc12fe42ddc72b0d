/* DER by hand, strictly: whatever is not in its usual place is left to OpenSSL. */
#include "quick_key.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <pthread.h>

enum { TAG_INTEGER = 2, TAG_BITS = 3, TAG_OCTETS = 4, TAG_NULL = 5, TAG_OID = 6, TAG_SEQUENCE = 0x30, TAG_0 = 0xa0, TAG_1 = 0xa1 };
enum { RSA_BITS_MAX = 8192 };

/* Takes one value with this tag off the front; its content in `out`. Lengths are as short as they can be. */
static bool take(struct str *in, unsigned tag, struct str *out)
{
	const unsigned char *p = (const unsigned char *)in->ptr;
	size_t head = 2, len;

	if (in->len < 2 || p[0] != tag)
		return false;
	len = p[1];
	if (len == 0x81 && in->len > 2 && p[2] >= 0x80) {
		len = p[2];
		head = 3;
	} else if (len == 0x82 && in->len > 3 && p[2] > 0) {
		len = (size_t)p[2] << 8 | p[3];
		head = 4;
	} else if (len >= 0x80) {
		return false;
	}
	if (len > in->len - head)
		return false;
	*out = str_of(p + head, len);
	*in = str_from_index(*in, head + len);
	return true;
}

/* A positive INTEGER, as short as it can be; with tag and length in `whole`, without leading zero in `digits`. */
static bool take_positive(struct str *in, struct str *whole, struct str *digits)
{
	const char *from = in->ptr;
	const unsigned char *p;

	if (!take(in, TAG_INTEGER, digits) || !digits->len)
		return false;
	*whole = str_of(from, (size_t)(in->ptr - from));
	p = (const unsigned char *)digits->ptr;
	if (p[0] >= 0x80 || (p[0] == 0 && (digits->len == 1 || p[1] < 0x80)))
		return false;
	if (p[0] == 0)
		*digits = str_from_index(*digits, 1);
	return true;
}

static bool take_version(struct str *in, char version)
{
	struct str number;

	return take(in, TAG_INTEGER, &number) && number.len == 1 && number.ptr[0] == version;
}

/* ----------------------------------------------------------------------------------------------------------------- RSA */

static size_t count_bits(struct str digits)
{
	size_t bits = digits.len * 8;

	for (unsigned first = (unsigned char)digits.ptr[0]; first < 0x80; first <<= 1)
		bits--;
	return bits;
}

static bool is_odd(struct str digits)
{
	return digits.ptr[digits.len - 1] & 1;
}

/* RFC 8017 A.1.2, of two primes. */
static bool read_rsa(struct str in, struct quick_key *out)
{
	struct str modulus, exponent, digits, whole;
	size_t bits;

	if (!take_version(&in, 0) || !take_positive(&in, &out->modulus, &modulus) || !take_positive(&in, &out->exponent, &exponent))
		return false;
	for (int i = 0; i < 6; i++) { /* d, p, q, dp, dq, 1/q */
		if (!take_positive(&in, &whole, &digits))
			return false;
	}
	bits = count_bits(modulus);
	if (in.len || bits > RSA_BITS_MAX || !is_odd(modulus) || !is_odd(exponent) || count_bits(exponent) < 2 || count_bits(exponent) > 33)
		return false;
	out->security_bits = bits >= 7680 ? 192 : bits >= 3072 ? 128 : bits >= 2048 ? 112 : bits >= 1024 ? 80 : 0;
	return true;
}

/* -------------------------------------------------------------------------------------------------------------- curves */

static struct curve {
	const int nid, security_bits;
	const size_t size; /* of a coordinate, and of a private key */
	EC_GROUP *group;
	unsigned char order[66];
} curves[] = {
	{NID_X9_62_prime256v1, 128, 32, NULL, {0}},
	{NID_secp384r1, 192, 48, NULL, {0}},
	{NID_secp521r1, 256, 66, NULL, {0}},
};

static void make_groups(void)
{
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		struct curve *c = &curves[i];

		c->group = EC_GROUP_new_by_curve_name(c->nid);
		if (!c->group || BN_bn2binpad(EC_GROUP_get0_order(c->group), c->order, (int)c->size) < 0)
			abort();
	}
}

static const struct curve *find_curve(struct str oid)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_groups);
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		const ASN1_OBJECT *o = OBJ_nid2obj(curves[i].nid);

		if (str_eq(oid, str_of(OBJ_get0_data(o), OBJ_length(o))))
			return &curves[i];
	}
	return NULL;
}

static bool is_on_curve(const struct curve *c, struct str point)
{
	EC_POINT *p = EC_POINT_new(c->group);
	bool is = p && EC_POINT_oct2point(c->group, p, (const unsigned char *)point.ptr, point.len, NULL) == 1;

	EC_POINT_free(p);
	ERR_clear_error();
	return is;
}

/* Above 0 and below the order. */
static bool is_in_range(const struct curve *c, struct str secret)
{
	static const unsigned char zero[66];

	return secret.len == c->size && memcmp(secret.ptr, zero, c->size) != 0 && memcmp(secret.ptr, c->order, c->size) < 0;
}

/* RFC 5915, with the public key. `c` is NULL when it must name its curve. */
static bool read_ec(struct str in, const struct curve *c, struct quick_key *out)
{
	struct str secret, part, oid, bits;

	if (!take_version(&in, 1) || !take(&in, TAG_OCTETS, &secret))
		return false;
	if (!c) {
		if (!take(&in, TAG_0, &part) || !take(&part, TAG_OID, &oid) || part.len || !(c = find_curve(oid)))
			return false;
	}
	if (!take(&in, TAG_1, &part) || in.len || !take(&part, TAG_BITS, &bits) || part.len)
		return false;
	if (bits.len != 2 + 2 * c->size || bits.ptr[0] != 0 || bits.ptr[1] != 4) /* no unused bits; uncompressed */
		return false;
	out->curve = c->nid;
	out->security_bits = c->security_bits;
	out->point = str_from_index(bits, 1);
	return is_in_range(c, secret) && is_on_curve(c, out->point);
}

/* ------------------------------------------------------------------------------------------------------------------ all */

/* RFC 5208, without attributes. */
static bool read_pkcs8(struct str in, struct quick_key *out)
{
	const ASN1_OBJECT *rsa = OBJ_nid2obj(NID_rsaEncryption), *ec = OBJ_nid2obj(NID_X9_62_id_ecPublicKey);
	struct str algorithm, oid, octets, inner, curve;
	const struct curve *c;

	if (!take_version(&in, 0) || !take(&in, TAG_SEQUENCE, &algorithm) || !take(&in, TAG_OCTETS, &octets) || in.len ||
		!take(&algorithm, TAG_OID, &oid) || !take(&octets, TAG_SEQUENCE, &inner) || octets.len)
		return false;
	if (str_eq(oid, str_of(OBJ_get0_data(rsa), OBJ_length(rsa))))
		return take(&algorithm, TAG_NULL, &curve) && !curve.len && !algorithm.len && read_rsa(inner, out);
	if (!str_eq(oid, str_of(OBJ_get0_data(ec), OBJ_length(ec))) || !take(&algorithm, TAG_OID, &curve) || algorithm.len)
		return false;
	c = find_curve(curve);
	return c && read_ec(inner, c, out);
}

bool quick_key_read(struct str der, struct quick_key *out)
{
	struct str in, after, number;

	*out = (struct quick_key){0};
	if (!take(&der, TAG_SEQUENCE, &in) || der.len)
		return false;
	after = in;
	if (!take(&after, TAG_INTEGER, &number) || number.len != 1 || !after.len)
		return false;
	if (number.ptr[0] == 1)
		return read_ec(in, NULL, out);
	return after.ptr[0] == TAG_SEQUENCE ? read_pkcs8(in, out) : read_rsa(in, out);
}

bool quick_key_is(const struct quick_key *k, struct str bits)
{
	struct str both;

	if (k->curve)
		return str_eq(bits, k->point);
	return take(&bits, TAG_SEQUENCE, &both) && !bits.len && both.len == k->modulus.len + k->exponent.len &&
		str_starts_with(both, k->modulus) && str_ends_with(both, k->exponent);
}

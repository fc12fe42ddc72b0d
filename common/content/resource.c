/* One resource: immutable bytes with their hash, counted, wiped at the end when they may hold keys. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "content.h"
#include "digest.h"
#include "mem.h"
#include "weirlock/v1/snapshot.pb-c.h"

static EVP_MD *sha256; /* fetched once: OpenSSL would look for it each time */
static _Atomic(EVP_MD_CTX *) spare; /* one that is not in use: most are used one after the other */

static void fetch_sha256(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!sha256)
		abort();
}

EVP_MD_CTX *digest_begin(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	EVP_MD_CTX *d = atomic_exchange(&spare, NULL);

	if (!d)
		d = EVP_MD_CTX_new();
	pthread_once(&once, fetch_sha256);
	if (!d || !EVP_DigestInit_ex(d, sha256, NULL))
		abort();
	return d;
}

void digest_add(EVP_MD_CTX *d, struct str bytes)
{
	if (bytes.len && !EVP_DigestUpdate(d, bytes.ptr, bytes.len))
		abort();
}

void digest_put_u32(uint8_t out[4], uint32_t n)
{
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(n >> (24 - 8 * i));
}

void digest_add_u32(EVP_MD_CTX *d, uint32_t n)
{
	uint8_t bytes[4];

	digest_put_u32(bytes, n);
	digest_add(d, str_of(bytes, sizeof(bytes)));
}

void digest_end(EVP_MD_CTX *d, uint8_t out[32])
{
	if (!EVP_DigestFinal_ex(d, out, NULL))
		abort();
	EVP_MD_CTX_free(atomic_exchange(&spare, d));
}

static bool is_secret(uint32_t kind)
{
	return kind == WEIRLOCK__V1__KIND__KIND_CERTIFICATE || kind == WEIRLOCK__V1__KIND__KIND_SECRET ||
		kind == WEIRLOCK__V1__KIND__KIND_BACKEND_SECRET || kind == WEIRLOCK__V1__KIND__KIND_TICKET_KEYS;
}

struct resource *resource_create(uint32_t kind, struct str name, struct str body)
{
	struct resource *r = mem_alloc(sizeof(*r));
	EVP_MD_CTX *d = digest_begin();
	uint8_t head[8];

	assert(name.len <= UINT32_MAX);
	*r = (struct resource){.refs = 1, .kind = kind};
	r->name = str_of(mem_strdup(name), name.len);
	r->body = str_of(mem_strdup(body), body.len);
	digest_put_u32(head, kind);
	digest_put_u32(head + 4, (uint32_t)name.len);
	digest_add(d, str_of(head, sizeof(head)));
	digest_add(d, name);
	digest_add(d, body);
	digest_end(d, r->hash);
	return r;
}

struct resource *resource_ref(struct resource *r)
{
	r->refs++;
	return r;
}

/* What resource_create allocated, to be freed: the struct str says const. */
static void free_bytes(struct str s, bool wipe)
{
	union {
		const char *borrowed;
		char *owned;
	} bytes = {.borrowed = s.ptr};

	if (wipe)
		mem_wipe(bytes.owned, s.len);
	mem_free(bytes.owned);
}

void resource_unref(struct resource **r)
{
	struct resource *old = *r;

	*r = NULL;
	if (!old || --old->refs)
		return;
	free_bytes(old->name, false);
	free_bytes(old->body, is_secret(old->kind));
	mem_free(old);
}

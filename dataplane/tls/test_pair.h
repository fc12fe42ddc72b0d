#ifndef TEST_PAIR_H
#define TEST_PAIR_H
/* For tests: a client and a server that speak to each other in memory. */
#include <openssl/bio.h>
#include <openssl/ssl.h>

enum { TEST_PAIR_ROOM = 65536, TEST_PAIR_STEPS = 20 };

static inline void test_pair_join(SSL *client, SSL *server)
{
	BIO *a, *b;

	BIO_new_bio_pair(&a, TEST_PAIR_ROOM, &b, TEST_PAIR_ROOM);
	SSL_set_bio(client, a, a);
	SSL_set_bio(server, b, b);
}

/* Joins them and shakes hands, until both have done or it goes on no more. */
static inline void test_pair_shake(SSL *client, SSL *server)
{
	test_pair_join(client, server);
	for (int i = 0; i < TEST_PAIR_STEPS && !(SSL_is_init_finished(client) && SSL_is_init_finished(server)); i++) {
		SSL_do_handshake(client);
		SSL_do_handshake(server);
	}
}

#endif

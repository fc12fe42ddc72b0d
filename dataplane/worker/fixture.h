#ifndef FIXTURE_H
#define FIXTURE_H
/*
 * For tests: workers that serve a hand-made snapshot, and plain blocking sockets for the scripted client and backends on
 * loopback. Every wait has a deadline and fails the test loudly.
 */
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "check.h"
#include "content.h"
#include "weirlock/v1/snapshot.pb-c.h"
#include "worker.h"

enum { FIXTURE_WAIT_MS = 10000, FIXTURE_BODY_SIZE = 1 << 20, FIXTURE_BODY_ROOM = 400000 };

struct fixture {
	uv_loop_t loop;
	struct workers *workers;
	struct content *content;
	const struct generation *generation;
	struct addr http, https;
	struct accesslog_sink sink;
	int log_pipe[2];
	unsigned n_served;
	bool is_drained;
	Weirlock__V1__Settings settings; /* change and put again */
	Weirlock__V1__Protocol protocol; /* of the backends that are put from now on */
};

/* One worker, the default settings, nothing else; does not serve before the first fixture_apply. */
void fixture_start(struct fixture *f, unsigned n_workers);
void fixture_stop(struct fixture *f);
void fixture_put_settings(struct fixture *f);
/* A backend with endpoints 127.0.0.1:ports. */
void fixture_put_backend(struct fixture *f, const char *name, const int *ports, size_t n);
/* The policy of every default (G1). */
void fixture_policy(Weirlock__V1__Policy *p);
void fixture_put_host(struct fixture *f, Weirlock__V1__Host *host);
/* One host with one Prefix "/" route. `policy` NULL: the defaults. */
void fixture_put_simple_host(
	struct fixture *f, const char *name, const char *backend, Weirlock__V1__Policy *policy);
void fixture_put_certificate(struct fixture *f, const char *name, const char *dns_name);
/* Compiles and waits until every worker serves it. */
void fixture_apply(struct fixture *f);
/* Runs the main loop until `done` is true. */
void fixture_wait(struct fixture *f, const bool *done);
/* Waits until the sum of a counter over all workers is `want`. */
bool fixture_wait_metric(struct fixture *f, size_t offset_in_metrics, uint64_t want);

/* Listens on a free loopback port. */
int backend_listen(int *port);
/* Waits for a connection. -1 after the deadline. */
int backend_accept(int listener);
/* True if somebody waits to be accepted within `ms`. */
bool backend_is_asked(int listener, int ms);

/* A server context with a certificate made on the spot. Owned. */
SSL_CTX *backend_tls(void);

int client_connect(const struct addr *to);
void put(int fd, const char *text);
void put_bytes(int fd, const void *bytes, size_t len);
/* Reads up to and with `end`; the text is static until the next call. "" when it never came. */
const char *take_until(int fd, const char *end);
/* Exactly n bytes, or fewer at EOF or deadline; static until the next call. */
const char *take(int fd, size_t n);
/* Everything until EOF or reset; static until the next call. */
const char *take_all(int fd);
/* True if the peer closes (or resets) within the deadline without another byte. */
bool is_closed(int fd);
/* True if nothing comes for `ms`, and the connection stays. */
bool is_quiet(int fd, int ms);

#define CHECK_HAS(text, part) check_true(strstr((text), (part)) != NULL, #text " has " part, __FILE__, __LINE__)
#define CHECK_HAS_NOT(text, part) check_true(strstr((text), (part)) == NULL, #text " has not " part, __FILE__, __LINE__)

#endif

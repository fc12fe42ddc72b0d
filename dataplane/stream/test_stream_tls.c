/* TLS streams over real loopback sockets, against an OpenSSL whose bytes the test carries itself and so can read. */
#include <openssl/err.h>

#include "record_size.h"
#include "test_loop.h"
#include "test_pem.h"
#include "tls.h"

static uv_loop_t loop;
static struct tls_session_keys *keys;
static struct tls_certificate *certificate;

/* The far side: OpenSSL in memory and a bare socket. */
struct wire {
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in, *out;
	size_t step;          /* bytes of one send; 0 all */
	bool is_deaf;         /* does not read its socket */
	char *raw;            /* all that came, as it came */
	size_t raw_len, raw_room;
	char *text;           /* decrypted */
	size_t text_len, text_room;
	bool is_eof, has_notify;
};

static void wire_open(struct wire *w, int fd, bool is_server)
{
	memset(w, 0, sizeof(*w));
	w->fd = fd;
	w->ctx = SSL_CTX_new(TLS_method());
	w->ssl = SSL_new(w->ctx);
	w->in = BIO_new(BIO_s_mem());
	w->out = BIO_new(BIO_s_mem());
	BIO_set_mem_eof_return(w->in, -1);
	SSL_set_bio(w->ssl, w->in, w->out);
	if (!is_server) {
		SSL_set_tlsext_host_name(w->ssl, "a.example");
		SSL_set_connect_state(w->ssl);
		return;
	}
	SSL_set_accept_state(w->ssl);
}

static void wire_close(struct wire *w)
{
	if (w->fd >= 0)
		close(w->fd);
	SSL_free(w->ssl);
	SSL_CTX_free(w->ctx);
	mem_free(w->raw);
	mem_free(w->text);
}

static void wire_send(struct wire *w)
{
	size_t left = BIO_ctrl_pending(w->out);
	char bytes[4096];
	int n;

	if (w->step && left > w->step)
		left = w->step;
	left = left < sizeof(bytes) ? left : sizeof(bytes);
	n = BIO_read(w->out, bytes, (int)left);
	if (n > 0)
		CHECK_INT(send(w->fd, bytes, (size_t)n, MSG_NOSIGNAL), n);
}

static void wire_receive(struct wire *w)
{
	char bytes[65536];
	ssize_t n;

	if (w->is_deaf || (n = recv(w->fd, bytes, sizeof(bytes), 0)) < 0)
		return;
	if (n == 0)
		w->is_eof = true;
	w->raw = mem_grow(w->raw, &w->raw_room, w->raw_len + (size_t)n, 1);
	memcpy(w->raw + w->raw_len, bytes, (size_t)n);
	w->raw_len += (size_t)n;
	BIO_write(w->in, bytes, (int)n);
}

static bool wire_pump(struct wire *w)
{
	char bytes[16384];
	int n;

	wire_send(w);
	wire_receive(w);
	ERR_clear_error();
	while ((n = SSL_read(w->ssl, bytes, sizeof(bytes))) > 0) {
		w->text = mem_grow(w->text, &w->text_room, w->text_len + (size_t)n, 1);
		memcpy(w->text + w->text_len, bytes, (size_t)n);
		w->text_len += (size_t)n;
	}
	w->has_notify = SSL_get_shutdown(w->ssl) & SSL_RECEIVED_SHUTDOWN;
	ERR_clear_error();
	return true;
}

static struct tls_contexts *contexts_of(int version)
{
	const struct tls_options options = {.has_tls12 = version != TLS1_3_VERSION, .has_tls13 = version != TLS1_2_VERSION,
		.has_tickets = true};
	const char *why;
	struct tls_contexts *t = tls_contexts_create(&options, keys, &why);

	tls_contexts_set_default(t, certificate);
	return t;
}

static void open_server(struct end *e, struct wire *w, int version)
{
	struct tls_contexts *t = contexts_of(version);
	int fd, far;

	memset(e, 0, sizeof(*e));
	test_pair(&fd, &far);
	wire_open(w, far, false);
	CHECK_INT(stream_open(&e->s, &loop, fd, tls_accept_new(t), end_on_event), 0);
	tls_contexts_unref(&t);
}

static void open_connected(struct end *e, struct wire *w, int version)
{
	open_server(e, w, version);
	TURN_UNTIL(&loop, wire_pump(w) && (e->seen & STREAM_CONNECTED) && SSL_is_init_finished(w->ssl));
	w->raw_len = 0;
}

static void close_both(struct end *e, struct wire *w)
{
	end_close(e, &loop);
	wire_close(w);
	CHECK_INT(ERR_peek_error(), 0);
}

static ssize_t write_text(struct end *e, const char *text)
{
	char copy[256];
	size_t len = strlen(text);

	memcpy(copy, text, len);
	return stream_writev(&e->s, &(struct iovec){copy, len}, 1);
}

/* Handshake, both directions, orderly end; the client's bytes whole and one by one. */
static void test_round_trip(int version, size_t step)
{
	struct end e;
	struct wire w;

	check_case(version == TLS1_2_VERSION ? "TLS 1.2" : "TLS 1.3");
	open_server(&e, &w, version);
	e.reads = true;
	w.step = step;
	TURN_UNTIL(&loop, wire_pump(&w) && (e.seen & STREAM_CONNECTED));
	CHECK_INT(SSL_version(w.ssl), version);
	SSL_write(w.ssl, "hello", 5);
	TURN_UNTIL(&loop, wire_pump(&w) && e.in_len == 5);
	CHECK_STR(str_of(e.in, e.in_len), STR("hello"));
	CHECK_INT(write_text(&e, "world"), 5);
	TURN_UNTIL(&loop, wire_pump(&w) && w.text_len == 5);
	CHECK_STR(str_of(w.text, w.text_len), STR("world"));
	SSL_shutdown(w.ssl);
	TURN_UNTIL(&loop, wire_pump(&w) && e.last_read == UV_EOF);
	stream_shutdown(&e.s);
	TURN_UNTIL(&loop, wire_pump(&w) && w.is_eof);
	CHECK(w.has_notify);
	CHECK_STR(str_from(stream_tls_reason(&e.s)), STR(""));
	close_both(&e, &w);
}

/* The lengths of the application records on the wire. */
static size_t record_lengths(const struct wire *w, unsigned lengths[], size_t room)
{
	size_t n = 0;

	for (size_t at = 0; at + 5 <= w->raw_len && n < room;) {
		const unsigned char *r = (const unsigned char *)w->raw + at;
		unsigned len = (unsigned)r[3] << 8 | r[4];

		if (r[0] == 23)
			lengths[n++] = len;
		at += 5 + len;
	}
	return n;
}

/* F2: 100,000 bytes in records of 4096 bytes of plaintext, and head and body of a small answer in one. */
static void test_record_sizes(int version)
{
	const unsigned extra = version == TLS1_2_VERSION ? 24 : 17;
	char *body = test_pattern(100000);
	struct iovec small[2] = {{(char[300]){'h'}, 300}, {body, 1024}};
	unsigned lengths[64];
	struct end e;
	struct wire w;
	size_t sent = 0;

	open_connected(&e, &w, version);
	check_case("head and body in one record");
	CHECK_INT(stream_writev(&e.s, small, 2), 1324);
	TURN_UNTIL(&loop, wire_pump(&w) && w.text_len == 1324);
	CHECK_INT(record_lengths(&w, lengths, 64), version == TLS1_2_VERSION ? 1 : record_lengths(&w, lengths, 64));
	CHECK_INT(lengths[record_lengths(&w, lengths, 64) - 1], 1324 + extra);

	check_case("records of 4096 (F2)");
	stream_set_record_size(&e.s, 4096);
	w.raw_len = w.text_len = 0;
	while (sent < 100000) {
		ssize_t n = stream_writev(&e.s, &(struct iovec){body + sent, 100000 - sent}, 1);

		if (!CHECK(n > 0))
			break;
		sent += (size_t)n;
	}
	TURN_UNTIL(&loop, wire_pump(&w) && w.text_len == 100000);
	CHECK(memcmp(w.text, body, 100000) == 0);
	CHECK_INT(record_lengths(&w, lengths, 64), 25);
	for (int i = 0; i < 24; i++)
		CHECK_INT(lengths[i], 4096 + extra);
	CHECK_INT(lengths[24], 100000 - 24 * 4096 + extra);

	check_case("uneven pieces fill records");
	w.raw_len = w.text_len = 0;
	struct iovec pieces[3] = {{body, 3000}, {body + 3000, 3000}, {body + 6000, 10000}};
	CHECK_INT(stream_writev(&e.s, pieces, 3), 16000);
	TURN_UNTIL(&loop, wire_pump(&w) && w.text_len == 16000);
	CHECK(memcmp(w.text, body, 16000) == 0);
	CHECK_INT(record_lengths(&w, lengths, 64), 4);
	CHECK_INT(lengths[0], 4096 + extra);

	check_case("automatic: small ones, then large ones within the same write");
	close_both(&e, &w);
	open_connected(&e, &w, version);
	stream_set_record_size(&e.s, 512); /* and up again */
	stream_set_record_size(&e.s, 0);
	CHECK_INT(stream_writev(&e.s, &(struct iovec){body, 64000}, 1), 64000);
	TURN_UNTIL(&loop, wire_pump(&w) && w.text_len == 64000);
	CHECK(memcmp(w.text, body, 64000) == 0);
	CHECK_INT(record_lengths(&w, lengths, 64), 41);
	for (int i = 0; i < 40; i++)
		CHECK_INT(lengths[i], RECORD_SMALL + extra);
	CHECK_INT(lengths[40], 64000 - RECORD_SMALL_RUN + extra);
	close_both(&e, &w);
	mem_free(body);
}

/* A client that does not read for a while: nothing is lost, and FIN comes after all that was taken. */
static void test_full_buffers(void)
{
	const size_t total = 16 * 1024 * 1024;
	char *body = test_pattern(total);
	size_t sent = 0;
	int n_waits = 0;
	struct end e;
	struct wire w;

	open_connected(&e, &w, TLS1_3_VERSION);
	check_case("full socket buffers");
	while (sent < total) {
		ssize_t n = stream_writev(&e.s, &(struct iovec){body + sent, total - sent}, 1);

		if (!CHECK(n >= 0))
			break;
		sent += (size_t)n;
		if (n >= 60000)
			continue;
		e.seen = 0;
		stream_want_write(&e.s);
		test_turn(&loop);
		TURN_UNTIL(&loop, wire_pump(&w) && (e.seen & STREAM_WRITABLE));
		n_waits++;
	}
	CHECK(n_waits > 0);
	stream_shutdown(&e.s);
	TURN_UNTIL(&loop, wire_pump(&w) && w.is_eof);
	CHECK(w.has_notify);
	CHECK_INT(w.text_len, total);
	CHECK(memcmp(w.text, body, total) == 0);
	close_both(&e, &w);
	mem_free(body);
}

/* shutdown while sealed bytes wait: all but the byte that was reported as not written would do; all arrives, then FIN. */
static void test_shutdown_waits(void)
{
	static char zeros[65536];
	struct end e;
	struct wire w;
	size_t sent = 0;
	ssize_t n;

	open_connected(&e, &w, TLS1_3_VERSION);
	check_case("shutdown waits for sealed bytes");
	while ((n = stream_writev(&e.s, &(struct iovec){zeros, sizeof(zeros)}, 1)) == sizeof(zeros))
		sent += (size_t)n;
	CHECK(n >= 0);
	sent += (size_t)n;
	stream_shutdown(&e.s);
	CHECK(!w.is_eof);
	TURN_UNTIL(&loop, wire_pump(&w) && w.is_eof);
	CHECK(w.text_len >= sent);
	CHECK(w.has_notify);
	close_both(&e, &w);
}

/* An owner who reads little is told again of what OpenSSL holds, though the socket is empty. */
static void test_pending(void)
{
	char *body = test_pattern(16000);
	struct end e;
	struct wire w;

	open_connected(&e, &w, TLS1_3_VERSION);
	check_case("pending bytes are told");
	e.reads = true;
	e.read_size = 100;
	SSL_write(w.ssl, body, 8000);
	SSL_write(w.ssl, body + 8000, 8000);
	TURN_UNTIL(&loop, wire_pump(&w) && e.in_len == 16000);
	CHECK(memcmp(e.in, body, 16000) == 0);
	CHECK(!stream_has_pending(&e.s));
	check_case("also when reading was off meanwhile");
	e.reads = false;
	stream_want_read(&e.s, false);
	SSL_write(w.ssl, body, 8000);
	TURN_UNTIL(&loop, wire_pump(&w) && BIO_ctrl_pending(w.out) == 0);
	e.in_len = 0;
	e.reads = true;
	stream_want_read(&e.s, true);
	TURN_UNTIL(&loop, e.in_len >= 100);
	stream_want_read(&e.s, false);
	test_turn(&loop);
	size_t paused_at = e.in_len;
	test_turn(&loop);
	CHECK_INT(e.in_len, paused_at);
	stream_want_read(&e.s, true);
	TURN_UNTIL(&loop, e.in_len == 8000);
	close_both(&e, &w);
	mem_free(body);
}

/* F8, and other bytes on the TLS port. */
static void test_not_tls(void)
{
	static const char request[] = "GET / HTTP/1.1\r\n\r\n";
	struct end e;
	struct wire w;
	char answer[16];

	open_server(&e, &w, TLS1_3_VERSION);
	check_case("plain HTTP on the TLS port (F8)");
	CHECK_INT(send(w.fd, request, sizeof(request) - 1, 0), sizeof(request) - 1);
	TURN_UNTIL(&loop, e.seen & STREAM_FAILED);
	CHECK_INT(e.seen, STREAM_FAILED);
	CHECK(stream_is_plain_http_on_tls(&e.s));
	CHECK(e.s.ssl == NULL);
	CHECK_INT(write_text(&e, "HTTP/1.1 400 \r\n"), 15);
	e.reads = true;
	stream_want_read(&e.s, true);
	TURN_UNTIL(&loop, e.in_len == sizeof(request) - 1);
	stream_shutdown(&e.s);
	fcntl(w.fd, F_SETFL, 0);
	CHECK_INT(recv(w.fd, answer, sizeof(answer), 0), 15);
	CHECK_INT(recv(w.fd, answer, sizeof(answer), 0), 0);
	close_both(&e, &w);

	open_server(&e, &w, TLS1_3_VERSION);
	check_case("garbage on the TLS port");
	CHECK_INT(send(w.fd, "\x16\x03\x01\xff\xff\xff\xff\xff\xff\xff\xff", 11, 0), 11);
	TURN_UNTIL(&loop, e.seen & STREAM_FAILED);
	CHECK_INT(e.s.error, UV_EPROTO);
	CHECK(!stream_is_plain_http_on_tls(&e.s));
	CHECK(str_from(stream_tls_reason(&e.s)).len > 0);
	close_both(&e, &w);

	open_server(&e, &w, TLS1_3_VERSION);
	check_case("closed before a byte");
	shutdown(w.fd, SHUT_WR);
	TURN_UNTIL(&loop, e.seen & STREAM_FAILED);
	CHECK_INT(e.s.error, UV_EOF);
	close_both(&e, &w);

	open_server(&e, &w, TLS1_3_VERSION);
	check_case("closed in the middle of the handshake");
	CHECK_INT(send(w.fd, "\x16\x03\x01", 3, 0), 3);
	shutdown(w.fd, SHUT_WR);
	TURN_UNTIL(&loop, e.seen & STREAM_FAILED);
	CHECK_INT(e.seen, STREAM_FAILED);
	close_both(&e, &w);
}

/* A client that goes without close_notify has ended; a backend that does has cut its answer off. */
static void test_cut_off(void)
{
	struct end e;
	struct wire w;

	open_connected(&e, &w, TLS1_3_VERSION);
	check_case("client without close_notify");
	e.reads = true;
	shutdown(w.fd, SHUT_WR);
	TURN_UNTIL(&loop, wire_pump(&w) && e.last_read != 0);
	CHECK_INT(e.last_read, UV_EOF);
	close_both(&e, &w);

	open_connected(&e, &w, TLS1_2_VERSION);
	check_case("client resets");
	e.reads = true;
	test_reset(w.fd);
	w.fd = -1;
	TURN_UNTIL(&loop, e.last_read != 0);
	CHECK_INT(e.last_read, UV_ECONNRESET);
	CHECK(write_text(&e, "x") < 0);
	close_both(&e, &w);
}

static void give_certificate(struct wire *w, const struct test_pem *pem)
{
	BIO *chain = BIO_new_mem_buf(pem->chain, (int)pem->chain_len), *key = BIO_new_mem_buf(pem->key, (int)pem->key_len);
	X509 *x = PEM_read_bio_X509(chain, NULL, NULL, NULL);
	EVP_PKEY *k = PEM_read_bio_PrivateKey(key, NULL, NULL, NULL);

	CHECK_INT(SSL_use_cert_and_key(w->ssl, x, k, NULL, 1), 1);
	X509_free(x);
	EVP_PKEY_free(k);
	BIO_free(chain);
	BIO_free(key);
}

static SSL *connect_named(const struct addr *at)
{
	const struct tls_client_options options = {.name = STR("b.example"), .sends_name = true};
	const char *why;
	struct tls_client *c = tls_client_create(&options, &why);
	SSL *ssl = tls_connect_new(c, at);

	tls_client_unref(&c);
	return ssl;
}

/* Our side as the client of a backend. */
static void test_connect(const struct test_pem *pem)
{
	struct end e = {0};
	struct wire w;
	struct addr at;
	int listening = test_listen(&at, 5);

	check_case("connect");
	CHECK_INT(stream_connect(&e.s, &loop, &at, connect_named(&at), end_on_event), 0);
	wire_open(&w, accept(listening, NULL, NULL), true);
	test_set_nonblocking(w.fd);
	give_certificate(&w, pem);
	TURN_UNTIL(&loop, wire_pump(&w) && (e.seen & STREAM_CONNECTED));
	CHECK_STR(tls_server_name(w.ssl), STR("b.example"));
	CHECK_INT(write_text(&e, "GET"), 3);
	TURN_UNTIL(&loop, wire_pump(&w) && w.text_len == 3);
	e.reads = true;
	SSL_write(w.ssl, "200", 3);
	TURN_UNTIL(&loop, wire_pump(&w) && e.in_len == 3);
	shutdown(w.fd, SHUT_WR);
	TURN_UNTIL(&loop, e.last_read < 0);
	CHECK_INT(e.last_read, UV_ECONNRESET);
	close_both(&e, &w);

	check_case("bytes before TLS are never read (SECURITY)");
	CHECK_INT(stream_connect(&e.s, &loop, &at, tls_connect_new(tls_client_plain(), &at), end_on_event), 0);
	wire_open(&w, accept(listening, NULL, NULL), true);
	e.reads = true;
	CHECK_INT(send(w.fd, "HTTP/1.1 200 OK\r\n\r\n", 19, 0), 19);
	TURN_UNTIL(&loop, e.seen & STREAM_FAILED);
	CHECK_INT(e.seen, STREAM_FAILED);
	CHECK_INT(e.in_len, 0);
	close_both(&e, &w);
	close(listening);

	check_case("connect is refused");
	CHECK_INT(stream_connect(&e.s, &loop, &at, tls_connect_new(tls_client_plain(), &at), end_on_event), 0);
	TURN_UNTIL(&loop, e.seen & STREAM_FAILED);
	CHECK_INT(e.s.error, UV_ECONNREFUSED);
	end_close(&e, &loop);
}

/* What comes before TLS is peeked at and taken on the plain stream; the ClientHello in the same segment is not lost. */
static void test_begin_tls(bool is_together)
{
	struct tls_contexts *t = contexts_of(TLS1_3_VERSION);
	char before[8] = "";
	struct end e = {0};
	struct wire w;
	int fd, far;

	check_case(is_together ? "TLS begins with its first bytes here" : "TLS begins and its first bytes come later");
	test_pair(&fd, &far);
	wire_open(&w, far, false);
	CHECK_INT(stream_open(&e.s, &loop, fd, NULL, end_on_event), 0);
	CHECK_INT(stream_peek(&e.s, before, 4), 0);
	CHECK_INT(send(far, "PRE\n", 4, MSG_NOSIGNAL), 4);
	for (int i = 0; is_together && i < 2; i++)
		wire_pump(&w); /* makes the ClientHello, sends it */
	TURN_UNTIL(&loop, e.seen & STREAM_READABLE);
	CHECK(stream_peek(&e.s, before, sizeof(before)) >= 4);
	CHECK_INT(stream_read(&e.s, before, 4), 4);
	CHECK_STR(str_of(before, 4), STR("PRE\n"));
	CHECK_INT(stream_begin_tls(&e.s, tls_accept_new(t)), 0);
	e.reads = true;
	TURN_UNTIL(&loop, wire_pump(&w) && (e.seen & STREAM_CONNECTED));
	SSL_write(w.ssl, "hello", 5);
	TURN_UNTIL(&loop, wire_pump(&w) && e.in_len == 5);
	CHECK_STR(str_of(e.in, e.in_len), STR("hello"));
	close_both(&e, &w);

	check_case("an end before TLS");
	test_pair(&fd, &far);
	CHECK_INT(stream_open(&e.s, &loop, fd, NULL, end_on_event), 0);
	close(far);
	TURN_UNTIL(&loop, stream_peek(&e.s, before, sizeof(before)) == UV_EOF);
	CHECK_INT(stream_begin_tls(&e.s, tls_accept_new(t)), STREAM_FAILED);
	CHECK_INT(e.s.error, UV_EOF);
	end_close(&e, &loop);
	tls_contexts_unref(&t);
}

int main(void)
{
	static struct test_pem pem;
	const char *why;

	test_pem_make(&pem, "a.example");
	certificate = tls_certificate_create(test_pem_chain(&pem), test_pem_key(&pem), &why);
	keys = tls_session_keys_create();
	uv_loop_init(&loop);
	test_round_trip(TLS1_2_VERSION, 0);
	test_round_trip(TLS1_3_VERSION, 0);
	test_round_trip(TLS1_2_VERSION, 1);
	test_round_trip(TLS1_3_VERSION, 1);
	test_record_sizes(TLS1_2_VERSION);
	test_record_sizes(TLS1_3_VERSION);
	test_full_buffers();
	test_shutdown_waits();
	test_pending();
	test_not_tls();
	test_cut_off();
	test_begin_tls(true);
	test_begin_tls(false);
	test_connect(&pem);
	CHECK_INT(uv_loop_close(&loop), 0);
	tls_certificate_unref(&certificate);
	tls_session_keys_destroy(keys);
	return check_done();
}

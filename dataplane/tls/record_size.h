#ifndef RECORD_SIZE_H
#define RECORD_SIZE_H
/*
 * How large the next TLS record may be when nobody fixed it (ssl-buffer-size: auto). A client can use nothing of a record
 * before the last byte of it is there: while a connection is new or was quiet, and the network takes little at once, a
 * record should fit one segment; in bulk large ones cost less. Decides only; the stream room does the I/O.
 */
#include <stddef.h>
#include <stdint.h>

enum {
	RECORD_MAX = 16384, /* RFC 8446, 5.1 */
	RECORD_MIN = 512,   /* what OpenSSL takes */
	/*
	 * An Ethernet frame holds 1500 bytes. An overlay takes 50 of them (VXLAN in IPv4: 20 + 8 + 8, and the inner
	 * Ethernet head of 14), IPv6 40, TCP 20 and its time stamps 12: 1378 are left. A record adds at most 29 to what it
	 * carries (TLS 1.2 with AES-GCM: head 5, nonce 8, tag 16; TLS 1.3 has 22).
	 */
	RECORD_SMALL = 1500 - 50 - 40 - 20 - 12 - 29,
	/*
	 * A new connection may have 10 segments on their way, and after each round trip twice as many (RFC 6928): the records
	 * of the first two round trips are small, and some more for what is lost.
	 */
	RECORD_SMALL_RUN = 40 * RECORD_SMALL,
	RECORD_IDLE_MS = 1000, /* after so long without a byte the network's window has shrunk again (RFC 5681, 4.1) */
};

/* What was sent of late. Zeroed is a new connection. */
struct record_size {
	uint64_t last_ms;  /* of the last record */
	uint32_t run;      /* plaintext bytes since it was quiet, no more than RECORD_SMALL_RUN */
};

/* The most plaintext that the next record should carry. */
size_t record_size_next(const struct record_size *r, uint64_t now_ms);
/* A record with so much plaintext was sealed. */
void record_size_sent(struct record_size *r, size_t bytes, uint64_t now_ms);

#endif

#ifndef ACCESSLOG_H
#define ACCESSLOG_H
/*
 * One line per exchange (SEMANTICS N1). A format is compiled once per generation; a record holds pointers to what the
 * exchange has anyway; a log belongs to one worker and collects lines; the sink is the descriptor they share.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "buf.h"
#include "end.h"
#include "http.h"

/* One try at an endpoint, in order. */
struct accesslog_attempt {
	struct addr addr;
	unsigned status;          /* 0: no response head came */
	uint64_t bytes_received;  /* of the response body */
	uint64_t connect_us;      /* ACCESSLOG_NO_TIME when it did not come so far */
	uint64_t header_us;
	uint64_t response_us;
};
#define ACCESSLOG_NO_TIME UINT64_MAX

/* Everything is borrowed for the call. An empty str, a NULL and a port 0 are logged as "-". */
struct accesslog_record {
	uint64_t unix_ms;               /* now: when the exchange ended */
	uint64_t request_us;            /* since the first byte of the request */
	const struct http_head *request;   /* NULL when no head was understood */
	const struct http_head *response;  /* as sent; NULL when none was */
	struct str bad_request_line;    /* $request when `request` is NULL; may be empty */
	const struct addr *client;      /* $remote_addr, $remote_port */
	const struct addr *peer;        /* $realip_remote_addr: who connected */
	const struct addr *local;       /* $server_addr, $server_port */
	const struct addr *proxy_client; /* $proxy_protocol_addr, $proxy_protocol_port */
	const struct addr *proxy_server; /* $proxy_protocol_server_addr, $proxy_protocol_server_port */
	struct str proxy_tlvs;          /* $proxy_protocol_tlv_…: those of a parsed header, see proxyproto.h */
	struct str client_reason;       /* $client_address_reason: why this one is the client; a word of clientaddr.h */
	struct str client_chain;        /* $client_address_chain; only made where accesslog_wants_chain says so */
	struct str scheme;              /* "http", "https": of the connection */
	struct str access_scheme;       /* $pass_access_scheme: as a believed peer has it (A20) */
	struct str access_host;         /* $best_http_host (A21) */
	struct str access_port;         /* $pass_port (A23) */
	unsigned status;                /* 0: nothing was sent; logged as 499 if the client left, else 000 */
	uint64_t request_bytes;         /* $request_length: head and body as received */
	uint64_t sent_bytes;            /* $bytes_sent: head and body */
	uint64_t body_sent_bytes;       /* $body_bytes_sent */
	uint64_t connection_id;         /* $connection */
	uint64_t connection_requests;   /* $connection_requests */
	struct str server_name;         /* $server_name: the host that matched */
	struct str request_id;          /* $req_id */
	struct str upstream_name;       /* $proxy_upstream_name */
	struct str alternative_name;    /* $proxy_alternative_upstream_name */
	struct str namespace_name;      /* $namespace */
	struct str ingress_name;        /* $ingress_name */
	struct str service_name;        /* $service_name */
	struct str service_port;        /* $service_port */
	struct str location_path;       /* $location_path */
	struct str tls_protocol;        /* $ssl_protocol */
	struct str tls_cipher;          /* $ssl_cipher */
	struct str tls_server_name;     /* $ssl_server_name */
	bool is_tls_resumed;            /* $ssl_session_reused */
	struct str grpc_status;         /* $grpc_status: of a call, from its endpoint or from us */
	const struct accesslog_attempt *attempts;
	size_t n_attempts;
	enum end_reason reason;         /* $end_reason */
	struct str limit;               /* $end_limit: the key of the limit that ended it */
	struct str protocol;            /* $protocol: "TCP" or "UDP", of a session; its $bytes_received is request_bytes, $session_time request_us */
};

enum accesslog_escape {
	ACCESSLOG_ESCAPE_TEXT, /* nginx's: quote, backslash, control and non-ASCII bytes as \xHH */
	ACCESSLOG_ESCAPE_JSON, /* log-format-escape-json */
	ACCESSLOG_ESCAPE_NONE, /* log-format-escape-none; control bytes still become \xHH, so that a line stays a line */
};

struct accesslog_format;

/* N1's upstreaminfo, the default of log-format-upstream. */
extern const char accesslog_upstreaminfo[];
/* The same for log-format-stream: begins as ingress-nginx's, so that what reads those reads these. */
extern const char accesslog_stream[];

/*
 * Compiles nginx log format text ("$name" and "${name}"). A variable that nobody knows is logged as "-", and a sentence
 * naming it is added to `problems` (may be NULL), one per line. Owned; it may be shared by threads.
 */
struct accesslog_format *accesslog_format_create(struct str text, enum accesslog_escape escape, struct buf *problems);
/* The built-in format of --access-log-format json: one JSON object a line, its keys in order of the record. Owned. */
struct accesslog_format *accesslog_format_create_json(void);
/* The same for sessions of TCP and UDP services. Owned. */
struct accesslog_format *accesslog_format_create_stream_json(void);
void accesslog_format_destroy(struct accesslog_format *format);
/* True if a line shows the chain; `is_off`: the settings ask for no other address, so the built-in JSON says nothing of it. */
bool accesslog_wants_chain(const struct accesslog_format *format, bool is_off);
/*
 * Appends one line with its newline. A line beyond ACCESSLOG_LINE_MAX is made again with each value cut to 256 bytes
 * ("…" marks the cut). False, and nothing is added, if it is too long even so or over the cap of `out`.
 */
bool accesslog_format_line(const struct accesslog_format *format, const struct accesslog_record *record, struct buf *out);

enum {
	ACCESSLOG_LINE_MAX = 4096,       /* PIPE_BUF: a write of whole lines up to this is atomic on a pipe */
	ACCESSLOG_FLUSH_BYTES = 4096,    /* written as soon as there is this much */
	ACCESSLOG_BUFFER_MAX = 64 * 1024 /* lines wait here while the reader is slow; then they are dropped and counted */
};

/* What a line tells of. */
enum accesslog_kind { ACCESSLOG_REQUESTS, ACCESSLOG_SESSIONS, ACCESSLOG_KINDS };

/* The descriptors of all workers, which may be one and the same. Lives longer than every log. */
struct accesslog_sink {
	struct accesslog_out {
		int fd;
		bool is_file;    /* a regular file takes any size at once */
	} outs[ACCESSLOG_KINDS];
	atomic_flag is_busy; /* a worker is writing: the others keep their lines until later */
};

/* Keeps `fd` (the caller closes it at the end), for all kinds. Its flags are not touched: others may share it. */
void accesslog_sink_init(struct accesslog_sink *sink, int fd);
/* Between these two no worker writes; they keep their lines. Waits for the one that does. */
void accesslog_sink_hold(struct accesslog_sink *sink);
void accesslog_sink_release(struct accesslog_sink *sink);
/* While it is held: lines of this kind go to `fd` (keeps) from now on. */
void accesslog_sink_turn(struct accesslog_sink *sink, enum accesslog_kind kind, int fd);

/* The lines of one worker. */
struct accesslog {
	struct accesslog_sink *sink;
	enum accesslog_kind kind;
	struct buf lines;
	uint64_t n_written, n_dropped; /* lines */
};

/* Keeps `sink`. NULL is a log that is off. */
void accesslog_init(struct accesslog *log, struct accesslog_sink *sink, enum accesslog_kind kind);
void accesslog_deinit(struct accesslog *log);
/* Adds one line, and writes when there is enough. The format may be another one each time (generations). */
void accesslog_write(struct accesslog *log, const struct accesslog_format *format, const struct accesslog_record *record);
/* The same for a line that was made elsewhere, with its newline: at most ACCESSLOG_LINE_MAX bytes. */
void accesslog_write_line(struct accesslog *log, struct str line);
/*
 * Writes what the sink takes now without waiting; the rest stays. Call it from a timer (once a second). True if nothing is left.
 */
bool accesslog_flush(struct accesslog *log);
/* The same at the end, after whoever is writing: no worker's last lines are lost because another one wrote his. */
void accesslog_finish(struct accesslog *log);

#endif

#ifndef SETTINGS_TABLE_H
#define SETTINGS_TABLE_H
/*
 * The keys with effect. X(ID, "name", TIER, "default", "doc", rule members …); see value.h for rules.
 * Integers are Go's base-0 and booleans weak (an empty text is false), as ConfigMaps have always been read.
 */
#define WEAK_FLAG .type = VALUE_BOOL, .is_base0 = true
#define WEAK_SECONDS(least) .type = VALUE_SECONDS, .min = (least), .max = 4000000, .is_base0 = true
#define WEAK_COUNT(least, most) .type = VALUE_INT, .min = (least), .max = (most), .is_base0 = true
#define BYTES(least, most) .type = VALUE_SIZE, .min = (least), .max = (most)
#define TIME(least) .type = VALUE_TIME, .min = (least), .max = 4000000000
#define NEXT_UPSTREAM_WORDS \
	"error|timeout|invalid_header|http_500|http_502|http_503|http_504|http_403|http_404|http_429|non_idempotent|off"

#define SETTINGS(X)                                                                                                         \
	X(CLIENT_HEADER_TIMEOUT, "client-header-timeout", CORE, "60", "Longest time for a whole request head", WEAK_SECONDS(1))  \
	X(CLIENT_BODY_TIMEOUT, "client-body-timeout", CORE, "60", "Longest gap while a request body is read", WEAK_SECONDS(1))   \
	X(KEEP_ALIVE, "keep-alive", CORE, "75", "How long an idle client connection is kept; 0: not at all", WEAK_SECONDS(0))    \
	X(KEEP_ALIVE_REQUESTS, "keep-alive-requests", COMMON, "1000", "Requests on one client connection",                  \
		WEAK_COUNT(1, 2000000000))                                                                                       \
	X(CLIENT_HEADER_BUFFER_SIZE, "client-header-buffer-size", COMMON, "1k", "First buffer for a request head",          \
		BYTES(256, 1 << 20))                                                                                        \
	X(LARGE_CLIENT_HEADER_BUFFERS, "large-client-header-buffers", COMMON, "4 8k",                                       \
		"Count and size: limits of a request line and of a request head", .type = VALUE_BUFFERS, .min = 256,        \
		.max = 1 << 20)                                                                                             \
	X(ENABLE_UNDERSCORES_IN_HEADERS, "enable-underscores-in-headers", COMMON, "false",                                  \
		"Take header names with underscores", WEAK_FLAG)                                                                 \
	X(IGNORE_INVALID_HEADERS, "ignore-invalid-headers", RARE, "true",                                                   \
		"Drop header names with odd characters; false answers 400", WEAK_FLAG)                                           \
	X(GENERATE_REQUEST_ID, "generate-request-id", COMMON, "true", "Make an X-Request-ID where the client sent none",    \
		WEAK_FLAG)                                                                                                       \
	X(SERVER_TOKENS, "server-tokens", COMMON, "false", "Send a Server header", WEAK_FLAG)                                    \
	X(ALLOW_BACKEND_SERVER_HEADER, "allow-backend-server-header", COMMON, "false",                                      \
		"Let the backend's Server header through", WEAK_FLAG)                                                            \
	X(USE_FORWARDED_HEADERS, "use-forwarded-headers", CORE, "false",                                                    \
		"Believe X-Forwarded-For, -Proto, -Host and -Port of the networks in proxy-real-ip-cidr", WEAK_FLAG)             \
	X(USE_PROXY_PROTOCOL, "use-proxy-protocol", CORE, "false",                                                          \
		"Every connection begins with a PROXY header, v1 or v2", WEAK_FLAG)                                              \
	X(ENABLE_REAL_IP, "enable-real-ip", CORE, "false",                                                                  \
		"Take the client address from forwarded-for-header, and nothing else", WEAK_FLAG)                                \
	X(COMPUTE_FULL_FORWARDED_FOR, "compute-full-forwarded-for", CORE, "false",                                          \
		"Append the peer to X-Forwarded-For; needs use-forwarded-headers", WEAK_FLAG)                                    \
	X(PROXY_ADD_ORIGINAL_URI_HEADER, "proxy-add-original-uri-header", RARE, "false", "Send X-Original-URI to backends", \
		WEAK_FLAG)                                                                                                       \
	X(FORWARDED_FOR_HEADER, "forwarded-for-header", CORE, "X-Forwarded-For", "Header that holds the chain of clients",  \
		.type = VALUE_TOKEN)                                                                                        \
	X(FORWARDED_HOST_HEADER, "forwarded-host-header", CORE, "X-Forwarded-Host",                                         \
		"Header that is copied to X-Original-Forwarded-Host", .type = VALUE_TOKEN)                                  \
	X(PROXY_REAL_IP_CIDR, "proxy-real-ip-cidr", CORE, "",                                                               \
		"Networks whose word about the client is believed; unset: none, 0.0.0.0/0 with compatibility",              \
		.type = VALUE_CIDRS, .words = "unix:")                                                                      \
	X(COMPATIBILITY, "compatibility", NONE, "none",                                                                     \
		"ingress-nginx: do what it does where Weirlock is safer; each key below that is set itself counts more",    \
		.type = VALUE_CHOICE, .words = "none|ingress-nginx", .ignores_case = true)                                  \
	X(FORWARDED_HEADERS_FROM_ANYONE, "forwarded-headers-from-anyone", NONE, "false",                                    \
		"Believe X-Forwarded-Proto, -Host and -Port, and the port in a PROXY header, of any peer, not of proxy-real-ip-cidr only", WEAK_FLAG) \
	X(KEEP_UNTRUSTED_FORWARDED_FOR, "keep-untrusted-forwarded-for", NONE, "false",                                      \
		"Pass on the chain of clients that a peer outside of proxy-real-ip-cidr sent", WEAK_FLAG)                   \
	X(PROXY_PROTOCOL_FALLBACK_TO_PEER, "proxy-protocol-fallback-to-peer", NONE, "false",                                \
		"A trusted PROXY source that forwards no address: the client is the TCP peer, not that source", WEAK_FLAG)  \
	X(PASS_LOOKALIKE_HEADERS, "pass-lookalike-headers", NONE, "false",                                                  \
		"Pass on names such as X_Forwarded_For that backends may take for ours", WEAK_FLAG)                         \
	X(PASS_SSL_CLIENT_HEADERS, "pass-ssl-client-headers", NONE, "false",                                                \
		"Pass on ssl-client-* of clients where no client certificate is asked for", WEAK_FLAG)                      \
	X(PROXY_PROTOCOL_HEADER_TIMEOUT, "proxy-protocol-header-timeout", CORE, "5s", "Longest wait for a PROXY header",    \
		.type = VALUE_DURATION, .min = 1, .max = 3600000)                                                           \
	X(PROXY_PROTOCOL_CIDR, "proxy-protocol-cidr", NONE, "",                                                             \
		"Networks from which connections begin with a PROXY header, while all others speak plainly; empty: all must", \
		.type = VALUE_CIDRS)                                                                                        \
	X(SSL_PROTOCOLS, "ssl-protocols", CORE, "TLSv1.2 TLSv1.3", "TLS versions for clients", .type = VALUE_WORDS,         \
		.words = "TLSv1.2|TLSv1.3")                                                                                 \
	X(SSL_CIPHERS, "ssl-ciphers", CORE,                                                                                 \
		"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"                  \
		"ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"                    \
		"DHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES128-GCM-SHA256",                                                      \
		"Ciphers for TLS 1.2, as OpenSSL writes them", .type = VALUE_TEXT, .words = "!:+-_@=")                      \
	X(SSL_DH_PARAM, "ssl-dh-param", COMMON, "",                                                                         \
		"Secret whose dhparam.pem holds the group of DHE ciphers; unset: those are not offered", .type = VALUE_REF)  \
	X(SSL_ECDH_CURVE, "ssl-ecdh-curve", RARE, "auto", "Key exchange groups, with colons between them",                  \
		.type = VALUE_TEXT, .words = "-_:", .max = 500)                                                                         \
	X(SSL_BUFFER_SIZE, "ssl-buffer-size", CORE, "4k",                                                                   \
		"Plaintext bytes of one TLS record; auto: what fits a segment at first and after idleness, 16k in bulk",    \
		BYTES(512, 16384), .words = "auto")                                                                         \
	X(SSL_REJECT_HANDSHAKE, "ssl-reject-handshake", COMMON, "false", "Refuse TLS for names without a certificate",      \
		WEAK_FLAG)                                                                                                       \
	X(SSL_SESSION_TIMEOUT, "ssl-session-timeout", COMMON, "10m", "How long a TLS session can be resumed", TIME(1000))   \
	X(SSL_SESSION_TICKETS, "ssl-session-tickets", COMMON, "false", "Resume TLS sessions by ticket", WEAK_FLAG)               \
	X(SSL_SESSION_TICKET_KEY, "ssl-session-ticket-key", RARE, "",                                                       \
		"Base64 of 48 or 80 bytes that tickets are sealed with, in place of keys that the controller makes and rotates", \
		.type = VALUE_TEXT, .words = "+/=", .max = 128)                                                             \
	X(SSL_SESSION_TICKET_ROTATION, "ssl-session-ticket-rotation", NONE, "1h",                                           \
		"How long the controller's keys seal new tickets", TIME(1000))                                              \
	X(SSL_SESSION_CACHE, "ssl-session-cache", COMMON, "true", "Keep TLS sessions, each proxy its own, where tickets are off", \
		WEAK_FLAG)                                                                                                  \
	X(SSL_SESSION_CACHE_SIZE, "ssl-session-cache-size", RARE, "10m", "Sessions that are kept: one for each 512 bytes",  \
		BYTES(1 << 10, 1 << 30))                                                                                    \
	X(ENABLE_OCSP, "enable-ocsp", COMMON, "false",                                                                      \
		"Staple what the OCSP responder says of each certificate that names one; the controller asks it", WEAK_FLAG) \
	X(OCSP_RESPONDER_CIDR, "ocsp-responder-cidr", NONE, "",                                                             \
		"Networks of OCSP responders that may be asked although they are not public, at any port",                  \
		.type = VALUE_CIDRS)                                                                                        \
	X(USE_HTTP2, "use-http2", CORE, "true", "Speak HTTP/2 with clients that ask for it", WEAK_FLAG)                          \
	X(HTTP2_MAX_CONCURRENT_STREAMS, "http2-max-concurrent-streams", COMMON, "128",                                      \
		"Requests in progress on one HTTP/2 connection", WEAK_COUNT(1, 65536))                                      \
	X(HTTP2_CONNECTION_MEMORY, "http2-connection-memory", NONE, "2m",                                                   \
		"Memory of one HTTP/2 connection above which its new requests are refused", BYTES(128 << 10, 1 << 30))      \
	X(MAX_CLIENT_CONNECTIONS, "max-client-connections", NONE, "0",                                                      \
		"Client connections of a proxy at once, with sessions of TCP and UDP services; 0: as many as descriptors allow", \
		WEAK_COUNT(0, INT32_MAX))                                                                                   \
	X(MAX_WORKER_CONNECTIONS, "max-worker-connections", COMMON, "0",                                                    \
		"The same of each worker of a proxy; connections to endpoints do not count", WEAK_COUNT(0, INT32_MAX))     \
	X(MAX_MEMORY, "max-memory", NONE, "auto",                                                                           \
		"Memory of a proxy above which new connections are closed and requests get 503; auto: nine tenths of its cgroup's limit", \
		BYTES(1 << 20, (int64_t)1 << 44), .words = "auto")                                                         \
	X(HSTS, "hsts", COMMON, "true", "Send Strict-Transport-Security on https", WEAK_FLAG)                                    \
	X(HSTS_MAX_AGE, "hsts-max-age", COMMON, "31536000", "Its max-age in seconds", WEAK_COUNT(0, INT32_MAX))                  \
	X(HSTS_INCLUDE_SUBDOMAINS, "hsts-include-subdomains", COMMON, "true", "Add includeSubDomains to it", WEAK_FLAG)          \
	X(HSTS_PRELOAD, "hsts-preload", COMMON, "false", "Add preload to it", WEAK_FLAG)                                         \
	X(HTTP_REDIRECT_CODE, "http-redirect-code", CORE, "308", "Status of redirects to https", .type = VALUE_CHOICE,      \
		.words = "301|302|307|308")                                                                                 \
	X(UPSTREAM_KEEPALIVE_CONNECTIONS, "upstream-keepalive-connections", CORE, "320",                                    \
		"Idle backend connections a proxy worker keeps; 0: none", WEAK_COUNT(0, 1000000))                                \
	X(UPSTREAM_KEEPALIVE_TIMEOUT, "upstream-keepalive-timeout", CORE, "60", "How long an idle backend connection is kept", \
		WEAK_SECONDS(1))                                                                                                 \
	X(UPSTREAM_KEEPALIVE_REQUESTS, "upstream-keepalive-requests", COMMON, "10000", "Requests on one backend connection", \
		WEAK_COUNT(1, 2000000000))                                                                                       \
	X(UPSTREAM_KEEPALIVE_TIME, "upstream-keepalive-time", COMMON, "1h", "Longest life of a backend connection",         \
		TIME(1))                                                                                                    \
	X(PROXY_STREAM_TIMEOUT, "proxy-stream-timeout", CORE, "600s", "Longest silence of a session of a TCP or UDP service", TIME(1))    \
	X(PROXY_STREAM_RESPONSES, "proxy-stream-responses", RARE, "1",                                                      \
		"Datagrams from a UDP service's endpoint for each one of a client, after which their session is over; 0: none",  \
		WEAK_COUNT(0, INT32_MAX))                                                                                   \
	X(PROXY_STREAM_UDP_SESSIONS, "proxy-stream-udp-sessions", NONE, "4096",                                             \
		"Sessions of UDP services in each worker of a proxy", WEAK_COUNT(1, 1 << 20))                               \
	X(PROXY_STREAM_NEXT_UPSTREAM, "proxy-stream-next-upstream", RARE, "true",                                           \
		"Try another endpoint of a TCP or UDP service where one refuses", WEAK_FLAG)                                \
	X(PROXY_STREAM_NEXT_UPSTREAM_TIMEOUT, "proxy-stream-next-upstream-timeout", RARE, "600s", "Time for that; 0: any",  \
		TIME(0))                                                                                                    \
	X(PROXY_STREAM_NEXT_UPSTREAM_TRIES, "proxy-stream-next-upstream-tries", RARE, "3",                                  \
		"Endpoints of a TCP service that are tried; 0, and more than 16: 16", WEAK_COUNT(0, INT32_MAX))             \
	X(DISABLE_ACCESS_LOG, "disable-access-log", COMMON, "false", "Write no access log", WEAK_FLAG)                           \
	X(DISABLE_HTTP_ACCESS_LOG, "disable-http-access-log", RARE, "false", "Write no access log of HTTP", WEAK_FLAG)           \
	X(DISABLE_STREAM_ACCESS_LOG, "disable-stream-access-log", RARE, "false",                                            \
		"Write no access log of TCP and UDP services", WEAK_FLAG)                                                   \
	X(LOG_FORMAT_STREAM, "log-format-stream", COMMON, "",                                                               \
		"Access log line of TCP and UDP services; unset: the one of ingress-nginx, and more behind it",             \
		.type = VALUE_TEXT)                                                                                         \
	X(LOG_FORMAT_UPSTREAM, "log-format-upstream", COMMON, "", "Access log line; unset: the one of ingress-nginx",       \
		.type = VALUE_TEXT)                                                                                         \
	X(LOG_FORMAT_ESCAPE_JSON, "log-format-escape-json", COMMON, "false", "Escape log variables for JSON", WEAK_FLAG)         \
	X(ACCESS_LOG_PATH, "access-log-path", COMMON, "", "File for the access log, /dev/stdout or /dev/stderr; unset: stdout", \
		.type = VALUE_TEXT)                                                                                             \
	X(HTTP_ACCESS_LOG_PATH, "http-access-log-path", RARE, "", "The same for requests only", .type = VALUE_TEXT)             \
	X(STREAM_ACCESS_LOG_PATH, "stream-access-log-path", RARE, "", "The same for sessions of TCP and UDP services only",     \
		.type = VALUE_TEXT)                                                                                             \
	X(WORKER_SHUTDOWN_TIMEOUT, "worker-shutdown-timeout", COMMON, "240s", "How long a proxy that stops lets tunnels run; 0: as long as they do", \
		TIME(0))                                                                                                    \
	X(BLOCK_CIDRS, "block-cidrs", COMMON, "", "Clients that are refused everywhere", .type = VALUE_CIDRS)               \
	X(HIDE_HEADERS, "hide-headers", COMMON, "", "Response headers that clients do not get", .type = VALUE_TOKENS)       \
	X(ADD_HEADERS, "add-headers", COMMON, "", "ConfigMap whose entries are response headers", .type = VALUE_REF)        \
	X(PROXY_SET_HEADERS, "proxy-set-headers", COMMON, "", "ConfigMap whose entries are headers to backends",            \
		.type = VALUE_REF)                                                                                          \
	X(PROXY_CONNECT_TIMEOUT, "proxy-connect-timeout", CORE, "5", "Longest time to connect to a backend", WEAK_SECONDS(1))    \
	X(PROXY_SEND_TIMEOUT, "proxy-send-timeout", CORE, "60", "Longest gap while sending to a backend", WEAK_SECONDS(1))       \
	X(PROXY_READ_TIMEOUT, "proxy-read-timeout", CORE, "60", "Longest gap while reading from a backend", WEAK_SECONDS(1))     \
	X(PROXY_BODY_SIZE, "proxy-body-size", COMMON, "1m", "Largest request body; 0: any", .type = VALUE_OFFSET,           \
		.max = INT64_MAX)                                                                                           \
	X(PROXY_BUFFERING, "proxy-buffering", CORE, "off", "Buffer responses", .type = VALUE_CHOICE, .words = "off|on")     \
	X(PROXY_REQUEST_BUFFERING, "proxy-request-buffering", CORE, "on", "Read a request body before asking a backend",    \
		.type = VALUE_CHOICE, .words = "off|on")                                                                    \
	X(PROXY_BUFFER_SIZE, "proxy-buffer-size", COMMON, "4k", "Largest response head", BYTES(256, 1 << 20))               \
	X(PROXY_BUFFERS_NUMBER, "proxy-buffers-number", COMMON, "4", "Buffers of a response", WEAK_COUNT(1, 4096))               \
	X(CLIENT_BODY_BUFFER_SIZE, "client-body-buffer-size", COMMON, "8k", "Memory for a request body before a file is used", \
		BYTES(0, 1 << 26))                                                                                          \
	X(PROXY_MAX_TEMP_FILE_SIZE, "proxy-max-temp-file-size", RARE, "1024m", "Most of a buffered response in a file; 0: none", \
		.type = VALUE_OFFSET, .max = INT64_MAX)                                                                     \
	X(LIMIT_RATE, "limit-rate", RARE, "0", "Kilobytes a second of one response; 0 or less: any",                        \
		WEAK_COUNT(-INT32_MAX, INT32_MAX))                                                                          \
	X(LIMIT_RATE_AFTER, "limit-rate-after", RARE, "0", "Kilobytes of a response before limit-rate holds",               \
		WEAK_COUNT(-INT32_MAX, INT32_MAX))                                                                          \
	X(PROXY_HTTP_VERSION, "proxy-http-version", RARE, "1.1", "HTTP version spoken to backends", .type = VALUE_CHOICE,   \
		.words = "1.0|1.1")                                                                                         \
	X(PROXY_NEXT_UPSTREAM, "proxy-next-upstream", COMMON, "error timeout", "Failures after which another endpoint is tried", \
		.type = VALUE_WORDS, .words = NEXT_UPSTREAM_WORDS)                                                          \
	X(PROXY_NEXT_UPSTREAM_TIMEOUT, "proxy-next-upstream-timeout", COMMON, "0", "Time for trying endpoints; 0: any",     \
		WEAK_SECONDS(0))                                                                                                 \
	X(PROXY_NEXT_UPSTREAM_TRIES, "proxy-next-upstream-tries", COMMON, "3", "Attempts at most; 0: any",                  \
		WEAK_COUNT(0, 100000))                                                                                           \
	X(RETRY_NON_IDEMPOTENT, "retry-non-idempotent", RARE, "false", "Try POST, LOCK and PATCH again as well", WEAK_FLAG)      \
	X(LOAD_BALANCE, "load-balance", CORE, "round_robin", "How an endpoint is chosen", .type = VALUE_CHOICE,             \
		.words = "round_robin|ewma")                                                                                \
	X(SERVICE_UPSTREAM, "service-upstream", CORE, "false", "Send to the Service's address, not to its endpoints", WEAK_FLAG) \
	X(PROXY_SSL_LOCATION_ONLY, "proxy-ssl-location-only", RARE, "false",                                                \
		"proxy-ssl-* of an Ingress are for its own paths, not for all of its hosts'", WEAK_FLAG)                    \
	X(SSL_REDIRECT, "ssl-redirect", CORE, "true", "Redirect to https where the host has a certificate", WEAK_FLAG)           \
	X(FORCE_SSL_REDIRECT, "force-ssl-redirect", CORE, "false", "Redirect to https always", WEAK_FLAG)                        \
	X(PRESERVE_TRAILING_SLASH, "preserve-trailing-slash", RARE, "false", "Keep a final slash in redirects to https",    \
		WEAK_FLAG)                                                                                                       \
	X(USE_PORT_IN_REDIRECTS, "use-port-in-redirects", RARE, "false", "Write the port in redirects", WEAK_FLAG)               \
	X(RELATIVE_REDIRECTS, "relative-redirects", RARE, "false", "Redirects without scheme and host", WEAK_FLAG)               \
	X(NO_TLS_REDIRECT_LOCATIONS, "no-tls-redirect-locations", COMMON, "/.well-known/acme-challenge",                    \
		"Path prefixes that never redirect to https", .type = VALUE_LIST)                                           \
	X(WHITELIST_SOURCE_RANGE, "whitelist-source-range", COMMON, "", "Only these clients, where a path has no list of its own", \
		.type = VALUE_CIDRS)                                                                                        \
	X(DENYLIST_SOURCE_RANGE, "denylist-source-range", COMMON, "", "Not these clients, where a path has no list of its own", \
		.type = VALUE_CIDRS)                                                                                        \
	X(STRICT_VALIDATE_PATH_TYPE, "strict-validate-path-type", COMMON, "true",                                           \
		"Refuse Exact and Prefix paths with characters other than letters, digits and . _ - /", WEAK_FLAG)               \
	X(ANNOTATIONS_RISK_LEVEL, "annotations-risk-level", COMMON, "High", "Highest risk of an annotation that is taken",  \
		.type = VALUE_CHOICE, .words = "Low|Medium|High|Critical", .ignores_case = true)                            \
	X(ALLOW_CROSS_NAMESPACE_RESOURCES, "allow-cross-namespace-resources", COMMON, "false",                              \
		"Let annotations name Secrets of other namespaces", WEAK_FLAG)                                              \
	X(ALLOW_SNIPPET_ANNOTATIONS, "allow-snippet-annotations", COMMON, "false",                                          \
		"Kept for its name: snippets are never executed, whatever it says", WEAK_FLAG)                                   \
	X(ANNOTATION_VALUE_WORD_BLOCKLIST, "annotation-value-word-blocklist", COMMON, "",                                   \
		"Words that no annotation value may hold", .type = VALUE_LIST)                                              \
	X(GLOBAL_AUTH_URL, "global-auth-url", COMMON, "",                                                                   \
		"External authentication of all paths; not enforced yet, so they answer 503", .type = VALUE_TEXT)           \
	X(NO_AUTH_LOCATIONS, "no-auth-locations", COMMON, "/.well-known/acme-challenge",                                    \
		"Path prefixes without authentication", .type = VALUE_LIST)

#endif

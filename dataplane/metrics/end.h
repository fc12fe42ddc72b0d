#ifndef END_H
#define END_H
/*
 * Why an exchange, a connection or a tunnel ended: one word, the same in access log, metric and test.
 * X(id, word, is_fault, what it means). `is_fault` is 1 when someone should look: the client got less than a well-behaved
 * client asked for, through no decision of ours.
 */
#include <stdbool.h>

#include "str.h"

#define END_REASONS(X)                                                                                                    \
	/* exchanges: answered */                                                                                         \
	X(END_DONE, "done", 0, "the backend's response was sent whole")                                                   \
	X(END_REDIRECT, "redirect", 0, "answered with a redirect of a rule")                                              \
	X(END_LOCAL, "local", 0, "answered by the proxy itself: health page, canned return, OPTIONS *")                   \
	X(END_NO_ROUTE, "no_route", 0, "no rule for this host and path; 404 of the built-in default backend")             \
	X(END_DENIED, "denied", 0, "refused by a rule: access list, method, authentication, blocked agent")               \
	X(END_NO_CERTIFICATE, "no_client_certificate", 0, "the host asks for a client certificate, and none was shown")   \
	X(END_BAD_CERTIFICATE, "bad_client_certificate", 0, "the client certificate did not pass")                        \
	X(END_MISDIRECTED, "misdirected", 0, "a client certificate could not be asked for on this connection")            \
	X(END_LIMITED, "limited", 0, "refused by a rate or connection limit")                                             \
	X(END_TOO_LARGE, "too_large", 0, "the request's body is larger than the rule allows")                             \
	X(END_NO_ENDPOINTS, "no_endpoints", 1, "the backend has no usable endpoint")                                      \
	X(END_ENDPOINTS_FULL, "endpoints_full", 1, "every endpoint has as many requests as max-connections lets it have")  \
	X(END_MISCONFIGURED, "misconfigured", 1, "the rule is set aside because of a mistake in its object")              \
	/* exchanges: the client's side failed */                                                                         \
	X(END_BAD_REQUEST, "bad_request", 0, "what the client sent is no valid request")                                  \
	X(END_CLIENT_GONE, "client_gone", 0, "the client closed before its response was whole")                           \
	X(END_CLIENT_HEADER_TIMEOUT, "client_header_timeout", 0, "the client did not finish its request head in time")    \
	X(END_CLIENT_BODY_TIMEOUT, "client_body_timeout", 0, "the client stopped sending its request body")               \
	X(END_CLIENT_SEND_TIMEOUT, "client_send_timeout", 0, "the client stopped reading its response")                   \
	/* exchanges: the backend's side failed */                                                                        \
	X(END_UPSTREAM_CONNECT_FAILED, "upstream_connect_failed", 1, "no endpoint took the connection")                   \
	X(END_UPSTREAM_CONNECT_TIMEOUT, "upstream_connect_timeout", 1, "no endpoint took the connection in time")         \
	X(END_UPSTREAM_TLS_FAILED, "upstream_tls_failed", 1, "the TLS handshake with the endpoint failed")                \
	X(END_UPSTREAM_SEND_TIMEOUT, "upstream_send_timeout", 1, "the endpoint stopped reading the request")              \
	X(END_UPSTREAM_READ_TIMEOUT, "upstream_read_timeout", 1, "the endpoint stopped sending the response")             \
	X(END_UPSTREAM_CLOSED, "upstream_closed", 1, "the endpoint closed before its response was whole")                 \
	X(END_UPSTREAM_BAD_RESPONSE, "upstream_bad_response", 1, "what the endpoint sent is no valid response")           \
	X(END_UPSTREAM_REFUSED, "upstream_refused", 1, "the endpoint takes no more streams, or is leaving")                \
	X(END_UPSTREAM_RESET, "upstream_reset", 1, "the endpoint reset the HTTP/2 stream of the request")                 \
	X(END_UPSTREAM_HTTP2_ERROR, "upstream_http2_error", 1, "the endpoint broke the framing or the rules of HTTP/2")   \
	X(END_UPSTREAM_HTTP2_FLOOD, "upstream_http2_flood", 1, "the endpoint sent too many HTTP/2 frames, or fields, that give nothing") \
	X(END_UPSTREAM_PROTOCOL, "upstream_protocol", 1, "the backend wants a protocol that is not spoken here yet")      \
	/* tunnels */                                                                                                     \
	X(END_TUNNEL_CLIENT, "tunnel_closed_by_client", 0, "the client closed its WebSocket or other tunnel")             \
	X(END_TUNNEL_BACKEND, "tunnel_closed_by_backend", 0, "the endpoint closed the tunnel")                            \
	X(END_TUNNEL_IDLE, "tunnel_idle_timeout", 0, "no byte moved in either direction for proxy-read-timeout")          \
	X(END_TUNNEL_SEND_TIMEOUT, "tunnel_send_timeout", 1, "one side of the tunnel stopped reading")                    \
	X(END_STREAM_IDLE, "stream_idle_timeout", 0, "nothing moved at a TCP or UDP service for proxy-stream-timeout")           \
	/* connections without a request in progress */                                                                   \
	X(END_IDLE, "idle_timeout", 0, "a kept connection was idle for keep-alive")                                       \
	X(END_CLOSED, "closed", 0, "the client closed between two requests")                                              \
	X(END_LAST_REQUEST, "last_request", 0, "closed after its last response: keep-alive-requests, Connection: close")  \
	X(END_BAD_PROXY_HEADER, "bad_proxy_header", 0, "no valid PROXY header from a peer that must send one")            \
	X(END_TLS_FAILED, "tls_failed", 0, "the client's TLS handshake failed or took too long")                          \
	X(END_HTTP2_ERROR, "http2_protocol_error", 0, "the client broke the framing or the rules of HTTP/2")              \
	X(END_HTTP2_RESETS, "http2_resets", 0, "the client reset too many streams of its HTTP/2 connection")              \
	X(END_HTTP2_FLOOD, "http2_flood", 0, "the client sent too many HTTP/2 frames, or fields, that ask for nothing")   \
	X(END_PROXY_FULL, "connections_full", 1, "the proxy had as many client connections as it may have")                 \
	X(END_WORKER_FULL, "worker_connections_full", 1, "its worker had as many client connections as it may have")      \
	X(END_MEMORY_FULL, "memory_full", 1, "the proxy's memory was above its limit")                                    \
	X(END_OVERLOADED, "overloaded", 1, "closed because a bound on connections, sessions or memory was reached")                 \
	/* either */                                                                                                      \
	X(END_ROUTE_REMOVED, "route_removed", 0, "the rule it ran through was removed")                                   \
	X(END_DRAINING, "draining", 0, "the proxy is shutting down")                                                      \
	X(END_SHUTDOWN_TIMEOUT, "shutdown_timeout", 0, "the proxy shut down, and it still ran after worker-shutdown-timeout") \
	X(END_INTERNAL, "internal", 1, "a failure of our own")

/* X(id, key): the setting whose limit it is that fired, for those that have one. */
#define END_LIMITS(X)                                               \
	X(END_TOO_LARGE, "proxy-body-size")                         \
	X(END_ENDPOINTS_FULL, "max-connections")                    \
	X(END_CLIENT_HEADER_TIMEOUT, "client-header-timeout")       \
	X(END_CLIENT_BODY_TIMEOUT, "client-body-timeout")           \
	X(END_CLIENT_SEND_TIMEOUT, "proxy-send-timeout")            \
	X(END_UPSTREAM_CONNECT_TIMEOUT, "proxy-connect-timeout")    \
	X(END_UPSTREAM_SEND_TIMEOUT, "proxy-send-timeout")          \
	X(END_UPSTREAM_READ_TIMEOUT, "proxy-read-timeout")          \
	X(END_TUNNEL_IDLE, "proxy-read-timeout")                    \
	X(END_TUNNEL_SEND_TIMEOUT, "proxy-send-timeout")            \
	X(END_STREAM_IDLE, "proxy-stream-timeout")                  \
	X(END_IDLE, "keep-alive")                                   \
	X(END_SHUTDOWN_TIMEOUT, "worker-shutdown-timeout")          \
	X(END_PROXY_FULL, "max-client-connections")                 \
	X(END_WORKER_FULL, "max-worker-connections")                \
	X(END_MEMORY_FULL, "max-memory")

#define END_ENUM(id, word, is_fault, doc) id,
enum end_reason { END_REASONS(END_ENUM) END_COUNT };

/* The word of the table. */
struct str end_word(enum end_reason reason);
/* What it means, one sentence without full stop. */
const char *end_doc(enum end_reason reason);
bool end_is_fault(enum end_reason reason);
/* The ConfigMap key or annotation that names the limit that fired; empty where none did. */
struct str end_limit(enum end_reason reason);

#endif

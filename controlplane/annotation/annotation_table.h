#ifndef ANNOTATION_TABLE_H
#define ANNOTATION_TABLE_H
/*
 * The annotations with effect. X(ID, "name", SCOPE, RISK, TIER, ON_BAD, "default", "doc", rule members …); see value.h for
 * rules. Integers are plain decimal.
 */
#define NAME_CHARS "-._~/:"
#define URL_CHARS "-._~/:,?&="
#define REGEX_CHARS "-._~/:^$[](){}*+?|&=\\"
#define PLAIN_FLAG .type = VALUE_BOOL
#define PLAIN_SECONDS(least) .type = VALUE_SECONDS, .min = (least), .max = 4000000
#define PLAIN_COUNT(least, most) .type = VALUE_INT, .min = (least), .max = (most)
#define NEXT_UPSTREAM_WORDS \
	"error|timeout|invalid_header|http_500|http_502|http_503|http_504|http_403|http_404|http_429|non_idempotent|off"

#define ANNOTATIONS(X)                                                                                                      \
	X(CONNECTION_PROXY_HEADER, "connection-proxy-header", LOCATION, LOW, CORE, REJECT, "",                              \
		"Connection header to backends; upgrades such as WebSockets stop working", .type = VALUE_CHOICE,            \
		.words = "close|keep-alive")                                                                                \
	X(BACKEND_PROTOCOL, "backend-protocol", BACKEND, LOW, CORE, FALLBACK, "HTTP", "Protocol spoken to endpoints",       \
		.type = VALUE_CHOICE, .words = "HTTP|HTTPS|AUTO_HTTP|GRPC|GRPCS|FCGI", .ignores_case = true)                \
	X(LOAD_BALANCE, "load-balance", BACKEND, LOW, CORE, REJECT, "ConfigMap", "How an endpoint is chosen",               \
		.type = VALUE_CHOICE, .words = "round_robin|ewma|chash|chashsubset|sticky_balanced|sticky_persistent")      \
	X(UPSTREAM_HASH_BY, "upstream-hash-by", BACKEND, HIGH, COMMON, REJECT, "",                                           \
		"Same value, same endpoint: text with variables, such as $remote_addr or $http_x_user", .type = VALUE_TEXT,  \
		.words = REGEX_CHARS)                                                                                       \
	X(UPSTREAM_HASH_BY_SUBSET, "upstream-hash-by-subset", BACKEND, LOW, RARE, REJECT, "false",                           \
		"Same value, same group of endpoints", PLAIN_FLAG)                                                          \
	X(UPSTREAM_HASH_BY_SUBSET_SIZE, "upstream-hash-by-subset-size", BACKEND, LOW, RARE, REJECT, "3",                     \
		"Endpoints of a group", PLAIN_COUNT(1, 1000))                                                                \
	X(AFFINITY, "affinity", BACKEND, LOW, COMMON, FALLBACK, "", "Sessions by cookie", .type = VALUE_CHOICE,             \
		.words = "cookie")                                                                                          \
	X(AFFINITY_MODE, "affinity-mode", BACKEND, MEDIUM, COMMON, FALLBACK, "balanced",                                    \
		"balanced: new endpoints take over a share of the sessions; persistent: never", .type = VALUE_CHOICE,       \
		.words = "balanced|persistent")                                                                             \
	X(AFFINITY_CANARY_BEHAVIOR, "affinity-canary-behavior", BACKEND, LOW, RARE, FALLBACK, "sticky",                      \
		"On a canary: sticky takes the sessions of the main Ingress, legacy has its own or none", .type = VALUE_CHOICE, \
		.words = "sticky|legacy")                                                                                   \
	X(SESSION_COOKIE_NAME, "session-cookie-name", BACKEND, MEDIUM, COMMON, FALLBACK, "INGRESSCOOKIE",                   \
		"Name of the cookie", .type = VALUE_TEXT, .words = "-._~", .max = 128)                                                                  \
	X(SESSION_COOKIE_EXPIRES, "session-cookie-expires", BACKEND, MEDIUM, COMMON, FALLBACK, "",                          \
		"Its Expires, in seconds from now; 0: none", PLAIN_COUNT(0, INT32_MAX))                                           \
	X(SESSION_COOKIE_MAX_AGE, "session-cookie-max-age", BACKEND, MEDIUM, COMMON, FALLBACK, "",                          \
		"Its Max-Age in seconds; 0: none", PLAIN_COUNT(0, INT32_MAX))                                                     \
	X(SESSION_COOKIE_DOMAIN, "session-cookie-domain", BACKEND, MEDIUM, RARE, FALLBACK, "", "Its Domain",                \
		.type = VALUE_TEXT, .words = "-._", .max = 253)                                                             \
	X(SESSION_COOKIE_PATH, "session-cookie-path", BACKEND, MEDIUM, COMMON, FALLBACK, "the path",                        \
		"Its Path", .type = VALUE_TEXT, .words = "-._~/", .max = 1024)                                               \
	X(SESSION_COOKIE_SAMESITE, "session-cookie-samesite", BACKEND, LOW, COMMON, FALLBACK, "", "Its SameSite",           \
		.type = VALUE_CHOICE, .words = "Strict|Lax|None")                                                           \
	X(SESSION_COOKIE_CONDITIONAL_SAMESITE_NONE, "session-cookie-conditional-samesite-none", BACKEND, LOW, RARE, FALLBACK, \
		"false", "Leave SameSite=None out for browsers that mistake it", PLAIN_FLAG)                                      \
	X(SESSION_COOKIE_SECURE, "session-cookie-secure", BACKEND, LOW, COMMON, FALLBACK, "false",                          \
		"Secure on plain connections as well", PLAIN_FLAG)                                                                \
	X(SESSION_COOKIE_CHANGE_ON_FAILURE, "session-cookie-change-on-failure", BACKEND, LOW, COMMON, FALLBACK, "false",    \
		"A session moves to another endpoint for good when its own fails", PLAIN_FLAG)                                    \
	X(SERVICE_UPSTREAM, "service-upstream", BACKEND, LOW, CORE, FALSE, "ConfigMap",                                     \
		"Send to the Service's address, not to its endpoints", PLAIN_FLAG)                                                \
	X(PROXY_NEXT_UPSTREAM, "proxy-next-upstream", LOCATION, MEDIUM, CORE, FALLBACK, "ConfigMap",                        \
		"Failures after which another endpoint is tried", .type = VALUE_WORDS, .words = NEXT_UPSTREAM_WORDS)        \
	X(PROXY_NEXT_UPSTREAM_TIMEOUT, "proxy-next-upstream-timeout", LOCATION, LOW, CORE, FALLBACK, "ConfigMap",           \
		"Time for trying endpoints; 0: any", PLAIN_SECONDS(0))                                                            \
	X(PROXY_NEXT_UPSTREAM_TRIES, "proxy-next-upstream-tries", LOCATION, LOW, CORE, FALLBACK, "ConfigMap",               \
		"Attempts at most; 0: any", PLAIN_COUNT(0, 100000))                                                               \
	X(PROXY_HTTP_VERSION, "proxy-http-version", LOCATION, LOW, CORE, FALLBACK, "ConfigMap",                             \
		"HTTP version spoken to endpoints; with 1.0 upgrades stop working", .type = VALUE_CHOICE, .words = "1.0|1.1") \
	X(ALLOWLIST_SOURCE_RANGE, "allowlist-source-range", LOCATION, MEDIUM, CORE, DENY, "ConfigMap",                      \
		"Only these clients; others get 403", .type = VALUE_CIDRS)                                                  \
	X(WHITELIST_SOURCE_RANGE, "whitelist-source-range", LOCATION, MEDIUM, CORE, DENY, "ConfigMap",                      \
		"Older name of allowlist-source-range", .type = VALUE_CIDRS)                                                \
	X(DENYLIST_SOURCE_RANGE, "denylist-source-range", LOCATION, MEDIUM, CORE, DENY, "ConfigMap",                        \
		"Not these clients; they get 403", .type = VALUE_CIDRS)                                                     \
	X(PROXY_CONNECT_TIMEOUT, "proxy-connect-timeout", LOCATION, LOW, CORE, FALLBACK, "ConfigMap",                       \
		"Longest time to connect to an endpoint", PLAIN_SECONDS(1))                                                       \
	X(PROXY_SEND_TIMEOUT, "proxy-send-timeout", LOCATION, LOW, CORE, FALLBACK, "ConfigMap",                             \
		"Longest gap while sending to an endpoint", PLAIN_SECONDS(1))                                                     \
	X(PROXY_READ_TIMEOUT, "proxy-read-timeout", LOCATION, LOW, CORE, FALLBACK, "ConfigMap",                             \
		"Longest gap while reading from an endpoint; ends silent WebSockets", PLAIN_SECONDS(1))                           \
	X(SSL_REDIRECT, "ssl-redirect", LOCATION, LOW, CORE, FALLBACK, "ConfigMap",                                         \
		"Redirect to https where the host has a certificate", PLAIN_FLAG)                                                 \
	X(FORCE_SSL_REDIRECT, "force-ssl-redirect", LOCATION, MEDIUM, CORE, FALLBACK, "ConfigMap",                          \
		"Redirect to https always", PLAIN_FLAG)                                                                           \
	X(PROXY_BODY_SIZE, "proxy-body-size", LOCATION, MEDIUM, COMMON, FALLBACK, "ConfigMap",                              \
		"Largest request body; 0: any", .type = VALUE_OFFSET, .max = INT64_MAX, .takes_b = true)                    \
	X(PROXY_BUFFERING, "proxy-buffering", LOCATION, LOW, COMMON, FALLBACK, "ConfigMap", "Buffer responses",             \
		.type = VALUE_CHOICE, .words = "off|on")                                                                    \
	X(PROXY_REQUEST_BUFFERING, "proxy-request-buffering", LOCATION, LOW, COMMON, FALLBACK, "ConfigMap",                 \
		"Read a request body before asking an endpoint", .type = VALUE_CHOICE, .words = "off|on")                   \
	X(PROXY_BUFFER_SIZE, "proxy-buffer-size", LOCATION, LOW, COMMON, FALLBACK, "ConfigMap", "Largest response head",    \
		.type = VALUE_SIZE, .min = 256, .max = 1 << 20)                                                             \
	X(PROXY_BUFFERS_NUMBER, "proxy-buffers-number", LOCATION, LOW, COMMON, FALLBACK, "ConfigMap",                       \
		"Buffers of a response", PLAIN_COUNT(1, 4096))                                                                    \
	X(CLIENT_BODY_BUFFER_SIZE, "client-body-buffer-size", LOCATION, LOW, COMMON, REJECT, "ConfigMap",                   \
		"Memory for a request body before a file is used", .type = VALUE_SIZE, .max = 1 << 26, .takes_b = true)     \
	X(PROXY_MAX_TEMP_FILE_SIZE, "proxy-max-temp-file-size", LOCATION, LOW, RARE, FALLBACK, "ConfigMap",                 \
		"Most of a buffered response in a file; 0: none", .type = VALUE_OFFSET, .max = INT64_MAX, .takes_b = true)  \
	X(LIMIT_RATE, "limit-rate", LOCATION, LOW, RARE, FALLBACK, "ConfigMap",                                             \
		"Kilobytes a second of one response; 0 or less: any", PLAIN_COUNT(-INT32_MAX, INT32_MAX))                   \
	X(LIMIT_RATE_AFTER, "limit-rate-after", LOCATION, LOW, RARE, FALLBACK, "ConfigMap",                                 \
		"Kilobytes of a response before limit-rate holds", PLAIN_COUNT(-INT32_MAX, INT32_MAX))                      \
	X(UPSTREAM_VHOST, "upstream-vhost", LOCATION, LOW, COMMON, REJECT, "",                                              \
		"Host header to endpoints; without variables", .type = VALUE_TEXT, .words = REGEX_CHARS, .max = 253)                    \
	X(X_FORWARDED_PREFIX, "x-forwarded-prefix", LOCATION, MEDIUM, COMMON, REJECT, "",                                   \
		"X-Forwarded-Prefix to endpoints, where rewrite-target acts", .type = VALUE_TEXT, .words = NAME_CHARS "$")  \
	X(ENABLE_ACCESS_LOG, "enable-access-log", LOCATION, LOW, COMMON, FALLBACK, "true", "Log requests of the paths",     \
		PLAIN_FLAG)                                                                                                       \
	X(FROM_TO_WWW_REDIRECT, "from-to-www-redirect", HOST, LOW, COMMON, REJECT, "false",                                 \
		"Redirect from www.host to host, or the reverse", PLAIN_FLAG)                                                     \
	X(PERMANENT_REDIRECT, "permanent-redirect", LOCATION, MEDIUM, COMMON, REJECT, "", "Answer a redirect to this URL",  \
		.type = VALUE_TEXT, .words = URL_CHARS)                                                                     \
	X(PERMANENT_REDIRECT_CODE, "permanent-redirect-code", LOCATION, LOW, COMMON, REJECT, "301",                         \
		"Its status, 300 to 308; others act as 301", PLAIN_COUNT(INT32_MIN, INT32_MAX))                                   \
	X(TEMPORAL_REDIRECT, "temporal-redirect", LOCATION, MEDIUM, COMMON, REJECT, "",                                     \
		"Answer a redirect to this URL; wins over permanent-redirect", .type = VALUE_TEXT, .words = URL_CHARS)      \
	X(TEMPORAL_REDIRECT_CODE, "temporal-redirect-code", LOCATION, LOW, RARE, REJECT, "302",                             \
		"Its status, 300 to 307; others act as 302", PLAIN_COUNT(INT32_MIN, INT32_MAX))                                   \
	X(APP_ROOT, "app-root", HOST, MEDIUM, COMMON, FALLBACK, "", "Redirect / of the host to this path",                  \
		.type = VALUE_TEXT, .words = NAME_CHARS "$")                                                                \
	X(REWRITE_TARGET, "rewrite-target", LOCATION, MEDIUM, COMMON, FALLBACK, "",                                         \
		"Path for endpoints, with $1 for captures; makes all paths of the host regular expressions",                \
		.type = VALUE_TEXT, .words = NAME_CHARS "$")                                                                \
	X(USE_REGEX, "use-regex", LOCATION, LOW, COMMON, FALLBACK, "false",                                                 \
		"Paths are regular expressions, all of the host's", PLAIN_FLAG)                                                   \
	X(SERVER_ALIAS, "server-alias", HOST, HIGH, COMMON, REJECT, "", "Further names of the host",                        \
		.type = VALUE_LIST, .words = REGEX_CHARS)                                                                   \
	X(PROXY_SSL_SECRET, "proxy-ssl-secret", LOCATION, MEDIUM, COMMON, REJECT, "",					\
		"Secret (namespace/name) for TLS to endpoints: tls.crt and tls.key to show, ca.crt to check them by",	\
		.type = VALUE_TEXT, .words = NAME_CHARS)									\
	X(PROXY_SSL_VERIFY, "proxy-ssl-verify", LOCATION, LOW, COMMON, STRICT, "off",					\
		"Check the endpoint's certificate, for proxy-ssl-name", .type = VALUE_CHOICE, .words = "on|off")		\
	X(PROXY_SSL_VERIFY_DEPTH, "proxy-ssl-verify-depth", LOCATION, LOW, RARE, FALLBACK, "1",				\
		"Certificates between the endpoint's and one of ca.crt; 0 acts as 1", PLAIN_COUNT(0, 100))			\
	X(PROXY_SSL_NAME, "proxy-ssl-name", LOCATION, HIGH, COMMON, FALLBACK, "",						\
		"Name that the endpoint's certificate must hold", .type = VALUE_TEXT, .words = NAME_CHARS, .max = 253)	\
	X(PROXY_SSL_SERVER_NAME, "proxy-ssl-server-name", LOCATION, LOW, COMMON, FALLBACK, "off",				\
		"Send proxy-ssl-name to endpoints (SNI)", .type = VALUE_CHOICE, .words = "off|on")				\
	X(PROXY_SSL_PROTOCOLS, "proxy-ssl-protocols", LOCATION, LOW, RARE, FALLBACK, "TLSv1.2",				\
		"TLS versions to endpoints, where proxy-ssl-secret is given", .type = VALUE_WORDS, .words = "TLSv1.2|TLSv1.3")	\
	X(PROXY_SSL_CIPHERS, "proxy-ssl-ciphers", LOCATION, MEDIUM, RARE, FALLBACK, "DEFAULT",				\
		"Ciphers to endpoints for TLS 1.2, as OpenSSL writes them", .type = VALUE_TEXT, .words = "+:_-!")		\
	X(AUTH_TLS_SECRET, "auth-tls-secret", HOST, MEDIUM, COMMON, REJECT, "",						\
		"Secret (namespace/name) whose ca.crt (and ca.crl) client certificates are checked by; oldest Ingress of a host wins",	\
		.type = VALUE_TEXT, .words = NAME_CHARS)									\
	X(AUTH_TLS_VERIFY_CLIENT, "auth-tls-verify-client", HOST, MEDIUM, COMMON, STRICT, "on",				\
		"Whether a client certificate is demanded", .type = VALUE_CHOICE, .words = "on|off|optional|optional_no_ca")	\
	X(AUTH_TLS_VERIFY_DEPTH, "auth-tls-verify-depth", HOST, LOW, COMMON, FALLBACK, "1",					\
		"Certificates between the client's and one of ca.crt; 0 acts as 1", PLAIN_COUNT(0, 100))			\
	X(AUTH_TLS_ERROR_PAGE, "auth-tls-error-page", HOST, HIGH, RARE, REJECT, "",						\
		"URL that clients without a good certificate are sent to (302)", .type = VALUE_TEXT, .words = URL_CHARS "@")	\
	X(AUTH_TLS_PASS_CERTIFICATE, "auth-tls-pass-certificate-to-upstream", HOST, LOW, COMMON, REJECT, "false",		\
		"Send the client certificate (URL-encoded PEM) as ssl-client-cert", PLAIN_FLAG)				\
	X(AUTH_TLS_MATCH_CN, "auth-tls-match-cn", HOST, HIGH, RARE, REJECT, "",						\
		"CN= and a regular expression: 403 unless the subject of the certificate holds it", .type = VALUE_TEXT, .max = 1024)	\
	X(SSL_PASSTHROUGH, "ssl-passthrough", HOST, LOW, COMMON, REJECT, "false",						\
		"TLS connections for the host go to the endpoints of its path / as they are; needs --enable-ssl-passthrough", PLAIN_FLAG)	\
	X(SSL_CIPHERS, "ssl-ciphers", HOST, LOW, RARE, REJECT, "ConfigMap",							\
		"Ciphers of the hosts for TLS 1.2, as OpenSSL writes them; the oldest Ingress of a host wins", .type = VALUE_TEXT,	\
		.words = "!:+-_@=")												\
	X(SSL_PREFER_SERVER_CIPHERS, "ssl-prefer-server-ciphers", HOST, LOW, RARE, FALLBACK, "true",			\
		"The order of the list counts, not the client's", PLAIN_FLAG)						\
	X(RELATIVE_REDIRECTS, "relative-redirects", LOCATION, LOW, RARE, REJECT, "ConfigMap",                               \
		"Redirects without scheme and host", PLAIN_FLAG)                                                                  \
	X(USE_PORT_IN_REDIRECTS, "use-port-in-redirects", LOCATION, LOW, RARE, FALLBACK, "ConfigMap",                       \
		"Write the port in redirects", PLAIN_FLAG)                                                                        \
	X(PRESERVE_TRAILING_SLASH, "preserve-trailing-slash", LOCATION, MEDIUM, RARE, FALLBACK, "ConfigMap",                \
		"Keep a final slash in redirects to https", PLAIN_FLAG)                                                           \
	X(CANARY, "canary", INGRESS, LOW, COMMON, FALLBACK, "false",                                                        \
		"An alternative for the same host, path and pathType of another Ingress", PLAIN_FLAG)                              \
	X(CANARY_BY_HEADER, "canary-by-header", INGRESS, MEDIUM, COMMON, FALLBACK, "",                                      \
		"Header that decides first: always, never, or as the value or pattern says", .type = VALUE_TEXT,             \
		.words = "-_.~", .max = 128)                                                                                \
	X(CANARY_BY_HEADER_VALUE, "canary-by-header-value", INGRESS, MEDIUM, COMMON, FALLBACK, "",                          \
		"Its value for the canary, in place of always", .type = VALUE_TEXT, .words = NAME_CHARS, .max = 1024)       \
	X(CANARY_BY_HEADER_PATTERN, "canary-by-header-pattern", INGRESS, MEDIUM, COMMON, FALLBACK, "",                      \
		"A regular expression in its place; a value wins", .type = VALUE_TEXT, .words = REGEX_CHARS, .max = 1024)   \
	X(CANARY_BY_COOKIE, "canary-by-cookie", INGRESS, MEDIUM, COMMON, FALLBACK, "",                                      \
		"Cookie that decides next: always or never", .type = VALUE_TEXT, .words = "-_.~", .max = 128)               \
	X(CANARY_WEIGHT, "canary-weight", INGRESS, LOW, COMMON, FALLBACK, "0",                                              \
		"Share of the other requests, out of the total", PLAIN_COUNT(0, 1000000))                                         \
	X(CANARY_WEIGHT_TOTAL, "canary-weight-total", INGRESS, LOW, COMMON, FALLBACK, "100",                                \
		"The total; below 100 it acts as 100", PLAIN_COUNT(0, 1000000))                                                   \
	X(ENABLE_GLOBAL_AUTH, "enable-global-auth", LOCATION, LOW, COMMON, FALLBACK, "true",                                \
		"false takes the paths out of global-auth-url", PLAIN_FLAG)

/* The same for those that ingress-nginx never had: under weirlock.io/, whatever --annotations-prefix says. */
#define OWN_ANNOTATIONS(X)                                                                                                  \
	X(OWN_LOAD_BALANCE, "load-balance", BACKEND, LOW, COMMON, REJECT, "load-balance",                                   \
		"How an endpoint is chosen; wins over load-balance of ingress-nginx", .type = VALUE_CHOICE,                 \
		.words = "round_robin|ewma|least_conn|random_two")                                                          \
	X(SLOW_START, "slow-start", BACKEND, LOW, COMMON, FALLBACK, "0",                                                    \
		"Time until a new endpoint gets its whole share", .type = VALUE_DURATION, .max = 24 * 3600 * 1000)          \
	X(RETRY_BUDGET, "retry-budget", BACKEND, LOW, COMMON, FALLBACK, "0",                                                \
		"Retries at most, in percent of requests; ten at once and one a second are free; 0: any", PLAIN_COUNT(0, 100)) \
	X(EJECT_AFTER_FAILURES, "eject-after-failures", BACKEND, LOW, COMMON, FALLBACK, "0",                                \
		"Failures one after another (no response, 502, 503, 504) after which a worker leaves an endpoint alone; 0: never", \
		PLAIN_COUNT(0, 1000))                                                                                       \
	X(EJECT_TIME, "eject-time", BACKEND, LOW, COMMON, FALLBACK, "10s",                                                  \
		"For how long, the first time; each further time is longer", .type = VALUE_DURATION, .min = 100,            \
		.max = 24 * 3600 * 1000)                                                                                    \
	X(MAX_CONNECTIONS, "max-connections", BACKEND, LOW, COMMON, FALLBACK, "0",                                          \
		"Requests at once at one endpoint, of one proxy worker; 503 when all endpoints have as many; 0: any",       \
		PLAIN_COUNT(0, 1000000))                                                                                    \
	X(HEALTH_CHECK_PATH, "health-check-path", BACKEND, LOW, COMMON, FALLBACK, "",                                       \
		"Each proxy asks each endpoint for this path; one that fails gets no request while another is left",        \
		.type = VALUE_TEXT, .words = "/-._~%?=&+:@", .max = 1024)                                                   \
	X(HEALTH_CHECK_INTERVAL, "health-check-interval", BACKEND, LOW, COMMON, FALLBACK, "5s", "Time between two checks",  \
		.type = VALUE_DURATION, .min = 100, .max = 24 * 3600 * 1000)                                                \
	X(HEALTH_CHECK_TIMEOUT, "health-check-timeout", BACKEND, LOW, COMMON, FALLBACK, "1s",                               \
		"Time for connecting and the answer's head", .type = VALUE_DURATION, .min = 50, .max = 600 * 1000)          \
	X(HEALTH_CHECK_FAILURES, "health-check-failures", BACKEND, LOW, COMMON, FALLBACK, "3",                              \
		"So many failed checks in a row take an endpoint out", PLAIN_COUNT(1, 1000))                                \
	X(HEALTH_CHECK_SUCCESSES, "health-check-successes", BACKEND, LOW, COMMON, FALLBACK, "2",                            \
		"So many good ones in a row bring it back", PLAIN_COUNT(1, 1000))                                           \
	X(SEND_PROXY_PROTOCOL, "send-proxy-protocol", LOCATION, LOW, RARE, REJECT, "",                                      \
		"PROXY header of this version that names the client, first on each connection to an endpoint",              \
		.type = VALUE_CHOICE, .words = "v1|v2")

#endif

/*
 * All annotations: those of annotation_table.h, then the names that are known and have no effect, with the reason where they
 * never will have one. What protects a path and is not enforced yet closes it (SECURITY: never fail open).
 */
#include "annotation.h"

#define ROW(id, name, scope, risk, tier, on_bad, default_, doc, ...) \
	{name, SCOPE_##scope, RISK_##risk, TIER_##tier, STATUS_SERVED, BAD_##on_bad, default_, doc, {__VA_ARGS__}, false},
#define OWN_ROW(id, name, scope, risk, tier, on_bad, default_, doc, ...) \
	{name, SCOPE_##scope, RISK_##risk, TIER_##tier, STATUS_SERVED, BAD_##on_bad, default_, doc, {__VA_ARGS__}, true},
#define CLOSED(name, scope, risk, tier, doc) \
	{name, SCOPE_##scope, RISK_##risk, TIER_##tier, STATUS_DENIES, BAD_DENY, "", doc, {0}, false}
#define LATER(name, scope, risk, tier, doc) \
	{name, SCOPE_##scope, RISK_##risk, TIER_##tier, STATUS_NOT_YET, BAD_FALLBACK, "", doc, {0}, false}
#define NEVER(name, scope, risk, tier, why) \
	{name, SCOPE_##scope, RISK_##risk, TIER_##tier, STATUS_NOT_APPLICABLE, BAD_FALLBACK, "", why, {0}, false}

const struct annotation_row annotation_rows[] = {
	/* clang-format off */
	ANNOTATIONS(ROW)
	OWN_ANNOTATIONS(OWN_ROW)
	/* clang-format on */
	CLOSED("auth-type", LOCATION, LOW, COMMON, "Turns HTTP auth on"),
	CLOSED("auth-url", LOCATION, HIGH, COMMON, "External auth subrequest"),
	LATER("auth-method", LOCATION, LOW, COMMON, "Method of the subrequest"),
	LATER("auth-proxy-set-headers", LOCATION, MEDIUM, COMMON, "Extra headers for the subrequest"),
	LATER("auth-realm", LOCATION, MEDIUM, COMMON, "Realm shown"),
	LATER("auth-request-redirect", LOCATION, MEDIUM, COMMON, "X-Auth-Request-Redirect sent to the auth service"),
	LATER("auth-response-headers", LOCATION, MEDIUM, COMMON,
		"Headers copied from the auth answer to the endpoint request"),
	LATER("auth-secret", LOCATION, MEDIUM, COMMON, "Secret with the credentials (key auth = htpasswd)"),
	LATER("auth-secret-type", LOCATION, LOW, COMMON, "htpasswd file, or one key per user"),
	LATER("auth-signin", LOCATION, HIGH, COMMON, "Where a 401 is redirected (302), original URL appended as rd"),
	LATER("cors-allow-credentials", LOCATION, LOW, COMMON, "Access-Control-Allow-Credentials"),
	LATER("cors-allow-headers", LOCATION, MEDIUM, COMMON, "Access-Control-Allow-Headers"),
	LATER("cors-allow-methods", LOCATION, MEDIUM, COMMON, "Access-Control-Allow-Methods"),
	LATER("cors-allow-origin", LOCATION, MEDIUM, COMMON, "Origins accepted (single-level wildcard)"),
	LATER("cors-expose-headers", LOCATION, MEDIUM, COMMON, "Access-Control-Expose-Headers"),
	LATER("cors-max-age", LOCATION, LOW, COMMON, "Access-Control-Max-Age"),
	LATER("custom-headers", LOCATION, MEDIUM, COMMON, "ConfigMap whose entries are set on responses"),
	LATER("custom-http-errors", LOCATION, LOW, COMMON,
		"Endpoint statuses replaced by the default backend's answer"),
	LATER("default-backend", LOCATION, LOW, COMMON,
		"Service (same namespace, first port) used when the backend has no endpoints, and for custom-http-errors"),
	LATER("enable-cors", LOCATION, LOW, COMMON, "Answer CORS"),
	LATER("limit-allowlist", LOCATION, LOW, COMMON, "Clients not limited"),
	LATER("limit-burst-multiplier", LOCATION, LOW, COMMON, "Burst as a multiple of the rate"),
	LATER("limit-connections", LOCATION, LOW, COMMON, "Concurrent connections per client address"),
	LATER("limit-rpm", LOCATION, LOW, COMMON, "Requests per minute per client address, burst = 5x"),
	LATER("limit-rps", LOCATION, LOW, COMMON, "Requests per second per client address, burst = 5x, no delay"),
	LATER("limit-whitelist", LOCATION, LOW, COMMON, "Old name of limit-allowlist"),
	LATER("satisfy", LOCATION, LOW, COMMON, "any: address list OR auth is enough"),
	LATER("auth-always-set-cookie", LOCATION, LOW, RARE, "Copy the auth Set-Cookie on every status"),
	LATER("auth-cache-duration", LOCATION, MEDIUM, RARE, "Cache time per status"),
	LATER("auth-cache-key", LOCATION, MEDIUM, RARE, "Cache auth answers under this key"),
	LATER("auth-keepalive", LOCATION, LOW, RARE, "Pooled connections to the auth service"),
	LATER("auth-keepalive-requests", LOCATION, LOW, RARE, "Requests per pooled auth connection"),
	LATER("auth-keepalive-timeout", LOCATION, LOW, RARE, "Idle time of a pooled auth connection"),
	LATER("auth-signin-redirect-param", LOCATION, MEDIUM, RARE, "Name of that query parameter"),
	LATER("disable-proxy-intercept-errors", LOCATION, LOW, RARE,
		"Keep endpoint error bodies although custom-http-errors is set"),
	LATER("enable-modsecurity", LOCATION, LOW, RARE, "WAF for the path on/off"),
	LATER("enable-opentelemetry", LOCATION, LOW, RARE, "Tracing for the path on/off"),
	LATER("enable-owasp-core-rules", LOCATION, LOW, RARE, "OWASP rules for the path"),
	LATER("fastcgi-index", LOCATION, MEDIUM, RARE, "Index file for FCGI endpoints"),
	LATER("fastcgi-params-configmap", LOCATION, MEDIUM, RARE, "FastCGI parameters"),
	LATER("mirror-host", LOCATION, HIGH, RARE, "Host header of the copy"),
	LATER("mirror-request-body", LOCATION, LOW, RARE, "Copy the body as well"),
	LATER("mirror-target", LOCATION, HIGH, RARE, "Copy each request to this URL"),
	LATER("modsecurity-transaction-id", LOCATION, HIGH, RARE, "Transaction id from a variable"),
	LATER("opentelemetry-operation-name", LOCATION, MEDIUM, RARE, "Span name"),
	LATER("opentelemetry-trust-incoming-span", LOCATION, LOW, RARE, "Continue the caller's trace"),
	LATER("proxy-cookie-domain", LOCATION, MEDIUM, RARE, "Rewrite Domain in Set-Cookie"),
	LATER("proxy-cookie-path", LOCATION, MEDIUM, RARE, "Rewrite Path in Set-Cookie"),
	LATER("proxy-redirect-from", LOCATION, MEDIUM, RARE, "Text to replace in Location/Refresh"),
	LATER("proxy-redirect-to", LOCATION, MEDIUM, RARE, "Replacement for it"),
	NEVER("proxy-busy-buffers-size", LOCATION, LOW, RARE, "the kernel's send buffer holds what is in flight"),
	NEVER("modsecurity-snippet", LOCATION, CRITICAL, RARE, "ModSecurity rules are never executed"),
	NEVER("auth-keepalive-share-vars", LOCATION, LOW, NONE, "shares variables of nginx, which is not here"),
	NEVER("auth-snippet", LOCATION, CRITICAL, NONE,
		"nginx text is never executed; there is no typed annotation for this one yet"),
	NEVER("configuration-snippet", LOCATION, CRITICAL, NONE,
		"nginx text is never executed; use add-headers of the ConfigMap, redirect annotations or allowlist-source-range"),
	NEVER("enable-influxdb", LOCATION, LOW, NONE, "removed from ingress-nginx"),
	NEVER("enable-opentracing", LOCATION, LOW, NONE, "removed from ingress-nginx"),
	NEVER("enable-rewrite-log", LOCATION, LOW, NONE,
		"debugging of nginx rewrites, which are not here; use weirctl explain"),
	NEVER("global-rate-limit", LOCATION, LOW, NONE, "removed from ingress-nginx; use limit-rps"),
	NEVER("global-rate-limit-ignored-cidrs", LOCATION, LOW, NONE, "removed from ingress-nginx"),
	NEVER("global-rate-limit-key", LOCATION, LOW, NONE, "removed from ingress-nginx"),
	NEVER("global-rate-limit-window", LOCATION, LOW, NONE, "removed from ingress-nginx"),
	NEVER("http2-push-preload", LOCATION, LOW, NONE, "nginx and browsers dropped server push"),
	NEVER("influxdb-host", LOCATION, LOW, NONE, "removed from ingress-nginx"),
	NEVER("influxdb-measurement", LOCATION, LOW, NONE, "removed from ingress-nginx"),
	NEVER("influxdb-port", LOCATION, LOW, NONE, "removed from ingress-nginx"),
	NEVER("influxdb-server-name", LOCATION, LOW, NONE, "removed from ingress-nginx"),
	NEVER("opentracing-trust-incoming-span", LOCATION, LOW, NONE, "removed from ingress-nginx"),
	NEVER("secure-backends", LOCATION, LOW, NONE, "removed from ingress-nginx; use backend-protocol: HTTPS"),
	NEVER("secure-verify-ca-secret", LOCATION, LOW, NONE, "removed from ingress-nginx; use proxy-ssl-secret"),
	NEVER("server-snippet", HOST, CRITICAL, NONE,
		"nginx text is never executed; use typed annotations on the paths of the host"),
	NEVER("session-cookie-hash", LOCATION, LOW, NONE, "removed from ingress-nginx; cookies need no hash"),
	NEVER("stream-snippet", LOCATION, CRITICAL, NONE, "nginx text is never executed"),
};

size_t annotation_count(void)
{
	return sizeof(annotation_rows) / sizeof(annotation_rows[0]);
}

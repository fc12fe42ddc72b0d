/* Field names of messages to ConfigMap keys, and values to what people write. */
#include "origin.h"

#include <stdio.h>
#include <string.h>

#include "render.h"

static const char *const settings_keys[][2] = {
	{"client_header_buffer_bytes", "client-header-buffer-size"},
	{"large_client_header_count", "large-client-header-buffers"},
	{"large_client_header_bytes", "large-client-header-buffers"},
	{"ssl_protocol_tls12", "ssl-protocols"},
	{"ssl_protocol_tls13", "ssl-protocols"},
	{"denylist", "block-cidrs"},
	{"compatibility_ingress_nginx", "compatibility"},
	{"access_log_path", "http-access-log-path"},
	{"worker_no_shutdown_timeout", "worker-shutdown-timeout"},
	{"ssl_dh_param_pem", "ssl-dh-param"},
	{"stream_connect_timeout_ms", "proxy-connect-timeout"},
	{"udp_responses", "proxy-stream-responses"},
	{"udp_no_responses", "proxy-stream-responses"},
	{"udp_sessions_max", "proxy-stream-udp-sessions"},
	{"stream_no_next_upstream", "proxy-stream-next-upstream"},
	{"stream_next_upstream_tries", "proxy-stream-next-upstream-tries"},
	{"stream_next_upstream_timeout_ms", "proxy-stream-next-upstream-timeout"},
	{"stream_log", "disable-stream-access-log"},
	{"default_certificate", "--default-ssl-certificate"},
	{"default_backend", "--default-backend-service"},
};
static const char *const policy_keys[][2] = {
	{"allowlist", "whitelist-source-range"},
	{"has_allowlist", "whitelist-source-range"},
	{"denylist", "denylist-source-range"},
	{"disable_access_log", "enable-access-log"},
	{"next_upstream", "proxy-next-upstream"},
	{"next_upstream_tries", "proxy-next-upstream-tries"},
	{"next_upstream_timeout_ms", "proxy-next-upstream-timeout"},
	{"no_request_buffering", "proxy-request-buffering"},
	{"no_tls_redirect", "no-tls-redirect-locations"},
	{"proxy_http_1_0", "proxy-http-version"},
	{"sets_session_cookie", "affinity"},
	{"canaries", "canary"},
	{"send_proxy_protocol", "weirlock.io/send-proxy-protocol"},
};

/* What annotations call the fields of a backend, and of a route what is about sessions. */
static const char *const backend_keys[][2] = {
	{"protocol", "backend-protocol"},
	{"hash_by", "upstream-hash-by"},
	{"hash_subset_size", "upstream-hash-by-subset-size"},
	{"slow_start_ms", "weirlock.io/slow-start"},
	{"retry_budget_percent", "weirlock.io/retry-budget"},
	{"eject_after_failures", "weirlock.io/eject-after-failures"},
	{"eject_ms", "weirlock.io/eject-time"},
	{"max_connections", "weirlock.io/max-connections"},
	{"health_check", "weirlock.io/health-check-path"},
};

/* "keep_alive_ms" is keep-alive. */
static void add_dashed(struct str name, struct buf *key)
{
	static const char *const units[] = {"_ms", "_bytes", "_s"};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (str_ends_with(name, str_from(units[i])))
			name = str_first(name, name.len - strlen(units[i]));
	}
	for (size_t i = 0; i < name.len; i++)
		buf_add_char(key, name.ptr[i] == '_' ? '-' : name.ptr[i]);
}

static void add_key(const char *const (*names)[2], size_t n, const char *field, struct buf *key)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(field, names[i][0]) == 0) {
			buf_add(key, str_from(names[i][1]));
			return;
		}
	}
	add_dashed(str_from(field), key);
}

void origin_key(const char *field, struct buf *key)
{
	add_key(settings_keys, sizeof(settings_keys) / sizeof(settings_keys[0]), field, key);
}

void origin_backend_key(const char *field, struct buf *key)
{
	add_key(backend_keys, sizeof(backend_keys) / sizeof(backend_keys[0]), field, key);
}

void origin_policy_key(const char *field, struct buf *key)
{
	add_key(policy_keys, sizeof(policy_keys) / sizeof(policy_keys[0]), field, key);
}

/* The bits of NextUpstream by name. */
static json_t *conditions(uint64_t bits)
{
	const ProtobufCEnumDescriptor *d = &weirlock__v1__next_upstream__descriptor;
	json_t *list = json_array();

	for (unsigned i = 0; i < d->n_values; i++) {
		uint64_t bit = (uint64_t)d->values[i].value;

		if (bit && bits & bit)
			json_array_append_new(list, render_word(d, d->values[i].value, '_'));
	}
	return list;
}

json_t *origin_shown(const char *field, json_t *value)
{
	char text[32];

	if (strcmp(field, "ssl_buffer_size_bytes") == 0 && json_integer_value(value) == 0)
		return json_string("auto");
	if (str_ends_with(str_from(field), STR("_ms"))) {
		snprintf(text, sizeof(text), "%gs", (double)json_integer_value(value) / 1000);
		return json_string(text);
	}
	if (str_ends_with(str_from(field), STR("_s"))) {
		snprintf(text, sizeof(text), "%llds", (long long)json_integer_value(value));
		return json_string(text);
	}
	if (str_eq(str_from(field), STR("compatibility_ingress_nginx")))
		return json_string(json_is_true(value) ? "ingress-nginx" : "none");
	if (strcmp(field, "proxy_http_1_0") == 0)
		return json_string(json_is_true(value) ? "1.0" : "1.1");
	if (strcmp(field, "no_request_buffering") == 0 || strcmp(field, "disable_access_log") == 0)
		return json_boolean(!json_is_true(value)); /* the key says the opposite of the field */
	if (strcmp(field, "next_upstream") == 0)
		return conditions((uint64_t)json_integer_value(value));
	return json_incref(value);
}

bool origin_is_known(const struct view *v)
{
	return v->snapshot->built_ms != 0;
}

void origin_set(json_t *row, const struct view *v, const Weirlock__V1__Provenance *origin)
{
	if (!origin) {
		json_object_set_new(row, "from", json_string(origin_is_known(v) ? "default" : "not told"));
		return;
	}
	json_object_set_new(row, "from", render_text(str_from(origin->object)));
	json_object_set_new(row, "key", render_text(str_from(origin->key)));
	json_object_set_new(row, "written", render_text(str_from(origin->value)));
}

json_t *origin_row(
	const struct view *v, const char *field, struct str key, json_t *value, const Weirlock__V1__Provenance *origin)
{
	json_t *row = json_object();

	json_object_set_new(row, "setting", render_text(key));
	json_object_set_new(row, "field", json_string(field));
	json_object_set(row, "value", value);
	json_object_set_new(row, "shown", origin_shown(field, value));
	origin_set(row, v, origin);
	return row;
}

static json_t *row_of_setting(const struct view *v, const char *field, json_t *value)
{
	struct buf key = {0};
	json_t *row;

	origin_key(field, &key);
	row = origin_row(v, field, buf_str(&key), value,
		view_origin(v, WEIRLOCK__V1__KIND__KIND_SETTINGS, STR(""), buf_str(&key)));
	buf_deinit(&key);
	return row;
}

json_t *origin_settings(const struct view *v)
{
	json_t *rows = json_array(), *all, *value;
	const char *field;

	if (!v->settings)
		return rows;
	all = render_message(&v->settings->base, true);
	json_object_foreach(all, field, value) json_array_append_new(rows, row_of_setting(v, field, value));
	json_decref(all);
	return rows;
}

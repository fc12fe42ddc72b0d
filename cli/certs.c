/* weirctl certs: one line a certificate with the hosts that serve it. Never a key. */
#include "command.h"

#include <stdio.h>

#include "clock.h"
#include "render.h"

static const struct column columns[] = {
	{"CERTIFICATE", "name", false},
	{"HOSTS", "hosts", false},
	{"EXPIRES-IN", "expires_in", false},
	{"KEY", "key_type", false},
	{"FINGERPRINT", "short_fingerprint", false},
	{"NAMES", "names", true},
	{"NOT-AFTER", "not_after", true},
	{"ISSUER", "issuer", true},
	{"SERIAL", "serial", true},
	{0},
};

static json_t *hosts_with(const struct view *v, struct str certificate)
{
	bool is_default = v->settings && str_eq(str_from(v->settings->default_certificate), certificate);
	json_t *list = json_array();

	for (size_t i = 0; i < v->n_hosts; i++) {
		const Weirlock__V1__Host *h = v->hosts[i];

		if (str_eq(str_from(h->certificate), certificate) ||
			(is_default && h->has_tls && h->certificate[0] == '\0'))
			json_array_append_new(list, render_text(str_from(h->name)));
	}
	if (is_default)
		json_array_append_new(list, json_string("(default)"));
	return list;
}

static json_t *expires_in(int64_t not_after_s, uint64_t now_ms)
{
	int64_t left_ms = not_after_s * 1000 - (int64_t)now_ms;
	char age[CLOCK_TEXT_MAX], text[CLOCK_TEXT_MAX + 16];

	clock_age((uint64_t)(left_ms < 0 ? -left_ms : left_ms), age);
	snprintf(text, sizeof(text), left_ms < 0 ? "expired %s ago" : "%s", age);
	return json_string(text);
}

static json_t *row_of(const struct view *v, size_t i, uint64_t now_ms)
{
	const Weirlock__V1__Certificate *c = v->certificates[i];
	struct str fingerprint = str_of(c->fingerprint.data, c->fingerprint.len);
	json_t *row = json_object(), *names = json_array();
	char time[CLOCK_TEXT_MAX];

	for (size_t k = 0; k < c->n_names; k++)
		json_array_append_new(names, render_text(str_from(c->names[k])));
	json_object_set_new(row, "name",
		str_eq(v->certificate_names[i], STR("-")) ? json_string("(generated)") : render_text(v->certificate_names[i]));
	json_object_set_new(row, "hosts", hosts_with(v, v->certificate_names[i]));
	json_object_set_new(row, "names", names);
	json_object_set_new(row, "expires_in", expires_in(c->not_after_s, now_ms));
	json_object_set_new(
		row, "not_before", json_string(clock_rfc3339((uint64_t)c->not_before_s * 1000, time)));
	json_object_set_new(row, "not_after", json_string(clock_rfc3339((uint64_t)c->not_after_s * 1000, time)));
	json_object_set_new(row, "key_type", render_text(str_from(c->key_type)));
	json_object_set_new(row, "short_fingerprint", render_hex(fingerprint, 8));
	json_object_set_new(row, "fingerprint", render_hex(fingerprint, 32));
	json_object_set_new(row, "issuer", render_text(str_from(c->issuer)));
	json_object_set_new(row, "serial", render_text(str_from(c->serial)));
	return row;
}

int command_certs(struct command_line *line)
{
	uint64_t now_ms = clock_wall_ms();
	struct view v;
	json_t *rows;
	int status = command_at_most(line, 0, "certs");

	if (status == 0)
		status = target_snapshot(&line->target, "", &v);
	if (status != 0)
		return status;
	rows = json_array();
	for (size_t i = 0; i < v.n_certificates; i++)
		json_array_append_new(rows, row_of(&v, i, now_ms));
	output_rows(&line->out, rows, columns);
	json_decref(rows);
	view_deinit(&v);
	return status;
}

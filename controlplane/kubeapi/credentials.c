/* Values in files, and what may be sent where. */
#include "credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "addr.h"
#include "mem.h"

enum { MAX_FILE_BYTES = 1024 * 1024 };

static void drop_value(struct buf *b)
{
	if (b->ptr)
		mem_wipe(b->ptr, b->room);
	buf_deinit(b);
}

static void drop(struct credential *c)
{
	buf_deinit(&c->file);
	drop_value(&c->value);
}

void credentials_deinit(struct credentials *c)
{
	buf_deinit(&c->server);
	buf_deinit(&c->namespace_);
	drop(&c->ca);
	drop(&c->certificate);
	drop(&c->key);
	drop(&c->token);
}

int credentials_read_file(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), result = 0;

	if (fd < 0)
		return -errno;
	out->cap = MAX_FILE_BYTES;
	for (;;) {
		char *room = buf_reserve(out, 16 * 1024);
		ssize_t n = room ? read(fd, room, 16 * 1024) : 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			result = !room ? -EFBIG : n < 0 ? -errno : 0;
			break;
		}
		out->len += (size_t)n;
	}
	close(fd);
	return result;
}

static bool reload(struct credential *c, bool is_text, bool *is_changed, struct buf *error)
{
	struct buf now = {0};
	struct str value;
	int result;

	if (!c->file.len)
		return true;
	result = credentials_read_file(buf_cstr(&c->file), &now);
	value = is_text ? str_trim(buf_str(&now)) : buf_str(&now);
	if (result < 0 || !value.len) {
		buf_printf(error, "%s%s: %s", error->len ? "; " : "", buf_cstr(&c->file),
			result < 0 ? strerror(-result) : "is empty");
		drop_value(&now);
		return false;
	}
	if (!str_eq(buf_str(&c->value), value)) {
		drop_value(&c->value);
		buf_add(&c->value, value);
		*is_changed = true;
	}
	drop_value(&now);
	return true;
}

bool credentials_reload(struct credentials *c, bool *is_changed, struct buf *error)
{
	bool has_ca, has_certificate, has_key, has_token;

	*is_changed = false;
	has_ca = reload(&c->ca, false, is_changed, error);
	has_certificate = reload(&c->certificate, false, is_changed, error);
	has_key = reload(&c->key, false, is_changed, error);
	has_token = reload(&c->token, true, is_changed, error);
	return has_ca && has_certificate && has_key && has_token;
}

void credentials_in_cluster(const char *directory, struct str host, struct str port, struct credentials *out)
{
	bool is_v6 = str_find(host, ':') < host.len;
	struct buf file = {0};

	buf_printf(&out->server, "https://%s%.*s%s:%.*s", is_v6 ? "[" : "", STR_ARG(host), is_v6 ? "]" : "", STR_ARG(port));
	buf_printf(&out->token.file, "%s/token", directory);
	buf_printf(&out->ca.file, "%s/ca.crt", directory);
	buf_printf(&file, "%s/namespace", directory);
	if (credentials_read_file(buf_cstr(&file), &out->namespace_) < 0)
		buf_clear(&out->namespace_);
	buf_deinit(&file);
}

/* By its address, or the name localhost. */
static bool is_loopback(struct str url)
{
	struct str rest = str_from_index(url, str_find_str(url, STR("://")) + 3), host;
	struct addr a;

	if (str_starts_with(rest, STR("[")))
		host = str_first(str_from_index(rest, 1), str_find(rest, ']') - 1);
	else
		host = str_first(rest, str_find(str_first(rest, str_find(rest, '/')), ':'));
	if (str_eq(host, STR("localhost")))
		return true;
	if (!addr_parse_ip(host, &a))
		return false;
	return a.family == 4 ? a.ip[0] == 127 : memcmp(a.ip, &in6addr_loopback, 16) == 0;
}

bool credentials_check(const struct credentials *c, struct buf *error)
{
	struct str server = buf_str(&c->server);
	bool is_tls = str_starts_with(server, STR("https://"));

	if (!is_tls && !str_starts_with(server, STR("http://"))) {
		buf_printf(error, "API server '%.*s': is not https://HOST:PORT", STR_ARG(server));
		return false;
	}
	if (str_find(server, '@') < server.len || str_find(server, '?') < server.len || str_find(server, '#') < server.len) {
		buf_printf(error, "API server '%.*s': is not https://HOST:PORT", STR_ARG(server));
		return false;
	}
	if (is_loopback(server))
		return true;
	if (!is_tls) {
		buf_printf(error, "API server %.*s: without TLS only a server on loopback is talked to", STR_ARG(server));
		return false;
	}
	if (c->is_insecure) {
		buf_printf(error,
			"API server %.*s: insecure-skip-tls-verify would hand the credentials to anybody; give certificate-authority",
			STR_ARG(server));
		return false;
	}
	return true;
}

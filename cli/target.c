/* Online over rpc, offline from a file. Manifests are compiled in manifests.c. */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blob.h"
#include "command.h"
#include "manifests.h"
#include "mem.h"
#include "rpc.h"
#include "weirlock/v1/operate.pb-c.h"

/* A snapshot of 10,000 hosts has 9 MB; nobody needs a hundred times that to break this program. */
enum { ANSWER_MAX = 1024 * 1024 * 1024, DEFAULT_TIMEOUT_S = 5 };
static const char magic[8] = {'W', 'E', 'I', 'R', 'S', 'N', 'P', '1'};

bool target_is_offline(const struct target *t)
{
	return t->file || t->manifests.n;
}

/* -------------------------------------------------------------------------------------------------------- online */

struct session {
	struct rpc_identity *identity;
	struct rpc_wait *wait;
	const char *url;
	const ProtobufCServiceDescriptor *service;
	uint32_t timeout_ms;
};

static void close_session(struct session *s)
{
	if (s->wait)
		rpc_wait_close(s->wait);
	if (s->identity)
		rpc_identity_destroy(s->identity);
	*s = (struct session){0};
}

static int open_session(const struct target *t, struct session *s)
{
	struct rpc_client_options options = {.roles = t->proxy ? RPC_ROLE_PROXY : RPC_ROLE_CONTROLLER};
	struct buf error = {0};
	int status = 0;

	*s = (struct session){.url = t->proxy ? t->proxy : t->controller, .service = &weirlock__v1__inspect__descriptor,
		.timeout_ms = (t->timeout_s ? t->timeout_s : DEFAULT_TIMEOUT_S) * 1000};
	if (!s->url)
		return command_fail(EXIT_USAGE,
			"say where to look: --controller URL, --proxy URL, --file SNAPSHOT or --manifests PATH (or set WEIRLOCK_CONTROLLER)");
	if (!t->identity && !t->is_insecure)
		return command_fail(EXIT_USAGE, "give --identity DIR (or --insecure for ipc:// and loopback)");
	if (t->identity) {
		s->identity = rpc_identity_load(t->identity, &error);
		if (!s->identity)
			status = command_fail(EXIT_BAD_INPUT, "%s", buf_cstr(&error));
	}
	options.identity = s->identity;
	if (status == 0) {
		s->wait = rpc_wait_open(s->url, &options, &error);
		if (!s->wait)
			status = command_fail(EXIT_USAGE, "%s", buf_cstr(&error));
	}
	if (status != 0)
		close_session(s);
	buf_deinit(&error);
	return status;
}

/* One call. 0 and an owned answer, or the exit status after a line on stderr. */
static int ask(struct session *s, const char *method, const ProtobufCMessage *request, ProtobufCMessage **answer)
{
	struct buf error = {0};
	enum rpc_status said = RPC_OK;
	enum rpc_wait_result result = rpc_wait_call(s->wait, s->service, method, request, s->timeout_ms, answer, &said, &error);
	int status = 0;

	switch (result) {
	case RPC_WAIT_OK:
		break;
	case RPC_WAIT_NO_CONNECTION:
		status = command_fail(EXIT_NO_CONNECTION, "%s", buf_cstr(&error));
		break;
	case RPC_WAIT_BAD_CERTIFICATE:
		status = command_fail(EXIT_NO_CONNECTION, "%s", buf_cstr(&error));
		break;
	case RPC_WAIT_DEADLINE:
		status = command_fail(EXIT_NO_CONNECTION, "%s did not answer within %u ms", s->url, s->timeout_ms);
		break;
	case RPC_WAIT_REFUSED:
		status = command_fail(said == RPC_NOT_FOUND || said == RPC_INVALID_ARGUMENT ? EXIT_BAD_INPUT : EXIT_PARTLY,
			"%s%s", buf_cstr(&error),
			said == RPC_PERMISSION_DENIED ? " (weirctl needs the operator's identity)" : "");
		break;
	}
	buf_deinit(&error);
	return status;
}

/* All of a blob, piece by piece. */
static int fetch(struct session *s, const Weirlock__V1__Blob *blob, struct buf *out)
{
	Weirlock__V1__FetchRequest request = WEIRLOCK__V1__FETCH_REQUEST__INIT;
	int status = 0;

	if (blob->size_bytes > ANSWER_MAX)
		return command_fail(EXIT_BAD_INPUT, "%s: an answer of %llu bytes is too large", s->url,
			(unsigned long long)blob->size_bytes);
	request.blob_id = blob->blob_id;
	while (status == 0 && out->len < blob->size_bytes) {
		ProtobufCMessage *answer = NULL;
		Weirlock__V1__FetchResponse *piece;

		request.offset = out->len;
		status = ask(s, "Fetch", &request.base, &answer);
		if (status != 0)
			break;
		piece = (Weirlock__V1__FetchResponse *)answer;
		if (piece->data.len == 0 || piece->data.len > blob->size_bytes - out->len)
			status = command_fail(EXIT_BAD_INPUT, "%s: the answer is shorter or longer than it said", s->url);
		else
			buf_add(out, str_of(piece->data.data, piece->data.len));
		protobuf_c_message_free_unpacked(answer, NULL);
	}
	return status;
}

/* Calls a method that answers with a Blob and fetches it. */
static int ask_blob(struct target *t, const char *method, const ProtobufCMessage *request, struct buf *out)
{
	ProtobufCMessage *answer = NULL;
	struct session s;
	int status = open_session(t, &s);

	if (status != 0)
		return status;
	status = ask(&s, method, request, &answer);
	if (status == 0) {
		const Weirlock__V1__Blob *blob = (const Weirlock__V1__Blob *)answer;

		snprintf(t->found_pool, sizeof(t->found_pool), "%s", blob->pool);
		status = fetch(&s, blob, out);
		protobuf_c_message_free_unpacked(answer, NULL);
	}
	close_session(&s);
	return status;
}

static int ask_plain(struct target *t, const char *method, const ProtobufCMessage *request, ProtobufCMessage **answer)
{
	struct session s;
	int status;

	if (target_is_offline(t))
		return command_fail(EXIT_USAGE, "this needs a controller or a proxy (--controller URL, --proxy URL)");
	status = open_session(t, &s);
	if (status != 0)
		return status;
	status = ask(&s, method, request, answer);
	close_session(&s);
	return status;
}

char *target_pool(const struct target *t)
{
	static char none[] = "";
	union {
		const char *word;
		char *field; /* packing only reads */
	} pool = {.word = t->pool};

	return t->pool ? pool.field : none;
}

int target_status(struct target *t, Weirlock__V1__StatusResponse **out)
{
	Weirlock__V1__Empty nothing = WEIRLOCK__V1__EMPTY__INIT;
	ProtobufCMessage *answer = NULL;
	int status = ask_plain(t, "Status", &nothing.base, &answer);

	*out = (Weirlock__V1__StatusResponse *)answer;
	return status;
}

int target_history(struct target *t, Weirlock__V1__SnapshotsResponse **out)
{
	Weirlock__V1__SnapshotsRequest request = WEIRLOCK__V1__SNAPSHOTS_REQUEST__INIT;
	ProtobufCMessage *answer = NULL;
	int status;

	request.pool = target_pool(t);
	status = ask_plain(t, "Snapshots", &request.base, &answer);

	*out = (Weirlock__V1__SnapshotsResponse *)answer;
	return status;
}

int target_operate(struct target *t, const char *method, const ProtobufCMessage *request, uint32_t timeout_ms,
	ProtobufCMessage **answer)
{
	struct session s;
	int status;

	if (target_is_offline(t) || t->proxy)
		return command_fail(EXIT_USAGE, "this needs a controller (--controller URL)");
	status = open_session(t, &s);
	if (status != 0)
		return status;
	s.service = &weirlock__v1__operate__descriptor;
	s.timeout_ms = timeout_ms;
	status = ask(&s, method, request, answer);
	close_session(&s);
	return status;
}

/* --------------------------------------------------------------------------------------------------------- files */

static int read_all(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	if (fd < 0)
		return command_fail(EXIT_BAD_INPUT, "cannot read %s: %s", path, strerror(errno));
	buf_init(out, ANSWER_MAX);
	while (buf_reserve(out, 65536) && (n = read(fd, out->ptr + out->len, 65536)) > 0)
		out->len += (size_t)n;
	close(fd);
	if (n < 0)
		return command_fail(EXIT_BAD_INPUT, "cannot read %s: %s", path, strerror(errno));
	return out->is_over ? command_fail(EXIT_BAD_INPUT, "%s is too large", path) : 0;
}

static int read_file(const char *path, struct buf *packed)
{
	int status = read_all(path, packed);

	if (status != 0)
		return status;
	if (packed->len < sizeof(magic) || memcmp(packed->ptr, magic, sizeof(magic)) != 0)
		return command_fail(EXIT_BAD_INPUT, "%s is not a snapshot file (weirctl snapshot export writes them)", path);
	buf_consume(packed, sizeof(magic));
	return 0;
}

int target_write_file(const char *path, struct str packed)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int status = 0;
	FILE *file = fd < 0 ? NULL : fdopen(fd, "wb");

	if (!file || fwrite(magic, sizeof(magic), 1, file) != 1 || (packed.len && fwrite(packed.ptr, packed.len, 1, file) != 1))
		status = EXIT_BAD_INPUT;
	if (file && fclose(file) != 0)
		status = EXIT_BAD_INPUT;
	return status ? command_fail(status, "cannot write %s: %s", path, strerror(errno)) : 0;
}

/* ---------------------------------------------------------------------------------------------------------- both */

/* Hex of an id or of its first bytes. */
int target_parse_id(const char *hex, uint8_t *bytes, size_t *len)
{
	size_t n = strlen(hex);

	if (n < 8 || n > 64 || n % 2 || strspn(hex, "0123456789abcdefABCDEF") != n)
		return command_fail(EXIT_USAGE, "'%s' is not a snapshot id: 8 to 64 hex digits (weirctl snapshot list)", hex);
	for (*len = 0; *len < n / 2; ++*len) {
		char digits[3] = {hex[2 * *len], hex[2 * *len + 1], 0};

		bytes[*len] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return 0;
}

static int ask_snapshot(struct target *t, const char *id, struct buf *packed)
{
	Weirlock__V1__GetSnapshotRequest request = WEIRLOCK__V1__GET_SNAPSHOT_REQUEST__INIT;
	uint8_t bytes[32];
	int status = 0;

	request.pool = target_pool(t);
	if (id[0]) {
		request.id.data = bytes;
		status = target_parse_id(id, bytes, &request.id.len);
	}
	return status ? status : ask_blob(t, "GetSnapshot", &request.base, packed);
}

/* What is packed, as a view. Takes nothing; `where` names it in errors. */
static int unpack_view(const char *where, const struct buf *packed, struct view *out)
{
	Weirlock__V1__Snapshot *snapshot = weirlock__v1__snapshot__unpack(NULL, packed->len, (const uint8_t *)packed->ptr);
	struct str bad;

	if (!snapshot)
		return command_fail(EXIT_BAD_INPUT, "%s: this is not a snapshot that this version can read", where);
	if (view_init(out, snapshot, &bad))
		return 0;
	command_fail(EXIT_BAD_INPUT, "%s: resource '%.*s' cannot be read", where, STR_ARG(bad));
	view_deinit(out);
	return EXIT_BAD_INPUT;
}

int target_snapshot(struct target *t, const char *id, struct view *out)
{
	const char *where = t->file ? t->file : t->manifests.n ? t->manifests.items[0] : t->proxy ? t->proxy : t->controller;
	struct buf packed = {0};
	int status;

	if (target_is_offline(t) && id[0])
		status = command_fail(EXIT_USAGE, "'%s': a file and manifests hold one snapshot, without an id to choose by", id);
	else if (t->file)
		status = read_file(t->file, &packed);
	else if (t->manifests.n)
		status = manifests_compile(t, &packed, NULL);
	else
		status = ask_snapshot(t, id, &packed);
	if (status == 0)
		status = unpack_view(where, &packed, out);
	buf_deinit(&packed);
	return status;
}

int target_live(struct target *t, Weirlock__V1__LiveResponse **out)
{
	Weirlock__V1__Empty nothing = WEIRLOCK__V1__EMPTY__INIT;
	struct buf packed = {0};
	int status = ask_blob(t, "Live", &nothing.base, &packed);

	if (status == 0) {
		*out = weirlock__v1__live_response__unpack(NULL, packed.len, (const uint8_t *)packed.ptr);
		if (!*out)
			status = command_fail(EXIT_BAD_INPUT, "%s: this is not an answer that this version can read", t->proxy);
	}
	buf_deinit(&packed);
	return status;
}

int target_problems(struct target *t, Weirlock__V1__ProblemsResponse **out)
{
	Weirlock__V1__Empty nothing = WEIRLOCK__V1__EMPTY__INIT;
	struct buf packed = {0};
	int status;

	if (t->file)
		return command_fail(EXIT_USAGE, "a snapshot file holds no problems; ask a controller, or give --manifests");
	if (t->proxy)
		return command_fail(EXIT_USAGE, "a proxy knows no problems of objects; ask its controller");
	if (t->manifests.n)
		return manifests_compile(t, NULL, out);
	status = ask_blob(t, "Problems", &nothing.base, &packed);
	if (status == 0) {
		*out = weirlock__v1__problems_response__unpack(NULL, packed.len, (const uint8_t *)packed.ptr);
		if (!*out)
			status = command_fail(EXIT_BAD_INPUT, "%s: the answer cannot be read", t->controller);
	}
	buf_deinit(&packed);
	return status;
}

/*
 * Keys of TLS session tickets, the same on every proxy and from every replica: each span of time (ssl-session-ticket-rotation)
 * has keys that are made from a secret which the replicas share. The keys of now seal; those of the next span open too, since
 * not all proxies change at once, and so do old ones for as long as a session is good.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base64.h"
#include "mem.h"
#include "pass.h"

enum { NAME_BYTES = 16, KEY_BYTES = 32, OLD_MAX = 64, BIG_BYTES = NAME_BYTES + 2 * KEY_BYTES, SMALL_BYTES = 48 };

void reconcile_ticket_root(struct str secret, uint8_t root[RECONCILE_KEY_BYTES])
{
	static const char label[] = "weirlock session tickets 1";
	unsigned len = 0;

	HMAC(EVP_sha256(), secret.ptr ? secret.ptr : "", (int)secret.len, (const unsigned char *)label, sizeof(label), root, &len);
}

static int64_t span_ms(const struct setting_values *settings)
{
	return settings->items[SETTING_SSL_SESSION_TICKET_ROTATION].value.number;
}

int64_t reconcile_ticket_due_s(const struct setting_values *settings, int64_t now_s)
{
	int64_t span = span_ms(settings);
	bool is_rotated = settings->items[SETTING_SSL_SESSION_TICKETS].value.flag &&
			  !settings->items[SETTING_SSL_SESSION_TICKET_KEY].value.text.len;

	if (!is_rotated || !now_s || !span)
		return 0;
	return ((now_s * 1000 / span + 1) * span + 999) / 1000;
}

/* HMAC(root, span, index, part, pool): who has the keys of one pool opens no session of another. */
static void derive(const struct reconcile *pass, int64_t span, int64_t index, char part, unsigned char out[KEY_BYTES])
{
	struct buf text = {0};
	unsigned len = 0;

	buf_printf(&text, "%lld %lld %c", (long long)span, (long long)index, part);
	if (strcmp(pool_name(pass), POOL_DEFAULT) != 0)
		buf_printf(&text, " %s", pool_name(pass));
	HMAC(EVP_sha256(), pass->options->ticket_root, RECONCILE_KEY_BYTES, (const unsigned char *)text.ptr, text.len, out, &len);
	buf_deinit(&text);
}

/* `bytes`: BIG_BYTES in the arena, wiped when it is packed. */
static void add(struct arena *scratch, Weirlock__V1__TicketKeys *out, unsigned char *bytes, size_t mac_at, size_t cipher_at, size_t size)
{
	Weirlock__V1__TicketKey *key = arena_alloc(scratch, sizeof(*key));

	weirlock__v1__ticket_key__init(key);
	key->name = (ProtobufCBinaryData){NAME_BYTES, bytes};
	key->mac_key = (ProtobufCBinaryData){size, bytes + mac_at};
	key->cipher_key = (ProtobufCBinaryData){size, bytes + cipher_at};
	out->keys[out->n_keys++] = key;
}

static void add_made(struct reconcile *pass, int64_t index, Weirlock__V1__TicketKeys *out)
{
	unsigned char *bytes = arena_alloc(&pass->scratch, BIG_BYTES), name[KEY_BYTES];
	int64_t span = span_ms(&pass->settings);

	derive(pass, span, index, 'n', name);
	memcpy(bytes, name, NAME_BYTES);
	derive(pass, span, index, 'm', bytes + NAME_BYTES);
	derive(pass, span, index, 'c', bytes + NAME_BYTES + KEY_BYTES);
	add(&pass->scratch, out, bytes, NAME_BYTES, NAME_BYTES + KEY_BYTES, KEY_BYTES);
}

/* The operator's, in nginx's order: name, then cipher and MAC of 16 bytes, or MAC and cipher of 32. */
static void add_given(struct reconcile *pass, struct str text, Weirlock__V1__TicketKeys *out)
{
	unsigned char *bytes = arena_alloc(&pass->scratch, BASE64_ROOM(128));
	size_t len = 0;

	if (!base64_decode(text, (char *)bytes, &len))
		return; /* settings took it, so it is good */
	if (len == SMALL_BYTES)
		add(&pass->scratch, out, bytes, NAME_BYTES + 16, NAME_BYTES, 16);
	else
		add(&pass->scratch, out, bytes, NAME_BYTES, NAME_BYTES + KEY_BYTES, KEY_BYTES);
}

static void add_all_made(struct reconcile *pass, Weirlock__V1__TicketKeys *out)
{
	int64_t span = span_ms(&pass->settings), index = pass->options->ticket_now_s * 1000 / span;
	int64_t n_old = pass->settings.items[SETTING_SSL_SESSION_TIMEOUT].value.number / span + 1;

	add_made(pass, index, out);
	add_made(pass, index + 1, out);
	for (int64_t i = 1; i <= n_old && i <= OLD_MAX; i++)
		add_made(pass, index - i, out);
}

static void wipe(Weirlock__V1__TicketKeys *keys)
{
	for (size_t i = 0; i < keys->n_keys; i++) {
		mem_wipe(keys->keys[i]->cipher_key.data, keys->keys[i]->cipher_key.len);
		mem_wipe(keys->keys[i]->mac_key.data, keys->keys[i]->mac_key.len);
	}
}

void tickets_put(struct reconcile *pass, struct reconcile_result *result)
{
	Weirlock__V1__TicketKeys message = WEIRLOCK__V1__TICKET_KEYS__INIT;
	struct str given = pass->settings.items[SETTING_SSL_SESSION_TICKET_KEY].value.text;

	message.keys = arena_alloc(&pass->scratch, (OLD_MAX + 2) * sizeof(*message.keys));
	if (given.len)
		add_given(pass, given, &message);
	else if (pass->options->ticket_now_s)
		add_all_made(pass, &message);
	if (message.n_keys)
		result_put(result, WEIRLOCK__V1__KIND__KIND_TICKET_KEYS, STR(""), &message.base);
	wipe(&message);
}

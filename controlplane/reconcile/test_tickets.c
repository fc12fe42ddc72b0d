/* Which ticket keys are put: the same from every replica, one span after another, and the operator's own. */
#include "cluster.h"
#include "weirlock/v1/snapshot.pb-c.h"

static Weirlock__V1__TicketKeys *keys_of(const char *data, int64_t now_s, const char *secret)
{
	struct store *store = store_create();
	struct reconcile_options options;
	struct problems problems = {0};
	struct snapshot *s;
	const struct resource *r;
	Weirlock__V1__TicketKeys *keys = NULL;

	reconcile_options_init(&options);
	options.configmap = STR("ingress/controller");
	options.ticket_now_s = now_s;
	reconcile_ticket_root(str_from(secret), options.ticket_root);
	store_put(store, cluster_config_map(data), NULL);
	s = reconcile_build(store, &options, 0, NULL, &problems);
	r = content_get(s->content, WEIRLOCK__V1__KIND__KIND_TICKET_KEYS, STR(""));
	if (r)
		keys = weirlock__v1__ticket_keys__unpack(NULL, r->body.len, (const uint8_t *)r->body.ptr);
	for (size_t i = 0; i < problems.n; i++)
		CHECK(str_find_str(problems.items[i].value, STR("c2VjcmV0")) == problems.items[i].value.len);
	snapshot_unref(&s);
	problems_deinit(&problems);
	store_destroy(store);
	return keys;
}

static struct str bytes(ProtobufCBinaryData b)
{
	return str_of(b.data, b.len);
}

static bool is_same_key(const Weirlock__V1__TicketKey *a, const Weirlock__V1__TicketKey *b)
{
	return str_eq(bytes(a->name), bytes(b->name)) && str_eq(bytes(a->cipher_key), bytes(b->cipher_key)) &&
	       str_eq(bytes(a->mac_key), bytes(b->mac_key));
}

#define ON "\"ssl-session-tickets\":\"true\""

static void test_spans(void)
{
	Weirlock__V1__TicketKeys *now = keys_of(ON, 36000 + 5, "s"), *replica = keys_of(ON, 36000 + 3599, "s");
	Weirlock__V1__TicketKeys *next = keys_of(ON, 36000 + 3600, "s"), *stranger = keys_of(ON, 36000 + 5, "t");
	Weirlock__V1__TicketKeys *longer = keys_of(ON ",\"ssl-session-timeout\":\"4h\"", 36000, "s");

	check_case("of now, of the next span, of the one before");
	CHECK_INT(now->n_keys, 3);
	CHECK_INT(now->keys[0]->cipher_key.len, 32);
	CHECK(!str_eq(bytes(now->keys[0]->cipher_key), bytes(now->keys[0]->mac_key)));
	check_case("replicas agree for the whole span");
	for (size_t i = 0; i < now->n_keys; i++)
		CHECK(is_same_key(now->keys[i], replica->keys[i]));
	check_case("the next span seals with what opened before, and still opens what was sealed");
	CHECK(is_same_key(next->keys[0], now->keys[1]));
	CHECK(is_same_key(next->keys[2], now->keys[0]));
	check_case("another secret, other keys");
	CHECK(!is_same_key(now->keys[0], stranger->keys[0]));
	check_case("old ones open for as long as a session is good");
	CHECK_INT(longer->n_keys, 2 + 5);
	weirlock__v1__ticket_keys__free_unpacked(now, NULL);
	weirlock__v1__ticket_keys__free_unpacked(replica, NULL);
	weirlock__v1__ticket_keys__free_unpacked(next, NULL);
	weirlock__v1__ticket_keys__free_unpacked(stranger, NULL);
	weirlock__v1__ticket_keys__free_unpacked(longer, NULL);
}

/* Bytes 0 to 79 and 0 to 47, as `base64` writes them. */
#define EIGHTY "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZHSElKS0xNTk8="
#define FORTY_EIGHT "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v"

static void test_given(void)
{
	Weirlock__V1__TicketKeys *big = keys_of(ON ",\"ssl-session-ticket-key\":\"" EIGHTY "\"", 36000, "s");
	Weirlock__V1__TicketKeys *small = keys_of(ON ",\"ssl-session-ticket-key\":\"" FORTY_EIGHT "\"", 36000, "s");
	Weirlock__V1__TicketKeys *bad = keys_of(ON ",\"ssl-session-ticket-key\":\"c2VjcmV0\"", 36000, "s");

	check_case("80 bytes: name, MAC, cipher, as in nginx");
	CHECK_INT(big->n_keys, 1);
	CHECK_INT(big->keys[0]->name.data[0], 0);
	CHECK_INT(big->keys[0]->mac_key.data[0], 16);
	CHECK_INT(big->keys[0]->cipher_key.data[0], 48);
	CHECK_INT(big->keys[0]->cipher_key.len, 32);
	check_case("48 bytes: name, cipher, MAC");
	CHECK_INT(small->keys[0]->cipher_key.data[0], 16);
	CHECK_INT(small->keys[0]->mac_key.data[0], 32);
	CHECK_INT(small->keys[0]->mac_key.len, 16);
	check_case("another length: the controller's keys, and a problem that does not show it");
	CHECK_INT(bad->n_keys, 3);
	weirlock__v1__ticket_keys__free_unpacked(big, NULL);
	weirlock__v1__ticket_keys__free_unpacked(small, NULL);
	weirlock__v1__ticket_keys__free_unpacked(bad, NULL);
}

static void test_off(void)
{
	check_case("tickets are off: there are no keys");
	CHECK(!keys_of("\"ssl-session-timeout\":\"10m\"", 36000, "s"));
	check_case("nobody says when: there are none");
	CHECK(!keys_of(ON, 0, "s"));
}

static void test_due(void)
{
	struct setting_values v;
	struct problems problems = {0};
	struct object *map = cluster_config_map(ON ",\"ssl-session-ticket-rotation\":\"90s\"");

	settings_parse(map, NULL, &v, &problems);
	check_case("when other keys are due");
	CHECK_INT(reconcile_ticket_due_s(&v, 900), 990);
	CHECK_INT(reconcile_ticket_due_s(&v, 989), 990);
	CHECK_INT(reconcile_ticket_due_s(&v, 990), 1080);
	CHECK_INT(reconcile_ticket_due_s(&v, 0), 0);
	settings_deinit(&v);
	problems_deinit(&problems);
	object_unref(&map);
	map = cluster_config_map("");
	settings_parse(map, NULL, &v, &problems);
	CHECK_INT(reconcile_ticket_due_s(&v, 900), 0);
	settings_deinit(&v);
	object_unref(&map);
}

int main(void)
{
	test_spans();
	test_given();
	test_off();
	test_due();
	return check_done();
}

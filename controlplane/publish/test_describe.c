#include "describe.h"

#include "check.h"
#include "problem.h"
#include "snapshot.h"
#include "weirlock/v1/control.pb-c.h"

enum { CERTIFICATE = WEIRLOCK__V1__KIND__KIND_CERTIFICATE, HOST = WEIRLOCK__V1__KIND__KIND_HOST };

/* Two resources; one of them with a key, and with two values of which one is explained twice over. */
static struct snapshot *sample(void)
{
	Weirlock__V1__Certificate certificate = WEIRLOCK__V1__CERTIFICATE__INIT;
	const struct provenance values[] = {
		{HOST, STR("a.example.com"), STR("routes[/]"), STR("Ingress ns/web"), STR("spec.rules[0]"), STR("/")},
		{HOST, STR("a.example.com"), STR("aliases"), STR("Ingress ns/web"), STR("server-alias"), STR("b")},
		{CERTIFICATE, STR("ns/tls"), STR("chain_pem"), STR("Secret ns/tls"), STR("tls.crt"), STR("")},
	};
	struct content *content = content_create();
	struct origins *origins = NULL;
	struct snapshot *s;
	uint8_t key[] = "KEYBYTES", packed[64];
	size_t n;

	certificate.key_pem = (ProtobufCBinaryData){8, key};
	n = weirlock__v1__certificate__pack(&certificate, packed);
	content_put(content, resource_create(CERTIFICATE, STR("ns/tls"), str_of(packed, n)));
	content_put(content, resource_create(HOST, STR("a.example.com"), STR("")));
	s = snapshot_create(content, 77);
	origins_put(&origins, STR("part"), values, sizeof(values) / sizeof(values[0]));
	snapshot_set_origins(s, origins);
	origins_unref(&origins);
	return s;
}

static void test_snapshot(void)
{
	struct snapshot *s = sample();
	struct buf packed = {0};
	Weirlock__V1__Snapshot *shown;

	check_case("redacted, with one origin a resource");
	CHECK(describe_snapshot(s, &packed));
	CHECK_INT(str_find_str(buf_str(&packed), STR("KEYBYTES")), packed.len);
	shown = weirlock__v1__snapshot__unpack(NULL, packed.len, (uint8_t *)packed.ptr);
	if (CHECK(shown != NULL)) {
		CHECK(shown->redacted);
		CHECK_INT(shown->built_ms, 77);
		CHECK(!memcmp(shown->id.data, s->id.bytes, sizeof(s->id.bytes)));
		CHECK_INT(shown->n_resources, 2);
		CHECK_INT(shown->n_origins, 2);
		CHECK_STR(str_from(shown->origins[0]->ref->name), STR("ns/tls"));
		CHECK_INT(shown->origins[0]->n_values, 1);
		CHECK_STR(str_from(shown->origins[1]->ref->name), STR("a.example.com"));
		CHECK_INT(shown->origins[1]->n_values, 2);
		CHECK_STR(str_from(shown->origins[1]->values[0]->field), STR("aliases"));
		CHECK_STR(str_from(shown->origins[1]->values[0]->key), STR("server-alias"));
		CHECK_STR(str_from(shown->origins[1]->values[1]->object), STR("Ingress ns/web"));
		CHECK_STR(str_from(shown->origins[1]->values[1]->value), STR("/"));
		weirlock__v1__snapshot__free_unpacked(shown, NULL);
	}
	check_case("a cap that is too small");
	buf_deinit(&packed);
	buf_init(&packed, 40);
	CHECK(!describe_snapshot(s, &packed));
	CHECK_INT(packed.len, 0);
	buf_deinit(&packed);
	snapshot_unref(&s);
}

static void test_problems(void)
{
	const struct problem fault = {SEVERITY_FAULT, STR("Ingress ns/web"), STR("spec"), STR("x"), STR("a rule"),
		STR("a fix"), STR("an effect")};
	const struct problem warning = {.severity = SEVERITY_WARN, .object = STR("ConfigMap ns/c")};
	struct problems list = {0};
	struct buf packed = {0};
	Weirlock__V1__ProblemsResponse *shown;

	check_case("problems in their order");
	problems_add(&list, &fault);
	problems_add(&list, &warning);
	CHECK(describe_problems(&list, &packed));
	shown = weirlock__v1__problems_response__unpack(NULL, packed.len, (uint8_t *)packed.ptr);
	if (CHECK(shown != NULL) && CHECK_INT(shown->n_problems, 2)) {
		CHECK_INT(shown->problems[0]->severity, WEIRLOCK__V1__SEVERITY__SEVERITY_ERROR);
		CHECK_STR(str_from(shown->problems[0]->object), STR("Ingress ns/web"));
		CHECK_STR(str_from(shown->problems[0]->field), STR("spec"));
		CHECK_STR(str_from(shown->problems[0]->value), STR("x"));
		CHECK_STR(str_from(shown->problems[0]->rule), STR("a rule"));
		CHECK_STR(str_from(shown->problems[0]->fix), STR("a fix"));
		CHECK_STR(str_from(shown->problems[0]->effect), STR("an effect"));
		CHECK_INT(shown->problems[1]->severity, WEIRLOCK__V1__SEVERITY__SEVERITY_WARNING);
		CHECK_STR(str_from(shown->problems[1]->value), STR(""));
	}
	if (shown)
		weirlock__v1__problems_response__free_unpacked(shown, NULL);
	check_case("no problem is an empty message, not a failure");
	problems_deinit(&list);
	buf_deinit(&packed);
	CHECK(describe_problems(&list, &packed));
	CHECK_INT(packed.len, 0);
	check_case("a cap that is too small for problems");
	problems_add(&list, &fault);
	buf_deinit(&packed);
	buf_init(&packed, 10);
	CHECK(!describe_problems(&list, &packed));
	CHECK_INT(packed.len, 0);
	buf_deinit(&packed);
	problems_deinit(&list);
}

int main(void)
{
	test_snapshot();
	test_problems();
	return check_done();
}

/* Pages, events, Statuses and paths: what is read from them, and what is none. */
#include "answer.h"

#include "check.h"
#include "where.h"

static const struct {
	const char *name, *line;
	bool is_good;
	enum event_type type;
	const char *version;
	unsigned code;
} events[] = {
	{"added", "{'type':'ADDED','object':{'metadata':{'resourceVersion':'7'}}}", true, EVENT_PUT, "7", 0},
	{"modified", "{'type':'MODIFIED','object':{'metadata':{'resourceVersion':'8'}}}", true, EVENT_PUT, "8", 0},
	{"deleted", "{'type':'DELETED','object':{'metadata':{'resourceVersion':'9'}}}", true, EVENT_DELETE, "9", 0},
	{"bookmark", "{'type':'BOOKMARK','object':{'kind':'Ingress','metadata':{'resourceVersion':'10'}}}", true, EVENT_BOOKMARK, "10", 0},
	{"expired", "{'type':'ERROR','object':{'kind':'Status','code':410,'reason':'Expired'}}", true, EVENT_ERROR, "", 410},
	{"expired by its reason", "{'type':'ERROR','object':{'kind':'Status','reason':'Gone'}}", true, EVENT_ERROR, "", 410},
	{"another error", "{'type':'ERROR','object':{'kind':'Status','code':504,'reason':'Timeout'}}", true, EVENT_ERROR, "", 504},
	{"an error without a number", "{'type':'ERROR','object':{'kind':'Status','code':'x'}}", true, EVENT_ERROR, "", 500},
	{"an error that is no Status", "{'type':'ERROR','object':{}}", true, EVENT_ERROR, "", 0},
	{"no version", "{'type':'ADDED','object':{'metadata':{}}}", false, EVENT_PUT, "", 0},
	{"unknown type", "{'type':'MOVED','object':{'metadata':{'resourceVersion':'7'}}}", false, EVENT_PUT, "", 0},
	{"no object", "{'type':'ADDED'}", false, EVENT_PUT, "", 0},
	{"half", "{'type':'ADDED','object':{'metadata':", false, EVENT_PUT, "", 0},
	{"two", "{'type':'BOOKMARK','object':{'metadata':{'resourceVersion':'1'}}} {}", false, EVENT_PUT, "", 0},
	{"empty", "", false, EVENT_PUT, "", 0},
	{"a list", "[]", false, EVENT_PUT, "", 0},
};

static const struct {
	const char *name, *text;
	bool is_good;
	size_t n;
	const char *version, *go_on;
} pages[] = {
	{"items get their kind", "{'metadata':{'resourceVersion':'5','continue':'c'},'items':[{'metadata':{'name':'a'}},{}]}", true, 2, "5", "c"},
	{"none", "{'metadata':{'resourceVersion':'5'},'items':null}", true, 0, "5", ""},
	{"an item that is no object", "{'metadata':{'resourceVersion':'5'},'items':[3]}", true, 1, "5", ""},
	{"no version", "{'metadata':{},'items':[]}", false, 0, "", ""},
	{"no items", "{'metadata':{'resourceVersion':'5'}}", false, 0, "", ""},
	{"items of a wrong type", "{'metadata':{'resourceVersion':'5'},'items':{}}", false, 0, "", ""},
	{"half", "{'metadata':{'resourceVersion':'5'},'items':[", false, 0, "", ""},
};

static const struct {
	struct scope scope;
	const char *path, *text;
} scopes[] = {
	{{.kind = KIND_INGRESS}, "/apis/networking.k8s.io/v1/ingresses?", "ingresses.networking.k8s.io"},
	{{.kind = KIND_SERVICE, .namespace_ = {"a", 1}}, "/api/v1/namespaces/a/services?", "services in namespace a"},
	{{.kind = KIND_SECRET, .namespace_ = {"a", 1}, .name = {"b.c", 3}},
		"/api/v1/namespaces/a/secrets?fieldSelector=metadata.name%3Db.c&", "secrets b.c in namespace a"},
	{{.kind = KIND_NAMESPACE, .selector = {"x in (a, b)", 11}}, "/api/v1/namespaces?labelSelector=x%20in%20%28a%2C%20b%29&",
		"namespaces with x in (a, b)"},
	/* nothing that an object says can lead elsewhere */
	{{.kind = KIND_SECRET, .namespace_ = {"../x", 4}, .name = {"y&z", 3}},
		"/api/v1/namespaces/..%2Fx/secrets?fieldSelector=metadata.name%3Dy%26z&", "secrets y&z in namespace ../x"},
};

/* ' for " */
static struct str quoted(const char *text, struct buf *room)
{
	buf_clear(room);
	buf_add(room, str_from(text));
	for (size_t i = 0; i < room->len; i++)
		room->ptr[i] = room->ptr[i] == '\'' ? '"' : room->ptr[i];
	return buf_str(room);
}

static void test_events(struct buf *room)
{
	for (size_t i = 0; i < CHECK_COUNT(events); i++) {
		struct event e;

		check_case(events[i].name);
		CHECK_INT(event_read(quoted(events[i].line, room), &e), events[i].is_good);
		if (!events[i].is_good) {
			CHECK(e.root == NULL);
			continue;
		}
		CHECK_INT(e.type, events[i].type);
		CHECK_STR(e.version, str_from(events[i].version));
		CHECK_INT(e.code, events[i].code);
		event_end(&e);
	}
}

static void test_pages(struct buf *room)
{
	for (size_t i = 0; i < CHECK_COUNT(pages); i++) {
		struct page p;

		check_case(pages[i].name);
		CHECK_INT(page_read(quoted(pages[i].text, room), KIND_INGRESS, &p), pages[i].is_good);
		CHECK_INT(json_array_size(p.items), pages[i].n);
		CHECK_STR(p.version, str_from(pages[i].version));
		CHECK_STR(p.go_on, str_from(pages[i].go_on));
		if (i == 0)
			CHECK_STR(str_from(json_string_value(json_object_get(json_array_get(p.items, 0), "apiVersion"))),
				STR("networking.k8s.io/v1"));
		page_end(&p);
	}
}

static void test_scopes(struct buf *room)
{
	for (size_t i = 0; i < CHECK_COUNT(scopes); i++) {
		check_case(scopes[i].path);
		buf_clear(room);
		scope_add_path(&scopes[i].scope, room);
		CHECK_STR(buf_str(room), str_from(scopes[i].path));
		buf_clear(room);
		scope_add_text(&scopes[i].scope, room);
		CHECK_STR(buf_str(room), str_from(scopes[i].text));
	}
}

int main(void)
{
	struct buf room = {0};

	test_events(&room);
	test_pages(&room);
	test_scopes(&room);
	buf_deinit(&room);
	return check_done();
}

/* Any bytes as a page, as an event and as a Status; objects in them go on into what is known. */
#include "answer.h"
#include "known.h"

static void on_event(void *owner, const struct source_event *event)
{
	(void)owner;
	(void)event;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct known_set set = {.kind = KIND_INGRESS, .on_event = on_event};
	struct str text = str_of(data, size);
	struct buf message = {0};
	struct event e;
	struct page p;
	json_t *item;
	size_t i;

	if (page_read(text, KIND_INGRESS, &p)) {
		known_begin_list(&set);
		json_array_foreach(p.items, i, item)
			known_put(&set, item);
		known_end_list(&set);
		page_end(&p);
	}
	if (event_read(text, &e)) {
		if (e.type == EVENT_PUT)
			known_put(&set, e.object);
		known_delete(&set, e.object);
		event_end(&e);
	}
	status_of_bytes(text, &message);
	buf_deinit(&message);
	known_deinit(&set);
	return 0;
}

/* Bytes of a manifest file → documents → objects. The first byte chooses JSON or YAML by the name of the file. */
#include "manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_json(void *owner, json_t *json, size_t line)
{
	struct problems problems = {0};
	bool is_other;
	struct object *o = object_from_json(json, STR("file fuzz"), &problems, &is_other);

	(void)owner;
	(void)line;
	if (!o && !is_other && problems.n == 0)
		__builtin_trap(); /* refused without a word */
	object_unref(&o);
	problems_deinit(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct problems problems = {0};
	struct str bytes = str_of((const char *)data, size);
	bool is_json = size && data[0] == 'J';

	if (!manifest_read(is_json ? str_from_index(bytes, 1) : bytes, is_json ? STR("a.json") : STR("a.yaml"), on_json, NULL,
		    &problems) &&
		problems.n == 0)
		__builtin_trap();
	problems_deinit(&problems);
	return 0;
}

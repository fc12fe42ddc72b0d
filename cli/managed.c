/* fieldsV1 is a tree of "f:NAME"; of rules, which are one value to the API server, there is only the root. */
#include "managed.h"

#include <string.h>

/* "f:nginx.ingress.kubernetes.io/rewrite-target" for rewrite-target. */
static bool is_key(const char *field, struct str key)
{
	struct str name = str_from(field);

	if (!str_starts_with(name, STR("f:")))
		return false;
	name = str_from_index(name, 2);
	if (str_eq(name, key))
		return true;
	return str_eq(str_from_index(name, str_rfind(name, '/') + 1), key) && str_rfind(name, '/') < name.len;
}

static bool owns_in(json_t *fields, struct str key)
{
	const char *name;
	json_t *value;

	json_object_foreach(fields, name, value)
	{
		if (is_key(name, key))
			return true;
	}
	return false;
}

static bool owns(json_t *fields, struct str key)
{
	json_t *meta = json_object_get(fields, "f:metadata"), *spec = json_object_get(fields, "f:spec");

	if (!key.len)
		return json_object_get(spec, "f:rules") != NULL;
	return owns_in(json_object_get(meta, "f:annotations"), key) || owns_in(json_object_get(fields, "f:data"), key) ||
		owns_in(spec, key);
}

/* Times are RFC 3339 in UTC: their order is that of their texts. */
static bool is_newer(json_t *a, json_t *b)
{
	const char *x = json_string_value(json_object_get(a, "time")), *y = json_string_value(json_object_get(b, "time"));

	return !b || strcmp(x ? x : "", y ? y : "") > 0;
}

json_t *managed_owner(json_t *managed, struct str key)
{
	json_t *entry, *owner = NULL, *newest = NULL;
	size_t i;

	json_array_foreach(managed, i, entry)
	{
		json_t *fields = json_object_get(entry, "fieldsV1");

		if (json_object_get(entry, "subresource"))
			continue; /* status: not what people wrote */
		if (is_newer(entry, newest))
			newest = entry;
		if (owns(fields, key) && is_newer(entry, owner))
			owner = entry;
	}
	return owner ? owner : newest;
}

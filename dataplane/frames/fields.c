#include "fields.h"

void http2_fields_add(struct http2_fields *f, struct str name, struct str value)
{
	if (f->n == HTTP2_FIELDS_MAX)
		return;
	f->items[f->n++] = (nghttp2_nv){
		.name = (uint8_t *)(uintptr_t)name.ptr,
		.namelen = name.len,
		.value = (uint8_t *)(uintptr_t)value.ptr,
		.valuelen = value.len,
	};
}

void http2_fields_add_lines(struct http2_fields *f, struct str lines)
{
	struct str line;

	while (str_next(&lines, '\n', &line)) {
		size_t colon = str_find(line, ':');

		if (colon && colon < line.len && !str_eq_nocase(str_first(line, colon), STR("upgrade")))
			http2_fields_add(f, str_first(line, colon), str_trim(str_from_index(line, colon + 1)));
	}
}

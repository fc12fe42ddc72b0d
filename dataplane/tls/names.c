/* Server names as certificates are looked up by them (F3). */
#include "tls_private.h"

bool tls_name_fold(struct str name, char folded[TLS_NAME_MAX], struct str *out)
{
	if (name.len && name.ptr[name.len - 1] == '.')
		name.len--;
	if (name.len == 0 || name.len > TLS_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++)
		folded[i] = (char)ascii_lower((unsigned char)name.ptr[i]);
	*out = str_of(folded, name.len);
	return true;
}

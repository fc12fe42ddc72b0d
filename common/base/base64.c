/* Four characters to three bytes. */
#include "base64.h"

int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(struct str text, char *out, size_t *len)
{
	uint32_t bits = 0;
	size_t n = 0, n_pad = 0;

	*len = 0;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		int value = base64_digit(c);

		if (c == '\n' || c == '\r')
			continue;
		if (c == '=' && n % 4 >= 2)
			n_pad++;
		else if (value < 0 || n_pad)
			return false;
		bits = bits << 6 | (uint32_t)(value < 0 ? 0 : value);
		if (++n % 4 == 0) {
			out[(*len)++] = (char)(bits >> 16);
			out[(*len)++] = (char)(bits >> 8);
			out[(*len)++] = (char)bits;
		}
	}
	if (n % 4)
		return false;
	*len -= n_pad;
	return true;
}

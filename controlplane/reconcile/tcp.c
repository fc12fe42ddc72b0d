/* NAMESPACE/SERVICE:PORT[:PROXY][:PROXY], as ingress-nginx reads it, but for words that it would pass over (A50). */
#include "tcp.h"

#include "value.h"

enum { PORT_NAME_MAX = 63 };

uint16_t tcp_parse_port(struct str key)
{
	uint64_t n;

	if (!key.len || key.ptr[0] == '0' || !str_to_u64(key, UINT16_MAX, &n))
		return 0;
	return (uint16_t)n;
}

bool tcp_is_reserved(uint16_t port)
{
	static const uint16_t reserved[] = {80, 442, 443, 8181, 10245, 10246, 10247, 10254, 10255};

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		if (reserved[i] == port)
			return true;
	}
	return false;
}

static bool is_all_digits(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
	}
	return true;
}

/* Letters, digits and dashes, at least one letter among them. */
static bool is_port_name(struct str s)
{
	return s.len > 0 && s.len <= PORT_NAME_MAX && s.ptr[0] != '-' && value_has_only(s, "-") && !is_all_digits(s);
}

/* Digits alone are a number, all else a name. */
static bool parse_target(struct str text, struct port_ref *out)
{
	uint64_t n;

	*out = (struct port_ref){0};
	if (!str_to_u64(text, UINT64_MAX, &n)) {
		out->name = text;
		return is_port_name(text);
	}
	out->number = n <= UINT16_MAX ? (uint16_t)n : 0;
	return out->number != 0;
}

/* "" is what stands before the second PROXY where only that one is wanted. */
static bool parse_word(struct str word, bool *out)
{
	*out = str_eq_nocase(word, STR("PROXY"));
	return *out || !word.len;
}

/* Up to the next colon; all of it when there is none. */
static struct str take_part(struct str *rest, bool *has_more)
{
	size_t colon = str_find(*rest, ':');
	struct str part = str_trim(str_first(*rest, colon));

	*has_more = colon < rest->len;
	*rest = str_from_index(*rest, colon + 1);
	return part;
}

const char *tcp_parse_value(struct str value, struct tcp_entry *out)
{
	struct tcp_entry e = *out;
	struct str rest = value, service;
	bool has_more;

	service = take_part(&rest, &has_more);
	if (!value_ref(service, &e.namespace_, &e.service))
		return "NAMESPACE/SERVICE:PORT, and what stands before the colon is no Service";
	if (!has_more)
		return "NAMESPACE/SERVICE:PORT, and the port is missing";
	if (!parse_target(take_part(&rest, &has_more), &e.target))
		return "NAMESPACE/SERVICE:PORT, and the port is neither a number from 1 to 65535 nor a name";
	e.decodes_proxy = e.encodes_proxy = false;
	if (has_more && !parse_word(take_part(&rest, &has_more), &e.decodes_proxy))
		return "NAMESPACE/SERVICE:PORT[:PROXY][:PROXY], and the word after the port is another one";
	if (has_more && !parse_word(take_part(&rest, &has_more), &e.encodes_proxy))
		return "NAMESPACE/SERVICE:PORT[:PROXY][:PROXY], and the second word after the port is another one";
	if (has_more)
		return "NAMESPACE/SERVICE:PORT[:PROXY][:PROXY], and there is more";
	*out = e;
	return NULL;
}

/* Looks at every name one by one, where a request asks tables: this is for people, and says why a name does not fit. */
#include "host_candidates.h"

#include "regex.h"

struct candidates {
	struct str name; /* that was asked for */
	struct host_candidate *out;
	size_t n, cap;
};

static void add(struct candidates *c, const struct host *host, enum host_found how, struct str by, enum host_fit fit)
{
	if (c->n < c->cap)
		c->out[c->n] = (struct host_candidate){{host, how, by}, fit};
	c->n++;
}

/* `suffix` begins with a dot. */
static void add_wildcard(struct candidates *c, const struct host *host, enum host_found how, struct str suffix)
{
	struct str before;

	if (str_eq(c->name, str_from_index(suffix, 1))) {
		add(c, host, how, suffix, HOST_FITS_NO_LABEL);
		return;
	}
	if (!str_ends_with(c->name, suffix))
		return;
	before = str_first(c->name, c->name.len - suffix.len);
	if (!before.len)
		add(c, host, how, suffix, HOST_FITS_NO_LABEL);
	else if (how == HOST_FOUND_ALIAS_WILDCARD)
		add(c, host, how, suffix, HOST_FITS);
	else if (str_find(before, '.') < before.len)
		add(c, host, how, suffix, HOST_FITS_ONE_LABEL);
	else
		add(c, host, how, suffix, host_table_is_label(before) ? HOST_FITS : HOST_FITS_NOT_LETTER);
}

static void add_host(struct candidates *c, const struct host_object *h)
{
	const struct host *host = &h->host;

	if (str_starts_with(host->name, STR("*.")))
		add_wildcard(c, host, HOST_FOUND_WILDCARD, str_from_index(host->name, 1));
	else if (str_eq(host->name, c->name) && !str_eq(host->name, STR("_")))
		add(c, host, HOST_FOUND_EXACT, host->name, HOST_FITS);
	for (size_t i = 0; i < h->n_aliases; i++) {
		struct str alias = h->aliases[i];

		if (str_starts_with(alias, STR("*.")))
			add_wildcard(c, host, HOST_FOUND_ALIAS_WILDCARD, str_from_index(alias, 1));
		else if (str_eq(alias, c->name))
			add(c, host, HOST_FOUND_ALIAS, alias, HOST_FITS);
	}
	for (size_t i = 0; i < h->n_alias_regexes; i++) {
		struct regex_groups groups;
		bool matches = regex_find(h->alias_regexes[i], c->name, &groups) == REGEX_MATCH;

		add(c, host, HOST_FOUND_ALIAS_REGEX, h->alias_patterns[i], matches ? HOST_FITS : HOST_FITS_NOT_REGEX);
	}
}

size_t host_candidates(const struct object_list *hosts, const struct host_table *t, struct str server_name,
	struct host_candidate *out, size_t cap)
{
	struct candidates c = {.name = server_name, .out = out, .cap = cap};
	size_t cursor = 0;
	const struct object *o;

	while (server_name.len && (o = object_list_next(hosts, &cursor)))
		add_host(&c, o->host);
	add(&c, host_table_find(t, STR("")), HOST_FOUND_DEFAULT, STR(""), HOST_FITS);
	return c.n;
}

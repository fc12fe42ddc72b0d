/* libcurl, in a thread of libuv's pool: there are few questions, and none is in a hurry. */
#include "ocsp_ask.h"

#include <curl/curl.h>
#include <sys/socket.h>

#include "str.h"

enum { CONNECT_MS = 5000, ALL_MS = 10000 };

/* What no responder of a public authority has for an address. */
static const char *const not_public[] = {"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
	"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"224.0.0.0/4", "240.0.0.0/4", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16",
	"fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"};

static bool is_public(const struct addr *to)
{
	for (size_t i = 0; i < sizeof(not_public) / sizeof(not_public[0]); i++) {
		struct cidr c;

		if (!cidr_parse(str_from(not_public[i]), &c, NULL) || cidr_contains(&c, to))
			return false;
	}
	return true;
}

bool ask_may(const struct addr *to, const struct cidr *allowed, size_t n_allowed)
{
	for (size_t i = 0; i < n_allowed; i++) {
		if (cidr_contains(&allowed[i], to))
			return true;
	}
	return is_public(to) && (to->port == 80 || to->port == 443);
}

/* One question on its way. */
struct asking {
	const struct ask *ask;
	struct buf *answer;
	bool is_refused; /* an address was not to be asked */
};

/* After names are resolved, so that no name leads elsewhere at the second look. */
static curl_socket_t open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct asking *a = data;
	struct addr addr;

	(void)purpose;
	if (!addr_from_sockaddr(&to->addr, &addr) || !ask_may(&addr, a->ask->allowed, a->ask->n_allowed)) {
		a->is_refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static size_t on_body(char *bytes, size_t size, size_t n, void *data)
{
	struct asking *a = data;

	return buf_add(a->answer, str_of(bytes, size * n)) ? size * n : 0;
}

static int on_progress(void *data, curl_off_t to_get, curl_off_t got, curl_off_t to_send, curl_off_t sent)
{
	const struct asking *a = data;

	(void)to_get;
	(void)got;
	(void)to_send;
	(void)sent;
	return atomic_load(a->ask->is_over);
}

static void set_up(CURL *curl, struct asking *a, struct curl_slist *fields)
{
	curl_easy_setopt(curl, CURLOPT_URL, a->ask->url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)ALL_MS);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fields);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, a->ask->body.ptr);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)a->ask->body.len);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, a);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, a);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, a);
}

static const char *outcome(CURL *curl, CURLcode code, const struct asking *a)
{
	long status = 0;

	if (a->is_refused && code != CURLE_OK)
		return "one at an address that may be asked: public, at port 80 or 443, or of ocsp-responder-cidr";
	if (code == CURLE_OPERATION_TIMEDOUT)
		return "one that answers within 10 s";
	if (code == CURLE_WRITE_ERROR)
		return "one that answers with at most 64 KiB";
	if (code != CURLE_OK)
		return "one that can be reached";
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	return status == 200 ? NULL : "one that answers with status 200";
}

const char *ask(const struct ask *in, struct buf *answer)
{
	struct asking a = {.ask = in, .answer = answer};
	struct curl_slist *fields = curl_slist_append(NULL, "Content-Type: application/ocsp-request");
	CURL *curl = curl_easy_init();
	const char *why = "one that can be reached";

	if (curl && fields) {
		set_up(curl, &a, fields);
		why = outcome(curl, curl_easy_perform(curl), &a);
	}
	curl_easy_cleanup(curl);
	curl_slist_free_all(fields);
	return why;
}

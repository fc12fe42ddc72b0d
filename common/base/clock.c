/* Clocks and the texts of time. */
#include "clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static uint64_t read_us(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

uint64_t clock_mono_ms(void)
{
	return read_us(CLOCK_MONOTONIC) / 1000u;
}

uint64_t clock_mono_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

uint64_t clock_boot_ms(void)
{
	return read_us(CLOCK_BOOTTIME) / 1000u;
}

uint64_t clock_wall_ms(void)
{
	return read_us(CLOCK_REALTIME) / 1000u;
}

static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const months[] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static struct tm utc(uint64_t unix_s)
{
	time_t t = (time_t)unix_s;
	struct tm tm = {0};

	gmtime_r(&t, &tm);
	return tm;
}

const char *clock_http_date(uint64_t unix_s, char text[CLOCK_TEXT_MAX])
{
	struct tm t = utc(unix_s);

	snprintf(text, CLOCK_TEXT_MAX, "%s, %02d %s %d %02d:%02d:%02d GMT", days[t.tm_wday % 7], t.tm_mday,
		months[t.tm_mon % 12], (t.tm_year + 1900) % 10000, t.tm_hour, t.tm_min, t.tm_sec);
	return text;
}

/* So many digits of a number and what follows them, by hand: each line of the access log has such a time. Where it ends. */
static char *put_digits(char *to, int n, int len, char next)
{
	for (int i = len; i--; n /= 10)
		to[i] = (char)('0' + n % 10);
	to[len] = next;
	return to + len + 1;
}

const char *clock_rfc3339(uint64_t unix_ms, char text[CLOCK_TEXT_MAX])
{
	struct tm t = utc(unix_ms / 1000);
	char *to = put_digits(text, t.tm_year + 1900, 4, '-');

	to = put_digits(to, t.tm_mon + 1, 2, '-');
	to = put_digits(to, t.tm_mday, 2, 'T');
	to = put_digits(to, t.tm_hour, 2, ':');
	to = put_digits(to, t.tm_min, 2, ':');
	to = put_digits(to, t.tm_sec, 2, '.');
	to = put_digits(to, (int)(unix_ms % 1000), 3, 'Z');
	*to = '\0';
	return text;
}

const char *clock_log_time(uint64_t unix_s, char text[CLOCK_TEXT_MAX])
{
	struct tm t = utc(unix_s);
	char *to = put_digits(text, t.tm_mday, 2, '/');

	memcpy(to, months[t.tm_mon % 12], 3);
	to[3] = '/';
	to = put_digits(to + 4, t.tm_year + 1900, 4, ':');
	to = put_digits(to, t.tm_hour, 2, ':');
	to = put_digits(to, t.tm_min, 2, ':');
	to = put_digits(to, t.tm_sec, 2, ' ');
	memcpy(to, "+0000", 6);
	return text;
}

/* Reads exactly `len` digits at `at`. */
static bool digits(struct str s, size_t at, size_t len, int *out)
{
	uint64_t n;

	if (at + len > s.len || !str_to_u64(str_of(s.ptr + at, len), 9999, &n))
		return false;
	*out = (int)n;
	return true;
}

/* "Z", "+02:00" or "-02:00": seconds east of UTC. */
static bool zone(struct str s, int *seconds)
{
	int hours, minutes;

	*seconds = 0;
	if (str_eq(s, STR("Z")) || str_eq(s, STR("z")))
		return true;
	if (s.len != 6 || (s.ptr[0] != '+' && s.ptr[0] != '-') || s.ptr[3] != ':' || !digits(s, 1, 2, &hours) ||
		!digits(s, 4, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*seconds = (hours * 60 + minutes) * 60 * (s.ptr[0] == '-' ? -1 : 1);
	return true;
}

bool clock_parse_rfc3339(struct str text, int64_t *unix_s)
{
	struct tm t = {0};
	struct str rest;
	int east;

	if (!digits(text, 0, 4, &t.tm_year) || !digits(text, 5, 2, &t.tm_mon) || !digits(text, 8, 2, &t.tm_mday) ||
		!digits(text, 11, 2, &t.tm_hour) || !digits(text, 14, 2, &t.tm_min) || !digits(text, 17, 2, &t.tm_sec))
		return false;
	if (text.ptr[4] != '-' || text.ptr[7] != '-' || (text.ptr[10] | 0x20) != 't' || text.ptr[13] != ':' ||
		text.ptr[16] != ':')
		return false;
	if (t.tm_mon < 1 || t.tm_mon > 12 || t.tm_mday < 1 || t.tm_mday > 31 || t.tm_hour > 23 || t.tm_min > 59 ||
		t.tm_sec > 60)
		return false;
	rest = str_from_index(text, 19);
	if (rest.len && rest.ptr[0] == '.') {
		size_t i = 1;

		while (i < rest.len && rest.ptr[i] >= '0' && rest.ptr[i] <= '9')
			i++;
		rest = str_from_index(rest, i);
	}
	if (!zone(rest, &east))
		return false;
	t.tm_year -= 1900;
	t.tm_mon -= 1;
	*unix_s = (int64_t)timegm(&t) - east;
	return true;
}

const char *clock_age(uint64_t age_ms, char text[CLOCK_TEXT_MAX])
{
	uint64_t s = age_ms / 1000;

	if (s < 60)
		snprintf(text, CLOCK_TEXT_MAX, "%us", (unsigned)s);
	else if (s < 3600)
		snprintf(text, CLOCK_TEXT_MAX, "%um%us", (unsigned)(s / 60), (unsigned)(s % 60));
	else if (s < 86400)
		snprintf(text, CLOCK_TEXT_MAX, "%uh%um", (unsigned)(s / 3600), (unsigned)(s / 60 % 60));
	else
		snprintf(text, CLOCK_TEXT_MAX, "%llud%uh", (unsigned long long)(s / 86400), (unsigned)(s / 3600 % 24));
	return text;
}

/* The few calls to the system that concern the whole process. */
#include "process.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "file.h"
#include "str.h"

#ifdef __SANITIZE_ADDRESS__
static const bool has_leak_check = true;
#else
static const bool has_leak_check = false;
#endif

void process_prepare(void)
{
	struct rlimit files;

	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (!has_leak_check)
		prctl(PR_SET_DUMPABLE, 0);
}

uint64_t process_rss_bytes(void)
{
	char text[128];
	struct str rest, pages;
	uint64_t n = 0;

	rest = str_of(text, file_read_start("/proc/self/statm", text, sizeof(text)));
	str_next(&rest, ' ', &pages); /* virtual size; resident comes next */
	if (!str_next(&rest, ' ', &pages) || !str_to_u64(pages, UINT64_MAX / 4096, &n))
		return 0;
	return n * (uint64_t)sysconf(_SC_PAGESIZE);
}

#ifndef PROCESS_H
#define PROCESS_H
/* What every long-running program asks of the system at its start, and what it tells of itself. */
#include <stdint.h>

/*
 * As many descriptors as the hard limit allows; SIGPIPE ignored; no core dumps and no debugger of the same user, because
 * private keys are in memory (left out under AddressSanitizer, whose leak check attaches to the process).
 */
void process_prepare(void);
/* Resident memory, or 0 when /proc cannot tell. */
uint64_t process_rss_bytes(void);

#endif

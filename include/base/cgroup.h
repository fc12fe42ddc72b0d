#ifndef CGROUP_H
#define CGROUP_H
/* How much memory the system lets this process have. */
#include <stdint.h>

#include "str.h"

/*
 * The lowest limit of the memory cgroup and those above it, in bytes; 0: none, or none that can be read. `root` is where cgroups
 * are mounted, `self` the content of /proc/self/cgroup. Versions 1 and 2. In a container the path of `self` may lie outside of
 * what is mounted; then the root of the mount is the container's own.
 */
uint64_t cgroup_memory_limit(const char *root, struct str self);
/* The same of this process. */
uint64_t cgroup_own_memory_limit(void);

#endif

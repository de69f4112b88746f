#ifndef TESTS_DPDK_APP_EAL_ONCE_H
#define TESTS_DPDK_APP_EAL_ONCE_H

// EAL for tests: without hugepages, without NICs, once for each process (under Criterion every
// test is a process of its own, under the plain runner all share one).

#include <stdbool.h>

// False when EAL does not start: the test has failed then.
bool eal_once(void);

#endif

#include "tests/dpdk-app/eal_once.h"

#include <stdio.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_eal.h>

#include "tests/test.h"

bool eal_once(void)
{
    static int state; // 0: not tried, 1: up, -1: failed
    char prefix[32];
    const char *argv[] = {"test",         "--no-huge",      "--no-pci",       "-m",
                          "256",          "--no-telemetry", "--file-prefix",  prefix,
                          "--lcores=0@0", "--no-shconf",    "--log-level=*:4"};

    if (state == 0) {
        snprintf(prefix, sizeof prefix, "mrtest%d", (int)getpid());
        state = rte_eal_init(RTE_DIM(argv), (char **)argv) < 0 ? -1 : 1;
    }
    if (state < 0)
        TEST_FAIL("EAL does not start");
    return state > 0;
}

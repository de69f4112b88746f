/*
 * What `millrace plan` prints: the D-Stream graph, its stages and exchanges, the defaults in
 * force, and the memory and number of keys that its state can hold.
 */
#ifndef DPDK_APP_PLAN_PRINT_H
#define DPDK_APP_PLAN_PRINT_H

#include "job/job.h"
#include "rdd/plan.h"

void plan_print(const struct job *j, const struct plan *p, const struct appliance *a,
                struct strbuf *out);
/* appliance_default: the appliance file without --config. */
const char *appliance_default(void);

#endif

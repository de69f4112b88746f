/*
 * `millrace plan JOB --replay DIR --lineage INTERVAL`: what the RDDs of an interval of a recorded
 * run were made of.
 */
#ifndef DPDK_APP_LINEAGE_PRINT_H
#define DPDK_APP_LINEAGE_PRINT_H

#include "job/job.h"
#include "rdd/plan.h"

/* lineage_print: 0, or -errno with a sentence in out. */
int lineage_print(const struct job *j, const struct plan *p, const char *dir, uint64_t interval,
                  struct strbuf *out);

#endif

/*
 * EAL: its arguments made from the appliance file, its start, and its failures in one sentence.
 *
 * eal_start takes the instance's lock, looks whether memory and NICs are there, makes the arguments
 * and starts EAL; what EAL would say is kept, and shown only as part of a sentence when it fails.
 * Virtual devices are not among the arguments: each is probed when its port is opened (port.h),
 * so that a device that cannot be opened is told apart from the others.
 *
 *   --lcores        the lcores of the appliance file, each on the CPU of its number; where there
 *                   are fewer CPUs than that, spread over the CPUs that this process may use
 *   --main-lcore    control
 *   --file-prefix   the instance
 *   --in-memory     hugepages without files; or, with no_huge: --no-huge -m N --no-shconf
 *   --no-pci        unless a port is a PCI address: then -a ADDRESS for each
 *   --iova-mode=va  unless there is a PCI port (EAL knows what the device can)
 *   --single-file-segments   when a port is a memif
 *   and what the user gave after --, last, so that it wins
 *
 * Errors: -errno and a sentence with the remedy in err; the program exits with 69.
 */
#ifndef DPDK_APP_EAL_H
#define DPDK_APP_EAL_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "job/job.h"

#define EAL_ARGS_MAX 64u

struct eal_conf {
    const struct appliance *appliance;
    bool no_huge;
    uint64_t memory_bytes; /* what the node will take from EAL, all owners together */
    bool files;            /* captures and files: no port is touched, no telemetry socket */
    uint32_t extra_cnt;
    char *const *extra;
};

struct eal {
    struct zone zone;
    int argc;
    char *argv[EAL_ARGS_MAX + 1]; /* EAL moves them about */
    const char *line;             /* as they were given, for people */
    int lock_fd;
    uint32_t nics_cnt; /* held (pci_hold) */
    int nic_fd[PORTS_MAX];
    uint32_t cpus_cnt; /* that this process may use */
    bool shared_cpus;  /* some lcores share a CPU */
    /* For other threads: those without an lcore; all, where each has one. A thread that nobody
     * tells otherwise shares the CPU of the lcore that started it. */
    cpu_set_t spare_cpus;
};

/* eal_args makes e->argv; part of eal_start, apart for tests and for --dry-run. */
int eal_args(struct eal *e, const struct eal_conf *conf, char *err, size_t err_bytes);
int eal_start(struct eal *e, const struct eal_conf *conf, char *err, size_t err_bytes);
void eal_stop(struct eal *e);

/* What EAL and its drivers log between begin and end goes nowhere else; eal_log_end returns it,
 * to be freed. eal_log_why finds the line that tells why something failed, without its prefix;
 * "" if there is none. */
void eal_log_begin(void);
char *eal_log_end(void);
void eal_log_why(const char *log, char *buf, size_t bytes);

/* eal_start_log: what EAL logged while it started, "" before; devices that it could not open. */
const char *eal_start_log(void);

/* eal_huge_free: bytes of free hugepages of all sizes, and of all there are. */
uint64_t eal_huge_free(uint64_t *total);

#endif

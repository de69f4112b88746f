/*
 * The client: `millrace send --to HOST:PORT [--rate R] [--loop] [--frames[=N]] [--size BYTES]
 * [--count N] FILE|-` sends the records of a file in UDP datagrams, without DPDK.
 *
 * As many records to a datagram as fit, but, with a rate, no more than come in 10 ms, so that a
 * slow sender is not also a late one.
 */
#ifndef IO_SEND_H
#define IO_SEND_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Rate: record n is due n / rate after the start. One that is late by more than SEND_LATE_NS does
 * not make up for it: the count starts again.
 */
#define SEND_LATE_NS 100000000u

struct send_pace {
    uint64_t rate; /* records a second; 0: as fast as it goes */
    uint64_t start_ns;
    uint64_t sent_cnt; /* since start_ns */
};

/* send_pace_due: when the next record is due, on the clock of now_ns. */
uint64_t send_pace_due(struct send_pace *p, uint64_t now_ns);
/* send_pace_records: how many records one datagram may hold, at most UINT32_MAX. */
uint32_t send_pace_records(const struct send_pace *p);

/* send_parse_rate reads "100", "10k", "1.5M", "2M/s" (k of 1000): 0, or -EINVAL. */
int send_parse_rate(const char *s, uint64_t *rate);

/* send_main is the command; argv[0] is its name. Returns the exit code: 0 (at the end, or after
 * SIGINT or SIGTERM), 78 for wrong arguments, 69 when the file or the way there is missing. */
int send_main(int argc, char **argv);

#endif

/*
 * Packet filters: a pcap filter expression, compiled by libpcap.
 *
 * It runs as native code (rte_bpf's JIT) where the machine has one, else in libpcap's
 * interpreter; both give the same verdict. One filter may be used by any number of lcores.
 */
#ifndef DPDK_APP_FILTER_H
#define DPDK_APP_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct filter;
struct rte_mbuf;

/* filter_new: NULL: err holds a sentence. */
struct filter *filter_new(const char *expr, char *err, size_t err_bytes);
void filter_free(struct filter *f);
/* filter_check: is the expression good? As job_load asks. 0 or -EINVAL. */
int filter_check(const char *expr, char *err, size_t err_bytes);

/* filter_takes_mbuf: does it let the packet of m through? Segments are followed. bytes are the
 * frame in one piece. */
bool filter_takes_mbuf(const struct filter *f, struct rte_mbuf *m, const uint8_t *bytes,
                       uint32_t len);
/* filter_takes is the same for a frame that is no mbuf. */
bool filter_takes(const struct filter *f, const uint8_t *bytes, uint32_t cap_len,
                  uint32_t wire_len);
/* filter_takes_ip4: does it let through every packet whose EtherType is that of IPv4? */
bool filter_takes_ip4(const struct filter *f);
/* filter_is_native: does it run as native code on mbufs? */
bool filter_is_native(const struct filter *f);

#endif

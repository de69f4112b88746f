/*
 * Checksums of packets.
 *
 * The Internet checksum of layer 4 covers a pseudo header, the layer-4 header and the payload.
 * A sender that leaves it to its NIC writes only the sum of the pseudo header into the field:
 * such a packet, seen before the NIC, is unfinished, not damaged.
 */
#ifndef RDD_PACKET_SUM_H
#define RDD_PACKET_SUM_H

#include "rdd/source.h"

enum packet_sum {
    PACKET_SUM_OK,
    PACKET_SUM_BAD,
    PACKET_SUM_UNFINISHED, /* the field equals the sum of the pseudo header */
    PACKET_SUM_NONE,       /* nothing to check: the packet carries no checksum (UDP's 0, another
                              protocol), is a fragment or cut, or its last address is elsewhere
                              (source routing) */
};

/* inet_sum adds the 16-bit words of p[0..len), as they lie in memory, to `sum`. An odd last byte
 * is padded with 0. inet_fold makes 16 bits of it; a good packet folds to 0xffff. */
uint64_t inet_sum(const void *p, uint32_t len, uint64_t sum);
uint16_t inet_fold(uint64_t sum);

/* packet_ip_sum_ok: is the checksum of the IPv4 header right? True for what is not IPv4. */
bool packet_ip_sum_ok(const struct pkt *p, const uint8_t *frame);
/* packet_sum looks at the layer-4 checksum of TCP, UDP, ICMP and ICMPv6. */
enum packet_sum packet_sum(const struct pkt *p, const uint8_t *frame);

#endif

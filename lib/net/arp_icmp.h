/*
 * The little that a `mode: host` port says for itself: replies to ARP, ICMP echo, and for an IPv6
 * address to neighbour solicitation and ICMPv6 echo. Pure: a frame in, a frame out.
 */
#ifndef NET_ARP_ICMP_H
#define NET_ARP_ICMP_H

#include "rdd/source.h"

struct host_address {
    uint8_t mac[6];
    struct ip ip; /* IPv4 as ::ffff:a.b.c.d, or IPv6 */
};

/*
 * arp_icmp_reply builds the answer to a frame that asks for our address into out, and returns its
 * length without padding; 0 when there is nothing to answer: another address, a fragment, a
 * damaged or cut request, a sender that is not one host, or an answer longer than out_bytes. The
 * reply carries the request's VLAN tags, that which the NIC took off included.
 */
uint32_t arp_icmp_reply(const struct host_address *me, const struct pkt *p, const uint8_t *frame,
                        uint8_t *out, uint32_t out_bytes);

#endif

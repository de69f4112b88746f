/*
 * Frames: what a port or a capture delivers, decoded to a packet row (struct pkt, rdd/source.h).
 *
 * Decoding is total: any bytes give a row, and a row never speaks of bytes that are not there, so
 * whoever reads a header where a row says it lies needs no check of his own. It looks at headers
 * alone; checksums are read when someone asks (packet_mark_sum, packet_udp_match, the field
 * checksum_ok).
 *
 *   Ethernet, up to eight VLAN tags (0x8100, 0x88a8, 0x9100), the first two kept, the outermost
 *   one perhaps already taken off by the NIC; IPv4 with options; IPv6 with up to eight extension
 *   headers (hop-by-hop, routing, fragment, destination, mobility, AH); TCP, UDP, ICMP, ICMPv6,
 *   SCTP, DCCP, UDP-Lite. First fragments are decoded to layer 4, later ones are not. Tunnels are
 *   named, and decoded as their outer packet. The payload ends with the IP packet, never with the
 *   padding of its frame. A length of 0 in an IP header (segmentation left to the NIC, jumbograms)
 *   stands for the whole frame.
 *
 * A frame that is not IP, or whose IP header is damaged, is still a packet: its payload is what
 * follows the EtherType.
 *
 * A `udp` source is stricter: packet_udp_match gives a payload, or the one reason why not.
 *
 * The functions of bursts (packet_burst.c) say what those of one packet say, packet by packet;
 * frames of the plain kind, untagged IPv4 with UDP or TCP, take a short way through them: about
 * 3 ns to decode and 2 ns to match.
 */
#ifndef NET_PACKET_H
#define NET_PACKET_H

#include "rdd/source.h"

#define PACKET_NO_TAG UINT32_MAX

/* A frame on its way in. */
struct packet_frame {
    const uint8_t *bytes; /* cap_len bytes */
    int64_t ts_ns;
    uint32_t off; /* goes into the row: of the first byte from the base of the block */
    uint32_t cap_len, wire_len;
    uint32_t vlan_tci; /* tag that the NIC took off, or PACKET_NO_TAG */
};

/* A frame that is all there, as it was on the wire. */
struct packet_whole {
    const uint8_t *bytes;
    uint32_t len;
};

/* packet_decode_burst writes n rows. frame_bytes_max is the longest frame that the port's wire
 * carries, VLAN tags apart (MTU + 14, and 4 more if the port delivers the FCS); longer ones are
 * PKT_MERGED. 0: not known. */
void packet_decode_burst(struct pkt *p, const struct packet_frame *f, uint32_t n,
                         uint32_t frame_bytes_max);
void packet_decode(struct pkt *p, const struct packet_frame *f, uint32_t frame_bytes_max);

/* packet_mark_sum reads the checksums of IPv4 and layer 4 and sets PKT_SUM_BAD or
 * PKT_SUM_UNFINISHED. */
void packet_mark_sum(struct pkt *p, const uint8_t *frame);

/* What packets were, whether or not somebody took them: one counter each. */
enum packet_count {
    PACKET_COUNT_IP4,
    PACKET_COUNT_IP6,
    PACKET_COUNT_NOT_IP,
    PACKET_COUNT_TAGGED,
    PACKET_COUNT_FRAGMENTS,
    PACKET_COUNT_MERGED, /* ethtool -K IFACE gro off lro off rx-gro-hw off mends it */
    PACKET_COUNT_CUT,    /* a larger MTU, frame size of the ring or snap length mends it */
    PACKET_COUNT_TUNNELS,
    PACKET_COUNTS_CNT,
};

extern const char *const packet_count_name[PACKET_COUNTS_CNT];

struct packet_counters {
    uint64_t n[PACKET_COUNTS_CNT];
    uint64_t tunnel[PKT_TUNNELS_CNT]; /* by pkt_tunnel_name; [0] counts all others */
};

void packet_count_burst(struct packet_counters *c, const struct pkt *p, uint32_t n);

/* Why a frame is no datagram for a `udp` source, in the order in which they are looked for. */
enum packet_drop {
    PACKET_TOO_SHORT, /* no room for Ethernet, a tag or the IP header */
    PACKET_NOT_IP,
    PACKET_BAD_IP_HEADER,
    PACKET_BAD_IP_CHECKSUM,
    PACKET_BAD_IP_LENGTH,
    PACKET_FRAGMENT, /* of UDP */
    PACKET_NOT_UDP,
    PACKET_CUT, /* bytes are missing */
    PACKET_BAD_UDP_LENGTH,
    PACKET_OTHER_PORT,
    PACKET_OTHER_ADDRESS,
    PACKET_MERGED, /* datagrams put together: their ends are lost */
    PACKET_BAD_UDP_CHECKSUM,
    PACKET_DROPS_CNT,
    PACKET_TAKEN = PACKET_DROPS_CNT,
};

extern const char *const packet_drop_name[PACKET_DROPS_CNT];

/* Where a `udp` source listens. */
struct packet_listen {
    bool any;     /* at any address */
    struct ip ip; /* else at this one */
    uint16_t port;
};

/* packet_udp_match: PACKET_TAKEN when the frame is a sound datagram for l, with *payload set (its
 * offset from the start of the frame; its length may be 0); else why not. With several
 * listeners: ask each; a frame that none takes has the reason that the last one gave. Only the
 * one whose port and address fit reads the payload. */
enum packet_drop packet_udp_match(const struct pkt *p, const uint8_t *frame,
                                  const struct packet_listen *l, struct run *payload);

/* packet_udp_match_burst: of n packets; payload[i] is set where why[i] is PACKET_TAKEN. Returns how
 * many are. */
uint32_t packet_udp_match_burst(const struct pkt *p, const struct packet_frame *f, uint32_t n,
                                const struct packet_listen *l, struct run *payload, uint8_t *why);

/* packet_udp_take_burst: the payloads of the leading frames that are plain and sound datagrams for
 * l, of a byte at least. Returns how many those are; what comes then may be one too. */
uint32_t packet_udp_take_burst(const struct packet_whole *f, uint32_t n, uint32_t frame_bytes_max,
                               const struct packet_listen *l, struct packet_whole *payload);

#endif

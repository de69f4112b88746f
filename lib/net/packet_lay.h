/*
 * Plain packets (packet_plain.h) laid down as they come: one pass over a burst decodes each, writes
 * its row and copies its bytes densely behind those of the one before.
 *
 * Row and bytes are what packet_decode and block_builder_add_pkts make of the packet. It ends
 * before the first packet that is not plain; behind what was laid, bytes of the destination may be
 * anything.
 */
#ifndef NET_PACKET_LAY_H
#define NET_PACKET_LAY_H

#include "net/packet.h"

/* So many bytes can be read at each frame, be it shorter, and written behind the last one. */
#define PACKET_LAY_SLACK 64u

struct packet_lay {
    struct pkt *row; /* room for n */
    uint8_t *base;   /* of the block */
    uint32_t off;    /* where the first one goes */
    uint32_t frame_bytes_max;
    int64_t ts_ns;
};

/* packet_lay_burst: returns how many it laid. */
uint32_t packet_lay_burst(const struct packet_lay *to, const struct packet_whole *f, uint32_t n);

#endif

#ifndef TESTS_DPDK_APP_FRAMES_H
#define TESTS_DPDK_APP_FRAMES_H

// Frames for tests: UDP over IPv4, sound unless told otherwise, and a way to send them to a port
// of the same process (net_ring gives back what it is sent).

#include <stdbool.h>
#include <stdint.h>

#define FRAME_MAX 9100

struct udp_frame {
    uint16_t port; // destination
    uint8_t to;    // last byte of the destination 10.0.0.x
    uint16_t vlan; // 0: none
    bool bad_sum;
    bool fragment; // a first one
    const uint8_t *payload;
    uint32_t len;
};

// frame_udp writes the frame to out (FRAME_MAX bytes) and returns its length. From 02:..:01 to
// 02:..:02.
uint32_t frame_udp(uint8_t *out, const struct udp_frame *f);
// frame_arp asks who has 10.0.0.x; frame_ping sends an echo request to it.
uint32_t frame_arp(uint8_t *out, uint8_t x);
uint32_t frame_ping(uint8_t *out, uint8_t x, const uint8_t *to_mac);

// frames_send sends one frame on queue 0 of the port, cut into segments of at most seg_bytes
// (0: one piece). False: no buffer.
bool frames_send(uint16_t port_id, const uint8_t *frame, uint32_t len, uint32_t seg_bytes);

#endif

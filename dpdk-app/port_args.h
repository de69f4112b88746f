/*
 * Device arguments: what the appliance file says of a port, in the words of its driver.
 *
 * `device:` of the appliance file is a device with arguments as DPDK knows them; what the user
 * wrote wins. Added are the number of queues, where the driver wants to know it beforehand, and
 * for net_af_packet a ring that holds whole frames of the interface's MTU, more of them than its
 * default (512 frames last 1.2 ms at rate).
 *
 * net_af_packet reads its ring as frame after frame, so the block size has to be a multiple of
 * the frame size, and the kernel wants one of the page size.
 */
#ifndef DPDK_APP_PORT_ARGS_H
#define DPDK_APP_PORT_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct port_args {
    char name[64];     /* of the device: "net_af_packet0"; PCI: the address, whole and lower case */
    char devargs[512]; /* for rte_dev_probe */
    char ifname[32];   /* `iface=`; "" if none */
    bool pci;
    bool kernel_socket;   /* opens an existing interface of the kernel */
    bool tap;             /* makes its own interface, or takes one that nobody holds */
    uint32_t frame_bytes; /* net_af_packet: frame size of the ring; else 0 */
    uint32_t cut_bytes;   /* ... what of a frame fits into it */
    uint32_t ring_frames; /* posted at most, where the arguments say so (memif); else 0 */
};

/* port_args_parse fills name, ifname and the flags from the device text: what must be known
 * before the interface is asked for its MTU. -EINVAL: no device; -E2BIG. */
int port_args_parse(struct port_args *a, const char *device);
/* port_args_complete makes devargs. mtu: of the interface, 0 if not known. */
int port_args_complete(struct port_args *a, const char *device, uint32_t queues, uint32_t mtu);
/* port_arg_find: the value of `key=` in device arguments; returns its length, -1 if absent. */
int port_arg_find(const char *device, const char *key, char *buf, size_t bytes);
/* port_pcap_frames: how many buffers net_pcap wants to load its file into; 0: none. */
uint32_t port_pcap_frames(const struct port_args *a);

#endif

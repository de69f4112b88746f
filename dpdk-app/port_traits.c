// What drivers really do, measured; where a driver was not tried, packets are copied at the burst
// and sent in one piece, which is right with every driver.
#include <string.h>

#include "dpdk-app/port.h"

static const struct port_traits traits_table[] = {
    {
        .driver = "net_af_packet",
        .can_extbuf_rx = true,
        .can_multiseg_tx = true,
        .has_fd = true,
        .knows_mtu = true,
        .rxd = 512,
        .rx_copies = 2,
        .tx_copies = 2,
    },
    {
        .driver = "net_memif",
        .can_extbuf_rx = true,
        .can_multiseg_tx = true,
        .may_scatter = true,
        .loses_peer = true,
        .rxd = 1024,
        .rx_copies = 1,
        .tx_copies = 1,
    },
    // Pointers are passed: what arrives are the sender's mbufs.
    {.driver = "net_ring", .can_multiseg_tx = true, .may_scatter = true, .rxd = 512},
    // A frame is read into as many posted buffers as it needs: one slot is the rule.
    {
        .driver = "net_tap",
        .can_extbuf_rx = true,
        .can_multiseg_tx = true,
        .may_scatter = true,
        .is_kernels_peer = true,
        .knows_mtu = true,
        .rxd = 8,
        .rx_copies = 1,
        .tx_copies = 1,
    },
    {.driver = "net_null", .can_extbuf_rx = true, .keeps_limit = true, .rxd = 512, .rx_copies = 1},
    {
        .driver = "net_pcap",
        .can_extbuf_rx = true,
        .can_multiseg_tx = true,
        .may_scatter = true,
        .rxd = 512,
        .rx_copies = 1,
        .tx_copies = 1,
    },
    // Its memory for frames is the mempool itself, and a chain is sent as garbage.
    {
        .driver = "net_af_xdp",
        .has_fd = true,
        .knows_mtu = true,
        .rxd = 2048,
        .rx_copies = 1,
        .tx_copies = 1,
    },
#define NIC(name, limit)                                                                     \
    {                                                                                        \
        .driver = name, .can_extbuf_rx = true, .can_multiseg_tx = true, .may_scatter = true, \
        .knows_mtu = true, .keeps_limit = limit                                              \
    }
    NIC("net_e1000_em", true),
    NIC("net_e1000_igb", true),
    NIC("net_igc", true),
    NIC("net_ixgbe", true),
    NIC("net_ixgbe_vf", false), // the limit is that of the whole device
    NIC("net_i40e", true),
    NIC("net_iavf", true),
    NIC("net_ice", true),
    NIC("net_ena", false),
    NIC("net_virtio", false),
    {
        .driver = "net_vmxnet3",
        .can_extbuf_rx = true,
        .can_multiseg_tx = true,
        .may_scatter = true,
        .knows_mtu = true,
        .two_rings = true,
        .rxd = 2048,
    },
#undef NIC
};

static const struct port_traits traits_unknown = {
    .driver = "unknown", .may_scatter = true, .rx_copies = 1, .tx_copies = 1};

const struct port_traits *port_traits_of(const char *driver)
{
    for (size_t i = 0; i < sizeof traits_table / sizeof traits_table[0]; i++)
        if (strcmp(traits_table[i].driver, driver) == 0)
            return &traits_table[i];
    return &traits_unknown;
}

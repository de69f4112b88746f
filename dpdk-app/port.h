/*
 * Ports: an ethdev device by name from the appliance file, and what it can do.
 *
 * Opening a port finds the device that EAL made or probed, reads what it can do into flags (by
 * driver: reference behaviour measured, not what the driver claims), makes a landing for each
 * receive queue (landing.h), sets the queues up and starts it. A real NIC differs from a
 * virtual device in the table of traits alone.
 *
 * The path to the device is one-way: whoever needs to know whether a port takes external buffers
 * or several segments asks the flags, never the driver's name.
 *
 * Counters. offered = received by ingest + missed: frames that came to the device but never to
 * an lcore. net_af_packet hides its drops; they are read from the kernel's socket.
 *
 * Errors: port_open returns 0 or -errno with a sentence in err (exit 69).
 */
#ifndef DPDK_APP_PORT_H
#define DPDK_APP_PORT_H

#include "dpdk-app/landing.h"
#include "dpdk-app/pool.h"
#include "job/job.h"

#define PORT_QUEUES_MAX 32u

struct port_traits {
    const char *driver; /* as ethdev names it */
    bool can_extbuf_rx; /* receives into pages of the block pool */
    bool can_multiseg_tx;
    bool has_fd;      /* sockets that epoll can wait on */
    bool is_software; /* a virtual device */
    uint32_t rxd;     /* auto; 0: as many as the device allows, up to 4096 */
    uint32_t rx_copies, tx_copies;
    const char *note; /* what users should know; may be NULL */
};

struct port_queue {
    struct landing *landing; /* can_extbuf_rx */
    struct rte_mempool *mempool;
    int fd; /* to wait on; -1: none */
};

struct port {
    const struct port_conf *conf;
    const struct port_traits *traits;
    uint16_t id; /* of ethdev */
    int socket;
    uint32_t queues_cnt; /* both directions */
    uint32_t mtu;
    uint32_t max_frame;   /* a larger one was merged on its way */
    uint32_t max_payload; /* of a UDP datagram over IPv4 */
    uint8_t mac[6];
    struct port_queue queue[PORT_QUEUES_MAX];
    struct rte_mempool *tx_pool; /* for replies */
    uint64_t rss_asked, rss_got;
    bool rss_symmetric;
    char ifname[32];                      /* the kernel's interface behind it, or "" */
    uint64_t kernel_seen, kernel_dropped; /* of its sockets, summed up by port_look */
};

struct port_open_conf {
    const struct port_conf *conf;
    struct pool *pool;
    uint32_t burst;        /* of ingest */
    uint32_t link_wait_ms; /* 0: do not wait */
};

/* port_open fills *p (which stays at its place) and starts the port. */
int port_open(struct port *p, const struct port_open_conf *conf, char *err, size_t err_bytes);
void port_close(struct port *p);
/* port_name_of: "net_af_packet0" of "net_af_packet0,iface=eth1"; returns its length. */
size_t port_name_of(const char *device, char *buf, size_t bytes);

struct port_view {
    bool link_up;
    uint32_t speed_mbps;
    uint64_t offered;  /* to the port: received + missed */
    uint64_t received; /* by the driver, as far as it counts */
    uint64_t missed;   /* nobody took them in time: NIC and kernel */
    uint64_t no_mbuf, errors;
    uint64_t sent;
};

/* port_look: one thread (the kernel's counters are reset by reading). */
void port_look(struct port *p, struct port_view *v);
/* port_link_poll restarts a port whose peer has come back (memif does not by itself). Off the
 * lcores that poll it; only while the link is down. */
int port_link_poll(struct port *p);

#endif

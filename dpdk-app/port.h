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
 * Counters. What came to the device = received by ingest (ingest.h) + missed + waiting. The
 * drops of net_af_packet are hidden by its driver; they are read from the kernel's socket.
 *
 * Errors: port_open returns 0 or -errno with a sentence in err (exit 69).
 */
#ifndef DPDK_APP_PORT_H
#define DPDK_APP_PORT_H

#include <stdatomic.h>

#include "dpdk-app/landing.h"
#include "dpdk-app/pool.h"
#include "job/job.h"

#define PORT_QUEUES_MAX PORT_QUEUES_LIMIT

struct port_traits {
    const char *driver;   /* as ethdev names it */
    bool can_extbuf_rx;   /* receives into pages of the block pool */
    bool can_multiseg_tx; /* a packet may be a chain */
    bool has_fd;          /* a socket that epoll can wait on */
    bool may_scatter;     /* a packet may come as a chain */
    bool keeps_limit;     /* never receives more than MTU, Ethernet header, two tags and FCS */
    bool knows_mtu;       /* larger frames than its MTU were merged */
    bool is_kernels_peer; /* the other end is an interface of the kernel, with the MAC that ethdev
                             reports; what the kernel cannot hand over it counts there */
    bool two_rings;       /* posts a second ring of buffers, as long as the first */
    bool loses_peer;      /* must be started again when its peer comes back */
    uint16_t rxd;         /* auto; 0: as many as the device allows, up to 4096 */
    uint8_t rx_copies, tx_copies;
};

/* port_traits_of: of a driver; drivers that were not tried get the row that is always safe. */
const struct port_traits *port_traits_of(const char *driver);

struct port_queue {
    struct landing *landing;
    int fd;                                       /* to wait on; -1: none */
    _Atomic uint64_t kernel_seen, kernel_dropped; /* of the socket, summed up by port_look */
    _Atomic bool polled;                          /* an lcore is inside the driver */
};

struct port {
    const struct port_conf *conf;
    const struct port_traits *traits;
    uint16_t id; /* of ethdev */
    int socket;
    uint32_t queues_cnt; /* both directions */
    uint32_t mtu;        /* 0: not known */
    uint32_t frame_max;  /* bytes of the largest frame of the wire; 0: not known */
    uint32_t cut_bytes;  /* the device cuts longer frames to this without a word; 0: it does not */
    uint32_t slot_bytes; /* of a landing, headroom included */
    uint32_t slot_frame; /* the device writes no more than this into one; 0: it may fill it */
    uint8_t mac[6];      /* ours */
    struct port_queue queue[PORT_QUEUES_MAX];
    struct rte_mempool *tx_pool; /* for replies */
    _Atomic bool started;
    bool set_promiscuous; /* by us: undone at close */
    bool link_seen;       /* the link was up once */
    bool calls_peer;      /* we connect, the peer listens: memif with role=client */
    uint32_t calls_cnt;   /* looks at the link since we last did */
    bool rss_symmetric;
    uint64_t rss_hf;    /* in force */
    char ifname[32];    /* of the kernel's interface behind it, or "" */
    char warnings[512]; /* what could not be had, sentences by line */
};

struct port_open_conf {
    const struct port_conf *conf;
    struct pool *pool;
    uint32_t link_wait_ms; /* 0: do not wait */
};

/* port_open fills *p (which stays at its place) and starts the port. */
int port_open(struct port *p, const struct port_open_conf *conf, char *err, size_t err_bytes);
void port_close(struct port *p);
struct port_view {
    bool link_up;
    uint32_t speed_mbps;
    uint64_t received; /* handed to lcores by the driver, as far as it counts */
    uint64_t missed;   /* nobody took them in time: NIC and kernel */
    uint64_t waiting;  /* in the ring of a kernel socket, not yet handed over */
    uint64_t no_mbuf, errors;
    uint64_t sent;
};

/* port_look: from any thread off the data path (it makes system calls). */
void port_look(struct port *p, struct port_view *v);
/* port_link_poll starts a port (again) whose peer has come (back): memif does not by itself. Call
 * it now and then from one thread that polls no port; lcores meanwhile find the port closed. */
void port_link_poll(struct port *p);

/* An lcore brackets its calls of the driver with these; false: the port is closed now. */
static inline bool port_enter(struct port *p, uint32_t queue)
{
    if (!p->traits->loses_peer)
        return true;
    atomic_store(&p->queue[queue].polled, true);
    if (atomic_load(&p->started))
        return true;
    atomic_store(&p->queue[queue].polled, false);
    return false;
}

static inline void port_leave(struct port *p, uint32_t queue)
{
    if (p->traits->loses_peer)
        atomic_store_explicit(&p->queue[queue].polled, false, memory_order_release);
}

/* port_print writes what the port is and can do, in a few lines. */
struct strbuf;
void port_print(const struct port *p, struct strbuf *out);

#endif

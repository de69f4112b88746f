// Opening and closing ports.
#include "dpdk-app/port.h"

#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_dev.h>
#include <rte_errno.h>

#include "dpdk-app/eal.h"
#include "dpdk-app/ethdev.h"
#include "dpdk-app/port_args.h"
#include "dpdk-app/port_kernel.h"

#define SLOT_DATA_BYTES_MIN 2048u
#define SLOT_DATA_BYTES_MAX 65280u // lengths of mbufs have 16 bits
#define ETH_TAGS_BYTES      22u
#define FCS_BYTES           4u
#define RXD_MAX             4096u
#define TXD                 512u
#define TX_POOL_CNT         1023u
// Headers beside the posted ones: bursts under way in ingest and in the driver.
#define HEADERS_SPARE     512u
#define RSS_KEY_BYTES_MAX 128u

static void warn(struct port *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void warn(struct port *p, const char *fmt, ...)
{
    size_t len = strlen(p->warnings);
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    snprintf(p->warnings + len, sizeof p->warnings - len, "%s\n", text);
}

// What the steps of opening hand on.
struct opening {
    struct port *port;
    const struct port_open_conf *conf;
    struct port_args args;
    struct iface_view iface;
    struct fds fds_before;
    struct rte_eth_dev_info info;
    uint16_t rxd, txd;
    char *err;
    size_t err_bytes;
};

static int refuse(struct opening *o, int rc, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static int refuse(struct opening *o, int rc, const char *fmt, ...)
{
    va_list ap;
    int n = snprintf(o->err, o->err_bytes, "port %s: ", o->conf->conf->name);

    va_start(ap, fmt);
    if (n > 0 && (size_t)n < o->err_bytes)
        vsnprintf(o->err + n, o->err_bytes - (size_t)n, fmt, ap);
    va_end(ap);
    return rc;
}

// ---- the device ------------------------------------------------------------------------------

static int look_at_interface(struct opening *o)
{
    const char *ifname = o->args.ifname;

    if (o->args.tap && tap_queues_held(ifname) > 0)
        return refuse(o, -EBUSY,
                      "interface '%s' is in use by another process: stop it, or take another name "
                      "(iface=NAME)",
                      ifname);
    if (!o->args.kernel_socket)
        return 0;
    if (ifname[0] == '\0')
        return refuse(o, -EINVAL, "device '%s' needs iface=NAME", o->args.name);
    if (iface_look(ifname, &o->iface) < 0)
        return refuse(o, -ENODEV, "there is no network interface '%s' here (`ip link` lists them)",
                      ifname);
    if (!o->iface.up)
        return refuse(o, -ENETDOWN, "interface '%s' is down: `ip link set %s up`", ifname, ifname);
    return 0;
}

static int explain_probe(struct opening *o, int rc, const char *log)
{
    char why[256];

    eal_log_why(log, why, sizeof why);
    if (strstr(log, "parse device"))
        return refuse(o, -ENODEV,
                      "no driver for device '%s': known are net_af_packet, net_memif, net_ring, "
                      "net_tap, net_null, net_pcap, net_af_xdp and PCI addresses",
                      o->args.name);
    if (rc == -EBUSY || strstr(log, "busy"))
        return refuse(o, -EBUSY, "device '%s' is in use by another process: stop it (%s)",
                      o->args.name, why);
    // Drivers say -1 for anything.
    if (geteuid() != 0 && (rc == -EPERM || rc == -EACCES))
        return refuse(o, -EPERM, "device '%s' may not be opened: run as root", o->args.name);
    if (rc == -EEXIST)
        return refuse(o, -EEXIST, "device '%s' is named twice", o->args.name);
    return refuse(o, rc < 0 ? rc : -EIO, "device '%s' cannot be opened: %s", o->args.devargs,
                  why[0] ? why : rte_strerror(-rc));
}

static int probe(struct opening *o)
{
    struct port *p = o->port;

    if (o->args.pci) {
        char why[256];

        if (rte_eth_dev_get_port_by_name(o->args.name, &p->id) == 0)
            return 0;
        int failed = pci_explain(o->args.name, why, sizeof why);
        return refuse(o, failed, "%s", why);
    }
    packet_fds(&o->fds_before);
    eal_log_begin();
    int rc = rte_dev_probe(o->args.devargs);
    char *log = eal_log_end();
    if (rc < 0 || rte_eth_dev_get_port_by_name(o->args.name, &p->id) < 0)
        rc = explain_probe(o, rc, log ? log : "");
    free(log);
    return rc;
}

// The driver has opened the sockets of its queues by now, in their order.
static void find_fds(struct opening *o)
{
    struct port *p = o->port;
    struct fds after;
    int fd[PORT_QUEUES_MAX];

    packet_fds(&after);
    uint32_t cnt =
        p->traits->has_fd ? packet_fds_new(&o->fds_before, &after, fd, p->queues_cnt) : 0;
    for (uint32_t i = 0; i < cnt; i++)
        p->queue[i].fd = fd[i];
}

// ---- queues ----------------------------------------------------------------------------------

static int measure(struct opening *o)
{
    struct port *p = o->port;
    const struct port_conf *conf = o->conf->conf;
    char text[16];

    if (rte_eth_dev_info_get(p->id, &o->info) < 0)
        return refuse(o, -EIO, "device '%s' does not answer", o->args.name);
    p->traits = port_traits_of(o->info.driver_name);
    p->socket = rte_eth_dev_socket_id(p->id);
    if (o->info.if_index > 0 && !if_indextoname(o->info.if_index, p->ifname))
        p->ifname[0] = '\0';
    if (p->queues_cnt > o->info.max_rx_queues || p->queues_cnt > o->info.max_tx_queues)
        return refuse(o, -EINVAL, "device '%s' has %u receive and %u send queues, not %u",
                      o->args.name, o->info.max_rx_queues, o->info.max_tx_queues, p->queues_cnt);
    if (p->traits->knows_mtu || (p->traits->keeps_limit && conf->mtu)) {
        uint16_t mtu = 0;
        rte_eth_dev_get_mtu(p->id, &mtu);
        p->mtu = conf->mtu ? conf->mtu : o->args.kernel_socket ? o->iface.mtu : mtu;
        p->frame_max = p->mtu + RTE_ETHER_HDR_LEN;
    }

    uint32_t data = RTE_MAX(SLOT_DATA_BYTES_MIN, o->args.frame_bytes);
    if (!o->args.frame_bytes && p->mtu)
        data = RTE_MAX(data, p->mtu + ETH_TAGS_BYTES);
    if (port_arg_find(o->args.devargs, "bsize", text, sizeof text) > 0)
        data = RTE_MAX(data, (uint32_t)strtoul(text, NULL, 10));
    data = RTE_MIN(data, SLOT_DATA_BYTES_MAX);
    p->cut_bytes = o->args.cut_bytes;
    p->slot_bytes = data + RTE_PKTMBUF_HEADROOM;
    if (p->traits->keeps_limit && p->mtu)
        p->slot_frame = p->mtu + ETH_TAGS_BYTES + FCS_BYTES;
    return 0;
}

static void rss_configure(struct opening *o, struct rte_eth_conf *ec, uint8_t *key)
{
    struct port *p = o->port;
    uint64_t want = RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_TCP;

    p->rss_hf = want & o->info.flow_type_rss_offloads;
    if (p->queues_cnt == 1 || p->rss_hf == 0) {
        // The kernel's fanout to packet sockets is symmetric as it is.
        if (p->queues_cnt > 1 && !p->traits->has_fd && o->conf->conf->rss == RSS_SYMMETRIC)
            warn(p, "port %s: no RSS here: the device or its sender chooses the queue",
                 o->conf->conf->name);
        p->rss_hf = 0;
        return;
    }
    ec->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    ec->rx_adv_conf.rss_conf.rss_hf = p->rss_hf;
    if (o->conf->conf->rss != RSS_SYMMETRIC)
        return;
    // A key that repeats every 16 bits: both directions of a conversation hash alike.
    uint8_t key_bytes = o->info.hash_key_size ? o->info.hash_key_size : 40;
    for (uint32_t i = 0; i < key_bytes && i < RSS_KEY_BYTES_MAX; i++)
        key[i] = i % 2 ? 0x5a : 0x6d;
    ec->rx_adv_conf.rss_conf.rss_key = key;
    ec->rx_adv_conf.rss_conf.rss_key_len = key_bytes;
    p->rss_symmetric = true;
}

static int set_mtu(struct opening *o)
{
    uint32_t mtu = o->conf->conf->mtu;

    if (o->args.pci || mtu == 0 || o->port->ifname[0] == '\0')
        return 0;
    int rc = iface_set_mtu(o->port->ifname, mtu);
    return rc == 0 ? 0
                   : refuse(o, rc, "interface '%s' does not take an MTU of %u: %s", o->port->ifname,
                            mtu, strerror(-rc));
}

static int configure(struct opening *o)
{
    struct port *p = o->port;
    uint8_t key[RSS_KEY_BYTES_MAX];
    struct rte_eth_conf ec = {0};
    uint32_t rxd = o->conf->conf->rxd ? o->conf->conf->rxd : p->traits->rxd;

    if (rxd == 0)
        rxd = RTE_MIN(RXD_MAX, (uint32_t)o->info.rx_desc_lim.nb_max);
    o->rxd = (uint16_t)RTE_MIN(rxd, (uint32_t)UINT16_MAX);
    o->txd = TXD;
    rss_configure(o, &ec, key);
    if (o->args.pci && o->conf->conf->mtu)
        ec.rxmode.mtu = o->conf->conf->mtu;
    ec.txmode.offloads = o->info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;

    int rc = rte_eth_dev_configure(p->id, (uint16_t)p->queues_cnt, (uint16_t)p->queues_cnt, &ec);
    if (rc < 0)
        return refuse(o, rc, "device '%s' does not take %u queues (RSS 0x%llx): %s", o->args.name,
                      p->queues_cnt, (unsigned long long)p->rss_hf, rte_strerror(-rc));
    rc = rte_eth_dev_adjust_nb_rx_tx_desc(p->id, &o->rxd, &o->txd);
    if (rc < 0 && rc != -ENOTSUP)
        return refuse(o, rc, "device '%s' does not take %u descriptors: %s", o->args.name, o->rxd,
                      rte_strerror(-rc));
    return 0;
}

static int queue_setup(struct opening *o, uint16_t q)
{
    struct port *p = o->port;
    char name[RTE_MEMPOOL_NAMESIZE];
    uint32_t posted = p->traits->two_rings ? 2u * o->rxd : o->rxd;
    struct landing_conf lc = {
        .name = name,
        .pool = o->conf->pool,
        .socket = p->socket,
        .headers_cnt =
            RTE_MAX(posted, o->args.ring_frames) + HEADERS_SPARE + port_pcap_frames(&o->args),
        .data_bytes = p->slot_bytes - RTE_PKTMBUF_HEADROOM,
        .frame_bytes = p->slot_frame,
    };

    snprintf(name, sizeof name, "mr_rx%u_%u", p->id, q);
    p->queue[q].landing = landing_new(&lc, o->err, o->err_bytes);
    if (!p->queue[q].landing)
        return -ENOMEM;
    eal_log_begin();
    int rc = rte_eth_rx_queue_setup(p->id, q, o->rxd, (unsigned)p->socket, NULL,
                                    p->queue[q].landing->mempool);
    rc = rc ? rc : rte_eth_tx_queue_setup(p->id, q, o->txd, (unsigned)p->socket, NULL);
    char *log = eal_log_end();
    if (rc < 0) {
        char why[256];
        eal_log_why(log ? log : "", why, sizeof why);
        refuse(o, rc, "queue %u of device '%s' cannot be set up: %s", q, o->args.name,
               why[0] ? why : rte_strerror(-rc));
    }
    free(log);
    return rc;
}

static int queues_setup(struct opening *o)
{
    struct port *p = o->port;
    char name[RTE_MEMPOOL_NAMESIZE];
    int rc = 0;

    snprintf(name, sizeof name, "mr_tx%u", p->id);
    p->tx_pool =
        rte_pktmbuf_pool_create(name, TX_POOL_CNT, 0, 0, (uint16_t)p->slot_bytes, p->socket);
    if (!p->tx_pool)
        return refuse(o, -ENOMEM, "not enough memory for its buffers: give EAL more");
    for (uint16_t q = 0; q < p->queues_cnt && rc == 0; q++)
        rc = queue_setup(o, q);
    return rc;
}

// ---- start and stop --------------------------------------------------------------------------

static void set_promiscuous(struct opening *o)
{
    struct port *p = o->port;

    if (o->conf->conf->mode != PORT_MIRROR || o->iface.promiscuous)
        return;
    if (rte_eth_promiscuous_enable(p->id) == 0)
        p->set_promiscuous = true;
    else if (p->traits->knows_mtu)
        warn(p, "port %s: device '%s' cannot be made promiscuous: it sees what is sent to it alone",
             o->conf->conf->name, o->args.name);
}

static bool link_is_up(const struct port *p)
{
    struct rte_eth_link link = {0};

    return rte_eth_link_get_nowait(p->id, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

// A client whose server is away is started again and again, and its driver complains each time.
static void know_role(struct opening *o)
{
    struct port *p = o->port;
    char role[16];

    if (!p->traits->loses_peer || (port_arg_find(o->args.devargs, "role", role, sizeof role) > 0 &&
                                   strcmp(role, "server") == 0))
        return;
    p->calls_peer = true;
    int type = rte_log_register("pmd.net.memif");
    if (type >= 0 && rte_log_get_level((uint32_t)type) <= (int)RTE_LOG_NOTICE)
        rte_log_set_level((uint32_t)type, RTE_LOG_CRIT);
}

static int start(struct opening *o)
{
    struct port *p = o->port;
    uint32_t waited_ms = 0;
    int rc;

    know_role(o);
    // A memif client cannot start before its server is there.
    eal_log_begin();
    while ((rc = rte_eth_dev_start(p->id)) < 0 && p->traits->loses_peer &&
           waited_ms < o->conf->link_wait_ms) {
        rte_delay_us_sleep(10000);
        waited_ms += 10;
    }
    char *log = eal_log_end();
    free(log);
    if (rc < 0 && !p->traits->loses_peer)
        return refuse(o, rc, "device '%s' does not start: %s", o->args.name, rte_strerror(-rc));
    atomic_store(&p->started, rc == 0);
    set_promiscuous(o);
    while (!link_is_up(p) && waited_ms < o->conf->link_wait_ms) {
        rte_delay_us_sleep(10000);
        waited_ms += 10;
    }
    if (!link_is_up(p))
        warn(p, "port %s: the link is down", o->conf->conf->name);
    struct rte_ether_addr mac = {0};
    rte_eth_macaddr_get(p->id, &mac);
    memcpy(p->mac, mac.addr_bytes, sizeof p->mac);
    if (p->traits->is_kernels_peer)
        p->mac[0] ^= 2; // the kernel would take the answers of a host with its own MAC for its own
    return 0;
}

void port_close(struct port *p)
{
    struct port_view v;

    if (p->id != RTE_MAX_ETHPORTS) {
        port_look(p, &v); // the sockets go with the device
        bool started = atomic_exchange(&p->started, false);
        if (p->set_promiscuous)
            rte_eth_promiscuous_disable(p->id);
        struct rte_eth_dev_info info = {0};
        rte_eth_dev_info_get(p->id, &info);
        if (started)
            rte_eth_dev_stop(p->id);
        rte_eth_dev_close(p->id);
        if (info.device)
            rte_dev_remove(info.device);
    }
    for (uint32_t q = 0; q < p->queues_cnt; q++) {
        landing_free(p->queue[q].landing);
        p->queue[q].landing = NULL;
        p->queue[q].fd = -1;
    }
    rte_mempool_free(p->tx_pool);
    p->tx_pool = NULL;
    p->id = RTE_MAX_ETHPORTS;
}

int port_open(struct port *p, const struct port_open_conf *conf, char *err, size_t err_bytes)
{
    struct opening o = {.port = p, .conf = conf, .err = err, .err_bytes = err_bytes};
    const struct port_conf *pc = conf->conf;

    *p = (struct port){.conf = pc, .id = RTE_MAX_ETHPORTS, .traits = port_traits_of("")};
    p->queues_cnt = pc->queues ? pc->queues : 1;
    for (uint32_t q = 0; q < PORT_QUEUES_MAX; q++)
        p->queue[q].fd = -1;
    if (p->queues_cnt > PORT_QUEUES_MAX)
        return refuse(&o, -EINVAL, "at most %u queues", PORT_QUEUES_MAX);

    int rc = port_args_parse(&o.args, pc->device);
    if (rc < 0)
        return refuse(&o, rc, "'%s' names no device", pc->device);
    rc = look_at_interface(&o);
    if (rc == 0 &&
        port_args_complete(&o.args, pc->device, p->queues_cnt, pc->mtu ? pc->mtu : o.iface.mtu) < 0)
        rc = refuse(&o, -E2BIG, "its device arguments are too long");
    rc = rc ? rc : probe(&o);
    rc = rc ? rc : measure(&o);
    rc = rc ? rc : set_mtu(&o);
    rc = rc ? rc : configure(&o);
    rc = rc ? rc : queues_setup(&o);
    if (rc == 0)
        find_fds(&o);
    rc = rc ? rc : start(&o);
    if (rc < 0)
        port_close(p);
    return rc;
}

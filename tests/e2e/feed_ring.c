/*
 * Feeds a net_ring device of a program from outside: a library for LD_PRELOAD, which
 * tests/e2e/devices.py builds. A ring is fed by the process that made it; this is a thread in it
 * that sends what comes through the named pipe $FEED_RING: frames behind their lengths (4 bytes, of
 * this machine's order). Frames go as chains of small buffers. The end of the pipe is its end.
 */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#define BUFFERS_CNT   1023u
#define SEGMENT_BYTES 600u

static struct rte_mempool *pool;

static struct rte_mbuf *buffer(void)
{
    struct rte_mbuf *m;

    while (!(m = rte_pktmbuf_alloc(pool)))
        sched_yield(); /* the program still reads the others */
    return m;
}

static struct rte_mbuf *frame(FILE *in, uint32_t bytes)
{
    struct rte_mbuf *head = buffer(), *m = head;

    for (uint32_t left = bytes; left > 0;) {
        uint32_t n = left < SEGMENT_BYTES ? left : SEGMENT_BYTES;

        if (m->data_len && rte_pktmbuf_chain(head, m = buffer()) < 0)
            abort();
        if (fread(rte_pktmbuf_mtod(m, char *), 1, n, in) != n)
            abort();
        m->data_len = (uint16_t)n;
        if (m == head)
            m->pkt_len = n;
        else
            head->pkt_len += n;
        left -= n;
    }
    return head;
}

static void *feed(void *path)
{
    uint32_t bytes;
    uint16_t port;
    FILE *in = fopen(path, "r"); /* waits for the test to open it */

    if (!in || rte_eth_dev_get_port_by_name("net_ring0", &port) < 0)
        abort();
    pool = rte_pktmbuf_pool_create("feed", BUFFERS_CNT, 0, 0, RTE_PKTMBUF_HEADROOM + SEGMENT_BYTES,
                                   SOCKET_ID_ANY);
    if (!pool)
        abort();
    while (fread(&bytes, sizeof bytes, 1, in) == 1) {
        struct rte_mbuf *m = frame(in, bytes);

        while (rte_eth_tx_burst(port, 0, &m, 1) == 0)
            sched_yield();
    }
    fclose(in);
    return NULL;
}

__attribute__((constructor)) static void start(void)
{
    pthread_t thread;
    char *path = getenv("FEED_RING");

    if (path && pthread_create(&thread, NULL, feed, path) == 0)
        pthread_detach(thread);
}

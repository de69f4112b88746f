/*
 * The socket of the sender: one address, many datagrams a call.
 *
 * Errors that pass are waited out and counted: nobody listens there (ECONNREFUSED, told by the
 * host on the other side), the device's queue is full (ENOBUFS), no way there at present. A way
 * that is not found for SEND_PATIENCE_NS is given up.
 */
#ifndef IO_SEND_UDP_H
#define IO_SEND_UDP_H

#include <signal.h>

#include "io/send_cut.h"

#define SEND_BATCH_MAX   64u
#define SEND_PATIENCE_NS 30000000000u
#define SEND_SIZE_MAX    65507u

struct send_udp {
    int fd;
    uint64_t refused_cnt;   /* tries that ended with ECONNREFUSED */
    uint64_t full_cnt;      /* with ENOBUFS */
    uint64_t unreached_cnt; /* with no way there */
};

/* send_udp_open resolves "HOST:PORT" or "[HOST]:PORT", connects, and sees that datagrams of
 * `size` bytes go there without being cut. 0, or -errno with a sentence in err. */
int send_udp_open(struct send_udp *u, const char *to, uint32_t size, struct strbuf *err);
/* send_udp_send sends n datagrams, all of them unless *stop. Returns how many were sent, or
 * -errno with a sentence in err. */
int send_udp_send(struct send_udp *u, const struct datagram *d, uint32_t n,
                  const volatile sig_atomic_t *stop, struct strbuf *err);
void send_udp_close(struct send_udp *u);

#endif

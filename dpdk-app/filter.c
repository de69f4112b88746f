#include "dpdk-app/filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <pcap/pcap.h>

#include <rte_bpf.h>
#include <rte_malloc.h>

#define SNAP_BYTES 262144

struct filter {
    struct bpf_program program;
    struct rte_bpf *bpf; // NULL: the interpreter
    struct rte_bpf_jit jit;
};

static int compile(const char *expr, struct bpf_program *program, char *err, size_t err_bytes)
{
    pcap_t *dead = pcap_open_dead(DLT_EN10MB, SNAP_BYTES);

    if (!dead) {
        snprintf(err, err_bytes, "libpcap: out of memory");
        return -ENOMEM;
    }
    int rc = pcap_compile(dead, program, expr, 1, PCAP_NETMASK_UNKNOWN);
    if (rc < 0)
        snprintf(err, err_bytes, "%s", pcap_geterr(dead));
    pcap_close(dead);
    return rc < 0 ? -EINVAL : 0;
}

// Native code is a gain, not a need: without it (a program that rte_bpf refuses, a machine
// without JIT) the interpreter runs.
static void make_native(struct filter *f)
{
    struct rte_bpf_prm *prm = rte_bpf_convert(&f->program);

    if (!prm)
        return;
    f->bpf = rte_bpf_load(prm);
    rte_free(prm);
    if (f->bpf && (rte_bpf_get_jit(f->bpf, &f->jit) < 0 || !f->jit.func)) {
        rte_bpf_destroy(f->bpf);
        f->bpf = NULL;
    }
}

struct filter *filter_new(const char *expr, char *err, size_t err_bytes)
{
    struct filter *f = calloc(1, sizeof *f);

    if (!f || compile(expr, &f->program, err, err_bytes) < 0) {
        free(f);
        return NULL;
    }
    make_native(f);
    return f;
}

void filter_free(struct filter *f)
{
    if (!f)
        return;
    if (f->bpf)
        rte_bpf_destroy(f->bpf);
    pcap_freecode(&f->program);
    free(f);
}

int filter_check(const char *expr, char *err, size_t err_bytes)
{
    struct bpf_program program;
    int rc = compile(expr, &program, err, err_bytes);

    if (rc == 0)
        pcap_freecode(&program);
    return rc < 0 ? -EINVAL : 0;
}

bool filter_takes(const struct filter *f, const uint8_t *bytes, uint32_t cap_len, uint32_t wire_len)
{
    return bpf_filter(f->program.bf_insns, bytes, wire_len, cap_len) != 0;
}

bool filter_takes_mbuf(const struct filter *f, struct rte_mbuf *m, const uint8_t *bytes,
                       uint32_t len)
{
    return f->bpf ? f->jit.func(m) != 0 : filter_takes(f, bytes, len, len);
}

bool filter_is_native(const struct filter *f)
{
    return f->bpf != NULL;
}

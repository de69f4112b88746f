#include "dpdk-app/filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <pcap/pcap.h>

#include <rte_bpf.h>
#include <rte_ether.h>
#include <rte_malloc.h>

#include "base/bytes.h"

#define SNAP_BYTES 262144

#define ETHER_BYTES   14u
#define ETHER_TYPE_AT 12u

// What the filter says to a whole Ethernet header, whatever comes behind it.
enum verdict { VERDICT_OPEN, VERDICT_NO, VERDICT_YES };

struct filter {
    struct bpf_program program;
    struct rte_bpf *bpf; // NULL: the interpreter
    struct rte_bpf_jit jit;
    enum verdict ip4, ip6; // by EtherType alone
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

// ---- native code -----------------------------------------------------------------------------
//
// The converter and the compiler of DPDK 22.11 have their faults, found by running random programs
// through them and through bpf_filter. What comes out wrong, or crashes, is left to the
// interpreter: tests of few bits (`tcp[13] & 2 != 0`), division by a register, shifts by one,
// negation, and the scratch memory. Native code is a gain, not a need.

// A test of a mask that fits into a signed byte is compiled to an instruction that does not exist.
static bool mask_is_safe(uint32_t k)
{
    return k > INT8_MAX && k < (uint32_t)INT8_MIN;
}

static bool is_sound(const struct bpf_insn *i)
{
    switch (i->code) {
    case BPF_LD | BPF_W | BPF_ABS:
    case BPF_LD | BPF_H | BPF_ABS:
    case BPF_LD | BPF_B | BPF_ABS:
    case BPF_LD | BPF_W | BPF_IND:
    case BPF_LD | BPF_H | BPF_IND:
    case BPF_LD | BPF_B | BPF_IND:
    case BPF_LD | BPF_IMM:
    case BPF_LD | BPF_W | BPF_LEN:
    case BPF_LDX | BPF_IMM:
    case BPF_LDX | BPF_W | BPF_LEN:
    case BPF_LDX | BPF_MSH | BPF_B:
    case BPF_ALU | BPF_ADD | BPF_K:
    case BPF_ALU | BPF_SUB | BPF_K:
    case BPF_ALU | BPF_MUL | BPF_K:
    case BPF_ALU | BPF_OR | BPF_K:
    case BPF_ALU | BPF_AND | BPF_K:
    case BPF_ALU | BPF_LSH | BPF_K:
    case BPF_ALU | BPF_RSH | BPF_K:
    case BPF_ALU | BPF_ADD | BPF_X:
    case BPF_ALU | BPF_SUB | BPF_X:
    case BPF_ALU | BPF_OR | BPF_X:
    case BPF_ALU | BPF_AND | BPF_X:
    case BPF_JMP | BPF_JA:
    case BPF_JMP | BPF_JEQ | BPF_K:
    case BPF_JMP | BPF_JGT | BPF_K:
    case BPF_JMP | BPF_JGE | BPF_K:
    case BPF_JMP | BPF_JEQ | BPF_X:
    case BPF_JMP | BPF_JGT | BPF_X:
    case BPF_JMP | BPF_JGE | BPF_X:
    case BPF_MISC | BPF_TAX:
    case BPF_MISC | BPF_TXA:
    case BPF_RET | BPF_K: return true;
    case BPF_JMP | BPF_JSET | BPF_K: return mask_is_safe(i->k);
    default: return false;
    }
}

// Loads of one and four bytes relative to X are converted without their register.
static void mend(const struct rte_bpf_prm *prm)
{
    struct ebpf_insn *ins = (struct ebpf_insn *)(uintptr_t)prm->ins; // our own copy

    for (uint32_t i = 0; i < prm->nb_ins; i++)
        if (BPF_CLASS(ins[i].code) == BPF_LD && BPF_MODE(ins[i].code) == BPF_IND)
            ins[i].src_reg = EBPF_REG_7; // X
}

static void make_native(struct filter *f)
{
    for (uint32_t i = 0; i < f->program.bf_len; i++)
        if (!is_sound(&f->program.bf_insns[i]))
            return;
    struct rte_bpf_prm *prm = rte_bpf_convert(&f->program);
    if (!prm)
        return;
    mend(prm);
    f->bpf = rte_bpf_load(prm);
    rte_free(prm);
    if (f->bpf && (rte_bpf_get_jit(f->bpf, &f->jit) < 0 || !f->jit.func)) {
        rte_bpf_destroy(f->bpf);
        f->bpf = NULL;
    }
}

// ---- by EtherType ----------------------------------------------------------------------------
//
// A program that reads nothing but the EtherType (`ip or ip6`, `not arp`) says the same to all
// packets of a type, and is asked once: 1 ns instead of 5.

static bool reads_type_alone(const struct bpf_program *p)
{
    for (uint32_t i = 0; i < p->bf_len; i++) {
        const struct bpf_insn *in = &p->bf_insns[i];
        bool loads_type = in->code == (BPF_LD | BPF_H | BPF_ABS) && in->k == ETHER_TYPE_AT;

        if (!loads_type && BPF_CLASS(in->code) != BPF_JMP && in->code != (BPF_RET | BPF_K))
            return false;
    }
    return true;
}

static enum verdict verdict_of(const struct filter *f, uint16_t ether_type)
{
    const uint8_t header[ETHER_BYTES] = {[ETHER_TYPE_AT] = (uint8_t)(ether_type >> 8),
                                         [ETHER_TYPE_AT + 1] = (uint8_t)ether_type};

    if (!reads_type_alone(&f->program))
        return VERDICT_OPEN;
    return filter_takes(f, header, sizeof header, sizeof header) ? VERDICT_YES : VERDICT_NO;
}

static inline enum verdict known_verdict(const struct filter *f, const uint8_t *bytes, uint32_t len)
{
    if (f->ip4 == VERDICT_OPEN || len < ETHER_BYTES)
        return VERDICT_OPEN;
    uint16_t type = load_be16(bytes + ETHER_TYPE_AT);
    return type == RTE_ETHER_TYPE_IPV4   ? f->ip4
           : type == RTE_ETHER_TYPE_IPV6 ? f->ip6
                                         : VERDICT_OPEN;
}

struct filter *filter_new(const char *expr, char *err, size_t err_bytes)
{
    struct filter *f = calloc(1, sizeof *f);

    if (!f || compile(expr, &f->program, err, err_bytes) < 0) {
        free(f);
        return NULL;
    }
    make_native(f);
    f->ip4 = verdict_of(f, RTE_ETHER_TYPE_IPV4);
    f->ip6 = verdict_of(f, RTE_ETHER_TYPE_IPV6);
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
    enum verdict known = known_verdict(f, bytes, len);

    if (known != VERDICT_OPEN)
        return known == VERDICT_YES;
    return f->bpf ? f->jit.func(m) != 0 : filter_takes(f, bytes, len, len);
}

bool filter_takes_ip4(const struct filter *f)
{
    return f->ip4 == VERDICT_YES;
}

bool filter_is_native(const struct filter *f)
{
    return f->bpf != NULL;
}

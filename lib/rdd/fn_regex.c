#define PCRE2_CODE_UNIT_WIDTH 8
#include <errno.h>
#include <pcre2.h>
#include <stdio.h>

#include "rdd/fn.h"

/*
 * Regular expressions, by pcre2: compiled once, to machine code. They see bytes, not characters. A
 * match that takes too many steps or too much stack fails its row: no record may stop an lcore.
 *
 * The interpreter counts steps in another way than machine code does, so which rows fail would
 * depend on which of the two a machine uses. Therefore a system that does not allow machine code
 * to be made is refused; an expression that has none on any machine is interpreted on all.
 *
 * A compiled expression is shared by all lcores and never written. What a match writes is the
 * thread's own: one small piece of memory that a thread has from its start, so that no match
 * allocates and no two lcores meet.
 */

#define REGEX_STEPS_MAX 100000u
#define GROUPS_MAX      16u

/* The interpreter keeps its frames here too. */
#define MATCH_BYTES 65536u

struct regex {
    pcre2_code *code;
    pcre2_match_context *limits;
    bool jit;
    uint32_t group; /* capture: which one */
};

static _Thread_local _Alignas(64) uint8_t match_memory[MATCH_BYTES];
static _Thread_local size_t match_used;
static _Thread_local pcre2_match_data *match_data;

static void *match_alloc(size_t bytes, void *ctx)
{
    size_t need = (bytes + 63) & ~(size_t)63;

    (void)ctx;
    if (need > MATCH_BYTES - match_used)
        return NULL;
    match_used += need;
    return match_memory + match_used - need;
}

static void match_free(void *p, void *ctx)
{
    (void)p;
    (void)ctx;
}

/* The match data of this thread; made at its first match. NULL cannot happen: it is small. */
static pcre2_match_data *thread_match_data(void)
{
    if (!match_data) {
        pcre2_general_context *memory = pcre2_general_context_create(match_alloc, match_free, NULL);
        match_data = pcre2_match_data_create(GROUPS_MAX, memory);
    }
    return match_data;
}

/* Can machine code be made here? */
static bool has_machine_code(void)
{
    int code;
    PCRE2_SIZE at;
    pcre2_code *any = pcre2_compile((PCRE2_SPTR) "a", 1, PCRE2_NEVER_UTF, &code, &at, NULL);
    bool has = any && pcre2_jit_compile(any, PCRE2_JIT_COMPLETE) == 0;

    pcre2_code_free(any);
    return has;
}

int fn_prepare_regex(struct expr *call, struct zone *z, char *err, size_t err_bytes)
{
    const struct expr *lit = call->arg[1];
    struct regex *re = zone_alloc(z, sizeof *re);
    uint32_t groups_cnt = 0;
    PCRE2_UCHAR why[128];
    PCRE2_SIZE at;
    int code;

    if (call->args_cnt == 3) {
        const struct expr *group = call->arg[2];
        if (group->op != EXPR_LIT || group->lit.i < 0 || group->lit.i >= GROUPS_MAX) {
            snprintf(err, err_bytes, "the group of capture is a number from 0 to %u, as a literal",
                     GROUPS_MAX - 1);
            return -EINVAL;
        }
        re->group = (uint32_t)group->lit.i;
    }
    re->code =
        pcre2_compile((PCRE2_SPTR)lit->lit.s, lit->lit.s_len, PCRE2_NEVER_UTF, &code, &at, NULL);
    if (!re->code) {
        pcre2_get_error_message(code, why, sizeof why);
        snprintf(err, err_bytes, "in the regular expression, at its byte %zu: %s", at, (char *)why);
        return -EINVAL;
    }
    call->prepared = re;
    pcre2_pattern_info(re->code, PCRE2_INFO_CAPTURECOUNT, &groups_cnt);
    if (re->group > groups_cnt) {
        snprintf(err, err_bytes, "the regular expression has %u groups, not %u", groups_cnt,
                 re->group);
        fn_release_regex(call);
        call->prepared = NULL;
        return -EINVAL;
    }
    re->jit = pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE) == 0;
    if (!re->jit && !has_machine_code()) {
        snprintf(err, err_bytes,
                 "this system does not let programs make machine code (memory that "
                 "is written and then executed), which regular expressions need");
        fn_release_regex(call);
        call->prepared = NULL;
        return -ENOTSUP;
    }
    re->limits = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(re->limits, REGEX_STEPS_MAX);
    return 0;
}

void fn_release_regex(struct expr *call)
{
    struct regex *re = call->prepared;

    pcre2_match_context_free(re->limits);
    pcre2_code_free(re->code);
}

/* > 0: a match; 0: none; < 0: given up. */
static int regex_match(const struct regex *re, pcre2_match_data *match, const uint8_t *s,
                       uint32_t len)
{
    int rc = re->jit ? pcre2_jit_match(re->code, s, len, 0, 0, match, re->limits)
                     : pcre2_match(re->code, s, len, 0, 0, match, re->limits);

    if (rc == PCRE2_ERROR_NOMATCH)
        return 0;
    /* 0: more groups than the match data keeps, which is no concern. */
    return rc < 0 ? -1 : 1;
}

void fn_matches(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    const struct regex *re = call->prepared;
    pcre2_match_data *match = thread_match_data();

    EACH_ROW(ev, r, {
        int rc = regex_match(re, match, col_str(&arg[0], r), arg[0].s.len[r]);
        out->i[r] = rc > 0;
        if (rc < 0)
            eval_fail(ev, r);
    });
}

void fn_capture(struct eval *ev, const struct expr *call, const struct col *arg, struct col *out)
{
    const struct regex *re = call->prepared;
    pcre2_match_data *match = thread_match_data();
    const PCRE2_SIZE *place = pcre2_get_ovector_pointer(match) + 2 * (size_t)re->group;

    out->s.base = arg[0].s.base;
    EACH_ROW(ev, r, {
        int rc = regex_match(re, match, col_str(&arg[0], r), arg[0].s.len[r]);
        if (rc <= 0) {
            eval_fail_string(ev, out, r);
        } else {
            bool took_part = place[0] != PCRE2_UNSET && place[1] > place[0];
            out->s.off[r] = arg[0].s.off[r] + (took_part ? (uint32_t)place[0] : 0);
            out->s.len[r] = took_part ? (uint32_t)(place[1] - place[0]) : 0;
        }
    });
}

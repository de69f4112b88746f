#include <cpuid.h>
#include <errno.h>
#include <string.h>

#include "base/simd.h"

enum simd_level simd_level = SIMD_SCALAR;

static const char *const level_name[] = {
    [SIMD_SCALAR] = "scalar",
    [SIMD_AVX2] = "avx2",
    [SIMD_AVX512] = "avx512",
    [SIMD_AUTO] = "auto",
};

/* Not every compiler's __builtin_cpu_supports knows this one. */
static int has_vaes(void)
{
    unsigned a, b, c, d;

    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && c & bit_VAES;
}

static enum simd_level widest(void)
{
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi2") && has_vaes())
        return SIMD_AVX512;
    return __builtin_cpu_supports("avx2") ? SIMD_AVX2 : SIMD_SCALAR;
}

int simd_init(enum simd_level want)
{
    if (want == SIMD_AUTO)
        want = widest();
    if (want > widest())
        return -ENOTSUP;
    simd_level = want;
    return 0;
}

const char *simd_level_name(enum simd_level level)
{
    return level_name[level];
}

int simd_level_parse(const char *name, enum simd_level *level)
{
    for (int i = SIMD_SCALAR; i <= SIMD_AUTO; i++)
        if (!strcmp(name, level_name[i])) {
            *level = (enum simd_level)i;
            return 0;
        }
    return -EINVAL;
}

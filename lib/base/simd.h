/*
 * Which width of SIMD the kernels use. Chosen once at start, before any lcore runs; every
 * kernel that has several forms looks here. Each form gives the same bytes as the scalar one:
 * tests hold them to it.
 *
 * "avx512" means F, BW, CD, DQ, VL, VBMI2 and VAES (Ice Lake, Zen 4 and later). Tests may change
 * the level between runs.
 */
#ifndef BASE_SIMD_H
#define BASE_SIMD_H

enum simd_level {
    SIMD_SCALAR,
    SIMD_AVX2,
    SIMD_AVX512,
    SIMD_AUTO, /* for simd_init only: the widest that the CPU has */
};

extern enum simd_level simd_level;

/* simd_init sets simd_level. Returns 0, or -ENOTSUP (and changes nothing) when the CPU does not
 * have the level that was asked for. */
int simd_init(enum simd_level want);
const char *simd_level_name(enum simd_level level);
/* simd_level_parse: "scalar", "avx2", "avx512", "auto"; returns 0 or -EINVAL. */
int simd_level_parse(const char *name, enum simd_level *level);

#endif

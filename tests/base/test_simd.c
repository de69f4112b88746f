#include "base/simd.h"
#include "tests/test.h"

#include <errno.h>

TEST(simd, levels_have_names)
{
    for (int i = SIMD_SCALAR; i <= SIMD_AUTO; i++) {
        enum simd_level level = SIMD_SCALAR;
        EXPECT_EQ_INT(simd_level_parse(simd_level_name((enum simd_level)i), &level), 0);
        EXPECT_EQ_INT(level, i);
    }
    enum simd_level level;
    EXPECT_EQ_INT(simd_level_parse("sse9", &level), -EINVAL);
    EXPECT_EQ_INT(simd_init(SIMD_AUTO), 0);
    EXPECT(simd_level < SIMD_AUTO);
    EXPECT_EQ_INT(simd_init(SIMD_SCALAR), 0);
}

// A column compared with a literal: strings that have it, some of it, or more than it, wherever
// they lie, up to the last byte of the last page.

#include <string.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "rdd/fn_literal.h"
#include "tests/rdd/expr_harness.h"

#define PAGE 4096u
#define ROWS 300u

struct fixture {
    struct prng prng;
    uint8_t *page; // two that may be read, between two that may not
    uint32_t off[ROWS], len[ROWS];
    uint16_t sel[ROWS];
    int64_t hit[ROWS];
};

static const char literal[] = "thermometers";

// Rows are cuts of texts of the literal over and over, so that many begin with it.
static void draw(struct fixture *f, uint32_t n)
{
    for (uint32_t i = 0; i < 2 * PAGE; i++)
        f->page[i] = (uint8_t)literal[i % 24 < 12 ? i % 12 : i % 12 / 2];
    memcpy(f->page + 2 * PAGE - n, literal, n);
    for (uint32_t i = 0; i < ROWS; i++) {
        f->len[i] = (uint32_t)(prng_chance(&f->prng, 40) ? n : prng_below(&f->prng, 20));
        f->off[i] = prng_chance(&f->prng, 5)
                        ? 2 * PAGE - f->len[i]
                        : (uint32_t)prng_below(&f->prng, 2 * PAGE - 20) / 12 * 12;
    }
}

static void check(struct fixture *f, uint32_t n, bool whole, bool some)
{
    uint32_t zero[1] = {0}, y_len[1] = {n}, cnt = ROWS;
    const uint16_t *sel = some ? sel_random(&f->prng, ROWS, f->sel, &cnt) : NULL;
    struct col arg[2] = {{.kind = TYPE_STRING, .s = {f->page, f->off, f->len}},
                         {.kind = TYPE_STRING, .s = {(const uint8_t *)literal, zero, y_len}}};
    struct col out = {.kind = TYPE_BOOL, .i = f->hit};
    struct eval ev = {.rows = ROWS, .sel = sel, .sel_cnt = cnt};

    literal_compare(&ev, arg, &out, whole);
    for (uint32_t i = 0; i < cnt; i++) {
        uint32_t r = sel ? sel[i] : i;
        bool fits = whole ? f->len[r] == n : f->len[r] >= n;
        EXPECT_EQ_INT(f->hit[r], fits && !memcmp(f->page + f->off[r], literal, n));
    }
}

TEST(fn_literal, is_found_where_it_is)
{
    static struct fixture f;

    f.prng = prng_of(prng_seed(1));
    f.page = mmap(NULL, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MR_ASSERT(f.page != MAP_FAILED && !mprotect(f.page + PAGE, 2 * PAGE, PROT_READ | PROT_WRITE));
    f.page += PAGE;
    for (uint32_t n = 0; n <= 12; n++)
        for (uint32_t k = 0; k < 20; k++) {
            draw(&f, n);
            check(&f, n, k % 2, k % 5 == 0);
        }
    munmap(f.page - PAGE, 4 * PAGE);
}

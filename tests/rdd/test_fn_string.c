#include "tests/rdd/expr_harness.h"

#include <string.h>

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= 9 && c <= 13);
}

static bool found_at(const struct val *s, const struct val *x, uint32_t at)
{
    return at + x->len <= s->len && (x->len == 0 || memcmp(s->s + at, x->s, x->len) == 0);
}

static int64_t index_of(const struct val *s, const struct val *x, uint32_t from)
{
    for (uint32_t i = from; i + x->len <= s->len; i++)
        if (found_at(s, x, i))
            return i;
    return -1;
}

static struct val list_new(struct zone *z, uint32_t elems_max)
{
    return (struct val){.kind = TYPE_LIST, .elem = zone_alloc(z, elems_max * sizeof(struct val))};
}

static void list_add(struct val *list, const uint8_t *s, uint32_t len)
{
    list->elem[list->elems_cnt++] = val_bytes(s, len);
}

#define REF(name) static bool ref_##name(const struct val *arg, struct val *out, struct zone *z)

REF(split)
{
    const uint8_t *s = arg[0].s;

    *out = list_new(z, arg[0].len + 1);
    for (uint32_t i = 0; i < arg[0].len;) {
        uint32_t from = i;
        while (i < arg[0].len && !is_space(s[i]))
            i++;
        if (i > from)
            list_add(out, s + from, i - from);
        i++;
    }
    return true;
}

REF(split_by)
{
    uint32_t from = 0;
    int64_t at;

    if (arg[1].len == 0)
        return false;
    *out = list_new(z, arg[0].len + 1);
    while ((at = index_of(&arg[0], &arg[1], from)) >= 0) {
        list_add(out, arg[0].s + from, (uint32_t)at - from);
        from = (uint32_t)at + arg[1].len;
    }
    list_add(out, arg[0].s + from, arg[0].len - from);
    return true;
}

TEST(fn_string, split)
{
    for (int i = 0; i < 4; i++) {
        check_fn("split", FN_CALL, (struct arg[]){{gen_text, 0}, {NULL, 0}}, ref_split);
        check_fn("split", FN_CALL, (struct arg[]){{gen_short, 0}, {NULL, 0}}, ref_split);
        check_fn("split", FN_CALL, (struct arg[]){{gen_text, 0}, {gen_short, 2}, {NULL, 0}},
                 ref_split_by);
        check_fn("split", FN_CALL, (struct arg[]){{gen_short, 0}, {gen_short, 2}, {NULL, 0}},
                 ref_split_by);
    }
}

REF(contains)
{
    (void)z;
    *out = val_bool(index_of(&arg[0], &arg[1], 0) >= 0);
    return true;
}

REF(index_of)
{
    (void)z;
    *out = val_int(index_of(&arg[0], &arg[1], 0));
    return true;
}

REF(starts_with)
{
    (void)z;
    *out = val_bool(found_at(&arg[0], &arg[1], 0));
    return true;
}

REF(ends_with)
{
    (void)z;
    *out =
        val_bool(arg[1].len <= arg[0].len && found_at(&arg[0], &arg[1], arg[0].len - arg[1].len));
    return true;
}

TEST(fn_string, search)
{
    static const struct arg texts[] = {{gen_text, 2}, {gen_short, 2}, {NULL, 0}};
    static const struct arg shorts[] = {{gen_short, 2}, {gen_short, 2}, {NULL, 0}};

    for (int i = 0; i < 4; i++) {
        check_fn("contains", FN_CALL, i % 2 ? texts : shorts, ref_contains);
        check_fn("indexOf", FN_CALL, i % 2 ? texts : shorts, ref_index_of);
        check_fn("startsWith", FN_CALL, i % 2 ? texts : shorts, ref_starts_with);
        check_fn("endsWith", FN_CALL, i % 2 ? texts : shorts, ref_ends_with);
    }
}

static struct val mapped(const struct val *v, struct zone *z, uint8_t low, uint8_t high, int add)
{
    uint8_t *s = zone_alloc(z, v->len + 1);

    for (uint32_t i = 0; i < v->len; i++)
        s[i] = v->s[i] >= low && v->s[i] <= high ? (uint8_t)(v->s[i] + add) : v->s[i];
    return val_bytes(s, v->len);
}

REF(lower)
{
    *out = mapped(&arg[0], z, 'A', 'Z', 32);
    return true;
}

REF(upper)
{
    *out = mapped(&arg[0], z, 'a', 'z', -32);
    return true;
}

REF(trim)
{
    uint32_t from = 0, to = arg[0].len;

    (void)z;
    while (from < to && is_space(arg[0].s[from]))
        from++;
    while (to > from && is_space(arg[0].s[to - 1]))
        to--;
    *out = val_bytes(arg[0].s + from, to - from);
    return true;
}

REF(length)
{
    (void)z;
    *out = val_int(arg[0].len);
    return true;
}

REF(concat)
{
    uint8_t *s = zone_alloc(z, arg[0].len + arg[1].len + 1);

    memcpy(s, arg[0].s, arg[0].len);
    memcpy(s + arg[0].len, arg[1].s, arg[1].len);
    *out = val_bytes(s, arg[0].len + arg[1].len);
    return true;
}

REF(replace)
{
    uint8_t *s = zone_alloc(z, (arg[0].len + 1) * (arg[2].len + 1));
    uint32_t n = 0;

    for (uint32_t i = 0; i < arg[0].len;) {
        if (arg[1].len && found_at(&arg[0], &arg[1], i)) {
            memcpy(s + n, arg[2].s, arg[2].len);
            n += arg[2].len;
            i += arg[1].len;
        } else {
            s[n++] = arg[0].s[i++];
        }
    }
    *out = val_bytes(s, n);
    return true;
}

static bool substr(const struct val *s, __int128 from, __int128 to, struct val *out)
{
    from = from < 0 ? 0 : from > s->len ? s->len : from;
    to = to > s->len ? s->len : to < from ? from : to;
    *out = val_bytes(s->s + (uint32_t)from, (uint32_t)(to - from));
    return true;
}

REF(substr)
{
    (void)z;
    return substr(&arg[0], arg[1].i, (__int128)1 << 100, out);
}

REF(substr_len)
{
    (void)z;
    return substr(&arg[0], arg[1].i, (__int128)arg[1].i + arg[2].i, out);
}

TEST(fn_string, strings_from_strings)
{
    static const struct arg text[] = {{gen_text, 2}, {NULL, 0}};
    static const struct arg two[] = {{gen_text, 2}, {gen_short, 2}, {NULL, 0}};
    static const struct arg three[] = {{gen_text, 2}, {gen_short, 2}, {gen_short, 2}, {NULL, 0}};

    check_fn("lower", FN_CALL, text, ref_lower);
    check_fn("upper", FN_CALL, text, ref_upper);
    check_fn("trim", FN_CALL, text, ref_trim);
    check_fn("length", FN_CALL, text, ref_length);
    check_fn("+", FN_INFIX, two, ref_concat);
    check_fn("replace", FN_CALL, three, ref_replace);
}

TEST(fn_string, substr_clips)
{
    check_fn("substr", FN_CALL, (struct arg[]){{gen_text, 2}, {gen_small_int, 2}, {NULL, 0}},
             ref_substr);
    check_fn("substr", FN_CALL,
             (struct arg[]){{gen_text, 2}, {gen_small_int, 2}, {gen_small_int, 2}, {NULL, 0}},
             ref_substr_len);
    check_fn("substr", FN_CALL,
             (struct arg[]){{gen_text, 2}, {gen_int, 2}, {gen_int, 2}, {NULL, 0}}, ref_substr_len);
}

// Lists are made by split: each function is asked about the parts of a text.
static bool eval_on_text(struct zone *z, struct arena *a, struct expr *body, const char *text,
                         struct val *out)
{
    struct lambda l = {.params_cnt = 1, .leaves_cnt = 1, .leaf = &body};
    uint32_t off = 0, len = (uint32_t)strlen(text);
    struct col col = {.kind = TYPE_STRING, .s = {(const uint8_t *)text, &off, &len}}, result;
    struct vec in = {.rows = 1, .cols_cnt = 1, .col = &col, .sel_cnt = 1};
    uint8_t failed = 0;
    struct eval ev = {.arena = a, .failed = &failed};
    struct place at;
    char err[128];

    EXPECT_EQ_INT(lambda_finish(&l, z, &at, err, sizeof err), 0);
    lambda_eval(&ev, &l, &in, &result);
    *out = val_of(&result, 0, z);
    return !failed;
}

TEST(fn_string, lists)
{
    static const struct {
        const char *text, *fn, *arg;
        int64_t number;
        const char *want; // NULL: fails
    } cases[] = {
        {"a bc  d", "size", NULL, 0, "3"},
        {" ", "size", NULL, 0, "0"},
        {"a bc  d", "at", NULL, 0, "'a'"},
        {"a bc  d", "at", NULL, 2, "'d'"},
        {"a bc  d", "at", NULL, -1, "'d'"},
        {"a bc  d", "at", NULL, -3, "'a'"},
        {"a bc  d", "at", NULL, 3, NULL},
        {"a bc  d", "at", NULL, -4, NULL},
        {"", "at", NULL, 0, NULL},
        {"a bc  d", "contains", "bc", 0, "1"},
        {"a bc  d", "contains", "b", 0, "0"},
        {"a bc  d", "contains", "", 0, "0"},
        {"", "contains", "x", 0, "0"},
    };
    void *memory = aligned_alloc(ARENA_ALIGN, 1 << 16);
    struct zone z = {0};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena a;
        struct expr *s = expr_col(&z, &type_string, 0), *arg[2];
        struct val got;
        arena_init(&a, memory, 1 << 16);
        arg[0] = expr_call(&z, "split", FN_CALL, 1, &s);
        arg[1] = cases[i].arg ? expr_string(&z, cases[i].arg, (uint32_t)strlen(cases[i].arg))
                              : expr_int(&z, cases[i].number);
        struct expr *e = expr_call(&z, cases[i].fn, FN_CALL, cases[i].fn[0] == 's' ? 1 : 2, arg);
        REQUIRE(e != NULL);
        bool good = eval_on_text(&z, &a, e, cases[i].text, &got);
        EXPECT_EQ_INT(good, cases[i].want != NULL);
        if (good && cases[i].want)
            EXPECT_EQ_STR(val_text(&got), cases[i].want);
    }
    zone_free(&z);
    free(memory);
}

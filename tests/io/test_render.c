#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/render.h"
#include "tests/io/make_rdd.h"
#include "tests/test.h"

// One row rendered in all ways.
struct rendered {
    char json[512], csv[512], header[256], key[256], value[256];
};

static void keep(char *to, size_t bytes, struct strbuf *b)
{
    size_t n = b->len < bytes ? b->len : bytes - 1;

    memcpy(to, b->s ? b->s : "", n);
    to[n] = '\0';
    strbuf_clear(b);
}

static void render_one(struct rendered *r, const struct out_stream *s, uint64_t interval,
                       bool complete, const struct strbuf *key, const struct strbuf *value)
{
    struct make_rdd m;
    struct render render = {0};
    struct strbuf out = {0};

    memset(r, 0, sizeof *r);
    make_rdd(&m, s, interval);
    m.rdd.complete = complete;
    make_block(&m);
    make_row(&m, 0, 0, key, value);
    const struct row_hdr *row = (const struct row_hdr *)m.block[0].base;
    render_csv_header(&out, s);
    keep(r->header, sizeof r->header, &out);
    render_csv_begin(&render, &m.rdd);
    render_csv(&render, &out, row);
    keep(r->csv, sizeof r->csv, &out);
    render_json_begin(&render, &m.rdd);
    render_json(&render, &out, row);
    keep(r->json, sizeof r->json, &out);
    if (s->key) {
        render_key_cell(&render, &out, row);
        keep(r->key, sizeof r->key, &out);
    }
    render_value_cell(&render, &out, row);
    keep(r->value, sizeof r->value, &out);
    render_release(&render);
    strbuf_release(&out);
    make_release(&m);
}

TEST(render, the_row_of_the_manual)
{
    struct strbuf key = {0}, value = {0};
    struct rendered r;

    enc_put_whole(&key, "the", 3);
    enc_put_int(&value, 123);
    render_one(&r, &make_counts, 1795132801, true, &key, &value);
    EXPECT_EQ_STR(r.json, "{\"interval\": 1795132801, \"end\": \"2026-11-20T00:00:02Z\", "
                          "\"stream\": \"counts\", \"key\": \"the\", \"value\": 123}\n");
    EXPECT_EQ_STR(r.header, "interval,end,stream,key,value,complete\r\n");
    EXPECT_EQ_STR(r.csv, "1795132801,2026-11-20T00:00:02Z,counts,the,123,true\r\n");
    EXPECT_EQ_STR(r.key, "the");
    EXPECT_EQ_STR(r.value, "123");

    render_one(&r, &make_counts, 0, false, &key, &value);
    EXPECT_EQ_STR(r.json, "{\"interval\": 0, \"end\": \"1970-01-01T00:00:01Z\", "
                          "\"stream\": \"counts\", \"key\": \"the\", \"value\": 123, "
                          "\"complete\": false}\n");
    EXPECT_EQ_STR(r.csv, "0,1970-01-01T00:00:01Z,counts,the,123,false\r\n");
    strbuf_release(&key);
    strbuf_release(&value);
}

TEST(render, the_end_has_the_digits_of_the_interval)
{
    static const struct {
        uint64_t interval_ns, interval;
        const char *end;
    } table[] = {
        {500000000, 1, "\"1970-01-01T00:00:01.0Z\""},
        {500000000, 2, "\"1970-01-01T00:00:01.5Z\""},
        {1000000, 1795132801999, "\"2026-11-20T00:00:02.000Z\""},
        {60000000000, 0, "\"1970-01-01T00:01:00Z\""},
    };
    struct strbuf value = {0};

    enc_put_int(&value, 1);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct out_stream s = make_counts;
        struct rendered r;
        s.key = NULL;
        s.interval_ns = table[i].interval_ns;
        render_one(&r, &s, table[i].interval, true, NULL, &value);
        EXPECT_HAS_STR(r.json, table[i].end);
    }
    strbuf_release(&value);
}

// Scalars, as the value of a row that is no pair.
TEST(render, scalars)
{
    static const uint8_t v4[16] = {[10] = 0xff, 0xff, 192, 0, 2, 1};
    struct {
        const struct type *type;
        struct strbuf enc;
        const char *json, *csv, *cell;
    } table[] = {
        {&type_int, {0}, "-7", "-7", "-7"},
        {&type_float, {0}, "2.5", "2.5", "2.5"},
        {&type_float, {0}, "-2.5", "-2.5", "-2.5"},
        {&type_float, {0}, "\"NaN\"", "NaN", "NaN"},
        {&type_float, {0}, "\"-Infinity\"", "-Infinity", "-Infinity"},
        {&type_bool, {0}, "true", "true", "true"},
        {&type_bool, {0}, "false", "false", "false"},
        {&type_string, {0}, "\"a \\\"b\\\"\\n\"", "\"a \"\"b\"\"\n\"", "a \"b\"\\n"},
        {&type_string, {0}, "\"\"", "", ""},
        {&type_time,
         {0},
         "\"1970-01-01T00:00:01.25Z\"",
         "1970-01-01T00:00:01.25Z",
         "1970-01-01T00:00:01.25Z"},
        {&type_ip, {0}, "\"192.0.2.1\"", "192.0.2.1", "192.0.2.1"},
    };

    enc_put_int(&table[0].enc, -7);
    enc_put_float(&table[1].enc, 2.5);
    enc_put_float(&table[2].enc, -2.5);
    enc_put_float(&table[3].enc, NAN);
    enc_put_float(&table[4].enc, -INFINITY);
    enc_put_bool(&table[5].enc, 1);
    enc_put_bool(&table[6].enc, 0);
    enc_put_whole(&table[7].enc, "a \"b\"\n", 6);
    enc_put_int(&table[9].enc, 1250000000);
    enc_put_ip(&table[10].enc, v4);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct out_stream s = make_counts;
        struct rendered r;
        char want[256];
        s.key = NULL;
        s.value = s.type = table[i].type;
        render_one(&r, &s, 0, true, NULL, &table[i].enc);
        snprintf(want, sizeof want,
                 "{\"interval\": 0, \"end\": \"1970-01-01T00:00:01Z\", \"stream\": \"counts\", "
                 "\"value\": %s}\n",
                 table[i].json);
        EXPECT_EQ_STR(r.json, want);
        snprintf(want, sizeof want, "0,1970-01-01T00:00:01Z,counts,%s,true\r\n", table[i].csv);
        EXPECT_EQ_STR(r.csv, want);
        EXPECT_EQ_STR(r.value, table[i].cell);
        strbuf_release(&table[i].enc);
    }
}

TEST(render, tuples_records_and_lists)
{
    struct zone z = {0};
    const struct type *pair =
        type_tuple(&z, (const struct type *const[]){&type_string, &type_ip}, 2);
    const struct type *one = type_record(&z, (const struct type *const[]){&type_string},
                                         (const char *const[]){"line"}, 1);
    const struct type *list = type_list(&z, &type_string);
    const struct type *rec = type_record(&z, (const struct type *const[]){pair, one, list},
                                         (const char *const[]){"who", "what", "tags"}, 3);
    struct out_stream s = make_counts;
    struct strbuf key = {0}, value = {0};
    uint8_t loopback[16] = {[15] = 1};
    struct rendered r;

    s.key = one;
    s.value = rec;
    enc_put_whole(&key, "k", 1);
    enc_put_string(&value, "a\0b", 3);
    enc_put_ip(&value, loopback);
    enc_put_string(&value, "w,h", 3);
    for (int i = 0; i < 2; i++) {
        strbuf_add(&value, "\1", 1);
        enc_put_string(&value, i ? "y\xff" : "x", i ? 2 : 1);
    }
    strbuf_add(&value, "\0", 1);
    render_one(&r, &s, 0, true, &key, &value);
    EXPECT_HAS_STR(r.json, "\"key\": \"k\", \"value\": [[\"a\\u0000b\", \"::1\"], \"w,h\", "
                           "[\"x\", \"y\\udcff\"]]}");
    EXPECT_EQ_STR(r.header,
                  "interval,end,stream,key,value.who._1,value.who._2,value.what,value.tags,"
                  "complete\r\n");
    EXPECT_EQ_STR(r.value, "((a\\u0000b, ::1), w,h, [x, y\\udcff])");
    // the NUL of the string ends what strcmp sees of the CSV line
    EXPECT_EQ_STR(r.csv, "0,1970-01-01T00:00:01Z,counts,k,a");
    EXPECT_EQ_STR(r.csv + strlen(r.csv) + 1,
                  "b,::1,\"w,h\",\"[\"\"x\"\", \"\"y\\udcff\"\"]\",true\r\n");

    strbuf_clear(&value);
    strbuf_add(&value, "\0", 1);
    s.value = list;
    render_one(&r, &s, 0, true, &key, &value);
    EXPECT_HAS_STR(r.json, "\"value\": []}");
    EXPECT_HAS_STR(r.csv, ",k,[],true");
    strbuf_release(&key);
    strbuf_release(&value);
    zone_free(&z);
}

TEST(render, a_stream_name_with_a_tilde)
{
    struct out_stream s = make_counts;
    struct strbuf value = {0};
    struct rendered r;

    s.name = "bytes.reduceByKey.top~2";
    s.key = NULL;
    enc_put_int(&value, 1);
    render_one(&r, &s, 0, true, NULL, &value);
    EXPECT_HAS_STR(r.json, "\"stream\": \"bytes.reduceByKey.top~2\", \"value\": 1}");
    EXPECT_EQ_STR(r.key, "");
    strbuf_release(&value);
}

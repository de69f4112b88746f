#include <stdio.h>
#include <unistd.h>

#include "dpdk-app/plan_print.h"
#include "io/escape.h"
#include "rdd/agg_state.h"

#define MB (1ull << 20)

const char *appliance_default(void)
{
    static const char *const installed = "/etc/millrace/appliance.yaml";

    return access(installed, R_OK) == 0 ? installed : "configs/appliance.yaml";
}

/* 30s, 500ms, 10us: the largest unit that is whole. */
static void put_duration(struct strbuf *out, uint64_t ns)
{
    static const struct {
        uint64_t ns;
        const char *unit;
    } units[] = {{3600000000000, "h"}, {60000000000, "m"}, {1000000000, "s"},
                 {1000000, "ms"},      {1000, "us"},       {1, "ns"}};

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (ns % units[i].ns == 0) {
            strbuf_printf(out, "%llu%s", (unsigned long long)(ns / units[i].ns), units[i].unit);
            return;
        }
}

static void put_streams(const struct job *j, struct strbuf *out)
{
    char type[512];

    strbuf_puts(out, "D-Streams\n");
    for (uint32_t i = 0; i < j->graph.nodes_cnt; i++) {
        const struct dstream *d = j->graph.node[i];
        const char *op = op_table[d->op].name ? op_table[d->op].name : "source";
        if (d->op == OP_OUTPUT) {
            strbuf_printf(out, "  %s -> %s\n", d->parent[0]->name, j->sink[d->sink_idx].name);
            continue;
        }
        type_print(d->type, type, sizeof type);
        strbuf_printf(out, "  %-40s %-22s %s\n", d->name, op, type);
    }
}

static const char *const node_name[] = {
    [PN_MAP] = "map",       [PN_FLAT_MAP] = "flatMap",       [PN_FILTER] = "filter",
    [PN_PASS] = "union",    [PN_WRITE_AGG] = "combine into", [PN_WRITE_ROWS] = "rows into",
    [PN_OUTPUT] = "output",
};

static void put_node(const struct plan *p, const struct pnode *n, int depth, struct strbuf *out)
{
    strbuf_printf(out, "%*s%s", 4 + 2 * depth, "", node_name[n->kind]);
    if (n->exchange)
        strbuf_printf(out, " exchange %u", n->exchange->idx);
    else if (n->kind == PN_OUTPUT)
        strbuf_printf(out, " %s", p->output[n->output].stream.name);
    else if (n->fn && n->fn->text)
        strbuf_printf(out, " %s", n->fn->text);
    strbuf_puts(out, "\n");
    for (uint32_t i = 0; i < n->kids_cnt; i++)
        put_node(p, n->kid[i], depth + 1, out);
}

/* What lets a reader of text pass by most lines. */
static void put_needles(const struct needle_set *set, struct strbuf *out)
{
    strbuf_puts(out, "    makes rows of lines with ");
    for (uint32_t i = 0; i < set->cnt; i++) {
        strbuf_puts(out, i ? " or " : "");
        escape_json(out, set->needle[i].s, set->needle[i].n);
    }
    strbuf_puts(out, ", counts the others\n");
}

static void put_stages(const struct job *j, const struct plan *p, struct strbuf *out)
{
    strbuf_puts(out, "\nStages\n");
    for (uint32_t i = 0; i < p->stages_cnt; i++) {
        const struct stage *s = p->stage[i];
        if (s->from)
            strbuf_printf(out, "  stage %u over exchange %u (%s)\n", i, s->from->idx,
                          s->from->name);
        else
            strbuf_printf(out, "  stage %u over source %s\n", i, j->source[s->source].spec.name);
        if (s->needles.cnt && source_finds(&j->source[s->source].spec))
            put_needles(&s->needles, out);
        if (s->sieve.on && source_sieves(&j->source[s->source].spec, &s->sieve, s->want))
            strbuf_puts(
                out, "    makes rows of records that the first filter keeps, counts the others\n");
        for (uint32_t k = 0; k < s->root->kids_cnt; k++)
            put_node(p, s->root->kid[k], 0, out);
    }
}

static void put_window(const struct exchange *x, uint64_t interval_ns, struct strbuf *out)
{
    if (x->len == WINDOW_FOREVER) {
        strbuf_puts(out, "running");
    } else if (x->len == 1 && x->slide == 1) {
        strbuf_puts(out, "one interval");
    } else {
        strbuf_puts(out, "window ");
        put_duration(out, x->len * interval_ns);
        strbuf_puts(out, " sliding ");
        put_duration(out, x->slide * interval_ns);
        if (x->kind == EX_AGG && x->len > 1)
            strbuf_puts(out, x->inverse ? ", subtracts what leaves" : ", two stacks");
    }
}

static void put_aggregates(const struct exchange *x, struct strbuf *out)
{
    if (x->agg.count_only) {
        strbuf_puts(out, x->value ? ", count" : ", keys");
        return;
    }
    for (uint32_t i = 0; i < x->agg.leaves_cnt; i++)
        strbuf_printf(out, "%s%s", i ? "+" : ", ", agg_fn_name(x->agg.leaf[i].fn));
}

/* How many keys fit, and items of a window: one for each interval in which a key came. */
static void put_keys(const struct exchange *x, struct strbuf *out)
{
    uint64_t items = agg_state_items(x, x->keys_max);

    strbuf_printf(out, ", %llu keys", (unsigned long long)(x->keys_max * x->partitions));
    if (items)
        strbuf_printf(out, " and %llu items", (unsigned long long)(items * x->partitions));
    strbuf_printf(out, " (%llu bytes a key)",
                  (unsigned long long)(agg_state_bytes(x, x->keys_max) / x->keys_max));
}

static void put_exchanges(const struct plan *p, struct strbuf *out)
{
    strbuf_puts(out, "\nExchanges\n");
    for (uint32_t i = 0; i < p->exchanges_cnt; i++) {
        const struct exchange *x = p->exchange[i];
        strbuf_printf(out, "  exchange %u  %s: ", i, x->name);
        put_window(x, p->interval_ns, out);
        if (x->kind == EX_AGG)
            put_aggregates(x, out);
        else if (x->top_cnt)
            strbuf_printf(out, ", best %llu", (unsigned long long)x->top_cnt);
        else
            strbuf_puts(out, x->group ? ", lists" : ", rows");
        strbuf_printf(out, "; %u partition%s", x->partitions, x->partitions == 1 ? "" : "s");
        if (x->key && x->kind == EX_AGG && x->keys_max)
            put_keys(x, out);
        strbuf_printf(out, ", %llu MB\n",
                      (unsigned long long)(x->state_bytes * x->partitions / MB));
    }
}

void plan_print(const struct job *j, const struct plan *p, const struct appliance *a,
                struct strbuf *out)
{
    strbuf_printf(out, "job %s (%s)\n\n", j->name, j->file);
    put_streams(j, out);
    put_stages(j, p, out);
    put_exchanges(p, out);
    strbuf_puts(out, "\nIn force\n  interval ");
    put_duration(out, j->interval_ns);
    strbuf_puts(out, ", slack 0");
    strbuf_printf(out, ", %u partitions, map tasks start %s\n", p->partitions,
                  j->map_start_at_boundary ? "at the boundary" : "as blocks are sealed");
    strbuf_printf(out, "  memory: blocks %llu MB, state %llu MB (%s)\n",
                  (unsigned long long)(a->blocks_bytes / MB),
                  (unsigned long long)(a->state_bytes / MB), a->file);
}

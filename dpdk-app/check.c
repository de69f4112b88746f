/*
 * millrace check, plan and list: what can be said of jobs without running them.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dpdk-app/command.h"
#include "dpdk-app/filter.h"
#include "dpdk-app/lineage_print.h"
#include "dpdk-app/plan_print.h"
#include "job/job.h"
#include "job/units.h"
#include "rdd/plan.h"

static void put(struct strbuf *text, FILE *f)
{
    if (text->s)
        fputs(text->s, f);
    strbuf_release(text);
}

/* Plans of a checked job, for limits that only the plan knows. */
static bool plan_fits(struct job *j)
{
    char err[256];

    if (plan_build(&j->graph, j->name, j->partitions, &j->zone, err, sizeof err))
        return true;
    fprintf(stderr, "%s: error: %s\n", j->file, err);
    return false;
}

int command_check(int argc, char **argv)
{
    struct diags *d = calloc(1, sizeof *d);
    struct strbuf text = {0};
    bool good = true;

    if (!d)
        abort();
    if (argc < 2) {
        fputs("millrace check: no job file is given\n", stderr);
        free(d);
        return EXIT_USAGE;
    }
    for (int i = 1; i < argc; i++) {
        uint32_t before = d->errors_cnt;
        struct job *j = job_load(argv[i], d, filter_check);
        good &= j && plan_fits(j);
        if (j && d->errors_cnt == before)
            printf("%s: ok\n", argv[i]);
        if (j)
            job_free(j);
    }
    diags_print(d, &text);
    put(&text, stderr);
    good &= d->errors_cnt == 0;
    diags_release(d);
    free(d);
    return good ? 0 : EXIT_BAD_CONFIG;
}

/* What `plan` was asked beside the plan. */
struct plan_args {
    const char *config, *replay;
    bool lineage;
    uint64_t interval;
};

static int plan_one(const char *file, const struct appliance *a, const struct plan_args *args,
                    struct diags *d)
{
    struct strbuf text = {0};
    char err[256];
    struct job *j = job_load(file, d, filter_check);

    if (!j)
        return EXIT_BAD_CONFIG;
    struct plan *p = plan_build(&j->graph, j->name, j->partitions, &j->zone, err, sizeof err);
    if (!p) {
        fprintf(stderr, "%s: error: %s\n", file, err);
        job_free(j);
        return EXIT_BAD_CONFIG;
    }
    plan_capacity(p, a->state_bytes);
    int rc = 0;
    if (args->lineage)
        rc = lineage_print(j, p, args->replay, args->interval, &text);
    else
        plan_print(j, p, a, &text);
    put(&text, rc ? stderr : stdout);
    job_free(j);
    return rc ? EXIT_NO_RESOURCE : 0;
}

static int plan_args(struct plan_args *a, int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"replay", required_argument, NULL, 'r'},
                                            {"lineage", required_argument, NULL, 'l'},
                                            {NULL, 0, NULL, 0}};
    int opt;

    while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (opt == 'c') {
            a->config = optarg;
        } else if (opt == 'r') {
            a->replay = optarg;
        } else if (opt == 'l') {
            a->lineage = true;
            if (parse_uint(optarg, strlen(optarg), &a->interval)) {
                fprintf(stderr, "millrace plan: --lineage takes an interval's number, not '%s'\n",
                        optarg);
                return EXIT_USAGE;
            }
        } else {
            return EXIT_USAGE;
        }
    }
    if (optind == argc)
        fputs("millrace plan: no job file is given\n", stderr);
    else if (a->lineage != (a->replay != NULL))
        fputs("millrace plan: --replay DIR and --lineage INTERVAL go together\n", stderr);
    else
        return 0;
    return EXIT_USAGE;
}

int command_plan(int argc, char **argv)
{
    struct plan_args args = {0};
    struct strbuf text = {0};
    int rc = plan_args(&args, argc, argv);

    if (rc)
        return rc;
    struct diags *d = calloc(1, sizeof *d);
    if (!d)
        abort();
    struct appliance *a = appliance_load(args.config ? args.config : appliance_default(), d);
    for (int i = optind; i < argc && a; i++) {
        int one = plan_one(argv[i], a, &args, d);
        rc = one ? one : rc;
    }
    diags_print(d, &text);
    put(&text, stderr);
    rc = d->errors_cnt ? EXIT_BAD_CONFIG : rc;
    if (a)
        appliance_free(a);
    diags_release(d);
    free(d);
    return rc;
}

int command_list(int argc, char **argv)
{
    struct strbuf text = {0};

    if (argc > 2 || job_list(argc > 1 ? argv[1] : NULL, &text)) {
        strbuf_release(&text);
        fputs("millrace list: takes sources, sinks, operators, functions or fields\n", stderr);
        return EXIT_USAGE;
    }
    put(&text, stdout);
    return 0;
}

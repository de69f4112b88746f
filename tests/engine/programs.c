#include "tests/engine/programs.h"

#define P(name, text) \
    {                 \
        name, text    \
    }

const struct program programs[] = {
    P("filter", "  lines.filter(r => contains(r.line, \"a\")).output(o)\n"),
    P("needles", "  lines.filter(r => contains(r.line, \"dare\") || r.line == \"z\").output(o)\n"
                 "  lines.filter(r => contains(r.line, \"super\") && length(r.line) > 30)\n"
                 "    .count().output(o)\n"),
    P("needle_alone", "  lines.filter(r => contains(r.line, \"dare\")).output(o)\n"),
    P("needles_of_a_union", "  a = lines.filter(r => contains(r.line, \"dare\"))\n"
                            "  b = lines.filter(r => startsWith(r.line, \"z\"))\n"
                            "  b.union(a).map(r => r.line).output(o)\n"
                            "  a.union(b).count().output(o)\n"),
    P("needle_of_one_reader", "  a = lines.filter(r => contains(r.line, \"dare\"))\n"
                              "  a.union(lines).map(r => r.line).output(o)\n"
                              "  a.count().output(o)\n"),
    P("needle_before_failure",
      "  lines.filter(r => contains(r.line, \"z\") && toInt(r.line) != 1).count().output(o)\n"
      "  lines.filter(r => endsWith(r.line, \"dare\")).flatMap(r => split(r.line)).output(o)\n"),
    P("map", "  nums.map(r => (r.k, r.v + 1)).output(o)\n"),
    P("map_unkeyed", "  nums.map(r => r.v * 2).output(o)\n"),
    P("map_fails", "  nums.map(r => 100 / r.v).output(o)\n"),
    P("flatMap", "  lines.flatMap(r => split(r.line)).output(o)\n"),
    P("flatMap_fails",
      "  lines.flatMap(r => split(1 / (length(r.line) % 2) > 0 ? r.line : \"x\"))\n"
      "    .countByValue().output(o)\n"),
    P("flatMap_sep", "  lines.flatMap(r => split(r.line, \" \")).output(o)\n"),
    P("mapValues", "  nums.map(r => (r.k, r.v)).mapValues(v => v - 3).output(o)\n"),
    P("flatMapValues",
      "  lines.map(r => (length(r.line), r.line)).flatMapValues(l => split(l)).output(o)\n"),
    P("union", "  a = nums.map(r => (r.k, r.v))\n"
               "  b = lines.map(r => (r.line, 7))\n"
               "  a.union(b).reduceByKey((x, y) => x + y).output(o)\n"),
    P("union_rows", "  lines.map(r => r.line).union(nums.map(r => r.k)).output(o)\n"),
    P("reduceByKey_sum", "  nums.map(r => (r.k, r.v)).reduceByKey((a, b) => a + b).output(o)\n"),
    P("reduceByKey_float", "  nums.map(r => (r.k, r.x)).reduceByKey((a, b) => a + b).output(o)\n"),
    P("reduceByKey_minmax", "  nums.map(r => (r.k, (r.v, r.x, r.k)))\n"
                            "    .reduceByKey((a, b) => (min(a._1, b._1), max(a._2, b._2), "
                            "a._3 < b._3 ? a._3 : b._3)).output(o)\n"),
    P("reduceByKey_first", "  nums.map(r => (r.k, (r.v, r.v)))\n"
                           "    .reduceByKey((a, b) => (a._1, b._2)).output(o)\n"),
    P("reduceByKey_lambda",
      "  nums.map(r => (r.k, r.v + 10)).reduceByKey((a, b) => (a + b) % 1009).output(o)\n"),
    P("reduceByKey_string_lambda",
      "  nums.map(r => (r.v % 5, r.k)).reduceByKey((a, b) => length(a) > length(b) ? a : "
      "(length(a) < length(b) ? b : (a < b ? a : b))).output(o)\n"),
    P("tuple_key", "  nums.map(r => ((r.k, r.v % 3), 1)).reduceByKey((a, b) => a + b).output(o)\n"),
    P("groupByKey", "  nums.map(r => (r.k, r.v)).groupByKey().output(o)\n"),
    P("groupByKey_size",
      "  nums.map(r => (r.k, r.v)).groupByKey().mapValues(l => size(l)).output(o)\n"),
    P("countByValue", "  lines.flatMap(r => split(r.line)).countByValue().output(o)\n"),
    P("count", "  lines.count().output(o)\n  nums.filter(r => r.v > 5).count().output(o)\n"),
    P("reduce", "  nums.map(r => r.v).reduce((a, b) => a + b).output(o)\n"),
    P("reduce_first", "  lines.map(r => r.line).reduce((a, b) => a).output(o)\n"),
    P("distinct", "  nums.map(r => r.v % 10).distinct().output(o)\n"),
    P("top", "  lines.flatMap(r => split(r.line)).countByValue().top(5).output(o)\n"),
    P("top_rows", "  nums.map(r => r.x).top(4).output(o)\n"),
    P("top_then_map",
      "  lines.flatMap(r => split(r.line)).countByValue().top(3).map(p => p._1).output(o)\n"),
    P("top_of_windows",
      "  c = nums.map(r => r.k).countByValueAndWindow(\"3s\", \"1s\")\n"
      "  c.map(p => (p._1, p._2)).top(3).output(o)\n"
      "  nums.map(r => (r.k, r.v)).reduceByKeyAndWindow((a, b) => max(a, b), \"4s\", \"2s\")"
      ".top(4).output(o)\n"
      "  lines.flatMap(r => split(r.line)).countByValueAndWindow(\"3s\", \"3s\")"
      ".map(p => p._2).top(2).output(o)\n"),
    P("top_of_ties", "  nums.map(r => (r.k, r.v % 2)).reduceByKey((a, b) => max(a, b))"
                     ".top(5).output(o)\n"
                     "  nums.map(r => (r.k, -3)).runningReduce((a, b) => a < b ? a : b)"
                     ".map(p => (length(p._1), p._2)).top(6).output(o)\n"),
    P("top_of_tuples", "  nums.map(r => (r.k, (r.v, r.x)))\n"
                       "    .reduceByKey((a, b) => (a._1 + b._1, max(a._2, b._2))).top(3)"
                       ".output(o)\n"
                       "  nums.map(r => ((r.k, r.v % 3), r.v)).reduceByKey((a, b) => a + b)\n"
                       "    .map(p => ((p._1._2, p._1._1), p._2)).top(3).output(o)\n"
                       "  nums.map(r => ((r.k, r.v % 3), r.x)).reduceByKey((a, b) => max(a, b))"
                       ".top(3).output(o)\n"),
    P("top_of_lambda", "  p = nums.map(r => (r.k, r.v > 34 ? 1048576 : r.v))\n"
                       "  p.reduceByKey((a, b) => a * b).top(2).output(o)\n"
                       "  p.reduceByKeyAndWindow((a, b) => a * b, \"3s\").top(2).output(o)\n"),
    P("top_of_some", "  c = nums.map(r => (r.k, r.v)).reduceByKey((a, b) => a + b)\n"
                     "  c.filter(p => p._2 < 30).top(3).output(o)\n"
                     "  nums.map(r => (r.k, r.v)).reduceByKey((a, b) => a + b)"
                     ".map(p => (p._1, 100 / p._2)).top(3).output(o)\n"
                     "  d = nums.map(r => r.k).countByValue()\n"
                     "  d.top(2).output(o)\n  d.count().output(o)\n"),
    P("window_rows", "  nums.map(r => r.k).window(\"3s\", \"2s\").output(o)\n"),
    P("window_count", "  lines.window(\"3s\", \"1s\").count().output(o)\n"),
    P("window_reduceByKey", "  nums.map(r => (r.k, r.v)).window(\"4s\", \"2s\")\n"
                            "    .reduceByKey((a, b) => a + b).output(o)\n"),
    P("window_groupByKey", "  nums.map(r => (r.k, r.v)).window(\"2s\").groupByKey().output(o)\n"),
    P("window_top", "  nums.map(r => r.v).window(\"3s\").top(5).output(o)\n"),
    P("window_of_window",
      "  nums.map(r => (r.k, r.v)).window(\"2s\").window(\"3s\").countByValue().output(o)\n"),
    P("window_then_filter", "  nums.window(\"3s\").filter(r => r.v > 3).map(r => (r.k, 1))\n"
                            "    .reduceByKey((a, b) => a + b).output(o)\n"),
    P("rbkw_inverse", "  nums.map(r => (r.k, r.v)).reduceByKeyAndWindow((a, b) => a + b, "
                      "(a, b) => a - b, \"3s\", \"1s\").output(o)\n"),
    P("rbkw_max", "  nums.map(r => (r.k, r.v)).reduceByKeyAndWindow((a, b) => max(a, b), \"4s\")"
                  ".output(o)\n"),
    P("rbkw_float", "  nums.map(r => (r.k, r.x)).reduceByKeyAndWindow((a, b) => a + b, "
                    "(a, b) => a - b, \"3s\", \"1s\").output(o)\n"),
    P("rbkw_first_slide", "  nums.map(r => (r.k, r.v)).reduceByKeyAndWindow((a, b) => a, \"4s\", "
                          "\"2s\").output(o)\n"),
    P("rbkw_lambda",
      "  nums.map(r => (r.k, r.v + 10)).reduceByKeyAndWindow((a, b) => (a + b) % 97, "
      "\"3s\").output(o)\n"),
    P("rbkw_lambda_inverse",
      "  nums.map(r => (r.k, r.v + 10)).reduceByKeyAndWindow((a, b) => (a + b) % 97, "
      "(a, b) => (a - b + 97) % 97, \"3s\", \"1s\").output(o)\n"),
    P("rbkw_strings", "  nums.map(r => (r.v % 4, r.k)).reduceByKeyAndWindow((a, b) => "
                      "max(a, b), \"3s\").output(o)\n"),
    P("reduceByWindow", "  nums.map(r => r.v).reduceByWindow((a, b) => a + b, (a, b) => a - b, "
                        "\"3s\", \"1s\").output(o)\n"),
    P("reduceByWindow_min",
      "  nums.map(r => r.x).reduceByWindow((a, b) => min(a, b), \"3s\", \"3s\").output(o)\n"),
    P("groupByKeyAndWindow",
      "  nums.map(r => (r.k, r.x)).groupByKeyAndWindow(\"3s\", \"1s\").output(o)\n"),
    P("countByWindow", "  lines.countByWindow(\"3s\", \"2s\").output(o)\n"),
    P("countByValueAndWindow",
      "  nums.map(r => r.k).countByValueAndWindow(\"3s\", \"1s\").output(o)\n"),
    P("runningReduce", "  nums.map(r => (r.k, r.v)).runningReduce((a, b) => a + b).output(o)\n"),
    P("runningReduce_max",
      "  nums.map(r => (r.k, (r.v, r.k))).runningReduce((a, b) => (max(a._1, b._1), a._2))"
      ".output(o)\n"),
    P("chain_of_wide", "  c = lines.flatMap(r => split(r.line)).countByValue()\n"
                       "  c.map(p => (p._2, 1)).reduceByKey((a, b) => a + b).top(3).output(o)\n"
                       "  c.count().output(o)\n"
                       "  c.map(p => p._2).reduce((a, b) => a + b).output(o)\n"),
    P("several_outputs", "  w = lines.flatMap(r => split(r.line))\n"
                         "  w.filter(x => length(x) > 2).output(o)\n"
                         "  w.countByValue().output(o)\n"
                         "  lines.output(o)\n"),
    P("union_of_windows", "  a = nums.map(r => (r.k, r.v)).window(\"2s\")\n"
                          "  b = lines.map(r => (r.line, 1)).window(\"3s\")\n"
                          "  a.union(b).reduceByKey((x, y) => x + y).output(o)\n"
                          "  a.union(b).output(o)\n"),
    P("union_of_window_and_stream",
      "  s = nums.map(r => r.k)\n  s.window(\"3s\").union(s).countByValue().output(o)\n"),
    P("window_with_itself", "  w = nums.map(r => r.v).window(\"2s\")\n"
                            "  w.union(w).output(o)\n  w.union(w).count().output(o)\n"),
    P("stream_with_itself", "  s = nums.map(r => (r.k, r.v))\n  u = s.union(s)\n"
                            "  u.union(s).reduceByKey((a, b) => a + b).output(o)\n"
                            "  u.output(o)\n"),
    P("union_of_ones", "  a = nums.map(r => (r.k, 1))\n"
                       "  a.union(lines.map(r => (r.line, 1))).reduceByKey((x, y) => x + y)"
                       ".output(o)\n"),
    P("window_over_union", "  u = nums.map(r => r.k).union(lines.map(r => r.line))\n"
                           "  u.window(\"3s\", \"2s\").output(o)\n"
                           "  u.window(\"2s\").countByValue().output(o)\n"),
    P("windows_of_one_stream",
      "  s = nums.map(r => (r.k, r.v))\n"
      "  s.window(\"2s\").reduceByKey((a, b) => a + b).output(o)\n"
      "  s.window(\"3s\", \"2s\").reduceByKey((a, b) => max(a, b)).output(o)\n"
      "  s.window(\"4s\", \"3s\").groupByKey().output(o)\n"
      "  s.reduceByKey((a, b) => a + b).output(o)\n  s.output(o)\n"),
    P("readers_of_one_window", "  w = nums.window(\"3s\", \"2s\")\n"
                               "  w.count().output(o)\n"
                               "  w.map(r => r.v).output(o)\n"
                               "  w.filter(r => r.v > 3).map(r => (r.k, r.x))\n"
                               "    .reduceByKey((a, b) => min(a, b)).output(o)\n"
                               "  w.map(r => r.k).distinct().output(o)\n"
                               "  w.map(r => r.x).top(3).output(o)\n"),
    P("windows_of_wide", "  c = nums.map(r => r.k).countByValue()\n"
                         "  c.window(\"3s\").reduceByKey((a, b) => max(a, b)).output(o)\n"
                         "  c.reduceByKeyAndWindow((a, b) => a + b, \"4s\", \"2s\").top(2)"
                         ".output(o)\n"
                         "  c.runningReduce((a, b) => min(a, b)).output(o)\n"),
    P("deep_chain", "  nums.map(r => (r.v % 7, r.k)).filter(p => p._1 != 2)\n"
                    "    .flatMapValues(k => split(k, \"-\")).map(p => (p._2, p._1))\n"
                    "    .groupByKey().mapValues(l => size(l)).map(p => (p._2 % 3, p._1))\n"
                    "    .reduceByKeyAndWindow((a, b) => max(a, b), \"3s\").map(p => p._2)\n"
                    "    .countByValueAndWindow(\"2s\", \"2s\").map(p => (p._2, p._1))\n"
                    "    .runningReduce((a, b) => min(a, b)).top(4).output(o)\n"),
    P("slow_chain", "  nums.map(r => (r.k, r.v)).window(\"2s\", \"2s\")\n"
                    "    .reduceByKey((a, b) => a + b).window(\"4s\", \"4s\").groupByKey()\n"
                    "    .flatMapValues(l => l).countByWindow(\"8s\").output(o)\n"),
    P("first_of_both_sides", "  a = nums.map(r => (r.k, r.v))\n"
                             "  a.union(nums.map(r => (r.k, r.v + 100)))\n"
                             "    .reduceByKey((x, y) => x).output(o)\n"),
    P("reduce_fails", "  p = nums.map(r => (r.k, r.v > 34 ? 1048576 : 1))\n"
                      "  p.reduceByKey((a, b) => a * b).output(o)\n"
                      "  p.map(p => p._2).reduce((a, b) => a * b).output(o)\n"
                      "  p.mapValues(v => (v, \"s\")).reduceByKey((a, b) => (a._1 * b._1, "
                      "min(a._2, b._2))).count().output(o)\n"),
    P("window_fails", "  p = nums.map(r => (r.k, r.v > 38 ? 1048576 : 1))\n"
                      "  p.reduceByKeyAndWindow((a, b) => a * b, \"3s\").output(o)\n"
                      "  p.reduceByKeyAndWindow((a, b) => a * b, \"4s\", \"2s\").output(o)\n"
                      "  p.filter(p => p._2 > 1).map(p => (length(p._1), (p._2, p._1)))\n"
                      "    .runningReduce((a, b) => (a._1 * b._1, max(a._2, b._2))).output(o)\n"),
    P("both_sides_at_once", "  a = nums.map(r => (r.k, (r.v, r.k)))\n"
                            "  b = nums.map(r => (r.k, (r.v + 100, r.k + \"b\")))\n"
                            "  b.union(a).reduceByKey((x, y) => (x._1, y._2)).output(o)\n"
                            "  b.union(a).runningReduce((x, y) => (y._1, x._2)).output(o)\n"),
    P("flat_and_plain", "  w = lines.flatMap(r => split(r.line))\n"
                        "  l = lines.map(r => r.line)\n"
                        "  w.union(l).output(o)\n  l.union(w).output(o)\n"
                        "  l.union(w).map(x => (length(x), x)).groupByKey().output(o)\n"
                        "  w.union(l).map(x => (length(x) % 3, x)).output(o)\n"
                        "  w.union(l).window(\"2s\").output(o)\n"),
    P("flat_of_flat", "  w = lines.flatMap(r => split(r.line)).flatMap(w => split(w, \"a\"))\n"
                      "  x = lines.filter(r => contains(r.line, \"e\")).map(r => r.line)\n"
                      "  u = x.union(w).union(lines.flatMap(r => split(r.line)))\n"
                      "  u.output(o)\n"
                      "  u.flatMap(x => split(x, \"e\")).union(u).reduce((a, b) => b).output(o)\n"
                      "  u.map(x => (length(x) % 4, x)).reduceByKey((a, b) => a).output(o)\n"),
    P("ways", "  a = nums.map(r => r.k)\n  b = nums.filter(r => r.v > 3).map(r => r.k + \"b\")\n"
              "  w = b.union(a)\n  x = w.map(k => k + \"1\").union(w.map(k => k + \"2\"))\n"
              "  x.output(o)\n  x.union(lines.map(r => r.line)).union(w).output(o)\n"
              "  w.union(w).map(k => (length(k), k)).groupByKey().output(o)\n"
              "  x.window(\"2s\").union(w.union(x).window(\"3s\")).output(o)\n"),
    P("flat_lists", "  g = nums.map(r => (r.k, r.v)).groupByKey()\n"
                    "  g.flatMapValues(l => l).union(g.mapValues(l => size(l)))\n"
                    "    .map(p => (p._2 % 5, p._2)).reduceByKey((a, b) => b).output(o)\n"
                    "  g.flatMapValues(l => l).union(g.mapValues(l => size(l))).output(o)\n"),
    P("sizes_of_lists", "  nums.map(r => (r.k, (r.v, r.k))).window(\"2s\").groupByKey()\n"
                        "    .map(p => (size(p._2), p._1)).groupByKey().output(o)\n"),
    P("running_strings", "  lines.map(r => (length(r.line) % 5, r.line))\n"
                         "    .runningReduce((a, b) => a < b ? b : a).output(o)\n"),
    P("window_of_one", "  nums.map(r => (r.k, r.v)).reduceByKeyAndWindow((a, b) => a + b, "
                       "\"1s\").output(o)\n"
                       "  lines.window(\"1s\").count().output(o)\n"),
    P("guarded", "  nums.map(r => r.v == 0 ? -1 : 100 / r.v).countByValue().output(o)\n"),
    P("packed", "  n = nums.map(r => (r.v, r.x)).filter(p => p._1 < 9)\n"
                "  m = n.filter(p => p._2 > 60.0)\n"
                "  n.map(p => (p._1 % 3, p._2)).reduceByKey((a, b) => a).output(o)\n"
                "  m.map(p => (p._1 % 2, p)).reduceByKey((a, b) => b).output(o)\n"
                "  m.map(p => p._1).union(n.map(p => p._1 * 100)).output(o)\n"
                "  m.count().output(o)\n  n.output(o)\n"
                "  m.mapValues(x => x / 2.0).union(n).reduceByKey((a, b) => a).output(o)\n"
                "  n.map(p => split(toString(p._1), \"1\")).flatMap(l => l).output(o)\n"),
    P("packed_addresses",
      "  a = nums.map(r => (toIp(\"10.0.0.\" + toString(abs(r.v))), r.v))\n"
      "  a.filter(p => p._2 % 3 == 1).map(p => (prefix(p._1, 29), p._1)).groupByKey().output(o)\n"
      "  a.filter(p => p._2 > 20).output(o)\n"),
    P("keys_of_words",
      "  nums.map(r => (r.v / 7, r.v)).reduceByKey((a, b) => a + b).output(o)\n"
      "  nums.map(r => (r.x * 0.0, 1)).reduceByKey((a, b) => a + b).output(o)\n"
      "  nums.map(r => (r.x / 64.0, (r.x, r.v))).reduceByKey((a, b) => (a._1 + b._1,\n"
      "    max(a._2, b._2))).output(o)\n"
      "  nums.map(r => (toTime(r.v), r.v)).reduceByKey((a, b) => (a + b) % 97).output(o)\n"
      "  nums.map(r => (toIp(\"10.0.0.\" + toString(abs(r.v))), r.v))\n"
      "    .reduceByKeyAndWindow((a, b) => a + b, (a, b) => a - b, \"3s\", \"1s\").output(o)\n"
      "  nums.map(r => (toIp(r.v < 9 ? \"::\" : \"ff::1\"), r.x)).reduceByKey((a, b) => b)\n"
      "    .output(o)\n"),
    P("sieve", "  recs.filter(r => r.k == 0).map(r => (r.v / 10, 1)).reduceByKey((a, b) => a + b)"
               ".output(o)\n"),
    P("sieve_rows", "  recs.filter(r => r.v > 3).map(r => (r.tag, r.v)).output(o)\n"),
    P("sieve_first", "  recs.filter(r => r.k != 1).map(r => (r.k, (r.v, r.tag)))\n"
                     "    .reduceByKey((a, b) => (a._1, b._2)).output(o)\n"),
    P("sieve_of_one_reader", "  f = recs.filter(r => r.v <= 20)\n  f.count().output(o)\n"
                             "  f.filter(r => r.k == 2).map(r => 100 / r.v).output(o)\n"),
    P("sieve_of_two", "  recs.filter(r => r.k == 0).map(r => r.v).output(o)\n"
                      "  recs.filter(r => r.k == 1).map(r => r.v).window(\"3s\").count()"
                      ".output(o)\n"),
    P("sieve_fails", "  recs.filter(r => r.k < 2).map(r => 100 / r.v).countByValue()"
                     ".output(o)\n"),
    P("regex", "  lines.filter(r => matches(r.line, \"^[a-d].*e\")).count().output(o)\n"),
};

const unsigned programs_cnt = sizeof programs / sizeof programs[0];

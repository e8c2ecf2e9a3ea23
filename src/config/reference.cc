#include <algorithm>

#include "config/option_table.h"
#include "config/schema.h"

namespace roundhouse::config {
namespace {

constexpr std::string_view kIntroduction = R"(# Configuration

This page is generated from the table of options, `src/config/options.def`: `./dev generate` writes it anew.

One YAML file. It is looked for as `-c FILE`, `$ROUNDHOUSE_CONFIG`, `./roundhouse.yaml` and
`/etc/roundhouse/roundhouse.yaml`, in this order; without any, `hello` workers serve on port 8000.
`roundhouse check` says everything that is wrong with a file, each with its place; `roundhouse explain`
prints what is in effect and where each value came from. For editors there is
`conf/roundhouse.schema.json`: let a file begin with
`# yaml-language-server: $schema=roundhouse.schema.json`.

Every key is optional, and so is every part:

```yaml
pools: {app: {command: node server.js, workers: 4}}    # a pool and no listener: port 8000
---
listeners: {web: {bind: 127.0.0.1:8080}}         # a listener and no pool: hello
---
listeners: {a: {bind: 8000, pool: x}, b: {bind: "unix:/run/b.sock", pool: y}}
pools: {x: {policy: least}, y: {command: [python3, app.py]}}
---
upstreams: {site: [10.0.0.1:3000, 10.0.0.2:3000]}    # a reverse proxy on port 8000
```

Names of listeners, pools, routes and upstreams are at most 32 of `a-z`, `0-9`, `_` and `-`. A listener says its `pool` where
there are several. Durations are `250ms`, `30s`, `5m`, `1h`; sizes `16KiB`, `10MiB`, or a number of bytes.
There are at most 4096 workers in all.

**Variables.** `${NAME}` in a value is the environment variable, and `${NAME:-default}` has a default for one
that is not set or empty; without a default that is an error. `$${` is a literal `${`. What came from a variable,
and every value of `env`, is shown as `***`.

**Policy.** The flag `--policy` is before `ROUNDHOUSE_SCHED_POLICY`, that before the file, the file before
`NODE_CLUSTER_SCHED_POLICY` (`rr` or `none`), and that before the default. It is fixed once the first worker
of a pool has been started: a change needs a new start.

**Errors** are printed all at once, as `file:line:column: key: what is wrong; what is expected`, and end
the program with exit code 78; a file that cannot be read with 71; flags that do not fit with 64.
)";

struct Chapter {
  Section section;
  std::string_view title;
  std::string_view prefix;
  std::string_view text;
};
constexpr Chapter kChapters[] = {
    {Section::kListener, "Listeners", "listeners.NAME.",
     "Where connections come in. Without any: `web`, with these defaults."},
    {Section::kPool, "Pools", "pools.NAME.",
     "Sets of identical workers. Without any: `hello`, with these defaults. `command`, `env`, "
     "`env_file`, `cwd`,\n"
     "`user`, `output`, and what [programs.md](programs.md) speaks of are for programs, "
     "`test_handlers` for\n`hello`."},
    {Section::kRoute, "Routes", "routes[].",
     "A list: what is done with a request that comes to workers of type `proxy`; the first that "
     "matches wins. Each\n"
     "has one of `upstream`, `redirect` and `respond`. Without routes everything goes to the only "
     "upstream; what\n"
     "matches none gets 404. [routing.md](routing.md) has more."},
    {Section::kUpstream, "Upstreams", "upstreams.NAME.",
     "What the workers of type `proxy` forward requests to. If no pool is of that type, one "
     "named\n"
     "`gateway` is added. `upstreams: {site: [10.0.0.1:3000]}` is short for its `servers`, `tls: "
     "true`\n"
     "for `tls: {enabled: true}`; any other key of `tls` means that as well."},
    {Section::kConfiguration, "The whole", "", "What is there once."}};

// What a value can be, as a table's cell.
std::string values_of(const Option& option) {
  const auto range = [&] {
    return format_bound(option, option.least) + " to " + format_bound(option, option.most);
  };
  if (option.kind == Kind::kWorkers) return "`auto`, " + range();
  if (is_ranged(option.kind)) return range();
  if (option.kind != Kind::kChoice) return expectation(option);
  std::string list;
  for (const std::string_view choice : option.choices)
    list += (list.empty() ? "`" : ", `") + std::string(choice) + "`";
  return list;
}

std::string default_of(const Option& option) {
  const Items items = option.default_items(option);
  if (option.key == "pool" && option.section == Section::kListener) return "the only pool";
  if (option.section == Section::kRoute && option.key == "respond.status") return "";
  if (option.key == "type") return "`auto` with `command`, else `hello`";
  return items.empty() || items.front().empty() ? "" : "`" + items.front() + "`";
}

}  // namespace

std::string to_reference() {
  std::string page(kIntroduction);
  for (const Chapter& chapter : kChapters) {
    page += "\n## " + std::string(chapter.title) + "\n\n" + std::string(chapter.text) + "\n\n";
    page += "| key | value | default | what it does |\n|---|---|---|---|\n";
    for (const Option& option : options()) {
      if (option.section != chapter.section) continue;
      page += "| `" + std::string(chapter.prefix) + std::string(option.key) + "` | " +
              values_of(option) + " | " + default_of(option) + " | " + std::string(option.help) +
              " |\n";
    }
  }
  return page;
}

}  // namespace roundhouse::config

#include "cli/pm2_import.h"

#include <gtest/gtest.h>

#include <map>

namespace roundhouse::cli {
namespace {

config::Surroundings surroundings() {
  config::Surroundings result;
  result.variable = [](const std::string&) { return std::nullopt; };
  result.cpus = 2;
  return result;
}

Outcome import(const std::string& json, const std::string& environment = "") {
  CommandLine line;
  line.file = "ecosystem.config.js";
  line.environment = environment;
  return import_pm2(line, surroundings(), [&](const std::string&) { return json; });
}

// Of one app, whose script is server.js: the lines of its pool, without blanks at their ends and
// without where they came from.
std::string pool_of(const std::string& keys) {
  const Outcome outcome =
      import(R"({"apps": [{"script": "server.js", "name": "web", )" + keys + "}]}");
  EXPECT_EQ(outcome.code, ExitCode::kOk) << outcome.out << outcome.err;
  EXPECT_EQ(outcome.err, "");
  std::string lines = outcome.out.substr(outcome.out.find("  web:\n") + 7);
  std::string kept;
  for (std::size_t at = 0; at < lines.size();) {
    const std::size_t end = lines.find('\n', at);
    std::string line = lines.substr(at, end - at);
    if (!line.starts_with("    # ")) line.resize(line.find(" # "));
    line.resize(line.find_last_not_of(' ') + 1);
    kept += line.substr(4) + "\n";
    at = end + 1;
  }
  return kept;
}

const std::string kServer = "command: [node, server.js]\n";
const std::string kOne = kServer + "workers: 1\n";

std::string listener_line(const std::string& yaml, const std::string& name) {
  const std::size_t at = yaml.find("  " + name + ": {bind: ");
  return at == yaml.npos ? "" : yaml.substr(at, yaml.find('}', at) + 1 - at);
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

TEST(Pm2Import, NothingInTheFileBecomesALineOfItsOwn) {
  const Outcome outcome = import(R"({"apps": [{"script": "server.js", "name": "web\nevil: 1",
      "x\nevil: 1": true, "env": {"A\r\nevil: 1": 1, "B": "\nevil: 1"}}], "y\nevil: 1": {}})");
  EXPECT_EQ(outcome.code, ExitCode::kOk) << outcome.out << outcome.err;
  EXPECT_FALSE(holds(outcome.out, "\nevil")) << outcome.out;
}

TEST(Pm2Import, ANumberOfInstancesThatNoMachineHasIsOutOfRange) {
  EXPECT_TRUE(holds(pool_of(R"("instances": 1e300)"), "'1000000000' is out of range"));
  EXPECT_TRUE(holds(pool_of(R"("instances": -1e300)"), "all CPUs but 1000000000"));
}

TEST(Pm2Import, AWholeEcosystemBecomesAConfiguration) {
  const Outcome outcome = import(R"({"apps": [
    {"name": "Web Shop", "script": "./server.js", "args": "--verbose 'a b'", "node_args": ["--max-old-space-size=512"],
     "instances": 4, "exec_mode": "cluster", "cwd": "/srv/shop", "env": {"NODE_ENV": "development", "PORT": 3000},
     "env_production": {"NODE_ENV": "production"}, "max_memory_restart": "300M",
     "listen_timeout": 10000, "kill_timeout": 5000, "exp_backoff_restart_delay": 100},
    {"name": "api", "script": "api.py"}]})",
                                 "production");
  EXPECT_EQ(outcome.code, ExitCode::kOk) << outcome.err;
  EXPECT_EQ(
      outcome.out,
      R"(# From PM2's "ecosystem.config.js", --env production: docs/from-pm2.md says what is different.
listeners:
  web-shop: {bind: 3000, pool: web-shop}    # env.PORT
  api: {bind: 8000, pool: api}              # a guess: the file does not say it
pools:
  web-shop:                                 # name: "Web Shop"
    command: [node, "--max-old-space-size=512", ./server.js, "--verbose", "a b"] # script, node_args, args
    cwd: /srv/shop                          # cwd
    workers: 4                              # instances
    env: {NODE_ENV: production}             # env, env_production
    recycle: {memory: 300MiB}               # max_memory_restart
    timeouts: {ready: 10s, drain: 5s}       # listen_timeout, kill_timeout
    restart: {backoff_min: 100ms}           # exp_backoff_restart_delay
  api:
    command: [python3, api.py]              # script
    workers: 1                              # instances, which is 1 by default
    # script: it has to listen on $PORT, which is another one at each start; the built-in proxy stands before it (docs/programs.md)
)");
}

TEST(Pm2Import, InstancesBecomeWorkers) {
  const std::string cluster = R"("exec_mode": "cluster", "instances": )";
  for (const char* all : {"\"max\"", "0", "\"0\""})
    EXPECT_EQ(pool_of(cluster + all), kServer + "workers: auto\n") << all;
  EXPECT_EQ(pool_of(cluster + "\"3\""), kServer + "workers: 3\n");
  EXPECT_EQ(pool_of(cluster + "-1"),
            kServer +
                "workers: auto\n# instances: -1: all CPUs but 1; `workers` takes a number, or "
                "auto for all that this container may use\n");
  EXPECT_EQ(pool_of(cluster + "\"many\""),
            kServer + "# instances: \"many\": is no number; expected `workers`\n");
  EXPECT_TRUE(holds(pool_of(R"("instances": 2)"), "# exec_mode: fork: "));
}

TEST(Pm2Import, TheCommandIsWhatPm2WouldHaveRun) {
  const auto command = [](const std::string& keys) {
    const Outcome outcome = import(R"([{"name": "a", )" + keys + "}]");
    const std::size_t at = outcome.out.find("command: ") + 9;
    return outcome.out.substr(at, outcome.out.find(']', at) + 1 - at);
  };
  EXPECT_EQ(command(R"("script": "a.sh", "args": ["x", 7])"), "[bash, a.sh, x, 7]");
  EXPECT_EQ(command(R"("script": "a.js", "interpreter": "none")"), "[a.js]");
  EXPECT_EQ(command(R"("script": "a.js", "interpreter": "/opt/node/bin/node")"),
            "[/opt/node/bin/node, a.js]");
  EXPECT_EQ(command(R"("script": "a.ts", "interpreter": "tsx")"),
            "[node, \"--import\", tsx, a.ts]");
  EXPECT_EQ(command(R"("script": "/usr/bin/puma", "args": "-w 2")"), "[/usr/bin/puma, \"-w\", 2]");
}

TEST(Pm2Import, AScriptWithoutAnExtensionIsNodesUnlessItsFirstBytesSayOtherwise) {
  const std::map<std::string, std::string> there = {{"/srv/bin/www", "#!/usr/bin/env node\n"},
                                                    {"/srv/bin/plain", "require('http')\n"},
                                                    {"/srv/bin/shell", "#!/bin/sh\nnode x\n"},
                                                    {"/srv/bin/elf", std::string("\x7f"
                                                                                 "ELF\0",
                                                                                 5)},
                                                    {"/srv/alone", "#!/bin/sh\n"}};
  CommandLine line;
  line.file = "ecosystem.config.js";
  auto around = surroundings();
  around.file = [&](const std::string& path) -> std::optional<std::string> {
    const auto found = there.find(path);
    return found == there.end() ? std::nullopt : std::optional(found->second);
  };
  const auto command = [&](const std::string& script) {
    const Outcome outcome = import_pm2(line, around, [&](const std::string&) {
      return Result<std::string>(R"({"cwd": "/srv", "script": ")" + script + R"("})");
    });
    const std::size_t at = outcome.out.find("command: ") + 9;
    return outcome.out.substr(at, outcome.out.find(']', at) + 1 - at);
  };
  EXPECT_EQ(command("bin/www"), "[node, bin/www]");
  EXPECT_EQ(command("/srv/bin/www"), "[node, /srv/bin/www]");
  EXPECT_EQ(command("./bin/plain"), "[node, ./bin/plain]");
  EXPECT_EQ(command("./bin/shell"), "[./bin/shell]");
  EXPECT_EQ(command("bin/elf"), "[bin/elf]");
  EXPECT_EQ(command("alone"), "[./alone]");
  EXPECT_EQ(command("elsewhere"), "[elsewhere]");
  EXPECT_EQ(command("bin/not-here"), "[node, bin/not-here]");
  EXPECT_EQ(command("/opt/not-here"), "[/opt/not-here]");
}

TEST(Pm2Import, TheEnvironmentThatIsAskedForIsLaidOverTheOther) {
  const std::string ecosystem =
      R"({"apps": [{"script": "a.js", "env": {"A": 1, "B": "${x}", "PORT": "80"},
      "env_test": {"A": true, "PORT": 81}, "env_other": {}}]})";
  const Outcome outcome = import(ecosystem, "test");
  EXPECT_EQ(listener_line(outcome.out, "a"), "  a: {bind: 81, pool: a}");
  EXPECT_TRUE(holds(outcome.out, "    env: {A: true, B: \"$${x}\"}")) << outcome.out;
  EXPECT_TRUE(holds(outcome.out, "    # env_other: not asked for; --env other adds it\n"));
  EXPECT_EQ(listener_line(import(ecosystem).out, "a"), "  a: {bind: 80, pool: a}");
  const Outcome wrong = import(ecosystem, "nope");
  EXPECT_EQ(wrong.code, ExitCode::kUsage);
  EXPECT_EQ(wrong.err, "roundhouse: --env: no app of ecosystem.config.js has env_nope\n");
}

TEST(Pm2Import, VariablesThatCannotBeAreNamed) {
  EXPECT_EQ(pool_of(R"("env": {"a-b": "1", "C": {"d": 1}, "E": null, "F": "two\nlines"})"),
            kOne +
                "env: {F: \"two\\x0alines\"}\n"
                "# env.a-b: \"1\": is not a variable's name; left out\n"
                "# env.C: {\"d\":1}: is not a text; left out\n");
}

TEST(Pm2Import, EachPoolHasAPortOfItsOwn) {
  const Outcome outcome =
      import(R"([{"script": "a.js", "port": 8000}, {"script": "a.js", "port": 8000},
      {"script": "b.js"}, {"script": "c.js", "env": {"PORT": "8001"}}, {"script": "d.js", "port": 9901}])");
  EXPECT_EQ(outcome.code, ExitCode::kOk) << outcome.err;
  EXPECT_EQ(listener_line(outcome.out, "a"), "  a: {bind: 8000, pool: a}");
  EXPECT_EQ(listener_line(outcome.out, "a-2"), "  a-2: {bind: 8002, pool: a-2}");
  EXPECT_EQ(listener_line(outcome.out, "b"), "  b: {bind: 8003, pool: b}");
  EXPECT_EQ(listener_line(outcome.out, "c"), "  c: {bind: 8001, pool: c}");
  EXPECT_EQ(listener_line(outcome.out, "d"), "  d: {bind: 9901, pool: d}");
  EXPECT_TRUE(holds(outcome.out, "monitor: {bind: 127.0.0.1:9902}"));
}

TEST(Pm2Import, ValuesThatWeCannotTakeAreCommentsThatSayWhy) {
  EXPECT_EQ(pool_of(R"("kill_timeout": 99999999, "max_memory_restart": "lots", "uid": 1000)"),
            kOne +
                "# uid: 1000: is a number; expected the name of an account in `user`\n"
                "# max_memory_restart: \"lots\": is no size; expected `recycle: {memory: 300MiB}`\n"
                "# kill_timeout: 99999999: cannot be `timeouts.drain`: '99999999ms' is out of "
                "range; expected a duration from 0s to 1h, as in 250ms, 30s, 5m or 1h\n");
}

TEST(Pm2Import, APauseBetweenRestartsIsThatPauseAlways) {
  EXPECT_EQ(pool_of(R"("restart_delay": 3000)"),
            kOne + "restart: {burst: 0, backoff_min: 3s, backoff_max: 3s}\n");
  EXPECT_EQ(pool_of(R"("restart_delay": 0, "exp_backoff_restart_delay": 0)"), kOne);
}

// Each key of PM2 that has no counterpart is named, with something to do.
TEST(Pm2Import, WhatHasNoCounterpartIsAComment) {
  for (const char* key :
       {"max_restarts", "min_uptime", "cron_restart", "out_file", "error_file", "log_file",
        "increment_var", "instance_var", "namespace", "pid_file", "stop_exit_codes", "ignore_watch",
        "log_date_format", "gid", "filter_env"}) {
    const std::string lines = pool_of("\"" + std::string(key) + R"(": "7")");
    EXPECT_TRUE(lines.starts_with(kOne + "# " + key + ": \"7\": ")) << lines;
    EXPECT_FALSE(holds(lines, "is not known here; left out")) << lines;
  }
  for (const char* key : {"watch", "merge_logs", "wait_ready", "shutdown_with_message", "time"})
    EXPECT_TRUE(
        holds(pool_of("\"" + std::string(key) + R"(": true)"), std::string(key) + ": true: "));
  EXPECT_TRUE(holds(pool_of(R"("autorestart": false)"), "# autorestart: false: "));
  EXPECT_EQ(pool_of(R"("coffee": "black")"),
            kOne + "# coffee: \"black\": is not known here; left out\n");
}

TEST(Pm2Import, WhatIsToBeDoneAboutSeveralKeysIsSaidOnce) {
  EXPECT_EQ(pool_of(R"("min_uptime": "10s", "watch": true, "max_restarts": 3)"),
            kOne +
                "# min_uptime: \"10s\", max_restarts: 3: nothing is given up here: pauses, then a "
                "try every 30 s; see `restart`\n"
                "# watch: true: a tool for development, not here; `node --watch` is one\n");
}

TEST(Pm2Import, AFolderIsWhatNodeFindsInIt) {
  const Outcome outcome = import(R"([{"script": "./queue worker!/"}])");
  EXPECT_TRUE(holds(outcome.out, "  queue-worker: "));
  EXPECT_TRUE(holds(outcome.out, "command: [node, \"./queue worker!/\"]")) << outcome.out;
}

TEST(Pm2Import, WhatIsAsItIsAnywayIsNotSpokenOf) {
  EXPECT_EQ(pool_of(R"("watch": false, "autorestart": true, "wait_ready": false, "vizion": true,
                       "merge_logs": false, "treekill": true, "max_restarts": null)"),
            kOne);
}

TEST(Pm2Import, ACommentStaysOneLineOfText) {
  const std::string lines = pool_of(R"("x": "a\nb: [\u0007 )" + std::string(100, 'z') + "\"");
  EXPECT_EQ(lines.substr(kOne.size()), "# x: \"a\\nb: [\\u0007 " + std::string(45, 'z') +
                                           "...: is not known here; left out\n");
}

TEST(Pm2Import, WhatCheckWouldRefuseIsSaidAndEndsWithItsCode) {
  const Outcome outcome = import(R"({"script": "npm", "args": "run everything"})");
  EXPECT_EQ(outcome.code, ExitCode::kConfiguration);
  EXPECT_TRUE(holds(outcome.out, "command: [npm, run, everything]"));
  EXPECT_TRUE(holds(outcome.err, "pools.npm.command: has npm stand between us and the program"))
      << outcome.err;
}

TEST(Pm2Import, WhatIsNoEcosystemIsRefused) {
  for (const char* text : {"{}", "[]", "7", R"({"apps": []})", R"({"apps": [{"name": "x"}]})",
                           R"({"apps": [{"script": 7}]})"}) {
    const Outcome outcome = import(text);
    EXPECT_EQ(outcome.code, ExitCode::kUsage) << text;
    EXPECT_EQ(outcome.err,
              "roundhouse: ecosystem.config.js is not an ecosystem of PM2; expected {apps: "
              "[{script: ...}]}\n");
  }
  EXPECT_EQ(import("// not JSON").code, ExitCode::kUsage);
  CommandLine line;
  line.file = "/nonexistent/ecosystem.json";
  const Outcome outcome = import_pm2(line, surroundings(), {});
  EXPECT_EQ(outcome.code, ExitCode::kSystem);
  EXPECT_EQ(outcome.err, "reading /nonexistent/ecosystem.json: No such file or directory\n");
}

TEST(Pm2Import, WhatNodeSaysOfAFileItCannotReadIsPassedOn) {
  CommandLine line;
  line.file = "ecosystem.config.cjs";
  const Outcome outcome =
      import_pm2(line, surroundings(), [](const std::string& file) -> Result<std::string> {
        return fail("node could not read " + file);
      });
  EXPECT_EQ(outcome.code, ExitCode::kFailure);
  EXPECT_EQ(outcome.err, "node could not read ecosystem.config.cjs\n");
}

}  // namespace
}  // namespace roundhouse::cli

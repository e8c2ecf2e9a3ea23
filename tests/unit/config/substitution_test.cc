#include "config/substitution.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "config/effective.h"
#include "config/env_file.h"
#include "config/explain.h"
#include "world.h"

namespace roundhouse::config {
namespace {

std::string substituted(std::string_view text) {
  const auto result = substitute(text, surroundings({{"A", "1"}, {"EMPTY", ""}}).variable);
  return result ? result->text : "error: " + result.error();
}

TEST(Substitution, AVariableIsItsValueOrItsDefault) {
  EXPECT_EQ(substituted("x${A}y${A}"), "x1y1");
  EXPECT_EQ(substituted("${B:-2}"), "2");
  EXPECT_EQ(substituted("${EMPTY:-3}"), "3");
  EXPECT_EQ(substituted("${EMPTY}"), "");
  EXPECT_EQ(substituted("${B:-}"), "");
}

TEST(Substitution, OnlyTheFullFormIsOne) {
  EXPECT_EQ(substituted("$A $$ $"), "$A $$ $");
  EXPECT_EQ(substituted("$${A} ${A}"), "${A} 1");
}

TEST(Substitution, WhatIsNotSetOrNotClosedIsAnError) {
  EXPECT_EQ(substituted("${B}"), "error: ${B} is not set and has no default, as in ${B:-default}");
  EXPECT_TRUE(substituted("${A").starts_with("error: ")) << substituted("${A");
  EXPECT_TRUE(substituted("${}").starts_with("error: "));
  EXPECT_TRUE(substituted("${1x}").starts_with("error: "));
}

TEST(Substitution, HappensInsideOfValuesAfterParsing) {
  const auto loaded = load("pools: {a: {command: '${CMD}', env: {X: '${EVIL}'}}}",
                           {{"CMD", "run it"}, {"EVIL", "a, b: {c}\nd: *x"}});
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->configuration.pools.at(0).command, (std::vector<std::string>{"run", "it"}));
  EXPECT_EQ(loaded->configuration.pools.at(0).env.at(0).value, "a, b: {c}\nd: *x");
}

TEST(Substitution, NeitherErrorsNorExplainShowWhatCameFromAVariable) {
  const std::map<std::string, std::string> secret = {{"S", "hunter2"}};
  for (const char* file : {"pools: {a: {workers: '${S}'}}", "pools: {a: {policy: '${S}'}}",
                           "listeners: {a: {bind: '${S}'}}", "listeners: {a: {pool: '${S}'}}",
                           "pools: {a: {env_file: '${S}', command: x}}", "monitor: {bind: '${S}'}",
                           "shutdown: {delay: '${S}'}"}) {
    const std::string errors = errors_of(file, secret);
    EXPECT_NE(errors, "") << file;
    EXPECT_EQ(errors.find("hunter2"), std::string::npos) << errors;
    EXPECT_EQ(errors.find('\n'), std::string::npos) << errors;
  }
  const auto loaded =
      load("pools: {a: {command: [x, '${S}'], env: {A: plain}, user: '${S}'}}", secret);
  ASSERT_TRUE(loaded) << loaded.error().message;
  const std::string text = explain(*loaded);
  EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
  EXPECT_EQ(text.find("plain"), std::string::npos) << text;
  EXPECT_NE(text.find("user: \"***\""), std::string::npos) << text;
  EXPECT_NE(text.find("env: {A: \"***\"}"), std::string::npos) << text;
}

TEST(Explain, NamesTheSourceOfEachValue) {
  const auto loaded = load("pools:\n  app:\n    workers: 5\n    handoff: {depth: 7}\n",
                           {{"NODE_CLUSTER_SCHED_POLICY", "none"}}, {.port = 9000});
  ASSERT_TRUE(loaded) << loaded.error().message;
  const std::string text = explain(*loaded);
  const auto line_with = [&](const std::string& content) {
    const auto at = text.find("  " + content);
    if (at == std::string::npos) return "no " + content + " in " + text;
    const std::string line = text.substr(at, text.find('\n', at) - at);
    return line.substr(line.find('#'));
  };
  EXPECT_EQ(line_with("workers: 5 "), "# t.yaml:3");
  EXPECT_EQ(line_with("depth: 7 "), "# t.yaml:4");
  EXPECT_EQ(line_with("policy: none "), "# NODE_CLUSTER_SCHED_POLICY");
  EXPECT_EQ(line_with("bind: 9000 "), "# -p");
  EXPECT_EQ(line_with("stall: 100ms "), "# default");
  EXPECT_EQ(line_with("pool: app "), "# the only pool");
  EXPECT_EQ(line_with("web: "), "# there is no listener in the file");
}

TEST(Explain, IsAFileThatGivesTheSameConfiguration) {
  const auto loaded = load(
      "listeners: {a: {bind: ['[::1]:80', 'unix:/tmp/a b', 0.0.0.0:81, 82], pool: p}, b: {bind: 1, "
      "pool: 'null'}}\n"
      "pools: {p: {command: ['a b', \"q\\\"\\\\\\t\\x01\", '$${X}', '~', 'null', '', '- x', 'é', "
      "'a: b', 'a#b', '#c']}, "
      "'null': {type: hello}}\nmonitor: {bind: off, socket: /x}\nuser: someone");
  ASSERT_TRUE(loaded) << loaded.error().message;
  const std::string text = explain(*loaded);
  const auto again = load(text);
  ASSERT_TRUE(again) << again.error().message << "\n" << text;
  EXPECT_EQ(to_effective_text(again->configuration), to_effective_text(loaded->configuration));
}

TEST(EffectiveText, GivesBackExactlyWhatWasWritten) {
  const auto loaded = load(
      "listeners: {a: {bind: [1, 'unix:/t\\b'], pool: x, limits: {body: 3B}}, b: {bind: 2, pool: "
      "y}}\n"
      "pools: {x: {command: [a, \"b\\tc\\n\\\\d\", '', \"\\\\n\"], env: {A: 'x=y', B: '', C: "
      "\"\\n\"},\n"
      "            recycle: {memory: 400MiB}}, y: {policy: sticky, test_handlers: off}}\n"
      "shutdown: {delay: 1ms}\nmonitor: {bind: off}\nlog: {level: debug, format: json}");
  ASSERT_TRUE(loaded) << loaded.error().message;
  const std::string text = to_effective_text(loaded->configuration);
  const auto again = from_effective_text(text);
  ASSERT_TRUE(again) << again.error().message << text;
  EXPECT_EQ(to_effective_text(*again), text);
  const Pool& pool = again->pools.at(0);
  EXPECT_EQ(pool.command, loaded->configuration.pools.at(0).command);
  EXPECT_EQ(pool.env, loaded->configuration.pools.at(0).env);
  EXPECT_EQ(pool.workers, 3U);
  EXPECT_EQ(pool.recycle.memory, 400 * kMiB);
  EXPECT_EQ(again->listeners.at(0).bind.at(1).to_string(), "unix:/t\\b");
  EXPECT_EQ(again->listeners.at(0).limits.body, 3U);
  EXPECT_EQ(again->pools.at(1).policy, Policy::kSticky);
  EXPECT_EQ(again->shutdown.delay, 1ms);
  EXPECT_FALSE(again->monitor.bind);
  EXPECT_EQ(again->log.level, log::Level::kDebug);
}

TEST(EffectiveText, RefusesWhatItDidNotWrite) {
  for (const char* text :
       {"", "x", "roundhouse-configuration\t2\n", "roundhouse-configuration\t1\nunknown\t1\n",
        "roundhouse-configuration\t1\n[pool]\tx\nworkers\tmany\n",
        "roundhouse-configuration\t1\n[pool]\tx\nworkers\n"}) {
    EXPECT_FALSE(from_effective_text(text)) << text;
  }
}

TEST(EnvFile, ReadsNamesAndValuesAsDockerDoes) {
  const auto variables =
      parse_env_file("# comment\n\nA=1\nexport B = 'two words' \r\nC=\"x#y\"\nD=\nA=2\nE=a=b", "f");
  ASSERT_TRUE(variables) << variables.error().message;
  EXPECT_EQ(*variables,
            (std::vector<Variable>{
                {"A", "2"}, {"B", "two words"}, {"C", "x#y"}, {"D", ""}, {"E", "a=b"}}));
}

TEST(EnvFile, AnErrorHasItsLineAndNoValue) {
  EXPECT_EQ(parse_env_file("A=1\nhunter2\n", "f").error().message, "f:2: is not NAME=value");
  EXPECT_FALSE(parse_env_file("1A=x", "f"));
  EXPECT_FALSE(parse_env_file("=x", "f"));
}

TEST(EnvFile, IsFoundBesideTheConfigurationAndOverriddenByEnv) {
  const std::filesystem::path folder =
      testing::TempDir() + "roundhouse-env-" + std::to_string(::getpid());
  std::filesystem::create_directory(folder);
  std::ofstream(folder / "app.env") << "A=file\nB=file\n";
  const std::string name = (folder / "x.yaml").string();
  const auto loaded =
      load_text("pools: {a: {command: x, cwd: sub, env_file: app.env, env: {B: env, C: env}}}",
                name, {}, surroundings());
  std::filesystem::remove_all(folder);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->configuration.pools.at(0).env,
            (std::vector<Variable>{{"A", "file"}, {"B", "env"}, {"C", "env"}}));
  EXPECT_EQ(loaded->configuration.pools.at(0).cwd, folder / "sub");
  const auto missing =
      load_text("pools: {a: {command: x, env_file: app.env}}", name, {}, surroundings());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, name + ":1:35: pools.a.env_file: reading " +
                                         (folder / "app.env").string() +
                                         ": No such file or directory");
}

}  // namespace
}  // namespace roundhouse::config

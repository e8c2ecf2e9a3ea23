#include "cli/commands.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace roundhouse::cli {
namespace {

config::Surroundings surroundings() {
  config::Surroundings result;
  result.variable = [](const std::string&) { return std::nullopt; };
  result.cpus = 2;
  return result;
}

class Commands : public testing::Test {
 protected:
  ~Commands() override { std::filesystem::remove(line_.file); }

  CommandLine& with_file(const std::string& content) {
    line_.file = testing::TempDir() + "rh-commands-" + std::to_string(::getpid()) + ".yaml";
    std::ofstream(line_.file) << content;
    return line_;
  }

  CommandLine line_;
};

TEST_F(Commands, CheckSaysWhatAValidFileSetsUp) {
  const Outcome outcome = check(with_file("pools: {a: {workers: 3}}"), surroundings());
  EXPECT_EQ(outcome.code, ExitCode::kOk);
  EXPECT_EQ(outcome.out, line_.file + ": valid: 1 listener, 1 pool, 3 workers\n");
  EXPECT_EQ(outcome.err, "");
}

TEST_F(Commands, CheckPrintsEveryErrorAndEndsWithTheConfigurationCode) {
  const Outcome outcome = check(with_file("pool: {}\nuser: []\n"), surroundings());
  EXPECT_EQ(outcome.code, ExitCode::kConfiguration);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err, line_.file + ":1:1: pool: unknown key; did you mean 'pools'?\n" +
                             line_.file + ":2:7: user: is a list; expected text\n");
}

TEST_F(Commands, AFileThatCannotBeReadEndsWithTheSystemCode) {
  line_.file = "/nonexistent/x.yaml";
  for (const Outcome& outcome : {check(line_, surroundings()), explain(line_, surroundings())}) {
    EXPECT_EQ(outcome.code, ExitCode::kSystem);
    EXPECT_EQ(outcome.err, "reading /nonexistent/x.yaml: No such file or directory\n");
  }
}

TEST_F(Commands, ExplainPrintsTheEffectiveConfiguration) {
  const Outcome outcome = explain(with_file("pools: {a: {workers: 3}}"), surroundings());
  EXPECT_EQ(outcome.code, ExitCode::kOk);
  EXPECT_TRUE(outcome.out.starts_with("# From " + line_.file + ".\nlisteners:\n")) << outcome.out;
}

TEST_F(Commands, GenerateMakesTheSchemaAndTheReference) {
  line_.subject = "config-schema";
  EXPECT_TRUE(generate(line_).out.starts_with("{\n"));
  line_.subject = "config-reference";
  EXPECT_TRUE(generate(line_).out.starts_with("# Configuration\n"));
  line_.subject = "nonsense";
  EXPECT_EQ(generate(line_).code, ExitCode::kUsage);
}

}  // namespace
}  // namespace roundhouse::cli

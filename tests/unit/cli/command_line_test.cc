#include "cli/command_line.h"

#include <gtest/gtest.h>

#include <vector>

namespace roundhouse::cli {
namespace {

std::expected<CommandLine, Outcome> parse(std::vector<const char*> words) {
  words.insert(words.begin(), "roundhouse");
  return parse_command_line(static_cast<int>(words.size()), words.data());
}

TEST(CommandLine, NothingMeansRun) {
  const auto line = parse({});
  ASSERT_TRUE(line) << line.error().err;
  EXPECT_EQ(line->command, Command::kRun);
  EXPECT_EQ(line->file, "");
}

TEST(CommandLine, RunTakesItsFlagsWithAndWithoutItsName) {
  for (const bool named : {true, false}) {
    std::vector<const char*> words = {"run", "-c",       "f.yaml", "-p",           "81",  "-n",
                                      "3",   "--policy", "least",  "--access-log", "json"};
    if (!named) words.erase(words.begin());
    const auto line = parse(words);
    ASSERT_TRUE(line) << line.error().err;
    EXPECT_EQ(line->command, Command::kRun);
    EXPECT_EQ(line->file, "f.yaml");
    EXPECT_EQ(line->overrides.port, 81);
    EXPECT_EQ(line->overrides.workers, 3U);
    EXPECT_EQ(line->overrides.policy, config::Policy::kLeast);
    EXPECT_EQ(line->overrides.access_log, config::AccessFormat::kJson);
  }
}

TEST(CommandLine, ImportSaysFromWhatAndWhichFile) {
  const auto line = parse({"import", "pm2", "ecosystem.json", "--env", "production"});
  ASSERT_TRUE(line) << line.error().err;
  EXPECT_EQ(line->command, Command::kImport);
  EXPECT_EQ(line->file, "ecosystem.json");
  EXPECT_EQ(line->environment, "production");
  EXPECT_EQ(parse({"import", "forever", "x.json"}).error().err,
            "roundhouse: cannot import from 'forever'; expected pm2\nusage: roundhouse import pm2 "
            "FILE [--env NAME]\n");
  EXPECT_EQ(parse({"import", "pm2"}).error().code, ExitCode::kUsage);
}

TEST(CommandLine, WhatStandsBehindTwoDashesIsAProgram) {
  for (const bool named : {true, false}) {
    std::vector<const char*> words = {"run", "-p",   "81", "--type", "port",
                                      "--",  "node", "-p", "--"};
    if (!named) words.erase(words.begin());
    const auto line = parse(words);
    ASSERT_TRUE(line) << line.error().err;
    EXPECT_EQ(line->command, Command::kRun);
    EXPECT_EQ(line->overrides.port, 81);
    EXPECT_EQ(line->overrides.command, (std::vector<std::string>{"node", "-p", "--"}));
    EXPECT_EQ(line->overrides.type, config::PoolType::kPort);
  }
}

TEST(CommandLine, AProgramIsForRunAloneAndInPlaceOfAFile) {
  const auto said = [](std::vector<const char*> words) {
    const std::string err = parse(std::move(words)).error().err;
    return err.substr(0, err.find('\n'));
  };
  EXPECT_EQ(said({"run", "--"}), "roundhouse: there is no program behind `--`");
  EXPECT_EQ(said({"status", "--", "x"}), "roundhouse: not expected here: --");
  EXPECT_EQ(said({"run", "-c", "f", "--", "x"}),
            "roundhouse: -c: there is a program behind `--`; expected one of the two");
  EXPECT_EQ(said({"run", "--type", "port"}),
            "roundhouse: --type: is for a program behind `--`; in a file it is `type`");
  EXPECT_EQ(said({"run", "--type", "hello", "--", "x"}),
            "roundhouse: --type: 'hello' is built in; expected one of programs");
}

TEST(CommandLine, EachCommandIsKnown) {
  EXPECT_EQ(parse({"check", "-c", "x"})->command, Command::kCheck);
  EXPECT_EQ(parse({"explain"})->command, Command::kExplain);
  EXPECT_EQ(parse({"health"})->command, Command::kHealth);
  EXPECT_EQ(parse({"stop", "--socket", "/s"})->socket, "/s");
  EXPECT_EQ(parse({"generate", "config-schema"})->subject, "config-schema");
  const auto status = parse({"status", "--json", "app/3"});
  EXPECT_EQ(status->command, Command::kStatus);
  EXPECT_TRUE(status->json);
  EXPECT_EQ(status->subject, "app/3");
  const auto logs = parse({"logs", "-f", "app"});
  EXPECT_EQ(logs->command, Command::kLogs);
  EXPECT_TRUE(logs->follow);
}

TEST(CommandLine, VersionAndHelpGoToStandardOutput) {
  for (const char* word : {"version", "--version", "--help", "-h", "help"}) {
    const auto line = parse({word});
    ASSERT_FALSE(line);
    EXPECT_EQ(line.error().code, ExitCode::kOk);
    EXPECT_TRUE(line.error().out.starts_with("roundhouse")) << line.error().out;
    EXPECT_EQ(line.error().err, "");
  }
}

TEST(CommandLine, HelpFitsATerminal) {
  const std::string help = parse({"run", "--help"}).error().out;
  for (std::size_t begin = 0; begin < help.size();) {
    const std::size_t end = help.find('\n', begin);
    EXPECT_LE(end - begin, 100U) << help.substr(begin, end - begin);
    begin = end + 1;
  }
}

TEST(CommandLine, WrongWordsAreAUsageErrorWithTheUsageLine) {
  const std::vector<std::vector<const char*>> wrong = {{"run", "--prot", "1"},
                                                       {"--policy", "random"},
                                                       {"run", "--access-log", "xml"},
                                                       {"run", "-p", "99999"},
                                                       {"run", "-p", "-1"},
                                                       {"run", "-p", "x"},
                                                       {"run", "-p"},
                                                       {"-n", "0"},
                                                       {"-n", "2000"},
                                                       {"-n", "four"},
                                                       {"run", "node", "app.js"},
                                                       {"serve"},
                                                       {"check", "--json"},
                                                       {"status", "a", "b"},
                                                       {"stop", "now"},
                                                       {"generate"},
                                                       {"run", "-c", "a", "-c", "b"},
                                                       {"health", "--socket"},
                                                       {"check", "run"},
                                                       {""}};
  for (const auto& words : wrong) {
    std::string shown;
    for (const char* word : words) shown += std::string(word) + " ";
    const auto line = parse(words);
    ASSERT_FALSE(line) << shown;
    EXPECT_EQ(line.error().code, ExitCode::kUsage) << shown;
    EXPECT_EQ(line.error().out, "") << shown;
    EXPECT_TRUE(line.error().err.starts_with("roundhouse: ")) << line.error().err;
    EXPECT_NE(line.error().err.find("\nusage: roundhouse "), std::string::npos) << line.error().err;
  }
}

TEST(CommandLine, ExplainTakesTheFlagsOfRun) {
  const auto line = parse({"explain", "--policy", "least", "-n", "3"});
  ASSERT_TRUE(line) << line.error().err;
  EXPECT_EQ(line->command, Command::kExplain);
  EXPECT_EQ(line->overrides.policy, config::Policy::kLeast);
  EXPECT_EQ(line->overrides.workers, 3U);
}

TEST(CommandLine, WhatIsWrongIsSaidInWords) {
  EXPECT_TRUE(parse({"run", "-p"}).error().err.starts_with("roundhouse: --port needs a value\n"))
      << parse({"run", "-p"}).error().err;
  EXPECT_TRUE(parse({"-p", "1", "-p", "2"})
                  .error()
                  .err.starts_with("roundhouse: --port is given more than once\n"))
      << parse({"-p", "1", "-p", "2"}).error().err;
}

TEST(CommandLine, AnUnknownCommandIsNeverAHintToStop) {
  EXPECT_EQ(
      parse({"stp"}).error().err,
      "roundhouse: there is no command 'stp'; expected one of run, proxy, check, explain, diff, "
      "status, top, logs, health, stop, reload, restart, scale, import, version\n"
      "usage: roundhouse [COMMAND] [FLAGS]; see roundhouse --help\n");
}

TEST(CommandLine, TheUsageLineIsThatOfTheCommand) {
  EXPECT_EQ(parse({"status", "--jsn"}).error().err,
            "roundhouse: not expected here: --jsn\n"
            "usage: roundhouse status [--json] [--socket PATH] [POOL/ID]\n");
  EXPECT_EQ(parse({"check", "--to", "http://a:1", "b"}).error().err,
            "roundhouse: not expected here: --to http://a:1 b\n"
            "usage: roundhouse check [AS run]\n");
  EXPECT_EQ(parse({"sttus"}).error().err.substr(0, 63),
            "roundhouse: there is no command 'sttus'; did you mean 'status'?");
}

TEST(CommandLine, AProxyIsToldItsServers) {
  const auto servers = [](std::initializer_list<const char*> words) {
    const auto line = parse(words);
    std::string list;
    for (const config::Server& server : line->overrides.to) list += server.address + " ";
    return list;
  };
  EXPECT_EQ(servers({"proxy", "--to", "http://127.0.0.1:3000"}), "127.0.0.1:3000 ");
  EXPECT_EQ(servers({"proxy", "-p", "80", "--to", "http://localhost/"}), "localhost:80 ");
  EXPECT_EQ(servers({"proxy", "--to", "http://[::1]", "--to", "unix:/run/a.sock"}),
            "[::1]:80 unix:/run/a.sock ");
  EXPECT_EQ(parse({"proxy", "--to", "127.0.0.1:1"})->command, Command::kProxy);
  const auto named = parse({"proxy", "--to", "http://app.internal:3000", "--to", "127.0.0.1:1"});
  EXPECT_EQ(named->overrides.to_name, "app.internal:3000");
  EXPECT_EQ(named->overrides.to.size(), 1U);
  EXPECT_EQ(parse({"proxy", "--to", "http://app.internal"})->overrides.to_name, "app.internal:80");
}

TEST(CommandLine, AProxyOfBytesIsToldSo) {
  const auto line = parse({"proxy", "--to", "tcp://127.0.0.1:5432", "--to", "tcp://[::1]:5432"});
  ASSERT_TRUE(line);
  EXPECT_EQ(line->overrides.protocol, config::Protocol::kTcp);
  EXPECT_EQ(line->overrides.to.at(1).address, "[::1]:5432");
  EXPECT_EQ(parse({"proxy", "--to", "127.0.0.1:1"})->overrides.protocol, config::Protocol::kHttp);
  const auto mixed = parse({"proxy", "--to", "tcp://127.0.0.1:1", "--to", "http://127.0.0.1:2"});
  ASSERT_FALSE(mixed);
  EXPECT_NE(mixed.error().err.find("some are tcp:// and some are not"), std::string::npos);
}

TEST(CommandLine, AProxyToNowhereIsRefused) {
  for (const char* to :
       {"https://127.0.0.1", "http://exa mple.com", "http://1.2.3:80", "http://127.0.0.1:1/path",
        "", "3000", "http://", "tcp://127.0.0.1", "tcp://"}) {
    const auto line = parse({"proxy", "--to", to});
    ASSERT_FALSE(line) << to;
    EXPECT_NE(line.error().err.find("--to: '"), std::string::npos) << line.error().err;
    EXPECT_NE(line.error().err.find("; expected http://"), std::string::npos) << line.error().err;
  }
  EXPECT_FALSE(parse({"proxy"}));
}

}  // namespace
}  // namespace roundhouse::cli
